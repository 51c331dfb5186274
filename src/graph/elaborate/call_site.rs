//! Calls of blocks and operators as they are written.

use crate::graph::op::Signature;
use crate::text::source::Span;
use crate::text::syntax::ast::{Arg, Block};

/// A call of a block.
#[derive(Clone, Copy)]
pub(super) struct BlockCall<'a> {
    pub(super) block: &'a Block,
    /// The arguments in brackets, without a piped input.
    pub(super) args: &'a [Arg],
    /// The block's name in the call.
    pub(super) name_span: Span,
    /// The whole call, to its closing bracket.
    pub(super) span: Span,
}

/// A call of an operator.
#[derive(Clone, Copy)]
pub(super) struct OperatorCall<'a> {
    pub(super) sig: &'static Signature,
    /// The arguments in brackets, without a piped input.
    pub(super) args: &'a [Arg],
    /// The operator's name in the call.
    pub(super) name_span: Span,
    /// The whole call, to its closing bracket.
    pub(super) span: Span,
}
