//! Names that were probably meant, offered as edits.

use super::diagnostic::Diagnostic;
use super::suggestion::{Applicability, Suggestion};
use crate::text::source::Span;

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

/// The name among `known` nearest to `word`, if one is near enough to be meant. Looks at the first 1000 names of at most
/// 64 bytes: a hostile file may hold far more, and longer ones.
pub fn did_you_mean<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    const LONGEST: usize = 64;
    if word.len() > LONGEST {
        return None;
    }
    known
        .into_iter()
        .take(1000)
        .filter(|k| k.len() <= LONGEST)
        .map(|k| (strsim::damerau_levenshtein(&word.to_lowercase(), &k.to_lowercase()), k))
        .filter(|&(d, k)| d <= word.len().max(k.len()).div_ceil(3))
        .min_by_key(|&(d, _)| d)
        .map(|(_, k)| k)
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
pub fn quoted_list<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    const SHOWN: usize = 12;
    let names: Vec<&str> = names.into_iter().collect();
    let mut shown: Vec<String> = names.iter().take(SHOWN).map(|n| format!("`{n}`")).collect();
    if names.len() > SHOWN {
        shown.push(format!("and {} more", names.len() - SHOWN));
    }
    shown.join(", ")
}
