//! Texts of files, shortened for messages: names of tensors, shapes, and whole messages.

use crate::base::count::counted;
use std::borrow::Cow;
use std::fmt::Write;

/// Largest number of characters of a message or of a line of help. A file can hold names of any length.
const MESSAGE_CHARS: usize = 2000;
/// Largest number of characters of a name in a message.
const NAME_CHARS: usize = 120;
/// Largest number of dims of a shape in a message.
const SHOWN_DIMS: usize = 8;

/// Returns a text of at most `limit` characters: the start and the end of a longer one, around ` ... `.
pub(crate) fn shortened(text: &str, limit: usize) -> Cow<'_, str> {
    if text.len() <= limit || text.chars().nth(limit).is_none() {
        return Cow::Borrowed(text);
    }
    let tail = limit / 4;
    let start: String = text.chars().take(limit - tail - 5).collect();
    let mut end: Vec<char> = text.chars().rev().take(tail).collect();
    end.reverse();
    Cow::Owned(format!("{start} ... {}", end.into_iter().collect::<String>()))
}

/// Returns a text of a file or of a block as messages and tables show it: at most its first 80 characters.
#[cfg(feature = "data")]
pub(crate) fn beginning_of(text: &str) -> String {
    match text.char_indices().nth(80) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_string(),
    }
}

/// Returns a message of bounded length, whatever the names in it are.
pub(crate) fn message_text(text: String) -> String {
    match shortened(&text, MESSAGE_CHARS) {
        Cow::Borrowed(_) => text,
        Cow::Owned(short) => short,
    }
}

/// Returns the name of a tensor for a message.
pub(crate) fn short_name(name: &str) -> Cow<'_, str> {
    shortened(name, NAME_CHARS)
}

/// Returns a shape for a message: `[64, 3, 3, 3]`, or `[1, 1, 1, 1, 1, 1, 1, 1, ... 1000 dims]`.
pub(crate) fn shape_text(shape: &[usize]) -> String {
    if shape.len() <= SHOWN_DIMS {
        return format!("{shape:?}");
    }
    let mut text = String::from("[");
    for dim in &shape[..SHOWN_DIMS] {
        let _ = write!(text, "{dim}, ");
    }
    text + &format!("... {}]", counted(shape.len(), "dim"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_keep_their_start_and_their_end() {
        assert_eq!(shortened("conv.weight", 20), "conv.weight");
        let name = format!("{}.weight", "a".repeat(10_000));
        let short = shortened(&name, 40);
        assert_eq!(short.chars().count(), 40);
        assert!(short.starts_with("aaa") && short.ends_with(".weight"), "{short}");
        assert_eq!(shortened(&"ä".repeat(30), 30), "ä".repeat(30));
    }

    #[test]
    fn shapes_of_many_dims_are_cut() {
        assert_eq!(shape_text(&[2, 3]), "[2, 3]");
        assert_eq!(shape_text(&[1; 1000]), "[1, 1, 1, 1, 1, 1, 1, 1, ... 1,000 dims]");
    }
}
