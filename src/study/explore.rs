//! Many models from one: the grid of a `sweep`, and the values of a hole for which every claim holds. Nothing is run.

mod duplicates;
mod figures;
mod filter;
mod pareto;
mod variants;

use super::claim::{MeasuredModel, PeakBytes, SweepBound, claim_steps, is_countable, judge_claim};
use super::cost::Convention;
use crate::base::problem::problem;
use crate::graph::check::check;
use crate::graph::elaborate::{ModelArgument, elaborate, spend_steps};
use crate::graph::resolve::ResolvedProgram;
use crate::text::diag::{Diagnostic, Problems};
use crate::text::syntax::ast::{self, Expr, ExprKind};
pub use duplicates::warn_duplicate_variants;
pub use figures::{FigureFit, FigureKind, MatchingSetting, PrintedFigure, RemainingSettings, fit_figures};
pub use filter::{BoundRejections, FilterQuery, FilteredSweep, filter_variants};
pub use pareto::pareto_front;
pub use variants::{CountedVariant, MeasureKey, SizeMeasures, count_variants, group_same_functions};

/// Maximum number of models of a sweep, and of candidates for the holes of a model.
pub const MAX_POINTS: usize = 4096;

/// Maximum number of parts of the values of all combinations together: each holds a copy of its values.
const MAX_PARTS: usize = 1 << 23;

/// Returns every combination of the values, the last name varying fastest; `None` above `most` combinations, or if they
/// would hold more than [`MAX_PARTS`].
fn grid_points(axes: &[(ast::Ident, Vec<Expr>)], most: usize) -> Option<Vec<Vec<ModelArgument>>> {
    let total = axes.iter().try_fold(1usize, |n, (_, values)| n.checked_mul(values.len()))?;
    let longest = |values: &Vec<Expr>| values.iter().map(list_parts).max().unwrap_or(0);
    let parts = axes.iter().map(|(_, values)| longest(values)).fold(0, usize::saturating_add);
    if total > most || total.saturating_mul(parts) > MAX_PARTS {
        return None;
    }
    let mut points: Vec<Vec<ModelArgument>> = vec![Vec::new()];
    for (name, values) in axes {
        let longer = |point: &Vec<ModelArgument>, value: &Expr| {
            let arg = ModelArgument { name: name.clone(), value: value.clone() };
            point.iter().cloned().chain([arg]).collect()
        };
        points = points.iter().flat_map(|point| values.iter().map(move |v| longer(point, v))).collect();
    }
    Some(points)
}

/// Returns the number of expressions in a value, where it is a list.
fn list_parts(value: &Expr) -> usize {
    match &value.kind {
        ExprKind::List(items) => items.iter().map(list_parts).fold(1, usize::saturating_add),
        _ => 1,
    }
}

/// A model of a sweep.
#[derive(Debug, Clone)]
pub struct SweepModel<'a> {
    /// Name of the model or variant.
    pub model: &'a ast::Ident,
    /// Arguments in the order of the sweep.
    pub args: Vec<ModelArgument>,
    /// Whether the sweep has several values of each argument, in the order of `args`.
    pub varied: Vec<bool>,
}

/// Returns the models of a sweep in order. Errors: more than [`MAX_POINTS`] models.
pub fn sweep_models(sweep: &ast::Sweep) -> Result<Vec<SweepModel<'_>>, Diagnostic> {
    let mut all = Vec::new();
    for ast::ModelGrid { base, args } in &sweep.models.grids {
        let Some(grid) = grid_points(args, MAX_POINTS).filter(|grid| all.len() + grid.len() <= MAX_POINTS) else {
            return Err(
                problem!(E0311, sweep.name.span, "sweep `{}` has more than {MAX_POINTS} points, or too many arguments for all", sweep.name;
                help: "split it into several sweeps"),
            );
        };
        let varied: Vec<bool> = args.iter().map(|(_, values)| values.len() > 1).collect();
        all.extend(grid.into_iter().map(|args| SweepModel { model: base, args, varied: varied.clone() }));
    }
    Ok(all)
}

/// Reads the bounds of a sweep; `macs` is the convention where a bound names none. Errors: every bound that is invalid.
pub fn sweep_bounds(keep: &[ast::Claim], macs: Convention) -> Result<Vec<SweepBound>, Problems> {
    let (mut bounds, mut problems) = (Vec::new(), Problems::new());
    for claim in keep {
        match SweepBound::new(claim, macs) {
            Ok(bound) => bounds.push(bound),
            Err(d) => problems.push(*d),
        }
    }
    if problems.is_empty() { Ok(bounds) } else { Err(problems) }
}

/// The values that fill the holes of a model.
#[derive(Debug, Clone)]
pub struct HoleValues {
    /// The hyper-parameters that are holes.
    pub holes: Vec<ast::Ident>,
    /// Number of settings that were tried.
    pub tried: usize,
    /// Number of claims that each setting was checked against.
    pub claims: usize,
    /// Settings for which the model can be built and no claim is an error.
    pub fitting: Vec<Vec<ModelArgument>>,
}

/// Returns the unfilled holes of a model or variant, with the values that each may take.
pub fn open_holes<'a>(
    program: &ResolvedProgram<'a>,
    name: &str,
    args: &[ModelArgument],
) -> Vec<(&'a ast::Ident, Option<&'a Expr>)> {
    let Some((model, fixed)) = program.entry(name) else { return Vec::new() };
    let hole = |p: &'a ast::Param| {
        let given = args.iter().any(|a| a.name.node == p.name.node);
        let fixed = fixed.iter().find(|a| a.name.as_ref().is_some_and(|n| n.node == p.name.node));
        match fixed.map(|a| &a.value).or(p.default.as_ref()) {
            Some(Expr { kind: ExprKind::Hole { within }, .. }) if !given => Some((&p.name, within.as_deref())),
            _ => None,
        }
    };
    model.params.iter().filter_map(hole).collect()
}

/// Returns the values of `? in 16..256` and `? in [16, 32]`.
fn candidates(within: &Expr) -> Option<Vec<Expr>> {
    match &within.kind {
        ExprKind::List(items) => Some(items.clone()),
        ExprKind::Range { lo, hi } => match (&lo.kind, &hi.kind) {
            (&ExprKind::Int(lo), &ExprKind::Int(hi)) if hi.saturating_sub(lo) <= MAX_POINTS as i64 => {
                Some((lo..hi).map(|n| Expr { kind: ExprKind::Int(n), span: within.span }).collect())
            }
            _ => None,
        },
        _ => None,
    }
}

/// Checks the claims of a model for every value of its holes; `claims` are `expect` blocks with their sizes.
///
/// Errors: a hole without values to try, more than [`MAX_POINTS`] combinations, or more claims for them than the steps of a
/// program allow.
pub fn fit_holes(
    program: &ResolvedProgram<'_>,
    name: &ast::Ident,
    claims: &[(&ast::Expect, Option<[usize; 2]>)],
) -> Result<HoleValues, Diagnostic> {
    let open = open_holes(program, &name.node, &[]);
    let mut axes = Vec::new();
    for (hole, within) in &open {
        let Some(values) = within.and_then(candidates) else {
            return Err(problem!(N0901, hole.span, "the hole `{hole}` of `{name}` does not say which values to try";
                help: "write `? in 16..256` or `? in [16, 32]`, at most {MAX_POINTS} values"));
        };
        axes.push(((*hole).clone(), values));
    }
    let Some(grid) = grid_points(&axes, MAX_POINTS) else {
        return Err(problem!(N0901, name.span, "the holes of `{name}` have more than {MAX_POINTS} combinations";
            help: "give one a value with `--with`"));
    };
    let tried = grid.len();
    let mut fitting = Vec::new();
    for args in grid {
        if claims_hold(program, name, &args, claims)? {
            fitting.push(args);
        }
    }
    Ok(HoleValues {
        holes: open.into_iter().map(|(hole, _)| hole.clone()).collect(),
        tried,
        claims: claims.iter().map(|(e, _)| e.claims.iter().filter(|c| is_countable(c)).count()).sum(),
        fitting,
    })
}

/// Returns whether all claims hold for a model with these arguments. Ends at the first `expect` block that does not hold, or for
/// which the model is invalid.
fn claims_hold(
    program: &ResolvedProgram<'_>,
    name: &ast::Ident,
    args: &[ModelArgument],
    claims: &[(&ast::Expect, Option<[usize; 2]>)],
) -> Result<bool, Diagnostic> {
    for (expect, size) in claims {
        let Ok(checked) = elaborate(program, name, args, *size).and_then(check) else { return Ok(false) };
        spend_steps(program, claim_steps(expect.claims.len(), &checked), expect.model.span)?;
        let model = MeasuredModel::new(&checked, &PeakBytes::default);
        if !expect.claims.iter().all(|claim| judge_claim(claim, &model).is_ok()) {
            return Ok(false);
        }
    }
    Ok(true)
}
