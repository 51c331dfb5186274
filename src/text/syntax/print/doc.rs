//! Layout documents (after Wadler's "A prettier printer"): text with possible line breaks, and the layout for a width.
//!
//! A group is laid out flat if it fits and broken otherwise, outermost first. Code never follows a comment on its line,
//! whatever the document contains.

const INDENT: usize = 2;

#[derive(Debug, Clone)]
pub(super) enum Doc {
    Text(String),
    /// A space, or a line break in a broken group.
    Line,
    /// Nothing, or a line break in a broken group.
    SoftLine,
    /// A space, or a line break if the text up to the next break does not fit.
    Fill,
    /// A line break; with `blank`, a blank line before it, except at the start of a block.
    NewLine {
        blank: bool,
    },
    /// Text that is printed only in broken groups.
    IfBroken(&'static str),
    /// A comment after code.
    EndOfLine(String),
    /// A comment on its own line.
    OwnLine {
        text: String,
        blank: bool,
    },
    Indent(Vec<Doc>),
    /// A group; `broken` if it contains a comment or a fixed line break, so that it cannot be flat.
    Group {
        parts: Vec<Doc>,
        broken: bool,
    },
    Concat(Vec<Doc>),
}

impl Doc {
    pub(super) fn text(text: impl Into<String>) -> Doc {
        Doc::Text(text.into())
    }

    pub(super) fn indent(parts: Vec<Doc>) -> Doc {
        Doc::Indent(parts)
    }

    pub(super) fn group(parts: Vec<Doc>) -> Doc {
        let broken = parts.iter().any(Doc::breaks);
        Doc::Group { parts, broken }
    }

    fn breaks(&self) -> bool {
        match self {
            Doc::NewLine { .. } | Doc::EndOfLine(_) | Doc::OwnLine { .. } => true,
            Doc::Group { broken, .. } => *broken,
            Doc::Indent(parts) | Doc::Concat(parts) => parts.iter().any(Doc::breaks),
            Doc::Text(_) | Doc::Line | Doc::SoftLine | Doc::Fill | Doc::IfBroken(_) => false,
        }
    }

    pub(super) fn is_comment(&self) -> bool {
        matches!(self, Doc::EndOfLine(_) | Doc::OwnLine { .. })
    }
}

/// A document that is still to be printed, with its mode.
#[derive(Clone, Copy)]
struct PendingDoc<'d> {
    doc: &'d Doc,
    indent: usize,
    broken: bool,
}

/// Lays out `doc` in lines of at most `width` characters, as far as its breaks allow.
pub(super) fn layout(doc: &Doc, width: usize) -> String {
    let mut out = LineWriter { text: String::new(), column: 0, indent: 0, after_comment: false };
    let mut pending = vec![PendingDoc { doc, indent: 0, broken: true }];
    while let Some(item) = pending.pop() {
        let PendingDoc { doc, indent, broken } = item;
        match doc {
            Doc::Text(text) => out.code(text, indent),
            Doc::Line | Doc::Fill if !broken => out.code(" ", indent),
            Doc::SoftLine if !broken => {}
            Doc::Line | Doc::SoftLine => out.new_line(indent),
            Doc::Fill => {
                if fits(&pending, width.saturating_sub(out.column + 1)) {
                    out.code(" ", indent);
                } else {
                    out.new_line(indent);
                }
            }
            Doc::NewLine { blank } => {
                if *blank {
                    out.blank_line();
                }
                out.new_line(indent);
            }
            Doc::IfBroken(text) if broken => out.code(text, indent),
            Doc::IfBroken(_) => {}
            Doc::EndOfLine(text) => out.comment(text),
            Doc::OwnLine { text, blank } => {
                if *blank {
                    out.blank_line();
                }
                out.own_line(text, indent);
            }
            Doc::Indent(parts) => {
                pending.extend(parts.iter().rev().map(|doc| PendingDoc { doc, indent: indent + INDENT, broken }));
            }
            Doc::Concat(parts) => pending.extend(parts.iter().rev().map(|doc| PendingDoc { doc, indent, broken })),
            Doc::Group { parts, broken: must } => {
                let start = pending.len();
                pending.extend(parts.iter().rev().map(|doc| PendingDoc { doc, indent, broken: false }));
                let flat = !broken || (!must && fits(&pending, width.saturating_sub(out.used(indent))));
                pending[start..].iter_mut().for_each(|t| t.broken = !flat);
            }
        }
    }
    out.finish()
}

/// Checks whether the pending documents fit into `room` characters up to the first possible line break.
fn fits(pending: &[PendingDoc<'_>], room: usize) -> bool {
    let mut room = room as isize;
    let mut rest = pending.iter().rev();
    let mut stack: Vec<PendingDoc<'_>> = Vec::new();
    while room >= 0 {
        let Some(item) = stack.pop().or_else(|| rest.next().copied()) else { return true };
        match item.doc {
            Doc::Text(text) => room -= text.chars().count() as isize,
            Doc::Line | Doc::Fill if !item.broken => room -= 1,
            Doc::SoftLine if !item.broken => {}
            Doc::Line | Doc::SoftLine | Doc::Fill | Doc::NewLine { .. } => return true,
            Doc::IfBroken(text) => room -= if item.broken { text.len() as isize } else { 0 },
            // Comments may exceed the width, because no layout could avoid it.
            Doc::EndOfLine(_) | Doc::OwnLine { .. } => return true,
            Doc::Group { parts, broken } => {
                stack.extend(parts.iter().rev().map(|doc| PendingDoc { doc, broken: *broken, ..item }));
            }
            Doc::Indent(parts) | Doc::Concat(parts) => {
                stack.extend(parts.iter().rev().map(|doc| PendingDoc { doc, ..item }));
            }
        }
    }
    false
}

struct LineWriter {
    text: String,
    column: usize,
    indent: usize,
    /// Whether the line ends with a comment, so that only a line break may follow.
    after_comment: bool,
}

impl LineWriter {
    fn used(&self, indent: usize) -> usize {
        if self.column == 0 || self.after_comment { indent } else { self.column }
    }

    fn code(&mut self, text: &str, indent: usize) {
        if self.after_comment {
            self.new_line(indent);
        }
        if self.column == 0 {
            let text = text.trim_start();
            if !text.is_empty() {
                self.text.extend(std::iter::repeat_n(' ', self.indent));
                self.column = self.indent;
                self.push(text);
            }
        } else {
            self.push(text);
        }
    }

    fn push(&mut self, text: &str) {
        self.text.push_str(text);
        self.column += text.chars().count();
    }

    /// Ends the line unless it is empty.
    fn new_line(&mut self, indent: usize) {
        if self.column > 0 {
            self.text.truncate(self.text.trim_end_matches(' ').len());
            self.text.push('\n');
            self.column = 0;
        }
        self.after_comment = false;
        self.indent = indent;
    }

    /// Adds a blank line, except at the start of the text or of a block and after another blank line.
    fn blank_line(&mut self) {
        let indent = self.indent;
        self.new_line(indent);
        let opened = self.text.trim_end().ends_with(['{', '(', '[']);
        if !self.text.is_empty() && !self.text.ends_with("\n\n") && !opened {
            self.text.push('\n');
        }
    }

    fn comment(&mut self, text: &str) {
        if self.column == 0 || self.after_comment {
            let indent = self.indent;
            return self.own_line(text, indent);
        }
        self.text.truncate(self.text.trim_end_matches(' ').len());
        self.push("  ");
        self.push(text);
        self.after_comment = true;
    }

    fn own_line(&mut self, text: &str, indent: usize) {
        self.new_line(indent);
        self.text.extend(std::iter::repeat_n(' ', indent));
        self.column = indent;
        self.push(text);
        self.after_comment = true;
    }

    fn finish(mut self) -> String {
        self.new_line(0);
        self.text.truncate(self.text.trim_end().len());
        if !self.text.is_empty() {
            self.text.push('\n');
        }
        self.text
    }
}
