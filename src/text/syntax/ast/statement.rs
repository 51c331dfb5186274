//! Bodies of blocks and models.

use super::expr::{Expr, Ident};
use crate::text::source::{Span, Spanned};

/// `= expr` is a body whose only statement is a `Return` with `short = true`.
#[derive(Debug, Clone)]
pub struct Body {
    /// The statements, in the order written.
    pub stmts: Vec<Stmt>,
    /// Written as `= expr` and not in braces.
    pub short: bool,
    /// From `=` or the opening brace to the end of the body.
    pub span: Span,
}

/// A statement and its place.
#[derive(Debug, Clone)]
pub struct Stmt {
    /// What the statement is, with its parts.
    pub kind: StmtKind,
    /// From the keyword to the end of the statement; of a short body, the place of its expression.
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
    /// `require cond, "message"`: refuses values that the block is not meant for.
    Require {
        /// Condition that must hold.
        cond: Expr,
        /// Text of the error where the condition fails, with `{name}` as written; `None` for a standard one.
        message: Option<Spanned<String>>,
    },
    /// `return value`: the result of the body.
    Return(Expr),
}

/// What a `let` binds.
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
    /// Name in front of the indices.
    pub name: Ident,
    /// Indices in brackets, integer expressions; empty for a plain name.
    pub indices: Vec<Expr>,
    /// From the name to the closing bracket.
    pub span: Span,
}
