//! Claims about models, and bounds on the models of a sweep.

use super::expr::{Arg, Expr, Ident};
use crate::text::source::{Span, Spanned};

/// `expect NPNet on cvc { params ~= 0.71M  macs(thop) ~= 2.17G  output == [2, 288, 384] }`
#[derive(Debug, Clone)]
pub struct Expect {
    /// Name of the model or variant that the claims are about.
    pub model: Ident,
    /// Hyper-parameters in parentheses after the model; may be empty.
    pub args: Vec<Arg>,
    /// Name of the `data` item after `on`, which sets the image size.
    pub on: Option<Ident>,
    /// The claims in the braces, in the order written.
    pub claims: Vec<Claim>,
}

/// One claim: a quantity, a relation and a value. Bounds of a sweep (`keep where params < 1M`) are claims too.
#[derive(Debug, Clone)]
pub struct Claim {
    /// Quantity, a name or a call: `params`, `macs(thop)`, `output`.
    pub quantity: Expr,
    /// Relation between quantity and value, with the span of the sign.
    pub relation: Spanned<Relation>,
    /// The value on the right of the relation.
    pub value: ClaimValue,
    /// Reason in `refuted "reason"`: the claim is known to be false.
    pub refuted: Option<Spanned<String>>,
    /// Span from the quantity to the end of the value, or of the reason after `refuted`.
    pub span: Span,
}

/// The relation between the two sides of a claim.
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
    /// A number such as `0.71M` or `8GiB`.
    Number {
        /// Number before the unit as written, such as `0.71`; `~=` compares as many digits as are written.
        digits: String,
        /// `K`, `M`, `G` or `T`, which multiply by a power of 1000 (of 1024 before `iB`); `None` multiplies by 1.
        suffix: Option<char>,
        /// Byte unit after the suffix; `None` for a plain number.
        bytes: Option<ByteUnit>,
        /// Span from the first digit to the end of the unit.
        span: Span,
    },
    /// Any other expression, for example `[2, 288, 384]`.
    Expr(Expr),
}
