//! Source texts and spans.
//!
//! Does not depend on syntax or diagnostics. Invariant: a [`Span`] of a [`SourceId`] lies within that text and on character
//! boundaries.

use std::fmt;

/// Identifies a text in a [`SourceMap`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct SourceId(u32);

/// A byte range `start..end` in one source text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Span {
    /// The text that contains the range.
    pub source: SourceId,
    /// First byte of the range, counted from 0.
    pub start: u32,
    /// End of the range, exclusive; equal to `start` for an empty span.
    pub end: u32,
}

impl Span {
    /// Creates the byte range `start..end` of a text; offsets beyond `u32::MAX` become `u32::MAX`.
    pub fn new(source: SourceId, start: usize, end: usize) -> Self {
        let clamp = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        Self { source, start: clamp(start), end: clamp(end) }
    }

    /// Returns the smallest span that covers both. Both must belong to one source.
    pub fn to(self, other: Span) -> Span {
        debug_assert_eq!(self.source, other.source);
        Span { source: self.source, start: self.start.min(other.start), end: self.end.max(other.end) }
    }

    /// Returns the empty span at the end of this one.
    pub fn after(self) -> Span {
        Span { start: self.end, ..self }
    }

    /// Returns the empty span at the start of this one.
    pub fn before(self) -> Span {
        Span { end: self.start, ..self }
    }

    /// Returns the byte range, to index the text with.
    pub fn range(self) -> std::ops::Range<usize> {
        self.start as usize..self.end as usize
    }
}

/// A value with the span that it was written at.
#[derive(Debug, Clone, PartialEq)]
pub struct Spanned<T> {
    /// The value.
    pub node: T,
    /// Span of the value in the text.
    pub span: Span,
}

impl<T> Spanned<T> {
    /// Creates a value with its span.
    pub fn new(node: T, span: Span) -> Self {
        Self { node, span }
    }
}

impl<T: fmt::Display> fmt::Display for Spanned<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.node.fmt(f)
    }
}

/// A text with a name for messages (a path, `<command line>`).
#[derive(Debug, Clone)]
pub struct SourceFile {
    /// Name for messages: a path as the user wrote it, or a placeholder such as `<command line>`.
    pub name: String,
    /// The whole text.
    pub text: String,
    line_starts: Vec<u32>,
}

/// All texts of a run.
#[derive(Debug, Clone, Default)]
pub struct SourceMap {
    files: Vec<SourceFile>,
}

impl SourceMap {
    /// Creates an empty map.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a text under a name and returns its id. A name may be added again; each addition is a separate text.
    pub fn add(&mut self, name: impl Into<String>, text: impl Into<String>) -> SourceId {
        let text = text.into();
        let newlines = text.bytes().enumerate().filter(|&(_, b)| b == b'\n');
        let line_starts = std::iter::once(0).chain(newlines.map(|(i, _)| i as u32 + 1)).collect();
        self.files.push(SourceFile { name: name.into(), text, line_starts });
        SourceId(self.files.len() as u32 - 1)
    }

    /// Returns the name and text of an id.
    ///
    /// Panics if the id belongs to another map with more texts.
    pub fn file(&self, id: SourceId) -> &SourceFile {
        &self.files[id.0 as usize]
    }

    /// Returns the whole text of an id.
    ///
    /// Panics if the id belongs to another map with more texts.
    pub fn text(&self, id: SourceId) -> &str {
        &self.file(id).text
    }

    /// Returns the text of a span; empty if the span exceeds its text.
    ///
    /// Panics if the span belongs to another map with more texts.
    pub fn snippet(&self, span: Span) -> &str {
        self.text(span.source).get(span.range()).unwrap_or("")
    }

    /// Returns the line and column of the start of `span`, both counted from 1; columns count characters.
    pub fn line_column(&self, span: Span) -> (usize, usize) {
        let file = self.file(span.source);
        let line = file.line_starts.partition_point(|&s| s <= span.start).max(1);
        let start = file.line_starts[line - 1] as usize;
        let column = file.text.get(start..span.start as usize).map_or(0, |s| s.chars().count());
        (line, column + 1)
    }

    /// Returns the byte range of line `line`, counted from 1, including its line end.
    pub fn line_range(&self, id: SourceId, line: usize) -> std::ops::Range<usize> {
        let file = self.file(id);
        let start = |line: usize| file.line_starts.get(line).map_or(file.text.len(), |&s| s as usize);
        start(line.saturating_sub(1))..start(line)
    }

    /// Formats the start of `span` as `file:line:column`.
    pub fn place(&self, span: Span) -> String {
        let (line, column) = self.line_column(span);
        format!("{}:{line}:{column}", self.file(span.source).name)
    }
}
