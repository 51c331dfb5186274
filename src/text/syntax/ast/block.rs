//! Blocks and models: what they take and what they promise.

use super::expr::{Expr, Ident};
use super::statement::Body;
use crate::text::source::Span;

/// A block or a model: they differ in what they promise, not in form.
#[derive(Debug, Clone)]
pub struct Block {
    /// Name that calls, variants and runs use.
    pub name: Ident,
    /// Tensor inputs and hyper-parameters, in the order written.
    pub params: Vec<Param>,
    /// The promise after `->`.
    pub result: Option<ResultType>,
    /// What is computed: statements, or the one expression after `=`.
    pub body: Body,
    /// From the keyword to the end of the promise (or of the parameter list).
    pub head: Span,
}

/// One parameter of a block: a tensor input, pool indices or a hyper-parameter.
#[derive(Debug, Clone)]
pub struct Param {
    /// Name that the body uses for the value.
    pub name: Ident,
    /// Type after the colon.
    pub ty: ParamType,
    /// May be [`ExprKind::Hole`](super::ExprKind::Hole).
    pub default: Option<Expr>,
    /// From the name to the end of the default, or of the type where there is no default.
    pub span: Span,
}

/// A type as written, of a parameter or of a result.
#[derive(Debug, Clone)]
pub struct ParamType {
    /// What the type is.
    pub kind: ParamTypeKind,
    /// Place of the type in the text.
    pub span: Span,
}

/// The forms of a type. The batch axis is never written, so a map has three dims: channels, height, width.
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
    /// One result, several by position, or several by name.
    pub kind: ResultTypeKind,
    /// Place of the type in the text, without the arrow.
    pub span: Span,
}

/// The forms of a result type.
#[derive(Debug, Clone)]
pub enum ResultTypeKind {
    /// One type, always `Tensor` or `Index`.
    One(ParamType),
    /// `([c, h, w], index[c, h, w])`: several results that `let (a, b) = ...` takes apart, in this order.
    Tuple(Vec<ParamType>),
    /// `{ main = [..], aux = [..] }`: several results by name. The first one of a model is its main result.
    Record(Vec<(Ident, ParamType)>),
}
