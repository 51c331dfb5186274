//! Edits that mend a problem: for people to read, for `npc fix` and editors to apply.

use super::{Diagnostic, did_you_mean};
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
    Unspecified,
}

impl Applicability {
    pub fn text(self) -> &'static str {
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
    pub applicability: Applicability,
}

/// The longest known name that counts as short: names that differ in a letter of three are different names.
const SHORT: usize = 3;

impl Diagnostic {
    /// Adds an edit that replaces `span`.
    pub fn suggest(
        self,
        message: impl Into<String>,
        span: Span,
        text: impl Into<String>,
        applicability: Applicability,
    ) -> Self {
        self.suggest_all(message, vec![(span, text.into())], applicability)
    }

    /// Adds a suggestion of several edits.
    pub fn suggest_all(
        mut self,
        message: impl Into<String>,
        edits: Vec<(Span, String)>,
        applicability: Applicability,
    ) -> Self {
        self.suggestions.push(Suggestion { message: message.into(), edits, applicability });
        self
    }

    /// Offers the nearest of the `known` names instead of `word`, which stands at `span`. Where none is near,
    /// `otherwise` may say what there is.
    pub fn nearest<'a, I>(self, span: Span, word: &str, known: I, otherwise: impl FnOnce() -> Option<String>) -> Self
    where
        I: IntoIterator<Item = &'a str>,
    {
        let known: Vec<&str> = known.into_iter().collect();
        match did_you_mean(word, known.iter().copied()) {
            Some(near) => self.renamed(span, near, trust(word, &known)),
            None => match otherwise() {
                Some(help) => self.help(help),
                None => self,
            },
        }
    }

    /// Offers the name that was certainly or probably meant.
    pub fn renamed(self, span: Span, name: &str, applicability: Applicability) -> Self {
        self.suggest(format!("did you mean `{name}`?"), span, name, applicability)
    }
}

/// Certain where exactly one known name is at most one slip of the keyboard away.
fn trust(word: &str, known: &[&str]) -> Applicability {
    let slips = |k: &str| strsim::damerau_levenshtein(&word.to_lowercase(), &k.to_lowercase());
    let mut close: Vec<&str> = known.iter().take(1000).filter(|k| k.len() <= 64 && slips(k) <= 1).copied().collect();
    close.sort_unstable();
    close.dedup();
    match close[..] {
        [one] if one.len() > SHORT => Applicability::MachineApplicable,
        _ => Applicability::MaybeIncorrect,
    }
}

/// `` `a`, `b`, `c` ``: at most a dozen names.
pub fn listed<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    const SHOWN: usize = 12;
    let names: Vec<&str> = names.into_iter().collect();
    let mut shown: Vec<String> = names.iter().take(SHOWN).map(|n| format!("`{n}`")).collect();
    if names.len() > SHOWN {
        shown.push(format!("and {} more", names.len() - SHOWN));
    }
    shown.join(", ")
}
