//! What one command knows, the others tell: lints in training, equal images in an evaluation, names in a prediction.

use super::*;

/// A network whose result shows the middle of the image, stretched over all of it.
const STRETCHED: &str = r#"npc 1

model Valid(x: [1, H, W]) -> [2, H, W] = x |> conv(8, pad = 0) |> relu |> conv(8, pad = 0) |> relu |> conv(2, k = 1) |> resize(to = x)
data p { source = phantoms(count = 6) size = [16, 16] classes = ["background", "lung"] labels = [0, 255] empty = one }
train t = Valid on p { epochs = 1 batch = 1 }
"#;

#[test]
fn lints_of_the_network_are_warnings_of_training() {
    let folder = TestFolder::new();
    fs::write(folder.path("v.model"), STRETCHED).unwrap();
    let wanted =
        ["warning: v.model:3:", "the result of `Valid` shows pixels 2 to 14 of a height of 16", "(W0418)", "help: "];
    let text = folder.npc(&["train", "v.model", "t", "--out", "runs/v"]).expect_success();
    wanted.iter().for_each(|word| assert!(text.contains(word), "`{word}` is not in {text}"));
    let text = folder.npc(&["train", "v.model", "t", "--out", "runs/w", "--dry-run"]).expect_success();
    assert!(text.contains("(W0418)"), "{text}");
    // The run can be repeated from its own folder, with the same words.
    let text = folder.npc(&["train", "runs/v/settings.yaml", "--out", "runs/x"]).expect_success();
    assert!(text.contains("(W0418)"), "{text}");
    fs::write(folder.path("v.model"), STRETCHED.replace("model Valid", "@allow(misplaced_result)\nmodel Valid"))
        .unwrap();
    let text = folder.npc(&["train", "v.model", "t", "--out", "runs/y"]).expect_success();
    assert!(!text.contains("W0418"), "{text}");
    let text = folder.train("runs/a", &[]).expect_success();
    assert!(!text.contains("(W04"), "{text}");
}

#[test]
fn one_image_and_one_epoch_are_counted_as_such() {
    let folder = TestFolder::new();
    let one =
        STRETCHED.replace("count = 6", "count = 2").replace("empty = one", "split = random(test = 0.5) empty = one");
    fs::write(folder.path("v.model"), one).unwrap();
    let text = folder.npc(&["train", "v.model", "t", "--out", "runs/v"]).expect_success();
    assert!(text.contains("1 training image, 1 scored after 1 epoch\n"), "{text}");
}

#[test]
fn equal_images_across_the_split_are_told_by_an_evaluation() {
    let folder = TestFolder::new();
    let list = |name: &str| fs::read_to_string(folder.path(name)).unwrap().lines().next().unwrap().to_string();
    let [train, test] = ["set/train.txt", "set/test.txt"].map(list);
    let text = folder.train("runs/a", &["--set", "epochs=1"]).expect_success();
    assert!(!text.contains("the same file"), "{text}");
    assert!(!folder.npc(&["eval", "runs/a"]).stderr.contains("the same file"));
    fs::copy(folder.path(&format!("set/images/{train}.tif")), folder.path(&format!("set/images/{test}.tif"))).unwrap();
    let output = folder.npc(&["eval", "runs/a"]);
    let wanted = format!("`{train}` in train and `{test}` in test are the same file");
    assert!(output.stderr.contains(&wanted) && output.stderr.contains("data leakage"), "{}", output.stderr);
    let page = folder.npc(&["report", "runs/a"]);
    page.expect_success();
    assert!(fs::read_to_string(folder.path("runs/a/report.html")).unwrap().contains("are the same file"));
}

#[test]
fn names_of_predicted_images() {
    let folder = TestFolder::new();
    folder.train("runs/a", &["--set", "epochs=1"]).expect_success();
    let image = folder.path("set/images/phantom_0003.tif");
    let put = |name: &str| {
        let at = folder.path(&format!("in/{name}.tif"));
        fs::create_dir_all(at.parent().unwrap()).unwrap();
        fs::copy(&image, at).unwrap();
    };
    // One line a mask, whatever its name.
    put("a\nb");
    let text = folder.npc(&["predict", "runs/a", "in", "--out", "o1"]).expect_success();
    assert!(text.lines().next().unwrap().starts_with("o1/a\u{240a}b.png  "), "{text}");
    fs::remove_dir_all(folder.path("in")).unwrap();
    // The overlay of one image cannot have its name: nothing of it is written, and the other is predicted.
    put(&"n".repeat(251));
    put("short");
    let output = folder.npc(&["predict", "runs/a", "in", "--out", "o2", "--overlay"]);
    output.expect_failure(1, &["its name with the ending `_overlay.png` has 263 bytes", "1 of 2 images not predicted"]);
    let mut written: Vec<String> = fs::read_dir(folder.path("o2"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    written.sort();
    assert_eq!(written, ["short.png", "short_overlay.png"]);
    folder.npc(&["predict", "runs/a", "in", "--out", "o3"]).expect_success();
    fs::remove_dir_all(folder.path("in")).unwrap();
    // Forms of one letter would be one file on some systems.
    put("caf\u{e9}");
    put("cafe\u{301}");
    folder
        .npc(&["predict", "runs/a", "in", "--out", "o4"])
        .expect_failure(1, &["two images have the same output file"]);
}
