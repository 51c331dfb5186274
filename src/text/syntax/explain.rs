//! The words for a syntax error: what was expected, what stands there, and the suggest_for_common_mistake that it probably is.
//!
//! Knows tokens and the expectations the grammar's parser reported, not how either came to be.

use super::build::ParseFailure;
use super::scan::{self, Token, TokenKind, is_reserved};
use crate::text::diag::Applicability::*;
use crate::text::diag::{Code, Diagnostic};
use crate::text::source::{SourceId, Span};

/// The message for a `failure` in the item made of the tokens `run`.
pub(super) fn explain(id: SourceId, text: &str, run: &[Token], failure: &ParseFailure) -> Diagnostic {
    let mut index = run.partition_point(|t| t.end <= failure.at);
    let mut reported = failure.expected.clone();
    if let Some(last) = index.checked_sub(1).map(|i| run[i])
        && (last.kind == TokenKind::OpenStr || last.end == failure.at && is_reserved(last.text(text)))
    {
        // The parser looked through the whole word or string before it refused it, and told what could go on there.
        index -= 1;
        let before = index.checked_sub(1).map(|i| run[i]);
        let ends_value = |word| matches!(word, "{" | ")" | "]");
        let wants_value = before.is_some_and(|t| t.kind == TokenKind::Punct && !ends_value(t.text(text)));
        let parameter = run.get(index + 1).is_some_and(|t| matches!(t.text(text), ":" | "="));
        let wanted: &[&str] = if wants_value && !parameter { &["string", "("] } else { &["name"] };
        reported = wanted.iter().map(|&w| w.to_owned()).collect();
    }
    let place = UnexpectedToken { id, text, run, index };
    let touches = index.checked_sub(1).is_some_and(|i| run[i].end == failure.at);
    let expected = ExpectedTokens::new(&reported, touches.then(|| run[index - 1].kind));
    if let Some(problem) = place.broken_token() {
        return problem;
    }
    let found = match place.word() {
        "" => "the end of the item".to_owned(),
        word if is_reserved(word) => format!("the reserved word `{word}`"),
        word => format!("`{word}`"),
    };
    let list = expected.list();
    let message = match list.as_str() {
        "" => format!("unexpected {found}"),
        list => format!("expected {list}, found {found}"),
    };
    let problem = Diagnostic::new(Code::E0101, place.span(), message);
    place.suggest_for_common_mistake(place.label_unclosed_bracket(problem, &expected), &expected)
}

/// The token that did not fit, or the end of the item.
struct UnexpectedToken<'a> {
    id: SourceId,
    text: &'a str,
    run: &'a [Token],
    index: usize,
}

impl UnexpectedToken<'_> {
    fn token(&self) -> Option<Token> {
        self.run.get(self.index).copied()
    }

    fn before(&self) -> Option<Token> {
        self.index.checked_sub(1).map(|i| self.run[i])
    }

    fn word_at(&self, index: usize) -> &str {
        self.run.get(index).map_or("", |t| t.text(self.text))
    }

    fn word(&self) -> &str {
        self.word_at(self.index)
    }

    fn span_of(&self, token: Token) -> Span {
        Span::new(self.id, token.start, token.end)
    }

    fn span(&self) -> Span {
        match (self.token(), self.before()) {
            (Some(token), _) => self.span_of(token),
            (None, Some(last)) => Span::new(self.id, last.end, last.end),
            (None, None) => Span::new(self.id, 0, 0),
        }
    }

    /// A token that is none: the message is about its characters.
    fn broken_token(&self) -> Option<Diagnostic> {
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
                let problem = problem(format!("{shown} means nothing here"));
                let (here, second) = (self.span_of(token), self.run.get(self.index + 1));
                let pair = second.filter(|t| t.start == token.end && t.text(self.text) == word);
                Some(match c {
                    '\u{201c}' | '\u{201d}' => {
                        problem.suggest("strings stand in `\"` quotes", here, "\"", MachineApplicable)
                    }
                    '\'' | '`' => problem.help("strings stand in `\"` quotes"),
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

    /// Points at the bracket whose end is missing, where that is the likely mistake.
    fn label_unclosed_bracket(&self, problem: Diagnostic, expected: &ExpectedTokens) -> Diagnostic {
        let before = scan::unbalanced_brackets(self.text, &self.run[..self.index]);
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

    /// Offers the closing bracket: instead of one that closes nothing, else where the line ends, or before the pipe
    /// that follows a lone argument.
    fn suggest_closing_bracket(&self, problem: Diagnostic, opener: Token, closer: &str, open: &[Token]) -> Diagnostic {
        if let (Some(token), Some(wrong)) = (self.token(), scan::opener_of(self.word()))
            && !open.iter().any(|t| t.text(self.text) == wrong)
        {
            let message = format!("`{}` is closed by `{closer}`", opener.text(self.text));
            return problem.suggest(message, self.span_of(token), closer, MachineApplicable);
        }
        let at = self.run.partition_point(|t| t.start < opener.end);
        let lone = self.word_at(at + 1) == "|>" && at + 1 < self.index;
        let Some(last) = (if lone { self.run.get(at).copied() } else { self.before() }) else { return problem };
        if closer == "}" {
            // Which of the lines behind the brace it ends is for the author to say.
            return problem;
        }
        problem.suggest(format!("close it with `{closer}`"), self.span_of(last).after(), closer, MaybeIncorrect)
    }

    /// The innermost bracket that is open at the token.
    fn inside(&self) -> &str {
        let before = scan::unbalanced_brackets(self.text, &self.run[..self.index]);
        before.open.last().map_or("", |t| t.text(self.text))
    }

    /// Help for slips that people make.
    fn suggest_for_common_mistake(&self, problem: Diagnostic, expected: &ExpectedTokens) -> Diagnostic {
        let item = self.word_at(0);
        let (Some(token), word, previous) = (self.token(), self.word(), self.before()) else {
            let bounds = item == "sweep" && self.before().is_some_and(|t| t.text(self.text) == "where");
            let help = "what a sweep keeps is written `keep where params < 1M and macs <= 2G`";
            return if bounds { problem.help(help) } else { problem };
        };
        let next = self.word_at(self.index + 1);
        let gap = previous.is_some_and(|p| p.end < token.start);
        let after_name = previous.is_some_and(|p| p.kind == TokenKind::Word && !is_reserved(p.text(self.text)));
        let after_value = after_name
            || previous.is_some_and(|p| {
                matches!(p.kind, TokenKind::Number | TokenKind::Str) || matches!(p.text(self.text), ")" | "]")
            });
        let is_name = |t: &Token| t.kind == TokenKind::Word && !is_reserved(t.text(self.text));
        let entries = matches!(item, "data" | "train");
        let body = matches!(item, "block" | "model");
        let previous_end = previous.map_or(token.start, |p| p.end);
        let previous = previous.map_or("", |p| p.text(self.text));
        let here = self.span_of(token);
        let before = here.before();
        match word {
            "(" if after_name && self.word_at(self.index.saturating_sub(2)) == "." => {
                problem.help(format!("there are no methods: write `x |> {previous}(...)`"))
            }
            "." => problem.help("there are no methods: write `x |> conv(8)`; a fraction is `0.5`"),
            ";" => {
                let help = "there are no semicolons: a statement ends where the next one starts";
                problem.suggest(help, here, "", MachineApplicable)
            }
            "(" | "[" if gap && after_name => {
                let stage = self.index > 1 && self.word_at(self.index - 2) == "|>";
                let trust = if stage { MachineApplicable } else { MaybeIncorrect };
                let gap = Span::new(self.id, previous_end, token.start);
                problem.suggest(format!("`{word}` must touch the name before it: `{previous}{word}`"), gap, "", trust)
            }
            "|" if expected.operators => {
                let help = "the pipe is written `|>`; alternatives with `|` stand only in `sweep` and in patterns";
                let patterns = self.run[..self.index].iter().any(|t| t.text(self.text) == "match");
                let trust = if body && !patterns { MachineApplicable } else { MaybeIncorrect };
                problem.suggest(help, here, "|>", trust)
            }
            "=" if expected.operators => problem.suggest("to compare, write `==`", here, "==", MaybeIncorrect),
            "==" if expected.has("=") => problem.suggest("to set a value, write `=`", here, "=", MachineApplicable),
            ":" if expected.has("=") || expected.operators => {
                let trust = if entries { MachineApplicable } else { MaybeIncorrect };
                problem.suggest(format!("a value is set with `=`: `{previous} = ...`"), here, " =", trust)
            }
            "," if entries && expected.operators => {
                problem.suggest("entries need no comma between them", here, "", MachineApplicable)
            }
            "or" if item == "sweep" || expected.tokens == ["and"] => problem
                .help("a model is kept where all bounds hold, joined with `and`; for either of two, write two sweeps"),
            "where" if item == "sweep" && expected.has("keep") => {
                problem.suggest("what a sweep keeps stands behind `keep where`", before, "keep ", MachineApplicable)
            }
            "->" if expected.operators => problem.help("the result shape stands behind the parameters"),
            "}" | "" if expected.has("else") => problem.help("an `if` has a value, so it needs an `else`"),
            _ if expected.has("else") => problem.help("an `if` has a value, so it needs an `else { ... }`"),
            _ if item == "model" && expected.has("->") => {
                let classes = self.run[..self.index].iter().any(|t| t.text(self.text) == "classes");
                let trust = if classes { MaybeIncorrect } else { HasPlaceholders };
                let shape = if classes { "-> [classes, H, W] " } else { "-> [..., H, W] " };
                problem.suggest("a model promises its result: `-> [classes, H, W]`", before, shape, trust)
            }
            _ if is_reserved(word) && expected.name => {
                let help = format!("`{word}` cannot be a name: add a `_`");
                problem.suggest(help, here, format!("{word}_"), MaybeIncorrect)
            }
            _ if entries && after_name && expected.has("=") => {
                problem.suggest(format!("write `{previous} = {word}`"), before, "= ", MachineApplicable)
            }
            _ if scan::is_item_keyword(word) && !token.first_on_line && expected.operators => {
                problem.help("each item starts on a line of its own")
            }
            _ if expected.has(",")
                && after_value
                && (is_name(&token) && next == "=" || token.kind == TokenKind::Number) =>
            {
                let comma = Span::new(self.id, previous_end, previous_end);
                problem.suggest("a comma is missing", comma, ",", MachineApplicable)
            }
            _ if is_name(&token) && expected.operators && after_value && !entries && next != "=" => {
                let help = format!("if `{word}` is the next stage, a `|>` is missing before it");
                // Between brackets it may as well be a comma that is missing.
                let stage = previous == ")" || matches!(next, "(" | "|>");
                let trust =
                    if stage && !matches!(self.inside(), "(" | "[") { MachineApplicable } else { MaybeIncorrect };
                problem.suggest(help, before, "|> ", trust)
            }
            _ if expected.tokens == ["="] => problem.suggest("a `=` is missing", before, "= ", MaybeIncorrect),
            _ if self.after_pipe() => {
                problem.help("what follows `|>` is a stage: put the pipe in parentheses to go on calculating with it")
            }
            _ => problem,
        }
    }

    /// The token is an operator behind the last stage of a pipe.
    fn after_pipe(&self) -> bool {
        let statement = |t: &&Token| !scan::is_statement_keyword(t.text(self.text));
        let mut back = self.run[..self.index].iter().rev().take_while(statement);
        INFIX.contains(&self.word()) && back.any(|t| t.text(self.text) == "|>")
    }
}

/// What the grammar would have taken, told apart for people.
struct ExpectedTokens {
    tokens: Vec<String>,
    /// A value may start here.
    value: bool,
    name: bool,
    /// An operator may continue the expression before this place.
    operators: bool,
}

const INFIX: [&str; 18] =
    ["or", "and", "==", "!=", "<=", ">=", "<", ">", "..", "++", "+", "-", "*", "/", "%", "|>", "|", "~="];
const VALUE: [&str; 9] = ["(", "[", "-", "not", "if", "match", "true", "false", "?"];

impl ExpectedTokens {
    /// `touching` is the kind of the token that ends right where the failure is: names and numbers that could have
    /// gone on there are no news.
    fn new(reported: &[String], touching: Option<TokenKind>) -> Self {
        let continues = matches!(touching, Some(TokenKind::Word | TokenKind::Number));
        let noise = |t: &str| continues && matches!(t, "name" | "number" | "." | "e" | "E" | "K" | "M" | "G" | "T");
        let mut tokens: Vec<String> = reported.iter().filter(|t| !noise(t)).cloned().collect();
        let has = |tokens: &[String], word: &str| tokens.iter().any(|t| t == word);
        let operators = has(&tokens, "|>") || has(&tokens, "*");
        let value = has(&tokens, "string") && has(&tokens, "(");
        let name = has(&tokens, "name");
        if operators {
            tokens.retain(|t| !INFIX.contains(&t.as_str()) && !matches!(t.as_str(), "(" | "[" | "[]" | "."));
        }
        let statements = ["let", "for", "require", "return"];
        if operators && statements.iter().all(|k| has(&tokens, k)) {
            // Where an expression could go on or end, a list of what may follow its statement helps nobody.
            tokens.retain(|t| !statements.contains(&t.as_str()) && t != "}");
        }
        if value {
            tokens.retain(|t| !VALUE.contains(&t.as_str()) && !matches!(t.as_str(), "name" | "number" | "string"));
        }
        ExpectedTokens { tokens, value, name, operators }
    }

    fn has(&self, word: &str) -> bool {
        self.tokens.iter().any(|t| t == word)
    }

    /// `` `)`, `,` or an expression ``; empty if only operators would do.
    fn list(&self) -> String {
        let mut parts: Vec<String> = Vec::new();
        if ["let", "for", "require", "return"].iter().all(|k| self.has(k)) {
            parts.push("a statement (`let`, `for`, `require`, `return`)".into());
        }
        if self.value {
            parts.push("an expression".into());
        }
        for token in &self.tokens {
            match token.as_str() {
                "name" => parts.push("a name".into()),
                "number" => parts.push("a number".into()),
                "string" => parts.push("a string".into()),
                "let" | "for" | "require" | "return" if parts.first().is_some_and(|p| p.contains("statement")) => {}
                token => parts.push(format!("`{token}`")),
            }
        }
        parts.truncate(5);
        match parts.split_last() {
            None => String::new(),
            Some((only, [])) => only.clone(),
            Some((last, rest)) => format!("{} or {last}", rest.join(", ")),
        }
    }
}
