//! The formatter: prints the source of a tree in canonical layout.
//!
//! It works on the tokens of the source, so that no comment and no spelling of a number is lost; the tree only provides the
//! starts of statements, entries and short bodies. The layout depends on tokens, comments and blank lines alone, never on the
//! author's line breaks, so formatting is idempotent. A text with syntax errors is returned unchanged.

mod doc;
mod marks;

use super::ast;
use super::scan::{self, Token, TokenKind, is_reserved};
use crate::text::source::{SourceId, SourceMap};
use doc::Doc;
use marks::TreeMarks;

const WIDTH: usize = 100;

/// Formats `file`, which was parsed from the source `id`.
pub fn print(sources: &SourceMap, id: SourceId, file: &ast::File) -> String {
    let text = sources.text(id);
    let tokens = scan::scan(text);
    let code: Vec<_> = tokens.iter().copied().filter(|t| !t.is_comment()).collect();
    if !file.broken.is_empty() || scan::unbalanced_brackets(text, &code).any() || scan::too_deep(text, &code).is_some()
    {
        return text.to_owned();
    }
    let mut printer = Printer { text, tokens: &tokens, marks: TreeMarks::new(file), at: 0 };
    let mut docs = Vec::new();
    while printer.at < tokens.len() {
        docs.push(printer.row(RowContext::Top).whole());
    }
    doc::layout(&Doc::Concat(docs), WIDTH)
}

/// The context of a row of tokens, which decides where it ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum RowContext {
    /// An item, statement or entry, which ends before the next one.
    Top,
    /// An expression after the `=` of a block, which ends like its item.
    ShortBody,
    /// An element between brackets, which ends before a comma or the closing bracket.
    Element,
}

/// A printed row of tokens, which is on one line if it fits.
struct PrintedRow {
    /// Comments before the first token.
    lead: Vec<Doc>,
    body: Doc,
    /// Comments after the last token.
    tail: Vec<Doc>,
    /// Whether the row has no tokens besides comments.
    empty: bool,
}

impl PrintedRow {
    fn whole(self) -> Doc {
        Doc::Concat([self.lead, vec![self.body], self.tail].concat())
    }
}

/// A row while its tokens are printed.
struct OpenRow {
    /// Index of the first token, comments before the row included.
    start: usize,
    /// Index of the first token that is not a comment.
    first: usize,
    /// The head and the finished stages of a pipe or a sweep.
    stages: Vec<Doc>,
    /// The current stage.
    docs: Vec<Doc>,
    /// For each brace to come, whether it contains the single value of an `if` or `else`.
    value_braces: Vec<bool>,
}

impl OpenRow {
    /// Finishes the head or the current stage and starts the next one with `sign`.
    fn start_stage(&mut self, sign: &str) {
        self.stages.push(Doc::Concat(std::mem::take(&mut self.docs)));
        self.docs.push(Doc::text(format!("{sign} ")));
    }

    /// Removes and returns the comments after the last token.
    fn trailing_comments(&mut self) -> Vec<Doc> {
        let code = self.docs.iter().rposition(|d| !d.is_comment()).map_or(0, |i| i + 1);
        self.docs.split_off(code)
    }

    /// Joins the stages: all on one line, or one per line.
    fn into_body(mut self) -> Doc {
        if self.stages.is_empty() {
            return Doc::Concat(self.docs);
        }
        self.stages.push(Doc::Concat(self.docs));
        let head = self.stages.remove(0);
        let rest = self.stages.into_iter().flat_map(|stage| [Doc::Line, stage]).collect();
        Doc::group(vec![head, Doc::indent(rest)])
    }
}

struct Printer<'a> {
    text: &'a str,
    tokens: &'a [Token],
    marks: TreeMarks,
    at: usize,
}

impl<'a> Printer<'a> {
    fn peek(&self) -> Option<Token> {
        self.tokens.get(self.at).copied()
    }

    fn word(&self, index: usize) -> &'a str {
        self.tokens.get(index).map_or("", |t| t.text(self.text))
    }

    /// Returns the nearest token before `index` that is not a comment.
    fn code_before(&self, index: usize) -> Option<Token> {
        self.tokens[..index].iter().rev().find(|t| !t.is_comment()).copied()
    }

    fn blank_line_before(&self, index: usize) -> bool {
        let Some(previous) = index.checked_sub(1).map(|i| self.tokens[i]) else { return false };
        self.text[previous.end..self.tokens[index].start].matches('\n').count() > 1
    }

    /// Prints the current token, a comment.
    fn comment(&mut self) -> Doc {
        let token = self.tokens[self.at];
        let blank = self.blank_line_before(self.at);
        self.at += 1;
        let text = token.text(self.text).to_owned();
        if token.first_on_line { Doc::OwnLine { text, blank } } else { Doc::EndOfLine(text) }
    }

    /// Prints one item, statement, entry or element with the comments before and after it.
    fn row(&mut self, context: RowContext) -> PrintedRow {
        let start = self.at;
        let lead = self.lead(context);
        let first = self.at;
        let mut row = OpenRow { start, first, stages: Vec::new(), docs: Vec::new(), value_braces: Vec::new() };
        let mut tail = None;
        while let Some(token) = self.peek() {
            if self.row_ends(token, context, first) {
                break;
            }
            if token.is_comment() {
                row.docs.push(self.comment());
            } else if self.marks.short_bodies.contains(&token.start) {
                tail = Some(self.short_body(&mut row));
                break;
            } else if self.starts_stage(token) {
                row.start_stage(token.text(self.text));
                self.at += 1;
            } else {
                self.code(token, &mut row);
            }
        }
        let tail = tail.unwrap_or_else(|| row.trailing_comments());
        PrintedRow { lead, body: row.into_body(), tail, empty: self.at == first }
    }

    /// Prints the comments before a row, and the line break before an item, a statement or an entry.
    fn lead(&mut self, context: RowContext) -> Vec<Doc> {
        let mut lead = Vec::new();
        while self.peek().is_some_and(|t| t.is_comment()) {
            lead.push(self.comment());
        }
        if context == RowContext::Top && self.peek().is_some_and(|t| t.text(self.text) != "}") {
            lead.push(Doc::NewLine { blank: self.blank_line_before(self.at) });
        }
        lead
    }

    /// Checks whether the row that started at token `first` ends before `token`.
    fn row_ends(&self, token: Token, context: RowContext, first: usize) -> bool {
        if token.is_comment() {
            return token.first_on_line && context != RowContext::Element && self.row_ends_after_comments();
        }
        let word = token.text(self.text);
        let next_row = match context {
            RowContext::Top | RowContext::ShortBody => self.at > first && self.marks.lines.contains(&token.start),
            RowContext::Element => word == ",",
        };
        next_row || matches!(word, ")" | "]" | "}")
    }

    /// Prints a body `= ...`, either on the line of the head or with the `=` on the next line. Returns the comments after it.
    fn short_body(&mut self, row: &mut OpenRow) -> Vec<Doc> {
        self.at += 1;
        let body = self.row(RowContext::ShortBody);
        row.docs.push(Doc::indent([vec![Doc::Line, Doc::text("= ")], body.lead, vec![body.body]].concat()));
        row.docs = vec![Doc::group(std::mem::take(&mut row.docs))];
        body.tail
    }

    /// Checks whether `token`, the current one, starts a stage of a pipe, a model of a sweep or its `keep`.
    fn starts_stage(&self, token: Token) -> bool {
        let before_grid = || self.code_after(self.at).is_some_and(|t| self.marks.grids.contains(&t.start));
        match token.text(self.text) {
            "|>" => true,
            "=" | "|" if before_grid() => true,
            _ => self.marks.keeps.contains(&token.start),
        }
    }

    /// Prints `token`, the current one, or the brackets that it opens, with the space before it.
    fn code(&mut self, token: Token, row: &mut OpenRow) {
        let word = token.text(self.text);
        if self.at > row.first && !self.follows_stage_start(token) && self.blank_between(row.start) {
            row.docs.push(match word {
                "->" => Doc::indent(vec![Doc::indent(vec![Doc::Fill])]),
                "or" | "and" | "++" | "+" | "for" => Doc::indent(vec![Doc::Fill]),
                _ => Doc::text(" "),
            });
        }
        match word {
            "else" if self.code_after(self.at).is_some_and(|t| t.text(self.text) == "if") => {}
            "if" | "else" => row.value_braces.push(true),
            "match" => row.value_braces.push(false),
            _ => {}
        }
        if matches!(word, "(" | "[" | "{") {
            let one_value = word == "{" && row.value_braces.pop().unwrap_or(false);
            row.docs.push(self.bracket(one_value));
        } else {
            self.at += 1;
            row.docs.push(Doc::text(word));
        }
    }

    /// Checks whether `token`, the current one, comes right after the sign that starts a stage; the space is part of that sign.
    fn follows_stage_start(&self, token: Token) -> bool {
        let starts = |t: Token| t.text(self.text) == "|>" || self.marks.keeps.contains(&t.start);
        self.marks.grids.contains(&token.start) || self.code_before(self.at).is_some_and(starts)
    }

    /// Checks whether the current comments are followed by the next row rather than by more of this one.
    fn row_ends_after_comments(&self) -> bool {
        let next = self.tokens[self.at..].iter().find(|t| !t.is_comment());
        next.is_none_or(|t| self.marks.lines.contains(&t.start) || matches!(t.text(self.text), ")" | "]" | "}"))
    }

    /// Checks whether there is a space between the current token and the previous one. `row` is the first token of the row.
    fn blank_between(&self, row: usize) -> bool {
        let index = self.at;
        let Some(previous) = self.code_before(index) else { return false };
        let (before, word) = (previous.text(self.text), self.word(index));
        let touched = previous.end == self.tokens[index].start;
        let name_or_close = match previous.kind {
            TokenKind::Word => !is_reserved(before) || matches!(before, "true" | "false"),
            TokenKind::Number | TokenKind::Str => true,
            _ => matches!(before, ")" | "]" | "}"),
        };
        match word {
            ":" | ".." | "." | "," => return false,
            "(" | "[" if name_or_close => return !touched,
            _ => {}
        }
        !(matches!(before, ".." | "." | "@") || before == "-" && self.is_unary(previous, row))
    }

    /// Checks whether `token`, a minus, has no operand before it.
    fn is_unary(&self, token: Token, row: usize) -> bool {
        let index = self.tokens.partition_point(|t| t.start < token.start);
        match self.code_before(index) {
            None => true,
            Some(_) if index <= row => true,
            Some(before) => {
                let word = before.text(self.text);
                let operand = matches!(before.kind, TokenKind::Word | TokenKind::Number | TokenKind::Str);
                !(operand && !is_operator_word(word) || matches!(word, ")" | "]" | "}"))
            }
        }
    }

    /// Prints from the current token, an opening bracket, to its partner. `one_value`: the braces contain the value of an `if`.
    fn bracket(&mut self, one_value: bool) -> Doc {
        let opener = self.tokens[self.at];
        let open = opener.text(self.text);
        let called = self.at.checked_sub(1).is_some_and(|i| {
            let name = self.tokens[i];
            name.end == opener.start && name.kind == TokenKind::Word && !is_reserved(self.word(i))
        });
        self.at += 1;
        let close = match open {
            "(" => ")",
            "[" => "]",
            _ => "}",
        };
        if open == "{" && self.next_code().is_some_and(|t| self.marks.lines.contains(&t.start)) {
            return self.block();
        }
        let edge = if open == "{" { Doc::Line } else { Doc::SoftLine };
        let mut rows: Vec<PrintedRow> = Vec::new();
        let (mut comprehension, mut simple) = (false, open == "[");
        loop {
            let start = self.at;
            let mut row = self.row(RowContext::Element);
            comprehension |= open == "[" && self.is_comprehension(start);
            simple &= self.at - start <= 2;
            let comma = self.word(self.at) == ",";
            if comma {
                self.at += 1;
                // A comment after the comma belongs to the element before it.
                while self.peek().is_some_and(|t| t.is_comment() && !t.first_on_line) {
                    row.tail.push(self.comment());
                }
            }
            rows.push(row);
            if !comma {
                break;
            }
        }
        debug_assert_eq!(self.word(self.at), close);
        self.at += 1;
        // After the last comma there may be comments, but no element.
        let remarks = rows.pop_if(|row| row.empty).map_or_else(Vec::new, |row| [row.lead, row.tail].concat());
        if rows.is_empty() && remarks.is_empty() {
            return Doc::text(format!("{open}{close}"));
        }
        let grouping = open == "(" && !called && rows.len() == 1;
        let last = rows.len().saturating_sub(1);
        let mut inner = vec![edge.clone()];
        for (i, row) in rows.into_iter().enumerate() {
            if i > 0 {
                inner.push(if simple { Doc::Fill } else { Doc::Line });
            }
            inner.extend(row.lead);
            inner.push(row.body);
            if i < last {
                inner.push(Doc::text(","));
            } else if !grouping && !comprehension && !one_value {
                inner.push(Doc::IfBroken(","));
            }
            inner.extend(row.tail);
        }
        inner.extend(remarks);
        Doc::group(vec![Doc::text(open), Doc::indent(inner), edge, Doc::text(close)])
    }

    fn code_after(&self, index: usize) -> Option<Token> {
        self.tokens[index + 1..].iter().find(|t| !t.is_comment()).copied()
    }

    fn next_code(&self) -> Option<Token> {
        self.tokens[self.at..].iter().find(|t| !t.is_comment()).copied()
    }

    /// Checks whether the element from `start` to the current token contains a `for` outside inner brackets.
    fn is_comprehension(&self, start: usize) -> bool {
        let mut depth = 0_i32;
        self.tokens[start..self.at].iter().any(|t| {
            match t.text(self.text) {
                "(" | "[" | "{" => depth += 1,
                ")" | "]" | "}" => depth -= 1,
                "for" => return depth == 0,
                _ => {}
            }
            false
        })
    }

    /// Prints statements, entries or claims between braces, one per line.
    fn block(&mut self) -> Doc {
        let mut inner = Vec::new();
        while self.peek().is_some_and(|t| t.text(self.text) != "}") {
            inner.push(self.row(RowContext::Top).whole());
        }
        self.at += 1;
        let rows = Doc::indent(inner);
        Doc::Concat(vec![Doc::text("{"), rows, Doc::NewLine { blank: false }, Doc::text("}")])
    }
}

fn is_operator_word(word: &str) -> bool {
    matches!(word, "and" | "or" | "not" | "in" | "return" | "require" | "if" | "match" | "else" | "for")
}
