//! The tables of the reference match the program, and links lead somewhere.

use crate::support::repository::repository;
use npc::graph::op::SIGNATURES;

fn reference() -> String {
    std::fs::read_to_string(repository("docs/language.md")).unwrap()
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
