//! What an expression can be while a graph is built.

use crate::graph::ir::Outlet;
use crate::graph::ty::Dim;
use std::fmt;

/// What an expression of a model file gives while a graph is built.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// An integer without a formula in the image's size.
    Int(i64),
    /// An integer that follows from the image's size, and how.
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
    List(Vec<Value>),
    /// Several values without names, `(a, b)`.
    Tuple(Vec<Value>),
    /// Named results.
    Record(Vec<(String, Value)>),
    /// A tensor of the graph.
    Node(Outlet),
    /// Failed; the message is on record.
    Poison,
}

impl Value {
    /// An integer with its formula, which is forgotten where it says no more than the number.
    pub fn of_dim(n: i64, formula: Dim) -> Self {
        if formula.as_const().is_some() { Value::Int(n) } else { Value::Dim(n, formula) }
    }

    /// An integer and its formula.
    pub fn as_dim(&self) -> Option<(i64, Dim)> {
        match self {
            Value::Int(n) => Some((*n, Dim::constant((*n).into()))),
            Value::Dim(n, formula) => Some((*n, formula.clone())),
            Value::Float(_)
            | Value::Bool(_)
            | Value::Str(_)
            | Value::Case { .. }
            | Value::List(_)
            | Value::Tuple(_)
            | Value::Record(_)
            | Value::Node(_)
            | Value::Poison => None,
        }
    }

    /// How many values it is made of, itself included; `None` when lists lie in lists more than `depth` deep.
    pub fn parts(&self, depth: usize) -> Option<usize> {
        let sum = |values: &mut dyn Iterator<Item = &Value>| {
            let depth = depth.checked_sub(1)?;
            let mut parts = 1usize;
            for value in values {
                parts = parts.saturating_add(value.parts(depth)?);
            }
            Some(parts)
        };
        match self {
            Value::List(items) | Value::Tuple(items) => sum(&mut items.iter()),
            Value::Record(fields) => sum(&mut fields.iter().map(|(_, v)| v)),
            Value::Str(s) => Some(1 + s.len() / 16),
            Value::Int(_)
            | Value::Dim(..)
            | Value::Float(_)
            | Value::Bool(_)
            | Value::Case { .. }
            | Value::Node(_)
            | Value::Poison => Some(1),
        }
    }

    /// Whether a failed value is in it.
    pub fn is_poisoned(&self) -> bool {
        match self {
            Value::Poison => true,
            Value::List(items) | Value::Tuple(items) => items.iter().any(Value::is_poisoned),
            Value::Record(fields) => fields.iter().any(|(_, v)| v.is_poisoned()),
            Value::Int(_)
            | Value::Dim(..)
            | Value::Float(_)
            | Value::Bool(_)
            | Value::Str(_)
            | Value::Case { .. }
            | Value::Node(_) => false,
        }
    }
}

/// In the spelling of the language.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |f: &mut fmt::Formatter<'_>, open: &str, items: &[Value], close: &str| {
            f.write_str(open)?;
            for (i, item) in items.iter().enumerate() {
                write!(f, "{}{item}", if i > 0 { ", " } else { "" })?;
            }
            f.write_str(close)
        };
        match self {
            Value::Int(n) | Value::Dim(n, _) => n.fmt(f),
            Value::Float(x) => write!(f, "{x:?}"),
            Value::Bool(b) => b.fmt(f),
            Value::Str(s) => write!(f, "{s:?}"),
            Value::Case { case, .. } => f.write_str(case),
            Value::List(items) => list(f, "[", items, "]"),
            Value::Tuple(items) => list(f, "(", items, ")"),
            Value::Record(fields) => {
                f.write_str("{ ")?;
                for (i, (name, value)) in fields.iter().enumerate() {
                    write!(f, "{}{name} = {value}", if i > 0 { ", " } else { "" })?;
                }
                f.write_str(" }")
            }
            Value::Node(o) => write!(f, "{}", o.node),
            Value::Poison => f.write_str("<failed>"),
        }
    }
}
