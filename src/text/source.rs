//! Source texts and places in them.
//!
//! Knows nothing about syntax or diagnostics. Invariant: a [`Span`] made for a [`SourceId`] lies within that text
//! and on character boundaries.

use std::fmt;

/// Names one text in a [`SourceMap`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct SourceId(u32);

/// A byte range `start..end` in one source text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Span {
    /// The text that the range lies in.
    pub source: SourceId,
    /// First byte of the range, counted from 0.
    pub start: u32,
    /// Byte behind the range; equal to `start` for an empty place.
    pub end: u32,
}

impl Span {
    /// Makes the range `start..end` of bytes in a text; offsets beyond `u32::MAX` become `u32::MAX`.
    pub fn new(source: SourceId, start: usize, end: usize) -> Self {
        let clamp = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        Self { source, start: clamp(start), end: clamp(end) }
    }

    /// The smallest span that covers both. Both must be of one source.
    pub fn to(self, other: Span) -> Span {
        debug_assert_eq!(self.source, other.source);
        Span { source: self.source, start: self.start.min(other.start), end: self.end.max(other.end) }
    }

    /// The empty place right behind.
    pub fn after(self) -> Span {
        Span { start: self.end, ..self }
    }

    /// The empty place right before.
    pub fn before(self) -> Span {
        Span { end: self.start, ..self }
    }

    /// Gives the bytes as a range to index the text with.
    pub fn range(self) -> std::ops::Range<usize> {
        self.start as usize..self.end as usize
    }
}

/// A value and the place it was written at.
#[derive(Debug, Clone, PartialEq)]
pub struct Spanned<T> {
    /// The value.
    pub node: T,
    /// Place that the value was written at.
    pub span: Span,
}

impl<T> Spanned<T> {
    /// Joins a value with its place.
    pub fn new(node: T, span: Span) -> Self {
        Self { node, span }
    }
}

impl<T: fmt::Display> fmt::Display for Spanned<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.node.fmt(f)
    }
}

/// One text with a name to show in messages (a path, `<command line>`).
#[derive(Debug, Clone)]
pub struct SourceFile {
    /// Name for messages: a path as it was given, or words such as `<command line>`.
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
    /// Makes a map without texts.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a text under a name and gives its id; the same name may be added again and is then another text.
    pub fn add(&mut self, name: impl Into<String>, text: impl Into<String>) -> SourceId {
        let text = text.into();
        let newlines = text.bytes().enumerate().filter(|&(_, b)| b == b'\n');
        let line_starts = std::iter::once(0).chain(newlines.map(|(i, _)| i as u32 + 1)).collect();
        self.files.push(SourceFile { name: name.into(), text, line_starts });
        SourceId(self.files.len() as u32 - 1)
    }

    /// Gives the name and text of an id.
    ///
    /// Panics: the id was made by another map that holds more texts.
    pub fn file(&self, id: SourceId) -> &SourceFile {
        &self.files[id.0 as usize]
    }

    /// Gives the whole text of an id.
    ///
    /// Panics: the id was made by another map that holds more texts.
    pub fn text(&self, id: SourceId) -> &str {
        &self.file(id).text
    }

    /// Gives the text of a place; empty where the place does not lie in its text.
    ///
    /// Panics: the place is of another map that holds more texts.
    pub fn snippet(&self, span: Span) -> &str {
        self.text(span.source).get(span.range()).unwrap_or("")
    }

    /// Line and column of the start of `span`, both counted from 1; columns count characters.
    pub fn line_column(&self, span: Span) -> (usize, usize) {
        let file = self.file(span.source);
        let line = file.line_starts.partition_point(|&s| s <= span.start).max(1);
        let start = file.line_starts[line - 1] as usize;
        let column = file.text.get(start..span.start as usize).map_or(0, |s| s.chars().count());
        (line, column + 1)
    }

    /// The bytes of line `line`, counted from 1, with its line end.
    pub fn line_range(&self, id: SourceId, line: usize) -> std::ops::Range<usize> {
        let file = self.file(id);
        let start = |line: usize| file.line_starts.get(line).map_or(file.text.len(), |&s| s as usize);
        start(line.saturating_sub(1))..start(line)
    }

    /// `file:line:column` of the start of `span`.
    pub fn place(&self, span: Span) -> String {
        let (line, column) = self.line_column(span);
        format!("{}:{line}:{column}", self.file(span.source).name)
    }
}
