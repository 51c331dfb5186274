//! The formatter: a tree's source in its canonical layout.
//!
//! Works on the tokens of the source, so no comment and no spelling of a number can be lost; the tree says just where
//! statements, entries and short bodies start. Layout depends on tokens, comments and blank lines alone, never on where
//! the author broke a line, which is what makes it stable under repetition. Must be given the tree of a text without
//! errors; a text with broken items comes back as it was.

mod doc;

use std::collections::HashSet;

use super::ast::{self, ItemKind, Stmt, StmtKind};
use super::scan::{self, Token, TokenKind, is_reserved};
use crate::text::source::{SourceId, SourceMap};
use doc::Doc;

const WIDTH: usize = 100;

/// The text of `file`, which was parsed from `id` without errors, in canonical layout.
pub fn print(sources: &SourceMap, id: SourceId, file: &ast::File) -> String {
    let text = sources.text(id);
    let tokens = scan::scan(text);
    let code: Vec<_> = tokens.iter().copied().filter(|t| !t.is_comment()).collect();
    if !file.broken.is_empty() || scan::unbalanced_brackets(text, &code).any() || scan::too_deep(text, &code).is_some()
    {
        return text.to_owned();
    }
    let mut marks = TreeMarks::default();
    for item in &file.items {
        marks.lines.extend(item.attributes.iter().map(|a| a.span.start as usize));
        marks.lines.insert(item.span.start as usize);
        marks.item(item);
    }
    let mut printer = Printer { text, tokens: &tokens, marks, at: 0 };
    let mut docs = Vec::new();
    while printer.at < tokens.len() {
        docs.push(printer.row(RowContext::Top).whole());
    }
    doc::layout(&Doc::Concat(docs), WIDTH)
}

/// What the tree knows and tokens do not.
#[derive(Default)]
struct TreeMarks {
    /// Items, statements, entries and claims start here, each on a line of its own.
    lines: HashSet<usize>,
    /// The `=` of short bodies.
    short_bodies: HashSet<usize>,
    /// The models of a sweep of several.
    grids: HashSet<usize>,
    /// The `keep` of sweeps.
    keeps: HashSet<usize>,
}

impl TreeMarks {
    fn item(&mut self, item: &ast::FileItem) {
        match &item.kind {
            ItemKind::Block(block) | ItemKind::Model(block) => {
                if block.body.short {
                    self.short_bodies.insert(block.body.span.start as usize);
                } else {
                    self.stmts(&block.body.stmts);
                }
            }
            ItemKind::Data(data) => self.entries(&data.entries),
            ItemKind::Train(train) => self.entries(&train.entries),
            ItemKind::Expect(expect) => self.lines.extend(expect.claims.iter().map(|c| c.span.start as usize)),
            ItemKind::Sweep(ast::Sweep { models, .. }) => {
                if models.grids.len() > 1 {
                    self.grids.extend(models.grids.iter().map(|g| g.base.span.start as usize));
                }
                self.keeps.extend(models.keep_at.map(|at| at.start as usize));
            }
            ItemKind::Import(_) | ItemKind::Enum(_) | ItemKind::Variant(_) | ItemKind::Allow(_) => {}
        }
    }

    fn entries(&mut self, entries: &[ast::Entry]) {
        self.lines.extend(entries.iter().map(|e| e.key.span.start as usize));
    }

    fn stmts(&mut self, stmts: &[Stmt]) {
        for stmt in stmts {
            self.lines.insert(stmt.span.start as usize);
            if let StmtKind::For { body, .. } = &stmt.kind {
                self.stmts(body);
            }
        }
    }
}

/// Where a row of tokens stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum RowContext {
    /// Items, statements or entries: ends before the next marked line.
    Top,
    /// Behind the `=` of a block: ends like its item.
    ShortBody,
    /// Between brackets: ends before a comma or the closing bracket.
    Element,
}

/// A row of tokens: what the author wrote on one line, or could have.
struct PrintedRow {
    lead: Vec<Doc>,
    body: Doc,
    /// Comments behind the last token.
    tail: Vec<Doc>,
    /// Without any token that is not a comment.
    empty: bool,
}

impl PrintedRow {
    fn whole(self) -> Doc {
        Doc::Concat([self.lead, vec![self.body], self.tail].concat())
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

    /// The nearest token before `index` that is no comment.
    fn code_before(&self, index: usize) -> Option<Token> {
        self.tokens[..index].iter().rev().find(|t| !t.is_comment()).copied()
    }

    fn blank_line_before(&self, index: usize) -> bool {
        let Some(previous) = index.checked_sub(1).map(|i| self.tokens[i]) else { return false };
        self.text[previous.end..self.tokens[index].start].matches('\n').count() > 1
    }

    /// A comment, or a blank, between what was printed and the token at hand.
    fn comment(&mut self) -> Doc {
        let token = self.tokens[self.at];
        let blank = self.blank_line_before(self.at);
        self.at += 1;
        let text = token.text(self.text).to_owned();
        if token.first_on_line { Doc::OwnLine { text, blank } } else { Doc::EndOfLine(text) }
    }

    /// One item, statement, entry or element, with the comments before it and those behind it.
    fn row(&mut self, context: RowContext) -> PrintedRow {
        let start = self.at;
        let mut lead = Vec::new();
        while self.peek().is_some_and(|t| t.is_comment()) {
            lead.push(self.comment());
        }
        if context == RowContext::Top && self.peek().is_some_and(|t| t.text(self.text) != "}") {
            lead.push(Doc::NewLine { blank: self.blank_line_before(self.at) });
        }
        let first = self.at;
        let mut stages: Vec<Doc> = Vec::new();
        let mut docs = Vec::new();
        let mut tail = None;
        // For each brace to come: does it hold the one value of an `if` or `else`?
        let mut value_braces = Vec::new();
        while let Some(token) = self.peek() {
            if token.is_comment() {
                if token.first_on_line && context != RowContext::Element && self.row_ends_after_comments() {
                    break;
                }
                docs.push(self.comment());
                continue;
            }
            let word = token.text(self.text);
            let ends = match context {
                RowContext::Top | RowContext::ShortBody => self.at > first && self.marks.lines.contains(&token.start),
                RowContext::Element => word == ",",
            };
            if ends || matches!(word, ")" | "]" | "}") {
                break;
            }
            if self.marks.short_bodies.contains(&token.start) {
                self.at += 1;
                let body = self.row(RowContext::ShortBody);
                let inner = [vec![Doc::Line, Doc::text("= ")], body.lead, vec![body.body]].concat();
                // All on one line, or the `=` on the next.
                docs.push(Doc::indent(inner));
                docs = vec![Doc::group(docs)];
                tail = Some(body.tail);
                break;
            }
            let before_grid = || self.code_after(self.at).is_some_and(|t| self.marks.grids.contains(&t.start));
            let keep = self.marks.keeps.contains(&token.start);
            if word == "|>" || keep || matches!(word, "=" | "|") && before_grid() {
                // What came before is the head, or the stage before.
                stages.push(Doc::Concat(std::mem::take(&mut docs)));
                docs.push(Doc::text(format!("{word} ")));
                self.at += 1;
                continue;
            }
            let stage = |t: Token| t.text(self.text) == "|>" || self.marks.keeps.contains(&t.start);
            let piped = || self.code_before(self.at).is_some_and(stage);
            let after_pipe = self.at > first && (self.marks.grids.contains(&token.start) || piped());
            if self.at > first && !after_pipe && self.blank_between(start) {
                docs.push(match word {
                    "->" => Doc::indent(vec![Doc::indent(vec![Doc::Fill])]),
                    "or" | "and" | "++" | "+" | "for" => Doc::indent(vec![Doc::Fill]),
                    _ => Doc::text(" "),
                });
            }
            match word {
                "else" if self.code_after(self.at).is_some_and(|t| t.text(self.text) == "if") => {}
                "if" | "else" => value_braces.push(true),
                "match" => value_braces.push(false),
                _ => {}
            }
            if matches!(word, "(" | "[" | "{") {
                let one_value = word == "{" && value_braces.pop().unwrap_or(false);
                docs.push(self.bracket(one_value));
            } else {
                self.at += 1;
                docs.push(Doc::text(word));
            }
        }
        let tail = tail.unwrap_or_else(|| {
            let code = docs.iter().rposition(|d| !d.is_comment()).map_or(0, |i| i + 1);
            docs.split_off(code)
        });
        let body = if stages.is_empty() {
            Doc::Concat(docs)
        } else {
            stages.push(Doc::Concat(docs));
            let head = stages.remove(0);
            let rest = stages.into_iter().flat_map(|stage| [Doc::Line, stage]).collect();
            Doc::group(vec![head, Doc::indent(rest)])
        };
        PrintedRow { lead, body, tail, empty: self.at == first }
    }

    /// The comments at hand are followed by the next row and not by more of this one.
    fn row_ends_after_comments(&self) -> bool {
        let next = self.tokens[self.at..].iter().find(|t| !t.is_comment());
        next.is_none_or(|t| self.marks.lines.contains(&t.start) || matches!(t.text(self.text), ")" | "]" | "}"))
    }

    /// Whether a blank stands between the token at hand and the one before.
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

    /// `token`, a minus, has no operand before it.
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

    /// A bracket at hand, up to its partner.
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
                // A comment behind the comma speaks of the element before it.
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
        // Behind the last comma there is nothing, or comments.
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

    /// A `for` stands in the element from `start` to here, outside inner brackets.
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

    /// Statements, entries or claims between braces, one a line.
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
