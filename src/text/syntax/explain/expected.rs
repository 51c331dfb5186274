//! The tokens that the grammar expected, as a list for people.

use crate::text::syntax::scan::TokenKind;

/// The tokens that the grammar would accept, reduced to what helps people.
pub(super) struct ExpectedTokens {
    /// Expected tokens other than values and operators.
    pub(super) tokens: Vec<String>,
    /// Whether an expression may start here.
    value: bool,
    /// Whether a name may start here.
    pub(super) name: bool,
    /// Whether an operator may continue the expression before this place.
    pub(super) operators: bool,
}

pub(super) const INFIX: [&str; 18] =
    ["or", "and", "==", "!=", "<=", ">=", "<", ">", "..", "++", "+", "-", "*", "/", "%", "|>", "|", "~="];
const VALUE: [&str; 9] = ["(", "[", "-", "not", "if", "match", "true", "false", "?"];

impl ExpectedTokens {
    /// Reduces the reported tokens. `touching` is the kind of the token that ends exactly at the failure: that a name or a
    /// number could continue there is not worth reporting.
    pub(super) fn new(reported: &[String], touching: Option<TokenKind>) -> Self {
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
            // Where an expression could continue or end, a list of the statements that may follow is of no help.
            tokens.retain(|t| !statements.contains(&t.as_str()) && t != "}");
        }
        if value {
            tokens.retain(|t| !VALUE.contains(&t.as_str()) && !matches!(t.as_str(), "name" | "number" | "string"));
        }
        ExpectedTokens { tokens, value, name, operators }
    }

    pub(super) fn has(&self, word: &str) -> bool {
        self.tokens.iter().any(|t| t == word)
    }

    /// Formats the tokens as `` `)`, `,` or an expression ``; empty if only operators are expected.
    pub(super) fn list(&self) -> String {
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
