//! The message of a syntax error: what was expected, what was found, and help for common mistakes.
//!
//! Depends on tokens and on the expectations that the grammar's parser reports, not on the parser itself.

mod brackets;
mod broken_token;
mod expected;
mod mistakes;
mod unexpected;

use super::build::ParseFailure;
use super::scan::{Token, TokenKind, is_reserved};
use crate::base::problem::problem;
use crate::text::diag::Diagnostic;
use crate::text::source::SourceId;
use expected::ExpectedTokens;
use unexpected::UnexpectedToken;

/// Returns the diagnostic for a `failure` in the item with these `tokens`.
pub(super) fn explain(id: SourceId, text: &str, tokens: &[Token], failure: &ParseFailure) -> Diagnostic {
    let mut index = tokens.partition_point(|t| t.end <= failure.at);
    let mut reported = failure.expected.clone();
    if let Some(last) = index.checked_sub(1).map(|i| tokens[i])
        && (last.kind == TokenKind::OpenStr || last.end == failure.at && is_reserved(last.text(text)))
    {
        // The parser read the whole word or string before it refused it, and reported what could continue there.
        index -= 1;
        let before = index.checked_sub(1).map(|i| tokens[i]);
        let ends_value = |word| matches!(word, "{" | ")" | "]");
        let wants_value = before.is_some_and(|t| t.kind == TokenKind::Punct && !ends_value(t.text(text)));
        let parameter = tokens.get(index + 1).is_some_and(|t| matches!(t.text(text), ":" | "="));
        let wanted: &[&str] = if wants_value && !parameter { &["string", "("] } else { &["name"] };
        reported = wanted.iter().map(|&w| w.to_owned()).collect();
    }
    let place = UnexpectedToken { id, text, tokens, index };
    let touches = index.checked_sub(1).is_some_and(|i| tokens[i].end == failure.at);
    let expected = ExpectedTokens::new(&reported, touches.then(|| tokens[index - 1].kind));
    if let Some(problem) = place.broken_token() {
        return problem;
    }
    let found = match place.word() {
        "" => "the end of the item".to_owned(),
        word if is_reserved(word) => format!("the reserved word `{word}`"),
        word => format!("`{word}`"),
    };
    let problem = match expected.list().as_str() {
        "" => problem!(E0101, place.span(), "unexpected {found}"),
        list => problem!(E0101, place.span(), "expected {list}, found {found}"),
    };
    mistakes::suggest_for_common_mistake(&place, &expected, place.label_unclosed_bracket(problem, &expected))
}
