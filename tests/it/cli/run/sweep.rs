//! `npc sweep --train` and `npc reproduce` as a user starts them: the runs that are trained, the runs that are reused,
//! and the table.

mod interrupted;

use npc::internals::data::phantom::write_phantoms;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;
use tempfile::{TempDir, tempdir};

const MODEL: &str = r#"npc 1

model Tiny(x: [1, H, W], classes: int = 2, width: int = 8) -> [classes, H, W] {
  require width < 100, "wide"
  return x |> conv(width, stride = 2, bias = false) |> bn |> relu |> conv(classes, k = 1) |> resize(to = x)
}

model Wider(x: [1, H, W], classes: int = 2) -> [classes, H, W]
  = x |> conv(12, bias = false) |> bn |> relu |> conv(classes, k = 1)

/// Two widths.
sweep widths = Tiny(width = 4 | 8)

sweep broken = Tiny(width = 4 | 100)

sweep models = Wider(classes = 2) | Tiny

sweep kept = Tiny(width = 4 | 8 | 16) keep where params < 0.2K and memory(training) < 0.5MB

data slices {
  images = "set/images/*.tif"
  masks = "set/masks/*.tif"
  size = [32, 32]
  classes = ["background", "lung"]
  labels = [0, 255]
  window = [-1000, 400]
  split = random(train = 0.6, test = 0.4)
  empty = one
}

train tiny = Tiny on slices {
  epochs = 2
  batch = 2
  optimizer = adam(lr = 1e-2)
}

expect Tiny on slices {
  params ~= 0.10K
  dice ~= 0.8397
}

expect Tiny(width = 4) on slices {
  dice ~= 0.7
}
"#;

struct TestFolder(TempDir);

struct CommandOutput {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

/// The bytes and the modification time of each file below a folder.
type Contents = BTreeMap<PathBuf, (Vec<u8>, SystemTime)>;

impl TestFolder {
    fn new() -> Self {
        let dir = tempdir().unwrap();
        write_phantoms(&dir.path().join("set"), 10, 0, [40, 48]).unwrap();
        fs::write(dir.path().join("tiny.model"), MODEL).unwrap();
        TestFolder(dir)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_npc"));
        command.args(args).current_dir(self.0.path()).env("RUST_BACKTRACE", "0");
        command
    }

    fn npc(&self, args: &[&str]) -> CommandOutput {
        let output = self.command(args).output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        CommandOutput { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }

    fn sweep(&self, name: &str, out: &str, more: &[&str]) -> CommandOutput {
        self.npc(&[&["sweep", "tiny.model", name, "--run", "tiny", "--seeds", "2", "--out", out], more].concat())
    }

    fn contents(&self, folder: &str) -> Contents {
        fn walk(dir: &Path, into: &mut Contents) {
            for entry in fs::read_dir(dir).unwrap().flatten() {
                let path = entry.path();
                if path.is_dir() {
                    walk(&path, into);
                } else {
                    let written = path.metadata().unwrap().modified().unwrap();
                    into.insert(path.clone(), (fs::read(&path).unwrap(), written));
                }
            }
        }
        let mut contents = Contents::new();
        walk(&self.path(folder), &mut contents);
        // The table is written each time; only the runs matter.
        contents.retain(|path, _| !path.file_name().unwrap().to_string_lossy().starts_with("table."));
        contents
    }

    /// Returns the loss and the scores of each epoch as they are written.
    fn metrics(&self, run: &str) -> Vec<[String; 4]> {
        let text = fs::read_to_string(self.path(run).join("metrics.jsonl")).unwrap();
        let line = |line: &str| {
            let value: Value = serde_json::from_str(line).unwrap();
            ["epoch", "loss", "dice", "iou"].map(|key| value[key].to_string())
        };
        text.lines().map(line).collect()
    }

    /// Returns the Dice of each test image.
    fn dice(&self, run: &str) -> Vec<f64> {
        let text = fs::read_to_string(self.path(run).join("cases.csv")).unwrap();
        let mut lines = text.lines();
        let column = lines.next().unwrap().split(',').position(|c| c == "dice").unwrap();
        lines.map(|l| l.split(',').nth(column).unwrap().parse().unwrap()).collect()
    }

    /// Asserts that both trainings and the scores of every image are the same.
    fn assert_same_runs(&self, a: &str, b: &str) {
        for run in ["width=4/seed=0", "width=4/seed=1", "width=8/seed=0", "width=8/seed=1"] {
            let [a, b] = [a, b].map(|out| format!("{out}/{run}"));
            assert_eq!(self.metrics(&a), self.metrics(&b), "{a} and {b}");
            let cases = |run: &str| fs::read_to_string(self.path(run).join("cases.csv")).unwrap();
            assert_eq!(cases(&a), cases(&b), "{a} and {b}");
        }
    }
}

impl CommandOutput {
    #[track_caller]
    fn expect_exit(self, code: i32, words: &[&str]) -> CommandOutput {
        assert_eq!(self.code, Some(code), "{}\n{}", self.stdout, self.stderr);
        for word in words {
            assert!(
                self.stdout.contains(word) || self.stderr.contains(word),
                "`{word}` is not in\n{}\n{}",
                self.stdout,
                self.stderr
            );
        }
        assert!(!self.stderr.contains("panicked"), "{}", self.stderr);
        self
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap()
    }
}

#[test]
fn the_grid_is_trained_once_and_compared() {
    let folder = TestFolder::new();
    let table =
        folder.sweep("widths", "runs/a", &["--train", "--jobs", "2", "--format", "json"]).expect_exit(0, &[]).json();
    let points = table["points"].as_array().unwrap();
    assert_eq!(points.len(), 2, "{table}");
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let mut by_run = Vec::new();
    for (point, width) in points.iter().zip(["4", "8"]) {
        assert_eq!(point["args"]["width"], width);
        let runs = [0, 1].map(|seed| folder.dice(&format!("runs/a/width={width}/seed={seed}")));
        assert_eq!(runs[0].len(), 4);
        let values = runs.each_ref().map(|r| mean(r));
        let dice = &point["metrics"]["dice"];
        let near = |value: &Value, wanted: f64| {
            assert!((value.as_f64().unwrap() - wanted).abs() < 1e-9, "{value} is not {wanted} in {point}");
        };
        near(&dice["mean"], mean(&values));
        near(&dice["deviation"], (values[0] - values[1]).abs() / 2f64.sqrt());
        by_run.push(values);
    }
    let difference = &points[1]["metrics"]["dice"]["difference"];
    let wanted = mean(&by_run[1]) - mean(&by_run[0]);
    assert!((difference["mean"].as_f64().unwrap() - wanted).abs() < 1e-9, "{difference}");
    let [low, high] = ["low", "high"].map(|end| difference[end].as_f64().unwrap());
    assert!(low <= wanted && wanted <= high && low < high, "{difference}");
    assert_eq!([&difference["images"], &difference["seeds"]], [4, 2]);
    assert!(points[0]["metrics"]["dice"]["difference"].is_null());
    // Each figure is on the row of its variant.
    assert_eq!([&points[0]["paper"]["dice"], &points[1]["paper"]["dice"]], ["0.7", "0.8397"]);
    assert_eq!([&points[0]["paper"]["params"], &points[1]["paper"]["params"]], [&Value::Null, &"0.10K".into()]);

    // All runs have the same split, and weights that differ with the seed.
    let list = |run: &str| fs::read_to_string(folder.path("runs/a").join(run).join("test.txt")).unwrap();
    assert_eq!(list("width=4/seed=0"), list("width=8/seed=1"));
    assert_ne!(folder.metrics("runs/a/width=4/seed=0"), folder.metrics("runs/a/width=4/seed=1"));

    let before = folder.contents("runs/a");
    let again = folder.sweep("widths", "runs/a", &["--train", "--format", "json"]).expect_exit(0, &["0 of 4 runs"]);
    assert_eq!(again.json(), table);
    assert!(folder.contents("runs/a") == before, "a finished run was touched");

    // The commands for a scheduler are run one after another.
    let jobs = folder.sweep("widths", "runs/b c", &["--print-jobs"]).expect_exit(0, &[]).stdout;
    assert_eq!(jobs.lines().count(), 4, "{jobs}");
    let first = "runs/b c/width=4/seed=0";
    for (k, line) in jobs.lines().enumerate() {
        if k == 3 {
            let open = folder
                .sweep("widths", "runs/b c", &["--collect"])
                .expect_exit(1, &["1 of 2", "width=8/seed=1: not finished"]);
            assert!(!open.stderr.contains("width=8/seed=0"), "{}", open.stderr);
        }
        // The command is started in another folder, where its run is finished already.
        for _ in 0..if k == 0 { 2 } else { 1 } {
            let output = Command::new("sh").args(["-c", line]).current_dir("/").output().unwrap();
            assert!(output.status.success(), "{line}\n{}", String::from_utf8_lossy(&output.stderr));
        }
    }
    assert!(folder.path(first).join("summary.json").exists());
    let collected = folder.sweep("widths", "runs/b c", &["--collect", "--format", "json"]).expect_exit(0, &[]).json();
    assert_eq!(collected["points"][1]["metrics"], table["points"][1]["metrics"]);
    folder.assert_same_runs("runs/a", "runs/b c");
    let script =
        folder.sweep("widths", "runs/b c", &["--slurm", "array.sh"]).expect_exit(0, &["4 runs", "sbatch array.sh"]);
    assert!(script.stderr.is_empty());
    let script = fs::read_to_string(folder.path("array.sh")).unwrap();
    assert!(jobs.lines().enumerate().all(|(k, line)| script.contains(&format!("\n{k}) {line} ;;\n"))), "{script}");

    let plot = |more: &[&str]| {
        folder.sweep("widths", "runs/a", &[&["--plot", "cost.svg"], more].concat()).expect_exit(0, &[]);
        fs::read_to_string(folder.path("cost.svg")).unwrap()
    };
    let svg = plot(&[]);
    assert!(
        svg.contains("MACs, conv") && svg.contains("Dice (more is better)") && svg.contains("95 % interval"),
        "{svg}"
    );
    assert_eq!(svg.matches("line thin").count(), 2, "an interval for each point");
    assert!(svg.contains(">4</text>") && svg.contains("2 of 2 runs"), "points are labelled and have tooltips");
    for (cost, title) in [("params", "parameters"), ("training", "memory to train"), ("time", "time of training")] {
        assert!(plot(&["--cost", cost, "--theme", "dark"]).contains(title));
    }
    assert!(plot(&["--metrics", "hd95"]).contains("HD95 (less is better)"));
    folder.sweep("widths", "runs/a", &["--plot", "cost.png"]).expect_exit(0, &[]);
    assert!(fs::read(folder.path("cost.png")).unwrap().starts_with(b"\x89PNG"));
    folder
        .sweep("widths", "runs/a", &["--plot", "a.svg", "--print-jobs"])
        .expect_exit(2, &["--print-jobs", "--collect"]);
    folder.sweep("widths", "runs/a", &["--plot", "a.pdf"]).expect_exit(2, &[".svg, .png"]);
    folder.sweep("widths", "runs/none", &["--plot", "a.svg"]).expect_exit(1, &["no point has a score", "--train"]);
    folder.sweep("widths", "runs/a", &["--top", "1"]).expect_exit(2, &["`--top` is for `--static`"]);
    assert!(!folder.path("a.svg").exists() && folder.contents("runs/a") == before);

    let metric = folder.sweep("widths", "runs/a", &["--metrics", "dise"]);
    metric.expect_exit(2, &["the metrics are dice, iou"]);
    // Other settings are a different sweep.
    for (change, words) in
        [("epochs=3", "epochs: 2 there, 3 now"), ("data.size=[16,16]", "data.size: [32,32] there, [16,16] now")]
    {
        let refused = folder.sweep("widths", "runs/a", &["--train", "--set", change]);
        refused.expect_exit(1, &["width=4/seed=0", "other settings (4 folders in all)", words, "--out"]);
    }
    fs::write(folder.path("tiny.model"), MODEL.replacen("relu", "silu", 1)).unwrap();
    folder.sweep("widths", "runs/a", &["--train"]).expect_exit(1, &["width=4/seed=0", "the network"]);
    assert!(folder.contents("runs/a") == before, "a refused sweep has written");
}

#[test]
fn runs_with_other_settings_are_replaced_on_request() {
    let folder = TestFolder::new();
    folder.sweep("widths", "runs/a", &["--train", "--set", "epochs=1"]).expect_exit(0, &[]);
    // The first run is as the next command wants it, and is kept.
    folder.sweep("widths", "runs/b", &["--train", "--set", "epochs=3"]).expect_exit(0, &[]);
    fs::remove_dir_all(folder.path("runs/a/width=4")).unwrap();
    fs::rename(folder.path("runs/b/width=4"), folder.path("runs/a/width=4")).unwrap();
    let kept = folder.contents("runs/a/width=4");
    folder.sweep("widths", "runs/a", &["--overwrite"]).expect_exit(2, &["add `--train`"]);
    folder.sweep("widths", "runs/a", &["--collect", "--overwrite"]).expect_exit(2, &["cannot be used with"]);
    folder.sweep("widths", "runs/a", &["--train", "--set", "epochs=3"]).expect_exit(1, &["--train --overwrite"]);
    let set = ["--train", "--overwrite", "--set", "epochs=3", "--quiet"];
    let done = folder.sweep("widths", "runs/a", &set);
    assert_eq!(done.stderr, "");
    done.expect_exit(0, &[]);
    assert!(folder.contents("runs/a/width=4") == kept, "a run that fits was trained again");
    let epochs = fs::read_to_string(folder.path("runs/a/width=8/seed=0/metrics.jsonl")).unwrap();
    assert_eq!(epochs.lines().count(), 3);
    for run in ["width=8/seed=0", "width=8/seed=1"] {
        assert_eq!(folder.metrics(&format!("runs/a/{run}")), folder.metrics(&format!("runs/b/{run}")), "{run}");
    }
    // Seeds count up from one that the command sets.
    folder.sweep("widths", "runs/c", &["--train", "--set", "epochs=1,seed=7"]).expect_exit(0, &[]);
    assert!(folder.path("runs/c/width=8/seed=8/summary.json").exists());
}

/// The commands are fed to a shell line by line, so nothing of the file may become a line of its own.
#[test]
fn a_job_is_one_line_whatever_the_file_says() {
    let folder = TestFolder::new();
    let list = "[4,\n// ; touch PWNED #\n  5,\r\n\t6]";
    let text = format!(
        "{MODEL}\nmodel Many(x: [1, H, W], width: int[] = [4]) -> [2, H, W] = x |> conv(width[0]) |> conv(2)\n\
         sweep lines = Many(width = {list} | [7])\n"
    );
    fs::write(folder.path("tiny.model"), text).unwrap();
    let jobs = folder.sweep("lines", "runs/l", &["--print-jobs"]).expect_exit(0, &[]).stdout;
    for line in jobs.lines() {
        assert!(line.contains(" train ") && line.contains(" eval ") && !line.contains("touch"), "{line}");
        // Each line is a command of its own: a shell reads it without running it.
        assert!(Command::new("sh").args(["-n", "-c", line]).status().unwrap().success(), "{line}");
    }
    assert!(jobs.contains("[4, 5, 6]"), "{jobs}");
    // A folder with a line feed in its name cannot be part of a line.
    folder.sweep("lines", "runs/a\nb", &["--print-jobs"]).expect_exit(2, &["control character"]);
}

/// The parameters are 13 a channel plus 2; the memory is that of the run's batch.
#[test]
fn excluded_variants_are_not_run() {
    let folder = TestFolder::new();
    let jobs = folder.sweep("kept", "runs/k", &["--print-jobs"]).expect_exit(0, &[]).stdout;
    assert_eq!((jobs.matches("width=4/").count(), jobs.matches("width=8/").count()), (4, 4), "{jobs}");
    assert!(!jobs.contains("width=16"), "{jobs}");
    let table = folder.sweep("kept", "runs/k", &[]).expect_exit(0, &[]).stdout;
    assert!(table.contains("1 of 3 models left out by `keep where`"), "{table}");
    folder
        .sweep("kept", "runs/k", &["--set", "batch=64"])
        .expect_exit(1, &["`keep where` leaves out all 3 models of `kept`"]);
}

#[test]
fn failures_are_named_and_stop_no_other_run() {
    let folder = TestFolder::new();
    let args =
        ["sweep", "tiny.model", "broken", "--run", "tiny", "--train", "--set", "epochs=1", "--out", "runs/broken"];
    folder.npc(&args).expect_exit(1, &["wide", "width=100: failed: the model cannot be built", "1 of 1", "0 of 1"]);
    let json: Value = serde_json::from_str(&folder.npc(&[&args[..], &["--format", "json"]].concat()).stdout).unwrap();
    assert_eq!(json["failed"][0]["label"], "width=100");
    assert!(json["failed"][0]["message"].as_str().unwrap().contains("cannot be built"), "{json}");
    // A file has the name of a run's folder.
    fs::create_dir_all(folder.path("runs/taken/width=4")).unwrap();
    fs::write(folder.path("runs/taken/width=4/seed=0"), "").unwrap();
    let output = folder.sweep("widths", "runs/taken", &["--train", "--set", "epochs=1"]);
    let output = output.expect_exit(1, &["width=4/seed=0: failed: ", "1 of 2", "2 of 2"]);
    assert!(!output.stderr.contains("width=4/seed=1: failed"), "{}", output.stderr);
    for (args, code, words) in [
        (&["width", "--run", "tiny"][..], 1, &["no sweep `width`", "did you mean `widths`"][..]),
        (&["widths", "--run", "tinny"], 1, &["no run `tinny`", "did you mean `tiny`"]),
        (&["widths", "--on", "slice"], 2, &["no data block `slice`", "did you mean `slices`"]),
        (&["widths", "--to", "width=5"], 2, &["no point `width=5`", "width=4, width=8"]),
        (&["widths", "--train", "--collect"], 2, &["cannot be used with"]),
    ] {
        folder.npc(&[&["sweep", "tiny.model"], args].concat()).expect_exit(code, words);
    }
}

#[test]
fn points_of_one_model_are_named_by_their_arguments() {
    let folder = TestFolder::new();
    let sweep = "sweep some = Tiny(width = 4) | Tiny(width = 8) | Tiny | Wider(classes = 2)\n";
    fs::write(folder.path("tiny.model"), format!("{MODEL}{sweep}")).unwrap();
    let jobs = folder.npc(&["sweep", "tiny.model", "some", "--run", "tiny", "--out", "runs/s", "--print-jobs"]);
    let jobs = jobs.expect_exit(0, &[]).stdout.clone();
    for name in ["Tiny,width=4", "Tiny,width=8", "Tiny", "Wider"] {
        assert!(jobs.contains(&format!("runs/s/{name}/seed=0")), "no {name} in {jobs}");
    }
}

#[test]
fn a_table_is_reproduced_from_its_file() {
    let folder = TestFolder::new();
    let args =
        ["reproduce", "models/slices", "--file", "tiny.model", "--out", "runs/r", "--limit", "6", "--size", "16x16"];
    let output = folder.npc(&[&args[..], &["--epochs", "1"]].concat()).expect_exit(0, &[]);
    for words in
        ["Wider", "paper Dice", "epochs: 2 in the file, 1 here", "data.size: [32,32] in the file, [16,16] here"]
    {
        assert!(output.stdout.contains(words), "`{words}` is not in\n{}", output.stdout);
    }
    assert!(output.stdout.contains("over 2 test images"), "{}", output.stdout);
    assert_eq!(fs::read_to_string(folder.path("runs/r/table.txt")).unwrap(), output.stdout);
    for end in ["md", "csv", "tex", "json"] {
        let text = fs::read_to_string(folder.path(&format!("runs/r/table.{end}"))).unwrap();
        assert!(text.contains("Wider") && text.contains("0.8397"), "{text}");
    }
    folder.npc(&["reproduce", "models", "--file", "tiny.model"]).expect_exit(2, &["TABLE/DATA"]);
}
