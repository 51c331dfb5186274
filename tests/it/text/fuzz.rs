//! The fuzz targets on mutated texts: some seconds from a fixed seed, or for `NPC_FUZZ_SECONDS` from a new one.
//!
//! `fuzz/` runs the same targets under libFuzzer, which measures the code that each text reaches.

mod mutate;
mod targets;

use crate::support::random_model::model;
use crate::support::repository::repository;
use crate::support::tape;
use mutate::mutated;
use std::path::Path;
use std::time::{Duration, Instant};
use tape::Tape;

/// A text that takes longer is a finding. Debug builds on busy machines need more than the program does.
const SLOWEST: Duration = Duration::from_secs(60);

/// Every model file of the repository.
fn corpus() -> Vec<String> {
    fn texts(folder: &Path, into: &mut Vec<String>) {
        let mut entries: Vec<_> = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
        entries.sort();
        for path in entries {
            if path.is_dir() {
                texts(&path, into);
            } else if path.extension().is_some_and(|e| e == "model") {
                into.extend(std::fs::read_to_string(&path));
            }
        }
    }
    let mut all = Vec::new();
    for folder in ["models", "tests", "src/text/import"] {
        texts(&repository(folder), &mut all);
    }
    all
}

/// Calls `target` with texts made from those of `corpus` and prints a summary; the text of a panic is kept in a file.
fn fuzz(name: &str, inputs: usize, corpus: &[String], target: fn(&str)) {
    let seconds: Option<u64> = std::env::var("NPC_FUZZ_SECONDS").ok().map(|s| s.parse().expect("a number of seconds"));
    let new = || std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |d| d.as_nanos() as u64);
    let (start, first) = (Instant::now(), if seconds.is_some() { new() } else { 1 });
    let (mut done, mut slowest) = (0, Duration::ZERO);
    while seconds.map_or(done < inputs, |s| start.elapsed() < Duration::from_secs(s)) {
        let mut tape = Tape::seeded(first.wrapping_add(done as u64));
        let drawn = corpus.len() + corpus.len() / 8;
        let mut pick = || match corpus.get(tape.below(drawn)) {
            Some(text) => text.clone(),
            None => model(&mut tape),
        };
        let (text, other) = (pick(), pick());
        let text = mutated(&mut tape, &text, &other);
        let begun = Instant::now();
        let passed = std::panic::catch_unwind(|| targets::deep(|| target(&text)));
        let took = begun.elapsed();
        if passed.is_err() || took > SLOWEST {
            let path = std::env::temp_dir().join(format!("npc-fuzz-{name}.txt"));
            std::fs::write(&path, &text).expect("the text is kept");
            panic!("{name}, input {done} of seed {first}, after {took:?}: see {}", path.display());
        }
        done += 1;
        slowest = slowest.max(took);
    }
    println!("{name}: {done} inputs in {:?}, the slowest {slowest:?}", start.elapsed());
}

#[test]
fn the_front_survives_any_text() {
    fuzz("front", 250, &corpus(), targets::front);
}

#[test]
fn formatting_survives_any_text() {
    fuzz("format", 500, &corpus(), targets::format);
}

#[test]
fn values_on_the_command_line_survive_any_text() {
    let values = [
        "3",
        "-1",
        "[1, 2]",
        "a",
        "true",
        "0.5",
        "\"s\"",
        "ceil(7 / 2)",
        "[i * 2 for i in 0..3]",
        "if true { 1 } else { 2 }",
        "match a { a => 1, _ => 2 }",
        "x |> conv(3)",
        "? in 1..3",
        "-9223372036854775807 - 1",
        "(1, 2)",
        "[1, 2, 3][0..2]",
        "5 % 2",
    ];
    fuzz("value", 300, &values.map(str::to_string), targets::value);
}

#[test]
fn settings_survive_any_text() {
    let text = include_str!("fuzz/settings.yaml");
    fuzz("settings", 500, &[text.to_string()], targets::settings_file);
}

/// The texts of the corpus reach the code of each target; without this the others would pass when every text is refused
/// at once.
#[test]
fn the_corpus_reaches_every_target() {
    let all = corpus();
    assert!(all.len() > 100, "{} texts", all.len());
    for text in &all {
        targets::deep(|| {
            targets::front(text);
            targets::format(text);
        });
    }
    assert!(npc::text::config::settings::from_yaml(include_str!("fuzz/settings.yaml")).is_ok());
}

/// Found by an earlier run: the bracket moved away from the literal, and the file no longer parsed.
#[test]
fn an_index_stays_with_its_literal() {
    targets::format("npc 1\ndata d {\n  source = phantoms(count = 8[1, 2], name = \"a\"[0])\n  size = [64, 64]\n}\n");
    targets::format("npc 1\ndata d {\n  flags = [true[0], false[1, 2]]\n}\n");
}

/// Found by an earlier run: YAML accepts no key of more than 1024 characters, so the value that was read could not be
/// written.
#[test]
fn settings_have_short_names() {
    let good = include_str!("fuzz/settings.yaml");
    assert!(npc::text::config::settings::from_yaml(good).is_ok());
    let long = good.replacen("versions:", &format!("versions:\n  ? {}\n  : x", "a".repeat(2000)), 1);
    let refused = npc::text::config::settings::from_yaml(&long).unwrap_err();
    assert!(refused.contains("name of 2,000 bytes"), "{refused}");
}
