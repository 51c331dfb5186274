//! The severity of a problem.

/// Severity of a problem; the worst comes first in the order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The file or command is invalid.
    Error,
    /// The file is valid, but may not be what the author intended.
    Warning,
    /// A remark that needs no change.
    Note,
}

impl Severity {
    /// Returns the word before a message: `error`, `warning` or `note`.
    pub fn as_str(self) -> &'static str {
        match self {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note => "note",
        }
    }
}
