//! The rows or columns that each position of a pooled axis reads.

use super::AxisTaps;
use crate::graph::op::PoolWindow;

/// Positions `start..end` of an axis, at least one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PoolBin {
    pub start: usize,
    pub end: usize,
    /// Number of positions that count in a mean: positions of the padding do, positions beyond it do not.
    pub size: usize,
}

/// Returns the bins of a sliding window along an axis of `from` positions that becomes one of `to`.
pub(crate) fn sliding(window: &PoolWindow, axis: usize, from: usize, to: usize) -> Vec<PoolBin> {
    let [kernel, stride, pad] = [window.kernel[axis], window.stride[axis], window.pad[axis]];
    let bin = |i: usize| {
        let (start, end) = (i * stride, (i * stride + kernel).min(from + 2 * pad));
        PoolBin { start: start.saturating_sub(pad), end: (end - pad).min(from), size: end - start }
    };
    (0..to).map(bin).collect()
}

/// Bin `i` is `floor(i * from / to)..ceil((i + 1) * from / to)`, as in `torch.nn.AdaptiveAvgPool2d`.
pub(crate) fn adaptive(from: usize, to: usize) -> Vec<PoolBin> {
    let bin = |i: usize| {
        let (start, end) = (i * from / to, ((i + 1) * from).div_ceil(to));
        PoolBin { start, end, size: end - start }
    };
    (0..to).map(bin).collect()
}

/// Returns the taps of means over bins.
pub(crate) fn means(from: usize, bins: &[PoolBin]) -> AxisTaps {
    AxisTaps::new(from, bins.len(), |i| {
        let PoolBin { start, end, size } = bins[i];
        (start..end).map(move |place| (place, 1.0 / size as f32))
    })
}
