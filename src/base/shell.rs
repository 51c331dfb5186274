//! Quoting of command-line words.

/// Returns the text as one word for a POSIX shell, in single quotes if it contains characters that a shell could interpret.
pub(crate) fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./=:,+@%".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        return text.to_string();
    }
    format!("'{}'", text.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn words_reach_the_command_as_they_are() {
        assert_eq!(quoted("model.attention=se"), "model.attention=se");
        for text in ["", "a b", "width=[16, 32]", "a=1,b=2", "it's", "$HOME `x` \"y\" \\", "a;b&c|d", "*", "ä\n"] {
            let out =
                std::process::Command::new("sh").args(["-c", &format!("printf %s {}", quoted(text))]).output().unwrap();
            assert_eq!(String::from_utf8(out.stdout).unwrap(), text);
        }
    }
}
