//! Suggestions of edits and of similar names.

use super::diagnostic::Diagnostic;
use super::suggestion::Suggestion;
use crate::base::applicability::Applicability;
use crate::text::source::Span;

/// Longest name that counts as short. Short names that differ in one letter are usually different names.
const MAX_SHORT_NAME: usize = 3;

impl Diagnostic {
    /// Suggests an edit that replaces `span`.
    pub fn suggest(
        self,
        message: impl Into<String>,
        span: Span,
        text: impl Into<String>,
        applicability: Applicability,
    ) -> Self {
        self.suggest_all(message, vec![(span, text.into())], applicability)
    }

    /// Suggests several edits that belong together.
    pub fn suggest_all(
        mut self,
        message: impl Into<String>,
        edits: Vec<(Span, String)>,
        applicability: Applicability,
    ) -> Self {
        self.suggestions.push(Suggestion { message: message.into(), edits, applicability });
        self
    }

    /// Suggests the most similar of the `known` names instead of `word`, which is written at `span`. If none is similar,
    /// `otherwise` may return a help text instead.
    pub fn nearest<'a, I>(self, span: Span, word: &str, known: I, otherwise: impl FnOnce() -> Option<String>) -> Self
    where
        I: IntoIterator<Item = &'a str>,
    {
        let known: Vec<&str> = known.into_iter().collect();
        match did_you_mean(word, known.iter().copied()) {
            Some(near) => self.renamed(span, near, applicability(word, &known)),
            None => match otherwise() {
                Some(help) => self.help(help),
                None => self,
            },
        }
    }

    /// Suggests another name in place of the one at `span`.
    pub fn renamed(self, span: Span, name: &str, applicability: Applicability) -> Self {
        self.suggest(format!("did you mean `{name}`?"), span, name, applicability)
    }
}

/// Returns the name in `known` most similar to `word`, if it is similar enough. A name that shares no letter is not. Only the first 1000 names and names of at
/// most 64 bytes are compared, because a hostile file may contain more and longer ones.
pub fn did_you_mean<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    near_names(word, known).first().copied()
}

/// Returns the names in `known` that are similar to `word`, as [`did_you_mean`] defines it, the most similar first.
pub fn near_names<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    const MAX_NAME_BYTES: usize = 64;
    if word.len() > MAX_NAME_BYTES {
        return Vec::new();
    }
    let mut near: Vec<(usize, &str)> = known
        .into_iter()
        .take(1000)
        .filter(|k| k.len() <= MAX_NAME_BYTES)
        .map(|k| (strsim::damerau_levenshtein(&word.to_lowercase(), &k.to_lowercase()), k))
        .filter(|&(d, k)| d <= word.len().max(k.len()).div_ceil(3) && d < word.len())
        .collect();
    near.sort_by_key(|&(d, _)| d);
    near.into_iter().map(|(_, k)| k).collect()
}

/// Returns `MachineApplicable` if exactly one known name, not a short one, is within one edit of `word`.
fn applicability(word: &str, known: &[&str]) -> Applicability {
    let distance = |k: &str| strsim::damerau_levenshtein(&word.to_lowercase(), &k.to_lowercase());
    let mut close: Vec<&str> = known.iter().take(1000).filter(|k| k.len() <= 64 && distance(k) <= 1).copied().collect();
    close.sort_unstable();
    close.dedup();
    match close[..] {
        [one] if one.len() > MAX_SHORT_NAME => Applicability::MachineApplicable,
        _ => Applicability::MaybeIncorrect,
    }
}

/// Formats names as `` `a`, `b`, `c` ``; lists at most a dozen.
pub fn quoted_list<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    const MAX_LISTED: usize = 12;
    let names: Vec<&str> = names.into_iter().collect();
    let mut shown: Vec<String> = names.iter().take(MAX_LISTED).map(|n| format!("`{n}`")).collect();
    if names.len() > MAX_LISTED {
        shown.push(format!("and {} more", names.len() - MAX_LISTED));
    }
    shown.join(", ")
}
