//! Characters that form no valid token: open strings, unknown escapes, malformed numbers, characters without a meaning.

use super::unexpected::UnexpectedToken;
use crate::text::diag::Applicability::*;
use crate::text::diag::{Code, Diagnostic};
use crate::text::syntax::scan::TokenKind;

impl UnexpectedToken<'_> {
    /// Returns the problem of an invalid token, which is about its characters rather than about the grammar.
    pub(super) fn broken_token(&self) -> Option<Diagnostic> {
        let token = self.token()?;
        let word = self.word();
        let problem = |message: String| Diagnostic::new(Code::E0101, self.span_of(token), message);
        match token.kind {
            TokenKind::OpenStr => {
                let d = problem("the string is not closed on its line".into());
                Some(d.suggest("end it with `\"`", self.span_of(token).after(), "\"", MaybeIncorrect))
            }
            TokenKind::Str => {
                let escape = word.find('\\').is_some();
                escape.then(|| {
                    let known = "the escapes are `\\\"`, `\\\\`, `\\n` and `\\t`";
                    problem("the string holds an unknown escape".into()).help(known)
                })
            }
            TokenKind::Number if word.contains(|c: char| c.is_ascii_alphabetic()) => {
                let help = "numbers look like `32`, `0.8` or `1e-3`; names start with a letter";
                Some(problem(format!("`{word}` is not a number")).help(help))
            }
            TokenKind::Unknown => {
                let c = word.chars().next()?;
                let shown = match c {
                    c if c.is_ascii_graphic() => format!("`{c}`"),
                    c if c.is_alphanumeric() => format!("`{c}` (U+{:04X})", c as u32),
                    c => format!("the character U+{:04X}", c as u32),
                };
                let problem = problem(format!("{shown} is not a valid character here"));
                let (here, second) = (self.span_of(token), self.run.get(self.index + 1));
                let pair = second.filter(|t| t.start == token.end && t.text(self.text) == word);
                Some(match c {
                    '\u{201c}' | '\u{201d}' => {
                        problem.suggest("put strings in double quotes (`\"`)", here, "\"", MachineApplicable)
                    }
                    '\'' | '`' => problem.help("put strings in double quotes (`\"`)"),
                    '#' => problem.suggest("comments start with `//`", here, "//", MachineApplicable),
                    '&' if pair.is_some() => {
                        let both = here.to(pair.map_or(here, |t| self.span_of(*t)));
                        problem.suggest("write `and`", both, "and", MachineApplicable)
                    }
                    '&' => problem.help("write `and`"),
                    '!' => problem.suggest("write `not`", here, "not ", MaybeIncorrect),
                    _ if c.is_alphanumeric() => problem.help("names are made of `a-z`, `A-Z`, `0-9` and `_`"),
                    _ if c.is_whitespace() => problem.suggest("write a plain blank", here, " ", MachineApplicable),
                    _ => problem.suggest("delete it", here, "", MaybeIncorrect),
                })
            }
            TokenKind::Word | TokenKind::Number | TokenKind::Punct | TokenKind::Comment | TokenKind::Doc => None,
        }
    }
}
