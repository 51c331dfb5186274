//! Blocks and models: their parameters and result types.

use super::expr::{Expr, Ident};
use super::statement::Body;
use crate::text::source::Span;

/// A block or a model; they have the same form, but a model must have a result type.
#[derive(Debug, Clone)]
pub struct Block {
    /// Name that calls, variants and runs use.
    pub name: Ident,
    /// Tensor inputs and hyper-parameters, in the order written.
    pub params: Vec<Param>,
    /// Result type after `->`.
    pub result: Option<ResultType>,
    /// Body: statements, or one expression after `=`.
    pub body: Body,
    /// Span from the keyword to the end of the result type (or of the parameter list).
    pub head: Span,
}

/// One parameter of a block: a tensor input, pool indices or a hyper-parameter.
#[derive(Debug, Clone)]
pub struct Param {
    /// Name that the body uses for the value.
    pub name: Ident,
    /// Type after the colon.
    pub ty: ParamType,
    /// Default value; may be [`ExprKind::Hole`](super::ExprKind::Hole).
    pub default: Option<Expr>,
    /// Span from the name to the end of the default, or of the type if there is no default.
    pub span: Span,
}

/// A type as written, of a parameter or of a result.
#[derive(Debug, Clone)]
pub struct ParamType {
    /// Kind of the type.
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
    /// `([c, h, w], index[c, h, w])`: several results by position, as in `let (a, b) = ...`.
    Tuple(Vec<ParamType>),
    /// `{ main = [..], aux = [..] }`: several results by name. The first one of a model is its main result.
    Record(Vec<(Ident, ParamType)>),
}
