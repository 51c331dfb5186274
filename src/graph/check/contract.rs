//! The size contract: the image sizes that a model accepts, inferred from one elaboration.
//!
//! Every constraint of the graph is a condition on formulas in H and W. A condition on one variable is periodic from some size
//! on: sums of `floor` and `ceil` grow by the same amount with every period, so their sign becomes constant or repeats. The
//! accepted sizes of each axis are therefore some small ones followed by a periodic pattern, which is found by evaluating the
//! conditions over one period. Conditions on both variables are not changed.

mod pattern;

pub use pattern::SizePattern;

use crate::graph::ir::{Graph, SizeConstraint};
use crate::graph::ty::{Cond, Dim, lcm};
use std::collections::BTreeSet;
use std::fmt;

/// The largest size that is evaluated.
const MAX_EVALUATED_SIZE: i128 = 1 << 16;
/// The largest number of evaluations for one axis.
const MAX_EVALUATIONS: i128 = 1 << 22;

/// The image sizes that a model accepts.
#[derive(Debug, Clone)]
pub struct SizeContract {
    /// The accepted heights and widths, each by itself. `None` where no pattern was found within the limits; then the constraints
    /// are in `joint`.
    pub axes: [Option<AxisSizes>; 2],
    /// Demands on height and width together, and those without a pattern.
    pub joint: Vec<SizeConstraint>,
    /// The conditions under which the graph stays the same. Nothing is known about sizes that do not meet all of them.
    pub path_conditions: Vec<SizeConstraint>,
    constraints: Vec<SizeConstraint>,
}

/// The sizes of one axis that meet the constraints on it alone.
#[derive(Debug, Clone)]
pub struct AxisSizes {
    /// The accepted sizes in pixels.
    pub pattern: SizePattern,
    /// The constraints that determine the pattern; the others follow from them.
    pub because: Vec<SizeConstraint>,
}

/// Whether the contract accepts an image size.
#[derive(Debug, Clone, Copy)]
pub enum SizeVerdict<'a> {
    /// The model accepts the size.
    Accepted,
    /// The model refuses the size because of this constraint.
    Refused(&'a SizeConstraint),
    /// The size does not meet this path condition, so the model file gives another graph there.
    Unknown(&'a SizeConstraint),
}

impl SizeContract {
    /// Derives the contract from the constraints and path conditions of a graph.
    pub fn of(graph: &Graph) -> Self {
        let mut joint = Vec::new();
        let mut single: [Vec<&SizeConstraint>; 2] = [Vec::new(), Vec::new()];
        for constraint in &graph.constraints {
            let on = [0, 1].map(|axis| constraint.any.iter().flatten().any(|cond| cond.dim().depends_on(axis)));
            match on {
                [true, false] => single[0].push(constraint),
                [false, true] => single[1].push(constraint),
                _ => joint.push(constraint.clone()),
            }
        }
        let mut axes = [None, None];
        for (axis, constraints) in single.iter().enumerate() {
            axes[axis] = AxisSizes::of(constraints, axis);
            if axes[axis].is_none() {
                joint.extend(constraints.iter().map(|d| (*d).clone()));
            }
        }
        joint.retain(|constraint| !implied(constraint, &axes));
        let zeros: BTreeSet<Dim> = joint
            .iter()
            .filter_map(|d| match &d.any[..] {
                [all] => match &all[..] {
                    [Cond::Zero(dim)] => Some([Some(dim.clone()), dim.times_n(-1)].into_iter().flatten()),
                    _ => None,
                },
                _ => None,
            })
            .flatten()
            .collect();
        // `x >= 0` follows from `x = 0`.
        joint.retain(
            |d| !matches!(&d.any[..], [all] if matches!(&all[..], [Cond::NotNegative(x)] if zeros.contains(x))),
        );
        Self { axes, joint, path_conditions: graph.path_conditions.clone(), constraints: graph.constraints.clone() }
    }

    /// Returns whether an image of `[height, width]` is accepted, with the reason where it is not.
    pub fn verdict(&self, size: [usize; 2]) -> SizeVerdict<'_> {
        if let Some(condition) = self.path_conditions.iter().find(|p| !p.holds(size)) {
            return SizeVerdict::Unknown(condition);
        }
        match self.constraints.iter().find(|d| !d.holds(size)) {
            Some(constraint) => SizeVerdict::Refused(constraint),
            None => SizeVerdict::Accepted,
        }
    }

    /// Returns whether an image of `[height, width]` is certainly accepted; `false` also for [`SizeVerdict::Unknown`].
    pub fn accepts(&self, size: [usize; 2]) -> bool {
        matches!(self.verdict(size), SizeVerdict::Accepted)
    }

    /// Returns up to two accepted sizes near a size, nearest first by the sum of the differences along both axes.
    pub fn nearest(&self, [h, w]: [usize; 2]) -> Vec<[usize; 2]> {
        let near = |axis: usize, n: usize| match &self.axes[axis] {
            Some(sizes) => sizes.pattern.near(n, 8),
            None => (n.saturating_sub(64).max(1)..n + 64).collect(),
        };
        let widths = near(1, w);
        let mut found: Vec<[usize; 2]> = Vec::new();
        for h in near(0, h) {
            found.extend(widths.iter().map(|&w| [h, w]).filter(|&size| self.accepts(size)));
        }
        found.sort_by_key(|&[a, b]| (a.abs_diff(h) + b.abs_diff(w), a, b));
        found.truncate(2);
        found
    }

    /// Returns whether height and width have the same pattern.
    fn is_square(&self) -> bool {
        match &self.axes {
            [Some(a), Some(b)] => a.pattern == b.pattern,
            _ => false,
        }
    }
}

/// Writes `H and W: multiples of 16`, followed by up to three constraints on both.
impl fmt::Display for SizeContract {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.axes {
            [Some(a), _] if self.is_square() => write!(f, "H and W: {}", a.pattern)?,
            axes => {
                for (i, (name, sizes)) in ["H", "W"].iter().zip(axes).enumerate() {
                    let text = sizes.as_ref().map_or("as below".to_string(), |s| s.pattern.to_string());
                    write!(f, "{}{name}: {text}", if i > 0 { "; " } else { "" })?;
                }
            }
        }
        for constraint in self.joint.iter().take(3) {
            write!(f, "; {}", condition(constraint))?;
        }
        if self.joint.len() > 3 {
            write!(f, "; and {} more", self.joint.len() - 3)?;
        }
        Ok(())
    }
}

/// Returns a constraint as text: `H - W = 0`.
pub fn condition(constraint: &SizeConstraint) -> String {
    let one = |cond: &Cond| match cond {
        Cond::Zero(dim) => format!("{dim} = 0"),
        Cond::NotNegative(dim) => format!("{dim} >= 0"),
        Cond::NotZero(dim) => format!("{dim} != 0"),
    };
    let all = |list: &Vec<Cond>| list.iter().map(one).collect::<Vec<_>>().join(" and ");
    constraint.any.iter().map(all).collect::<Vec<_>>().join(", or ")
}

impl AxisSizes {
    fn of(constraints: &[&SizeConstraint], axis: usize) -> Option<Self> {
        let (mut period, mut start) = (1, 1);
        let dims: BTreeSet<&Dim> = constraints.iter().flat_map(|d| d.any.iter().flatten()).map(Cond::dim).collect();
        let longest = MAX_EVALUATED_SIZE.min(MAX_EVALUATIONS / (dims.len() as i128 + 1));
        for dim in dims {
            let (p, s) = periodic_sign(dim, axis, longest)?;
            period = lcm(period, p)?;
            start = start.max(s);
        }
        let end = start + period;
        if end > longest {
            return None;
        }
        let size = |n: i128| if axis == 0 { [n as usize, 1] } else { [1, n as usize] };
        // The sizes that each constraint accepts. Constraints that exclude most come first; those that exclude nothing more
        // are not listed.
        let mut masks: Vec<(Vec<bool>, &SizeConstraint)> =
            constraints.iter().map(|d| ((1..end).map(|n| d.holds(size(n))).collect(), *d)).collect();
        masks.sort_by_key(|(mask, _)| mask.iter().filter(|ok| **ok).count());
        let mut accepted = vec![true; (end - 1) as usize];
        let mut because = Vec::new();
        for (mask, constraint) in masks {
            let mut news = false;
            for (ok, lets) in accepted.iter_mut().zip(mask) {
                news |= *ok && !lets;
                *ok &= lets;
            }
            if news {
                because.push(constraint.clone());
            }
        }
        Some(Self { pattern: SizePattern::new(accepted, period as usize), because })
    }
}

/// Returns whether every size that both axes accept meets the constraint.
fn implied(constraint: &SizeConstraint, axes: &[Option<AxisSizes>; 2]) -> bool {
    let always = |cond: &Cond| {
        let axis = match [0, 1].map(|axis| cond.dim().depends_on(axis)) {
            [true, false] => 0,
            [false, true] => 1,
            [false, false] => return cond.as_const() == Some(true),
            [true, true] => return false,
        };
        let Some(sizes) = &axes[axis] else { return false };
        let Some((period, from)) = periodic_sign(cond.dim(), axis, MAX_EVALUATED_SIZE) else { return false };
        let pattern = &sizes.pattern;
        let end = lcm(period, pattern.remainders.len() as i128).map(|p| p + from.max(pattern.start as i128));
        end.filter(|end| *end <= MAX_EVALUATED_SIZE).is_some_and(|end| {
            (1..end as usize)
                .filter(|&n| pattern.contains(n))
                .all(|n| cond.holds(if axis == 0 { [n, 1] } else { [1, n] }))
        })
    };
    constraint.any.iter().any(|all| all.iter().all(always))
}

/// Returns a period of a formula in one variable, and a size from which on its sign repeats with it. `None` beyond `longest`.
fn periodic_sign(dim: &Dim, axis: usize, longest: i128) -> Option<(i128, i128)> {
    let mut from = 1;
    let mut period = dim.period()?;
    for (a, b) in dim.min_operands() {
        let (p, start) = periodic_sign(&a.minus(&b)?, axis, longest)?;
        period = lcm(period, p)?;
        from = from.max(start);
    }
    if from + period > longest {
        return None;
    }
    let at = |n: i128| dim.eval(if axis == 0 { [n as usize, 1] } else { [1, n as usize] });
    let values: Vec<i128> = (from..from + period).map(at).collect::<Option<_>>()?;
    let growth = at(from + period)? - values[0];
    let (least, most) = (values.iter().min()?, values.iter().max()?);
    // The number of periods until every value has the sign of the growth.
    let wait = match growth {
        0 => 0,
        g if g > 0 => (1 - least).max(0).div_euclid(g) + 1,
        g => (1 + most).max(0).div_euclid(-g) + 1,
    };
    Some((period, from + wait.checked_mul(period)?))
}
