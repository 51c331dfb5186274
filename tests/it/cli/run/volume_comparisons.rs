//! Volumes that are divided, compared, and held against the window of a run.

use super::volumes::{MODEL, ORDERS, VolumeFolder, in_order, value, volume};
use serde_json::Value;
use std::fs;

/// A volume whose slices are in two parts of the split has no score of its own, and that is said.
#[test]
fn divided_volumes_are_left_out() {
    let folder = VolumeFolder::new("[7, 6]", "[0, 3]", "", 90.0);
    let slices = |volumes: &[usize]| -> Vec<String> {
        volumes.iter().flat_map(|v| (0..5).map(move |z| format!("v{v}_z{z:04}"))).collect()
    };
    let (train, test) = (slices(&[0, 1]), slices(&[2, 3, 4]));
    let (divided, test) = test.split_first().unwrap();
    fs::write(folder.path("train.txt"), [&train[..], std::slice::from_ref(divided)].concat().join("\n")).unwrap();
    fs::write(folder.path("test.txt"), test.join("\n")).unwrap();
    // Each slice is a group of its own.
    let model = MODEL.replace("SIZE", "[7, 6]").replace("LABELS", "[0, 3]").replace("MORE", "");
    let model = model.replace("test = \"test.txt\")", "test = \"test.txt\", group = \"{group}\")");
    fs::write(folder.path("id.model"), model).unwrap();
    fs::remove_dir_all(folder.path("run")).unwrap();
    folder.train(90.0);
    let printed = folder.ok(&["eval", "run"]).stdout;
    assert!(printed.contains("left out, because slices of them lie in another part of the split: v2"), "{printed}");
    assert_eq!(folder.json("run/eval.json")["volumes"]["n"], 2);
}

/// Runs are compared on whole volumes, also where the sizes of their data blocks differ.
#[test]
fn runs_are_compared_on_whole_volumes() {
    let folder = VolumeFolder::new("[7, 6]", "[0, 3]", "", 90.0);
    folder.ok(&["eval", "run"]);
    fs::rename(folder.path("run"), folder.path("near")).unwrap();
    folder.train(400.0);
    folder.ok(&["eval", "run"]);
    let printed = folder.ok(&["compare", "near", "run", "--volumes"]).stdout;
    assert!(printed.contains("2 runs on 3 test volumes") && printed.contains("bootstrap over volumes"), "{printed}");
    let json: Value =
        serde_json::from_str(&folder.ok(&["compare", "near", "run", "--volumes", "--format", "json"]).stdout).unwrap();
    assert_eq!((&json["of"], &json["n"]), (&"volumes".into(), &3.into()));
    let dice = |run: &str| folder.json(&format!("{run}/eval.json"))["volumes"]["mean"]["dice"].as_f64().unwrap();
    let difference = json["differences"][0]["mean"].as_f64().unwrap();
    assert!((difference - (dice("run") - dice("near"))).abs() < 1e-5 && difference < -0.1, "{difference}");
    // Distances in mm by two spacings are no pair.
    let settings = folder.path("run/settings.yaml");
    let text = fs::read_to_string(&settings).unwrap();
    fs::write(&settings, text.replace("spacing: null", "spacing: [3.0, 3.0]")).unwrap();
    folder.ok(&["eval", "run"]);
    let printed = folder.ok(&["compare", "near", "run", "--volumes"]).stdout;
    assert!(printed.contains("the data blocks give different `spacing`"), "{printed}");
    fs::write(&settings, text).unwrap();
    folder.ok(&["eval", "run"]);
    // A table of an earlier evaluation is not compared.
    let table = folder.path("near/volumes.csv");
    let rows = fs::read_to_string(&table).unwrap();
    fs::write(&table, rows.lines().take(3).collect::<Vec<_>>().join("\n")).unwrap();
    let stale = ["volumes.csv has 2 volumes, but eval.json has 3", "npc eval near"];
    folder.refused(&["compare", "near", "run", "--volumes"], &stale);
    fs::remove_file(table).unwrap();
    folder.refused(&["compare", "near", "run", "--volumes"], &["no scores of volumes", "npc eval near"]);
    folder.ok(&["compare", "near", "run"]);
}

/// Volumes are held against the window of the run like pictures, as a whole.
#[test]
fn volumes_that_do_not_fit_the_window_are_reported() {
    let folder = VolumeFolder::new("[7, 6]", "[0, 3]", "", 90.0);
    let order = ORDERS[0];
    let low = volume(order, &in_order(order, |at| value(0, at) / 10 + 3));
    low.write(&folder.path("other/low.nii.gz"));
    volume(order, &in_order(order, |at| value(0, at) - 4000)).write(&folder.path("other/below.nii.gz"));
    let output = folder.ok(&["predict", "run", "other/low.nii.gz", "--out", "o1"]);
    let said = format!("{}{}", output.stdout, output.stderr);
    assert!(said.contains("of the window [0, 1500]"), "{said}");
    let output = folder.ok(&["predict", "run", "other/below.nii.gz", "--out", "o2"]);
    let said = format!("{}{}", output.stdout, output.stderr);
    assert!(said.contains("100 % of the values lie below the window [0, 1500]"), "{said}");
    let output = folder.ok(&["predict", "run", "i/v2.nii.gz", "--out", "o3"]);
    let said = format!("{}{}", output.stdout, output.stderr);
    assert!(!said.contains("window"), "{said}");
}
