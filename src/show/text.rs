//! Estimates the width of text without a browser, and shortens text.
//!
//! Widths of proportional fonts are the advance widths of DejaVu Sans. It is as wide as Verdana and wider than Helvetica,
//! Arial, Segoe UI, Roboto and San Francisco, so text that fits here fits in each of them.

/// Advance widths of ` ` to `~` in hundredths of an em.
const WIDTHS: [u8; 95] = [
    32, 40, 46, 84, 64, 95, 78, 28, 39, 39, 50, 84, 32, 36, 32, 34, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 34, 34, 84,
    84, 84, 53, 100, 69, 69, 70, 77, 64, 58, 78, 75, 30, 30, 66, 56, 87, 75, 79, 61, 79, 70, 64, 61, 74, 69, 99, 69,
    61, 69, 39, 34, 39, 84, 50, 50, 62, 64, 55, 64, 62, 36, 64, 64, 28, 28, 58, 28, 98, 64, 62, 64, 64, 41, 52, 40, 64,
    60, 82, 60, 60, 53, 64, 34, 64, 84,
];
/// Advance width of any other letter in ems.
const OTHER: f64 = 1.0;
/// Upper bound of the ratio between the widths of a bold and a regular word.
const BOLD: f64 = 1.16;

/// Returns the width of a text at a font size of `size` pixels, in pixels and rounded up.
pub(crate) fn width(text: &str, size: f64) -> f64 {
    let em = |c: char| match c {
        ' '..='~' => f64::from(WIDTHS[c as usize - ' ' as usize]) / 100.0,
        '⌊' | '⌋' | '⌈' | '⌉' | '·' => 0.4,
        '×' => 0.84,
        _ => OTHER,
    };
    (text.chars().map(em).sum::<f64>() * size).ceil()
}

/// Returns the width of the text in bold.
pub(crate) fn bold_width(text: &str, size: f64) -> f64 {
    (width(text, size) * BOLD).ceil()
}

/// Returns the width of a text in a fixed-width font whose letters are `letter` wide. East Asian characters are twice as
/// wide.
pub(crate) fn fixed_width(text: &str, letter: f64) -> f64 {
    text.chars().map(|c| if c < '\u{1100}' || c == '…' { letter } else { 2.0 * letter }).sum()
}

/// Breaks a text between words into lines of at most `most` pixels at a font size of `size` pixels. A longer word has its own line.
pub(crate) fn wrapped(text: &str, size: f64, most: f64) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if width(&format!("{line} {word}"), size) <= most => {
                line.push(' ');
                line.push_str(word);
            }
            Some(_) | None => lines.push(word.to_string()),
        }
    }
    lines
}

/// Returns the first letters of a text, at most `letters`, with an ellipsis where some are left out.
pub(crate) fn shortened(text: &str, letters: usize) -> String {
    if text.chars().count() <= letters {
        return text.into();
    }
    let kept: String = text.chars().take(letters.saturating_sub(1)).collect();
    format!("{}…", kept.trim_end_matches([' ', ',']))
}

/// Returns start and end of a text around `dots`, at most `letters` in all, because file names and dotted names differ at
/// their ends. A text that fits is returned unchanged.
#[cfg(feature = "data")]
pub(crate) fn shortened_in_the_middle(text: &str, letters: usize, dots: &str) -> String {
    let all: Vec<char> = text.chars().collect();
    if all.len() <= letters {
        return text.to_string();
    }
    let kept = letters.saturating_sub(dots.chars().count());
    let (head, tail) = (kept / 2, kept - kept / 2);
    let (head, tail) = (all[..head].iter().copied(), all[all.len() - tail..].iter().copied());
    head.chain(dots.chars()).chain(tail).take(letters).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_end_in_an_ellipsis() {
        assert_eq!(shortened("case_0001", 9), "case_0001");
        assert_eq!(shortened("attention = se", 13), "attention =…");
        assert_eq!(shortened("a, b, c", 3), "a…");
        assert_eq!(shortened(&"x".repeat(100), 40).chars().count(), 40);
    }

    #[cfg(feature = "data")]
    #[test]
    fn long_names_keep_both_ends() {
        assert_eq!(shortened_in_the_middle("case_0001", 9, ".."), "case_0001");
        assert_eq!(shortened_in_the_middle("patient_0001_slice_42", 10, ".."), "pati..e_42");
        assert_eq!(shortened_in_the_middle("patient_0001_slice_42", 9, "…"), "pati…e_42");
        assert_eq!(shortened_in_the_middle("äöüäöü", 4, ".."), "ä..ü");
        assert_eq!(shortened_in_the_middle("abc", 1, "..").len(), 1);
    }

    #[test]
    fn lines_break_between_words() {
        let text = "the runs differ in the size at which they were scored: 128x128; 256x256";
        let lines = wrapped(text, 11.0, 150.0);
        assert!(lines.len() > 2 && lines.iter().all(|line| width(line, 11.0) <= 150.0), "{lines:?}");
        assert_eq!(lines.join(" "), text);
        assert_eq!(wrapped("x", 11.0, 0.0), ["x"]);
        assert!(wrapped(" ", 11.0, 100.0).is_empty());
    }

    #[test]
    fn letters_of_east_asia_are_wider() {
        assert!(fixed_width("卷积", 6.0) > fixed_width("ab", 6.0));
        assert!(width("卷积", 12.0) > width("ab", 12.0));
    }
}
