//! The result of `npc fmt` and `npc fix` on every file.

use crate::runner::test;
use crate::support::program::npc;
use crate::support::repository::{model_files, stem};
use libtest_mimic::Trial;
use npc::text::source::SourceMap;
use npc::text::syntax;
use std::fs;
use std::path::{Path, PathBuf};

/// The formatted text; `None` for a text with an error.
fn formatted(text: &str) -> Option<String> {
    let mut sources = SourceMap::new();
    let id = sources.add("test.model", text);
    let (file, problems) = syntax::parse(&sources, id);
    (!problems.has_errors()).then(|| syntax::print(&sources, id, &file))
}

/// A file that is formatted stays as it is.
fn is_formatted(path: &Path) {
    let text = fs::read_to_string(path).unwrap();
    assert_eq!(formatted(&text).as_ref(), Some(&text), "run `npc fmt {}`", path.display());
}

/// Formatting twice changes nothing more than formatting once.
fn formats_once(path: &Path) {
    let text = fs::read_to_string(path).ok();
    if let Some(once) = text.and_then(|text| formatted(&text)) {
        assert_eq!(formatted(&once), Some(once));
    }
}

/// A text with this number is about limits, and too large to be fixed twice.
const LARGE: &str = "1_000_000_000";

fn syntax_errors(text: &str) -> usize {
    let mut sources = SourceMap::new();
    let id = sources.add("test.model", text);
    syntax::parse(&sources, id).1.iter().filter(|problem| problem.is_error()).count()
}

/// The text after `npc fix --all`.
fn fixed(text: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("net.model");
    fs::write(&path, text).unwrap();
    let output = npc(folder.path(), &["fix", "--all", "--size", "64x64", "net.model"]);
    assert!((0..=1).contains(&output.code), "exit code {}\n{}{}", output.code, output.stdout, output.stderr);
    fs::read_to_string(&path).unwrap()
}

/// Fixing adds no errors of syntax, and leaves nothing to fix a second time.
fn fixes_once(path: &Path) {
    let Ok(before) = fs::read_to_string(path) else { return };
    if before.contains(LARGE) {
        return;
    }
    let after = fixed(&before);
    assert!(syntax_errors(&after) <= syntax_errors(&before), "{after}");
    assert_eq!(fixed(&after), after);
}

/// Many of the faulty files are changed: the tests of fixes do not all pass because nothing is ever fixed.
fn many_files_are_fixed(files: &[PathBuf]) {
    let texts = files.iter().filter_map(|path| fs::read_to_string(path).ok());
    let changed = texts.filter(|text| !text.contains(LARGE) && fixed(text) != *text).count();
    assert!(changed > 20, "only {changed} files were changed");
}

/// A network that compiles needs no fix.
fn needs_no_fix(path: &Path) {
    let (folder, file) = (path.parent().unwrap(), path.file_name().unwrap().to_string_lossy());
    let output = npc(folder, &["fix", "--dry-run", "--all", &file]);
    assert_eq!(output.code, 0, "{}{}", output.stdout, output.stderr);
    assert_eq!(output.stdout, format!("{file}: nothing to fix\n"));
}

type Check = (&'static str, fn(&Path));

pub fn tests() -> Vec<Trial> {
    let sound: &[Check] = &[("formatted", is_formatted)];
    let models: &[Check] = &[("formatted", is_formatted), ("fixed", needs_no_fix)];
    let faulty: &[Check] = &[("formatted", formats_once), ("fixed", fixes_once)];
    let syntax: &[Check] = &[("formatted", formats_once)];
    let folders: [(&str, &str, &[Check]); 6] = [
        ("graphs", "tests/graphs", sound),
        ("foreign", "tests/graphs/foreign", sound),
        ("models", "models", models),
        ("diagnostics", "tests/diagnostics", faulty),
        ("mistakes", "tests/mistakes", faulty),
        ("syntax", "tests/it/text/syntax", syntax),
    ];
    let mut tests = Vec::new();
    for (group, folder, checks) in folders {
        for path in model_files(folder) {
            for &(what, check) in checks {
                let file = path.clone();
                tests.push(test(format!("{group}::{}::{what}", stem(&path)), move || check(&file)));
            }
        }
    }
    let faulty_files = || ["tests/diagnostics", "tests/mistakes"].into_iter().flat_map(model_files).collect::<Vec<_>>();
    tests.push(test("faulty::many_are_fixed".into(), move || many_files_are_fixed(&faulty_files())));
    tests
}
