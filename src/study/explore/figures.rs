//! Settings of holes for which a model has the figures that a paper prints.

use super::{MAX_POINTS, candidates, grid_points, open_holes};
use crate::base::count::noun_for;
use crate::base::number::thousands;
use crate::base::problem::problem;
use crate::graph::check::{CheckedGraph, check};
use crate::graph::elaborate::{ModelArgument, elaborate};
use crate::graph::resolve::ResolvedProgram;
use crate::study::claim::PrintedNumber;
use crate::study::cost::{Convention, count};
use crate::text::diag::{Diagnostic, Problems};
use crate::text::syntax::ast::{self, Expr, ExprKind};

/// Maximum number of settings.
const MAX_SETTINGS: usize = 1 << 20;

/// One printed number.
#[derive(Clone)]
pub struct PrintedFigure {
    /// The figure as given, for example `2.17G`.
    pub text: String,
    /// The figure as a number, which matches all counts that round to it.
    pub printed: PrintedNumber,
    /// The quantity of the figure.
    pub kind: FigureKind,
    /// Height and width of the image; `None` for parameters.
    pub size: Option<[usize; 2]>,
}

/// The quantity of a printed figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FigureKind {
    /// Parameters, as totalled by the convention's tool.
    Params,
    /// Operations of one image at the figure's size.
    Macs,
}

/// Settings that remain after one more figure.
pub struct RemainingSettings {
    /// Number of settings that match this figure and all before it.
    pub count: usize,
    /// If no setting remains, the nearest ones of those that remained before: count and setting.
    pub nearest: Vec<(u64, Vec<ModelArgument>)>,
}

/// A setting that matches every figure, with its counts.
pub struct MatchingSetting {
    /// A value for each hole.
    pub args: Vec<ModelArgument>,
    /// The model's count for each figure, in the order of the figures.
    pub counts: Vec<u64>,
}

/// Settings that match printed figures.
pub struct FigureFit {
    /// Number of settings that were tried: all combinations of the values.
    pub tried: usize,
    /// Remaining settings after each figure, in order. Figures after the first that no setting matches are not tried.
    pub remaining: Vec<RemainingSettings>,
    /// Settings that match every figure, those with round binary numbers first.
    pub matching: Vec<MatchingSetting>,
}

/// Returns the base-2 logarithm of the odd part, summed over lists: 0 for powers of two, 1.6 for 96, 2.3 for 80, 5.1 for 70.
fn non_roundness_bits(expr: &Expr) -> f64 {
    match &expr.kind {
        ExprKind::Int(n) if *n > 0 => (((*n as u64) >> n.trailing_zeros()) as f64).log2(),
        ExprKind::List(items) => items.iter().map(non_roundness_bits).sum(),
        _ => 0.0,
    }
}

/// Returns the integers of a value, to sort settings.
fn sort_key(expr: &Expr) -> Vec<i64> {
    match &expr.kind {
        ExprKind::Int(n) => vec![*n],
        ExprKind::List(items) => items.iter().flat_map(sort_key).collect(),
        _ => Vec::new(),
    }
}

/// Finds the values of the holes of `name` for which the model has the printed figures. `args` are given; `ranges` are the
/// values to try for further parameters, or instead of those that the file lists.
///
/// Errors: no hole, a hole without values to try, more than 2^20 settings, or none with which the model can be built.
pub fn fit_figures(
    program: &ResolvedProgram<'_>,
    name: &ast::Ident,
    args: &[ModelArgument],
    ranges: &[(ast::Ident, Expr)],
    figures: &[PrintedFigure],
    convention: Convention,
) -> Result<FigureFit, Problems> {
    let mut axes = Vec::new();
    for (hole, within) in ranges {
        axes.push((hole.clone(), hole_values(hole, Some(within))?));
    }
    for (hole, within) in open_holes(program, &name.node, args) {
        if !ranges.iter().any(|(r, _)| r.node == hole.node) {
            axes.push((hole.clone(), hole_values(hole, within)?));
        }
    }
    if axes.is_empty() {
        return Err(Problems::from(problem!(E0504, name.span, "`{name}` has no hole to fill";
            help: "write `fem_out: int = ? in [64, 80, 96]` in the file, or give `--hole fem_out=[64,80,96]`")));
    }
    let Some(settings) = grid_points(&axes, MAX_SETTINGS) else {
        return Err(Problems::from(problem!(E0504, name.span, "the holes of `{name}` have {}", too_many(&axes);
            help: "give fewer values with `--hole`")));
    };
    let tried = settings.len();
    let mut left: Vec<MatchingSetting> =
        settings.into_iter().map(|args| MatchingSetting { args, counts: Vec::new() }).collect();
    let mut remaining = Vec::new();
    for figure in figures {
        let found = |kept: &MatchingSetting| -> Result<u64, Problems> {
            let all: Vec<ModelArgument> = args.iter().chain(&kept.args).cloned().collect();
            let built = elaborate(program, name, &all, figure.size).and_then(check)?;
            Ok(measure_figure(&built, figure.kind, convention))
        };
        let mut kept = Vec::new();
        let mut missed = Vec::new();
        let mut unbuilt = None;
        for mut setting in left {
            match found(&setting) {
                Ok(n) if figure.printed.matches(n) => {
                    setting.counts.push(n);
                    kept.push(setting);
                }
                Ok(n) => missed.push((n, setting.args)),
                Err(error) => unbuilt = unbuilt.or(Some(error)),
            }
        }
        // A model that cannot be built with any setting says nothing of the figure.
        if let (true, Some(error)) = (kept.is_empty() && missed.is_empty(), unbuilt) {
            return Err(error);
        }
        let nearest = match kept.is_empty() {
            true => {
                let away = |n: u64| (n as f64 - figure.printed.value()).abs();
                missed.sort_by(|a, b| away(a.0).total_cmp(&away(b.0)));
                missed.truncate(3);
                missed
            }
            false => Vec::new(),
        };
        remaining.push(RemainingSettings { count: kept.len(), nearest });
        left = kept;
        if left.is_empty() {
            break;
        }
    }
    let non_roundness = |kept: &MatchingSetting| kept.args.iter().map(|a| non_roundness_bits(&a.value)).sum::<f64>();
    let numbers = |kept: &MatchingSetting| kept.args.iter().flat_map(|a| sort_key(&a.value)).collect::<Vec<_>>();
    left.sort_by(|a, b| non_roundness(a).total_cmp(&non_roundness(b)).then_with(|| numbers(a).cmp(&numbers(b))));
    Ok(FigureFit { tried, remaining, matching: left })
}

/// Returns the values to try for a hole. Errors: it lists none, a range that is empty or longer than [`MAX_POINTS`], or something
/// else than a list or a range.
fn hole_values(hole: &ast::Ident, within: Option<&Expr>) -> Result<Vec<Expr>, Diagnostic> {
    let Some(within) = within else {
        return Err(problem!(E0504, hole.span, "`{hole}` does not say which values to try";
            help: "give them: `--hole {hole}=[32,64]` or `--hole {hole}=16..256`"));
    };
    match candidates(within) {
        Some(values) if !values.is_empty() => return Ok(values),
        Some(_) | None => {}
    }
    if let ExprKind::Range { lo, hi } = &within.kind
        && let (&ExprKind::Int(lo), &ExprKind::Int(hi)) = (&lo.kind, &hi.kind)
    {
        let most = MAX_POINTS as i64;
        return Err(if hi <= lo {
            problem!(E0504, within.span, "the range {lo}..{hi} has no value";
                help: "a range ends before its second number: write the larger one there, as in `--hole {hole}=16..256`")
        } else {
            let n = hi.abs_diff(lo);
            let (n, short) = (format!("{} {}", thousands(n), noun_for(n, "value")), lo.saturating_add(most));
            problem!(E0504, within.span, "the range {lo}..{hi} of `{hole}` has {n}, and the most is {}", thousands(most as u64);
                help: "try a shorter range first, such as `--hole {hole}={lo}..{short}`, or a list such as `--hole {hole}=[32,64,128]`")
        });
    }
    Err(problem!(E0504, within.span, "the values of `{hole}` are a list or a range of integers, and this is neither";
        help: "write `--hole {hole}=[32,64]` or `--hole {hole}=16..256`"))
}

/// Returns how many settings the values of the holes make.
fn too_many(axes: &[(ast::Ident, Vec<Expr>)]) -> String {
    let total = axes.iter().try_fold(1u64, |n, (_, values)| n.checked_mul(values.len() as u64));
    match total {
        Some(n) if n > MAX_SETTINGS as u64 => format!("{} combinations, more than 2^20", thousands(n)),
        Some(_) => "values too long to try them all".into(),
        None => "more than 2^20 combinations".into(),
    }
}

fn measure_figure(checked: &CheckedGraph, kind: FigureKind, convention: Convention) -> u64 {
    let report = count(checked, convention);
    match kind {
        FigureKind::Params => report.counted_params,
        FigureKind::Macs => report.macs,
    }
}
