//! Application of suggested edits to a text.

use super::diag::{Applicability, Diagnostic, Problems, Suggestion};
use super::source::{SourceId, SourceMap, Span};
use super::syntax;
use std::collections::BTreeMap;

/// Applies one round of edits to `text`, the source `root`, and returns the new text with the number of problems fixed.
/// Machine-applicable edits are applied; with `likely`, edits that may be incorrect are applied too. The edits of one round
/// do not overlap, and none adds a syntax error.
pub fn apply_suggestions(text: &str, root: SourceId, problems: &Problems, likely: bool) -> (String, usize) {
    let mut chosen: Vec<&Suggestion> = Vec::new();
    let mut taken: BTreeMap<u32, u32> = BTreeMap::new();
    for suggestion in problems.iter().filter_map(|d| applicable_suggestion(d, root, likely)) {
        if suggestion.edits.iter().all(|(span, _)| is_free(&taken, *span)) {
            taken.extend(suggestion.edits.iter().map(|(span, _)| (span.start, span.end)));
            chosen.push(suggestion);
        }
    }
    let kept = without_new_syntax_errors(text, &chosen, count_syntax_errors(text), &mut { MAX_PARSES });
    (with_edits(text, &kept), kept.len())
}

/// Checks whether an edit touches no chosen edit; edits that touch could both be meant to change the same thing.
fn is_free(taken: &BTreeMap<u32, u32>, span: Span) -> bool {
    let before = taken.range(..=span.end).next_back();
    before.is_none_or(|(_, &end)| end < span.start)
}

/// Limit on the parses of one round; after it, the remaining edits are dropped.
const MAX_PARSES: usize = 64;

/// Returns the suggestions that do not raise the number of syntax errors above `before`: all of them, or the harmless ones
/// of each half (bisection).
fn without_new_syntax_errors<'s>(
    text: &str,
    suggestions: &[&'s Suggestion],
    before: usize,
    parses_left: &mut usize,
) -> Vec<&'s Suggestion> {
    if suggestions.is_empty() || *parses_left == 0 {
        return Vec::new();
    }
    *parses_left -= 1;
    if count_syntax_errors(&with_edits(text, suggestions)) <= before {
        return suggestions.to_vec();
    }
    if suggestions.len() == 1 {
        return Vec::new();
    }
    let (first, second) = suggestions.split_at(suggestions.len() / 2);
    let mut kept = without_new_syntax_errors(text, first, before, parses_left);
    kept.extend(without_new_syntax_errors(text, second, before, parses_left));
    // Each half adds no error alone. If both together do, the first half is enough for this round.
    if count_syntax_errors(&with_edits(text, &kept)) <= before {
        kept
    } else {
        without_new_syntax_errors(text, first, before, parses_left)
    }
}

/// Returns the first suggestion of a problem that may be applied to the root file.
fn applicable_suggestion(d: &Diagnostic, root: SourceId, likely: bool) -> Option<&Suggestion> {
    d.suggestions.iter().find(|s| {
        let trusted = match s.applicability {
            Applicability::MachineApplicable => true,
            Applicability::MaybeIncorrect => likely,
            Applicability::HasPlaceholders | Applicability::Unspecified => false,
        };
        trusted && s.edits.iter().all(|(span, _)| span.source == root)
    })
}

/// Counts the syntax errors of a text.
fn count_syntax_errors(text: &str) -> usize {
    let mut sources = SourceMap::new();
    let id = sources.add("", text);
    syntax::parse(&sources, id).1.iter().filter(|d| d.is_error()).count()
}

/// Returns `text` with the edits of the suggestions applied.
fn with_edits(text: &str, suggestions: &[&Suggestion]) -> String {
    let mut edits: Vec<&(Span, String)> = suggestions.iter().flat_map(|s| &s.edits).collect();
    edits.sort_by_key(|(span, _)| (span.start, span.end));
    let (mut out, mut at) = (String::with_capacity(text.len()), 0);
    for (span, new) in edits {
        let mut range = span.range();
        if new.is_empty() {
            range = widen_to_line(text, range);
        }
        out.push_str(text.get(at..range.start).unwrap_or(""));
        out.push_str(new);
        at = range.end.max(at);
    }
    out.push_str(text.get(at..).unwrap_or(""));
    out
}

/// Extends a deletion to the whole line, line end included, if it would leave only white space on the line.
fn widen_to_line(text: &str, range: std::ops::Range<usize>) -> std::ops::Range<usize> {
    let start = text[..range.start].rfind('\n').map_or(0, |at| at + 1);
    let end = text[range.end..].find('\n').map_or(text.len(), |at| range.end + at + 1);
    let blank = text[start..range.start].trim().is_empty() && text[range.end..end].trim().is_empty();
    if blank { start..end } else { range }
}
