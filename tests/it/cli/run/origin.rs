//! What weights rest on: settings that were edited, files that were replaced, and checkpoints of other runs are reported, and scores of
//! two data sets, or of earlier weights, are not compared.

use crate::support::program::{ProgramOutput, npc};
use npc::internals::data::phantom::write_phantoms;
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::{TempDir, tempdir};

const MODEL: &str = r#"npc 1

model Tiny(x: [1, H, W], width: int = 4) -> [2, H, W]
  = x |> conv(width, bias = false) |> bn |> relu |> conv(2, k = 1)

sweep widths = Tiny(width = 4)

data slices {
  images = "set/images/*.tif"
  masks = "set/masks/*.tif"
  size = [24, 24]
  classes = ["background", "lung"]
  labels = [0, 255]
  window = [-1000, 400]
  empty = one
  split = random(train = 0.5, test = 0.5)
}

train tiny = Tiny on slices {
  epochs = 1
  batch = 2
  optimizer = adam(lr = 1e-2)
  keep = [last]
}
"#;

/// Two data roots, `a` and `b`, with slices of equal names and lengths.
struct TwoRoots(TempDir);

impl TwoRoots {
    fn new() -> TwoRoots {
        let roots = TwoRoots(tempdir().unwrap());
        for (root, seed) in [("a", 0), ("b", 1)] {
            write_phantoms(&roots.path(&format!("{root}/set")), 8, seed, [24, 24]).unwrap();
        }
        fs::write(roots.path("tiny.model"), MODEL).unwrap();
        roots
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn run(&self, args: &str) -> ProgramOutput {
        npc(self.0.path(), &args.split_whitespace().collect::<Vec<_>>())
    }

    #[track_caller]
    fn ok(&self, args: &str) -> String {
        let output = self.run(args);
        let text = format!("{}{}", output.stdout, output.stderr);
        assert_eq!(output.code, 0, "{args}: {text}");
        text
    }

    #[track_caller]
    fn refused(&self, args: &str, words: &[&str]) {
        let output = self.run(args);
        assert_eq!(output.code, 1, "{args}: {}{}", output.stdout, output.stderr);
        words.iter().for_each(|word| assert!(output.stderr.contains(word), "{word}: {}", output.stderr));
    }

    /// Replaces a text of a file.
    #[track_caller]
    fn edit(&self, file: &str, from: &str, to: &str) {
        let text = fs::read_to_string(self.path(file)).unwrap();
        assert!(text.contains(from), "{text}");
        fs::write(self.path(file), text.replace(from, to)).unwrap();
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().flatten() {
        if entry.path().is_file() {
            fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
    }
}

const OTHER_SETTINGS: &str = "the weights were trained with other settings than the run folder has now";
const OTHER_FILES: &str = "are not those that were there when the run was trained";

#[test]
fn edited_settings_and_exchanged_weights_are_reported() {
    let roots = TwoRoots::new();
    roots.ok("train tiny.model tiny --data-root a --out run");
    for quiet in ["eval run", "predict run a/set/images --out p0"] {
        let text = roots.ok(quiet);
        assert!(!text.contains("other settings") && !text.contains(OTHER_FILES), "{text}");
    }
    copy(&roots.path("run"), &roots.path("edited"));
    roots.edit("edited/settings.yaml", "  - 400.0", "  - 300.0");
    let wanted = "`data.window` is [-1000.0,300.0] and was [-1000.0,400.0]";
    for args in ["eval edited", "predict edited a/set/images --out p1"] {
        let text = roots.ok(args);
        assert!(text.contains(OTHER_SETTINGS) && text.contains(wanted), "{text}");
    }
    roots.ok("report edited --out edited.html");
    assert!(fs::read_to_string(roots.path("edited.html")).unwrap().contains("data.window"));
    // Weights of another run of equal shapes.
    roots.ok("train tiny.model tiny --data-root a --set seed=7 --out other");
    fs::copy(roots.path("other/last.safetensors"), roots.path("run/last.safetensors")).unwrap();
    for args in [
        "eval run",
        "predict run a/set/images --out p2",
        "train tiny.model tiny --data-root a --set epochs=2 --out run --resume",
    ] {
        let text = roots.ok(args);
        assert!(text.contains("`train.seed` is 0 and was 7"), "{args}: {text}");
    }
}

#[test]
fn files_that_were_replaced_are_reported() {
    let roots = TwoRoots::new();
    roots.ok("train tiny.model tiny --data-root a --out run");
    let text = roots.ok("eval run --data-root b");
    assert!(text.contains("the files of the split (test)") && text.contains(OTHER_FILES), "{text}");
    let text = roots.ok("train tiny.model tiny --data-root b --set epochs=2 --out run --resume");
    assert!(text.contains("the files of the split (test, train) are not those of the epochs before"), "{text}");
    // From now on these are the files of the run.
    assert!(!roots.ok("eval run --data-root b").contains(OTHER_FILES));
}

#[test]
fn scores_of_other_masks_or_of_earlier_weights_are_not_compared() {
    let roots = TwoRoots::new();
    roots.ok("train tiny.model tiny --data-root a --out first");
    roots.ok("train tiny.model tiny --data-root a --set seed=1 --out second");
    roots.ok("eval first");
    roots.ok("eval second --data-root b");
    roots.refused("compare first second", &["were not scored on the same masks", "pixels", "--data-root"]);
    roots.ok("eval second --data-root a");
    roots.ok("compare first second");
    roots.ok("train tiny.model tiny --data-root a --set epochs=2 --out first --resume");
    roots.refused(
        "compare first second",
        &["eval.json is of other weights than last.safetensors has now", "npc eval first"],
    );
    roots.ok("eval first");
    roots.ok("compare first second");
}

#[test]
fn a_sweep_does_not_join_runs_on_two_data_sets() {
    let roots = TwoRoots::new();
    roots.ok("sweep tiny.model widths --run tiny --data-root a --train --out sweep");
    roots.ok("sweep tiny.model widths --run tiny --data-root a --seeds 2 --train --out sweep");
    let sweep = "sweep tiny.model widths --run tiny --data-root b --seeds 3 --train --out sweep";
    roots.refused(sweep, &["a run on other files (test, train)", "--out DIR"]);
}
