//! Sweeps that a signal ends continue where they were.

use super::*;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

impl TestFolder {
    fn begin(&self, out: &str) -> Child {
        let args =
            ["sweep", "tiny.model", "widths", "--run", "tiny", "--seeds", "2", "--out", out, "--train", "--jobs", "2"];
        let mut command = self.command(&args);
        command.args(["--set", "epochs=10"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    }

    fn epochs(&self, run: &str) -> usize {
        fs::read_to_string(self.path(run).join("metrics.jsonl")).map_or(0, |t| t.lines().count())
    }

    /// Waits until the first run has done some epochs.
    fn wait(&self, out: &str, epochs: usize) {
        let begun = Instant::now();
        while self.epochs(&format!("{out}/width=4/seed=0")) < epochs {
            assert!(begun.elapsed() < Duration::from_secs(60), "no epoch {epochs} in a minute");
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}

fn signal(child: &Child, name: &str) {
    assert!(Command::new("kill").args([name, &child.id().to_string()]).status().unwrap().success());
}

#[test]
fn an_interrupted_sweep_continues() {
    let folder = TestFolder::new();
    assert!(folder.begin("whole").wait().unwrap().success());
    // Ctrl-C reaches only the sweep, which passes it on to its runs.
    let mut child = folder.begin("ended");
    folder.wait("ended", 2);
    signal(&child, "-INT");
    assert_eq!(child.wait().unwrap().code(), Some(130));
    let stopped = folder.epochs("ended/width=4/seed=0");
    assert!((2..10).contains(&stopped), "{stopped} epochs");
    std::thread::sleep(Duration::from_millis(100));
    assert_eq!(folder.epochs("ended/width=4/seed=0"), stopped, "a run went on without its sweep");
    // A killed sweep passes nothing on; its runs end all the same, and the next sweep waits for them.
    let mut child = folder.begin("ended");
    folder.wait("ended", stopped + 2);
    signal(&child, "-KILL");
    child.wait().unwrap();
    assert!(folder.begin("ended").wait().unwrap().success());
    folder.assert_same_runs("whole", "ended");
}
