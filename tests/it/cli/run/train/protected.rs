//! What a command writes replaces neither the files of a run nor those of its data, and evaluations replace files of npc alone.

use super::*;

/// A second data block, whose masks are PNG files as predictions are.
const OTHER: &str = r#"
data drawn {
  images = "set/images/*.tif"
  masks = "truth/*.png"
  size = [32, 32]
  classes = ["background", "lung"]
  labels = [0, 255]
  empty = one
  window = [-1000, 400]
}

sweep widths = Tiny(width = 4 | 8)
"#;

/// A folder with a run of one epoch, and with masks for the second block.
fn trained() -> TestFolder {
    let folder = TestFolder::new();
    fs::write(folder.path("tiny.model"), format!("{MODEL}{OTHER}")).unwrap();
    fs::create_dir(folder.path("truth")).unwrap();
    for stem in ["phantom_0003", "sheet", "reliability"] {
        fs::write(folder.path(&format!("truth/{stem}.png")), "drawn by hand").unwrap();
    }
    folder.train("runs/a", &["--set", "epochs=1"]).expect_success();
    folder
}

/// Runs a command that must be refused, since it would replace this file; the file stays.
#[track_caller]
fn kept(folder: &TestFolder, file: &str, what: &str, args: &[&str]) {
    let before = fs::read(folder.path(file)).unwrap();
    let words = format!("error[E0702]: {file}: {what}");
    folder.npc(args).expect_failure(1, &[&words, "help: "]);
    assert!(before == fs::read(folder.path(file)).unwrap(), "{args:?}");
}

#[test]
fn predictions_replace_no_mask() {
    let folder = trained();
    let image = "set/images/phantom_0003.tif";
    let mask = "truth/phantom_0003.png";
    kept(&folder, mask, "this is a mask of a data block", &["predict", "runs/a", image, "--out", "truth"]);
    kept(&folder, mask, "this is a mask of a data block", &["predict", "runs/a", "set/images", "--out", "truth"]);
    // A file beside the image, named by no data block.
    fs::create_dir(folder.path("new")).unwrap();
    fs::copy(folder.path(image), folder.path("new/scan.tif")).unwrap();
    fs::write(folder.path("new/scan.png"), "drawn by hand").unwrap();
    let what = "this file is beside the image new/scan.tif";
    kept(&folder, "new/scan.png", what, &["predict", "runs/a", "new/scan.tif", "--out", "new"]);
    for _ in 0..2 {
        folder.npc(&["predict", "runs/a", "new/scan.tif", "--out", "masks"]).expect_success();
    }
}

#[test]
fn outputs_replace_no_file_of_the_run_or_its_data() {
    let folder = trained();
    let mask = "this is a mask of a data block";
    kept(&folder, "truth/sheet.png", mask, &["eval", "runs/a", "--overlays", "truth"]);
    kept(&folder, "truth/reliability.png", mask, &["eval", "runs/a", "--figures", "truth"]);
    // Pictures of other names would be masks and images of the next run.
    for (option, dir, what) in [("--overlays", "set/images", "an image"), ("--figures", "set/masks", "a mask")] {
        let words = format!("error[E0702]: {dir}: this is the folder of {what} of a data block");
        folder.npc(&["eval", "runs/a", option, dir]).expect_failure(1, &[&words, "help: "]);
    }
    assert!(!folder.path("runs/a/eval.json").exists() && !folder.path("set/masks/confusion.svg").exists());
    folder.npc(&["eval", "runs/a"]).expect_success();
    kept(&folder, "truth/reliability.png", mask, &["report", "runs/a", "--figures", "truth"]);
    fs::hard_link(folder.path("runs/a/eval.json"), folder.path("page.html")).unwrap();
    fs::hard_link(folder.path("runs/a/eval.json"), folder.path("plot.svg")).unwrap();
    kept(&folder, "page.html", "this is a file of the run", &["report", "runs/a", "--out", "page.html"]);
    kept(&folder, "plot.svg", "this is a file of the run", &["compare", "runs/a", "runs/a", "--plot", "plot.svg"]);
    for _ in 0..2 {
        folder.npc(&["report", "runs/a", "--out", "runs/a/report.html"]).expect_success();
    }
    let weights = ["weights", "tiny.model", "--model", "Tiny", "--size", "32x32", "--out"];
    let model = fs::read(folder.path("tiny.model")).unwrap();
    folder.npc(&[&weights[..], &["tiny.model"]].concat()).expect_failure(2, &["`.model`", ".safetensors"]);
    assert!(model == fs::read(folder.path("tiny.model")).unwrap());
    fs::hard_link(folder.path("tiny.model"), folder.path("twin.safetensors")).unwrap();
    let twin = "twin.safetensors";
    kept(&folder, twin, "this is the model file", &[&weights[..], &[twin]].concat());
    let last = "runs/a/last.safetensors";
    kept(&folder, last, "this is a file of the run", &[&weights[..], &[last, "--from", "runs/a"]].concat());
    let what = "in a run folder this is the name of a checkpoint";
    kept(&folder, last, what, &[&weights[..], &[last]].concat());
    let new = "runs/a/best_hd95.safetensors";
    folder.npc(&[&weights[..], &[new]].concat()).expect_failure(1, &[what]);
    assert!(!folder.path(new).exists());
    fs::write(folder.path("runs/a/report.html"), "<p>mine</p>").unwrap();
    let what = "the report would replace this file, and npc did not write it";
    kept(&folder, "runs/a/report.html", what, &["report", "runs/a"]);
    let sweep = ["sweep", "tiny.model", "widths", "--run", "tiny"];
    kept(&folder, "tiny.model", "this is the model file", &[&sweep[..], &["--slurm", "tiny.model"]].concat());
    fs::write(folder.path("jobs.sh"), "#!/bin/bash\nmine\n").unwrap();
    let what = "the script would replace this file, and npc did not write it";
    kept(&folder, "jobs.sh", what, &[&sweep[..], &["--slurm", "jobs.sh"]].concat());
    folder.npc(&[&sweep[..], &["--slurm", "jobs.csv"]].concat()).expect_failure(2, &["the format `.csv`", ".sh"]);
    for _ in 0..2 {
        folder.npc(&[&sweep[..], &["--slurm", "array.sh"]].concat()).expect_success();
    }
    kept(&folder, "truth/sheet.png", mask, &[&sweep[..], &["--plot", "truth/sheet.png"]].concat());
    let bench = ["bench", "tiny.model", "--model", "Tiny", "--size", "32x32", "--seconds", "0", "--profile"];
    fs::hard_link(folder.path("tiny.model"), folder.path("twin.svg")).unwrap();
    kept(&folder, "twin.svg", "this is the model file", &[&bench[..], &["twin.svg"]].concat());
}

#[test]
fn an_evaluation_replaces_files_of_npc_alone() {
    let folder = trained();
    for (name, text) in [("cases.csv", "image,mask\na.png,b.png\n"), ("eval.json", "{\"mine\": 1}")] {
        let file = format!("runs/a/{name}");
        fs::write(folder.path(&file), text).unwrap();
        let what = "the scores of the run would replace this file, and npc did not write it";
        kept(&folder, &file, what, &["eval", "runs/a"]);
        fs::remove_file(folder.path(&file)).unwrap();
    }
    for _ in 0..2 {
        folder.npc(&["eval", "runs/a"]).expect_success();
    }
}
