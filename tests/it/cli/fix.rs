//! `npc fix`: edits that are applied, files that stay unchanged, and that a file never gets worse.

use crate::support::program::{ProgramOutput, npc};
use crate::support::repository::repository;
use std::path::Path;

fn write(folder: &Path, name: &str, text: &str) {
    std::fs::write(folder.join(name), text).unwrap();
}

/// Returns the output of `npc fix` and the file after it.
fn fixed(text: &str, args: &[&str]) -> (ProgramOutput, String) {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "net.model", text);
    let output = npc(folder.path(), &[&["fix", "net.model", "--size", "64x64"], args].concat());
    (output, std::fs::read_to_string(folder.path().join("net.model")).unwrap())
}

const BAD: &str = "block cbr(x: [c, h, w], out: int, stride: int = 1) -> [out, h, w]
  = x |> conv (out, kernel_size = 3, strid = stride) bn |> relu;

model Net(x: [3, H, W], classes: int = 2) -> [classes, H, W]
  = x |> cbr(16, 1) |> conv(classes k = 1)
";

const GOOD: &str = "npc 1

block cbr(x: [c, h, w], out: int, stride: int = 1) -> [out, h, w]
  = x |> conv(out, k = 3, stride = stride) |> bn |> relu

model Net(x: [3, H, W], classes: int = 2) -> [classes, H, W]
  = x |> cbr(16, stride = 1) |> conv(classes, k = 1)
";

#[test]
fn certain_edits_are_applied_until_nothing_is_left() {
    let (output, text) = fixed(BAD, &[]);
    assert_eq!(text, GOOD, "{}{}", output.stdout, output.stderr);
    assert_eq!(output.code, 0);
    assert!(
        output.stdout.contains("-  = x |> cbr(16, 1) |> conv(classes k = 1)\n+  = x |> cbr(16, stride = 1)"),
        "{}",
        output.stdout
    );
    assert!(output.stdout.ends_with("net.model: 8 problems fixed\n"), "{}", output.stdout);
}

#[test]
fn a_dry_run_writes_nothing() {
    let (output, text) = fixed(BAD, &["--dry-run"]);
    assert_eq!(text, BAD);
    assert!(
        output.stdout.contains("+npc 1\n") && output.stdout.contains("8 problems would be fixed"),
        "{}",
        output.stdout
    );
}

#[test]
fn likely_edits_are_applied_on_request() {
    let text = "npc 1\n\nmodel Net(x: [3, H, W]) -> [4, H, W] = x |> conv(8) |> avgpool_to(1) |> linear(4)\n";
    let (output, same) = fixed(text, &[]);
    assert_eq!((output.code, same.as_str()), (1, text));
    assert!(output.stdout.contains("1 error left"), "{}", output.stdout);
    let (_, changed) = fixed(text, &["--all"]);
    assert!(changed.contains("avgpool_to(1) |> flatten |> linear(4)"), "{changed}");
    // A vector is no map: no edit repairs that, and the command reports it.
    let placeholders = "npc 1\n\nblock f(x: [c, h, w], n: int) -> [n, h, w] = x |> conv(n)\n\n\
                        model Net(x: [3, H, W]) -> [4, H, W] = x |> f\n";
    assert_eq!(fixed(placeholders, &["--all"]).1, placeholders);
}

#[test]
fn a_wrong_command_line_is_wrong_usage() {
    let folder = tempfile::tempdir().unwrap();
    for (args, name) in [(["--with", "foo=1"], "`foo`"), (["--set", "model.foo=1"], "`foo`"), (["--on", "no"], "`no`")]
    {
        // The edits of the file are not applied either.
        write(folder.path(), "net.model", BAD);
        let output = npc(folder.path(), &[&["fix", "net.model"], &args[..]].concat());
        assert_eq!(output.code, 2, "{args:?}: {}{}", output.stdout, output.stderr);
        assert!(output.stderr.contains(name), "{}", output.stderr);
        assert_eq!(std::fs::read_to_string(folder.path().join("net.model")).unwrap(), BAD);
    }
}

#[test]
fn an_import_without_use_goes_with_its_line() {
    let text = "npc 1\n\nimport std\n\nmodel Net(x: [3, H, W]) -> [4, H, W] = x |> conv(4)\n";
    assert_eq!(fixed(text, &[]).1, text.replace("import std\n", ""));
}

#[test]
fn imported_files_are_not_changed() {
    let folder = tempfile::tempdir().unwrap();
    let blocks = "npc 1\n\nblock wide(x: [c, h, w]) -> [8, h, w] = x |> convv(8)\n";
    write(folder.path(), "blocks.model", blocks);
    write(
        folder.path(),
        "net.model",
        "npc 1\n\nimport \"blocks.model\"\n\nmodel Net(x: [3, H, W]) -> [8, H, W] = x |> wide\n",
    );
    let output = npc(folder.path(), &["fix", "net.model", "--size", "8x8"]);
    assert_eq!(
        (output.code, std::fs::read_to_string(folder.path().join("blocks.model")).unwrap()),
        (1, blocks.to_string())
    );
    let output = npc(folder.path(), &["fix", "blocks.model"]);
    assert!(
        std::fs::read_to_string(folder.path().join("blocks.model")).unwrap().contains("x |> conv(8)"),
        "{}",
        output.stdout
    );
}

#[test]
fn a_missing_file_fails_and_no_file_is_wrong_usage() {
    let folder = repository("models");
    assert_eq!(npc(&folder, &["fix", "missing.model"]).code, 1);
    assert_eq!(npc(&folder, &["fix"]).code, 2);
}

/// An editor reaches the same text from the edits in the JSON by bytes and by lines and columns.
#[test]
fn the_json_carries_the_edits() {
    let text =
        "npc 1\n\n// größer\nmodel Net(x: [3, H, W]) -> [2, H, W] = x /* no */ |> convv(2)\n".replace(" /* no */", "");
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "net.model", &text);
    let output = npc(folder.path(), &["check", "net.model", "--size", "8x8", "--format", "json"]);
    let document: serde_json::Value = serde_json::from_str(&output.stdout).unwrap();
    let problem = &document["problems"][0];
    assert_eq!(problem["spans"][0]["text"][0]["text"], text.lines().nth(3).unwrap());
    assert_eq!(
        problem["rendered"].as_str().unwrap().lines().next(),
        first_rendered_line(&problem["message"]).as_deref()
    );
    let child = &problem["children"][0];
    assert_eq!((&child["level"], &child["message"]), (&"help".into(), &"did you mean `conv`?".into()));
    let edit = &child["spans"][0];
    assert_eq!(edit["suggestion_applicability"], "MachineApplicable");
    let number = |key: &str| edit[key].as_u64().unwrap() as usize;
    let new = edit["suggested_replacement"].as_str().unwrap();
    let by_bytes = format!("{}{new}{}", &text[..number("byte_start")], &text[number("byte_end")..]);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(number("line_start"), number("line_end"));
    let line: Vec<char> = lines[number("line_start") - 1].chars().collect();
    let (start, end) = (number("column_start") - 1, number("column_end") - 1);
    let by_columns: String =
        line[..start].iter().copied().chain(new.chars()).chain(line[end..].iter().copied()).collect();
    assert_eq!(by_bytes, text.replace("convv", "conv"));
    assert_eq!(by_bytes.lines().nth(3), Some(by_columns.as_str()));
}

fn first_rendered_line(message: &serde_json::Value) -> Option<String> {
    Some(format!("error[E0201]: {}", message.as_str()?))
}
