//! SIGKILL at random times: a run that is killed anywhere ends as the run that is not killed.
//!
//! A checkpoint is written after nearly every step, so that many of the kills interrupt one. `NPC_LONG=1` kills fifty
//! times.

use super::*;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};
use std::process::Stdio;
use std::time::{Duration, Instant};

/// Training settings with every part that has a state.
const SETTINGS: &str = "optimizer=sgd(lr=0.05, momentum=0.9, nesterov=true), schedule=poly(warmup=1), clip=1, ema=0.9, \
                        accumulate=2, loss=cross_entropy + dice, save_every=0.00001, \
                        augment=[flip(horizontal=0.5), rotate(degrees=15, p=0.5), noise(std=0.05)]";

/// Returns a value without the fields that hold times.
fn without_times(mut value: Value) -> Value {
    match &mut value {
        Value::Object(map) => {
            for key in ["seconds", "epoch_seconds", "images_per_second", "waited_seconds"] {
                map.remove(key);
            }
            map.values_mut().for_each(|v| *v = without_times(v.take()));
        }
        Value::Array(list) => list.iter_mut().for_each(|v| *v = without_times(v.take())),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
    value
}

/// Returns the tensors as bits, and the state of the run without its times.
fn checkpoint(path: &Path) -> (Vec<(String, Vec<u32>)>, Value) {
    let (tensors, meta) = read_safetensors(path).unwrap();
    let bits = tensors.into_iter().map(|t| (t.name, t.values.iter().map(|v| v.to_bits()).collect())).collect();
    (bits, without_times(serde_json::from_str(&meta["npc"]).unwrap()))
}

impl TestFolder {
    fn assert_same_checkpoints(&self, a: &str, b: &str) {
        let file = |run: &str, name: &str| self.path(run).join(name);
        for name in ["last.safetensors", "best_dice.safetensors"] {
            assert!(checkpoint(&file(a, name)) == checkpoint(&file(b, name)), "{name} of {a} and {b} differ");
        }
        let lines = |run| -> Vec<Value> {
            let text = fs::read_to_string(file(run, "metrics.jsonl")).unwrap();
            text.lines().map(|l| without_times(serde_json::from_str(l).unwrap())).collect()
        };
        assert_eq!(lines(a), lines(b), "metrics.jsonl of {a} and {b}");
        let summary = |run| without_times(self.json(&format!("{run}/summary.json")));
        assert_eq!(summary(a), summary(b), "summary.json of {a} and {b}");
        for name in ["train.txt", "test.txt", "model.model", "settings.yaml"] {
            assert!(
                fs::read(file(a, name)).unwrap() == fs::read(file(b, name)).unwrap(),
                "{name} of {a} and {b} differ"
            );
        }
    }
}

#[test]
fn a_run_killed_at_random_times_ends_as_one_that_is_not_killed() {
    // The fewest kills, the most kills, and a number of epochs that is enough for them.
    let (least, kills, epochs) = if std::env::var_os("NPC_LONG").is_some() { (50, 50, 600) } else { (3, 6, 60) };
    let folder = TestFolder::new();
    let set = format!("epochs={epochs}, {SETTINGS}");
    folder.train("whole", &["--set", &set]).expect_success();
    let mut draw = ChaCha8Rng::seed_from_u64(11);
    let (mut hit, mut in_a_write) = (0, 0);
    let begun = Instant::now();
    while hit < kills {
        assert!(begun.elapsed() < Duration::from_secs(600), "{hit} kills in ten minutes");
        let mut command = folder.command(&["train", "tiny.model", "tiny", "--out", "killed", "--set", &set]);
        // A kill before the settings are written leaves no run to resume.
        if folder.path("killed/settings.yaml").exists() {
            command.arg("--resume");
        }
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(u64::from(draw.next_u32() % 300)));
        // `std` sends SIGKILL.
        child.kill().unwrap();
        let ended = child.wait_with_output().unwrap();
        if let Some(code) = ended.status.code() {
            assert_eq!(code, 0, "{}", String::from_utf8_lossy(&ended.stderr));
            break;
        }
        hit += 1;
        let files = fs::read_dir(folder.path("killed")).into_iter().flatten().flatten();
        in_a_write += usize::from(files.into_iter().any(|f| f.file_name().to_string_lossy().ends_with(".part")));
    }
    let more: &[&str] = if folder.path("killed/settings.yaml").exists() { &["--resume"] } else { &[] };
    folder.train("killed", &[&["--set", &set], more].concat()).expect_success();
    println!("{hit} kills, {in_a_write} of them in the middle of a write");
    assert!(hit >= least, "only {hit} kills before the run was done");
    folder.assert_same_checkpoints("whole", "killed");
    let left = fs::read_dir(folder.path("killed")).unwrap().flatten();
    assert!(left.into_iter().all(|f| !f.file_name().to_string_lossy().ends_with(".part")));
}
