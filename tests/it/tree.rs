//! The invariants of ARCHITECTURE.md, held by reading the sources.

use std::fs;
use std::path::{Path, PathBuf};

/// Every `.rs` file below `dir`, with its text without comment lines.
fn sources(dir: &Path, into: &mut Vec<(PathBuf, String)>) {
    for entry in fs::read_dir(dir).expect("src is there").flatten() {
        let path = entry.path();
        if path.is_dir() {
            sources(&path, into);
        } else if path.extension().is_some_and(|e| e == "rs") {
            let text = fs::read_to_string(&path).expect("sources are text");
            let code: Vec<&str> = text.lines().filter(|l| !l.trim_start().starts_with("//")).collect();
            into.push((path, code.join("\n")));
        }
    }
}

fn all() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    sources(&root, &mut found);
    found
        .into_iter()
        .map(|(path, text)| {
            let path = path.strip_prefix(&root).expect("found below src").to_string_lossy().replace('\\', "/");
            (path, text)
        })
        .collect()
}

/// Whether the file belongs to a module: `op.rs` or below `op/`.
fn within(path: &str, module: &str) -> bool {
    path == format!("{module}.rs") || path.starts_with(&format!("{module}/"))
}

/// No file of `module` names any of `forbidden` as `crate::name`.
fn knows_nothing_of(module: &str, forbidden: &[&str]) {
    let mut seen = 0;
    for (path, text) in all().iter().filter(|(p, _)| within(p, module)) {
        seen += 1;
        for name in forbidden {
            assert!(
                !text.contains(&format!("crate::{name}")),
                "src/{path} uses crate::{name}; `{module}` may not know it"
            );
        }
    }
    assert!(seen > 0, "no file belongs to `{module}`");
}

#[test]
fn stages_know_only_what_they_may() {
    let later = ["cli", "run"];
    let front =
        ["source", "ty", "diag", "op", "ir", "syntax", "import", "resolve", "elaborate", "check", "cost", "recipe"];
    for module in front.into_iter().chain(["claim", "explore", "picture"]) {
        knows_nothing_of(module, &later);
    }
    for module in front.into_iter().chain(["canon", "plan"]) {
        knows_nothing_of(module, &["picture"]);
    }
    knows_nothing_of(
        "picture",
        &["syntax", "import", "resolve", "elaborate", "diag", "recipe", "claim", "explore", "atomic"],
    );
    knows_nothing_of("source", &["diag", "syntax", "op", "ir", "ty"]);
    knows_nothing_of("ty", &["diag", "syntax", "op", "ir", "source"]);
    knows_nothing_of("op", &["diag", "syntax", "ir", "resolve", "elaborate", "check", "cost", "recipe"]);
    knows_nothing_of("ir", &["diag", "syntax", "resolve", "elaborate", "check", "cost", "recipe"]);
    knows_nothing_of("syntax", &["op", "ir", "ty", "resolve", "elaborate", "check", "cost", "recipe"]);
    knows_nothing_of("resolve", &["ir", "ty", "elaborate", "check", "cost", "recipe"]);
    knows_nothing_of(
        "import",
        &["op", "ir", "ty", "resolve", "elaborate", "check", "cost", "recipe", "claim", "explore"],
    );
    knows_nothing_of("canon", &["syntax", "elaborate", "recipe", "resolve", "check", "cost", "diag"]);
    knows_nothing_of("claim", &["elaborate", "resolve", "recipe", "explore"]);
    knows_nothing_of("cost", &["syntax", "elaborate", "recipe", "diag"]);
    knows_nothing_of("check", &["syntax", "elaborate", "recipe", "resolve"]);
    knows_nothing_of("run", &["syntax", "cli", "resolve", "elaborate"]);
}

/// Only these files may name a crate that would be hard to replace.
#[test]
fn outside_crates_have_one_door() {
    let doors: &[(&str, &[&str])] = &[
        ("burn::", &["run", "cli/predict", "cli/overlays", "cli/demo"]),
        ("annotate_snippets", &["diag/render"]),
        ("serde_yaml", &["recipe/settings"]),
        ("pest", &["syntax/build"]),
        ("petgraph", &["ir"]),
        ("clap::", &["cli"]),
        ("indicatif", &["cli/train", "cli/predict", "cli/data"]),
        ("embedded_graphics", &["run/lettering"]),
        ("NiftiHeader", &["run/data/volume/nifti"]),
        ("dicom_object", &["run/data/volume/dicom"]),
        ("dicom_pixeldata", &["run/data/volume/dicom"]),
    ];
    for (path, text) in all() {
        for (name, modules) in doors {
            let named = text.lines().any(|l| {
                l.match_indices(name)
                    .any(|(i, _)| !l[..i].ends_with(|c: char| c.is_alphanumeric() || "_:.\"/".contains(c)))
            });
            assert!(
                !named || modules.iter().any(|m| within(&path, m)),
                "src/{path} names `{name}`, which only {modules:?} may"
            );
        }
    }
}

/// `println!` and `eprintln!` panic where nobody reads, and a run of days would end for a line.
#[test]
fn lines_that_nobody_reads_end_nothing() {
    for (path, text) in all() {
        assert!(
            !text.contains("println!("),
            "src/{path} prints with a macro that may panic: `print`, `tell!` or `writeln!` will do"
        );
    }
}

#[test]
fn no_wildcard_hides_an_operator() {
    for (path, text) in all().iter().filter(|(p, _)| matches!(p.as_str(), "run/lower.rs" | "run/exec.rs")) {
        let lines: Vec<&str> = text.lines().collect();
        for (i, line) in lines.iter().enumerate().filter(|(_, l)| l.trim_start().starts_with("_ =>")) {
            let indent = line.len() - line.trim_start().len();
            let arm_of_op =
                lines[..i].iter().rev().take_while(|l| l.len() - l.trim_start().len() >= indent || l.is_empty());
            let hidden = arm_of_op.filter(|l| l.len() - l.trim_start().len() == indent).any(|l| l.contains("Op::"));
            assert!(!hidden, "src/{path}: line `{line}` would hide a new operator");
        }
    }
}
