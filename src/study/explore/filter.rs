//! The models of a sweep that hold what it asks of them.

use super::{SweepModel, sweep_models};
use crate::graph::check::{CheckedGraph, check};
use crate::graph::elaborate::elaborate;
use crate::graph::resolve::ResolvedProgram;
use crate::study::claim::{PeakBytes, SweepBound};
use crate::text::diag::{Diagnostic, Problems};
use crate::text::syntax::ast;

/// At which sizes the models of a sweep are built, and what is asked of them.
pub struct FilterQuery<'a> {
    /// One at least; `None` where the models say it themselves.
    pub sizes: &'a [Option<[usize; 2]>],
    /// All of them, at each size.
    pub bounds: &'a [SweepBound],
    /// What a run of a model holds at once.
    pub peaks: &'a dyn Fn(&CheckedGraph) -> PeakBytes,
}

/// How a bound thins a sweep out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct BoundRejections {
    /// For which it does not hold.
    pub variants: usize,
    /// Those of them for which all other bounds hold.
    pub by_this_alone: usize,
}

/// A sweep after its bounds.
#[derive(Debug)]
pub struct FilteredSweep<T> {
    /// Points of the sweep.
    pub tried: usize,
    /// Points whose model cannot be built, or not be held against a bound.
    pub broken: usize,
    /// For each bound.
    pub rejections: Vec<BoundRejections>,
    /// In the order of the sweep.
    pub kept: Vec<T>,
    /// What is wrong with the broken ones.
    pub problems: Problems,
}

impl<T> FilteredSweep<T> {
    /// Models that can be built and are not wanted.
    pub fn rejected(&self) -> usize {
        self.tried - self.broken - self.kept.len()
    }
}

impl<P, S> FilteredSweep<(P, S)> {
    /// Makes one value of each kept pair of a point and what was seen in it; the counts and problems stay.
    pub fn map<T>(self, make: impl Fn(P, S) -> T) -> FilteredSweep<T> {
        let FilteredSweep { tried, broken, rejections, kept, problems } = self;
        FilteredSweep { tried, broken, rejections, kept: kept.into_iter().map(|(p, s)| make(p, s)).collect(), problems }
    }
}

/// What `see` sees in each model that is kept, for each size. Models are built one after another and not held.
pub fn filter_variants<'a, T>(
    program: &ResolvedProgram<'_>,
    sweep: &'a ast::Sweep,
    asked: &FilterQuery<'_>,
    see: impl Fn(&CheckedGraph, &dyn Fn() -> PeakBytes) -> T,
) -> Result<FilteredSweep<(SweepModel<'a>, Vec<T>)>, Diagnostic> {
    let points = sweep_models(sweep)?;
    let rejections = vec![BoundRejections::default(); asked.bounds.len()];
    let mut all =
        FilteredSweep { tried: points.len(), broken: 0, rejections, kept: Vec::new(), problems: Problems::new() };
    for point in points {
        let mut fails = vec![false; asked.bounds.len()];
        match examine_model(program, &point, asked, &see, &mut fails) {
            Err(problems) => {
                all.broken += 1;
                all.problems.extend(problems);
            }
            Ok(seen) if fails.iter().all(|f| !f) => all.kept.push((point, seen)),
            Ok(_) => {
                let alone = fails.iter().filter(|f| **f).count() == 1;
                for (out, _) in all.rejections.iter_mut().zip(&fails).filter(|(_, f)| **f) {
                    out.variants += 1;
                    out.by_this_alone += usize::from(alone);
                }
            }
        }
    }
    Ok(all)
}

fn examine_model<T>(
    program: &ResolvedProgram<'_>,
    point: &SweepModel<'_>,
    asked: &FilterQuery<'_>,
    see: &impl Fn(&CheckedGraph, &dyn Fn() -> PeakBytes) -> T,
    fails: &mut [bool],
) -> Result<Vec<T>, Problems> {
    let entry = program.find(&point.model.node).filter(|entry| !program.is_broken(&entry.node));
    // What is wrong with it was said.
    let Some(entry) = entry else { return Err(Problems::new()) };
    let mut seen = Vec::with_capacity(asked.sizes.len());
    for &size in asked.sizes {
        let checked = elaborate(program, entry, &point.args, size).and_then(check)?;
        let known = std::cell::OnceCell::new();
        let peaks = || *known.get_or_init(|| (asked.peaks)(&checked));
        for (bound, fails) in asked.bounds.iter().zip(fails.iter_mut()) {
            *fails |= !bound.holds(&checked, &peaks).map_err(|d| Problems::from(*d))?;
        }
        // One that is left out needs no more than its bounds.
        if fails.iter().all(|f| !f) {
            seen.push(see(&checked, &peaks));
        }
    }
    Ok(seen)
}
