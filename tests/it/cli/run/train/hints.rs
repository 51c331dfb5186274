//! Runs that learn nothing end with a hint, in `train`, `eval` and the report; a run that learns has none.

use super::*;

const NETS: &str = r#"npc 1

model Small(x: [1, H, W]) -> [2, H, W] = x |> conv(8) |> bn |> relu |> conv(8) |> bn |> relu |> conv(2, k = 1)
data p {
  source = phantoms(count = 12) size = [32, 32] classes = ["background", "lung"] labels = [0, 255] empty = one
  split = random(val = 0.2, test = 0.2)
}
train stuck = Small on p { epochs = 4 batch = 2 loss = cross_entropy optimizer = sgd(lr = 1e-9) }
train everywhere = Small on p { epochs = 3 batch = 2 loss = cross_entropy(weights = [0.001, 10]) optimizer = adam(lr = 0.1) }
data more {
  source = phantoms(count = 40) size = [32, 32] classes = ["background", "lung"] labels = [0, 255] empty = one
  split = random(val = 0.2, test = 0.2)
}
train learns = Small on more { epochs = 30 batch = 2 loss = cross_entropy + dice optimizer = adam(lr = 0.02) schedule = cosine }
"#;

fn hints(folder: &TestFolder, file: &str) -> Vec<String> {
    let text = fs::read_to_string(folder.path(file)).unwrap();
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    let all = json["hints"].as_array().cloned().unwrap_or_default();
    all.iter().map(|hint| hint["kind"].as_str().unwrap().to_string()).collect()
}

#[test]
fn a_run_that_learns_nothing_ends_with_a_hint() {
    let folder = TestFolder::new();
    fs::write(folder.path("n.model"), NETS).unwrap();
    let text = folder.npc(&["train", "n.model", "stuck", "--out", "runs/s"]).expect_success();
    assert!(text.contains("\nhint: the training loss did not fall: "), "{text}");
    assert!(text.contains("look at images and masks as the network gets them with `npc data show`"), "{text}");
    assert_eq!(hints(&folder, "runs/s/summary.json")[0], "loss_did_not_fall");
    folder.npc(&["report", "runs/s"]).expect_success();
    let page = fs::read_to_string(folder.path("runs/s/report.html")).unwrap();
    assert!(page.contains("Hint: the training loss did not fall"), "{page}");
}

#[test]
fn an_epoch_that_is_foreground_everywhere_is_not_best_without_a_word() {
    let folder = TestFolder::new();
    fs::write(folder.path("n.model"), NETS).unwrap();
    let text = folder.npc(&["train", "n.model", "everywhere", "--out", "runs/e"]).expect_success();
    for part in [
        "warning: epoch 1: the predictions are foreground in 100.0 % of the pixels, the masks in ",
        "  best, all foreground\n",
        "\nhint: the best epoch, 1, predicts foreground in nearly every pixel, so its Dice of 0.",
    ] {
        assert!(text.contains(part), "`{part}` is not in {text}");
    }
    assert_eq!(hints(&folder, "runs/e/summary.json"), ["all_foreground"]);
    let text = folder.npc(&["eval", "runs/e"]).expect_success();
    let hint = "hint: the predictions are foreground in 100.0 % of the pixels, the masks in ";
    assert!(text.contains(hint), "{text}");
    let text = folder.npc(&["eval", "runs/e", "--format", "json"]).expect_success();
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(json["hints"][0]["kind"], "all_foreground");
    assert_eq!(hints(&folder, "runs/e/eval.json"), ["all_foreground"]);
    folder.npc(&["report", "runs/e"]).expect_success();
    let page = fs::read_to_string(folder.path("runs/e/report.html")).unwrap();
    assert!(
        page.contains("Hint: the best epoch, 1, predicts foreground") && page.contains("Hint: the predictions are"),
        "{page}"
    );
}

/// Masks that hold nothing but background: the hint names the cause, and no epoch is called the best.
#[test]
fn masks_without_foreground_are_the_cause() {
    let folder = TestFolder::new();
    for dir in ["i", "m"] {
        fs::create_dir(folder.path(dir)).unwrap();
    }
    for case in 0..8u8 {
        let pixels: Vec<u8> = (0..32 * 32).map(|i| (i * 7 % 251) as u8 ^ case).collect();
        image::save_buffer(folder.path(&format!("i/{case}.png")), &pixels, 32, 32, image::ExtendedColorType::L8)
            .unwrap();
        image::save_buffer(folder.path(&format!("m/{case}.png")), &[0; 32 * 32], 32, 32, image::ExtendedColorType::L8)
            .unwrap();
    }
    let data = "data p {
  images = \"i/*.png\" masks = \"m/*.png\" size = [32, 32] classes = [\"background\", \"lung\"] labels = [0, 255] empty = one
  split = random(test = 0.25)
}";
    let (before, after) = (NETS.find("data p {").unwrap(), NETS.find("train stuck").unwrap());
    fs::write(folder.path("n.model"), format!("{}{data}\n{}", &NETS[..before], &NETS[after..])).unwrap();
    for run in ["stuck", "everywhere"] {
        let text = folder.npc(&["train", "n.model", run, "--out", run]).expect_success();
        let hint = "\nhint: no mask of the 6 training images and the 2 test images has any foreground: there is nothing to learn";
        assert!(text.contains(hint) && text.matches("\nhint: ").count() == 1, "{text}");
        assert!(text.contains("none is the best") && !text.contains("the best epoch"), "{text}");
        assert_eq!(hints(&folder, &format!("{run}/summary.json")), ["no_foreground_in_masks"]);
    }
}

#[test]
fn a_run_that_learns_has_no_hint() {
    let folder = TestFolder::new();
    fs::write(folder.path("n.model"), NETS).unwrap();
    let text = folder.npc(&["train", "n.model", "learns", "--out", "runs/l"]).expect_success();
    assert!(!text.contains("hint:"), "{text}");
    for split in ["train", "test"] {
        let text = folder.npc(&["eval", "runs/l", "--split", split]).expect_success();
        assert!(!text.contains("hint:"), "{text}");
    }
    assert_eq!(hints(&folder, "runs/l/summary.json"), [""; 0]);
    // The key is there for programs.
    assert!(folder.json("runs/l/eval.json")["hints"].is_array());
}
