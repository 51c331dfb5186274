//! Files with a mistake, and the output of npc for each.
//!
//! A fixture `NAME.model` may have a folder `NAME` with further files. It then runs in a copy of that folder, with the
//! fixture in it, so that paths in messages are short and nothing in the repository changes. A fixture with steps or with
//! needs runs in such a copy too.

use crate::runner::test;
use crate::support::header::Header;
use crate::support::program::{ProgramOutput, npc};
use crate::support::repository::{model_files, stem};
use libtest_mimic::Trial;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const KEYS: &[&str] = &["args", "expects", "exits", "run", "better", "needs"];
/// Lines of a small terminal.
const SCREEN: usize = 24;

/// One file and how it is run.
struct Fixture {
    path: PathBuf,
    name: String,
    text: String,
    header: Header,
}

impl Fixture {
    /// Panics if the header has an error.
    fn read(path: PathBuf) -> Self {
        let text = String::from_utf8_lossy(&fs::read(&path).unwrap()).into_owned();
        let header = Header::read(&path.display().to_string(), &text, KEYS);
        Self { name: stem(&path), path, text, header }
    }

    /// The arguments of `npc`.
    fn command(&self) -> Vec<String> {
        let file = format!("{}.model", self.name);
        let given = self.header.args.clone().unwrap_or_else(|| vec!["--size".into(), "64x64".into()]);
        let whole = if given[0].starts_with('-') {
            ["check".to_string(), "FILE".to_string()].into_iter().chain(given).collect()
        } else {
            given
        };
        whole.into_iter().map(|word| word.replace("FILE", &file)).collect()
    }

    /// Runs the steps of the header and the command.
    fn output(&self) -> ProgramOutput {
        let folder = self.path.parent().expect("a fixture is in a folder");
        let own = self.path.with_extension("");
        if !own.is_dir() && self.header.run.is_empty() && self.header.needs.is_empty() {
            return run(folder, &self.command());
        }
        let copy = tempfile::tempdir().unwrap();
        if own.is_dir() {
            copy_folder(&own, copy.path());
        }
        fs::copy(&self.path, copy.path().join(format!("{}.model", self.name))).unwrap();
        let _locks: Vec<_> = self.header.run.iter().filter_map(|words| self.step(copy.path(), words)).collect();
        let output = run(copy.path(), &self.command());
        // Paths that npc makes absolute are relative in the snapshot.
        let copies = [copy.path().canonicalize().unwrap(), copy.path().to_path_buf()];
        let relative =
            |text: String| copies.iter().fold(text, |text, copy| text.replace(&format!("{}/", copy.display()), ""));
        ProgramOutput { code: output.code, stdout: relative(output.stdout), stderr: relative(output.stderr) }
    }

    /// One step of `// run:` in the copy of the folder. A step that locks a folder returns the lock, which ends when it is dropped.
    fn step(&self, folder: &Path, words: &[String]) -> Option<fs::File> {
        let words: Vec<String> = words.iter().map(|w| w.replace("FILE", &format!("{}.model", self.name))).collect();
        let at = |word: &String| folder.join(word);
        match &words[..] {
            [program, args @ ..] if program == "npc" => {
                let output = run(folder, args);
                assert_eq!(output.code, 0, "the step `{}` fails:\n{}", words.join(" "), output.stderr);
            }
            [program, args @ ..] if program == "git" => {
                let output = Command::new("git").args(args).current_dir(folder).output().unwrap();
                assert!(output.status.success(), "the step `{}` fails", words.join(" "));
            }
            [program, path] if program == "rm" => {
                let path = at(path);
                if path.is_dir() { fs::remove_dir_all(path).unwrap() } else { fs::remove_file(path).unwrap() }
            }
            [program, from, to] if program == "cp" && at(from).is_dir() => copy_folder(&at(from), &at(to)),
            [program, from, to] if program == "cp" => {
                fs::copy(at(from), at(to)).unwrap();
            }
            [program, path, bytes] if program == "truncate" => {
                let file = fs::OpenOptions::new().write(true).open(at(path)).unwrap();
                file.set_len(bytes.parse().expect("a number of bytes")).unwrap();
            }
            [program, path] if program == "lock" => {
                let file = fs::File::open(at(path)).unwrap();
                file.lock().unwrap();
                return Some(file);
            }
            _ => panic!(
                "`// run:` knows npc, git, rm PATH, cp FROM TO, truncate PATH BYTES and lock PATH: {}",
                words.join(" ")
            ),
        }
        None
    }

    /// Compares the codes, the exit code and the message with those expected. `codes` are those of the file name.
    fn check(&self, folder: &str, codes: &[&str]) -> String {
        let output = self.output();
        let printed = if codes_in(&output.stderr).is_empty() { output.stdout + &output.stderr } else { output.stderr };
        let printed = without_free_memory(&printed);
        let expected = codes.iter().map(|code| code.to_string()).chain(self.header.expects.iter().cloned());
        let (found, expected) = (codes_in(&printed), expected.collect::<BTreeSet<_>>());
        assert!(found == expected, "expected {expected:?}, found {found:?}\n{printed}");
        keeps_the_style(&printed);
        let exits = self.header.exits.unwrap_or(i32::from(printed.contains("error[")));
        assert!(output.code == exits, "expected exit code {exits}, found {}\n{printed}", output.code);
        let both = format!("{}\n\n{}", self.text.trim_end(), printed.trim_end());
        match folder {
            "diagnostics" => assert_snapshot!("diagnostics", self.name.as_str(), both),
            "mistakes" => assert_snapshot!("mistakes", self.name.as_str(), both),
            _ => assert_snapshot!("poor_messages", self.name.as_str(), both),
        }
        printed
    }

    /// Whether this build has the features that the command needs.
    fn can_run(&self) -> bool {
        self.header.needs.iter().all(|feature| match feature.as_str() {
            "data" => cfg!(feature = "data"),
            "no-cuda" => !cfg!(feature = "cuda"),
            _ => cfg!(feature = "run"),
        })
    }
}

fn run(folder: &Path, args: &[String]) -> ProgramOutput {
    npc(folder, &args.iter().map(String::as_str).collect::<Vec<_>>())
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().expect("an entry has a name"));
        if path.is_dir() {
            copy_folder(&path, &target);
        } else {
            fs::copy(&path, target).unwrap();
        }
    }
}

/// Replaces the amount of free memory that a message names, which differs between machines and containers.
fn without_free_memory(text: &str) -> String {
    let words = [", but the machine has ", ", but the limit of this container or job leaves "];
    let line = |line: &str| match words.iter().find_map(|words| line.split_once(words)) {
        Some((start, amount)) => {
            let rest: Vec<&str> = amount.split(' ').skip(2).collect();
            format!("{start}, but the machine has [FREE] {}", rest.join(" ")).trim_end().to_string()
        }
        None => line.to_string(),
    };
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}

/// Returns the codes that a text contains in the form `[E0301]`.
fn codes_in(text: &str) -> BTreeSet<String> {
    let known = |code: &&str| npc::text::diag::Code::ALL.iter().any(|c| c.id() == *code);
    text.split('[').skip(1).filter_map(|rest| rest.split(']').next()).filter(known).map(str::to_string).collect()
}

/// Asserts that messages do not end with a full stop and do not address the reader as "you".
fn keeps_the_style(printed: &str) {
    for line in printed.lines() {
        let Some((severity, rest)) = line.split_once('[') else { continue };
        let Some((_, message)) = rest.split_once("]: ") else { continue };
        if ["error", "warning", "note"].contains(&severity) {
            assert!(!message.ends_with('.'), "the message ends with a full stop: {message}");
            assert!(
                !message.split(' ').any(|word| word.eq_ignore_ascii_case("you")),
                "the message contains `you`: {message}"
            );
        }
    }
}

/// A code that a file is named after: `E0301_channel_mismatch`.
fn code_of(name: &str) -> &str {
    name.split('_').next().unwrap_or_default()
}

fn fixture_test(folder: &'static str, path: PathBuf, check: fn(&Fixture)) -> Trial {
    let name = format!("{folder}::{}::message", stem(&path));
    // A header with an error fails the test of its file, and no other.
    let runs = std::panic::catch_unwind(|| Fixture::read(path.clone()).can_run()).unwrap_or(true);
    test(name, move || check(&Fixture::read(path))).with_ignored_flag(!runs)
}

pub fn tests() -> Vec<Trial> {
    let mut tests = Vec::new();
    for path in model_files("tests/diagnostics") {
        tests.push(fixture_test("diagnostics", path, |fixture| {
            fixture.check("diagnostics", &[code_of(&fixture.name)]);
        }));
    }
    for path in model_files("tests/mistakes") {
        tests.push(fixture_test("mistakes", path, |fixture| {
            let lines = fixture.check("mistakes", &[]).trim_end().lines().count();
            assert!(lines <= SCREEN, "{lines} lines do not fit on a screen of {SCREEN}");
        }));
    }
    for path in model_files("tests/poor_messages") {
        tests.push(fixture_test("poor_messages", path, |fixture| {
            assert!(fixture.header.better.is_some(), "`// better:` describes a better message");
            fixture.check("poor_messages", &[]);
        }));
    }
    tests
}
