//! Files that pages and comments name exist.

use super::tree::files_below;
use crate::support::repository::repository;
use std::fs;

/// Returns the texts between backticks of a line that look like a file or folder of the repository.
fn mentioned_paths(line: &str) -> impl Iterator<Item = &str> {
    let folders = ["src/", "tests/", "docs/", "scripts/", "examples/", "benches/", "fuzz/", "grammar/", "third_party/"];
    line.split('`').skip(1).step_by(2).filter(move |words| {
        let plain = words.chars().all(|c| c.is_alphanumeric() || "/._-".contains(c));
        let source = [".rs", ".js", ".pest"].iter().any(|end| words.ends_with(end));
        plain && words.len() > 3 && (source || folders.iter().any(|folder| words.starts_with(folder)))
    })
}

/// Returns the names of files and folders in a text that do not exist. A path may leave out the folders that it begins
/// with.
fn missing_paths(text: &str, sources: &[String]) -> Vec<String> {
    let there = |path: &&str| {
        let inside = |source: &String| format!("/{source}").contains(&format!("/{path}"));
        repository(path).exists() || repository("src").join(path).exists() || sources.iter().any(inside)
    };
    text.lines().flat_map(mentioned_paths).filter(|path| !there(path)).map(str::to_string).collect()
}

/// Sources of the library and of the tests, with the scripts of pages.
fn sources() -> Vec<String> {
    ["src", "tests/it"]
        .into_iter()
        .flat_map(|folder| files_below(folder, &["rs", "js"]))
        .map(|(name, _)| name)
        .collect()
}

/// A page of `docs` says in two lines below its title what it answers: a question, and what the page has.
#[test]
fn pages_begin_with_what_they_answer() {
    let pages = fs::read_dir(repository("docs")).unwrap().map(|entry| entry.unwrap().path());
    let mut wrong = Vec::new();
    for page in pages.filter(|path| path.extension().is_some_and(|e| e == "md")) {
        let text = fs::read_to_string(&page).unwrap();
        let lines: Vec<&str> = text.lines().take(5).collect();
        let begins = match lines[..] {
            [title, "", question, answer, ""] => {
                title.starts_with("# ") && question.ends_with('?') && answer.ends_with('.')
            }
            _ => false,
        };
        if !begins {
            wrong.push(page.display().to_string());
        }
    }
    assert!(
        wrong.is_empty(),
        "title, blank line, a line with a question, a line with the answer, blank line:\n{wrong:#?}"
    );
}

/// The first page fits on a few screens, and what it asks to cite is this version.
#[test]
fn the_first_page_is_short_and_citations_name_this_version() {
    let page = fs::read_to_string(repository("README.md")).unwrap();
    let lines = page.lines().count();
    assert!(lines <= 150, "README.md has {lines} lines, more than 150; move something to `docs`");
    let version = env!("CARGO_PKG_VERSION");
    assert!(page.contains(&format!("version = {{{version}}}")), "README.md cites another version than {version}");
    let citation = fs::read_to_string(repository("CITATION.cff")).unwrap();
    assert!(citation.lines().any(|line| line == format!("version: {version}")), "CITATION.cff names another version");
}

#[test]
fn files_that_pages_name_exist() {
    let sources = sources();
    let pages = fs::read_dir(repository("docs")).unwrap().map(|entry| entry.unwrap().path());
    let single = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "tests/README.md", "tests/reference/README.md"]
        .map(repository);
    for page in pages.filter(|path| path.extension().is_some_and(|e| e == "md")).chain(single) {
        let missing_paths = missing_paths(&fs::read_to_string(&page).unwrap(), &sources);
        assert!(missing_paths.is_empty(), "{} names files that do not exist: {missing_paths:?}", page.display());
    }
}

/// Comments name files of other projects too; those of this one begin with a room.
#[test]
fn files_that_comments_name_exist() {
    let sources = sources();
    let mut found = Vec::new();
    for (name, text) in ["src", "tests/it"].into_iter().flat_map(|folder| files_below(folder, &["rs"])) {
        let comments: Vec<&str> = text.lines().filter(|line| line.trim_start().starts_with("//")).collect();
        let ours = |path: &&String| path.split_once('/').is_some_and(|(room, _)| repository("src").join(room).exists());
        let missing_paths = missing_paths(&comments.join("\n"), &sources);
        found.extend(missing_paths.iter().filter(ours).map(|what| format!("{name}: {what}")));
    }
    assert!(found.is_empty(), "comments name what is not there:\n  {}", found.join("\n  "));
}

/// The map of `src/` in ARCHITECTURE.md: each room, and each name of a file or folder in its lines.
#[test]
fn the_map_names_existing_files() {
    let page = fs::read_to_string(repository("ARCHITECTURE.md")).unwrap();
    let (_, map) = page.split_once("\nsrc/\n").expect("the map has a line `src/`");
    let (map, _) = map.split_once("```").expect("the block ends");
    let sources = files_below("src", &["rs", "model"]);
    let (mut room, mut rooms) = ("", 0);
    for line in map.lines().take_while(|line| line.starts_with("  ")) {
        let mut words = line.split([' ', ';', ',', ':']).filter(|word| !word.is_empty());
        if !line.starts_with("   ") {
            room = words.next().expect("the line begins with a room");
            rooms += 1;
        }
        for word in words.filter(|word| word.ends_with(".rs") || word.ends_with('/')) {
            let there = |name: &str| name.starts_with(room) && format!("/{name}").contains(&format!("/{word}"));
            assert!(sources.iter().any(|(name, _)| there(name)), "src/{room} has no {word}: {line}");
        }
    }
    let top = fs::read_dir(repository("src")).unwrap().filter(|entry| entry.as_ref().unwrap().path().is_dir());
    assert_eq!(rooms, top.count(), "rooms of the map, folders of src");
}
