//! `npc train`, `eval` and `predict` as a user starts them: files in, files out, exit codes, signals.
//!
//! The network has dropout, so that equal runs also show that its random numbers are repeated.

#[cfg(feature = "cuda")]
mod gpu;
mod hints;
mod kill;
mod known;
mod overwrite;
mod protected;
mod report;
mod signals;
mod start;
mod threads;
mod told;

use npc::internals::compute::weights::read_safetensors;
use npc::internals::data::phantom::write_phantoms;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tempfile::{TempDir, tempdir};

const MODEL: &str = r#"npc 1

model Tiny(x: [1, H, W], classes: int = 2, width: int = 8) -> [classes, H, W] {
  return x
    |> conv(width, stride = 2, bias = false)
    |> bn
    |> relu
    |> dropout(p = 0.2)
    |> conv(2 * width, bias = false)
    |> bn
    |> relu
    |> conv(classes, k = 1)
    |> resize(to = x)
}

data slices {
  images = "set/images/*.tif"
  masks = "set/masks/*.tif"
  size = [32, 32]
  classes = ["background", "lung"]
  labels = [0, 255]
  empty = one
  window = [-1000, 400]
  split = lists(train = "set/train.txt", test = "set/test.txt")
}

train tiny = Tiny on slices {
  epochs = 3
  batch = 2
  optimizer = adam(lr = 1e-2)
}
"#;

/// Height and width of the slices on disk.
const SIZE: [usize; 2] = [40, 48];

/// A folder with a model file and fifteen slices in `set`.
struct TestFolder(TempDir);

struct CommandOutput {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

impl From<Output> for CommandOutput {
    fn from(output: Output) -> CommandOutput {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        CommandOutput { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }
}

impl CommandOutput {
    /// Asserts that the command succeeded and returns its standard output.
    fn expect_success(self) -> String {
        assert_eq!(self.code, Some(0), "{}\n{}", self.stdout, self.stderr);
        self.stdout
    }

    /// Asserts that the command failed with this code and an error that contains these words, and did not panic.
    fn expect_failure(self, code: i32, words: &[&str]) {
        assert_eq!(self.code, Some(code), "{}\n{}", self.stdout, self.stderr);
        for word in words {
            assert!(self.stderr.contains(word), "`{word}` is not in: {}", self.stderr);
        }
        assert!(!self.stderr.contains("panicked"), "{}", self.stderr);
    }
}

impl TestFolder {
    fn new() -> Self {
        let dir = tempdir().unwrap();
        write_phantoms(&dir.path().join("set"), 15, 0, SIZE).unwrap();
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
        self.command(args).output().unwrap().into()
    }

    fn train(&self, out: &str, more: &[&str]) -> CommandOutput {
        self.npc(&[&["train", "tiny.model", "tiny", "--out", out], more].concat())
    }

    fn json(&self, name: &str) -> Value {
        serde_json::from_str(&fs::read_to_string(self.path(name)).unwrap()).unwrap()
    }

    /// Returns the scores of each epoch as they are written.
    fn metrics(&self, run: &str) -> Vec<[String; 4]> {
        let text = fs::read_to_string(self.path(run).join("metrics.jsonl")).unwrap();
        let line = |line: &str| {
            let value: Value = serde_json::from_str(line).unwrap();
            ["epoch", "loss", "dice", "iou"].map(|key| value[key].to_string())
        };
        text.lines().map(line).collect()
    }

    /// Asserts that two runs ended equally: scores as text, weights and moments as bits.
    fn assert_same_runs(&self, a: &str, b: &str) {
        assert_eq!(self.metrics(a), self.metrics(b), "{a} and {b}");
        let best = "best_dice.safetensors";
        assert_eq!(self.path(a).join(best).exists(), self.path(b).join(best).exists(), "{best} of {a} and {b}");
        let kept = ["last.safetensors", best].into_iter().filter(|name| self.path(a).join(name).exists());
        for name in kept {
            let [a, b] = [a, b].map(|run| read_safetensors(&self.path(run).join(name)).unwrap().0);
            let bits = |t: &npc::internals::compute::weights::NamedTensor| {
                t.values.iter().map(|v| v.to_bits()).collect::<Vec<_>>()
            };
            assert!(a.iter().map(bits).eq(b.iter().map(bits)), "{name} differ");
        }
    }
}

fn grey(path: &Path) -> image::GrayImage {
    image::open(path).unwrap().into_luma8()
}

#[test]
fn train_then_eval_then_predict() {
    let folder = TestFolder::new();
    let out = folder.train("runs/a", &["--set", "epochs=8"]).expect_success();
    assert!(out.contains("12 training images, 3 scored") && out.contains("best epoch"), "{out}");
    let summary = folder.json("runs/a/summary.json");
    assert_eq!((&summary["n_train"], &summary["n_test"]), (&12.into(), &3.into()));

    let text = folder.npc(&["eval", "runs/a"]).expect_success();
    for part in ["lung", "pooled", "HD95, px", "empty = one", "ECE", "3 images", "chosen by their score"] {
        assert!(text.contains(part), "no `{part}` in {text}");
    }
    let json: Value =
        serde_json::from_str(&folder.npc(&["eval", "runs/a", "--format", "json"]).expect_success()).unwrap();
    assert_eq!([&json["n"], &json["dice"], &json["iou"]], [&3.into(), &summary["dice"], &summary["iou"]]);
    for class in ["background", "lung"] {
        assert!(json["per_class"][class]["dice"].is_f64() && json["per_class"][class]["iou"].is_f64(), "{json}");
    }
    assert_eq!(json["per_class"]["lung"]["dice"], json["dice"], "one foreground class");
    let csv = fs::read_to_string(folder.path("runs/a/cases.csv")).unwrap();
    assert_eq!(csv.lines().count(), 1 + 3, "a line per image and foreground class: {csv}");
    assert!(csv.starts_with("stem,class,iou,dice,tp,fp,fn,empty,"), "{csv}");
    assert!(json["mean"]["hd95"].is_f64() && json["intervals"]["mean"]["dice"]["low"].is_f64(), "{json}");
    assert_eq!(json["calibration"]["pixels"], 3 * 32 * 32);
    let latex =
        folder.npc(&["eval", "runs/a", "--format", "latex", "--flips", "--checkpoint", "last"]).expect_success();
    assert!(latex.contains("\\toprule") && latex.contains("last.safetensors, averaged over flips"), "{latex}");
    let comparison = folder.npc(&["compare", "runs/a", "runs/a"]).expect_success();
    assert!(comparison.contains("not distinguishable with n = 3"), "{comparison}");
    folder.npc(&["eval", "runs/a", "--checkpoint", "none.safetensors"]).expect_failure(1, &["none.safetensors"]);
    folder.npc(&["eval", "runs/a", "--split", "val"]).expect_failure(1, &["no", "images"]);

    // A PNG of another size is next to a slice, and a file that is no picture is between them.
    fs::write(folder.path("bad.png"), "no picture").unwrap();
    let pixels: Vec<u8> = (0..50 * 30).map(|i| (i % 251) as u8).collect();
    image::save_buffer(folder.path("other.png"), &pixels, 50, 30, image::ExtendedColorType::L8).unwrap();
    let images = ["set/images/phantom_0003.tif", "bad.png", "other.png"];
    let output = folder.npc(&[&["predict", "runs/a", "--out", "masks", "--overlay"], &images[..]].concat());
    output.expect_failure(1, &["bad.png", "1 of 3"]);
    for (stem, size) in [("phantom_0003", (48, 40)), ("other", (50, 30))] {
        let mask = grey(&folder.path(&format!("masks/{stem}.png")));
        assert_eq!(mask.dimensions(), size);
        assert!(mask.pixels().all(|p| matches!(p.0, [0] | [255])));
        let overlay = image::open(folder.path(&format!("masks/{stem}_overlay.png"))).unwrap();
        assert!(overlay.width() >= size.0 && overlay.height() >= size.1);
    }
    let (mask, truth) = (grey(&folder.path("masks/phantom_0003.png")), folder.path("set/masks/phantom_0003.tif"));
    let truth = tiff::decoder::Decoder::new(fs::File::open(truth).unwrap()).unwrap().read_image().unwrap();
    let tiff::decoder::DecodingResult::U8(truth) = truth else { panic!("a mask of bytes") };
    let right = mask.as_raw().iter().zip(&truth).filter(|(a, b)| a == b).count();
    assert!(right as f64 > 0.7 * truth.len() as f64, "{right} of {} pixels are right", truth.len());
    assert_eq!(fs::read_dir(folder.path("masks")).unwrap().count(), 4);
    let twice = ["set/images/phantom_0003.tif", "set/masks/phantom_0003.tif"];
    folder
        .npc(&[&["predict", "runs/a", "--out", "masks"], &twice[..]].concat())
        .expect_failure(1, &["two images", "phantom_0003"]);
}

#[test]
fn commands_that_cannot_run_are_refused() {
    let folder = TestFolder::new();
    // 2 where the command line is wrong, 1 where the files or the machine have a problem.
    let expect_failure = |code: i32, more: &[&str], words: &[&str]| {
        folder.train("runs/none", more).expect_failure(code, words);
        assert!(!folder.path("runs/none").exists(), "{more:?} left a folder");
    };
    expect_failure(1, &["--device", "cuda"], &["`cuda:0` cannot be used", "--device cpu"]);
    expect_failure(2, &["--device", "gpu"], &["`gpu`", "cpu", "cuda"]);
    expect_failure(2, &["--set", "epoch=5"], &["`epoch`", "did you mean `epochs`"]);
    expect_failure(2, &["--set", "epochs=0"], &["at least 1"]);
    expect_failure(2, &["--set", "lr"], &["key=value"]);
    expect_failure(2, &["--set", "model.widht=4"], &["widht", "did you mean `width`"]);
    expect_failure(2, &["--set", "freeze=[\"con\"]"], &["`Tiny` has no node or block `con`", "did you mean `conv`"]);
    expect_failure(2, &["--set", "optimiser.lr=1"], &["optimiser"]);
    expect_failure(1, &["--set", "model.classes=3"], &["3 channels", "2 classes"]);
    expect_failure(1, &["--data-root", "elsewhere"], &["elsewhere"]);
    expect_failure(1, &["--resume"], &["no run to resume"]);
    folder.npc(&["train", "tiny.model", "tinny"]).expect_failure(1, &["`tinny`", "did you mean `tiny`"]);
    folder.npc(&["train", "none.model"]).expect_failure(1, &["none.model"]);
    folder.npc(&["train"]).expect_failure(2, &["FILE"]);
    folder.npc(&["eval", "set"]).expect_failure(1, &["set", "not a run folder"]);
    folder.npc(&["predict", "set", "a.png", "--out", "masks"]).expect_failure(1, &["not a run folder"]);
    let mask = folder.path("set/masks/phantom_0004.tif");
    let sound = fs::read(&mask).unwrap();
    fs::remove_file(&mask).unwrap();
    expect_failure(1, &[], &["phantom_0004.tif", "without mask"]);
    // The first batches reveal the error: the folder exists by then, and does not prevent a second start.
    fs::write(&mask, &sound[..100]).unwrap();
    folder.train("runs/cut", &["--set", "batch=20"]).expect_failure(1, &["phantom_0004.tif"]);
    fs::write(&mask, sound).unwrap();
    folder.train("runs/cut", &[]).expect_success();
}

#[test]
fn a_run_resumes_only_with_its_own_settings() {
    let folder = TestFolder::new();
    folder.train("runs/a", &["--set", "epochs=2"]).expect_success();
    folder.train("runs/a", &[]).expect_failure(1, &["already contains a run", "--resume"]);
    for change in ["lr=1e-3", "batch=3", "seed=1", "data.size=[16,16]", "model.width=4"] {
        folder
            .train("runs/a", &["--resume", "--set", change])
            .expect_failure(1, &["settings.yaml", "differ from those of the run"]);
    }
    fs::write(folder.path("tiny.model"), MODEL.replacen("relu", "silu", 1)).unwrap();
    folder
        .train("runs/a", &["--resume"])
        .expect_failure(1, &["model.model", "the network differs from that of the run"]);
    // Settings that are not part of the network may change.
    fs::write(folder.path("tiny.model"), format!("{MODEL}\n// A remark.\n")).unwrap();
    // The epochs of the folder hold, unless others are asked for: the model file says 3.
    let kept = folder.train("runs/a", &["--resume"]);
    assert!(
        kept.stderr.contains("note: the run in runs/a is of 2 epochs, and the model file says 3"),
        "{}",
        kept.stderr
    );
    let text = kept.expect_success();
    assert!(text.contains("nothing to train: finished, 2 of 2 epochs"), "{text}");
    folder.train("runs/a", &["--resume", "--set", "epochs=3"]).expect_success();
    folder.train("runs/whole", &[]).expect_success();
    folder.assert_same_runs("runs/a", "runs/whole");
}

#[test]
fn settings_start_the_same_run_and_threads_do_not_matter() {
    let folder = TestFolder::new();
    folder.train("runs/a", &["--set", "lr=3e-3,seed=7", "--set", "model.width=6"]).expect_success();
    fs::remove_file(folder.path("tiny.model")).unwrap();
    // The command is started in another folder: the settings hold the place of the data.
    let settings = folder.path("runs/a/settings.yaml").display().to_string();
    for threads in ["1", "3"] {
        let out = format!("again_{threads}");
        let again = folder.path(&out).display().to_string();
        let mut command = folder.command(&["train", &settings, "--out", &again]);
        CommandOutput::from(command.current_dir("/").env("RAYON_NUM_THREADS", threads).output().unwrap())
            .expect_success();
        folder.assert_same_runs("runs/a", &out);
    }
}

/// Dropping it would train a model other than the one written.
#[test]
fn a_hyper_parameter_without_a_name_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let text = std::fs::read_to_string(crate::support::repository::repository("tests/graphs/recipe.model")).unwrap();
    let run = text.lines().find(|l| l.starts_with("train ")).unwrap();
    let (name, rest) = run["train ".len()..].split_once(" = ").unwrap();
    let model = rest.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap();
    let on = &rest[rest.find(" on ").unwrap()..];
    let text = text.replace(run, &format!("train {name} = {model}(2){on}"));
    std::fs::write(dir.path().join("m.model"), text).unwrap();
    let output = crate::support::program::npc(dir.path(), &["train", "m.model", name, "--out", "r"]);
    assert_eq!(output.code, 1, "{}", output.stdout);
    assert!(output.stderr.contains("error[E0204]: this hyper-parameter has no name"), "{}", output.stderr);
    assert!(!dir.path().join("r").exists());
}

/// A mask of NaN is background everywhere, which reads as "no lesion".
#[test]
fn weights_without_meaning_end_predict_and_eval() {
    use npc::internals::compute::weights::write_safetensors;
    let folder = TestFolder::new();
    folder.train("runs/a", &["--set", "epochs=1"]).expect_success();
    // After one epoch there may be no best.
    let kept = ["runs/a/best_dice.safetensors", "runs/a/last.safetensors"].map(|name| folder.path(name));
    let path = kept.into_iter().find(|path| path.exists()).unwrap();
    let (sound, metadata) = read_safetensors(&path).unwrap();
    let replaced = |name: &str, value: f32| {
        let mut tensors = sound.clone();
        tensors.iter_mut().filter(|t| t.name == name).for_each(|t| t.values.fill(value));
        write_safetensors(&path, &tensors, &metadata).unwrap();
    };
    let predict = ["predict", "runs/a", "set/images", "--out", "masks"];
    for (name, value) in [("model.conv.weight", f32::NAN), ("model.bn.running_var", -1.0)] {
        replaced(name, value);
        folder.npc(&["eval", "runs/a"]).expect_failure(1, &["E0724", &name["model.".len()..]]);
        folder.npc(&predict).expect_failure(1, &["E0724", &name["model.".len()..]]);
    }
    // Finite weights whose products are not: the image is named.
    replaced("model.conv3.weight", 3e38);
    let words = ["E0724", "phantom_", "scores of this image that are NaN or infinite"];
    folder.npc(&["eval", "runs/a"]).expect_failure(1, &words);
    folder.npc(&predict).expect_failure(1, &words);
    assert!(!folder.path("masks").exists() || fs::read_dir(folder.path("masks")).unwrap().next().is_none());
}
