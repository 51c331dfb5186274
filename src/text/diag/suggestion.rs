//! Edits that fix a problem: people read them, `npc fix` and editors apply them.

use crate::base::applicability::Applicability;
use crate::text::source::Span;

/// One way to fix a problem. The edits belong together: all are applied, or none.
#[derive(Debug, Clone)]
pub struct Suggestion {
    /// Description of the edit without a full stop: `` did you mean `conv`? ``
    pub message: String,
    /// Spans with their replacements, which do not overlap. An empty span is an insertion.
    pub edits: Vec<(Span, String)>,
    /// Confidence in the edits.
    pub applicability: Applicability,
}
