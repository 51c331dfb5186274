//! Diagnostics as text and JSON: the only module that names the rendering crate.

use super::{Diagnostic, Problems, Severity};
use crate::source::SourceMap;
use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use serde_json::{Value, json};

/// Problems shown in full; a hostile file may hold a hundred thousand.
const SHOWN: usize = 100;

/// Rendered as the best compilers do: message, excerpt with labels, help, notes. `colour` adds ANSI escapes.
pub fn text(sources: &SourceMap, problems: &Problems, colour: bool) -> String {
    let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
    let mut out = String::new();
    for d in problems.iter().take(SHOWN) {
        out.push_str(&one(sources, d, &renderer));
        out.push_str("\n\n");
    }
    let rest = problems.iter().skip(SHOWN).count();
    if rest > 0 {
        let least = if problems.is_full() { "at least " } else { "" };
        out.push_str(&format!("and {least}{rest} more problems\n"));
    }
    out
}

fn level(severity: Severity) -> Level<'static> {
    match severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Note => Level::NOTE,
    }
}

fn one(sources: &SourceMap, d: &Diagnostic, renderer: &Renderer) -> String {
    let mut group = Group::with_title(level(d.severity).primary_title(d.message.as_str()).id(d.code.id()));
    // One snippet per source text; the primary's comes first.
    let labels: Vec<_> = (d.primary.iter().map(|l| (l, AnnotationKind::Primary)))
        .chain(d.others.iter().map(|l| (l, AnnotationKind::Context)))
        .collect();
    let mut done = Vec::new();
    for (label, _) in &labels {
        let id = label.span.source;
        if done.contains(&id) {
            continue;
        }
        done.push(id);
        let file = sources.file(id);
        let here = || labels.iter().filter(|(l, _)| l.span.source == id);
        // Only the lines from the first label to the last: the renderer walks all the text that it is given.
        let within = |at: u32| (at as usize).min(file.text.len());
        let first = here().map(|(l, _)| within(l.span.start)).min().unwrap_or(0);
        let last = here().map(|(l, _)| within(l.span.end)).max().unwrap_or(0);
        let from = file.text[..first].rfind('\n').map_or(0, |at| at + 1);
        let to = file.text[last..].find('\n').map_or(file.text.len(), |at| last + at + 1);
        let line = 1 + file.text[..from].matches('\n').count();
        let excerpt = Snippet::source(&file.text[from..to]).line_start(line);
        let mut snippet = excerpt.path(file.name.as_str()).fold(true);
        for (label, kind) in here() {
            let end = within(label.span.end).max(from) - from;
            let range = (within(label.span.start) - from).min(end)..end;
            let annotation = kind.span(range);
            snippet = snippet.annotation(if label.text.is_empty() {
                annotation
            } else {
                annotation.label(label.text.as_str())
            });
        }
        group = group.element(snippet);
    }
    for note in &d.notes {
        group = group.element(Level::NOTE.message(note.as_str()));
    }
    for help in &d.help {
        group = group.element(Level::HELP.message(help.as_str()));
    }
    renderer.render(&[group]).to_string()
}

/// One object a problem: `code`, `severity`, `message`, `file`, `line`, `column` (`null` without a place), `help`.
pub fn json(sources: &SourceMap, problems: &Problems) -> Vec<Value> {
    let one = |d: &Diagnostic| {
        let place = d.primary.as_ref().map(|l| {
            let (line, column) = sources.line_column(l.span);
            (sources.file(l.span.source).name.clone(), line, column)
        });
        json!({
            "code": d.code.id(),
            "severity": d.severity.text(),
            "message": d.message,
            "file": place.as_ref().map(|p| &p.0),
            "line": place.as_ref().map(|p| p.1),
            "column": place.as_ref().map(|p| p.2),
            "help": d.help,
        })
    };
    problems.iter().map(one).collect()
}
