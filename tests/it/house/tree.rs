//! The sources match ARCHITECTURE.md: rooms, circles, sizes, and words that belong to certain files.

use super::rooms::{Drawing, within};
use super::uses::{Sources, Use, circles};
use super::words::{uses_print_macro, wildcards_over_operators, words};
use crate::support::repository::repository;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::LazyLock;

/// Returns every file with one of these endings below a folder of the repository, by its path below the folder.
pub fn files_below(folder: &str, endings: &[&str]) -> Vec<(String, String)> {
    fn collect_files(root: &Path, folder: &Path, endings: &[&str], into: &mut Vec<(String, String)>) {
        for entry in fs::read_dir(folder).expect("the folder is there").flatten() {
            let path = entry.path();
            if path.is_dir() {
                collect_files(root, &path, endings, into);
            } else if path.extension().is_some_and(|e| endings.iter().any(|ending| e == *ending)) {
                let name = path.strip_prefix(root).expect("found below").to_string_lossy().replace('\\', "/");
                into.push((name, fs::read_to_string(&path).expect("sources are text")));
            }
        }
    }
    let mut found = Vec::new();
    collect_files(&repository(folder), &repository(folder), endings, &mut found);
    found.sort();
    found
}

/// The library; `main.rs` is a program that uses it.
pub static SOURCES: LazyLock<Sources> = LazyLock::new(|| {
    Sources::new(files_below("src", &["rs"]).into_iter().filter(|(name, _)| name != "main.rs").collect())
});
static USES: LazyLock<BTreeSet<Use>> = LazyLock::new(|| SOURCES.uses());

pub fn assert_none<T: std::fmt::Display>(found: impl IntoIterator<Item = T>, what: &str) {
    let found: Vec<String> = found.into_iter().map(|f| f.to_string()).collect();
    assert!(found.is_empty(), "{what}:\n  {}", found.join("\n  "));
}

#[test]
fn rooms_are_as_drawn() {
    let page = fs::read_to_string(repository("ARCHITECTURE.md")).unwrap();
    let files: Vec<&str> = SOURCES.files.iter().map(|(name, _)| name.trim_end_matches(".rs")).collect();
    assert_none(Drawing::read(&page).violations(&files, &USES), "ARCHITECTURE.md and the sources differ");
}

#[test]
fn files_form_no_circle() {
    assert_none(
        circles(&USES).iter().map(|circle| uses_in_circle(circle)),
        "what two files need belongs in a third, below both",
    );
}

/// Lists the uses that form a circle.
fn uses_in_circle(circle: &[&str]) -> String {
    let mut text = format!("circle of {} files", circle.len());
    for (from, to) in circle.iter().flat_map(|from| circle.iter().map(move |to| (from, to))) {
        let used = USES.iter().filter(|u| u.file == *from && u.other == *to);
        let words: BTreeSet<&str> = used.map(|u| if u.what.is_empty() { "the module" } else { &u.what }).collect();
        if !words.is_empty() {
            text += &format!("\n    {from} -> {to}: {}", words.into_iter().collect::<Vec<_>>().join(", "));
        }
    }
    text
}

/// A longer file has more than one subject. Code that makes `cli` longer would be needed by other fronts too, and
/// belongs in the workbench.
#[test]
fn files_stay_small() {
    const MOST_ROOMS: usize = 12;
    const MOST_LINES: usize = 450;
    const MOST_LINES_OF_CLI: usize = 5_200;
    let top = |(name, _): &'static (String, String)| name.split(['/', '.']).next().filter(|name| *name != "lib");
    let rooms: BTreeSet<&str> = SOURCES.files.iter().filter_map(top).collect();
    assert!(rooms.len() <= MOST_ROOMS, "{} modules at the top of src: {rooms:?}", rooms.len());
    let lines: Vec<(&str, usize)> =
        SOURCES.files.iter().map(|(name, text)| (&name[..], text.lines().count())).collect();
    let cli = lines.iter().filter(|(name, _)| within(name.trim_end_matches(".rs"), "cli")).map(|(_, n)| n).sum();
    let mut long: Vec<(&str, usize)> = lines.into_iter().filter(|(_, n)| *n > MOST_LINES).collect();
    if cli > MOST_LINES_OF_CLI {
        long.push(("cli", cli));
    }
    assert_none(long.iter().map(|(name, n)| format!("src/{name}: {n} lines")), "too long");
    let tests = files_below("tests/it", &["rs"]).into_iter().filter(|(_, text)| text.lines().count() > MOST_LINES);
    assert_none(tests.map(|(name, _)| name), "tests above 450 lines");
}

#[test]
fn every_file_begins_with_a_comment() {
    let silent = |folder: &'static str| {
        let files = files_below(folder, &["rs"])
            .into_iter()
            .filter(|(name, text)| name != "main.rs" && !text.starts_with("//! "));
        files.map(move |(name, _)| format!("{folder}/{name}"))
    };
    let included = |name: &String| name == "src/lib.rs";
    assert_none(
        silent("src").chain(silent("tests/it")).filter(|name| !included(name)),
        "files without a first line `//! ...`",
    );
}

/// Code that the compiler cannot prove is only in the places where a reviewer expects it: the kernels and the calls of
/// the CUDA driver.
#[test]
fn unsafe_code_is_only_in_its_files() {
    let places = ["compute/engine/kernel", "compute/cuda/driver/native"];
    let named: Vec<&str> = SOURCES
        .files
        .iter()
        .filter(|(_, text)| words(text).iter().any(|word| word == "unsafe"))
        .map(|(name, _)| name.trim_end_matches(".rs"))
        .collect();
    for place in places {
        assert!(named.iter().any(|file| within(file, place)), "nothing unsafe in src/{place}");
    }
    assert_none(
        named.iter().filter(|file| !places.iter().any(|place| within(file, place))),
        "`unsafe` out of its places",
    );
}

/// A file is read through `base/file.rs`, which refuses pipes, devices and files without end, so that no other code opens one.
#[test]
fn files_are_opened_in_one_place() {
    // Temporary files, locks and figures of the system.
    let doors = ["base/file", "base/atomic", "base/lock", "base/machine"];
    let ways = ["fs::read(", "read_to_string(", "File::open(", "OpenOptions", "File::options("];
    let opens = |(name, text): &'static (String, String)| {
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        let lines = code.lines().filter(|l| !l.trim_start().starts_with("//"));
        // `EventFile::open(` is a function of our own.
        let begins = |line: &str, at: usize| !line[..at].ends_with(|c: char| c.is_alphanumeric());
        let found =
            lines.filter(move |line| ways.iter().any(|way| line.match_indices(way).any(|(at, _)| begins(line, at))));
        found.map(move |line| format!("src/{name}: {}", line.trim()))
    };
    let others = SOURCES.files.iter().filter(|(name, _)| !doors.contains(&name.trim_end_matches(".rs")));
    assert_none(others.flat_map(opens), "files opened elsewhere");
}

/// Only these files may name a crate that would be hard to replace.
#[test]
fn outside_crates_are_used_in_one_place() {
    let doors: &[(&str, &[&str])] = &[
        ("burn", &["compute", "learn", "score"]),
        ("annotate_snippets", &["text/diag/render"]),
        ("serde_yaml", &["text/config/settings"]),
        ("pest", &["text/syntax/build"]),
        ("petgraph", &["graph/ir"]),
        ("clap", &["cli"]),
        ("indicatif", &["cli/progress", "cli/train"]),
        ("embedded_graphics", &["show/images/text_drawing"]),
        ("nifti", &["data/volume/nifti"]),
        ("dicom_object", &["data/volume/dicom"]),
        ("dicom_pixeldata", &["data/volume/dicom"]),
        ("dicom_dictionary_std", &["data/volume/dicom"]),
        ("rustix", &["base/file", "base/machine"]),
    ];
    let outside = SOURCES.outside();
    for (name, places) in doors {
        let through: BTreeSet<&str> =
            outside.iter().filter(|(_, path)| path[0] == *name).map(|(file, _)| file.trim_end_matches(".rs")).collect();
        for place in *places {
            assert!(through.iter().any(|file| within(file, place)), "nothing in src/{place} names `{name}`");
        }
        let other = through.iter().filter(|file| !places.iter().any(|place| within(file, place)));
        assert_none(other, &format!("`{name}` is named elsewhere than in {places:?}"));
    }
}

/// `println!` and `eprintln!` panic where their output is closed, and a run of days would end because of one line.
#[test]
fn nothing_prints_with_println() {
    assert_none(
        SOURCES.files.iter().filter(|(_, text)| uses_print_macro(text)).map(|(name, _)| name),
        "`println!` and `eprintln!` panic when the reader has gone; use `print`, `eprintln_lossy!` or `writeln!`",
    );
}

/// The workbench and the rooms below it print nothing and end no process: a front decides what is shown, and where.
#[test]
fn only_the_command_line_prints_and_exits() {
    let found = SOURCES.files.iter().filter(|(name, text)| {
        let file = name.trim_end_matches(".rs");
        !within(file, "cli")
            && ["std::process::exit", "process::exit(", "stdout()", "stderr()"].iter().any(|word| text.contains(word))
    });
    assert_none(found.map(|(name, _)| name), "prints or ends the process");
}

/// A new operator is not mistaken for another one. The files listed match on some operators and skip the rest.
#[test]
fn no_wildcard_hides_an_operator() {
    let asking = [
        "compute/engine.rs",
        "compute/fused/build.rs",
        "graph/op.rs",
        "study/cost/field.rs",
        "study/lint/no_effect.rs",
    ];
    let hiding: BTreeSet<&str> = SOURCES
        .files
        .iter()
        .filter(|(_, text)| wildcards_over_operators(text) > 0)
        .map(|(name, _)| &name[..])
        .collect();
    assert_none(hiding.iter().filter(|file| !asking.contains(file)), "an arm `_ =>` would hide a new operator");
    assert_none(asking.iter().filter(|file| !hiding.contains(*file)), "files that need no exception any more");
}
