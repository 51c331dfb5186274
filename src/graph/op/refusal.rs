//! Why an operator refuses its inputs, and the checks that operators share.

use crate::graph::ty::{Shape, TensorType};

/// Why an operator refuses its inputs: facts in words, without a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// What sort of fault it is, which decides the code of the message.
    pub kind: RefusalKind,
    /// The fault in one sentence, with the sizes that were found.
    pub message: String,
    /// What to write instead, where there is advice.
    pub help: Option<String>,
}

/// What sort of fault a [`Refusal`] tells of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefusalKind {
    /// Inputs do not fit each other.
    Mismatch,
    /// One input or setting is impossible by itself.
    Setting,
    /// A vector where a map is needed, indices where a tensor is needed, or the other way round.
    Type,
    /// Pool indices of another shape.
    Index,
    /// Larger than anything that can be computed.
    Limit,
}

impl Refusal {
    /// Makes a refusal without advice.
    pub fn new(kind: RefusalKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), help: None }
    }

    /// Adds what to write instead.
    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.help = Some(text.into());
        self
    }
}

/// A refusal of one setting by itself.
pub(super) fn invalid_setting(message: String) -> Refusal {
    Refusal::new(RefusalKind::Setting, message)
}

/// The map shape `[c, h, w]` of an input, or a refusal that names the operator.
pub(super) fn expect_map(op: &str, input: &TensorType) -> Result<[usize; 3], Refusal> {
    match input.tensor().map(Shape::dims) {
        Some(&[c, h, w]) => Ok([c, h, w]),
        Some(_) => Err(Refusal::new(RefusalKind::Type, format!("`{op}` needs a map [c, h, w], found {input}"))),
        None => Err(Refusal::new(RefusalKind::Type, format!("`{op}` needs a tensor, found pool indices {input}"))),
    }
}

/// The shape of an input that must be a tensor, or a refusal that names the operator.
pub(super) fn expect_tensor<'a>(op: &str, input: &'a TensorType) -> Result<&'a Shape, Refusal> {
    input
        .tensor()
        .ok_or_else(|| Refusal::new(RefusalKind::Type, format!("`{op}` needs a tensor, found pool indices {input}")))
}

/// Pixels along one axis, or a refusal: settings are as large as 2^32 and their products larger than a machine word.
pub(super) fn check_axis(op: &str, pixels: u128) -> Result<usize, Refusal> {
    match usize::try_from(pixels) {
        Ok(n) if n <= 1 << 40 => Ok(n),
        _ => Err(Refusal::new(RefusalKind::Limit, format!("`{op}` would make an axis of {pixels} pixels"))
            .help("the limit is 2^40")),
    }
}
