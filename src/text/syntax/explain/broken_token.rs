//! Characters that form no valid token: open strings, unknown escapes, malformed numbers, characters without a meaning.

use super::unexpected::UnexpectedToken;
use crate::base::problem::problem;
use crate::text::diag::Diagnostic;
use crate::text::source::Span;
use crate::text::syntax::scan::{Token, TokenKind};

impl UnexpectedToken<'_> {
    /// Returns the problem of an invalid token, which is about its characters rather than about the grammar.
    pub(super) fn broken_token(&self) -> Option<Diagnostic> {
        let token = self.token()?;
        let (word, span) = (self.word(), self.span_of(token));
        match token.kind {
            TokenKind::OpenStr => Some(problem!(E0101, span, "the string is not closed on its line";
                fix[span.after() => "\"", MaybeIncorrect]: "close it with `\"`")),
            TokenKind::Str => word.contains('\\').then(|| {
                problem!(E0101, span, "the string contains an unknown escape";
                    help: "the escapes are `\\\"`, `\\\\`, `\\n` and `\\t`")
            }),
            TokenKind::Number if word.contains(|c: char| c.is_ascii_alphabetic()) => {
                Some(problem!(E0101, span, "`{word}` is not a number";
                    help: "numbers look like `32`, `0.8` or `1e-3`; names start with a letter"))
            }
            TokenKind::Unknown => word.chars().next().map(|c| self.invalid_character(token, c)),
            TokenKind::Word | TokenKind::Number | TokenKind::Punct | TokenKind::Comment | TokenKind::Doc => None,
        }
    }

    /// Returns the problem of the character `c`, which begins no token, with the edit or the rule for it.
    fn invalid_character(&self, token: Token, c: char) -> Diagnostic {
        use crate::text::diag::Applicability::*;
        let span = self.span_of(token);
        let shown = match c {
            c if c.is_ascii_graphic() => format!("`{c}`"),
            c if c.is_alphanumeric() => format!("`{c}` (U+{:04X})", c as u32),
            c => format!("the character U+{:04X}", c as u32),
        };
        let d = problem!(E0101, span, "{shown} is not a valid character here");
        match c {
            '\u{201c}' | '\u{201d}' => d.suggest("put strings in double quotes (`\"`)", span, "\"", MachineApplicable),
            '\'' | '`' => d.help("put strings in double quotes (`\"`)"),
            '#' => d.suggest("comments start with `//`", span, "//", MachineApplicable),
            '&' => match self.repetition(token) {
                Some(second) => d.suggest("write `and`", span.to(second), "and", MachineApplicable),
                None => d.help("write `and`"),
            },
            '!' => d.suggest("write `not`", span, "not ", MaybeIncorrect),
            _ if c.is_alphanumeric() => d.help("names are made of `a-z`, `A-Z`, `0-9` and `_`"),
            _ if c.is_whitespace() => d.suggest("write a plain space", span, " ", MachineApplicable),
            _ => d.suggest("delete it", span, "", MaybeIncorrect),
        }
    }

    /// Returns the span of the next token if it has the same text and touches this one.
    fn repetition(&self, token: Token) -> Option<Span> {
        let next = self.tokens.get(self.index + 1)?;
        (next.start == token.end && next.text(self.text) == self.word()).then(|| self.span_of(*next))
    }
}
