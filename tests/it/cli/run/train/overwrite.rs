//! Run folders that exist: replaced with `--overwrite`, continued by their own name, and looked at in a dry run.

use super::report::names;
use super::*;
use std::process::Stdio;

fn files(folder: &TestFolder, run: &str) -> Vec<String> {
    names(&folder.path(run))
}

#[test]
fn a_run_is_replaced_once_the_new_one_has_begun() {
    let folder = TestFolder::new();
    folder.train("runs/a", &["--set", "epochs=1"]).expect_success();
    folder.npc(&["eval", "runs/a"]).expect_success();
    fs::write(folder.path("runs/a/notes.md"), "mine").unwrap();
    let before = fs::read(folder.path("runs/a/last.safetensors")).unwrap();
    // All ways out are named.
    let ways = [
        "already contains a run (finished, 1 of 1 epoch)",
        "more epochs: `--resume --set epochs=2`",
        "`--overwrite`",
        "`--out DIR`",
    ];
    folder.train("runs/a", &["--set", "epochs=2"]).expect_failure(1, &ways);
    // A run that cannot begin leaves the old one: at the checks, and at its first image.
    folder.train("runs/a", &["--overwrite", "--set", "model.classes=3"]).expect_failure(1, &["3 channels"]);
    let image = folder.path("set/images").join(&names(&folder.path("set/images"))[0]);
    let whole = fs::read(&image).unwrap();
    assert!(before == fs::read(folder.path("runs/a/last.safetensors")).unwrap());
    fs::write(&image, &whole[..whole.len() / 2]).unwrap();
    assert_ne!(folder.train("runs/a", &["--overwrite", "--set", "batch=12"]).code, Some(0));
    fs::write(&image, &whole).unwrap();
    assert!(before == fs::read(folder.path("runs/a/last.safetensors")).unwrap());
    assert!(folder.path("runs/a/cases.csv").exists() && !folder.path("runs/a/.replaced-run").exists());
    // The new run has none of the old files; what npc did not write stays.
    folder.train("runs/a", &["--overwrite", "--set", "epochs=2"]).expect_success();
    assert_eq!(folder.metrics("runs/a").len(), 2);
    assert!(!folder.path("runs/a/cases.csv").exists(), "{:?}", files(&folder, "runs/a"));
    assert_eq!(fs::read_to_string(folder.path("runs/a/notes.md")).unwrap(), "mine");
    // A broken run folder is replaced as well.
    fs::write(folder.path("runs/a/settings.yaml"), "nonsense").unwrap();
    folder.train("runs/a", &["--overwrite", "--set", "epochs=1"]).expect_success();
    assert_eq!(folder.metrics("runs/a").len(), 1);
}

#[test]
fn only_run_folders_that_nothing_trains_in_are_replaced() {
    let folder = TestFolder::new();
    fs::create_dir(folder.path("photos")).unwrap();
    fs::write(folder.path("photos/a.png"), "mine").unwrap();
    folder.train("photos", &["--overwrite"]).expect_failure(1, &["replaces run folders alone", "`--out DIR`"]);
    assert_eq!(files(&folder, "photos"), ["a.png"]);
    folder.train("new", &["--overwrite", "--set", "epochs=1"]).expect_success();
    folder.train("new", &["--overwrite", "--resume"]).expect_failure(2, &["cannot be used with"]);
    // Another process trains there.
    let mut long = folder.command(&["train", "tiny.model", "tiny", "--out", "runs/a", "--set", "epochs=1000"]);
    let mut long = long.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    while !folder.path("runs/a/metrics.jsonl").exists() {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    folder.train("runs/a", &["--overwrite"]).expect_failure(1, &["another process trains into this folder"]);
    // A dry run writes nothing, and looks at any folder.
    let text = folder.train("runs/a", &["--dry-run"]).expect_success();
    assert!(text.contains("folder   holds a run already"), "{text}");
    long.kill().unwrap();
    long.wait().unwrap();
    folder.train("runs/a", &["--overwrite", "--set", "epochs=1"]).expect_success();
    assert_eq!(folder.metrics("runs/a").len(), 1);
}

#[test]
fn a_process_that_is_killed_while_it_replaces_a_run_leaves_the_old_one() {
    let folder = TestFolder::new();
    folder.train("runs/a", &["--set", "epochs=1"]).expect_success();
    let before = folder.metrics("runs/a");
    // As a process leaves the folder that is killed after it has written its first files.
    let old = folder.path("runs/a/.replaced-run");
    fs::create_dir(&old).unwrap();
    for name in files(&folder, "runs/a").iter().filter(|name| *name != ".replaced-run") {
        fs::rename(folder.path("runs/a").join(name), old.join(name)).unwrap();
    }
    fs::write(folder.path("runs/a/settings.yaml"), "new").unwrap();
    folder
        .npc(&["train", "runs/a/.replaced-run/settings.yaml", "--out", "runs/a"])
        .expect_failure(1, &["already contains a run"]);
    assert_eq!(folder.metrics("runs/a"), before);
    folder.npc(&["train", "runs/a", "--resume", "--set", "epochs=2"]).expect_success();
    assert_eq!(folder.metrics("runs/a").len(), 2);
}

#[test]
fn a_run_is_continued_by_the_name_of_its_folder() {
    let folder = TestFolder::new();
    folder.train("runs/a", &["--with", "width=6", "--set", "epochs=2,seed=5"]).expect_success();
    folder.train("whole", &["--set", "model.width=6,epochs=4,seed=5"]).expect_success();
    // The model file is not needed any more, and the settings are those of the run.
    fs::write(folder.path("tiny.model"), "npc 1\n").unwrap();
    let ways = ["a run (finished, 2 of 2 epochs)", "`--resume --set epochs=4`", "`--overwrite`", "`--out DIR`"];
    folder.npc(&["train", "runs/a"]).expect_failure(1, &ways);
    folder.npc(&["train", "runs/a", "--resume", "--set", "epochs=3"]).expect_success();
    folder.npc(&["train", "runs/a/settings.yaml", "--resume", "--set", "epochs=4"]).expect_success();
    assert!(!folder.path("runs/tiny").exists());
    assert_eq!(folder.metrics("runs/a"), folder.metrics("whole"));
    folder.npc(&["train", "runs/a", "--out", "runs/b", "--set", "epochs=1"]).expect_success();
    folder.npc(&["train", "runs/a", "--overwrite", "--set", "epochs=1"]).expect_success();
    assert_eq!(folder.metrics("runs/a"), folder.metrics("runs/b"));
    folder.npc(&["train", "set", "--resume"]).expect_failure(1, &["not a run folder"]);
}

#[test]
fn a_finished_run_says_that_nothing_is_left_and_how_it_goes_on() {
    let folder = TestFolder::new();
    let trained = folder.train("runs/a", &["--set", "epochs=2"]).expect_success();
    // The result is that of the training; after so few epochs none may have found any foreground.
    let is_result = |line: &&str| line.starts_with("best epoch ") || line.contains("so none is the best");
    let result = trained.lines().find(is_result).unwrap();
    let before = fs::read(folder.path("runs/a/last.safetensors")).unwrap();
    let text = folder.npc(&["train", "runs/a", "--resume"]).expect_success();
    for line in [
        "runs/a: nothing to train: finished, 2 of 2 epochs",
        result,
        "for more epochs: npc train runs/a --resume --set epochs=4",
    ] {
        assert!(text.contains(line), "no `{line}` in {text}");
    }
    assert!(!text.contains("training images"), "{text}");
    let text = folder.train("runs/a", &["--resume=auto", "--set", "epochs=2"]).expect_success();
    assert!(text.contains("runs/a: finished already (2 of 2 epochs)"), "{text}");
    // A run does not get shorter, and its settings stay.
    let words = ["the run has 2 epochs already, and it is to have 1", "--resume --set epochs=4", "`--overwrite`"];
    folder.npc(&["train", "runs/a", "--resume", "--set", "epochs=1"]).expect_failure(1, &words);
    assert!(fs::read_to_string(folder.path("runs/a/settings.yaml")).unwrap().contains("epochs: 2"));
    assert!(before == fs::read(folder.path("runs/a/last.safetensors")).unwrap());
    folder.npc(&["train", "runs/a", "--resume", "--set", "epochs=4"]).expect_success();
    assert_eq!(folder.metrics("runs/a").len(), 4);
    // An interrupted run is continued, and one that was stopped early is not.
    let settings = fs::read_to_string(folder.path("runs/a/settings.yaml")).unwrap();
    fs::write(folder.path("runs/a/settings.yaml"), settings.replace("epochs: 4", "epochs: 9")).unwrap();
    folder
        .npc(&["train", "runs/a"])
        .expect_failure(1, &["already contains a run (4 of 9 epochs are done)", "continue that run: `--resume`"]);
    let summary = fs::read_to_string(folder.path("runs/a/summary.json")).unwrap();
    let early = summary.replace("\"stopped_early\": false", "\"stopped_early\": true");
    fs::write(folder.path("runs/a/summary.json"), early).unwrap();
    let refused = folder.npc(&["train", "runs/a"]);
    assert!(!refused.stderr.contains("--resume"), "{}", refused.stderr);
    refused.expect_failure(1, &["(finished, stopped early after 4 of 9 epochs)", "`--overwrite`"]);
    let text = folder.npc(&["train", "runs/a", "--resume"]).expect_success();
    assert!(text.contains("stopped early") && text.contains("npc train runs/a --set patience=N --out DIR"), "{text}");
}

#[test]
fn a_start_that_was_killed_before_the_settings_is_started_again() {
    let folder = TestFolder::new();
    fs::create_dir_all(folder.path("runs/a")).unwrap();
    for (name, text) in [(".starting-run", ""), ("model.model", MODEL)] {
        fs::write(folder.path("runs/a").join(name), text).unwrap();
    }
    folder.train("runs/a", &["--set", "epochs=1"]).expect_success();
    assert!(!files(&folder, "runs/a").contains(&".starting-run".to_string()), "{:?}", files(&folder, "runs/a"));
    // A file of someone else with the name of a run's keeps the run away.
    fs::create_dir_all(folder.path("b")).unwrap();
    fs::write(folder.path("b/model.model"), MODEL).unwrap();
    folder.train("b", &[]).expect_failure(1, &["they are of no run: model.model"]);
}

#[test]
fn quiet_prints_results_alone_and_verbose_all_stages() {
    let folder = TestFolder::new();
    let quiet = folder.train("runs/a", &["--quiet"]);
    assert_eq!(quiet.stderr, "");
    let line = quiet.expect_success();
    // A run this short may have found nothing.
    assert!(["best epoch ", "no prediction "].iter().any(|start| line.starts_with(start)), "{line}");
    assert_eq!(line.lines().count(), 1, "{line}");
    let said = folder.train("runs/b", &["-v", "--set", "epochs=1"]);
    for words in [
        "read     tiny.model\n",
        "settings # Settings of an npc run",
        "epochs: 1\n",
        "memory   about",
        "time     ",
        "of scoring and saving",
    ] {
        assert!(said.stderr.contains(words), "`{words}` is not in: {}", said.stderr);
    }
    for args in [&["eval", "runs/a", "--format", "json"][..], &["predict", "runs/a", "set/images", "--out", "m"]] {
        let plain = folder.npc(args).expect_success();
        let quiet = folder.npc(&[args, &["-q"]].concat());
        assert_eq!(quiet.stderr, "");
        let quiet = quiet.expect_success();
        match args[0] {
            "eval" => assert_eq!(plain, quiet),
            _ => assert!(plain.starts_with(&quiet) && quiet.lines().count() == 15, "{quiet}"),
        }
        let said = folder.npc(&[args, &["-v"]].concat());
        for words in ["read     runs/a/settings.yaml\n", "weights  ", "time     "] {
            assert!(said.stderr.contains(words), "`{words}` is not in: {}", said.stderr);
        }
    }
    let failed = folder.npc(&["-q", "eval", "runs/none"]);
    failed.expect_failure(1, &["runs/none"]);
    let head = folder.npc(&["eval", "runs/a"]).expect_success();
    assert!(head.starts_with("runs/a: run `tiny`, Tiny on data `slices`\ntiny ("), "{head}");
}

#[test]
fn tiles_had_another_name() {
    let folder = TestFolder::new();
    folder.train("runs/a", &["--set", "epochs=1"]).expect_success();
    let predict = |out: &str, option: &str| {
        folder.npc(&["predict", "runs/a", "set/images", "--out", out, option, "--overlap", "0.25"])
    };
    let tiles = predict("new", "--tiles");
    assert_eq!(tiles.stderr, "");
    tiles.expect_success();
    let window = predict("old", "--window");
    assert!(window.stderr.starts_with("note: `--window` is `--tiles` now"), "{}", window.stderr);
    window.expect_success();
    for name in files(&folder, "new") {
        assert!(fs::read(folder.path("new").join(&name)).unwrap() == fs::read(folder.path("old").join(&name)).unwrap());
    }
}

/// The figure of the dry run is that of the process, with what a whole run takes later.
#[cfg(target_os = "linux")]
#[test]
fn a_dry_run_reports_the_memory_that_a_run_takes() {
    let folder = TestFolder::new();
    let set = ["--set", "data.size=[256,256],batch=4,epochs=1,model.width=32"];
    let text = folder.train("runs/a", &[&["--dry-run"][..], &set].concat()).expect_success();
    let line = text.lines().find(|line| line.starts_with("memory ")).unwrap();
    let megabytes: f64 = line.split_whitespace().nth(2).unwrap().parse().unwrap();
    assert!(line.contains(" MB, as measured"), "{line}");
    // `wait4` has the peak of a child, and `sh` waits for it; GNU time is not everywhere.
    let run =
        folder.command(&[&["train", "tiny.model", "tiny", "--out", "runs/a", "--tensorboard"][..], &set].concat());
    let child = { run }.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0.0_f64;
    while let Ok(text) = fs::read_to_string(&status) {
        let kilobytes = text
            .lines()
            .find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix("kB")?.trim().parse::<f64>().ok());
        let Some(kilobytes) = kilobytes else { break };
        peak = peak.max(kilobytes * 1024e-6);
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    child.wait_with_output().unwrap();
    assert!(peak > 30.0 && megabytes > 0.75 * peak && megabytes < 1.5 * peak, "{line}; the run took {peak:.0} MB");
}
