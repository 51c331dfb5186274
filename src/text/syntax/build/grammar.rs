//! The parser that is made from `grammar/npc.pest`: runs it, and says where it stopped.

use pest::Parser;
use pest::error::{Error, ErrorVariant, InputLocation};
use pest::iterators::{Pair, Pairs};
use std::ops::Range;
use std::sync::{Mutex, PoisonError};

#[derive(pest_derive::Parser)]
#[grammar = "../grammar/npc.pest"]
struct Grammar;

/// Where the grammar stopped and what it would have taken there.
#[derive(Debug)]
pub(crate) struct ParseFailure {
    /// Bytes from the start of the whole text.
    pub at: usize,
    /// Tokens as written; `name`, `number` and `string` for the kinds.
    pub expected: Vec<String>,
    /// The machine's stack is used up.
    pub exhausted: bool,
}

/// Runs the grammar, with a record of what it tried or without.
fn attempt(rule: Rule, text: &str, detail: bool) -> Result<Pairs<'_, Rule>, Error<Rule>> {
    // The switch is process-wide, so that parses in other threads wait.
    static SWITCH: Mutex<()> = Mutex::new(());
    let _held = SWITCH.lock().unwrap_or_else(PoisonError::into_inner);
    pest::set_error_detail(detail);
    Grammar::parse(rule, text)
}

/// Matches `rule` at the start of `range`.
pub(super) fn run(rule: Rule, text: &str, range: Range<usize>) -> Result<Pair<'_, Rule>, ParseFailure> {
    let base = range.start;
    let text = &text[range];
    // The record takes as long as the parse itself, and is of use only after a mistake.
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

/// A reported token (pest does not export its type, so it comes as text) in words of [`ParseFailure::expected`].
fn expected_text(token: String) -> Option<String> {
    match token.as_str() {
        " " | "\t" | "\r" | "\n" | "//" | "BUILTIN_RULE" => None,
        "\"" => Some("string".into()),
        "0..9" => Some("number".into()),
        "_" | "a..z" | "A..Z" => Some("name".into()),
        _ => Some(token),
    }
}
