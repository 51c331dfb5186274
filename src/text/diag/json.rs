//! Diagnostics as JSON: the keys of rustc's messages, and shorter keys for one-line reports.
//! `docs/diagnostics.md` describes them.

use super::diagnostic::{Diagnostic, Label};
use super::problems::Problems;
use super::render::{MAX_RENDERED, render_plain};
use super::suggestion::Suggestion;
use crate::text::source::{SourceMap, Span};
use serde_json::{Value, json};

/// Maximum length in bytes of a source line repeated in `text`, and maximum number of lines per span.
const MAX_LINE_BYTES: usize = 1000;
const MAX_LINES: usize = 10;

/// Number of problems with spans and edits; the others have only the short keys.
const DETAILED: usize = 1000;

/// Returns one object per problem. The first `MAX_RENDERED` also have their rendered text.
pub fn json(sources: &SourceMap, problems: &Problems) -> Vec<Value> {
    problems.iter().enumerate().map(|(i, d)| problem_object(sources, d, i)).collect()
}

fn problem_object(sources: &SourceMap, d: &Diagnostic, index: usize) -> Value {
    let place = d.primary.as_ref().map(|l| {
        let (line, column) = sources.line_column(l.span);
        (sources.file(l.span.source).name.clone(), line, column)
    });
    let help: Vec<&String> = d.help.iter().chain(d.suggestions.iter().map(|s| &s.message)).collect();
    let detailed = |_: &_| index < DETAILED;
    let labels = (d.primary.iter().map(|l| (l, true))).chain(d.others.iter().map(|l| (l, false)));
    let spans: Vec<Value> = labels.filter(detailed).map(|(l, primary)| label(sources, l, primary)).collect();
    let words = |level: &str, text: &String| child(level, text, Vec::new());
    let notes = d.notes.iter().map(|t| words("note", t));
    let helps = d.help.iter().map(|t| words("help", t));
    let edits = d.suggestions.iter().filter(|_| index < DETAILED).map(|s| suggestion(sources, s));
    let children: Vec<Value> = notes.chain(helps).chain(edits).collect();
    json!({
        "code": d.code.id(),
        "severity": d.severity.as_str(),
        "message": d.message,
        "file": place.as_ref().map(|p| &p.0).or(d.file.as_ref()),
        "line": place.as_ref().map(|p| p.1),
        "column": place.as_ref().map(|p| p.2),
        "help": help,
        "lint": d.code.lint(),
        "spans": spans,
        "children": children,
        "rendered": (index < MAX_RENDERED).then(|| render_plain(sources, d)),
    })
}

fn child(level: &str, message: &str, spans: Vec<Value>) -> Value {
    json!({"level": level, "message": message, "code": null, "spans": spans, "children": [], "rendered": null})
}

fn suggestion(sources: &SourceMap, s: &Suggestion) -> Value {
    let edit = |(span, text): &(Span, String)| {
        let mut object = span_object(sources, *span, true);
        object["suggested_replacement"] = json!(text);
        object["suggestion_applicability"] = json!(s.applicability.as_str());
        object
    };
    child("help", &s.message, s.edits.iter().map(edit).collect())
}

fn label(sources: &SourceMap, l: &Label, primary: bool) -> Value {
    let mut object = span_object(sources, l.span, primary);
    object["label"] = if l.text.is_empty() { Value::Null } else { json!(l.text) };
    object
}

/// Returns a span in rustc's form: lines and columns count from 1, columns in characters, bytes from 0; ends are exclusive.
fn span_object(sources: &SourceMap, span: Span, primary: bool) -> Value {
    let (line, column) = sources.line_column(span);
    let (end_line, end_column) = sources.line_column(span.after());
    let row = |n: usize| {
        let text = sources.text(span.source).get(sources.line_range(span.source, n))?.trim_end_matches(['\n', '\r']);
        let end = if n == end_line { end_column } else { text.chars().count() + 1 };
        let start = if n == line { column } else { 1 };
        Some(json!({"text": text, "highlight_start": start, "highlight_end": end}))
            .filter(|_| text.len() <= MAX_LINE_BYTES)
    };
    let text: Vec<Value> = (line..=end_line).take(MAX_LINES).filter_map(row).collect();
    json!({
        "file_name": sources.file(span.source).name,
        "byte_start": span.start,
        "byte_end": span.end,
        "line_start": line,
        "line_end": end_line,
        "column_start": column,
        "column_end": end_column,
        "is_primary": primary,
        "label": null,
        "text": text,
        "suggested_replacement": null,
        "suggestion_applicability": null,
    })
}
