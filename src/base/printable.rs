//! Text from files, such as names of files, tensors and classes, made harmless for a terminal.
//!
//! A name may hold an escape sequence that clears the screen or sets a title, or a mark that turns the direction of writing and so
//! shows another name. Such characters are replaced by visible ones.

use std::borrow::Cow;

/// Checks for characters that steer a terminal or turn the direction of writing (Unicode's bidirectional controls). Line feed and
/// tab are characters of texts.
fn steers(c: char) -> bool {
    let turns = matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    turns || matches!(c, '\u{2028}' | '\u{2029}') || (c.is_control() && !matches!(c, '\n' | '\t'))
}

/// Returns the visible character for one that steers: the picture of a control character of ASCII, or U+FFFD.
fn shown(c: char) -> char {
    match c {
        '\0'..='\u{1f}' => char::from_u32(0x2400 + c as u32).unwrap_or('\u{fffd}'),
        '\u{7f}' => '\u{2421}',
        _ => '\u{fffd}',
    }
}

/// Returns a text of any number of lines with steering characters made visible. A carriage return before a line feed stays.
pub(crate) fn printable(text: &str) -> Cow<'_, str> {
    if !text.chars().any(steers) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        let ends_line = c == '\r' && rest.peek() == Some(&'\n');
        out.push(if steers(c) && !ends_line { shown(c) } else { c });
    }
    Cow::Owned(out)
}

/// Returns a text with colours of a renderer (SGR sequences, `ESC [ ... m`), in which everything else that steers is made visible.
#[cfg(feature = "cli")]
pub(crate) fn printable_in_colour(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for (i, part) in text.split("\u{1b}[").enumerate() {
        if i > 0 {
            let end = part.find(|c: char| !c.is_ascii_digit() && c != ';');
            out.push_str(if end.is_some_and(|at| part[at..].starts_with('m')) { "\u{1b}[" } else { "\u{241b}[" });
        }
        out.push_str(&printable(part));
    }
    out
}

/// Returns a text as one line: line feeds and tabs are made visible too.
pub(crate) fn printable_line(text: &str) -> Cow<'_, str> {
    if !text.chars().any(|c| steers(c) || matches!(c, '\n' | '\t')) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().map(|c| if steers(c) || matches!(c, '\n' | '\t') { shown(c) } else { c }).collect())
}

/// Returns a JSON document with steering characters in its strings written as `\uXXXX`, so that its values stay the same.
#[cfg(feature = "cli")]
pub(crate) fn printable_json(document: &str) -> Cow<'_, str> {
    if !document.chars().any(steers) {
        return Cow::Borrowed(document);
    }
    let escaped = |c: char| if steers(c) { format!("\\u{:04x}", c as u32) } else { c.to_string() };
    Cow::Owned(document.chars().map(escaped).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_steers_a_terminal_is_made_visible() {
        assert_eq!(printable("a\u{1b}[2J\u{7}b\r\nc\td\re"), "a\u{241b}[2J\u{2407}b\r\nc\td\u{240d}e");
        assert_eq!(printable("gpj.\u{202e}png\u{9b}31m"), "gpj.\u{fffd}png\u{fffd}31m");
        assert_eq!(printable_line("a\nb\tc"), "a\u{240a}b\u{2409}c");
        for text in ["plain é 漢字 שלום 🧑‍⚕️", ""] {
            assert!(matches!(printable(text), Cow::Borrowed(_)) && matches!(printable_line(text), Cow::Borrowed(_)));
        }
    }

    #[cfg(feature = "cli")]
    #[test]
    fn colours_stay() {
        let text = "\u{1b}[1;31merror\u{1b}[0m: a\u{1b}[2Jb\u{1b}]0;title\u{7}";
        assert_eq!(printable_in_colour(text), "\u{1b}[1;31merror\u{1b}[0m: a\u{241b}[2Jb\u{241b}]0;title\u{2407}");
    }

    #[cfg(feature = "cli")]
    #[test]
    fn json_keeps_its_values() {
        let value = serde_json::json!({"a\u{1b}": "x\u{202e}y\u{7f}"});
        let text = printable_json(&value.to_string()).into_owned();
        assert!(!text.chars().any(steers));
        assert_eq!(serde_json::from_str::<serde_json::Value>(&text).unwrap(), value);
    }
}
