//! Bodies of blocks and models.

use super::expr::{Expr, Ident};
use crate::text::source::{Span, Spanned};

/// `= expr` is a body whose only statement is a `Return` with `short = true`.
#[derive(Debug, Clone)]
pub struct Body {
    pub stmts: Vec<Stmt>,
    /// Written as `= expr` and not in braces.
    pub short: bool,
    pub span: Span,
}

#[derive(Debug, Clone)]
pub struct Stmt {
    pub kind: StmtKind,
    pub span: Span,
}

#[derive(Debug, Clone)]
pub enum StmtKind {
    Let { target: LetTarget, value: Expr },
    For { var: Ident, iter: Expr, body: Vec<Stmt> },
    Require { cond: Expr, message: Option<Spanned<String>> },
    Return(Expr),
}

#[derive(Debug, Clone)]
pub enum LetTarget {
    One(NodeName),
    /// `let (p[i], idx[i]) = ...`
    Tuple(Vec<NodeName>),
}

/// `s`, `s[i + 1]`, `n[i, j]`
#[derive(Debug, Clone)]
pub struct NodeName {
    pub name: Ident,
    pub indices: Vec<Expr>,
    pub span: Span,
}
