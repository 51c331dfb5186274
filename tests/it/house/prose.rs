//! Words that comments of the sources avoid.

use super::tree::{SOURCES, none};

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

/// Files with such a word still in them: `file word`. The list may only become shorter.
const LEFT: &[&str] = &[];

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
    for (file, text) in &SOURCES.files {
        found.extend(words_to_avoid(text).into_iter().map(|word| format!("{file} {word}")));
    }
    let instead = |place: &String| {
        let (_, better) =
            WORDS.iter().find(|(word, _)| place.ends_with(&format!(" {word}"))).expect("found by its word");
        format!("src/{place}: write {better}")
    };
    let new = found.iter().filter(|place| !LEFT.contains(&place.as_str()));
    none(new.map(instead), "comments with words to avoid");
    none(LEFT.iter().filter(|place| !found.iter().any(|other| other == *place)), "exceptions that are not needed");
}
