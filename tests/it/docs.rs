//! The language reference is true: its examples compile, and its tables are the operators' own.

use crate::front::{front_file, repository};
use npc::op::SIGNATURES;

fn reference() -> String {
    std::fs::read_to_string(repository("docs/language.md")).unwrap()
}

/// The text of each block fenced as ```` ```npc ````, with the line it starts on.
fn examples(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut open: Option<(usize, String)> = None;
    for (i, line) in text.lines().enumerate() {
        match &mut open {
            None if line == "```npc" => open = Some((i + 2, String::new())),
            None => {}
            Some(_) if line == "```" => found.extend(open.take()),
            Some((_, code)) => code.extend([line, "\n"]),
        }
    }
    found
}

#[test]
fn whole_files_compile() {
    let text = reference();
    let files: Vec<_> = examples(&text).into_iter().filter(|(_, code)| code.starts_with("npc 1")).collect();
    assert!(files.len() >= 5, "only {} whole files in the reference", files.len());
    for (line, code) in files {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("example.model");
        std::fs::write(&path, &code).unwrap();
        let made = front_file(&path, Some([64, 64]), &[]);
        assert!(!made.problems.has_errors(), "docs/language.md:{line}\n{}", made.text());
    }
}

#[test]
fn every_lint_has_a_row() {
    let page = std::fs::read_to_string(repository("docs/diagnostics.md")).unwrap();
    for code in npc::diag::Code::ALL {
        if let Some(lint) = code.lint() {
            let start = format!("| `{lint}` | {} |", code.id());
            assert!(page.lines().any(|l| l.starts_with(&start)), "docs/diagnostics.md has no row `{start}`");
        }
    }
}

/// A row of the operator table: `| `conv` | ...`, its cells.
fn row(text: &str, name: &str) -> Option<Vec<String>> {
    let start = format!("| `{name}` |");
    let line = text.lines().find(|l| l.starts_with(&start))?;
    Some(line.trim_matches('|').split(" | ").map(|c| c.trim().to_string()).collect())
}

#[test]
fn every_operator_has_a_row() {
    let text = reference();
    for signature in SIGNATURES {
        let Some(cells) = row(&text, signature.name) else {
            panic!("docs/language.md has no row for {}", signature.name)
        };
        for arg in signature.args {
            assert!(
                cells[2].contains(&format!("`{}", arg.name)),
                "{}: no `{}` in {}",
                signature.name,
                arg.name,
                cells[2]
            );
        }
    }
}
