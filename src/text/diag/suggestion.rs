//! Edits that mend a problem: for people to read, for `npc fix` and editors to apply.

use crate::text::source::Span;

/// How far an edit may be trusted; the words are those of rustc's JSON messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Applicability {
    /// Certainly what was meant: `npc fix` applies it.
    MachineApplicable,
    /// Leads to a file that says something, perhaps not what was meant.
    MaybeIncorrect,
    /// Holds `...` that only the author can fill.
    HasPlaceholders,
    /// Nothing is known about how far the edit may be trusted.
    Unspecified,
}

impl Applicability {
    /// Gives the spelling of rustc's JSON messages, such as `MachineApplicable`.
    pub fn as_str(self) -> &'static str {
        match self {
            Applicability::MachineApplicable => "MachineApplicable",
            Applicability::MaybeIncorrect => "MaybeIncorrect",
            Applicability::HasPlaceholders => "HasPlaceholders",
            Applicability::Unspecified => "Unspecified",
        }
    }
}

/// One way to mend a problem. The edits belong together: all of them or none.
#[derive(Debug, Clone)]
pub struct Suggestion {
    /// What it does, without a full stop: `` did you mean `conv`? ``
    pub message: String,
    /// Places and what shall stand there instead; an empty place is an insertion. They do not overlap.
    pub edits: Vec<(Span, String)>,
    /// How far the edits may be trusted.
    pub applicability: Applicability,
}
