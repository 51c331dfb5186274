//! How wide a text is, before any browser has seen it.
//!
//! Advance widths of DejaVu Sans, which is as wide as Verdana and wider than Helvetica, Arial, Segoe UI, Roboto and
//! San Francisco: what fits here fits in each of them.

/// Hundredths of an em for ` ` to `~`.
const WIDTHS: [u8; 95] = [
    32, 40, 46, 84, 64, 95, 78, 28, 39, 39, 50, 84, 32, 36, 32, 34, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 34, 34, 84,
    84, 84, 53, 100, 69, 69, 70, 77, 64, 58, 78, 75, 30, 30, 66, 56, 87, 75, 79, 61, 79, 70, 64, 61, 74, 69, 99, 69,
    61, 69, 39, 34, 39, 84, 50, 50, 62, 64, 55, 64, 62, 36, 64, 64, 28, 28, 58, 28, 98, 64, 62, 64, 64, 41, 52, 40, 64,
    60, 82, 60, 60, 53, 64, 34, 64, 84,
];
/// Of any other letter.
const OTHER: f64 = 1.0;
/// The most that a letter in bold is wider, over a word.
const BOLD: f64 = 1.16;

/// Width in pixels of a text set at `size` pixels, rounded up.
pub fn width(text: &str, size: f64) -> f64 {
    let em = |c: char| match c {
        ' '..='~' => f64::from(WIDTHS[c as usize - ' ' as usize]) / 100.0,
        '⌊' | '⌋' | '⌈' | '⌉' | '·' => 0.4,
        '×' => 0.84,
        _ => OTHER,
    };
    (text.chars().map(em).sum::<f64>() * size).ceil()
}

pub fn bold_width(text: &str, size: f64) -> f64 {
    (width(text, size) * BOLD).ceil()
}

/// At most `letters` of a text, with an ellipsis where some are missing.
pub fn shortened(text: &str, letters: usize) -> String {
    if text.chars().count() <= letters {
        return text.into();
    }
    let kept: String = text.chars().take(letters.saturating_sub(1)).collect();
    format!("{}…", kept.trim_end_matches([' ', ',']))
}

/// Three digits and a letter: `1.73k`, `36.9M`.
pub fn short_number(n: u64) -> String {
    const UNITS: [&str; 7] = ["", "k", "M", "G", "T", "P", "E"];
    let mut value = n as f64;
    let mut unit = 0;
    // 999.5 would be shown as 1000.
    while value >= 999.5 && unit + 1 < UNITS.len() {
        value /= 1000.0;
        unit += 1;
    }
    let digits = match value {
        _ if unit == 0 => 0,
        v if v < 9.995 => 2,
        v if v < 99.95 => 1,
        _ => 0,
    };
    format!("{value:.digits$}{}", UNITS[unit])
}

/// For text and attributes of XML and HTML. Control characters, which no path holds, become a blank.
pub fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}
