//! Parsing of one item with error recovery.
//!
//! The grammar's parser stops at its first error. After an error, parsing resumes at the next statement (or entry) that
//! starts a line; the rest is only checked, and the item is left out of the tree.

use super::ast::{FileItem, Ident};
use super::build::{self, ItemPart, ParseFailure};
use super::explain::explain;
use super::scan::{self, Token, TokenKind};
use crate::base::problem::problem;
use crate::text::diag::{Diagnostic, Problems};
use crate::text::source::{SourceId, Span, Spanned};
use std::ops::Range;

/// Maximum number of errors per item; later ones usually follow from earlier ones.
const MAX_ERRORS: usize = 10;

/// Maximum number of tokens of one item: its tree needs about 500 bytes per token.
const MAX_TOKENS: usize = 800_000;

/// The result of parsing one item.
#[derive(Debug, Default)]
pub(super) struct ParsedItem {
    pub item: Option<FileItem>,
    /// Name of an item that has a name but could not be parsed.
    pub broken: Option<Ident>,
    pub problems: Problems,
}

/// Parses `tokens`: those without comments from the start of an item.
pub(super) fn parse_item(id: SourceId, text: &str, tokens: &[Token]) -> ParsedItem {
    let (attributes, tokens) = tokens.split_at(scan::leading_attributes_len(text, tokens).min(tokens.len()));
    let (Some(first), Some(last)) = (attributes.first(), attributes.last()) else {
        return parse_plain_item(id, text, tokens);
    };
    let mut outcome = match build::attributes(id, text, first.start..last.end) {
        Ok(attributes) => {
            let mut outcome = parse_plain_item(id, text, tokens);
            if let Some(item) = &mut outcome.item {
                item.attributes = attributes;
            }
            outcome
        }
        Err(failure) => {
            let known = tokens.first().is_some_and(|t| scan::is_item_keyword(t.text(text)));
            let mut outcome = if known { parse_plain_item(id, text, tokens) } else { ParsedItem::default() };
            let help = "an attribute is written `@allow(name)`, on the line above an item";
            outcome.problems.push(explain(id, text, attributes, &failure).help(help));
            outcome
        }
    };
    if tokens.is_empty() {
        let span = Span::new(id, first.start, last.end);
        outcome.problems.push(problem!(E0101, span, "an attribute without an item after it";
            help: "for the whole file, write `allow name` without the `@`"));
    }
    outcome
}

fn parse_plain_item(id: SourceId, text: &str, tokens: &[Token]) -> ParsedItem {
    let [first, .., last] = tokens else {
        return tokens.first().map_or_else(ParsedItem::default, |only| unexpected_text(id, text, tokens, only));
    };
    if !scan::is_item_keyword(first.text(text)) {
        return unexpected_text(id, text, tokens, first);
    }
    let failed = |problems| ParsedItem { item: None, broken: item_name(id, text, tokens), problems };
    if tokens.len() > MAX_TOKENS {
        let d = problem!(E0311, Span::new(id, first.start, first.end), "an item of more than {MAX_TOKENS} tokens";
            label: "starts here";
            help: "write repeated parts as a `for` or `repeat`");
        return failed(d.into());
    }
    if let Some(token) = scan::too_deep(text, tokens) {
        return failed(too_deep(id, token).into());
    }
    match build::item(id, text, first.start..last.end) {
        // The placeholder for a value out of range would only cause more messages.
        Ok((_, problems)) if problems.has_errors() => failed(problems),
        Ok((mut item, problems)) => {
            item.span = Span::new(id, first.start, last.end);
            ParsedItem { item: Some(item), broken: None, problems }
        }
        Err(failure) if failure.exhausted => failed(too_deep(id, *first).into()),
        Err(failure) => {
            let mut problems = Problems::from(explain(id, text, tokens, &failure));
            report_further_errors(id, text, tokens, &failure, &mut problems);
            failed(problems)
        }
    }
}

/// Parses all tokens of a text with `build`; `what` names the expected form in messages.
pub(super) fn parse_whole<T>(
    id: SourceId,
    text: &str,
    code: &[Token],
    what: &str,
    build: impl Fn(SourceId, &str, Range<usize>) -> Result<(T, Problems), ParseFailure>,
) -> Result<T, Problems> {
    let (Some(first), Some(last)) = (code.first(), code.last()) else {
        let span = Span::new(id, 0, text.len());
        return Err(problem!(E0101, span, "expected {what}, found nothing").into());
    };
    if let Some(token) = scan::too_deep(text, code) {
        return Err(too_deep(id, token).into());
    }
    match build(id, text, first.start..last.end) {
        Ok((made, problems)) if !problems.has_errors() => Ok(made),
        Ok((_, problems)) => Err(problems.sorted()),
        Err(failure) if failure.exhausted => Err(too_deep(id, *first).into()),
        Err(failure) => Err(explain(id, text, code, &failure).into()),
    }
}

fn too_deep(id: SourceId, token: Token) -> Diagnostic {
    let span = Span::new(id, token.start, token.end);
    problem!(E0104, span, "nested more than {} levels deep", scan::MAX_DEPTH;
        label: "one level too many";
        help: "give inner parts a name with `let`")
}

/// Reports text where an item should start.
fn unexpected_text(id: SourceId, text: &str, tokens: &[Token], first: &Token) -> ParsedItem {
    let word = first.text(text);
    let span = Span::new(id, first.start, first.end);
    let problem = if scan::is_item_keyword(word) {
        problem!(E0101, span, "`{word}` is not followed by a name")
    } else {
        expected_item(word, span, matches!(tokens.get(1), Some(t) if t.kind == TokenKind::Word))
    };
    let broken = if tokens.len() > 1 { item_name(id, text, tokens) } else { None };
    ParsedItem { item: None, broken, problems: problem.into() }
}

/// Returns the problem of a `word` where an item should start. `word` may be a misspelt keyword if a name follows it.
fn expected_item(word: &str, span: Span, name_follows: bool) -> Diagnostic {
    let d = problem!(E0101, span, "expected an item, found `{word}`");
    if scan::is_statement_keyword(word) {
        return d.help(format!("`{word}` belongs in the body of a block or a model"));
    }
    let keywords = scan::item_keywords();
    let listed = format!("items start with one of: {}", keywords.join(", "));
    if name_follows { d.nearest(span, word, keywords, || Some(listed)) } else { d.help(listed) }
}

/// Returns the name in the head of an item. `import` and `expect` have none.
fn item_name(id: SourceId, text: &str, tokens: &[Token]) -> Option<Ident> {
    let name = tokens.get(1).filter(|t| t.kind == TokenKind::Word && !scan::is_reserved(t.text(text)))?;
    let named = !matches!(tokens[0].text(text), "import" | "expect");
    named.then(|| Spanned::new(name.text(text).to_owned(), Span::new(id, name.start, name.end)))
}

/// Checks the statements or entries after `failure`, one by one.
fn report_further_errors(id: SourceId, text: &str, tokens: &[Token], failure: &ParseFailure, problems: &mut Problems) {
    let part = match tokens[0].text(text) {
        "block" | "model" => ItemPart::Stmt,
        "data" | "train" => ItemPart::Entry,
        "expect" => ItemPart::Claim,
        _ => return,
    };
    let innermost = innermost_brackets(text, tokens);
    let starts_part = |i: usize| {
        let in_braces = innermost[i] == Some("{");
        let word = tokens[i].text(text);
        let next = tokens.get(i + 1).map_or("", |t| t.text(text));
        tokens[i].first_on_line
            && match part {
                // `for` may also belong to a comprehension.
                ItemPart::Stmt => scan::is_statement_keyword(word) && (in_braces || word != "for"),
                ItemPart::Entry => in_braces && tokens[i].kind == TokenKind::Word && next == "=",
                ItemPart::Claim => in_braces && tokens[i].kind == TokenKind::Word && matches!(next, "~=" | "==" | "("),
            }
    };
    let end = tokens.last().map_or(0, |t| t.end);
    // The part that failed may start at the token that failed.
    let mut i = tokens.partition_point(|t| t.end <= failure.at);
    i += usize::from(i < tokens.len() && tokens[i].start < failure.at);
    let mut reported = 1;
    while reported < MAX_ERRORS {
        let Some(start) = (i..tokens.len()).find(|&i| starts_part(i)) else { return };
        match build::end_of_part(part, text, tokens[start].start..end) {
            Ok(part_end) => i = tokens.partition_point(|t| t.start < part_end),
            Err(failure) => {
                problems.push(explain(id, text, tokens, &failure));
                reported += 1;
                i = tokens.partition_point(|t| t.end <= failure.at).max(start + 1);
            }
        }
    }
}

/// Returns the innermost bracket around each token.
fn innermost_brackets<'s>(text: &'s str, tokens: &[Token]) -> Vec<Option<&'s str>> {
    let mut open: Vec<&str> = Vec::new();
    let mut innermost = Vec::with_capacity(tokens.len());
    for token in tokens {
        let word = token.text(text);
        if let Some(opener) = scan::opener_of(word)
            && let Some(partner) = open.iter().rposition(|&o| o == opener)
        {
            open.truncate(partner);
        }
        innermost.push(open.last().copied());
        if matches!(word, "(" | "[" | "{") {
            open.push(word);
        }
    }
    innermost
}
