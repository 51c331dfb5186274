//! Parsing and formatting: [`parse`] and [`print()`].
//!
//! Does not depend on operators, names or shapes. The grammar is `grammar/npc.pest`.

pub mod ast;
mod build;
mod explain;
mod print;
mod recover;
mod scan;

use super::diag::{Applicability, Diagnostic, Problems};
use super::source::{SourceId, SourceMap, Span, Spanned};
use crate::base::problem::problem;
pub use print::print;

/// Edition of the language that this npc reads.
pub const EDITION: u32 = 1;

/// Checks whether a word of the language names nothing.
#[cfg(feature = "data")]
pub(crate) fn is_reserved(word: &str) -> bool {
    scan::is_reserved(word)
}

/// Parses a model file. Never fails as a whole: an item with a syntax error is left out, with its name kept in
/// [`ast::File::broken`], and all errors are among the problems, sorted by place.
pub fn parse(sources: &SourceMap, id: SourceId) -> (ast::File, Problems) {
    let text = sources.text(id);
    let tokens = scan::scan(text);
    let mut code: Vec<_> = tokens.iter().copied().filter(|t| !t.is_comment()).collect();
    let mut problems = Problems::new();
    let mut file = ast::File::default();
    match edition(id, text, &code) {
        Ok(edition) => {
            let known = edition.node == EDITION;
            if !known {
                problems.push(problem!(E0102, edition.span, "this npc does not support edition {}", edition.node;
                    help: "it reads edition {EDITION}: write `npc {EDITION}`"));
            }
            file.edition = Some(edition);
            if !known {
                // Another edition may have another syntax, in which the errors would not be errors.
                return (file, problems);
            }
            code.drain(..2);
        }
        Err(problem) => {
            problems.push(problem);
            // The line `npc ...` is not an item.
            if code.first().is_some_and(|t| t.text(text) == "npc") {
                let line = code.iter().skip(1).position(|t| t.first_on_line).map_or(code.len(), |i| i + 1);
                code.drain(..line);
            }
        }
    }
    for run in scan::split_items(text, &code) {
        let outcome = recover::parse_item(id, text, run);
        problems.extend(outcome.problems);
        file.broken.extend(outcome.broken);
        if let Some(mut item) = outcome.item {
            let start = item.attributes.first().map_or(item.span, |a| a.span).start;
            item.docs = docs_above(text, &tokens, start as usize);
            file.items.push(item);
        }
    }
    (file, problems.sorted())
}

/// Parses a text that is one expression, such as the value in `--with name=value`.
pub fn parse_value(sources: &SourceMap, id: SourceId) -> Result<ast::Expr, Problems> {
    let text = sources.text(id);
    let code: Vec<_> = scan::scan(text).into_iter().filter(|t| !t.is_comment()).collect();
    recover::parse_whole(id, text, &code, "a value", build::expr)
}

/// Parses a sweep without its name, such as `Net(width = 8 | 16) keep where params < 1M`.
pub fn parse_models(sources: &SourceMap, id: SourceId) -> Result<ast::SweepModels, Problems> {
    let text = sources.text(id);
    let code: Vec<_> = scan::scan(text).into_iter().filter(|t| !t.is_comment()).collect();
    recover::parse_whole(id, text, &code, "models", build::models)
}

/// Parses bounds such as `macs <= 2.5G and params < 1M`.
pub fn parse_bounds(sources: &SourceMap, id: SourceId) -> Result<Vec<ast::Claim>, Problems> {
    let text = sources.text(id);
    let code: Vec<_> = scan::scan(text).into_iter().filter(|t| !t.is_comment()).collect();
    recover::parse_whole(id, text, &code, "a bound such as `params < 1M`", build::bounds)
}

/// Returns a value as written, on one line and without comments: `[4, 8]` for a list over several lines.
pub(crate) fn on_one_line(text: &str) -> String {
    let mut line = String::new();
    let mut end = 0;
    for token in scan::scan(text).iter().filter(|token| !token.is_comment()) {
        let word = token.text(text);
        let apart =
            token.start > end && !line.is_empty() && !line.ends_with(['(', '[']) && ![")", "]", ","].contains(&word);
        line.push_str(if apart { " " } else { "" });
        line.push_str(word);
        end = token.end;
    }
    line
}

/// Parses the line `npc N`.
fn edition(id: SourceId, text: &str, code: &[scan::Token]) -> Result<Spanned<u32>, Diagnostic> {
    let number = match code {
        [npc, number, ..] if npc.text(text) == "npc" && number.kind == scan::TokenKind::Number => {
            let span = Span::new(id, npc.start, number.end);
            number.text(text).parse().ok().map(|n| Spanned::new(n, span))
        }
        _ => None,
    };
    number.ok_or_else(|| missing_edition(id, text, code))
}

/// Returns the problem of a file without an edition line, or with one that has no valid number.
fn missing_edition(id: SourceId, text: &str, code: &[scan::Token]) -> Diagnostic {
    let span = code.first().map_or(Span::new(id, 0, 0), |t| Span::new(id, t.start, t.end));
    let d = problem!(E0103, span, "the file does not start with an edition line";
        label: "expected `npc {EDITION}` before this");
    let help = format!("write `npc {EDITION}` as the first line");
    if code.first().is_some_and(|t| t.text(text) == "npc") {
        return d.help(help);
    }
    let mark = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    let edit = format!("npc {EDITION}\n\n");
    d.suggest(help, Span::new(id, mark, mark), edit, Applicability::MachineApplicable)
}

/// Returns the text of the `///` lines that end on the line above `start`.
fn docs_above(text: &str, tokens: &[scan::Token], start: usize) -> Vec<String> {
    let before = tokens.partition_point(|t| t.start < start);
    let mut docs = Vec::new();
    let mut next = start;
    for token in tokens[..before].iter().rev() {
        let gap = text[token.end..next].matches('\n').count();
        if token.kind != scan::TokenKind::Doc || !token.first_on_line || gap != 1 {
            break;
        }
        let line = &token.text(text)[3..];
        docs.push(line.strip_prefix(' ').unwrap_or(line).to_owned());
        next = token.start;
    }
    docs.reverse();
    docs
}
