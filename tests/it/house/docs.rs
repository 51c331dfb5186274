//! The language reference is true: its examples compile, and its tables match the operators.

use crate::support::compile::compile_file;
#[cfg(feature = "cli")]
use crate::support::program::npc;
use crate::support::repository::repository;
use npc::graph::op::SIGNATURES;

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

/// Returns the console block of a page that begins with this command: its output lines.
fn printed_output<'a>(text: &'a str, command: &str) -> Vec<&'a str> {
    let start = format!("$ {command}");
    let lines = text.lines().skip_while(|line| *line != start).skip(1);
    let printed: Vec<&str> = lines.take_while(|line| *line != "```").collect();
    assert!(!printed.is_empty(), "no page shows `{start}`");
    printed
}

/// Checks that a command prints what a page shows; a line `...` stands for the rest.
#[track_caller]
fn assert_prints(folder: &std::path::Path, args: &[&str], shown: &[&str]) {
    let output = npc(folder, args);
    assert_eq!(output.code, 0, "{}", output.stderr);
    let end = shown.iter().position(|line| *line == "...").unwrap_or(shown.len());
    let printed: Vec<&str> = output.stdout.lines().collect();
    let compared = if end == shown.len() { printed.len() } else { end.min(printed.len()) };
    assert_eq!(printed[..compared].join("\n").trim_end(), shown[..end].join("\n").trim_end());
}

#[test]
fn the_first_file_of_the_reference_prints_what_the_page_shows() {
    let text = reference();
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("small.model"), &examples(&text)[0].1).unwrap();
    let shown = printed_output(&text, "npc check small.model --size 64x64");
    assert_prints(folder.path(), &["check", "small.model", "--size", "64x64"], &shown);
}

#[test]
fn the_first_sweep_prints_what_the_page_shows() {
    let page = std::fs::read_to_string(repository("docs/sweeps.md")).unwrap();
    let shown = printed_output(&page, "npc sweep models/npnet.model ablation --static --on cvc");
    let args = ["sweep", "models/npnet.model", "ablation", "--static", "--on", "cvc"];
    assert_prints(&repository("."), &args, &shown);
}

#[test]
fn a_bound_of_the_page_keeps_as_many_models_as_it_says() {
    let page = std::fs::read_to_string(repository("docs/sweeps.md")).unwrap();
    let (_, code) = examples(&page).into_iter().find(|(_, code)| code.starts_with("sweep affordable")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    for file in ["npnet.model", "data.model"] {
        std::fs::copy(repository("models").join(file), folder.path().join(file)).unwrap();
    }
    let path = folder.path().join("npnet.model");
    let whole = std::fs::read_to_string(&path).unwrap() + "\n" + &code;
    std::fs::write(&path, whole).unwrap();
    let output = npc(folder.path(), &["sweep", "npnet.model", "affordable", "--static", "--size", "288x384"]);
    let first = output.stdout.lines().next().unwrap_or_default();
    let (kept, all) = (first.rsplit(", ").next().unwrap_or_default(), first.contains("10 models"));
    assert!(all && page.contains("At 288x384 this keeps 4 of the 10 models") && kept == "4 kept", "{first}");
}

/// The data blocks that `docs/data.md` shows as indented text are valid, apart from keys that they leave out on purpose.
#[test]
fn data_blocks_of_the_page_are_valid() {
    let page = std::fs::read_to_string(repository("docs/data.md")).unwrap();
    let blocks: Vec<&str> = page.lines().filter_map(|line| line.strip_prefix("    data ")).collect();
    assert!(blocks.len() >= 2, "only {} data blocks", blocks.len());
    for block in blocks {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("example.model");
        let net = "model Net(x: [3, H, W]) -> [2, H, W] = x |> conv(2)";
        let name = block.split_whitespace().next().unwrap_or_default();
        let text = format!("npc 1\n\n{net}\n\ndata {block}\n\ntrain t = Net on {name} {{ epochs = 1 }}\n");
        std::fs::write(&path, text).unwrap();
        let output = npc(folder.path(), &["check", "example.model"]);
        assert_eq!(output.code, 0, "data {block}\n{}", output.stderr);
    }
}
