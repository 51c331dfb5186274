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

/// The first of `names` that a text reaches as `crate::name`. Modules of the crate are never imported in braces.
fn reached<'a>(text: &str, names: &[&'a str]) -> Option<&'a str> {
    assert!(!text.contains("crate::{"), "one line a module, for this test reads them");
    names.iter().copied().find(|name| text.contains(&format!("crate::{name}")))
}

/// No file of `module` names any of `forbidden` as `crate::name`.
fn knows_nothing_of(module: &str, forbidden: &[&str]) {
    let mut seen = 0;
    for (path, text) in all().iter().filter(|(p, _)| within(p, module)) {
        seen += 1;
        if let Some(name) = reached(text, forbidden) {
            panic!("src/{path} uses crate::{name}; `{module}` may not know it");
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
    let before = ["syntax", "import", "resolve", "elaborate", "recipe", "claim", "explore"];
    let beside = ["canon", "cli", "run", "atomic"];
    for module in ["plan", "engine"] {
        knows_nothing_of(module, &before);
        knows_nothing_of(module, &beside);
        knows_nothing_of(module, &["cost", "diag", "source"]);
    }
    knows_nothing_of("plan", &["engine"]);
    knows_nothing_of("engine", &["check", "ir", "picture"]);
    // The inner loops know how maps lie in memory, and no operator.
    knows_nothing_of("engine/kernel", &["op", "plan", "ty", "engine::program", "engine::pass", "engine::unit"]);
}

/// Whether a word stands in code: whole, and not in a string or behind `//`.
fn names(text: &str, word: &str) -> bool {
    let part = |c: char| c.is_alphanumeric() || c == '_';
    text.lines().any(|line| {
        let code = line.split("//").next().unwrap_or_default();
        code.match_indices(word).any(|(at, _)| {
            let (before, after) = (&code[..at], &code[at + word.len()..]);
            !before.ends_with(part) && !after.starts_with(part) && before.matches('"').count() % 2 == 0
        })
    })
}

/// What the compiler cannot prove stands where somebody looks for it: the kernels, and the doors to the CUDA driver.
#[test]
fn unsafe_has_its_places() {
    assert!(names("let x = unsafe { f() };", "unsafe") && names("unsafe impl Sync for Place {}", "unsafe"));
    assert!(!names("let text = \"unsafe\"; // unsafe", "unsafe") && !names("#[allow(unsafe_code)]", "unsafe"));
    let places = ["engine/kernel", "run/device"];
    let named: Vec<String> =
        all().into_iter().filter(|(_, text)| names(text, "unsafe")).map(|(path, _)| path).collect();
    assert!(
        places.iter().all(|place| named.iter().any(|path| within(path, place))),
        "nothing in {places:?}: {named:?}"
    );
    for path in named {
        assert!(places.iter().any(|place| within(&path, place)), "src/{path} has `unsafe`, which only {places:?} may");
    }
}

/// Rules that nothing can break hold nothing.
#[test]
fn what_is_forbidden_is_found() {
    let text = "use crate::plan::Plan;\nuse crate::run::device::is_cpu;\n";
    assert_eq!(reached(text, &["cli", "run"]), Some("run"));
    assert_eq!(reached(text, &["cli", "syntax"]), None);
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
    let files = ["plan.rs", "run/lower.rs", "run/exec.rs", "engine/unit/dispatch.rs", "engine/program/keep.rs"];
    let sources = all();
    for file in files {
        let (path, text) = sources.iter().find(|(path, _)| path == file).expect("the file is there");
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
