//! Escaping of text in XML and HTML.

/// Escapes a text for element content or an attribute in double quotes. Line feeds and tabs are kept; other control
/// characters, which XML forbids, become U+FFFD, the replacement character.
pub(crate) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' | '\t' => out.push(c),
            c if c.is_control() => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::escaped;

    #[test]
    fn markup_and_control_characters_are_escaped() {
        assert_eq!(escaped("a < b && c > \"d\""), "a &lt; b &amp;&amp; c &gt; &quot;d&quot;");
        assert_eq!(escaped("two\nlines\tand\r\u{1b}[0m é…"), "two\nlines\tand\u{fffd}\u{fffd}[0m é…");
    }
}
