//! Counts the sweeps of a file, and fits the holes of its models to their claims.

use super::arguments::{ArgumentTexts, argument_texts};
use super::claims::expected_size;
use super::defaults::{default_data, has_hole, sweep_memory_settings};
use super::image_size::ImageSize;
use super::selection::Selection;
use crate::base::problem::problem;
use crate::graph::check::CheckedGraph;
use crate::graph::resolve::ResolvedProgram;
use crate::study::claim::PeakBytes;
use crate::study::cost::{Convention, count};
use crate::study::explore::{self, FilterQuery, HoleValues, SweepModel};
use crate::text::config::schema;
use crate::text::diag::{Diagnostic, Problems};
use crate::text::source::SourceMap;
use crate::text::syntax::ast::{self, ItemKind};

/// A point of a sweep with its counts.
#[derive(Debug, Clone)]
pub struct SweepPoint {
    /// Name of the model or variant.
    pub model: String,
    /// The hyper-parameters that the sweep sets, with their values as written.
    pub args: ArgumentTexts,
    /// Number of trainable parameters.
    pub params: u64,
    /// Multiply-accumulates of one image by the convention of the exploration.
    pub macs: u64,
}

/// The points of a sweep at one size.
#[derive(Debug, Clone)]
pub struct SweepCounts {
    /// Name of the sweep.
    pub name: String,
    /// The models that it varies.
    pub bases: Vec<String>,
    /// Shape of the image, or its size where no point is left. `None` where the models fix the size themselves.
    pub input: Option<String>,
    /// The points that `keep where` keeps, in the order of the sweep.
    pub points: Vec<SweepPoint>,
    /// Number of points that `keep where` rejects.
    pub left_out: usize,
}

/// A model whose holes were fitted to its claims.
#[derive(Debug, Clone)]
pub struct HoleFit {
    /// Name of the model or variant with the holes.
    pub model: String,
    /// Names of the holes.
    pub holes: Vec<String>,
    /// Number of combinations of values that were tried.
    pub tried: usize,
    /// Number of claims that each combination was checked against.
    pub claims: usize,
    /// Values that satisfy all claims.
    pub fitting: Vec<ArgumentTexts>,
}

/// The sweeps and holes of a file.
#[derive(Debug, Clone, Default)]
pub struct Exploration {
    /// The sweeps of the file, counted at one size each.
    pub sweeps: Vec<SweepCounts>,
    /// The models with holes, with the values that satisfy their claims.
    pub holes: Vec<HoleFit>,
    /// The counting rule of `macs` of the points.
    pub convention: Convention,
}

/// Counts the sweeps of the root file, and fits the holes of its models to their claims.
pub(super) fn explore(
    program: &ResolvedProgram<'_>,
    sources: &SourceMap,
    selection: &Selection,
    convention: Convention,
) -> (Exploration, Problems) {
    let mut all = Exploration { convention, ..Exploration::default() };
    let mut problems = Problems::new();
    // Both apply to the models as written.
    if selection.has_arguments() {
        return (all, problems);
    }
    for item in &program.file.items {
        let ItemKind::Sweep(sweep) = &item.kind else { continue };
        match count_sweep(program, sources, selection, sweep, convention) {
            Ok((counts, found)) => {
                all.sweeps.extend(counts);
                problems.extend(found);
            }
            Err(p) => problems.extend(p),
        }
    }
    let chosen = match &selection.model {
        None => program.entries(),
        Some(model) => program.find(model).into_iter().collect(),
    };
    for name in chosen {
        if program.is_broken(&name.node) || !has_hole(program, &name.node, &[]) {
            continue;
        }
        match fit_holes(program, sources, name) {
            Ok(fit) => all.holes.push(fit),
            Err(d) => problems.push(*d),
        }
    }
    (all, problems)
}

/// Counts a sweep at the size of the selection. Returns `None` where the sweep is not selected or none of its models can be
/// built.
fn count_sweep(
    program: &ResolvedProgram<'_>,
    sources: &SourceMap,
    selection: &Selection,
    sweep: &ast::Sweep,
    convention: Convention,
) -> Result<(Option<SweepCounts>, Problems), Problems> {
    let mut bases: Vec<&str> = sweep.models.grids.iter().map(|g| g.base.node.as_str()).collect();
    bases.dedup();
    let wanted = selection.model.as_ref().is_none_or(|m| bases.contains(&m.as_str()));
    if !wanted || program.is_broken(&sweep.name.node) {
        return Ok((None, Problems::new()));
    }
    let size = sweep_size(program, selection, bases[0]);
    let bounds = explore::sweep_bounds(&sweep.models.keep, Convention::Conv)?;
    let run = sweep_memory_settings(program, sweep);
    let peaks = |checked: &CheckedGraph| run.peaks(checked, None);
    let asked = FilterQuery { sizes: &[size], bounds: &bounds, peaks: &peaks };
    let see = |checked: &CheckedGraph, _: &dyn Fn() -> PeakBytes| {
        let report = count(checked, convention);
        (checked.input().to_string(), report.params, report.macs)
    };
    let kept = explore::filter_variants(program, sweep, &asked, see)?;
    let left_out = kept.rejected();
    if kept.broken == kept.tried {
        return Ok((None, kept.problems));
    }
    let input = kept.kept.first().map(|(_, seen)| seen[0].0.clone());
    let input = input.or(size.map(|[h, w]| format!("{h}x{w}")));
    let point = |(point, seen): (SweepModel<'_>, Vec<(String, u64, u64)>)| {
        let (_, params, macs) = seen[0];
        SweepPoint { model: point.model.node.clone(), args: argument_texts(sources, &point.args), params, macs }
    };
    let points = kept.kept.into_iter().map(point).collect();
    let bases = bases.into_iter().map(str::to_string).collect();
    Ok((Some(SweepCounts { name: sweep.name.node.clone(), bases, input, points, left_out }), kept.problems))
}

/// Returns the size of the selection, or else that of the first model's data.
fn sweep_size(program: &ResolvedProgram<'_>, selection: &Selection, base: &str) -> Option<ImageSize> {
    let named = selection.on.first().and_then(|on| program.data.get(on.as_str()));
    let named = named.and_then(|d| schema::data_spec(d).ok());
    let data = named.or_else(|| default_data(program, base).map(|(_, spec)| spec));
    selection.size.first().copied().or(data.map(|d| d.size))
}

/// Fits the holes of a model to its `expect` blocks.
fn fit_holes(
    program: &ResolvedProgram<'_>,
    sources: &SourceMap,
    name: &ast::Ident,
) -> Result<HoleFit, Box<Diagnostic>> {
    let claims = claims_about(program, name);
    if claims.is_empty() {
        return Err(Box::new(problem!(N0901, name.span, "`{name}` has a hole and no claim to fit it to";
            help: "give it a value with `--with`, or write an `expect` block")));
    }
    let HoleValues { holes, tried, claims, fitting, .. } = explore::fit_holes(program, name, &claims)?;
    let fitting = fitting.iter().map(|args| argument_texts(sources, args)).collect();
    let holes = holes.iter().map(ToString::to_string).collect();
    Ok(HoleFit { model: name.node.clone(), holes, tried, claims, fitting })
}

/// Returns the `expect` blocks of a model, each with its size.
fn claims_about<'a>(program: &ResolvedProgram<'a>, name: &ast::Ident) -> Vec<(&'a ast::Expect, Option<ImageSize>)> {
    let mut claims = Vec::new();
    for item in &program.file.items {
        let ItemKind::Expect(expect) = &item.kind else { continue };
        // A block with arguments applies to another model.
        if expect.model.node == name.node && expect.args.is_empty() {
            // Errors of the data block are reported by `schema_problems`.
            claims.push((expect, expected_size(program, expect).unwrap_or_default()));
        }
    }
    claims
}
