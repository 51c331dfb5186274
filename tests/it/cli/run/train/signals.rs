//! Runs that end early: Ctrl-C, a kill, a full disk.

use super::*;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

const EPOCHS: &str = "epochs=12";

impl TestFolder {
    fn spawn(&self, run: &str) -> Child {
        let mut command = self.command(&["train", "tiny.model", "tiny", "--out", run, "--set", EPOCHS]);
        if self.path(run).join("settings.yaml").exists() {
            command.arg("--resume");
        }
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    /// Waits until a run has written this many lines of metrics.
    fn wait_for(&self, run: &str, epochs: usize) {
        let metrics = self.path(run).join("metrics.jsonl");
        let begun = Instant::now();
        while fs::read_to_string(&metrics).map_or(0, |t| t.lines().count()) < epochs {
            assert!(begun.elapsed() < Duration::from_secs(60), "no epoch {epochs} in a minute");
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// Runs npc under a limit on the size of files; a write beyond it fails with an error, as on a full disk.
    fn with_file_size_limit(&self, kilobytes: usize, args: &[&str]) -> CommandOutput {
        let script = format!("trap '' XFSZ; ulimit -f {kilobytes}; exec \"$0\" \"$@\"");
        let mut command = Command::new("bash");
        command.args(["-c", &script, env!("CARGO_BIN_EXE_npc")]).args(args).current_dir(self.0.path());
        command.output().unwrap().into()
    }

    fn parts(&self, folder: &str) -> Vec<String> {
        let names = fs::read_dir(self.path(folder)).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap());
        names.filter(|n| n.ends_with(".part")).collect()
    }
}

fn signal(child: &Child, name: &str) {
    assert!(Command::new("kill").args([name, &child.id().to_string()]).status().unwrap().success());
}

#[test]
fn a_run_ended_by_ctrl_c_can_be_resumed() {
    let folder = TestFolder::new();
    folder.train("whole", &["--set", EPOCHS]).expect_success();
    let child = folder.spawn("stopped");
    folder.wait_for("stopped", 2);
    signal(&child, "-INT");
    let output: CommandOutput = child.wait_with_output().unwrap().into();
    assert_eq!(output.code, Some(130), "{}\n{}", output.stdout, output.stderr);
    assert!(output.stderr.contains("--resume"), "{}", output.stderr);
    assert!(folder.metrics("stopped").len() < 12);
    let (tensors, meta) = read_safetensors(&folder.path("stopped/last.safetensors")).unwrap();
    assert!(!tensors.is_empty() && meta.contains_key("npc"));
    folder.npc(&["eval", "stopped"]).expect_success();
    CommandOutput::from(folder.spawn("stopped").wait_with_output().unwrap()).expect_success();
    folder.assert_same_runs("whole", "stopped");
}

#[test]
fn a_killed_run_resumes_from_its_last_checkpoint() {
    let folder = TestFolder::new();
    folder.train("whole", &["--set", EPOCHS]).expect_success();
    // The process is killed before anything is written, while files appear, and in the middle.
    for milliseconds in [0, 30, 60, 130, 270, 410] {
        let mut child = folder.spawn("killed");
        std::thread::sleep(Duration::from_millis(milliseconds));
        signal(&child, "-KILL");
        child.wait().unwrap();
    }
    CommandOutput::from(folder.spawn("killed").wait_with_output().unwrap()).expect_success();
    folder.assert_same_runs("whole", "killed");
    assert_eq!(folder.parts("killed"), Vec::<String>::new());
}

#[test]
fn a_full_disk_costs_no_checkpoint() {
    let folder = TestFolder::new();
    folder.train("whole", &["--set", "epochs=2"]).expect_success();
    folder.train("full", &["--set", "epochs=1"]).expect_success();
    let before = fs::read(folder.path("full/last.safetensors")).unwrap();
    let more = ["train", "tiny.model", "tiny", "--out", "full", "--resume", "--set", "epochs=2"];
    folder.with_file_size_limit(8, &more).expect_failure(1, &["safetensors", "cannot be written", "large"]);
    assert!(before == fs::read(folder.path("full/last.safetensors")).unwrap());
    assert_eq!(folder.parts("full"), Vec::<String>::new());
    folder
        .with_file_size_limit(0, &["train", "tiny.model", "tiny", "--out", "new"])
        .expect_failure(1, &["new/", "cannot be written"]);
    assert!(!folder.path("new").exists());
    folder
        .with_file_size_limit(0, &["predict", "whole", "set/images/phantom_0001.tif", "--out", "masks"])
        .expect_failure(1, &["masks"]);
    assert_eq!(fs::read_dir(folder.path("masks")).unwrap().count(), 0);
    folder.npc(&more).expect_success();
    folder.assert_same_runs("whole", "full");
}

/// `npc train ... 2>&1 | head` closes both outputs long before the run ends.
#[test]
fn a_closed_output_does_not_end_the_run() {
    let folder = TestFolder::new();
    let mut command = folder.command(&["train", "tiny.model", "tiny", "--out", "detached"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop((child.stdout.take(), child.stderr.take()));
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert!(folder.path("detached/summary.json").exists());
}
