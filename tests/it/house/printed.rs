//! The pages show what the program prints, and the model files, data blocks and runs that they show are valid.

use super::console::{ConsoleStep, console_steps, first_difference};
use super::fences::{Fence, all_fences, fences, pages};
use crate::support::compile::compile_file;
use crate::support::program::npc;
use crate::support::repository::{copy_folder, repository};
use std::fmt::Write;
use std::path::Path;
use std::process::Command;

/// Returns a copy of the files of the repository that pages use.
fn copied_repository() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for name in ["models", "tests/diagnostics", "tests/graphs"] {
        copy_folder(&repository(name), &folder.path().join(name));
    }
    std::fs::create_dir(folder.path().join("docs")).unwrap();
    folder
}

/// The command that runs a step: `npc ...` as it is, an example as the program that `cargo test` built. `None` where
/// this build lacks it.
fn runnable(step: &ConsoleStep) -> Option<String> {
    if let Some((_, example)) = step.command.split_once(" --example ") {
        let built = program_folder().join("examples").join(example);
        return built.exists().then(|| built.display().to_string());
    }
    let name = step.command.split_whitespace().nth(1).unwrap_or_default();
    let has = |option: &str| npc(Path::new("."), &[name, "--help"]).stdout.contains(option);
    // `npc lower` of a front without data has no kernels.
    let has = cfg!(feature = "run")
        || npc(Path::new("."), &[name, "--help"]).code == 0 && (!step.command.contains(" --cuda ") || has("--cuda"));
    has.then(|| step.command.clone())
}

/// The folder of the built program.
fn program_folder() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_npc")).parent().unwrap()
}

/// Runs a command as a shell does in a folder, with `npc` on the path. Returns the exit code and what a terminal shows.
fn run_in_shell(folder: &Path, command: &str) -> (i32, Vec<String>) {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::iter::once(program_folder().to_path_buf()).chain(std::env::split_paths(&path));
    let mut shell = Command::new("sh");
    shell.args(["-c", &format!("exec 2>&1\n{command}")]).current_dir(folder);
    let output = shell.env("PATH", std::env::join_paths(folders).unwrap()).env("NO_COLOR", "1").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let lines = text.trim_end().lines().map(|line| line.trim_end().to_string()).collect();
    (output.status.code().unwrap_or(-1), lines)
}

/// Runs the command of a step. Returns what is wrong with the page, with its line.
fn wrong_output(folder: &Path, page: &str, step: &ConsoleStep, command: &str) -> Option<String> {
    let (code, printed) = run_in_shell(folder, command);
    let command = format!("{page}:{}: `{}`", step.line, step.command);
    let fails = step.shown.iter().any(|line| line.starts_with("error"));
    if code != i32::from(fails) {
        return Some(format!("{command} ends with exit code {code}:\n{}", printed.join("\n")));
    }
    let (at, found) = first_difference(&step.shown, &printed)?;
    let line = step.line + step.command.lines().count() + at;
    let expected = step.shown.get(at).map_or("(the end of the output)", String::as_str);
    Some(format!(
        "{command}\n  line {line} shows   {expected}\n  npc prints   {found}\n\nall of it:\n{}",
        printed.join("\n")
    ))
}

/// Runs the console blocks of a page in one copy of the repository. A build without training leaves out its commands,
/// and what needs their runs.
fn wrong_outputs_of_page(page: &str, text: &str) -> Vec<String> {
    let copy = copied_repository();
    // `cd` holds for the commands behind it.
    let mut folder = copy.path().to_path_buf();
    let mut wrong = Vec::new();
    let mut has_runs = true;
    for fence in fences(page, text) {
        if let Some(file) = fence.file() {
            std::fs::write(folder.join(file), &fence.text).unwrap();
        }
        if fence.language() != "console" {
            continue;
        }
        for step in console_steps(&fence) {
            if let Some(name) = step.command.strip_prefix("cd ") {
                folder.push(name);
                if folder.is_dir() {
                    continue;
                }
                // The command that makes the folder was left out, and with it the rest of the page.
                let missing = format!("{page}:{}: there is no folder `{name}`", step.line);
                wrong.extend(has_runs.then_some(missing));
                return wrong;
            }
            let ours = step.command.starts_with("npc ") || step.command.starts_with("cargo run ");
            if !ours || step.shown.is_empty() {
                wrong.push(format!("{page}:{}: a console block shows what npc prints; others are `sh`", step.line));
                continue;
            }
            let Some(command) = runnable(&step) else {
                has_runs = false;
                continue;
            };
            if has_runs || !command.contains("runs/") {
                wrong.extend(wrong_output(&folder, page, &step, &command));
            }
        }
    }
    wrong
}

#[test]
fn console_blocks_show_what_is_printed() {
    let steps: usize = all_fences("console").iter().map(|fence| console_steps(fence).len()).sum();
    assert!(steps >= 20, "{steps} commands in console blocks");
    let wrong: Vec<String> = pages().iter().flat_map(|(page, text)| wrong_outputs_of_page(page, text)).collect();
    assert!(wrong.is_empty(), "{} outputs of the pages are wrong:\n\n{}", wrong.len(), wrong.join("\n\n"));
}

/// Returns the problems of a block of the language: a whole file, or items that use the networks and data of `models`.
fn problems_of_block(folder: &Path, fence: &Fence) -> Option<String> {
    let whole = fence.text.starts_with("npc 1");
    let mut text = String::new();
    if !whole {
        text.push_str("npc 1\n\nimport \"npnet.model\"\nimport \"unetpp_supervised.model\"\n\n");
    }
    writeln!(text, "{}", fence.text).unwrap();
    let path = folder.join(if whole { "example.model" } else { "models/example.model" });
    std::fs::write(&path, text).unwrap();
    let made = compile_file(&path, Some([64, 64]), &[]);
    made.problems.has_errors().then(|| format!("{}:{}\n{}", fence.page, fence.line, made.rendered()))
}

#[test]
fn blocks_of_the_language_are_valid() {
    let folder = copied_repository();
    let blocks = all_fences("npc");
    assert!(blocks.len() >= 15, "{} blocks of the language", blocks.len());
    let wrong: Vec<String> = blocks.iter().filter_map(|fence| problems_of_block(folder.path(), fence)).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
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
