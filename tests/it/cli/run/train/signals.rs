//! Runs that end early: Ctrl-C, a kill, a full disk.

use super::*;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

const EPOCHS: &str = "epochs=12";

impl Place {
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
    fn cramped(&self, kilobytes: usize, args: &[&str]) -> Ran {
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
fn ctrl_c_ends_a_run_that_can_go_on() {
    let place = Place::new();
    place.train("whole", &["--set", EPOCHS]).done();
    let child = place.spawn("stopped");
    place.wait_for("stopped", 2);
    signal(&child, "-INT");
    let ran: Ran = child.wait_with_output().unwrap().into();
    assert_eq!(ran.code, Some(130), "{}\n{}", ran.out, ran.err);
    assert!(ran.err.contains("--resume"), "{}", ran.err);
    assert!(place.metrics("stopped").len() < 12);
    let (tensors, meta) = read_safetensors(&place.path("stopped/last.safetensors")).unwrap();
    assert!(!tensors.is_empty() && meta.contains_key("npc"));
    place.npc(&["eval", "stopped"]).done();
    Ran::from(place.spawn("stopped").wait_with_output().unwrap()).done();
    place.same("whole", "stopped");
}

#[test]
fn a_killed_run_goes_on_from_its_last_checkpoint() {
    let place = Place::new();
    place.train("whole", &["--set", EPOCHS]).done();
    // The process is killed before anything is written, while files appear, and in the middle.
    for milliseconds in [0, 30, 60, 130, 270, 410] {
        let mut child = place.spawn("killed");
        std::thread::sleep(Duration::from_millis(milliseconds));
        signal(&child, "-KILL");
        child.wait().unwrap();
    }
    Ran::from(place.spawn("killed").wait_with_output().unwrap()).done();
    place.same("whole", "killed");
    assert_eq!(place.parts("killed"), Vec::<String>::new());
}

#[test]
fn a_full_disk_costs_no_checkpoint() {
    let place = Place::new();
    place.train("whole", &["--set", "epochs=2"]).done();
    place.train("full", &["--set", "epochs=1"]).done();
    let before = fs::read(place.path("full/last.safetensors")).unwrap();
    let more = ["train", "tiny.model", "tiny", "--out", "full", "--resume", "--set", "epochs=2"];
    place.cramped(8, &more).refused(1, &["safetensors", "cannot be written", "large"]);
    assert!(before == fs::read(place.path("full/last.safetensors")).unwrap());
    assert_eq!(place.parts("full"), Vec::<String>::new());
    place.cramped(0, &["train", "tiny.model", "tiny", "--out", "new"]).refused(1, &["new/", "cannot be written"]);
    assert_eq!(fs::read_dir(place.path("new")).unwrap().count(), 0);
    place.cramped(0, &["predict", "whole", "set/images/phantom_0001.tif", "--out", "masks"]).refused(1, &["masks"]);
    assert_eq!(fs::read_dir(place.path("masks")).unwrap().count(), 0);
    place.npc(&more).done();
    place.same("whole", "full");
}

/// `npc train ... 2>&1 | head` closes both outputs long before the run ends.
#[test]
fn readers_that_go_away_do_not_end_the_run() {
    let place = Place::new();
    let mut command = place.command(&["train", "tiny.model", "tiny", "--out", "alone"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop((child.stdout.take(), child.stderr.take()));
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert!(place.path("alone/summary.json").exists());
}
