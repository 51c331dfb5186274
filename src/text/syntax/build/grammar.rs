//! The parser generated from `grammar/npc.pest`, and the place at which it fails.

use pest::Parser;
use pest::error::{Error, ErrorVariant, InputLocation};
use pest::iterators::{Pair, Pairs};
use std::ops::Range;
use std::sync::{Mutex, PoisonError};

#[derive(pest_derive::Parser)]
#[grammar = "../grammar/npc.pest"]
struct Grammar;

/// The place at which parsing failed, with the tokens expected there.
#[derive(Debug)]
pub(crate) struct ParseFailure {
    /// Byte offset in the whole text.
    pub at: usize,
    /// Expected tokens as written; `name`, `number` and `string` for kinds of tokens.
    pub expected: Vec<String>,
    /// Whether the parser reached its limit on the stack.
    pub exhausted: bool,
}

/// Runs the grammar; with `detail`, the error contains the tokens that were expected.
fn attempt(rule: Rule, text: &str, detail: bool) -> Result<Pairs<'_, Rule>, Error<Rule>> {
    // The switch applies to the whole process, so parses in other threads must wait.
    static SWITCH: Mutex<()> = Mutex::new(());
    let _held = SWITCH.lock().unwrap_or_else(PoisonError::into_inner);
    pest::set_error_detail(detail);
    Grammar::parse(rule, text)
}

/// Parses `rule` at the start of `range`.
pub(super) fn run(rule: Rule, text: &str, range: Range<usize>) -> Result<Pair<'_, Rule>, ParseFailure> {
    let base = range.start;
    let text = &text[range];
    // Recording expected tokens takes as long as the parse itself and helps only after an error.
    match attempt(rule, text, false).or_else(|_| attempt(rule, text, true)) {
        Ok(mut pairs) => Ok(pairs.next().expect("a rule that matched yields a pair")),
        Err(error) => {
            let exhausted = matches!(error.variant, ErrorVariant::CustomError { .. });
            let mut at = match error.location {
                InputLocation::Pos(at) | InputLocation::Span((at, _)) => at,
            };
            let mut expected = Vec::new();
            if let Some(attempts) = error.parse_attempts() {
                at = at.max(attempts.max_position);
                expected = attempts.expected_tokens().iter().filter_map(|t| expected_text(t.to_string())).collect();
                expected.sort();
                expected.dedup();
            }
            Err(ParseFailure { at: base + at, expected, exhausted })
        }
    }
}

/// Converts a token reported by pest (as text, because pest does not export its type) for [`ParseFailure::expected`].
fn expected_text(token: String) -> Option<String> {
    match token.as_str() {
        " " | "\t" | "\r" | "\n" | "//" | "BUILTIN_RULE" => None,
        "\"" => Some("string".into()),
        "0..9" => Some("number".into()),
        "_" | "a..z" | "A..Z" => Some("name".into()),
        _ => Some(token),
    }
}
