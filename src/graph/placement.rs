//! Where the pixels of each map lie in the image.
//!
//! Along an axis, pixel `i` of a map lies around position `stride * (i + 0.5) + start` of the image, whose own pixels have stride 1
//! and start 0. Windows, padding, crops and interpolation each change the two in a known way (Araujo, Norris and Sim, "Computing
//! Receptive Fields of Convolutional Neural Networks", Distill 2019, for chains). Sizes alone do not show where a map lies: what
//! unpadded convolutions leave is the middle of the image, and resizing it to the image's size puts it beside.

use super::ir::{Graph, NodeId, Outlet};
use super::op::read_pattern::map_size;
use super::op::{KernelTaps, Op, ReadPattern};

/// The place of a map along one axis, in pixels of the image.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct AxisPlacement {
    /// Distance of neighbouring pixels.
    pub stride: f64,
    /// Position of the edge before the first pixel.
    pub start: f64,
    /// Position of the edge behind the last pixel.
    pub end: f64,
    /// By how much windows with a stride may displace a map that was padded as usual: a 3x3 kernel with stride 2 and padding 1
    /// lies half a pixel before the middle of its two pixels.
    slack: f64,
    /// By how much one kernel of even width, or a crop of an odd number of pixels, may displace it.
    uneven: f64,
    /// Pixels at the end that no window reads, since the size is no multiple of the stride.
    unread: f64,
    /// The last interpolation on the way from the image.
    pub resized: Option<NodeId>,
}

/// The place of a map along the vertical and the horizontal axis; `None` where its pixels have no place, as after a global pool
/// or a reshape.
pub(crate) type MapPlacement = [Option<AxisPlacement>; 2];

/// Two inputs of one node that lie apart.
#[derive(Debug, Clone, Copy)]
pub(crate) struct DisplacedParts {
    pub node: NodeId,
    /// 0 for the height, 1 for the width.
    pub axis: usize,
    pub parts: [AxisPlacement; 2],
}

/// Computes the placement of each node, by node id, and the nodes whose inputs lie apart. All outputs of a node have one place.
pub(crate) fn placements(graph: &Graph) -> (Vec<MapPlacement>, Vec<DisplacedParts>) {
    let mut all: Vec<MapPlacement> = vec![[None; 2]; graph.len()];
    let mut displaced = Vec::new();
    for id in graph.order() {
        all[id.index()] = if let Op::Input(_) = graph.node(id).op {
            map_size(&graph.node(id).outputs[0]).map(|n| Some(AxisPlacement::image(n)))
        } else {
            [0, 1].map(|axis| join_parts(id, axis, &parts(graph, id, axis, &all), &mut displaced))
        };
    }
    (all, displaced)
}

/// Returns where each input of a node puts its output along an axis, without the inputs that tell nothing of it.
fn parts(graph: &Graph, id: NodeId, axis: usize, all: &[MapPlacement]) -> Vec<AxisPlacement> {
    let (node, types) = (graph.node(id), graph.input_types(id));
    let to = map_size(&node.outputs[0])[axis];
    let part = |(slot, input): (usize, Outlet)| {
        let reads = node.op.reads(slot, &types, &node.outputs)[axis];
        let pixels = [map_size(&types[slot])[axis], to];
        let unpooled = || Some(unpool_taps(graph, id)?[axis]);
        all[input.node.index()][axis]?.through(reads, pixels, id, unpooled)
    };
    graph.inputs(id).into_iter().enumerate().filter_map(part).collect()
}

/// Returns the place of what a node joins, which is that of the part with the finest path from the image.
fn join_parts(
    node: NodeId,
    axis: usize,
    parts: &[AxisPlacement],
    displaced: &mut Vec<DisplacedParts>,
) -> Option<AxisPlacement> {
    let mut joined = *parts.first()?;
    for part in &parts[1..] {
        if !joined.lies_on(part) {
            displaced.push(DisplacedParts { node, axis, parts: [joined, *part] });
        }
        if part.slack < joined.slack {
            joined = *part;
        }
    }
    Some(joined)
}

/// Returns the windows of the pool that produced the indices of an unpooling.
fn unpool_taps(graph: &Graph, id: NodeId) -> Option<[KernelTaps; 2]> {
    let Op::MaxPoolWithIndex(pool) = &graph.node(graph.inputs(id).get(1)?.node).op else { return None };
    Some(pool.0.taps())
}

impl AxisPlacement {
    /// Returns the place of the image itself, of `n` pixels.
    pub(crate) fn image(n: usize) -> Self {
        Self { stride: 1.0, start: 0.0, end: n as f64, slack: 0.0, uneven: 0.0, unread: 0.0, resized: None }
    }

    /// Returns how far the edges of two maps lie apart, in pixels of the image.
    pub(crate) fn distance(&self, other: &AxisPlacement) -> f64 {
        (self.start - other.start).abs().max((self.end - other.end).abs())
    }

    /// Returns whether two maps of one size lie on each other: within half a pixel of the image, besides what strides and even
    /// kernels cause.
    pub(crate) fn lies_on(&self, other: &AxisPlacement) -> bool {
        let allowed = 0.5 + 1e-6 + self.slack + other.slack + self.uneven.max(other.uneven);
        (self.start - other.start).abs() <= allowed
            && (self.end - other.end).abs() <= allowed + self.unread + other.unread
    }

    /// Returns the place of an output of `to` pixels that reads a map of `from` pixels at this place.
    fn through(
        self,
        reads: ReadPattern,
        [from, to]: [usize; 2],
        id: NodeId,
        unpooled: impl FnOnce() -> Option<KernelTaps>,
    ) -> Option<AxisPlacement> {
        match reads {
            ReadPattern::Nothing | ReadPattern::All => None,
            ReadPattern::Same | ReadPattern::SameAndAll => Some(self),
            ReadPattern::Shift(by) => {
                let moved = self.moved(self.stride, by as f64, to);
                let odd = from.abs_diff(to) % 2 == 1;
                Some(AxisPlacement {
                    uneven: if odd { self.uneven.max(0.5 * self.stride) } else { self.uneven },
                    ..moved
                })
            }
            ReadPattern::Window(taps) => Some(self.through_window(taps, from, to)),
            ReadPattern::Transposed(taps) => Some(self.through_transposed(taps, to)),
            ReadPattern::Unpooled => Some(self.through_transposed(unpooled()?, to)),
            // Where corners are aligned, they are meant to be those of the map.
            ReadPattern::Interpolated { .. } => Some(AxisPlacement { resized: Some(id), ..self.stretched(from, to) }),
            ReadPattern::Bins { .. } => Some(self.stretched(from, to)),
        }
    }

    /// Returns the place of `to` pixels with another stride; `by` is the shift of the first one in pixels of this map.
    fn moved(self, stride: f64, by: f64, to: usize) -> AxisPlacement {
        let start = self.start + self.stride * by;
        AxisPlacement { stride, start, end: start + stride * to as f64, ..self }
    }

    fn stretched(self, from: usize, to: usize) -> AxisPlacement {
        self.moved(self.stride * from as f64 / to.max(1) as f64, 0.0, to)
    }

    fn through_window(self, taps: KernelTaps, from: usize, to: usize) -> AxisPlacement {
        let KernelTaps { stride, pad, .. } = taps;
        let width = kernel_width(taps);
        let (step, pad) = (stride as f64, pad as f64);
        let moved = self.moved(self.stride * step, (width - step) / 2.0 - pad, to);
        // Both sides are padded alike.
        let read = to.saturating_sub(1) as f64 * step + width - 2.0 * pad;
        let unread = (from as f64 - read).clamp(0.0, step - 1.0);
        AxisPlacement { unread: self.unread + unread * self.stride, ..moved.loosened(self.stride, step, width) }
    }

    fn through_transposed(self, taps: KernelTaps, to: usize) -> AxisPlacement {
        let KernelTaps { stride, pad, .. } = taps;
        let width = kernel_width(taps);
        let step = stride.max(1) as f64;
        let finer = self.stride / step;
        let moved = self.moved(finer, 0.5 + (2.0 * pad as f64 - width) / (2.0 * step), to);
        moved.loosened(finer, step, width)
    }

    /// Allows for the displacement by a window of this step and width over pixels of a stride.
    fn loosened(self, stride: f64, step: f64, width: f64) -> AxisPlacement {
        let even = (width - step) % 2.0 != 0.0 && step == 1.0;
        let uneven = if even { self.uneven.max(0.5 * stride) } else { self.uneven };
        AxisPlacement { slack: self.slack + stride * (step - 1.0) / 2.0, uneven, ..self }
    }
}

/// Number of pixels from the first to the last tap.
fn kernel_width(taps: KernelTaps) -> f64 {
    taps.count.saturating_sub(1) as f64 * taps.dilation as f64 + 1.0
}
