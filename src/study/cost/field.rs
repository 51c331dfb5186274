//! Receptive fields: which pixels of the image a pixel of a node can depend on, along each axis.
//!
//! For a chain of windows the field moves by a fixed stride and has one size: the recursion of Araujo, Norris and Sim,
//! "Computing Receptive Fields of Convolutional Neural Networks" (Distill 2019). Here it is carried over to whole graphs.
//! Upsampling gives neighbouring pixels different fields that repeat after a few pixels (the phases of a [`FieldIntervals`]); where
//! branches meet, the field is the smallest interval that holds those of all branches.
//!
//! Fields are counted as if each map went on beyond its border, as the recursion does: near the border part of a field is
//! padding. What a global pool or a norm over the map reads is not an interval around a pixel; [`AxisField::sees_whole_axis`] says so.

use super::periodic_reads::PeriodicReads;
use crate::base::integer::gcd;
use crate::base::rational::Rational;
use crate::graph::ir::{Graph, NodeId};
use crate::graph::op::read_pattern::map_size;
use crate::graph::op::{KernelTaps, Op, ReadPattern};
use std::rc::Rc;

/// Phases that a window may have; nodes beyond stay [`FieldReach::Unknown`].
const MAX_PHASES: usize = 1 << 12;

/// Steps for one graph, after which the rest stays unknown. The zoo needs less than a hundredth.
const FUEL: usize = 1 << 25;

/// The fields of the pixels of a node along one axis, as intervals of image pixels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldIntervals {
    stride: Rational,
    /// First and last image pixel for pixels `0..phases.len()`; `None` for a pixel that reads nothing.
    phases: Vec<Option<[i64; 2]>>,
    /// How far the field moves over as many pixels as there are phases.
    step: i64,
}

impl FieldIntervals {
    /// The image itself: each pixel sees itself.
    fn image() -> Self {
        Self { stride: Rational::integer(1), phases: vec![Some([0, 0])], step: 1 }
    }

    /// Image pixels that one pixel sees; the most that any does.
    pub fn size(&self) -> u64 {
        self.phases.iter().flatten().map(|[first, last]| first.abs_diff(*last).saturating_add(1)).max().unwrap_or(0)
    }

    /// Image pixels from the field of one pixel to that of the next, on average. Where branches with different strides
    /// meet, that with the smallest denominator: ragged strides come from resizing maps whose size was rounded.
    pub fn stride(&self) -> Rational {
        self.stride
    }

    /// Centre of the first field, in image pixels: 0 is the centre of the first pixel, halves lie between two.
    pub fn offset(&self) -> f64 {
        self.phases.iter().flatten().next().map_or(0.0, |[first, last]| (*first as f64 + *last as f64) / 2.0)
    }

    /// First and last image pixel that pixel `i` sees, borders not considered. `None` if it sees none.
    pub fn interval(&self, i: i64) -> Option<[i64; 2]> {
        self.checked_interval(i).flatten()
    }

    /// The same; `None` for numbers beyond 64 bits.
    fn checked_interval(&self, i: i64) -> Option<Option<[i64; 2]>> {
        let n = self.phases.len() as i64;
        let Some([first, last]) = self.phases[i.rem_euclid(n) as usize] else { return Some(None) };
        let moved = i.div_euclid(n).checked_mul(self.step)?;
        Some(Some([first.checked_add(moved)?, last.checked_add(moved)?]))
    }

    /// With as many phases as there are pixels, which is exact for each of them whatever the steps are.
    fn from_table(stride: Rational, phases: Vec<Option<[i64; 2]>>) -> Self {
        let step = (phases.len() as f64 * stride.to_f64()).round() as i64;
        Self { stride, step, phases }
    }
}

/// What is known of a field along one axis.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FieldReach {
    /// Nothing, or nothing but what [`AxisField::sees_whole_axis`] tells.
    Nothing,
    /// An interval of image pixels around each pixel.
    Intervals(Rc<FieldIntervals>),
    /// Not computed: steps that repeat after more than 4096 pixels only, or numbers beyond 64 bits.
    Unknown,
}

/// The receptive field of a node along one axis.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AxisField {
    /// What windows (convolutions, pools, interpolation) let a pixel see.
    pub reach: FieldReach,
    /// A global pool, or a norm over the map, has let every pixel of the axis in.
    pub sees_whole_axis: bool,
}

impl AxisField {
    /// Returns the field as intervals of image pixels; `None` where nothing is seen through windows or it was not
    /// computed.
    pub fn intervals(&self) -> Option<&FieldIntervals> {
        if let FieldReach::Intervals(window) = &self.reach { Some(window) } else { None }
    }
}

/// Down and across.
pub type ReceptiveField = [AxisField; 2];

/// Image pixels that are seen along the axis where fewer are, in an image of this height and width: the whole side where
/// all is read at once. `None` where it is not known.
pub fn narrower_side(field: &ReceptiveField, image: [usize; 2]) -> Option<u64> {
    let side = |(axis, side): (&AxisField, usize)| match &axis.reach {
        FieldReach::Intervals(window) => Some(window.size()),
        FieldReach::Nothing => Some(if axis.sees_whole_axis { side as u64 } else { 0 }),
        FieldReach::Unknown => None,
    };
    let [h, w] = [0, 1].map(|i| side((&field[i], image[i])));
    Some(h?.min(w?))
}

/// The field of each node, by node id. All outputs of a node have the same.
pub fn receptive_fields(graph: &Graph) -> Vec<ReceptiveField> {
    let mut budget = FUEL;
    let nothing = || AxisField { reach: FieldReach::Nothing, sees_whole_axis: false };
    let mut all: Vec<ReceptiveField> = (0..graph.len()).map(|_| [nothing(), nothing()]).collect();
    for id in graph.order() {
        all[id.index()] = node_field(graph, id, &all, &mut budget);
    }
    all
}

fn node_field(graph: &Graph, id: NodeId, all: &[ReceptiveField], budget: &mut usize) -> ReceptiveField {
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
                ReadPattern::Unpooled => reach_through(unpooled(), &from.reach, n[axis], budget),
                ReadPattern::Shift(_)
                | ReadPattern::Window(_)
                | ReadPattern::Transposed(_)
                | ReadPattern::Interpolated { .. }
                | ReadPattern::Bins { .. } => {
                    reach_through(PeriodicReads::of(reads[axis]), &from.reach, n[axis], budget)
                }
            };
            joined.sees_whole_axis |=
                from.sees_whole_axis || matches!(reads[axis], ReadPattern::All | ReadPattern::SameAndAll);
            let before = std::mem::replace(&mut joined.reach, FieldReach::Nothing);
            joined.reach = join_reach(before, near, n[axis], budget);
        }
    }
    joined
}

/// The windows of the pool that made the indices of an unpooling.
fn unpool_taps(graph: &Graph, inputs: &[crate::graph::ir::Outlet]) -> Option<[KernelTaps; 2]> {
    match &graph.node(inputs.get(1)?.node).op {
        Op::MaxPoolWithIndex(pool) => Some(pool.0.taps()),
        _ => None,
    }
}

fn reach_through(relation: Option<PeriodicReads>, from: &FieldReach, n: usize, budget: &mut usize) -> FieldReach {
    match (from, relation) {
        (FieldReach::Nothing, _) => FieldReach::Nothing,
        (FieldReach::Intervals(window), Some(relation)) => compose_intervals(&relation, window, n, budget)
            .map_or(FieldReach::Unknown, |w| FieldReach::Intervals(Rc::new(w))),
        (FieldReach::Unknown, _) | (_, None) => FieldReach::Unknown,
    }
}

/// The field of a node of `n` pixels that reads, as the relation says, a node whose field is known.
fn compose_intervals(
    relation: &PeriodicReads,
    from: &FieldIntervals,
    n: usize,
    budget: &mut usize,
) -> Option<FieldIntervals> {
    let stride = from.stride.checked_mul(Rational::new(relation.step.into(), relation.period.into())?)?;
    let count = from.phases.len() as i64;
    // After this many periods of the relation the phases of `from` come round again.
    let rounds = count / gcd(count, relation.step).max(1);
    let period = relation.period.checked_mul(rounds);
    let tapped = |i: i64| -> Option<Option<[i64; 2]>> {
        let Some(taps) = relation.taps(i) else { return Some(None) };
        // Taps of the same phase see more the further out they are: one of each phase at either end is enough.
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
    *budget = budget.checked_sub(work)?;
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

/// The smallest intervals that hold those of both branches of a join with `n` pixels.
fn join_reach(a: FieldReach, b: FieldReach, n: usize, budget: &mut usize) -> FieldReach {
    match (a, b) {
        (FieldReach::Unknown, _) | (_, FieldReach::Unknown) => FieldReach::Unknown,
        (FieldReach::Nothing, other) | (other, FieldReach::Nothing) => other,
        (FieldReach::Intervals(a), FieldReach::Intervals(b)) => {
            if a == b {
                return FieldReach::Intervals(a);
            }
            join_intervals(&a, &b, n, budget).map_or(FieldReach::Unknown, |w| FieldReach::Intervals(Rc::new(w)))
        }
    }
}

fn join_intervals(a: &FieldIntervals, b: &FieldIntervals, n: usize, budget: &mut usize) -> Option<FieldIntervals> {
    let (na, nb) = (a.phases.len() as i64, b.phases.len() as i64);
    let period = (na / gcd(na, nb).max(1)).checked_mul(nb)?;
    let phases = period.min(n as i64);
    if phases as usize > MAX_PHASES {
        return None;
    }
    *budget = budget.checked_sub(phases as usize)?;
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
