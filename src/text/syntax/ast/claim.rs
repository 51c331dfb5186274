//! What is claimed of a model, and what a sweep asks of its models.

use super::expr::{Arg, Expr, Ident};
use crate::text::source::{Span, Spanned};

/// `expect NPNet on cvc { params ~= 0.71M  macs(thop) ~= 2.17G  output == [2, 288, 384] }`
#[derive(Debug, Clone)]
pub struct Expect {
    /// Name of the model or variant that the claims are about.
    pub model: Ident,
    /// Hyper-parameters in parentheses after the model; empty where there are none.
    pub args: Vec<Arg>,
    /// Name of the `data` item after `on`, which sets the image size; `None` where none is written.
    pub on: Option<Ident>,
    /// The claims in the braces, in the order written.
    pub claims: Vec<Claim>,
}

/// One claim: a quantity, a relation and a value. Bounds of a sweep (`keep where params < 1M`) are claims too.
#[derive(Debug, Clone)]
pub struct Claim {
    /// `params`, `macs(thop)`, `output`: a name or a call.
    pub quantity: Expr,
    /// How the quantity compares with the value, with the place of the sign.
    pub relation: Spanned<Relation>,
    /// The value on the right of the relation.
    pub value: ClaimValue,
    /// `refuted "reason"`: the claim is known not to hold.
    pub refuted: Option<Spanned<String>>,
    /// From the quantity to the end of the value, or of the reason after `refuted`.
    pub span: Span,
}

/// How the two sides of a claim compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Relation {
    /// `~=`: rounds to the digits written.
    Rounds,
    /// `==`: is equal to the value.
    Eq,
    /// `!=`: differs from the value.
    Ne,
    /// `<`: is below the value.
    Lt,
    /// `<=`: is at most the value.
    Le,
    /// `>`: is above the value.
    Gt,
    /// `>=`: is at least the value.
    Ge,
}

/// The unit of an amount of memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ByteUnit {
    /// `B`: a suffix before it is a power of 1000.
    Decimal,
    /// `iB`: the suffix before it is a power of 1024.
    Binary,
}

/// The right side of a claim.
#[derive(Debug, Clone)]
pub enum ClaimValue {
    /// `0.71M`, `8GiB`: the digits as written, the suffix (`K`, `M`, `G`, `T` or none) and what it is of.
    Number {
        /// Number in front of the unit, in the spelling of the file: `0.71`, from which `~=` takes how many digits
        /// count.
        digits: String,
        /// `K`, `M`, `G` or `T`, which multiply by a power of 1000 (of 1024 before `iB`); `None` multiplies by 1.
        suffix: Option<char>,
        /// Kind of byte unit behind the suffix; `None` for a plain number.
        bytes: Option<ByteUnit>,
        /// From the first digit to the end of the unit.
        span: Span,
    },
    /// Any other expression, for example `[2, 288, 384]`.
    Expr(Expr),
}
