//! A model by name, of the file itself or imported: `FILE:NAME` and `FILE --model NAME`, the same in every command.

use crate::support::program::{ProgramOutput, npc};
use std::fs;
use tempfile::{TempDir, tempdir};

/// `parts.model` with the model `Inner`, and `net.model`, which imports it and has `Outer`.
fn files() -> TempDir {
    let folder = tempdir().unwrap();
    let inner = "npc 1\n\nmodel Inner(x: [3, H, W], width: int = 8) -> [2, H, W] = x |> conv(width) |> relu |> conv(2, k = 1)\n";
    let outer = "npc 1\n\nimport \"parts.model\"\n\nvariant Outer = Inner(width = 16)\n\n\
                 data d {\n  source = phantoms(count = 8)\n  size = [32, 32]\n  classes = [\"a\", \"b\"]\n  labels = [0, 255]\n  \
                 empty = one\n}\n";
    fs::write(folder.path().join("parts.model"), inner).unwrap();
    fs::write(folder.path().join("net.model"), outer).unwrap();
    folder
}

#[track_caller]
fn run(args: &[&str]) -> ProgramOutput {
    npc(files().path(), args)
}

#[track_caller]
fn succeeded(args: &[&str]) -> String {
    let output = run(args);
    assert_eq!(output.code, 0, "{args:?}: {}{}", output.stdout, output.stderr);
    output.stdout
}

#[test]
fn both_spellings_find_imported_models() {
    for command in ["check", "graph"] {
        let named = succeeded(&[command, "net.model:Inner"]);
        assert_eq!(named, succeeded(&[command, "net.model", "--model", "Inner"]), "{command}");
        assert_eq!(named, succeeded(&[command, "net.model:Inner", "--model", "Inner"]), "{command}");
        assert!(named.contains("Inner") && !named.contains("Outer"), "{command}: {named}");
        let set = succeeded(&[command, "net.model:Inner(width = 4)"]);
        assert_eq!(set, succeeded(&[command, "net.model", "--model", "Inner", "--with", "width=4"]), "{command}");
        assert_ne!(set, named, "{command}");
    }
    // Without a name the models are those of the file itself.
    let own = succeeded(&["check", "net.model", "--table"]);
    assert!(own.contains("Outer") && !own.contains("Inner"), "{own}");
    let several = succeeded(&["check", "net.model:Outer", "parts.model:Inner", "--size", "32x32", "--table"]);
    assert!(several.contains("Outer") && several.contains("Inner"), "{several}");
}

#[test]
fn comparisons_find_imported_models() {
    let by_name = succeeded(&["diff", "net.model:Inner", "Outer"]);
    assert!(by_name.starts_with("Inner -> Outer  at [3, 32, 32]"), "{by_name}");
    assert_eq!(by_name, succeeded(&["diff", "net.model", "Outer", "--model", "Inner"]));
    let equal = succeeded(&["equal", "net.model", "parts.model", "--model", "Inner", "--size", "32x32"]);
    assert_eq!(equal, succeeded(&["equal", "net.model:Inner", "parts.model:Inner", "--size", "32x32"]));
    let both = run(&["equal", "net.model:Inner", "Outer", "--model", "Inner"]);
    assert!(
        both.code == 2 && both.stderr.contains("both models are named, and --model names `Inner`"),
        "{}",
        both.stderr
    );
}

#[test]
fn fit_and_data_check_find_imported_models() {
    let figures = ["--hole", "width=[4,8,16]", "--params", "242", "--macs", "237568@32x32"];
    let named = succeeded(&[&["fit", "net.model:Inner"], &figures[..]].concat());
    assert!(named.starts_with("Inner: 3 settings tried"), "{named}");
    assert_eq!(named, succeeded(&[&["fit", "net.model", "--model", "Inner"], &figures[..]].concat()));
    #[cfg(feature = "data")]
    assert_eq!(
        succeeded(&["data", "check", "net.model:Inner", "d"]),
        succeeded(&["data", "check", "net.model", "d", "--model", "Inner"])
    );
}

#[test]
fn wrong_names_are_refused() {
    for args in [["check", "net.model:Iner"], ["graph", "net.model:Iner"], ["fit", "net.model:Iner"]] {
        let more: &[&str] = if args[0] == "fit" { &["--params", "1M"] } else { &[] };
        let output = run(&[&args[..], more].concat());
        assert_eq!(output.code, 1, "{args:?}");
        assert!(output.stderr.contains("the file has no model or variant `Iner`"), "{}", output.stderr);
        assert!(output.stderr.contains("did you mean `Inner`?"), "{}", output.stderr);
    }
    let twice = run(&["check", "net.model:Inner", "--model", "Outer"]);
    assert_eq!(twice.code, 2);
    assert!(
        twice.stderr.contains("`net.model:Inner` names the model `Inner`, and --model names `Outer`"),
        "{}",
        twice.stderr
    );
    let missing = run(&["check", "nett.model:Inner"]);
    assert!(missing.code == 1 && missing.stderr.contains("nett.model"), "{}", missing.stderr);
}

/// The name of a file may contain a colon.
#[cfg(unix)]
#[test]
fn files_with_a_colon_are_files() {
    let folder = files();
    fs::copy(folder.path().join("parts.model"), folder.path().join("my:net.model")).unwrap();
    let output = npc(folder.path(), &["check", "my:net.model", "--size", "8x8", "--table"]);
    assert!(output.code == 0 && output.stdout.contains("Inner"), "{}{}", output.stdout, output.stderr);
}
