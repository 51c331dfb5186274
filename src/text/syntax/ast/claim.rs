//! What is claimed of a model, and what a sweep asks of its models.

use super::expr::{Arg, Expr, Ident};
use crate::text::source::{Span, Spanned};

/// `expect NPNet on cvc { params ~= 0.71M  macs(thop) ~= 2.17G  output == [2, 288, 384] }`
#[derive(Debug, Clone)]
pub struct Expect {
    pub model: Ident,
    pub args: Vec<Arg>,
    pub on: Option<Ident>,
    pub claims: Vec<Claim>,
}

#[derive(Debug, Clone)]
pub struct Claim {
    /// `params`, `macs(thop)`, `output`: a name or a call.
    pub quantity: Expr,
    pub relation: Spanned<Relation>,
    pub value: ClaimValue,
    /// `refuted "reason"`: the claim is known not to hold.
    pub refuted: Option<Spanned<String>>,
    pub span: Span,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Relation {
    /// `~=`: rounds to the digits written.
    Rounds,
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
}

/// The unit of an amount of memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bytes {
    /// `B`: a suffix before it is a power of 1000.
    Decimal,
    /// `iB`: the suffix before it is a power of 1024.
    Binary,
}

#[derive(Debug, Clone)]
pub enum ClaimValue {
    /// `0.71M`, `8GiB`: the digits as written, the suffix (`K`, `M`, `G`, `T` or none) and what it is of.
    Number { digits: String, suffix: Option<char>, bytes: Option<Bytes>, span: Span },
    /// Any other expression, for example `[2, 288, 384]`.
    Expr(Expr),
}
