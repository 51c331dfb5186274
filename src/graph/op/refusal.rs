//! Errors of operators, and the checks that operators share.

use crate::base::count::counted;
use crate::graph::ty::{Shape, TensorType};

/// The reason why an operator refuses its inputs or settings, without a source location.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The kind of error, which decides the code of the diagnostic.
    pub kind: RefusalKind,
    /// The error in one sentence, with the actual sizes.
    pub message: String,
    /// The suggested correction, if there is one.
    pub help: Option<String>,
}

/// The kind of error that a [`Refusal`] reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefusalKind {
    /// The inputs do not match each other.
    Mismatch,
    /// One input or setting is invalid by itself.
    Setting,
    /// A vector where a map is needed, indices where a tensor is needed, or the other way round.
    Type,
    /// The pool indices have another shape.
    Index,
    /// A size exceeds the limit.
    Limit,
}

impl Refusal {
    /// Makes a refusal without a suggested correction.
    pub fn new(kind: RefusalKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), help: None }
    }

    /// Adds the suggested correction.
    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.help = Some(text.into());
        self
    }
}

/// Returns the refusal of a setting that is invalid by itself.
pub(super) fn invalid_setting(message: String) -> Refusal {
    Refusal::new(RefusalKind::Setting, message)
}

/// Returns the map shape `[c, h, w]` of an input. Errors: a refusal that names the operator.
pub(super) fn expect_map(op: &str, input: &TensorType) -> Result<[usize; 3], Refusal> {
    match input.tensor().map(Shape::dims) {
        Some(&[c, h, w]) => Ok([c, h, w]),
        Some(_) => Err(Refusal::new(RefusalKind::Type, format!("`{op}` needs a map [c, h, w], found {input}"))),
        None => Err(Refusal::new(RefusalKind::Type, format!("`{op}` needs a tensor, found pool indices {input}"))),
    }
}

/// Returns the shape of an input that must be a tensor. Errors: a refusal that names the operator.
pub(super) fn expect_tensor<'a>(op: &str, input: &'a TensorType) -> Result<&'a Shape, Refusal> {
    input
        .tensor()
        .ok_or_else(|| Refusal::new(RefusalKind::Type, format!("`{op}` needs a tensor, found pool indices {input}")))
}

/// Checks that an axis has at most 2^40 pixels. Settings reach 2^32, and their products exceed a machine word.
pub(super) fn check_axis(op: &str, pixels: u128) -> Result<usize, Refusal> {
    match usize::try_from(pixels) {
        Ok(n) if n <= 1 << 40 => Ok(n),
        _ => {
            Err(Refusal::new(RefusalKind::Limit, format!("`{op}` would make an axis of {}", counted(pixels, "pixel")))
                .help("the limit is 2^40"))
        }
    }
}
