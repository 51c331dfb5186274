//! `npc runs` on run folders that the tests write: states, scores, order, and folders that are damaged.

use crate::support::program::{ProgramOutput, npc};
use crate::support::run_settings::SETTINGS;
use npc::internals::learn::weights_origin::weights_digest;
use npc::internals::metric::calibration::CalibrationTally;
use npc::internals::metric::{Evaluation, MaskPair, Summary, cases_csv, measure};
use npc::text::config::{EmptyClassRule, Metric};
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};
use tempfile::{TempDir, tempdir};

/// Writes the run folder of a run of 3 epochs, with the Dice of those that are done.
fn write_run(folder: &TempDir, name: &str, dice: &[f64]) -> PathBuf {
    let dir = folder.path().join(name);
    fs::create_dir_all(&dir).unwrap();
    fs::write(dir.join("settings.yaml"), SETTINGS).unwrap();
    let line = |(i, dice): (usize, &f64)| format!("{}\n", json!({"epoch": i + 1, "dice": dice, "seconds": 30.0}));
    fs::write(dir.join("metrics.jsonl"), dice.iter().enumerate().map(line).collect::<String>()).unwrap();
    dir
}

/// Writes a checkpoint without tensors, of this step of the optimiser.
fn write_weights(dir: &Path, step: u64) {
    let header = json!({"__metadata__": {"npc": json!({"step": step}).to_string()}}).to_string();
    let bytes = [&(header.len() as u64).to_le_bytes()[..], header.as_bytes()].concat();
    fs::write(dir.join("best_dice.safetensors"), bytes).unwrap();
    // Written before the scores, whatever the clock of the file system resolves.
    let earlier = SystemTime::now() - Duration::from_secs(60);
    fs::File::options().write(true).open(dir.join("best_dice.safetensors")).unwrap().set_modified(earlier).unwrap();
}

/// Writes the scores of one test image, of whose two rows one is found: a Dice of 2/3.
fn write_scores(dir: &Path, step: u64) {
    write_scores_of(dir, step, ("best_dice.safetensors", None));
}

/// Writes the same scores of a file of weights, with its digest if the evaluation names it.
fn write_scores_of(dir: &Path, step: u64, (checkpoint, weights): (&str, Option<String>)) {
    let (truth, pred) = ([1, 1, 1, 1, 0, 0, 0, 0], [1, 1, 0, 0, 0, 0, 0, 0]);
    let pair = MaskPair { pred: &pred, truth: &truth, size: [4, 2], spacing: None };
    let cases = [measure("a", &pair, 2, &Metric::ALL).unwrap()];
    let classes = ["background".to_string(), "lung".to_string()];
    let evaluation = Evaluation {
        run: "t".into(),
        split: "test".into(),
        checkpoint: checkpoint.into(),
        flips: false,
        chosen_here: false,
        without_best: false,
        weights,
        step: Some(step),
        origin_warnings: Vec::new(),
        size: [4, 2],
        summary: Summary::new(&cases, &classes, EmptyClassRule::One).unwrap(),
        intervals: None,
        calibration: CalibrationTally::default().finish(),
        confusion: None,
        precision_recall: Vec::new(),
        file_warnings: Vec::new(),
        volumes: None,
    };
    fs::write(dir.join("cases.csv"), cases_csv(&cases, &classes, EmptyClassRule::One)).unwrap();
    fs::write(dir.join("eval.json"), serde_json::to_string(&evaluation).unwrap()).unwrap();
}

fn runs(folder: &TempDir, args: &[&str]) -> ProgramOutput {
    npc(folder.path(), &[&["runs"], args].concat())
}

/// The rows of the table as objects.
#[track_caller]
fn rows(folder: &TempDir, args: &[&str]) -> Vec<Value> {
    let output = runs(folder, &[args, &["--format", "json"]].concat());
    assert_eq!(output.code, 0, "{}", output.stderr);
    serde_json::from_str(&output.stdout).unwrap()
}

fn column(rows: &[Value], name: &str) -> Vec<Value> {
    rows.iter().map(|row| row[name].clone()).collect()
}

#[test]
fn each_run_has_its_state_and_its_best_epoch() {
    let folder = tempdir().unwrap();
    write_run(&folder, "runs/a", &[0.2, 0.9, 0.5]);
    let early = write_run(&folder, "runs/sweep/se/seed=0", &[0.6, 0.5]);
    fs::write(early.join("summary.json"), "{\"stopped_early\": true, \"scored_on\": \"val\", \"seconds\": 75.0}")
        .unwrap();
    write_run(&folder, "runs/open", &[0.95]);
    write_run(&folder, "runs/begun", &[]);
    let now = write_run(&folder, "runs/now", &[0.1]);
    // A training process holds this lock.
    let held = fs::File::open(&now).unwrap();
    held.lock().unwrap();

    let all = rows(&folder, &[]);
    assert_eq!(column(&all, "run"), ["runs/a", "runs/begun", "runs/now", "runs/open", "runs/sweep/se/seed=0"]);
    assert_eq!(column(&all, "state"), ["finished", "interrupted", "training now", "interrupted", "stopped early"]);
    assert_eq!(column(&all, "epochs"), [3, 0, 1, 1, 2]);
    assert_eq!(column(&all, "planned_epochs"), [3, 3, 3, 3, 3]);
    assert_eq!(column(&all, "best_dice"), [json!(0.9), Value::Null, json!(0.1), json!(0.95), json!(0.6)]);
    assert_eq!(column(&all, "best_epoch"), [json!(2), Value::Null, json!(1), json!(1), json!(1)]);
    assert_eq!(column(&all, "best_of"), [json!("test"), Value::Null, json!("test"), json!("test"), json!("val")]);
    assert_eq!(column(&all, "seconds"), [json!(90.0), Value::Null, json!(30.0), json!(30.0), json!(75.0)]);
    assert_eq!([&all[0]["model"], &all[0]["data"], &all[0]["problems"]], [&json!("Net"), &json!("d"), &Value::Null]);
    let size = |name: &str| fs::metadata(folder.path().join("runs/a").join(name)).unwrap().len();
    assert_eq!(all[0]["bytes"], size("settings.yaml") + size("metrics.jsonl"));

    let best = column(&rows(&folder, &["--sort", "dice"]), "run");
    assert_eq!(best, ["runs/open", "runs/a", "runs/sweep/se/seed=0", "runs/now", "runs/begun"]);
    drop(held);
    assert_eq!(rows(&folder, &["runs/now"])[0]["state"], "interrupted");
}

#[test]
fn scores_of_earlier_weights_are_marked() {
    let folder = tempdir().unwrap();
    let (current, stale) = (write_run(&folder, "runs/a", &[0.5; 3]), write_run(&folder, "runs/b", &[0.4; 3]));
    for dir in [&current, &stale] {
        write_weights(dir, 30);
        write_scores(dir, 30);
    }
    write_weights(&stale, 40);
    let all = rows(&folder, &[]);
    let dice = |row: &Value| (row["test_dice"].as_f64().unwrap() * 1e6).round();
    assert!(all.iter().all(|row| dice(row) == 666_667.0), "{all:?}");
    assert_eq!(column(&all, "test_dice_stale"), [false, true]);
    let text = runs(&folder, &[]).stdout;
    assert!(text.contains(" 0.6667 (stale) ") && text.contains("`npc eval runs/b`"), "{text}");
    let markdown = runs(&folder, &["--format", "markdown"]).stdout;
    assert!(markdown.starts_with("| run ") && markdown.contains("| 3/3 | finished | 0.5000 | test |"), "{markdown}");
    let csv = runs(&folder, &["--format", "csv"]).stdout;
    assert!(csv.starts_with("run,model,data,epochs,planned_epochs,state,best_dice,"), "{csv}");
    assert_eq!(csv.lines().count(), 3);
    assert_eq!(column(&rows(&folder, &["--sort", "test", "runs/b", "runs/a"]), "run"), ["runs/a", "runs/b"]);
}

/// Test-time augmentation changes the score, so its mark stands beside it.
#[test]
fn scores_with_flips_are_marked() {
    let folder = tempdir().unwrap();
    for (name, flips) in [("runs/plain", false), ("runs/tta", true)] {
        let dir = write_run(&folder, name, &[0.5; 3]);
        write_weights(&dir, 30);
        write_scores(&dir, 30);
        let scores = fs::read_to_string(dir.join("eval.json")).unwrap();
        let marked = scores.replace("\"flips\":false", &format!("\"flips\":{flips}"));
        assert_eq!(marked != scores, flips);
        fs::write(dir.join("eval.json"), marked).unwrap();
    }
    assert_eq!(column(&rows(&folder, &[]), "test_dice_flips"), [false, true]);
    let text = runs(&folder, &[]).stdout;
    assert!(text.contains(" 0.6667 (flips) ") && text.contains(" 0.6667  "), "{text}");
    assert!(text.contains("`npc eval --flips`") && text.contains("cannot be compared with the others"), "{text}");
    let alike = runs(&folder, &["runs/tta"]).stdout;
    assert!(alike.contains("(flips)") && !alike.contains("cannot be compared"), "{alike}");
    assert!(!runs(&folder, &["runs/plain"]).stdout.contains("flips"));
    write_weights(&folder.path().join("runs/tta"), 40);
    assert!(runs(&folder, &[]).stdout.contains(" 0.6667 (flips, stale) "));
}

#[test]
fn damaged_folders_are_named_and_the_others_listed() {
    let folder = tempdir().unwrap();
    write_run(&folder, "runs/good", &[0.5; 3]);
    let cut = write_run(&folder, "runs/cut", &[0.5; 3]);
    fs::write(cut.join("settings.yaml"), &SETTINGS[..200]).unwrap();
    let bare = write_run(&folder, "runs/bare", &[0.5; 3]);
    fs::remove_file(bare.join("settings.yaml")).unwrap();
    let scores = write_run(&folder, "runs/scores", &[0.5; 3]);
    fs::write(scores.join("eval.json"), "{\"n\": \"SECRET\"}").unwrap();
    fs::write(scores.join("metrics.jsonl"), "SECRET\n").unwrap();
    fs::write(folder.path().join("runs/note.txt"), "no folder").unwrap();

    let output = runs(&folder, &[]);
    assert_eq!(output.code, 0, "{}", output.stderr);
    for part in [
        "warning: runs/bare: not a run folder: it has no settings.yaml",
        "warning: runs/cut: not the settings of a run: ",
        "warning: runs/scores: line 1 of metrics.jsonl is damaged",
        "warning: runs/scores: eval.json is damaged or of another version: evaluate again with `npc eval runs/scores`",
    ] {
        assert!(output.stderr.contains(part), "{part}: {}", output.stderr);
    }
    assert!(!output.stderr.contains("SECRET"), "{}", output.stderr);
    let all = rows(&folder, &[]);
    assert_eq!(column(&all, "state"), ["damaged", "damaged", "finished", "interrupted"]);
    assert!(all[3]["problems"].as_str().unwrap().contains("; eval.json is damaged"), "{all:?}");
}

#[test]
fn folders_without_runs_are_said_and_missing_ones_refused() {
    let folder = tempdir().unwrap();
    let output = runs(&folder, &[]);
    assert_eq!(output.code, 1);
    assert!(output.stderr.contains("runs: there is no such folder") && output.stderr.contains("`npc runs DIR`"));
    fs::create_dir(folder.path().join("runs")).unwrap();
    assert_eq!(runs(&folder, &[]).stdout, "no run folders in runs\n");
    assert_eq!(rows(&folder, &[]), Vec::<Value>::new());
}

/// A link to a run is followed, and one that leads back ends the search.
#[cfg(unix)]
#[test]
fn links_are_followed_once() {
    use std::os::unix::fs::symlink;
    let folder = tempdir().unwrap();
    write_run(&folder, "disk/a", &[0.5; 3]);
    fs::create_dir(folder.path().join("runs")).unwrap();
    symlink("../disk/a", folder.path().join("runs/linked")).unwrap();
    symlink("..", folder.path().join("runs/back")).unwrap();
    assert_eq!(rows(&folder, &["runs"]).len(), 1);
    assert_eq!(column(&rows(&folder, &["disk", "runs", "disk/a"]), "run"), ["disk/a"]);
}

/// `cp -r` writes the files of a folder in any order, so that their times say nothing.
#[test]
fn scores_of_a_copied_folder_are_current_and_those_of_exchanged_weights_are_not() {
    let folder = tempdir().unwrap();
    let dir = write_run(&folder, "runs/a", &[0.5; 3]);
    let weights = dir.join("best_dice.safetensors");
    write_weights(&dir, 30);
    write_scores_of(&dir, 30, ("best_dice.safetensors", weights_digest(&weights)));
    let stale = || column(&rows(&folder, &[]), "test_dice_stale");
    assert_eq!(stale(), [false]);
    let later = SystemTime::now() + Duration::from_secs(60);
    fs::File::options().write(true).open(&weights).unwrap().set_modified(later).unwrap();
    assert_eq!(stale(), [false]);
    // Other weights of the same step, with the time of the old ones.
    let bytes = fs::read(&weights).unwrap();
    write_weights(&dir, 30);
    fs::write(&weights, [&bytes[..], &[1, 2, 3, 4]].concat()).unwrap();
    let earlier = SystemTime::now() - Duration::from_secs(60);
    fs::File::options().write(true).open(&weights).unwrap().set_modified(earlier).unwrap();
    assert_eq!(stale(), [true]);
}

#[test]
fn scores_of_the_last_weights_are_marked() {
    let folder = tempdir().unwrap();
    for (name, checkpoint) in [("a", "best_dice.safetensors"), ("b", "last.safetensors"), ("c", "../w.safetensors")] {
        let dir = write_run(&folder, &format!("runs/{name}"), &[0.5; 3]);
        write_weights(&dir, 30);
        fs::copy(dir.join("best_dice.safetensors"), dir.join("last.safetensors")).unwrap();
        fs::copy(dir.join("best_dice.safetensors"), folder.path().join("runs/w.safetensors")).unwrap();
        write_scores_of(&dir, 30, (checkpoint, weights_digest(&dir.join(checkpoint))));
    }
    // A run that keeps no best is scored with its last weights.
    let dir = write_run(&folder, "runs/d", &[0.5; 3]);
    write_weights(&dir, 30);
    fs::rename(dir.join("best_dice.safetensors"), dir.join("last.safetensors")).unwrap();
    write_scores_of(&dir, 30, ("last.safetensors", None));
    assert_eq!(column(&rows(&folder, &[]), "test_dice_weights"), ["best", "last", "other weights", "best"]);
    let text = runs(&folder, &[]).stdout;
    for words in [" 0.6667 (last) ", " 0.6667 (other weights) ", "(last): scored with `npc eval --checkpoint last`"] {
        assert!(text.contains(words), "no `{words}` in {text}");
    }
    assert_eq!(text.matches(" 0.6667 (").count(), 2, "{text}");
}

/// As a process leaves the folder that is killed before the first checkpoint of the new run.
#[test]
fn a_run_that_was_being_replaced_is_found_again() {
    let folder = tempdir().unwrap();
    let dir = write_run(&folder, "runs/a", &[]);
    let old = write_run(&folder, "runs/a/.replaced-run", &[0.5; 3]);
    write_weights(&old, 30);
    let all = rows(&folder, &[]);
    assert_eq!([&all[0]["run"], &all[0]["state"]], ["runs/a", "interrupted"]);
    let problem = all[0]["problems"].as_str().unwrap();
    assert!(problem.contains("the old run is whole, in .replaced-run"), "{problem}");
    for command in [&["report", "runs/a"][..], &["compare", "runs/a", "runs/a"]] {
        let output = npc(folder.path(), command);
        let back = "help: `npc train runs/a --resume` puts the old run back";
        assert!(output.code == 1 && output.stderr.contains(back), "{}", output.stderr);
    }
    // The new run has begun, and the next training removes the old one.
    fs::rename(old.join("best_dice.safetensors"), dir.join("last.safetensors")).unwrap();
    assert_eq!(rows(&folder, &[])[0]["problems"], Value::Null);
}
