//! Losses: `cross_entropy(weights = [1, 4]) + 0.5 * dice`.

use super::value::{ReadResult, boolean, call, expected, field, list, non_negative, number};
use crate::base::problem::problem;
use crate::text::config::{FocalAlpha, LossSpec, LossTerm, WeightedLossTerm};
use crate::text::diag::Diagnostic;
use crate::text::source::{Span, Spanned};
use crate::text::syntax::ast::{BinaryOp, Entry, Expr, ExprKind};

const WANTED: &str = "a sum of terms such as `cross_entropy + 0.5 * dice`";

pub(super) fn loss(e: &Expr) -> ReadResult<LossSpec> {
    Ok(LossSpec { terms: spanned_terms(e)?.into_iter().map(|t| t.node).collect() })
}

fn spanned_terms(e: &Expr) -> ReadResult<Vec<Spanned<WeightedLossTerm>>> {
    let mut terms = Vec::new();
    collect_terms(e, 1.0, &mut terms)?;
    Ok(terms)
}

/// Collects the terms of `factor * (e)`.
fn collect_terms(e: &Expr, factor: f64, terms: &mut Vec<Spanned<WeightedLossTerm>>) -> ReadResult<()> {
    match &e.kind {
        ExprKind::Binary { op, lhs, rhs } => match op.node {
            BinaryOp::Add => {
                collect_terms(lhs, factor, terms)?;
                collect_terms(rhs, factor, terms)
            }
            BinaryOp::Mul => match (number(lhs), number(rhs)) {
                (Ok(_), Ok(_)) => expected(e, WANTED),
                (Ok(_), Err(_)) => collect_terms(rhs, factor * weight(lhs)?, terms),
                (Err(_), Ok(_)) => collect_terms(lhs, factor * weight(rhs)?, terms),
                (Err(_), Err(_)) => Err(problem!(E0206, e.span, "a loss term can only be multiplied by a number";
                    help: "`loss` takes {WANTED}")),
            },
            BinaryOp::Or
            | BinaryOp::And
            | BinaryOp::Eq
            | BinaryOp::Ne
            | BinaryOp::Lt
            | BinaryOp::Le
            | BinaryOp::Gt
            | BinaryOp::Ge
            | BinaryOp::Concat
            | BinaryOp::Sub
            | BinaryOp::Div
            | BinaryOp::Rem => Err(problem!(E0206, op.span, "`{}` cannot combine loss terms", op.node.symbol();
                help: "`loss` takes {WANTED}")),
        },
        ExprKind::Name(_) | ExprKind::Call(_) => {
            terms.push(Spanned::new(WeightedLossTerm { weight: factor, term: term(e)? }, e.span));
            Ok(())
        }
        // Numbers, lists and strings are not terms.
        _ => expected(e, WANTED),
    }
}

fn weight(e: &Expr) -> ReadResult<f64> {
    match number(e)? {
        x if x > 0.0 && x.is_finite() => Ok(x),
        _ => expected(e, "weights above 0"),
    }
}

fn term(e: &Expr) -> ReadResult<LossTerm> {
    let (name, f) = call(
        e,
        &[
            ("cross_entropy", &["weights", "smoothing"]),
            ("dice", &["squared", "smooth", "batch", "include_background"]),
            ("focal", &["gamma", "alpha"]),
            ("tversky", &["alpha", "beta", "gamma", "smooth", "batch", "include_background"]),
            ("lovasz", &["per_image"]),
        ],
    )?;
    let smooth = || field(&f, "smooth", 1e-5, non_negative);
    let flag = |key, default| field(&f, key, default, boolean);
    Ok(match name {
        "cross_entropy" => LossTerm::CrossEntropy {
            weights: field(&f, "weights", Vec::new(), per_class)?,
            smoothing: field(&f, "smoothing", 0.0, |e| match number(e)? {
                x if (0.0..=1.0).contains(&x) => Ok(x),
                _ => expected(e, "a number from 0 to 1"),
            })?,
        },
        "dice" => LossTerm::Dice {
            squared: flag("squared", false)?,
            smooth: smooth()?,
            batch: flag("batch", true)?,
            include_background: flag("include_background", false)?,
        },
        "focal" => LossTerm::Focal {
            gamma: field(&f, "gamma", 2.0, non_negative)?,
            alpha: field(&f, "alpha", FocalAlpha::None, alpha)?,
        },
        "tversky" => tversky(e.span, &f, smooth()?, flag("batch", true)?, flag("include_background", false)?)?,
        _ => LossTerm::Lovasz { per_image: flag("per_image", false)? },
    })
}

fn tversky(at: Span, f: &[(&str, &Expr)], smooth: f64, batch: bool, include_background: bool) -> ReadResult<LossTerm> {
    let (alpha, beta) = (field(f, "alpha", 0.5, non_negative)?, field(f, "beta", 0.5, non_negative)?);
    if alpha + beta == 0.0 {
        return Err(problem!(E0206, at, "`tversky` with `alpha` and `beta` of 0 ignores all errors";
            help: "set the weight of false positives (`alpha`), of false negatives (`beta`) or both above 0"));
    }
    let gamma = field(f, "gamma", 1.0, super::value::positive)?;
    Ok(LossTerm::Tversky { alpha, beta, gamma, smooth, batch, include_background })
}

/// Reads one number per class; the number of classes is checked when the data set is known.
fn per_class(e: &Expr) -> ReadResult<Vec<f64>> {
    let values = list(e, "a list with a number for each class", non_negative)?;
    if values.iter().any(|&w| w > 0.0) { Ok(values) } else { expected(e, "at least one number above 0") }
}

fn alpha(e: &Expr) -> ReadResult<FocalAlpha> {
    match &e.kind {
        ExprKind::List(_) => per_class(e).map(FocalAlpha::PerClass),
        _ => match number(e) {
            Ok(x) if x > 0.0 && x < 1.0 => Ok(FocalAlpha::Foreground(x)),
            Ok(_) | Err(_) => expected(e, "a number between 0 and 1, or a list with a number for each class"),
        },
    }
}

/// Returns the problem, with its place, of a loss that does not fit data with this number of classes.
pub fn loss_problem(entries: &[Entry], classes: usize) -> Option<Diagnostic> {
    let terms = spanned_terms(&entries.iter().find(|e| e.key.node == "loss")?.value).ok()?;
    terms.into_iter().find_map(|Spanned { node, span }| {
        let message = LossSpec { terms: vec![node] }.check(classes).err()?;
        Some(problem!(E0206, span, "{message}"; help: "give one number for each class, in the order of `classes`"))
    })
}
