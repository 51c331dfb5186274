//! Runs as a user sees them begin and break off.

use super::*;

#[test]
fn a_dry_run_reports_and_writes_nothing() {
    let folder = TestFolder::new();
    let set = "epochs=40,accumulate=2,ema=0.9,save_every=0.0001";
    let text = folder.train("runs/a", &["--dry-run", "--set", set, "--threads", "2"]).expect_success();
    for words in [
        "tiny (Tiny) on slices at 32x32, cpu, into runs/a",
        "12 training images, 3 of test scored",
        "3 an epoch, 120 in 40 epochs",
        "s a step here, about",
        "about 1 minute on two cores, by the operations of the network",
        "all 15 masks contain only valid labels",
        "as measured in two steps and a scored batch",
        "memory   about",
        "disk ",
    ] {
        assert!(text.contains(words), "`{words}` is not in: {text}");
    }
    assert!(!folder.path("runs").exists());
    folder.train("runs/a", &["--dry-run", "--set", "model.classes=3"]).expect_failure(1, &["3 channels", "2 classes"]);
    folder.train("runs/a", &["--dry-run", "--resume"]).expect_failure(1, &["no run to resume"]);
    assert!(!folder.path("runs").exists());
    // A run that exists is reported and stays unchanged.
    folder.train("runs/a", &["--set", "epochs=1", "--threads", "2"]).expect_success();
    let before = fs::read(folder.path("runs/a/last.safetensors")).unwrap();
    let text = folder.train("runs/a", &["--dry-run"]).expect_success();
    assert!(
        text.contains("folder   holds a run already: train with `--resume`, `--overwrite` or `--out DIR`"),
        "{text}"
    );
    let text = folder.train("runs/a", &["--dry-run", "--resume", "--set", "epochs=3"]).expect_success();
    assert!(text.contains("12 in 2 epochs"), "{text}");
    assert!(before == fs::read(folder.path("runs/a/last.safetensors")).unwrap());
    assert!(fs::read_to_string(folder.path("runs/a/settings.yaml")).unwrap().contains("threads: 2"));
}

#[test]
fn weights_of_another_run_are_reported() {
    let folder = TestFolder::new();
    folder.train("runs/a", &[]).expect_success();
    let text = folder.train("runs/b", &["--init", "runs/a", "--set", "model.width=8,epochs=2"]).expect_success();
    assert!(text.contains("12 of 12 tensors loaded by name"), "{text}");
    let report = folder.json("runs/b/init.json");
    assert_eq!(report["tensors"][0]["fate"], "loaded");
    // A resumed run does not need the option again; other initial weights are another run.
    folder.train("runs/b", &["--resume", "--set", "model.width=8,epochs=3"]).expect_success();
    let other = ["--resume", "--init", "runs/none", "--set", "model.width=8,epochs=3"];
    folder.train("runs/b", &other).expect_failure(1, &["settings.yaml", "settings differ"]);
    let text = folder.train("runs/c", &["--init", "runs/a", "--set", "model.width=6"]).expect_success();
    assert!(
        text.contains("1 of 12 tensors loaded by name, 11 of another shape (they keep their initial values)"),
        "{text}"
    );
    folder.train("runs/d", &["--init", "runs/none"]).expect_failure(1, &["runs/none"]);
    assert!(!folder.path("runs/d").exists());

    let args = ["weights", "tiny.model", "--model", "Tiny", "--from", "runs/a", "--out", "w.safetensors"];
    let text = folder.npc(&args).expect_success();
    assert!(text.contains("conv2.weight [16, 8, 3, 3]  loaded"), "{text}");
    let tensors = |name: &str| read_safetensors(&folder.path(name)).unwrap().0;
    let best = tensors("runs/a/last.safetensors").len();
    assert!(tensors("w.safetensors").len() < best);
    let json: Value =
        serde_json::from_str(&folder.npc(&[&args[..], &["--format", "json"]].concat()).expect_success()).unwrap();
    assert_eq!(json["from"]["tensors"].as_array().unwrap().len(), 12);
}

/// The first NaN is reported with its place in the source: in a block that the model calls.
#[test]
fn the_place_of_the_first_nan_is_reported() {
    let folder = TestFolder::new();
    let block = "block Ratio(x: [C, H, W]) -> [C, H, W] {\n  let none = x - x\n  return x / none\n}\n";
    let model = MODEL.replace("npc 1\n", &format!("npc 1\n\n{block}")).replacen("|> relu\n", "|> Ratio\n", 1);
    fs::write(folder.path("tiny.model"), model).unwrap();
    let output = folder.train("runs/a", &[]);
    output.expect_failure(
        1,
        &[
            "the loss became NaN in epoch 1, step 1",
            "first node with a NaN or infinite output",
            "tiny.model:5:10",
            "called at tiny.model:12:8",
        ],
    );
    assert!(!folder.path("runs/a/last.safetensors").exists());
    let early = folder.train("runs/a", &[]);
    assert_eq!(early.code, Some(1), "a run without a checkpoint can be started again: {}", early.stderr);
    assert!(early.stderr.contains("NaN"));
}

#[test]
fn early_stopping_is_reported() {
    let folder = TestFolder::new();
    let set = ["--set", "epochs=9,patience=2,lr=1e-12"];
    let text = folder.train("runs/a", &set).expect_success();
    assert!(text.contains("no better score in 2 epochs"), "{text}");
    assert_eq!(folder.json("runs/a/summary.json")["stopped_early"], true);
    let again = folder.train("runs/a", &[&["--resume"], &set[..]].concat()).expect_success();
    assert!(again.contains("no better score in 2 epochs"), "{again}");
    folder.train("runs/b", &["--set", "patience=2,keep=[last]"]).expect_failure(2, &["patience", "add `best(dice)`"]);
}
