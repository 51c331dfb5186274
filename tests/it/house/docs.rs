//! The language reference is true: its examples compile, and its tables match the operators.

use crate::support::compile::compile_file;
use crate::support::repository::repository;
use npc::graph::op::SIGNATURES;

pub(super) fn reference() -> String {
    std::fs::read_to_string(repository("docs/language.md")).unwrap()
}

/// The text of each block fenced as ```` ```npc ````, with the line it starts on.
pub(super) fn examples(text: &str) -> Vec<(usize, String)> {
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
        let made = compile_file(&path, Some([64, 64]), &[]);
        assert!(!made.problems.has_errors(), "docs/language.md:{line}\n{}", made.rendered());
    }
}

#[test]
fn every_lint_has_a_row() {
    let page = std::fs::read_to_string(repository("docs/diagnostics.md")).unwrap();
    for code in npc::text::diag::Code::ALL {
        if let Some(lint) = code.lint() {
            let start = format!("| `{lint}` | {} |", code.id());
            assert!(page.lines().any(|l| l.starts_with(&start)), "docs/diagnostics.md has no row `{start}`");
        }
    }
}

/// Returns the cells of a row of the operator table: `| `conv` | ...`.
fn table_cells(text: &str, name: &str) -> Option<Vec<String>> {
    let start = format!("| `{name}` |");
    let line = text.lines().find(|l| l.starts_with(&start))?;
    Some(line.trim_matches('|').split(" | ").map(|c| c.trim().to_string()).collect())
}

#[test]
fn every_operator_has_a_row() {
    let text = reference();
    for signature in SIGNATURES {
        let Some(cells) = table_cells(&text, signature.name) else {
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

/// Returns the targets of links and pictures of a page, code left out.
fn link_targets(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut code = false;
    for line in text.lines() {
        code ^= line.trim_start().starts_with("```");
        if code {
            continue;
        }
        for (start, end) in [("](", ')'), ("src=\"", '"')] {
            let after = line.split(start).skip(1).filter_map(|rest| rest.split(end).next());
            found.extend(after.map(str::to_string));
        }
    }
    found
}

/// Returns the anchor of a heading as GitHub builds it.
fn anchor(heading: &str) -> String {
    let kept = heading.to_lowercase().replace(' ', "-");
    kept.chars().filter(|&c| c.is_alphanumeric() || c == '-' || c == '_').collect()
}

#[test]
fn links_have_targets() {
    let mut pages: Vec<_> = std::fs::read_dir(repository("docs")).unwrap().map(|entry| entry.unwrap().path()).collect();
    pages
        .extend(["README.md", "CHANGELOG.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "tests/README.md"].map(repository));
    pages.retain(|path| path.extension().is_some_and(|e| e == "md"));
    let mut seen = 0;
    for page in pages {
        let text = std::fs::read_to_string(&page).unwrap();
        for target in link_targets(&text).into_iter().filter(|target| !target.contains("://")) {
            let (file, part) = target.split_once('#').unwrap_or((&target, ""));
            let path = if file.is_empty() { page.clone() } else { page.parent().unwrap().join(file) };
            assert!(path.exists(), "{}: {target} leads nowhere", page.display());
            if !part.is_empty() {
                let text = std::fs::read_to_string(&path).unwrap();
                let mut headings =
                    text.lines().filter(|l| l.starts_with('#')).map(|l| l.trim_start_matches('#').trim());
                assert!(headings.any(|h| anchor(h) == part), "{}: no heading for {target}", page.display());
            }
            seen += 1;
        }
    }
    assert!(seen > 50, "{seen} links");
}
