//! What one command knows, the others use: doubts about data in training and prediction, remarks on scores in the report, and
//! run folders of which one process takes one.

use super::*;
use std::process::Stdio;

#[test]
fn predict_warns_of_images_unlike_those_of_training() {
    let folder = TestFolder::new();
    folder.train("runs/a", &["--set", "epochs=1"]).expect_success();
    let profile = folder.json("runs/a/data.json");
    assert_eq!(
        (&profile["channels"], &profile["samples"]),
        (&serde_json::json!([1]), &serde_json::json!(["signed 16-bit"]))
    );
    assert_eq!((&profile["images"], &profile["heights"]), (&15.into(), &serde_json::json!([40, 40])));
    fs::create_dir(folder.path("in")).unwrap();
    let grey = image::GrayImage::from_fn(48, 40, |x, y| image::Luma([(x * 5 + y) as u8]));
    grey.save(folder.path("in/grey.png")).unwrap();
    let colour = image::RgbImage::from_fn(48, 40, |x, y| image::Rgb([(x * 5) as u8, y as u8, 90]));
    colour.save(folder.path("in/colour.png")).unwrap();
    fs::copy(folder.path("set/images/phantom_0001.tif"), folder.path("in/ct.tif")).unwrap();
    let warnings = |run: &str, input: &str, out: &str| -> Vec<String> {
        let printed = folder.npc(&["predict", run, input, "--out", out, "--format", "json"]).expect_success();
        let json: Value = serde_json::from_str(&printed).unwrap();
        json["warnings"].as_array().unwrap().iter().map(|w| w.as_str().unwrap().to_string()).collect()
    };
    // Slices like those of training are as they should be.
    assert_eq!(warnings("runs/a", "set/images", "same"), Vec::<String>::new());
    let all = warnings("runs/a", "in", "mixed").join("\n");
    for part in [
        "in 1 8-bit grey image (`in/grey.png`) span",
        "in 1 8-bit colour image (`in/colour.png`) span",
        "% of the window [-1000, 400]",
        "1 of 3 images is in colours, and the run was trained on grey images: `in/colour.png`",
    ] {
        assert!(all.contains(part), "`{part}` is not in {all}");
    }
    // An older run has no profile; its window says what the images are.
    fs::remove_file(folder.path("runs/a/data.json")).unwrap();
    let old = warnings("runs/a", "in/colour.png", "old").join("\n");
    assert!(old.contains("1 of 1 image is in colours, and the run expects grey images"), "{old}");
    assert!(old.contains("only") && old.contains("of the window"), "{old}");
}

#[test]
fn training_says_what_the_check_says() {
    let folder = TestFolder::new();
    // Eight-bit pictures under a window in Hounsfield units.
    for i in 0..15 {
        let tif = folder.path(&format!("set/images/phantom_{i:04}.tif"));
        let values: Vec<u8> = (0..40 * 48).map(|p| (p % 48 * 5 + p / 48 + i) as u8).collect();
        crate::support::data_sets::tif::<tiff::encoder::colortype::Gray8>(&tif, [40, 48], &values, false);
    }
    let checked = folder.npc(&["data", "check", "tiny.model", "slices"]).expect_success();
    let window = checked.lines().find_map(|line| line.strip_prefix("warning[window]: ")).unwrap();
    let dry = folder.train("runs/a", &["--dry-run"]).expect_success();
    assert!(dry.contains(window), "{window} is not in {dry}");
    let trained = folder.train("runs/a", &["--set", "epochs=1"]).expect_success();
    assert!(trained.contains(&format!("warning: {window}")), "{window} is not in {trained}");
}

#[test]
fn the_report_has_the_remarks_of_eval() {
    let folder = TestFolder::new();
    folder.train("runs/a", &["--set", "epochs=3"]).expect_success();
    let printed = folder.npc(&["eval", "runs/a"]).expect_success();
    folder.npc(&["report", "runs/a", "--cases", "1"]).expect_success();
    let html = fs::read_to_string(folder.path("runs/a/report.html")).unwrap();
    let plain =
        html.replace("&gt;", ">").replace("&lt;", "<").replace("&quot;", "\"").replace("&amp;", "&").to_lowercase();
    let notes: Vec<&str> = printed
        .lines()
        .filter(|l| !l.is_empty())
        .skip_while(|l| !l.contains("(empty = one)"))
        .take_while(|l| !l.starts_with("per image"))
        .collect();
    assert!(!notes.is_empty(), "{printed}");
    for note in notes {
        assert!(plain.contains(&note.trim().to_lowercase()), "`{note}` is not in the report");
    }
    if folder.json("runs/a/eval.json")["chosen_here"] == true {
        assert!(plain.contains("optimistic, the weights were chosen on these images"));
    }
}

/// Of many starts into one new folder one trains; the others are refused, whenever they came.
#[test]
fn of_many_starts_into_one_folder_one_trains() {
    let folder = TestFolder::new();
    let start = |i: usize, more: &[&str]| {
        let lr = format!("lr=0.01,epochs=3,seed={i}");
        let args = [&["train", "tiny.model", "tiny", "--out", "runs/deep/a", "--set", &lr], more].concat();
        folder.command(&args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    };
    let children: Vec<_> = (0..12).map(|i| start(i, &["--threads", "1"])).collect();
    let outputs: Vec<CommandOutput> = children.into_iter().map(|c| c.wait_with_output().unwrap().into()).collect();
    let trained: Vec<usize> = (0..12).filter(|&i| outputs[i].code == Some(0)).collect();
    assert_eq!(trained.len(), 1, "{trained:?}");
    let settings = fs::read_to_string(folder.path("runs/deep/a/settings.yaml")).unwrap();
    assert!(settings.contains(&format!("  seed: {}\n", trained[0])), "{settings}");
    for (_, refused) in outputs.into_iter().enumerate().filter(|(i, _)| *i != trained[0]) {
        refused.expect_failure(1, &["E0722"]);
    }
    assert_eq!(folder.metrics("runs/deep/a").len(), 3);
    // With `--resume=auto` the second waits for the first and finds it finished.
    let auto = |_: usize| {
        let args = ["train", "tiny.model", "tiny", "--out", "runs/auto", "--resume=auto"];
        folder.command(&args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    };
    let children: Vec<_> = (0..4).map(auto).collect();
    let outputs: Vec<CommandOutput> = children.into_iter().map(|c| c.wait_with_output().unwrap().into()).collect();
    assert!(outputs.iter().all(|output| output.code == Some(0)));
    assert_eq!(outputs.iter().filter(|output| output.stdout.contains("finished already")).count(), 3);
    assert_eq!(folder.metrics("runs/auto").len(), 3);
}

/// A run that is refused leaves no folder behind.
#[test]
fn a_refused_start_leaves_no_folder() {
    let folder = TestFolder::new();
    fs::remove_file(folder.path("set/images/phantom_0003.tif")).unwrap();
    folder.train("runs/deep/a", &[]).expect_failure(1, &["phantom_0003"]);
    assert!(!folder.path("runs").exists());
}
