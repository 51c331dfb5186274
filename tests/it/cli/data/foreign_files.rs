//! Run folders with links and paths to files from elsewhere: nothing of these is shown. And files of a run that a report cannot show.

use crate::support::program::npc;
use crate::support::run_settings::SETTINGS;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;
use tempfile::{TempDir, tempdir};

/// Changes a folder.
type FolderChange = Box<dyn Fn(&Path)>;

const SECRET: &str = "root:x:0:0:SECRET line\n\"SECRET\"\n";
const EPOCHS: &str = "{\"epoch\":1,\"loss\":0.5,\"dice\":0.4}\n{\"epoch\":2,\"loss\":0.4,\"dice\":0.6}\n";

/// A run folder `r` of two epochs without weights, beside a secret.
fn run_folder() -> TempDir {
    let dir = tempdir().unwrap();
    fs::create_dir(dir.path().join("r")).unwrap();
    fs::write(dir.path().join("secret.model"), SECRET).unwrap();
    for (name, text) in [
        ("settings.yaml", SETTINGS),
        ("model.model", "npc 1\nmodel Net(x: [1, H, W]) -> [2, H, W] = x |> conv(2)\n"),
        ("metrics.jsonl", EPOCHS),
        ("summary.json", "{\"dice\": 0.6, \"scored_on\": \"test\", \"seconds\": 1.0}"),
    ] {
        fs::write(dir.path().join("r").join(name), text).unwrap();
    }
    dir
}

/// Runs `npc report r`.
fn report(dir: &Path) -> (i32, String) {
    let output = npc(dir, &["report", "r"]);
    (output.code, output.stdout + &output.stderr)
}

#[test]
fn a_model_or_settings_from_elsewhere_are_not_shown() {
    let link = |name: &'static str| {
        move |dir: &Path| {
            fs::remove_file(dir.join("r").join(name)).unwrap();
            symlink("../secret.model", dir.join("r").join(name)).unwrap();
        }
    };
    let model_file = |path: &'static str| {
        move |dir: &Path| {
            let path = path.replace("ROOT", &dir.display().to_string());
            fs::write(
                dir.join("r/settings.yaml"),
                SETTINGS.replace("model_file: model.model", &format!("model_file: {path}")),
            )
            .unwrap();
        }
    };
    let changes: [(FolderChange, &str); 4] = [
        (Box::new(link("model.model")), "r/model.model: leads out of the run folder through a symbolic link"),
        (Box::new(link("settings.yaml")), "leads out of the run folder, to a file that is not the settings of a run"),
        (Box::new(model_file("../secret.model")), "`model_file` leads out of the run folder"),
        (Box::new(model_file("ROOT/secret.model")), "`model_file` leads out of the run folder"),
    ];
    for (change, wanted) in changes {
        let dir = run_folder();
        assert_eq!(report(dir.path()).0, 0);
        change(dir.path());
        let (code, text) = report(dir.path());
        assert!(code == 1 && text.contains(wanted), "{wanted}: {text}");
        assert!(!text.contains("SECRET") && !text.contains("root:"), "{text}");
    }
    // A link inside of the folder is no way out.
    let dir = run_folder();
    fs::rename(dir.path().join("r/model.model"), dir.path().join("r/first.model")).unwrap();
    symlink("first.model", dir.path().join("r/model.model")).unwrap();
    assert_eq!(report(dir.path()).0, 0);
}

#[test]
fn a_report_says_which_files_it_cannot_show() {
    let pipe = |path: &Path| assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
    let write = |text: &'static str| move |path: &Path| fs::write(path, text).unwrap();
    type Change = Box<dyn Fn(&Path)>;
    let epochs: [(Change, &str); 5] = [
        (Box::new(|_: &Path| ()), "metrics.jsonl is missing, so the epochs are missing"),
        (Box::new(pipe), "metrics.jsonl cannot be read, so the epochs are missing: it is not a plain file"),
        (Box::new(write("xx{\n")), "line 1 of metrics.jsonl is damaged: 1 of 1 epoch from there on is missing"),
        (
            Box::new(write("{\"epoch\":1}\nxx\n{\"epoch\":3}\n")),
            "line 2 of metrics.jsonl is damaged: 2 of 3 epochs from there on are missing",
        ),
        (Box::new(|path: &Path| symlink("../secret.model", path).unwrap()), "line 1 of metrics.jsonl is damaged"),
    ];
    for (change, wanted) in epochs {
        let dir = run_folder();
        fs::remove_file(dir.path().join("r/metrics.jsonl")).unwrap();
        change(&dir.path().join("r/metrics.jsonl"));
        let (code, text) = report(dir.path());
        let page = fs::read_to_string(dir.path().join("r/report.html")).unwrap();
        assert!(code == 0 && text.contains(&format!("note: {wanted}")) && page.contains(wanted), "{wanted}: {text}");
        assert!(!page.contains("No epoch is finished yet") && !page.contains("SECRET"));
    }
    for (name, wanted) in [
        ("summary.json", "summary.json is damaged at line 1, so best epoch and time are missing"),
        ("eval.json", "eval.json is damaged at line 1, so scores and remarks are missing"),
        ("cases.csv", "cases.csv is damaged, so the scores of the images are missing"),
    ] {
        let dir = run_folder();
        fs::write(dir.path().join("r").join(name), SECRET).unwrap();
        let (code, text) = report(dir.path());
        assert!(code == 0 && text.contains(wanted) && !text.contains("SECRET"), "{wanted}: {text}");
    }
    // A process that was killed leaves a last line without its end, and a run that has just begun no epoch: both are no damage.
    let dir = run_folder();
    fs::write(dir.path().join("r/metrics.jsonl"), format!("{EPOCHS}{{\"epoch\":3,\"lo")).unwrap();
    assert!(!report(dir.path()).1.contains("metrics.jsonl"));
    fs::remove_file(dir.path().join("r/metrics.jsonl")).unwrap();
    fs::remove_file(dir.path().join("r/summary.json")).unwrap();
    assert!(!report(dir.path()).1.contains("metrics.jsonl"));
    assert!(fs::read_to_string(dir.path().join("r/report.html")).unwrap().contains("No epoch is finished yet"));
}
