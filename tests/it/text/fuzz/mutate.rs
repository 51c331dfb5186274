//! Texts near those of a corpus: tokens, bracketed groups and lines are dropped, doubled, nested, swapped, taken from other
//! texts; numbers become extreme.
//!
//! Shared by the tests and by the targets of `fuzz/`. Recognizes tokens but no grammar.

use super::tape::Tape;
use std::ops::Range;

/// Limit on the length of a text.
pub const LARGEST: usize = 256 << 10;

const NUMBERS: [&str; 24] = [
    "0",
    "1",
    "2",
    "3",
    "5",
    "7",
    "16",
    "63",
    "64",
    "65",
    "200",
    "255",
    "1000",
    "65536",
    "1000000",
    "1000000000",
    "2147483648",
    "4294967295",
    "4294967296",
    "1099511627776",
    "9223372036854775807",
    "99999999999999999999",
    "-1",
    "0.5",
];

/// Tokens of the language, and others.
const PIECES: [&str; 66] = [
    "let ",
    "for i in ",
    "in ",
    "require ",
    "return ",
    "match ",
    "if ",
    "else ",
    "not ",
    "and ",
    "or ",
    "npc 1\n",
    "\nblock f(x: [c, h, w]) = ",
    "\nmodel M(x: [3, H, W]) -> [c, H, W] ",
    "\nenum E { a, b }",
    "\nvariant V = M(",
    "\nsweep S = M(n = 1 | 2)",
    "\nsweep K = M(n = 1..9 step 2) keep where params < 1M",
    " and memory(training) <= 1.5GiB",
    "\ndata d {",
    "\ntrain t = M on d {",
    "\nexpect M { params == 1 }",
    "import std\n",
    "import \"a.model\"\n",
    "x",
    "i",
    "s[i]",
    "s[i + 1]",
    "s[0..i]",
    " |> conv(3)",
    " |> relu",
    " |> repeat(3, ",
    " |> bn",
    "concat(",
    "0..3",
    "[1, 2]",
    "[x for i in 0..3]",
    "(a, b)",
    "{ a = x }",
    "len(",
    "ceil(",
    "floor(",
    "min(",
    "sum(",
    "\"{x}\"",
    "\"",
    "\\",
    "// note\n",
    "/// note\n",
    "/* ",
    "\n",
    "\r\n",
    "\t",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    "? in 1..9",
    " ++ ",
    " * ",
    " / ",
    " % ",
    " refuted \"no\"",
    "\u{feff}\u{0}ö\u{202e}",
];

/// Returns the places of words, numbers, strings, comments, white space and single characters, in order, without gaps.
fn tokens(text: &str) -> Vec<Range<usize>> {
    let mut found: Vec<Range<usize>> = Vec::new();
    let mut at = 0;
    while let Some(c) = text[at..].chars().next() {
        let rest = &text[at..];
        let until = |stop: fn(char) -> bool| rest.find(stop).unwrap_or(rest.len());
        let len = if rest.starts_with("//") {
            until(|c| c == '\n')
        } else if c == '"' {
            rest[1..].find(['"', '\n']).map_or(rest.len(), |end| end + 2)
        } else if c.is_ascii_alphanumeric() || c == '_' {
            until(|c| !c.is_ascii_alphanumeric() && c != '_')
        } else if c.is_ascii_whitespace() {
            until(|c| !c.is_ascii_whitespace())
        } else {
            ["|>", "..", "++", "->", "=>", "==", "~="]
                .iter()
                .find(|p| rest.starts_with(**p))
                .map_or(c.len_utf8(), |p| p.len())
        };
        found.push(at..at + len);
        at += len;
    }
    found
}

/// Returns the range from a bracket to its partner, of some tokens in a row, or of a line.
fn token_span(tape: &mut Tape, text: &str, tokens: &[Range<usize>]) -> Range<usize> {
    let start = tape.below(tokens.len());
    let Some(first) = tokens.get(start) else { return 0..0 };
    match tape.below(4) {
        0 => {
            let opens = |t: &Range<usize>| matches!(&text[t.clone()], "(" | "[" | "{");
            let from = tokens[start..].iter().position(opens).map_or(start, |n| start + n);
            let mut depth = 0usize;
            for token in &tokens[from..] {
                match &text[token.clone()] {
                    "(" | "[" | "{" => depth += 1,
                    ")" | "]" | "}" => depth = depth.saturating_sub(1),
                    _ => {}
                }
                if depth == 0 {
                    return tokens[from].start..token.end;
                }
            }
            first.clone()
        }
        1 => {
            let line = text[..first.start].rfind('\n').map_or(0, |at| at + 1);
            line..text[first.start..].find('\n').map_or(text.len(), |at| first.start + at + 1)
        }
        2 => first.clone(),
        _ => first.start..tokens[(start + tape.below(12)).min(tokens.len() - 1)].end,
    }
}

/// Applies one change to `text`; parts of `other` may be inserted.
fn apply_change(tape: &mut Tape, text: &str, other: &str) -> String {
    let places = tokens(text);
    let part = token_span(tape, text, &places);
    let with = |range: Range<usize>, by: &str| format!("{}{by}{}", &text[..range.start], &text[range.end..]);
    let piece = &text[part.clone()];
    let at = |start: usize| start..start;
    let of_kind = |kind: fn(char) -> bool| -> Vec<&Range<usize>> {
        places.iter().filter(|t| text[t.start..].starts_with(kind)).collect()
    };
    match tape.below(13) {
        0 => with(part, ""),
        1 => {
            let copies = [1, 2, 3, 10, 100, 1000][tape.below(6)];
            // The length is enough to matter, and never the whole limit.
            let copies = copies.min(1 + (LARGEST / 4) / piece.len().max(1));
            with(at(part.end), &piece.repeat(copies))
        }
        2 | 3 => {
            let numbers = of_kind(|c| c.is_ascii_digit());
            match numbers.get(tape.below(numbers.len())) {
                Some(number) => with((*number).clone(), NUMBERS[tape.below(NUMBERS.len())]),
                None => with(at(part.start), NUMBERS[tape.below(NUMBERS.len())]),
            }
        }
        4 | 5 => {
            let words = of_kind(|c| c.is_ascii_alphabetic());
            let pick = |tape: &mut Tape| words.get(tape.below(words.len())).map_or(0..0, |w| (*w).clone());
            let (to, from) = (pick(tape), pick(tape));
            with(to, &text[from])
        }
        6 | 7 => with(at(part.start), PIECES[tape.below(PIECES.len())]),
        8 => with(part.clone(), PIECES[tape.below(PIECES.len())]),
        9 => {
            let lent = token_span(tape, other, &tokens(other));
            with(part, &other[lent])
        }
        10 => {
            let lent = token_span(tape, other, &tokens(other));
            with(at(part.start), &other[lent])
        }
        11 => {
            let (open, close) =
                [("(", ")"), ("[", "]"), ("f(", ")"), ("if true { ", " } else { x }"), ("-", "")][tape.below(5)];
            let deep = [1, 2, 10, 63, 100, 5000][tape.below(6)];
            let nested = format!("{}{piece}{}", open.repeat(deep), close.repeat(deep));
            with(part, &nested)
        }
        _ => {
            let second = token_span(tape, text, &places);
            let (a, b) = if part.start < second.start { (part, second) } else { (second, part) };
            if a.end > b.start {
                return text.to_string();
            }
            let (first, second) = (&text[a.clone()], &text[b.clone()]);
            format!("{}{second}{}{first}{}", &text[..a.start], &text[a.end..b.start], &text[b.end..])
        }
    }
}

/// Returns `text` after one to eight changes; parts of `other` may be inserted.
pub fn mutated(tape: &mut Tape, text: &str, other: &str) -> String {
    let mut text = text.to_string();
    for _ in 0..1 + tape.below(8) {
        let next = apply_change(tape, &text, other);
        if next.len() <= LARGEST {
            text = next;
        }
    }
    text
}
