//! Values of expressions during elaboration.

use crate::graph::ir::Outlet;
use crate::graph::ty::Dim;
use std::fmt;

/// The value of an expression of a model file.
#[derive(Debug, Clone, PartialEq)]
pub enum EvalValue {
    /// An integer without a formula in the image's size.
    Int(i64),
    /// An integer that follows from the image's size, with its formula.
    Dim(i64, Dim),
    /// A 64-bit floating-point number.
    Float(f64),
    /// `true` or `false`.
    Bool(bool),
    /// A string.
    Str(String),
    /// A case of an enum.
    Case {
        /// Name of the enum.
        of: String,
        /// Name of the case.
        case: String,
    },
    /// A list, `[a, b]`.
    List(Vec<EvalValue>),
    /// Several values without names, `(a, b)`.
    Tuple(Vec<EvalValue>),
    /// Named results.
    Record(Vec<(String, EvalValue)>),
    /// A tensor of the graph.
    Node(Outlet),
    /// The result of an expression that failed; its error was reported.
    Poison,
}

impl EvalValue {
    /// Returns an integer with its formula, without it where the formula is constant.
    pub fn of_dim(n: i64, formula: Dim) -> Self {
        if formula.as_const().is_some() { EvalValue::Int(n) } else { EvalValue::Dim(n, formula) }
    }

    /// Returns an integer with its formula; `None` for other values.
    pub fn as_dim(&self) -> Option<(i64, Dim)> {
        match self {
            EvalValue::Int(n) => Some((*n, Dim::constant((*n).into()))),
            EvalValue::Dim(n, formula) => Some((*n, formula.clone())),
            EvalValue::Float(_)
            | EvalValue::Bool(_)
            | EvalValue::Str(_)
            | EvalValue::Case { .. }
            | EvalValue::List(_)
            | EvalValue::Tuple(_)
            | EvalValue::Record(_)
            | EvalValue::Node(_)
            | EvalValue::Poison => None,
        }
    }

    /// Returns the number of values in it, itself included; `None` where lists are nested more than `depth` deep.
    pub fn parts(&self, depth: usize) -> Option<usize> {
        let sum = |values: &mut dyn Iterator<Item = &EvalValue>| {
            let depth = depth.checked_sub(1)?;
            let mut parts = 1usize;
            for value in values {
                parts = parts.saturating_add(value.parts(depth)?);
            }
            Some(parts)
        };
        match self {
            EvalValue::List(items) | EvalValue::Tuple(items) => sum(&mut items.iter()),
            EvalValue::Record(fields) => sum(&mut fields.iter().map(|(_, v)| v)),
            EvalValue::Str(_)
            | EvalValue::Int(_)
            | EvalValue::Dim(..)
            | EvalValue::Float(_)
            | EvalValue::Bool(_)
            | EvalValue::Case { .. }
            | EvalValue::Node(_)
            | EvalValue::Poison => Some(self.own_parts()),
        }
    }

    /// Returns its parts without those of the values in it: a long text counts as several.
    fn own_parts(&self) -> usize {
        if let EvalValue::Str(text) = self { 1 + text.len() / 16 } else { 1 }
    }

    /// Returns whether it has at most `left` parts and lowers `left` by their number. It looks at no part after the last that fits.
    pub fn fits(&self, left: &mut usize) -> bool {
        let Some(rest) = left.checked_sub(self.own_parts()) else { return false };
        *left = rest;
        match self {
            EvalValue::List(items) | EvalValue::Tuple(items) => items.iter().all(|item| item.fits(left)),
            EvalValue::Record(fields) => fields.iter().all(|(_, item)| item.fits(left)),
            EvalValue::Int(_)
            | EvalValue::Dim(..)
            | EvalValue::Float(_)
            | EvalValue::Bool(_)
            | EvalValue::Str(_)
            | EvalValue::Case { .. }
            | EvalValue::Node(_)
            | EvalValue::Poison => true,
        }
    }

    /// Returns whether it is or contains a failed value.
    pub fn is_poisoned(&self) -> bool {
        match self {
            EvalValue::Poison => true,
            EvalValue::List(items) | EvalValue::Tuple(items) => items.iter().any(EvalValue::is_poisoned),
            EvalValue::Record(fields) => fields.iter().any(|(_, v)| v.is_poisoned()),
            EvalValue::Int(_)
            | EvalValue::Dim(..)
            | EvalValue::Float(_)
            | EvalValue::Bool(_)
            | EvalValue::Str(_)
            | EvalValue::Case { .. }
            | EvalValue::Node(_) => false,
        }
    }
}

/// Writes the value in the syntax of the language.
impl fmt::Display for EvalValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |f: &mut fmt::Formatter<'_>, open: &str, items: &[EvalValue], close: &str| {
            f.write_str(open)?;
            for (i, item) in items.iter().enumerate() {
                write!(f, "{}{item}", if i > 0 { ", " } else { "" })?;
            }
            f.write_str(close)
        };
        match self {
            EvalValue::Int(n) | EvalValue::Dim(n, _) => n.fmt(f),
            EvalValue::Float(x) => write!(f, "{x:?}"),
            EvalValue::Bool(b) => b.fmt(f),
            EvalValue::Str(s) => write!(f, "{s:?}"),
            EvalValue::Case { case, .. } => f.write_str(case),
            EvalValue::List(items) => list(f, "[", items, "]"),
            EvalValue::Tuple(items) => list(f, "(", items, ")"),
            EvalValue::Record(fields) => {
                f.write_str("{ ")?;
                for (i, (name, value)) in fields.iter().enumerate() {
                    write!(f, "{}{name} = {value}", if i > 0 { ", " } else { "" })?;
                }
                f.write_str(" }")
            }
            EvalValue::Node(o) => write!(f, "{}", o.node),
            EvalValue::Poison => f.write_str("<failed>"),
        }
    }
}
