//! Diagnostics as text. The only module that uses the rendering crate.

use super::diagnostic::Diagnostic;
use super::problems::Problems;
use super::suggestion::Suggestion;
use crate::base::count::counted;
use crate::base::severity::Severity;
use crate::text::source::{SourceId, SourceMap};
use annotate_snippets::{AnnotationKind, Group, Level, Patch, Renderer, Snippet};
use std::ops::Range;

/// Maximum number of problems rendered in full.
pub(super) const MAX_RENDERED: usize = 100;

/// Renders problems in the style of rustc: message, excerpt with labels, notes, help, edits. `colour` adds ANSI escapes.
pub fn to_text(sources: &SourceMap, problems: &Problems, colour: bool) -> String {
    let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
    let mut out = String::new();
    for d in problems.iter().take(MAX_RENDERED) {
        out.push_str(&render_one(sources, d, &renderer));
        out.push_str("\n\n");
    }
    let rest = problems.iter().skip(MAX_RENDERED).count();
    if rest > 0 {
        let least = if problems.is_full() { "at least " } else { "" };
        out.push_str(&format!("and {least}{}\n", counted(rest, "more problem")));
    }
    out
}

/// Renders one problem without colours.
pub(super) fn render_plain(sources: &SourceMap, d: &Diagnostic) -> String {
    render_one(sources, d, &Renderer::plain())
}

fn level(severity: Severity) -> Level<'static> {
    match severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Note => Level::NOTE,
    }
}

/// The lines of a text that contain some spans.
struct Excerpt {
    bytes: Range<usize>,
    /// Number of the first line, from 1.
    line: usize,
}

impl Excerpt {
    /// Selects only the lines from the first span to the last, because the renderer walks the whole text it is given.
    fn new(sources: &SourceMap, id: SourceId, places: impl Iterator<Item = Range<usize>> + Clone) -> Self {
        let text = sources.text(id);
        let within = |at: usize| at.min(text.len());
        let first = places.clone().map(|r| within(r.start)).min().unwrap_or(0);
        let last = places.map(|r| within(r.end)).max().unwrap_or(0);
        let from = text[..first].rfind('\n').map_or(0, |at| at + 1);
        let to = text[last..].find('\n').map_or(text.len(), |at| last + at + 1);
        let line = sources.line_column(crate::text::source::Span::new(id, from, from)).0;
        Excerpt { bytes: from..to, line }
    }

    /// Converts a byte range of the text to one of the excerpt.
    fn local_range(&self, place: Range<usize>) -> Range<usize> {
        let within = |at: usize| at.clamp(self.bytes.start, self.bytes.end) - self.bytes.start;
        within(place.start)..within(place.end).max(within(place.start))
    }
}

fn render_one(sources: &SourceMap, d: &Diagnostic, renderer: &Renderer) -> String {
    let mut group = Group::with_title(level(d.severity).primary_title(d.message.as_str()).id(d.code.id()));
    // One snippet per source; that of the primary label comes first.
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
        let excerpt = Excerpt::new(sources, id, here().map(|(l, _)| l.span.range()));
        let lines = Snippet::source(&file.text[excerpt.bytes.clone()]).line_start(excerpt.line);
        let mut snippet = lines.path(file.name.as_str()).fold(true);
        for (label, kind) in here() {
            let annotation = kind.span(excerpt.local_range(label.span.range()));
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
    if let Some(lint) = d.lint() {
        group =
            group.element(Level::NOTE.message(format!("`@allow({lint})` on the line above the item silences this")));
    }
    let mut groups = vec![group];
    groups.extend(d.suggestions.iter().map(|s| edit_group(sources, s)));
    renderer.render(&groups).to_string()
}

/// Renders the lines of a suggestion before and after the edits.
fn edit_group<'a>(sources: &'a SourceMap, suggestion: &'a Suggestion) -> Group<'a> {
    let mut group = Group::with_title(Level::HELP.secondary_title(suggestion.message.as_str()));
    let mut done = Vec::new();
    for (span, _) in &suggestion.edits {
        let id = span.source;
        if done.contains(&id) {
            continue;
        }
        done.push(id);
        let file = sources.file(id);
        let here = || suggestion.edits.iter().filter(|(s, _)| s.source == id);
        let excerpt = Excerpt::new(sources, id, here().map(|(s, _)| s.range()));
        let lines = Snippet::source(&file.text[excerpt.bytes.clone()]).line_start(excerpt.line);
        let patches = here().map(|(s, text)| Patch::new(excerpt.local_range(s.range()), text.as_str()));
        group = group.element(lines.path(file.name.as_str()).fold(true).patches(patches));
    }
    group
}
