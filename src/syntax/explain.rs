//! The words for a syntax error: what was expected, what stands there, and the slip that it probably is.
//!
//! Knows tokens and the expectations the grammar's parser reported, not how either came to be.

use super::build::Failure;
use super::scan::{self, Token, TokenKind, is_reserved};
use crate::diag::{Code, Diagnostic};
use crate::source::{SourceId, Span};

/// The message for a `failure` in the item made of the tokens `run`.
pub(super) fn explain(id: SourceId, text: &str, run: &[Token], failure: &Failure) -> Diagnostic {
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
    let place = Place { id, text, run, index };
    let touches = index.checked_sub(1).is_some_and(|i| run[i].end == failure.at);
    let expected = Expected::new(&reported, touches.then(|| run[index - 1].kind));
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
    place.slip(place.opened(problem, &expected), &expected)
}

/// The token that did not fit, or the end of the item.
struct Place<'a> {
    id: SourceId,
    text: &'a str,
    run: &'a [Token],
    index: usize,
}

impl Place<'_> {
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
            TokenKind::OpenStr => Some(problem("the string is not closed on its line".into()).help("end it with `\"`")),
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
                Some(match (c, self.word_at(self.index + 1)) {
                    ('.', _) => problem.help("there are no methods: write `x |> conv(8)`; a fraction is `0.5`"),
                    ('\'' | '`' | '\u{201c}' | '\u{201d}', _) => problem.help("strings stand in `\"` quotes"),
                    ('#', _) => problem.help("comments start with `//`"),
                    ('&', _) => problem.help("write `and`"),
                    ('!', _) => problem.help("write `not`"),
                    _ if c.is_alphanumeric() => problem.help("names are made of `a-z`, `A-Z`, `0-9` and `_`"),
                    _ => problem.help("delete it"),
                })
            }
            TokenKind::Word | TokenKind::Number | TokenKind::Punct | TokenKind::Comment | TokenKind::Doc => None,
        }
    }

    /// Points at the bracket whose end is missing, where that is the likely mistake.
    fn opened(&self, problem: Diagnostic, expected: &Expected) -> Diagnostic {
        let before = scan::unbalanced(self.text, &self.run[..self.index]);
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
            return problem.other(self.span_of(opener), format!("`{bracket}` opened here is not closed"));
        }
        problem
    }

    /// Help for slips that people make.
    fn slip(&self, problem: Diagnostic, expected: &Expected) -> Diagnostic {
        let (Some(token), word, previous) = (self.token(), self.word(), self.before()) else { return problem };
        let item = self.word_at(0);
        let next = self.word_at(self.index + 1);
        let gap = previous.is_some_and(|p| p.end < token.start);
        let after_name = previous.is_some_and(|p| p.kind == TokenKind::Word && !is_reserved(p.text(self.text)));
        let after_value = after_name
            || previous.is_some_and(|p| {
                matches!(p.kind, TokenKind::Number | TokenKind::Str) || matches!(p.text(self.text), ")" | "]")
            });
        let is_name = |t: &Token| t.kind == TokenKind::Word && !is_reserved(t.text(self.text));
        let entries = matches!(item, "data" | "train");
        let previous = previous.map_or("", |p| p.text(self.text));
        match word {
            ";" => problem.help("there are no semicolons: a statement ends where the next one starts; delete it"),
            "(" | "[" if gap && after_name => {
                problem.help(format!("`{word}` must touch the name before it: `{previous}{word}`"))
            }
            "|" if expected.operators => {
                problem.help("the pipe is written `|>`; alternatives with `|` stand only in `sweep`")
            }
            "=" if expected.operators => problem.help("to compare, write `==`"),
            "==" if expected.has("=") => problem.help("to set a value, write `=`"),
            ":" if expected.has("=") || expected.operators => {
                problem.help(format!("a value is set with `=`: `{previous} = ...`"))
            }
            "," if entries && expected.operators => problem.help("entries need no comma between them: delete it"),
            "->" if expected.operators => problem.help("the result shape stands behind the parameters"),
            "}" | "" if expected.has("else") => problem.help("an `if` has a value, so it needs an `else`"),
            _ if expected.has("else") => problem.help("an `if` has a value, so it needs an `else { ... }`"),
            _ if item == "model" && expected.has("->") => {
                problem.help("a model promises its result: `-> [classes, H, W]`")
            }
            _ if is_reserved(word) && expected.name => problem.help(format!("`{word}` cannot be a name: add a `_`")),
            _ if entries && after_name && expected.has("=") => problem.help(format!("write `{previous} = {word}`")),
            _ if scan::is_item_keyword(word) && !token.first_on_line && expected.operators => {
                problem.help("each item starts on a line of its own")
            }
            _ if is_name(&token) && expected.operators && after_value && !entries && next != "=" => {
                problem.help(format!("if `{word}` is the next stage, a `|>` is missing before it"))
            }
            _ if expected.tokens == ["="] => problem.help("a `=` is missing"),
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
struct Expected {
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

impl Expected {
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
            tokens.retain(|t| !INFIX.contains(&t.as_str()) && t != "(" && t != "[" && t != "[]");
        }
        let statements = ["let", "for", "require", "return"];
        if operators && statements.iter().all(|k| has(&tokens, k)) {
            // Where an expression could go on or end, a list of what may follow its statement helps nobody.
            tokens.retain(|t| !statements.contains(&t.as_str()) && t != "}");
        }
        if value {
            tokens.retain(|t| !VALUE.contains(&t.as_str()) && !matches!(t.as_str(), "name" | "number" | "string"));
        }
        Expected { tokens, value, name, operators }
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
