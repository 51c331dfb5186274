//! The edits that problems suggest, with_edits to a text.

use super::diag::{Applicability, Diagnostic, Problems, Suggestion};
use super::source::{SourceId, SourceMap, Span};
use super::syntax;
use std::collections::BTreeMap;

/// `text`, the source `root`, after one round of edits, and the number of problems that they fix. Edits that are certain are
/// with_edits; with `likely` also those that may not be what was meant. Edits of one round do not overlap, and none adds an
/// error of syntax.
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

/// An edit that touches none that is made already: both could be meant to change the same thing.
fn is_free(taken: &BTreeMap<u32, u32>, span: Span) -> bool {
    let before = taken.range(..=span.end).next_back();
    before.is_none_or(|(_, &end)| end < span.start)
}

/// Tries of parts of a round, before the rest of it is given up.
const MAX_PARSES: usize = 64;

/// Those of some suggestions that add no error of syntax to the `before` that there are: all, or of each half what does
/// not.
fn without_new_syntax_errors<'s>(
    text: &str,
    some: &[&'s Suggestion],
    before: usize,
    tries: &mut usize,
) -> Vec<&'s Suggestion> {
    if some.is_empty() || *tries == 0 {
        return Vec::new();
    }
    *tries -= 1;
    if count_syntax_errors(&with_edits(text, some)) <= before {
        return some.to_vec();
    }
    if some.len() == 1 {
        return Vec::new();
    }
    let (first, second) = some.split_at(some.len() / 2);
    let mut kept = without_new_syntax_errors(text, first, before, tries);
    kept.extend(without_new_syntax_errors(text, second, before, tries));
    // Each half does no harm by itself; if they do together, the first is enough for this round.
    if count_syntax_errors(&with_edits(text, &kept)) <= before {
        kept
    } else {
        without_new_syntax_errors(text, first, before, tries)
    }
}

/// The first suggestion of a problem that may be with_edits to the root file.
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

/// Errors of syntax.
fn count_syntax_errors(text: &str) -> usize {
    let mut sources = SourceMap::new();
    let id = sources.add("", text);
    syntax::parse(&sources, id).1.iter().filter(|d| d.is_error()).count()
}

/// `text` with the edits of some suggestions.
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

/// A deletion that leaves nothing but blanks on its line takes the line end as well.
fn widen_to_line(text: &str, range: std::ops::Range<usize>) -> std::ops::Range<usize> {
    let start = text[..range.start].rfind('\n').map_or(0, |at| at + 1);
    let end = text[range.end..].find('\n').map_or(text.len(), |at| range.end + at + 1);
    let blank = text[start..range.start].trim().is_empty() && text[range.end..end].trim().is_empty();
    if blank { start..end } else { range }
}
