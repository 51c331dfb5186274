//! Pages for users, and the fenced blocks in them.

use crate::support::repository::repository;

/// A fenced block of a page: everything between ```` ```info ```` and ```` ``` ````.
pub(super) struct Fence {
    /// The page, relative to the repository.
    pub page: String,
    /// Line of the page with the first line of the text, from 1.
    pub line: usize,
    /// What follows the opening fence: a language, and for `npc` the name of the file that the block stands for.
    pub info: String,
    pub text: String,
}

impl Fence {
    /// The language of the block.
    pub fn language(&self) -> &str {
        self.info.split_whitespace().next().unwrap_or_default()
    }

    /// The name of the file that later commands of the page use, as in ```` ```npc net.model ````.
    pub fn file(&self) -> Option<&str> {
        self.info.split_whitespace().nth(1)
    }
}

/// Returns the pages for users, README.md and those of `docs`, with their texts. Names are relative to the repository.
pub(super) fn pages() -> Vec<(String, String)> {
    let docs = std::fs::read_dir(repository("docs")).unwrap().map(|entry| entry.unwrap().file_name());
    let mut names: Vec<String> = docs.map(|name| format!("docs/{}", name.to_string_lossy())).collect();
    names.push("README.md".to_string());
    names.retain(|name| name.ends_with(".md"));
    names.sort();
    let read = |name: String| (name.clone(), std::fs::read_to_string(repository(&name)).unwrap());
    names.into_iter().map(read).collect()
}

/// Returns the fenced blocks of a page.
pub(super) fn fences(page: &str, text: &str) -> Vec<Fence> {
    let mut found: Vec<Fence> = Vec::new();
    let mut open = false;
    for (i, line) in text.lines().enumerate() {
        match (open, line.strip_prefix("```")) {
            (false, Some(info)) => {
                open = true;
                let (page, info) = (page.to_string(), info.trim().to_string());
                found.push(Fence { page, line: i + 2, info, text: String::new() });
            }
            (true, Some(_)) => open = false,
            (true, None) => found.last_mut().expect("a block is open").text.extend([line, "\n"]),
            (false, None) => {}
        }
    }
    assert!(!open, "{page}: the last block does not end");
    found
}

/// Returns the fenced blocks of all pages that have this language.
pub(super) fn all_fences(language: &str) -> Vec<Fence> {
    let all = pages().into_iter().flat_map(|(page, text)| fences(&page, &text));
    all.filter(|fence| fence.language() == language).collect()
}
