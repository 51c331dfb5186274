//! Runs on a GPU that is the processor: the driver's library and NVRTC are those of the tests.

use super::*;
use crate::compute::cuda::emulated_libraries::{EmulatedMachine, kept_cache_folder};
use std::path::Path;

/// Two sizes of kernels: whole batches and the last one.
const SET: &str = "precision=f32,batch=5";

impl TestFolder {
    /// Runs a command that finds the emulated GPU.
    fn with_gpu(&self, libraries: &Path, args: &[&str]) -> CommandOutput {
        let mut command = self.command(&[args, &["--device", "cuda"]].concat());
        command.env("LD_LIBRARY_PATH", libraries).env("NPC_CUDA_CACHE", kept_cache_folder());
        command.output().unwrap().into()
    }

    fn train_on_gpu(&self, libraries: &Path, out: &str, set: &str, more: &[&str]) -> CommandOutput {
        let set = format!("{SET},{set}");
        let args = [&["train", "tiny.model", "tiny", "--out", out, "--set", &set][..], more].concat();
        self.with_gpu(libraries, &args)
    }

    fn assert_close(&self, a: &str, b: &str) {
        for (a, b) in self.metrics(a).iter().zip(&self.metrics(b)) {
            let [[a_loss, a_dice], [b_loss, b_dice]] =
                [a, b].map(|epoch| [1, 2].map(|key| epoch[key].parse::<f64>().unwrap()));
            assert!((a_loss - b_loss).abs() < 1e-3 * b_loss, "loss {a_loss}, {b_loss} on the processor");
            assert!((a_dice - b_dice).abs() < 0.03, "Dice {a_dice}, {b_dice} on the processor");
        }
        assert_eq!(self.metrics(a).len(), self.metrics(b).len());
    }
}

/// The emulated GPU's libraries, if there is a compiler for them.
fn libraries() -> Option<TempDir> {
    EmulatedMachine::default().folder()
}

#[test]
fn a_run_on_a_gpu_is_that_of_the_processor() {
    let Some(libraries) = libraries() else { return };
    let (folder, libraries) = (TestFolder::new(), libraries.path());
    let set = "epochs=2";
    folder.train_on_gpu(libraries, "runs/gpu", set, &[]).expect_success();
    folder.train("runs/cpu", &["--set", &format!("{SET},{set}")]).expect_success();
    folder.assert_close("runs/gpu", "runs/cpu");
    let settings = fs::read_to_string(folder.path("runs/gpu/settings.yaml")).unwrap();
    assert!(settings.contains("precision: f32") && settings.contains("device: cuda"), "{settings}");

    let records = fs::read_to_string(folder.path("runs/gpu/metrics.jsonl")).unwrap();
    assert!(!records.contains("trained_without_foreground"), "the masks have foreground: {records}");

    // The same weights have the same scores on both.
    let dice =
        |out: CommandOutput| serde_json::from_str::<Value>(&out.expect_success()).unwrap()["dice"].as_f64().unwrap();
    let on_gpu = dice(folder.with_gpu(libraries, &["eval", "runs/cpu", "--format", "json"]));
    let here = dice(folder.npc(&["eval", "runs/cpu", "--format", "json", "--device", "cpu"]));
    assert!((on_gpu - here).abs() < 1e-3, "{on_gpu}, {here} on the processor");
}

#[test]
fn a_resumed_run_on_a_gpu_has_the_bits_of_one_in_one_go() {
    let Some(libraries) = libraries() else { return };
    let (folder, libraries) = (TestFolder::new(), libraries.path());
    let set = "accumulate=2,ema=0.9,clip=0.5,optimizer=sgd(lr = 0.05\\, momentum = 0.9)";
    let set = set.replace("\\,", ",");
    folder.train_on_gpu(libraries, "runs/whole", &format!("epochs=2,{set}"), &[]).expect_success();
    folder.train_on_gpu(libraries, "runs/parts", &format!("epochs=1,{set}"), &[]).expect_success();
    folder.train_on_gpu(libraries, "runs/parts", &format!("epochs=2,{set}"), &["--resume"]).expect_success();
    folder.assert_same_runs("runs/whole", "runs/parts");
    folder.train("runs/cpu", &["--set", &format!("{SET},epochs=2,{set}")]).expect_success();
    folder.assert_close("runs/whole", "runs/cpu");
}

#[test]
fn what_diverges_on_a_gpu_is_explained() {
    let Some(libraries) = libraries() else { return };
    let (folder, libraries) = (TestFolder::new(), libraries.path());
    let set = "epochs=2,optimizer=sgd(lr = 1e30)";
    folder.train_on_gpu(libraries, "runs/wild", set, &[]).expect_failure(1, &["E0732", "training diverged", "step 2"]);
    folder.train_on_gpu(libraries, "runs/lovasz", "epochs=1,loss=lovasz", &[]).expect_failure(1, &["E0730", "lovasz"]);
}

#[test]
fn the_self_test_of_a_gpu_compares_every_gradient() {
    let Some(libraries) = libraries() else { return };
    let folder = TestFolder::new();
    let args = ["selftest", "tiny.model", "--model", "Tiny", "--size", "16x24"];
    let text = folder.with_gpu(libraries.path(), &args).expect_success();
    assert!(text.contains("gradient of") && text.contains("output"), "{text}");
}
