//! Effective MACs: the multiplications of convolutions and linear layers by a pixel rather than by padding.
//!
//! A convolution also multiplies the zeros of its padding: with dilation 20 on a map of 28x28 they are the majority. A
//! transposed convolution also multiplies for pixels that its `pad` crops. Neither affects the result.

use crate::graph::ir::Graph;
use crate::graph::op::read_pattern::map_size;
use crate::graph::op::{KernelTaps, ReadPattern};
use crate::graph::ty::TensorType;

/// Counts the MACs of each node, by node id, that touch pixels, out of those that convention `conv` counts. Exact.
pub fn effective_macs(graph: &Graph) -> Vec<u64> {
    let mut all = vec![0; graph.len()];
    for id in graph.order() {
        let node = graph.node(id);
        let inputs = graph.input_types(id);
        let macs = node.op.macs(&inputs, &node.outputs);
        if macs == 0 {
            continue;
        }
        let [down, across] = axis_pairs(&node.op, &inputs, &node.outputs);
        all[id.index()] = down.of(across.of(macs));
    }
    all
}

/// The (pixel, tap) pairs of a kernel along one axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TapPairs {
    /// Number of pairs that touch a pixel.
    pub inside: u64,
    /// Number of all pairs: output pixels times kernel taps along the axis.
    pub all: u64,
}

impl TapPairs {
    /// Returns the part of `macs` that touches pixels of this axis; `macs` is a multiple of `all`.
    fn of(self, macs: u64) -> u64 {
        (u128::from(macs / self.all.max(1)) * u128::from(self.inside)) as u64
    }
}

/// Counts the pairs of both axes; one pair for an operator that reads no window.
pub fn axis_pairs(op: &crate::graph::op::Op, inputs: &[TensorType], outputs: &[TensorType]) -> [TapPairs; 2] {
    let (from, to) = (map_size(&inputs[0]), map_size(&outputs[0]));
    let reads = op.reads(0, inputs, outputs);
    [0, 1].map(|i| match reads[i] {
        // Windows are output pixels, pixels those of the input.
        ReadPattern::Window(taps) => count_pairs(taps, to[i], from[i]),
        // The same pairs with input and output swapped.
        ReadPattern::Transposed(taps) => count_pairs(taps, from[i], to[i]),
        ReadPattern::Nothing
        | ReadPattern::Same
        | ReadPattern::Shift(_)
        | ReadPattern::Interpolated { .. }
        | ReadPattern::Bins { .. }
        | ReadPattern::Unpooled
        | ReadPattern::All
        | ReadPattern::SameAndAll => TapPairs { inside: 1, all: 1 },
    })
}

/// Counts the pairs of a window `i < windows` and a tap `t` with `0 <= i * stride + t * dilation - pad < pixels`.
pub fn count_pairs(taps: KernelTaps, windows: usize, pixels: usize) -> TapPairs {
    let [windows, pixels, count, stride, dilation, pad] =
        [windows, pixels, taps.count, taps.stride, taps.dilation, taps.pad].map(|n| n as u128);
    let below = |limit| pairs_below(limit, windows, stride, count, dilation);
    let inside = below(pixels + pad) - below(pad);
    TapPairs { inside: inside as u64, all: (windows * count) as u64 }
}

/// Counts the pairs `i < windows`, `t < taps` with `i * stride + t * dilation < limit`.
fn pairs_below(limit: u128, windows: u128, stride: u128, taps: u128, dilation: u128) -> u128 {
    // Taps below `full` have every window below the limit, taps from `end` on have none.
    let end = limit.div_ceil(dilation).min(taps);
    let last = (windows - 1) * stride;
    let full = if limit > last { (limit - last).div_ceil(dilation).min(taps) } else { 0 };
    // Between them, tap t has ceil((limit - t * dilation) / stride) windows; the sum starts at the last such tap.
    let rest = end - full;
    if rest == 0 {
        return full * windows;
    }
    let least = limit - (end - 1) * dilation;
    full * windows + floor_sum(rest, stride, dilation, least + stride - 1)
}

/// Sums floor((a * i + b) / m) over `i < n` in as many steps as Euclid's algorithm takes for `a` and `m`: integer parts are
/// summed directly, and the lattice points below the remaining line are counted along the other axis.
fn floor_sum(mut n: u128, mut m: u128, mut a: u128, mut b: u128) -> u128 {
    let mut sum = 0;
    loop {
        sum += n * n.saturating_sub(1) / 2 * (a / m) + n * (b / m);
        a %= m;
        b %= m;
        let top = a * n + b;
        if top < m {
            return sum;
        }
        n = top / m;
        b = top % m;
        (m, a) = (a, m);
    }
}
