//! Words that comments of the sources and the tests avoid.

use super::tree::{assert_none, files_below};

/// The word, and what to write instead.
const WORDS: &[(&str, &str)] = &[
    ("told", "reported, distinguished"),
    ("mend", "fix"),
    ("mends", "fixes"),
    ("mended", "fixed"),
    ("nobody", "name the reader or user that is missing"),
    ("found out", "determined"),
    ("as it lies", "unchanged"),
    ("comes by", "name the way"),
    ("knows of", "name the dependency"),
];

/// The text of a comment line, without its slashes.
fn comment(line: &str) -> Option<&str> {
    line.trim_start().strip_prefix("//").map(|rest| rest.trim_start_matches(['/', '!']))
}

/// The words of `WORDS` in the comments of a text.
pub fn words_to_avoid(text: &str) -> Vec<&'static str> {
    let plain = |c: char| if c.is_alphanumeric() || c == '`' { c.to_ascii_lowercase() } else { ' ' };
    let comments: Vec<String> = text
        .lines()
        .filter_map(comment)
        .map(|line| format!(" {} ", line.chars().map(plain).collect::<String>()))
        .collect();
    let used = |word: &str| comments.iter().any(|comment| comment.contains(&format!(" {word} ")));
    WORDS.iter().map(|(word, _)| *word).filter(|word| used(word)).collect()
}

#[test]
fn comments_use_plain_words() {
    let mut found = Vec::new();
    for folder in ["src", "tests"] {
        for (file, text) in files_below(folder, &["rs"]) {
            found.extend(words_to_avoid(&text).into_iter().map(|word| format!("{folder}/{file}: {word}")));
        }
    }
    assert_none(found, &format!("comments with words to avoid; write instead {WORDS:?}"));
}
