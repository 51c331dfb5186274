//! The models of a sweep that satisfy its bounds.

use super::{SweepModel, sweep_models};
use crate::graph::check::{CheckedGraph, check};
use crate::graph::elaborate::{elaborate, spend_steps};
use crate::graph::resolve::ResolvedProgram;
use crate::study::claim::{MeasuredModel, PeakBytes, SweepBound};
use crate::text::diag::{Diagnostic, Problems};
use crate::text::syntax::ast;

/// Image sizes and bounds for the models of a sweep.
pub struct FilterQuery<'a> {
    /// Image sizes, at least one; `None` for the size that the model declares.
    pub sizes: &'a [Option<[usize; 2]>],
    /// Bounds, which must all hold at each size.
    pub bounds: &'a [SweepBound],
    /// Computes the peak memory of a model.
    pub peaks: &'a dyn Fn(&CheckedGraph) -> PeakBytes,
}

/// Models that one bound rejects.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct BoundRejections {
    /// Number of variants that violate this bound.
    pub variants: usize,
    /// Number of variants that violate this bound only.
    pub by_this_alone: usize,
}

/// A sweep after filtering by its bounds.
#[derive(Debug)]
pub struct FilteredSweep<T> {
    /// Number of models of the sweep.
    pub tried: usize,
    /// Number of models that cannot be built, or for which a bound cannot be checked.
    pub broken: usize,
    /// Rejections by each bound.
    pub rejections: Vec<BoundRejections>,
    /// Models that satisfy all bounds, in the order of the sweep.
    pub kept: Vec<T>,
    /// Problems of the broken models.
    pub problems: Problems,
}

impl<T> FilteredSweep<T> {
    /// Returns the number of models that violate a bound.
    pub fn rejected(&self) -> usize {
        self.tried - self.broken - self.kept.len()
    }
}

impl<P, S> FilteredSweep<(P, S)> {
    /// Maps each kept pair of a model and its measurements to one value.
    pub fn map<T>(self, combine: impl Fn(P, S) -> T) -> FilteredSweep<T> {
        let FilteredSweep { tried, broken, rejections, kept, problems } = self;
        FilteredSweep {
            tried,
            broken,
            rejections,
            kept: kept.into_iter().map(|(p, s)| combine(p, s)).collect(),
            problems,
        }
    }
}

/// Builds the models of a sweep one after another, and measures those that satisfy all bounds with `measure` at each size.
/// Errors: too many models, or more bounds for them than the steps of a program allow.
pub fn filter_variants<'a, T>(
    program: &ResolvedProgram<'_>,
    sweep: &'a ast::Sweep,
    query: &FilterQuery<'_>,
    measure: impl Fn(&CheckedGraph, &dyn Fn() -> PeakBytes) -> T,
) -> Result<FilteredSweep<(SweepModel<'a>, Vec<T>)>, Diagnostic> {
    let points = sweep_models(sweep)?;
    let rejections = vec![BoundRejections::default(); query.bounds.len()];
    let mut all =
        FilteredSweep { tried: points.len(), broken: 0, rejections, kept: Vec::new(), problems: Problems::new() };
    for point in points {
        let steps = query.bounds.len().saturating_mul(query.sizes.len()).saturating_mul(50);
        spend_steps(program, steps, sweep.name.span)?;
        let mut violated = vec![false; query.bounds.len()];
        match examine_model(program, &point, query, &measure, &mut violated) {
            Err(problems) => {
                all.broken += 1;
                all.problems.extend(problems);
            }
            Ok(measured) if violated.iter().all(|f| !f) => all.kept.push((point, measured)),
            Ok(_) => {
                let alone = violated.iter().filter(|f| **f).count() == 1;
                for (out, _) in all.rejections.iter_mut().zip(&violated).filter(|(_, f)| **f) {
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
    query: &FilterQuery<'_>,
    measure: &impl Fn(&CheckedGraph, &dyn Fn() -> PeakBytes) -> T,
    violated: &mut [bool],
) -> Result<Vec<T>, Problems> {
    let entry = program.find(&point.model.node).filter(|entry| !program.is_broken(&entry.node));
    // Its problems were reported already.
    let Some(entry) = entry else { return Err(Problems::new()) };
    let mut measured = Vec::with_capacity(query.sizes.len());
    for &size in query.sizes {
        let checked = elaborate(program, entry, &point.args, size).and_then(check)?;
        let memory = || (query.peaks)(&checked);
        let model = MeasuredModel::new(&checked, &memory);
        for (bound, violated) in query.bounds.iter().zip(violated.iter_mut()) {
            *violated |= !bound.holds(&model).map_err(|d| Problems::from(*d))?;
        }
        // A model that violates a bound is not measured.
        if violated.iter().all(|f| !f) {
            measured.push(measure(&checked, &|| model.peaks()));
        }
    }
    Ok(measured)
}
