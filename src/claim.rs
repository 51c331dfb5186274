//! Claims about models, as papers make them: `expect` blocks against what is counted.
//!
//! Knows syntax, graphs and costs; runs nothing. A claim with `refuted "reason"` is one that is known not to hold: it is
//! an error when it holds after all.

mod score;

use crate::check::{Checked, unknown_result};
use crate::cost::{Convention, count};
use crate::diag::{Applicability, Code, Diagnostic};
use crate::source::{Span, Spanned};
use crate::syntax::ast::{Claim, ClaimValue, Expr, ExprKind, Ident, Relation};
pub use score::{Figure, figure, is_judged};
use score::{SCORES, reported};
use std::fmt;
use std::str::FromStr;

/// What a claim is about.
#[derive(Debug, Clone)]
enum Quantity {
    /// Trainable numbers; with a convention, as that tool totals them.
    Params(Option<Convention>),
    Buffers,
    Macs(Convention),
    Input,
    /// Of the first result, or of the one that is named.
    Output(Option<Ident>),
    /// What only a trained network has.
    Score,
}

/// A quantity's value: a number or a shape.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    Number(u64),
    Shape(Vec<usize>),
    /// Only training tells.
    Nothing,
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Found::Number(n) => n.fmt(f),
            Found::Shape(shape) => write!(f, "{shape:?}"),
            Found::Nothing => f.write_str("-"),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    Holds,
    /// Known not to hold, and it does not.
    Refuted {
        reason: String,
    },
    /// What a source reports of a trained network: kept, and not judged.
    Reported,
}

/// A claim that is as it should be.
#[derive(Debug, Clone)]
pub struct Judged {
    pub found: Found,
    pub verdict: Verdict,
}

const QUANTITIES: &[&str] = &["params", "buffers", "macs", "input", "output", "dice", "iou"];

/// Holds one claim against a model. The error is a claim that is wrong, or marked as wrong and right.
pub fn judge(claim: &Claim, checked: &Checked) -> Result<Judged, Box<Diagnostic>> {
    let quantity = quantity(&claim.quantity)?;
    if matches!(quantity, Quantity::Score) {
        return reported(claim);
    }
    let found = measure(&quantity, checked)?;
    let holds = compare(claim, &found)?;
    match (&claim.refuted, holds) {
        (None, true) => Ok(Judged { found, verdict: Verdict::Holds }),
        (Some(reason), false) => Ok(Judged { found, verdict: Verdict::Refuted { reason: reason.node.clone() } }),
        (None, false) => {
            let name = &checked.graph().name;
            let message = format!("this claim about `{name}` at {} does not hold", checked.input());
            let d = Diagnostic::new(Code::E0601, claim.span, message).label(format!("it is {found}"));
            let help = "mend the claim or the model; a source known to be wrong gets `refuted \"reason\"`";
            let at = match &claim.value {
                ClaimValue::Number { span, .. } => *span,
                ClaimValue::Expr(expr) => expr.span,
            };
            Err(Box::new(match claim.relation.node {
                Relation::Rounds | Relation::Eq => {
                    d.help(help).suggest("what the model has", at, found.to_string(), Applicability::MaybeIncorrect)
                }
                Relation::Ne | Relation::Lt | Relation::Le | Relation::Gt | Relation::Ge => d.help(help),
            }))
        }
        (Some(reason), true) => {
            let message = "this claim is marked as refuted and holds";
            let d = Diagnostic::new(Code::E0602, claim.span, message).label(format!("it is {found}"));
            let mark = Span { start: value_end(claim), end: reason.span.end, ..reason.span };
            let d = d.other(reason.span, "marked here");
            Err(Box::new(d.suggest("take `refuted` away", mark, "", Applicability::MaybeIncorrect)))
        }
    }
}

/// Where the value of a claim ends.
fn value_end(claim: &Claim) -> u32 {
    match &claim.value {
        ClaimValue::Number { span, .. } => span.end,
        ClaimValue::Expr(expr) => expr.span.end,
    }
}

fn quantity(expr: &Expr) -> Result<Quantity, Box<Diagnostic>> {
    let unknown = |name: &str| {
        let d = Diagnostic::new(Code::E0603, expr.span, format!("nothing is known about `{name}`"));
        let at = if let ExprKind::Call(call) = &expr.kind { call.name.span } else { expr.span };
        let there = || Some(format!("there is {}", QUANTITIES.join(", ")));
        Box::new(d.nearest(at, name, QUANTITIES.iter().copied(), there))
    };
    let plain = |name: &str| {
        Ok(match name {
            "params" => Quantity::Params(None),
            "buffers" => Quantity::Buffers,
            "macs" => Quantity::Macs(Convention::Conv),
            "input" => Quantity::Input,
            "output" => Quantity::Output(None),
            score if SCORES.contains(&score) => Quantity::Score,
            other => return Err(unknown(other)),
        })
    };
    match &expr.kind {
        ExprKind::Name(name) => plain(name),
        ExprKind::Call(call) => {
            let [arg] = &call.args[..] else { return Err(unknown(&call.name.node)) };
            let ExprKind::Name(word) = &arg.value.kind else { return Err(unknown(&call.name.node)) };
            if call.name.node == "output" {
                return Ok(Quantity::Output(Some(Spanned::new(word.clone(), arg.value.span))));
            }
            let convention: Convention = word.parse().map_err(|message: String| {
                let d = Diagnostic::new(Code::E0603, arg.value.span, message);
                Box::new(d.nearest(arg.value.span, word, Convention::ALL.iter().map(|c| c.name()), || None))
            })?;
            match call.name.node.as_str() {
                "macs" => Ok(Quantity::Macs(convention)),
                "params" => Ok(Quantity::Params(Some(convention))),
                other => Err(unknown(other)),
            }
        }
        _ => Err(Box::new(Diagnostic::new(Code::E0603, expr.span, "a claim is about a quantity such as `params`"))),
    }
}

fn measure(quantity: &Quantity, checked: &Checked) -> Result<Found, Box<Diagnostic>> {
    Ok(match quantity {
        Quantity::Params(None) => Found::Number(count(checked, Convention::Conv).params),
        Quantity::Params(Some(convention)) => Found::Number(count(checked, *convention).counted_params),
        Quantity::Buffers => Found::Number(count(checked, Convention::Conv).buffers),
        Quantity::Macs(convention) => Found::Number(count(checked, *convention).macs),
        Quantity::Score => Found::Nothing,
        Quantity::Input => Found::Shape(checked.input().dims().to_vec()),
        Quantity::Output(None) => Found::Shape(checked.output().dims().to_vec()),
        Quantity::Output(Some(name)) => {
            if let Some(d) = unknown_result(checked, name) {
                return Err(Box::new(d));
            }
            let shape = checked.results().find(|(n, _)| *n == name.node).map_or(checked.output(), |(_, shape)| shape);
            Found::Shape(shape.dims().to_vec())
        }
    })
}

fn compare(claim: &Claim, found: &Found) -> Result<bool, Box<Diagnostic>> {
    let wrong = |message: &str| Err(Box::new(Diagnostic::new(Code::E0206, claim.span, message)));
    match (found, &claim.value) {
        (Found::Number(n), ClaimValue::Number { digits, suffix, .. }) => match written(digits, *suffix) {
            Some(value) => Ok(relate(claim.relation.node, *n, value)),
            None => wrong("this number has too many digits"),
        },
        (Found::Number(n), ClaimValue::Expr(Expr { kind: ExprKind::Int(value), .. })) => {
            let value = u128::try_from(*value).unwrap_or(0);
            Ok(relate(claim.relation.node, *n, Written { value, unit: Unit::Times(1) }))
        }
        (Found::Shape(shape), ClaimValue::Expr(Expr { kind: ExprKind::List(items), .. })) => {
            let dims: Option<Vec<usize>> = (items.iter())
                .map(|i| if let ExprKind::Int(n) = i.kind { usize::try_from(n).ok() } else { None })
                .collect();
            match (dims, claim.relation.node) {
                (Some(dims), Relation::Eq | Relation::Rounds) => Ok(dims == *shape),
                (Some(dims), Relation::Ne) => Ok(dims != *shape),
                (Some(_), _) => wrong("shapes are equal or not; they have no order"),
                (None, _) => wrong("a shape is a list of integers, for example [2, 288, 384]"),
            }
        }
        (Found::Number(_), ClaimValue::Expr(_)) => wrong("this quantity is a number"),
        (Found::Shape(_), _) => wrong("this quantity is a shape, for example [2, 288, 384]"),
        // Scores are not compared.
        (Found::Nothing, _) => Ok(true),
    }
}

/// A number as a paper prints it: `0.71M` stands for everything that rounds to it.
#[derive(Clone, Copy)]
pub struct Printed(Written);

impl Printed {
    /// Whether `n`, rounded half up to the last digit that is printed, is this number.
    pub fn stands_for(self, n: u64) -> bool {
        relate(Relation::Rounds, n, self.0)
    }

    /// In the middle of what it stands for.
    pub fn value(self) -> f64 {
        match self.0.unit {
            Unit::Times(size) => self.0.value as f64 * size as f64,
            Unit::Over(size) => self.0.value as f64 / size as f64,
        }
    }
}

impl FromStr for Printed {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let suffix = text.chars().last().map(|c| c.to_ascii_uppercase()).filter(|c| "KMGT".contains(*c));
        let digits = if suffix.is_some() { &text[..text.len() - 1] } else { text }.trim();
        let plain = digits.chars().all(|c| c.is_ascii_digit() || c == '.') && digits.matches('.').count() <= 1;
        let number = digits.chars().any(|c| c.is_ascii_digit()) && plain;
        written(digits, suffix)
            .filter(|_| number)
            .map(Printed)
            .ok_or_else(|| format!("`{text}` is no number such as 707330, 0.71M or 2.17G"))
    }
}

/// `0.71M` is 71 units of 10^4; `12.5` is 125 units of 1/10.
#[derive(Clone, Copy)]
struct Written {
    value: u128,
    unit: Unit,
}

#[derive(Clone, Copy)]
enum Unit {
    Times(u128),
    Over(u128),
}

fn written(digits: &str, suffix: Option<char>) -> Option<Written> {
    let (mantissa, exponent) = match digits.split_once(['e', 'E']) {
        Some((m, e)) => (m, e.parse::<i32>().ok()?),
        None => (digits, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let value = format!("{whole}{fraction}").replace('_', "").parse::<u128>().ok()?;
    let scale = match suffix {
        None => 0,
        Some('K') => 3,
        Some('M') => 6,
        Some('G') => 9,
        Some(_) => 12,
    };
    let power = exponent.checked_add(scale)?.checked_sub(i32::try_from(fraction.replace('_', "").len()).ok()?)?;
    let size = 10u128.checked_pow(power.unsigned_abs()).filter(|s| *s <= 10u128.pow(18))?;
    // Far from any count, and room for the products below.
    (value < 1 << 64).then_some(Written { value, unit: if power < 0 { Unit::Over(size) } else { Unit::Times(size) } })
}

fn relate(relation: Relation, n: u64, Written { value, unit }: Written) -> bool {
    let n = u128::from(n);
    // Both sides in units of the written number's last digit, or of its fraction.
    let (a, b) = match unit {
        Unit::Times(size) => (n, value * size),
        Unit::Over(size) => (n.saturating_mul(size), value),
    };
    match relation {
        // Rounded half up to the last digit written.
        Relation::Rounds => match unit {
            Unit::Times(size) => (2 * n + size) / (2 * size) == value,
            Unit::Over(_) => a == b,
        },
        Relation::Eq => a == b,
        Relation::Ne => a != b,
        Relation::Lt => a < b,
        Relation::Le => a <= b,
        Relation::Gt => a > b,
        Relation::Ge => a >= b,
    }
}
