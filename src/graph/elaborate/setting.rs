//! Settings of operators: an argument is evaluated and converted to the type that the signature asks for.

use super::elaborator::{Elaborator, EvalResult};
use super::errors::{unknown_word, wrong_setting};
use super::operator::TargetSize;
use super::value::EvalValue;
use crate::graph::op::{ArgKind, ArgSpec, ArgValue, ConvPadding};
use crate::graph::ty::Dim;
use crate::text::syntax::ast::*;

impl<'a> Elaborator<'_, 'a> {
    /// Evaluates a setting. The second part of the result is set where the setting gives the target size as a tensor or
    /// as formulas.
    pub(super) fn eval_setting(
        &mut self,
        spec: &'static ArgSpec,
        expr: &'a Expr,
    ) -> EvalResult<(ArgValue, Option<TargetSize>)> {
        if let ExprKind::Name(word) = &expr.kind
            && !self.frame().values.contains_key(word.as_str())
        {
            if let Some(value) = word_setting(spec.kind, word) {
                return Ok((value, None));
            }
            if !self.program.is_case(word) && !self.frame().indexed_nodes.contains_key(word.as_str()) {
                let mut bound: Vec<&str> = self.frame().values.keys().copied().collect();
                bound.sort_unstable();
                return self.fail(unknown_word(spec, word, expr.span, &bound));
            }
        }
        let value = self.eval_expr(expr)?;
        let target = target_size(spec, &value);
        // A target size may follow the image's; any other setting holds at this size only.
        let value = match &target {
            Some(TargetSize { dims, .. }) if !dims.is_empty() => without_formulas(value),
            _ => self.concretize(value, expr.span),
        };
        match convert_setting(spec.kind, &value) {
            Some(converted) => Ok((converted, target)),
            None => {
                let found = self.describe(&value);
                self.fail(wrong_setting(spec, &found, expr.span))
            }
        }
    }
}

/// Returns the value of a bare word, where the type of the setting has this word.
fn word_setting(kind: ArgKind, word: &str) -> Option<ArgValue> {
    match kind {
        ArgKind::Pad if word == "same" => Some(ArgValue::Pad(ConvPadding::Same)),
        ArgKind::Word(words) => words.iter().find(|w| **w == word).map(|known| ArgValue::Word(known)),
        ArgKind::Pad
        | ArgKind::Int { .. }
        | ArgKind::Pair { .. }
        | ArgKind::Float
        | ArgKind::Bool
        | ArgKind::Size
        | ArgKind::Sides
        | ArgKind::Dims => None,
    }
}

/// Returns the target size that a setting gives as a tensor or as formulas.
fn target_size(spec: &ArgSpec, value: &EvalValue) -> Option<TargetSize> {
    match (spec.kind, spec.name, value) {
        (ArgKind::Size, _, EvalValue::Node(outlet)) => Some(TargetSize { like: Some(*outlet), dims: Vec::new() }),
        (ArgKind::Size | ArgKind::Pair { .. } | ArgKind::Dims, "to" | "size", EvalValue::List(items)) => {
            let dims: Option<Vec<Dim>> = items.iter().map(|v| v.as_dim().map(|(_, dim)| dim)).collect();
            Some(TargetSize { like: None, dims: dims? })
        }
        _ => None,
    }
}

/// Returns a value without the formulas of its integers.
fn without_formulas(value: EvalValue) -> EvalValue {
    match value {
        EvalValue::Dim(n, _) => EvalValue::Int(n),
        EvalValue::List(items) => EvalValue::List(items.into_iter().map(without_formulas).collect()),
        other => other,
    }
}

/// Converts a value without formulas; `None` where the type of the setting does not accept it.
fn convert_setting(kind: ArgKind, value: &EvalValue) -> Option<ArgValue> {
    match (kind, value) {
        (ArgKind::Int { min }, v) => int_setting(v, min).map(ArgValue::Int),
        (ArgKind::Pair { min }, v) => pair_setting(v, min).map(ArgValue::Pair),
        (ArgKind::Pad, v) => pair_setting(v, 0).map(|p| ArgValue::Pad(ConvPadding::Explicit(p))),
        (ArgKind::Float, EvalValue::Float(x)) => Some(ArgValue::Float(*x)),
        (ArgKind::Float, EvalValue::Int(n)) => Some(ArgValue::Float(*n as f64)),
        (ArgKind::Bool, EvalValue::Bool(b)) => Some(ArgValue::Bool(*b)),
        (ArgKind::Size, EvalValue::Node(_)) => Some(ArgValue::Like),
        (ArgKind::Size, v @ EvalValue::List(_)) => pair_setting(v, 1).map(ArgValue::Size),
        (ArgKind::Sides, EvalValue::List(items)) if items.len() == 4 => {
            let sides: Option<Vec<usize>> = items.iter().map(|v| int_setting(v, 0)).collect();
            sides.and_then(|s| s.try_into().ok()).map(ArgValue::Sides)
        }
        (ArgKind::Sides, v) => pair_setting(v, 0).map(|[v, h]| ArgValue::Sides([v, v, h, h])),
        (ArgKind::Dims, EvalValue::List(items)) if matches!(items.len(), 1 | 3) => {
            let dim = |v: &EvalValue| {
                if *v == EvalValue::Int(-1) { Some(None) } else { int_setting(v, 1).map(Some) }
            };
            let dims: Option<Vec<Option<usize>>> = items.iter().map(dim).collect();
            dims.filter(|d| d.iter().filter(|d| d.is_none()).count() <= 1).map(ArgValue::Dims)
        }
        (ArgKind::Float | ArgKind::Bool | ArgKind::Word(_) | ArgKind::Size | ArgKind::Dims, _) => None,
    }
}

fn int_setting(value: &EvalValue, min: usize) -> Option<usize> {
    match value {
        EvalValue::Int(n) => usize::try_from(*n).ok().filter(|&n| n >= min && n <= u32::MAX as usize),
        _ => None,
    }
}

/// Converts a list of two integers, or one integer that counts for both axes.
fn pair_setting(value: &EvalValue, min: usize) -> Option<[usize; 2]> {
    match value {
        EvalValue::List(items) => match &items[..] {
            [a, b] => Some([int_setting(a, min)?, int_setting(b, min)?]),
            _ => None,
        },
        single => int_setting(single, min).map(|n| [n, n]),
    }
}
