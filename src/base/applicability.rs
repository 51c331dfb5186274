//! Confidence in an edit.

/// Confidence that an edit is what the author wants; the names are those of rustc's JSON messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Applicability {
    /// The edit is certainly right; `npc fix` applies it.
    MachineApplicable,
    /// The result is valid, but may not be what the author intended.
    MaybeIncorrect,
    /// The edit contains `...`, which the author must replace.
    HasPlaceholders,
    /// The confidence is unknown.
    Unspecified,
}

impl Applicability {
    /// Returns the spelling in rustc's JSON messages, such as `MachineApplicable`.
    pub fn as_str(self) -> &'static str {
        match self {
            Applicability::MachineApplicable => "MachineApplicable",
            Applicability::MaybeIncorrect => "MaybeIncorrect",
            Applicability::HasPlaceholders => "HasPlaceholders",
            Applicability::Unspecified => "Unspecified",
        }
    }
}
