//! Blocks and models: what they take and what they promise.

use super::expr::{Expr, Ident};
use super::statement::Body;
use crate::text::source::Span;

/// A block or a model: they differ in what they promise, not in form.
#[derive(Debug, Clone)]
pub struct Block {
    pub name: Ident,
    pub params: Vec<Param>,
    /// The promise after `->`.
    pub result: Option<ResultType>,
    pub body: Body,
    /// From the keyword to the end of the promise (or of the parameter list).
    pub head: Span,
}

#[derive(Debug, Clone)]
pub struct Param {
    pub name: Ident,
    pub ty: ParamType,
    /// May be [`ExprKind::Hole`](super::ExprKind::Hole).
    pub default: Option<Expr>,
    pub span: Span,
}

#[derive(Debug, Clone)]
pub struct ParamType {
    pub kind: ParamTypeKind,
    pub span: Span,
}

#[derive(Debug, Clone)]
pub enum ParamTypeKind {
    /// `[c, h, w]` or `[c]`: a tensor input; each dim an expression.
    Tensor(Vec<Expr>),
    /// `index[c, h, w]`: pool indices.
    Index(Vec<Expr>),
    /// `int`, `float`, `bool`, `string` or the name of an enum.
    Scalar(Ident),
    /// `int[]`, `float[]`, ...
    List(Ident),
}

/// `-> [c, h, w]`, `-> ([c, h, w], index[c, h, w])` or `-> { main = [..], aux = [..] }`.
#[derive(Debug, Clone)]
pub struct ResultType {
    pub kind: ResultTypeKind,
    pub span: Span,
}

#[derive(Debug, Clone)]
pub enum ResultTypeKind {
    /// One type, always `Tensor` or `Index`.
    One(ParamType),
    Tuple(Vec<ParamType>),
    Record(Vec<(Ident, ParamType)>),
}
