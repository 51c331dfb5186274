//! Unclosed brackets before the token at which parsing failed.

use super::expected::ExpectedTokens;
use super::unexpected::UnexpectedToken;
use crate::text::diag::Applicability::*;
use crate::text::diag::Diagnostic;
use crate::text::syntax::scan::{self, Token};

impl UnexpectedToken<'_> {
    /// Labels the unclosed bracket, if that is the likely mistake, and suggests its closing bracket.
    pub(super) fn label_unclosed_bracket(&self, problem: Diagnostic, expected: &ExpectedTokens) -> Diagnostic {
        let before = scan::unbalanced_brackets(self.text, &self.tokens[..self.index]);
        let Some(opener) = before.open.last().copied() else { return problem };
        let bracket = opener.text(self.text);
        let word = self.word();
        let ends = match word {
            ")" | "]" | "}" => scan::opener_of(word) != Some(bracket),
            "" => true,
            _ => bracket != "{" && self.token().is_some_and(|t| t.first_on_line),
        };
        let closer = match bracket {
            "(" => ")",
            "[" => "]",
            _ => "}",
        };
        if ends && (expected.has(closer) || word.is_empty()) {
            let problem = problem.other(self.span_of(opener), format!("`{bracket}` opened here is not closed"));
            return self.suggest_closing_bracket(problem, opener, closer, &before.open);
        }
        problem
    }

    /// Suggests the closing bracket: in place of a closing bracket that closes nothing, else at the end of the line, or before
    /// the pipe after a single argument.
    fn suggest_closing_bracket(&self, problem: Diagnostic, opener: Token, closer: &str, open: &[Token]) -> Diagnostic {
        if let (Some(token), Some(wrong)) = (self.token(), scan::opener_of(self.word()))
            && !open.iter().any(|t| t.text(self.text) == wrong)
        {
            let message = format!("`{}` is closed by `{closer}`", opener.text(self.text));
            return problem.suggest(message, self.span_of(token), closer, MachineApplicable);
        }
        let at = self.tokens.partition_point(|t| t.start < opener.end);
        let single_argument = self.word_at(at + 1) == "|>" && at + 1 < self.index;
        let Some(last) = (if single_argument { self.tokens.get(at).copied() } else { self.before() }) else {
            return problem;
        };
        if closer == "}" {
            // We cannot know on which line after the brace the block should end.
            return problem;
        }
        problem.suggest(format!("close it with `{closer}`"), self.span_of(last).after(), closer, MaybeIncorrect)
    }

    /// Returns the innermost bracket that is open at the token.
    pub(super) fn innermost_bracket(&self) -> &str {
        let before = scan::unbalanced_brackets(self.text, &self.tokens[..self.index]);
        before.open.last().map_or("", |t| t.text(self.text))
    }
}
