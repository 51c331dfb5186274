//! A tolerant tokenizer, and checks on tokens alone: starts of items, nesting depth, unmatched brackets.
//!
//! It never fails and never recurses, so it can protect the grammar's parser, which does both. It knows tokens but not the
//! grammar. Invariant: tokens are in order, do not overlap, and only white space is between them.

/// Maximum nesting depth of brackets, `if` and `match` in an item.
pub(super) const MAX_DEPTH: usize = 64;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TokenKind {
    Word,
    Number,
    Str,
    /// A string whose line ends before its closing quote.
    OpenStr,
    /// An operator or a bracket.
    Punct,
    /// `// ...` to the end of the line.
    Comment,
    /// `/// ...` to the end of the line.
    Doc,
    /// A character that cannot start a token.
    Unknown,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Token {
    pub kind: TokenKind,
    pub start: usize,
    pub end: usize,
    /// Whether it is the first token on its line.
    pub first_on_line: bool,
}

impl Token {
    pub(super) fn text<'s>(&self, source: &'s str) -> &'s str {
        &source[self.start..self.end]
    }

    pub(super) fn is_comment(&self) -> bool {
        matches!(self.kind, TokenKind::Comment | TokenKind::Doc)
    }
}

const RESERVED: [&str; 13] =
    ["let", "for", "in", "require", "return", "match", "if", "else", "and", "or", "not", "true", "false"];
const ITEM_KEYWORDS: [&str; 10] =
    ["import", "enum", "block", "model", "variant", "sweep", "data", "train", "expect", "allow"];
const STATEMENT_KEYWORDS: [&str; 4] = ["let", "for", "require", "return"];

pub(super) fn is_reserved(word: &str) -> bool {
    RESERVED.contains(&word)
}

pub(super) fn is_item_keyword(word: &str) -> bool {
    ITEM_KEYWORDS.contains(&word)
}

pub(super) fn is_statement_keyword(word: &str) -> bool {
    STATEMENT_KEYWORDS.contains(&word)
}

/// Returns all item keywords, for messages.
pub(super) fn item_keywords() -> [&'static str; 10] {
    ITEM_KEYWORDS
}

/// Splits `text` into tokens, comments included.
pub(super) fn scan(text: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut at = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    let mut first_on_line = true;
    while let Some(c) = text[at..].chars().next() {
        if matches!(c, ' ' | '\t' | '\r' | '\n') {
            first_on_line |= c == '\n';
            at += 1;
            continue;
        }
        let (kind, len) = token_at(&text[at..], c);
        tokens.push(Token { kind, start: at, end: at + len, first_on_line });
        first_on_line = false;
        at += len;
    }
    tokens
}

/// Returns the kind and length of the token at the start of `rest`.
fn token_at(rest: &str, first: char) -> (TokenKind, usize) {
    if rest.starts_with("//") {
        let line = rest.find('\n').map_or(rest, |end| &rest[..end]).trim_end();
        let doc = line.starts_with("///") && !line.starts_with("////");
        return (if doc { TokenKind::Doc } else { TokenKind::Comment }, line.len());
    }
    let word_len = |s: &str| s.bytes().take_while(|&b| b.is_ascii_alphanumeric() || b == b'_').count();
    match first {
        'a'..='z' | 'A'..='Z' | '_' => (TokenKind::Word, word_len(rest)),
        '0'..='9' => (TokenKind::Number, number_len(rest, word_len)),
        '"' => string_at(rest),
        _ => match PUNCTUATION.iter().find(|p| rest.starts_with(**p)) {
            Some(p) => (TokenKind::Punct, p.len()),
            None => (TokenKind::Unknown, first.len_utf8()),
        },
    }
}

/// Longest first.
const PUNCTUATION: [&str; 31] = [
    "|>", "->", "=>", "==", "!=", "<=", ">=", "~=", "..", ".", "++", "(", ")", "[", "]", "{", "}", ",", ":", "=", "+",
    "-", "*", "/", "%", "<", ">", "|", "?", ";", "@",
];

fn number_len(rest: &str, word_len: impl Fn(&str) -> usize) -> usize {
    let bytes = rest.as_bytes();
    let mut len = word_len(rest);
    if bytes.get(len) == Some(&b'.') && bytes.get(len + 1).is_some_and(u8::is_ascii_digit) {
        len += 1 + word_len(&rest[len + 1..]);
    }
    // The word ends after `1e` if a signed exponent follows.
    let exponent = matches!(bytes[len - 1], b'e' | b'E')
        && rest[..len - 1].bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'_'));
    if exponent && matches!(bytes.get(len), Some(b'+' | b'-')) && bytes.get(len + 1).is_some_and(u8::is_ascii_digit) {
        len += 1 + word_len(&rest[len + 1..]);
    }
    len
}

fn string_at(rest: &str) -> (TokenKind, usize) {
    let mut escaped = false;
    for (i, c) in rest.char_indices().skip(1) {
        match c {
            '\n' => return (TokenKind::OpenStr, rest[..i].trim_end().len()),
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return (TokenKind::Str, i + 1),
            _ => {}
        }
    }
    (TokenKind::OpenStr, rest.trim_end().len())
}

/// Splits `code` (tokens without comments) into runs that each contain one item, or text outside items.
///
/// An item starts at a line whose first two tokens are an item keyword and a token that can follow it. No expression or entry
/// can contain such a pair, so the rule also works inside an unclosed bracket. Outside brackets, two plain words at the start
/// of a line start an item with a misspelt keyword. An attribute belongs to the item after it.
pub(super) fn split_items<'t>(text: &str, code: &'t [Token]) -> Vec<&'t [Token]> {
    let mut starts = Vec::new();
    let mut depth = 0_usize;
    // Index of the token after an attribute; the attribute already started the item there.
    let mut after_attribute = None;
    for (i, token) in code.iter().enumerate() {
        let word = token.text(text);
        if word == "@" && token.first_on_line {
            if after_attribute != Some(i) {
                starts.push(i);
                depth = 0;
            }
            after_attribute = Some(i + attribute_len(text, &code[i..]));
        } else if after_attribute == Some(i) && is_item_keyword(word) {
            depth = 0;
        } else if token.first_on_line && token.kind == TokenKind::Word && starts_item(text, &code[i..], depth) {
            starts.push(i);
            depth = 0;
        }
        match word {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    if !code.is_empty() && starts.first() != Some(&0) {
        starts.insert(0, 0);
    }
    let ends = starts.iter().skip(1).copied().chain([code.len()]);
    starts.iter().zip(ends).map(|(&start, end)| &code[start..end]).collect()
}

/// Returns the number of tokens of the attribute at the start of `code`.
fn attribute_len(text: &str, code: &[Token]) -> usize {
    let word = |i: usize| code.get(i).map_or("", |t| t.text(text));
    if word(2) != "(" {
        return code.len().min(2);
    }
    let inside = code.iter().skip(3).take_while(|t| matches!(t.text(text), ",") || t.kind == TokenKind::Word).count();
    let closed = word(3 + inside) == ")";
    if closed { 4 + inside } else { code.len().min(3) }
}

/// Returns the number of tokens of the attributes at the start of an item.
pub(super) fn leading_attributes_len(text: &str, run: &[Token]) -> usize {
    let mut len = 0;
    while run.get(len).is_some_and(|t| t.text(text) == "@") {
        len += attribute_len(text, &run[len..]);
    }
    len
}

fn starts_item(text: &str, code: &[Token], depth: usize) -> bool {
    let word = |i: usize| code.get(i).map_or("", |t| t.text(text));
    let kind = |i: usize| code.get(i).filter(|t| !t.first_on_line).map(|t| t.kind);
    let second_is_name = kind(1) == Some(TokenKind::Word) && !is_reserved(word(1));
    match word(0) {
        "import" => matches!(kind(1), Some(TokenKind::Str | TokenKind::OpenStr)) || word(1) == "std",
        "expect" => second_is_name && (depth == 0 || matches!(word(2), "on" | "{" | "(")),
        "enum" | "block" | "model" | "variant" | "sweep" | "data" | "train" | "allow" => {
            let third = matches!(word(2), "(" | "{" | "=");
            second_is_name && (depth == 0 || third && word(0) != "allow")
        }
        "on" | "keep" | "where" => false,
        other => depth == 0 && !is_reserved(other) && second_is_name && matches!(word(2), "(" | "{" | "="),
    }
}

/// Returns the first token nested deeper than [`MAX_DEPTH`]. Counts brackets, and each `if` and `match` up to its brace,
/// because the grammar recurses only through these.
pub(super) fn too_deep(text: &str, code: &[Token]) -> Option<Token> {
    let mut open: Vec<&str> = Vec::new();
    for token in code {
        match token.text(text) {
            "{" if open.last() == Some(&"if") => {
                open.pop();
                open.push("{");
            }
            word @ ("(" | "[" | "{") => open.push(word),
            // The grammar does not accept these words as names of arguments or entries.
            "if" | "match" => open.push("if"),
            ")" | "]" | "}" => while open.pop() == Some("if") {},
            _ => {}
        }
        if open.len() > MAX_DEPTH {
            return Some(*token);
        }
    }
    None
}

/// Brackets without a partner or with the wrong one.
#[derive(Debug, Default)]
pub(super) struct UnbalancedBrackets {
    /// Opening brackets that are not closed, outermost first.
    pub open: Vec<Token>,
    /// Pairs of an opening bracket and a closing bracket of another kind.
    pub crossed: Vec<(Token, Token)>,
    /// Closing brackets without an opening bracket.
    pub stray: Vec<Token>,
}

impl UnbalancedBrackets {
    pub(super) fn any(&self) -> bool {
        !self.open.is_empty() || !self.crossed.is_empty() || !self.stray.is_empty()
    }
}

pub(super) fn unbalanced_brackets(text: &str, code: &[Token]) -> UnbalancedBrackets {
    let mut found = UnbalancedBrackets::default();
    for &token in code {
        let word = token.text(text);
        let Some(opener) = opener_of(word) else {
            if matches!(word, "(" | "[" | "{") {
                found.open.push(token);
            }
            continue;
        };
        match found.open.last().copied() {
            None => found.stray.push(token),
            Some(last) if last.text(text) == opener => {
                found.open.pop();
            }
            Some(last) => {
                found.crossed.push((last, token));
                // The closing bracket probably belongs to an outer bracket: drop the brackets opened inside it.
                if let Some(partner) = found.open.iter().rposition(|t| t.text(text) == opener) {
                    found.open.truncate(partner);
                }
            }
        }
    }
    found
}

/// Returns the opening bracket of a closing one: `(` for `)` and so on.
pub(super) fn opener_of(closer: &str) -> Option<&'static str> {
    match closer {
        ")" => Some("("),
        "]" => Some("["),
        "}" => Some("{"),
        _ => None,
    }
}
