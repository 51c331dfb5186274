//! `npc data show` as a user runs it.

use crate::support::program::{ProgramOutput, npc};
use std::path::Path;

const NET: &str = "npc 1

model Net(x: [1, H, W]) -> [2, H, W] = x |> conv(2)

data lung {
  source = phantoms(count = 10)
  size = [64, 48]
  classes = [\"background\", \"lung\"]
  labels = [0, 255]
  empty = one
}

data other {
  images = \"gone/*.png\"
  masks = \"gone/*_mask.png\"
  size = [64, 48]
  classes = [\"background\", \"lung\"]
  labels = [0, 255]
  empty = one
}

train plain = Net on lung { epochs = 2 }
train changed = Net on lung {
  epochs = 2
  augment = [flip(horizontal = 1), rotate(degrees = [20, 20], p = 1), noise(std = 0.02)]
}
";

fn show(dir: &Path, args: &[&str]) -> ProgramOutput {
    std::fs::write(dir.join("net.model"), NET).unwrap();
    npc(dir, &[&["data", "show", "net.model"], args].concat())
}

fn size(path: &Path) -> (u32, u32) {
    let picture = image::ImageReader::open(path).unwrap().decode().unwrap();
    (picture.width(), picture.height())
}

#[test]
fn sheets_contain_the_requested_samples() {
    let dir = tempfile::tempdir().unwrap();
    let output = show(dir.path(), &["lung", "--count", "3", "--out", "a.png"]);
    assert_eq!(
        (output.code, output.stdout.as_str()),
        (0, "3 of 8 samples of `train`: a.png (402 x 575)\n"),
        "{}",
        output.stderr
    );
    assert_eq!(size(&dir.path().join("a.png")), (402, 575));
    let output =
        show(dir.path(), &["--run", "changed", "--count", "2", "--versions", "2", "--split", "test", "--out", "b.png"]);
    assert!(
        output.stdout.starts_with("2 of 2 samples of `test`, each in 2 epochs from 1: b.png (600 x "),
        "{}{}",
        output.stdout,
        output.stderr
    );
    let output = show(dir.path(), &["lung", "--run", "plain", "--out", "c.png"]);
    assert!(output.stdout.contains("run `plain` augments nothing"), "{}{}", output.stdout, output.stderr);
    // Epochs 2 and 3 of one call are 2 and 3 of another; another seed shows other samples.
    let bytes = |name: &str| std::fs::read(dir.path().join(name)).unwrap();
    let at = |epoch: &str, seed: &str, name: &str| {
        let args =
            ["--run", "changed", "--count", "1", "--versions", "1", "--epoch", epoch, "--seed", seed, "--out", name];
        assert_eq!(show(dir.path(), &args).code, 0);
        bytes(name)
    };
    let first = at("1", "0", "d.png");
    assert_eq!(first, at("1", "0", "e.png"));
    assert_ne!(first, at("2", "0", "f.png"));
    assert_ne!(first, at("1", "1", "g.png"));
}

#[test]
fn refusals_name_the_edit() {
    let dir = tempfile::tempdir().unwrap();
    let refused = |args: &[&str], code: i32, part: &str| {
        let output = show(dir.path(), &[args, &["--out", "x.png"]].concat());
        assert_eq!(output.code, code, "{args:?}: {}", output.stderr);
        assert!(output.stderr.contains(part), "{args:?}: {}", output.stderr);
        assert!(!dir.path().join("x.png").exists());
    };
    refused(&["lnug"], 1, "did you mean `lung`?");
    refused(&[], 1, "the file has several data blocks");
    refused(&["--run", "chnged"], 1, "did you mean `changed`?");
    refused(&["other", "--run", "changed"], 1, "run `changed` trains on data `lung`, not on `other`");
    refused(&["other"], 1, "gone");
    refused(&["lung", "--split", "val"], 2, "has no image in its `val` split");
    refused(&["lung", "--set", "epochs=3"], 2, "`epochs` is not a setting of the data block");
    refused(&["lung", "--epoch", "0"], 2, "0");
    refused(
        &["lung", "--count", "1000", "--set", "data.size=[4000,4000],data.source=phantoms(count = 1000)"],
        2,
        "--count",
    );
    refused(&["--run", "changed", "--set", "augment=[rot90]"], 1, "`rot90` needs square images");
    let output = npc(dir.path(), &["data", "show", "lung"]);
    assert_eq!(output.code, 2, "{}", output.stderr);
}
