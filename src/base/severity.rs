//! How bad a problem is.

/// How bad a problem is; what is worse comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The file or command cannot be carried out as it stands.
    Error,
    /// The file is valid, and may not say what was meant.
    Warning,
    /// A remark that asks for no change.
    Note,
}

impl Severity {
    /// Gives the word that stands in front of messages: `error`, `warning` or `note`.
    pub fn as_str(self) -> &'static str {
        match self {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note => "note",
        }
    }
}
