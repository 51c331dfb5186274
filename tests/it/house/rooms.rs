//! The drawing of the rooms in ARCHITECTURE.md, and the places where the sources differ from it.

use super::uses::Use;
use std::collections::{BTreeMap, BTreeSet};

/// The contents of the drawing in ARCHITECTURE.md.
#[derive(Debug, Default)]
pub struct Drawing {
    /// Rooms from the top down, with the rooms that each may use.
    rooms: Vec<(String, Vec<String>)>,
    /// Files and folders, with the modules of lower rooms that they must not use.
    never: Vec<(String, Vec<String>)>,
}

/// The lines of the code block that is fenced with this word, `left -> words` each.
fn block(page: &str, word: &str) -> Vec<(String, Vec<String>)> {
    let fence = format!("```{word}\n");
    let (_, rest) = page.split_once(&fence).unwrap_or_else(|| panic!("the page has no block `{word}`"));
    let (lines, _) = rest.split_once("```").expect("the block ends");
    let read = |line: &str| {
        let (left, right) = line.split_once("->").unwrap_or_else(|| panic!("`{line}` has no `->`"));
        (left.trim().to_string(), right.split_whitespace().map(str::to_string).collect())
    };
    lines.lines().filter(|line| !line.trim().is_empty()).map(read).collect()
}

/// Returns the room of a file: `graph` for `graph` and `graph/op/conv`.
fn room(file: &str) -> &str {
    file.split('/').next().expect("split gives something")
}

/// Whether a file belongs to a module: `graph/op` contains `graph/op` itself and the files below `graph/op/`.
pub fn within(file: &str, module: &str) -> bool {
    file.strip_prefix(module).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

impl Drawing {
    pub fn read(page: &str) -> Self {
        Self { rooms: block(page, "rooms"), never: block(page, "never") }
    }

    /// Returns the differences from the drawing. `files` have no `.rs`; `lib` and `main` belong to no room.
    pub fn violations(&self, files: &[&str], uses: &BTreeSet<Use>) -> Vec<String> {
        let drawn: BTreeMap<&str, &[String]> = self.rooms.iter().map(|(name, used)| (&name[..], &used[..])).collect();
        let built: BTreeSet<&str> = files.iter().map(|f| room(f)).filter(|f| !["lib", "main"].contains(f)).collect();
        let mut found = Vec::new();
        for name in built.iter().filter(|name| !drawn.contains_key(*name)) {
            found.push(format!("src/{name} is not drawn"));
        }
        let mut seen = BTreeSet::new();
        for (name, used) in self.rooms.iter().rev() {
            if !built.contains(&name[..]) {
                found.push(format!("`{name}` is drawn, and src/ has no such room"));
            }
            for below in used.iter().filter(|below| !seen.contains(&below[..])) {
                found.push(format!("`{name} -> {below}` does not lead down"));
            }
            seen.insert(&name[..]);
        }
        let mut needed = BTreeSet::new();
        for u in uses {
            let (from, to) = (room(&u.file), room(&u.other));
            needed.insert((from, to));
            let allowed = from == to || !drawn.contains_key(from) || drawn[from].iter().any(|below| below == to);
            if !allowed {
                found.push(format!("{u}: `{from} -> {to}` is not drawn"));
            }
        }
        for (name, used) in &self.rooms {
            for below in used.iter().filter(|below| !needed.contains(&(&name[..], &below[..]))) {
                found.push(format!("`{name} -> {below}` is drawn, and nothing in src/{name} uses src/{below}"));
            }
        }
        found.extend(self.finer_violations(files, uses));
        found
    }

    /// Returns uses that the finer rules forbid, and rules about modules that do not exist.
    fn finer_violations(&self, files: &[&str], uses: &BTreeSet<Use>) -> Vec<String> {
        let mut found = Vec::new();
        for (module, forbidden) in &self.never {
            for name in forbidden.iter().chain([module]).filter(|name| !files.iter().any(|file| within(file, name))) {
                found.push(format!("a rule names `{name}`, which is not there"));
            }
            let broken = |u: &&Use| within(&u.file, module) && forbidden.iter().any(|other| within(&u.other, other));
            found.extend(uses.iter().filter(broken).map(|u| format!("{u}: `{module}` may not know it")));
        }
        found
    }
}
