//! Receptive fields: the image pixels that a pixel of a node depends on, along each axis.
//!
//! For a chain of windows, the field has a fixed stride and size: the recursion of Araujo, Norris and Sim,
//! "Computing Receptive Fields of Convolutional Neural Networks" (Distill 2019). It is generalised here to graphs.
//! With upsampling, neighbouring pixels have different fields that repeat after a few pixels (the phases of
//! [`FieldIntervals`]); where branches meet, the field is the smallest interval that contains those of all branches.
//!
//! As in the recursion, fields ignore borders: near the border, part of a field is padding. A global pool or a norm over
//! the map reads no interval around a pixel; [`AxisField::sees_whole_axis`] records them.

use super::periodic_reads::PeriodicReads;
use crate::base::integer::gcd;
use crate::base::rational::Rational;
use crate::graph::ir::{Graph, NodeId};
use crate::graph::op::read_pattern::map_size;
use crate::graph::op::{KernelTaps, Op, ReadPattern};
use std::rc::Rc;

/// Maximum number of phases; nodes with more are [`FieldReach::Unknown`].
const MAX_PHASES: usize = 1 << 12;

/// Maximum number of steps for one graph; the fields of the remaining nodes are unknown. The zoo needs less than 1 % of it.
const FUEL: usize = 1 << 25;

/// The fields of the pixels of a node along one axis, as intervals of image pixels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldIntervals {
    stride: Rational,
    /// First and last image pixel for pixels `0..phases.len()`; `None` for a pixel that reads nothing.
    phases: Vec<Option<[i64; 2]>>,
    /// Shift of the field over `phases.len()` pixels, in image pixels.
    step: i64,
}

impl FieldIntervals {
    /// Returns the field of the image: each pixel sees itself.
    fn image() -> Self {
        Self { stride: Rational::integer(1), phases: vec![Some([0, 0])], step: 1 }
    }

    /// Returns the largest number of image pixels that one pixel sees.
    pub fn size(&self) -> u64 {
        self.phases.iter().flatten().map(|[first, last]| first.abs_diff(*last).saturating_add(1)).max().unwrap_or(0)
    }

    /// Returns the average distance between the fields of neighbouring pixels, in image pixels. Where branches with
    /// different strides meet, the stride with the smallest denominator is taken: ragged strides come from resizing maps
    /// whose size was rounded.
    pub fn stride(&self) -> Rational {
        self.stride
    }

    /// Returns the centre of the first field, in image pixels: 0 is the centre of the first pixel, halves lie between two.
    pub fn offset(&self) -> f64 {
        self.phases.iter().flatten().next().map_or(0.0, |[first, last]| (*first as f64 + *last as f64) / 2.0)
    }

    /// Returns the first and last image pixel that pixel `i` sees, ignoring borders; `None` if it sees none.
    pub fn interval(&self, i: i64) -> Option<[i64; 2]> {
        self.checked_interval(i).flatten()
    }

    /// Computes [`FieldIntervals::interval`]; the outer `None` is an overflow of 64 bits.
    fn checked_interval(&self, i: i64) -> Option<Option<[i64; 2]>> {
        let n = self.phases.len() as i64;
        let Some([first, last]) = self.phases[i.rem_euclid(n) as usize] else { return Some(None) };
        let moved = i.div_euclid(n).checked_mul(self.step)?;
        Some(Some([first.checked_add(moved)?, last.checked_add(moved)?]))
    }

    /// Makes intervals with one phase per pixel, which is exact for any step.
    fn from_table(stride: Rational, phases: Vec<Option<[i64; 2]>>) -> Self {
        let step = (phases.len() as f64 * stride.to_f64()).round() as i64;
        Self { stride, step, phases }
    }
}

/// The part of a receptive field along one axis that windows cause.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FieldReach {
    /// Nothing is seen through windows; see [`AxisField::sees_whole_axis`].
    Nothing,
    /// An interval of image pixels around each pixel.
    Intervals(Rc<FieldIntervals>),
    /// Unknown: the field repeats after more than 4096 pixels, or exceeds 64 bits.
    Unknown,
}

/// The receptive field of a node along one axis.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AxisField {
    /// Image pixels seen through windows (convolutions, pools, interpolation).
    pub reach: FieldReach,
    /// Whether every pixel of the axis is seen through a global pool or a norm over the map.
    pub sees_whole_axis: bool,
}

impl AxisField {
    /// Returns the field as intervals of image pixels; `None` if nothing is seen through windows or the field
    /// is unknown.
    pub fn intervals(&self) -> Option<&FieldIntervals> {
        if let FieldReach::Intervals(window) = &self.reach { Some(window) } else { None }
    }
}

/// The receptive field of a node along the vertical and the horizontal axis.
pub type ReceptiveField = [AxisField; 2];

/// Returns the smaller side of a receptive field in image pixels, in an image of this height and width. A side that is read
/// as a whole counts completely. `None` if it is unknown.
pub fn narrower_side(field: &ReceptiveField, image: [usize; 2]) -> Option<u64> {
    let side = |(axis, side): (&AxisField, usize)| match &axis.reach {
        FieldReach::Intervals(window) => Some(window.size()),
        FieldReach::Nothing => Some(if axis.sees_whole_axis { side as u64 } else { 0 }),
        FieldReach::Unknown => None,
    };
    let [h, w] = [0, 1].map(|i| side((&field[i], image[i])));
    Some(h?.min(w?))
}

/// Computes the receptive field of each node, by node id. All outputs of a node have the same field.
pub fn receptive_fields(graph: &Graph) -> Vec<ReceptiveField> {
    let mut fuel = FUEL;
    let nothing = || AxisField { reach: FieldReach::Nothing, sees_whole_axis: false };
    let mut all: Vec<ReceptiveField> = (0..graph.len()).map(|_| [nothing(), nothing()]).collect();
    for id in graph.order() {
        all[id.index()] = node_field(graph, id, &all, &mut fuel);
    }
    all
}

fn node_field(graph: &Graph, id: NodeId, all: &[ReceptiveField], fuel: &mut usize) -> ReceptiveField {
    let node = graph.node(id);
    if let Op::Input(_) = node.op {
        return [0, 1].map(|_| AxisField {
            reach: FieldReach::Intervals(Rc::new(FieldIntervals::image())),
            sees_whole_axis: false,
        });
    }
    let (inputs, types) = (graph.inputs(id), graph.input_types(id));
    let n = map_size(&node.outputs[0]);
    let mut joined = [0, 1].map(|_| AxisField { reach: FieldReach::Nothing, sees_whole_axis: false });
    for (slot, outlet) in inputs.iter().enumerate() {
        let reads = node.op.reads(slot, &types, &node.outputs);
        for (axis, joined) in joined.iter_mut().enumerate() {
            let from = &all[outlet.node.index()][axis];
            let unpooled = || unpool_taps(graph, &inputs).map(|taps| PeriodicReads::transposed(taps[axis]));
            let near = match reads[axis] {
                ReadPattern::Nothing => continue,
                ReadPattern::All => FieldReach::Nothing,
                ReadPattern::Same | ReadPattern::SameAndAll => from.reach.clone(),
                ReadPattern::Unpooled => reach_through(unpooled(), &from.reach, n[axis], fuel),
                ReadPattern::Shift(_)
                | ReadPattern::Window(_)
                | ReadPattern::Transposed(_)
                | ReadPattern::Interpolated { .. }
                | ReadPattern::Bins { .. } => reach_through(PeriodicReads::of(reads[axis]), &from.reach, n[axis], fuel),
            };
            joined.sees_whole_axis |=
                from.sees_whole_axis || matches!(reads[axis], ReadPattern::All | ReadPattern::SameAndAll);
            let before = std::mem::replace(&mut joined.reach, FieldReach::Nothing);
            joined.reach = join_reach(before, near, n[axis], fuel);
        }
    }
    joined
}

/// Returns the windows of the pool that produced the indices of an unpooling.
fn unpool_taps(graph: &Graph, inputs: &[crate::graph::ir::Outlet]) -> Option<[KernelTaps; 2]> {
    match &graph.node(inputs.get(1)?.node).op {
        Op::MaxPoolWithIndex(pool) => Some(pool.0.taps()),
        _ => None,
    }
}

fn reach_through(relation: Option<PeriodicReads>, from: &FieldReach, n: usize, fuel: &mut usize) -> FieldReach {
    match (from, relation) {
        (FieldReach::Nothing, _) => FieldReach::Nothing,
        (FieldReach::Intervals(window), Some(relation)) => compose_intervals(&relation, window, n, fuel)
            .map_or(FieldReach::Unknown, |w| FieldReach::Intervals(Rc::new(w))),
        (FieldReach::Unknown, _) | (_, None) => FieldReach::Unknown,
    }
}

/// Computes the field of a node of `n` pixels that reads, by `relation`, a node with field `from`.
fn compose_intervals(
    relation: &PeriodicReads,
    from: &FieldIntervals,
    n: usize,
    fuel: &mut usize,
) -> Option<FieldIntervals> {
    let stride = from.stride.checked_mul(Rational::new(relation.step.into(), relation.period.into())?)?;
    let count = from.phases.len() as i64;
    // After this many periods of the relation, the phases of `from` repeat.
    let rounds = count / gcd(count, relation.step).max(1);
    let period = relation.period.checked_mul(rounds);
    let tapped = |i: i64| -> Option<Option<[i64; 2]>> {
        let Some(taps) = relation.taps(i) else { return Some(None) };
        // Within a phase, the outermost taps see the outermost pixels: one tap per phase at either end is enough.
        let ends = taps.count.min(count);
        let mut seen: Option<[i64; 2]> = None;
        for t in (0..ends).chain(taps.count - ends..taps.count) {
            let at = taps.first.checked_add(t.checked_mul(taps.spacing)?)?;
            seen = hull(seen, from.checked_interval(at)?);
        }
        Some(seen)
    };
    let phases = period.unwrap_or(i64::MAX).min(n as i64);
    if phases as usize > MAX_PHASES {
        return None;
    }
    let work = (phases as usize).saturating_mul(relation.most_taps.min(count) as usize);
    *fuel = fuel.checked_sub(work)?;
    let seen: Vec<_> = (0..phases).map(tapped).collect::<Option<_>>()?;
    if period == Some(phases) {
        let step = (relation.step.checked_mul(rounds)? / count).checked_mul(from.step)?;
        return Some(FieldIntervals { stride, phases: seen, step });
    }
    Some(FieldIntervals::from_table(stride, seen))
}

fn hull(a: Option<[i64; 2]>, b: Option<[i64; 2]>) -> Option<[i64; 2]> {
    match (a, b) {
        (Some(a), Some(b)) => Some([a[0].min(b[0]), a[1].max(b[1])]),
        (a, b) => a.or(b),
    }
}

/// Joins the fields of two branches with `n` pixels into the smallest intervals that contain both.
fn join_reach(a: FieldReach, b: FieldReach, n: usize, fuel: &mut usize) -> FieldReach {
    match (a, b) {
        (FieldReach::Unknown, _) | (_, FieldReach::Unknown) => FieldReach::Unknown,
        (FieldReach::Nothing, other) | (other, FieldReach::Nothing) => other,
        (FieldReach::Intervals(a), FieldReach::Intervals(b)) => {
            if a == b {
                return FieldReach::Intervals(a);
            }
            join_intervals(&a, &b, n, fuel).map_or(FieldReach::Unknown, |w| FieldReach::Intervals(Rc::new(w)))
        }
    }
}

fn join_intervals(a: &FieldIntervals, b: &FieldIntervals, n: usize, fuel: &mut usize) -> Option<FieldIntervals> {
    let (na, nb) = (a.phases.len() as i64, b.phases.len() as i64);
    let period = (na / gcd(na, nb).max(1)).checked_mul(nb)?;
    let phases = period.min(n as i64);
    if phases as usize > MAX_PHASES {
        return None;
    }
    *fuel = fuel.checked_sub(phases as usize)?;
    let both = |i| Some(hull(a.checked_interval(i)?, b.checked_interval(i)?));
    let (step, other) = (a.step.checked_mul(period / na)?, b.step.checked_mul(period / nb)?);
    let stride = if a.stride.den() <= b.stride.den() { a.stride } else { b.stride };
    if step == other && phases == period {
        return Some(FieldIntervals { stride, step, phases: (0..period).map(both).collect::<Option<_>>()? });
    }
    if n > MAX_PHASES {
        return None;
    }
    Some(FieldIntervals::from_table(stride, (0..n as i64).map(both).collect::<Option<_>>()?))
}
