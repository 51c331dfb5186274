//! Bodies of blocks and models.

use super::expr::{Expr, Ident};
use crate::text::source::{Span, Spanned};

/// A body. `= expr` is a body with `short = true` whose only statement is a `Return`.
#[derive(Debug, Clone)]
pub struct Body {
    /// The statements, in the order written.
    pub stmts: Vec<Stmt>,
    /// Whether the body is written as `= expr` rather than in braces.
    pub short: bool,
    /// Span from `=` or the opening brace to the end of the body.
    pub span: Span,
}

/// A statement with its span.
#[derive(Debug, Clone)]
pub struct Stmt {
    /// Kind of the statement, with its parts.
    pub kind: StmtKind,
    /// Span from the keyword to the end of the statement; in a short body, the span of the expression.
    pub span: Span,
}

/// The forms of a statement.
#[derive(Debug, Clone)]
pub enum StmtKind {
    /// `let target = value`: names the result of an expression.
    Let {
        /// Names that the value is bound to.
        target: LetTarget,
        /// Expression whose value is named.
        value: Expr,
    },
    /// `for var in iter { ... }`: runs the body for each element; nodes bound in it stay bound after it.
    For {
        /// Name of the element within the body.
        var: Ident,
        /// Range or list that the elements come from.
        iter: Expr,
        /// Statements that run for each element.
        body: Vec<Stmt>,
    },
    /// `require cond, "message"`: rejects arguments that the block does not support.
    Require {
        /// Condition that must hold.
        cond: Expr,
        /// Error message if the condition fails, with `{name}` as written; `None` for the default message.
        message: Option<Spanned<String>>,
    },
    /// `return value`: the result of the body.
    Return(Expr),
}

/// The target of a `let`.
#[derive(Debug, Clone)]
pub enum LetTarget {
    /// `let s = ...`, `let s[i] = ...`: one name.
    One(NodeName),
    /// `let (p[i], idx[i]) = ...`
    Tuple(Vec<NodeName>),
}

/// `s`, `s[i + 1]`, `n[i, j]`
#[derive(Debug, Clone)]
pub struct NodeName {
    /// Name before the indices.
    pub name: Ident,
    /// Indices in brackets, integer expressions; empty for a plain name.
    pub indices: Vec<Expr>,
    /// Span from the name to the closing bracket.
    pub span: Span,
}
