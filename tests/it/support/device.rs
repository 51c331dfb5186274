//! The device of the tests that compute: `NPC_TEST_DEVICE`, which is `cpu` when not set.

use burn::tensor::{Device, FloatDType};
use npc::internals::compute::device::{DeviceChoice, open};

pub fn device() -> Device {
    let name = std::env::var("NPC_TEST_DEVICE").unwrap_or_else(|_| "cpu".into());
    let choice: DeviceChoice = name.parse().unwrap_or_else(|e| panic!("NPC_TEST_DEVICE: {e}"));
    open(choice).unwrap_or_else(|e| panic!("NPC_TEST_DEVICE={name}: {e}"))
}

/// Set for [`in_double_precision`]'s process.
const WORKER: &str = "NPC_TEST_DOUBLE_PRECISION";

/// Runs the ignored test `double_precision_worker` of a module in a process of its own, since the number format belongs
/// to the process, and asserts that it passes. Does nothing on CUDA, which computes in 32 bits.
pub fn in_double_precision(module: &str) {
    if !npc::internals::compute::device::is_cpu(&device()) {
        return;
    }
    let (_, path) = module.split_once("::").unwrap();
    let output = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", &format!("{path}::double_precision_worker"), "--ignored", "--nocapture"])
        .env(WORKER, "1")
        .output()
        .unwrap();
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    println!("{out}");
    assert!(output.status.success() && out.contains("1 passed"), "{out}\n{err}");
}

/// Runs `work` with 64-bit numbers in the process of `double_precision_worker`. In other processes, where all ignored
/// tests are requested, it does nothing, since the format would apply to the other tests too.
pub fn double_precision_work(work: impl FnOnce()) {
    if std::env::var_os(WORKER).is_some() {
        Device::flex().configure(FloatDType::F64).unwrap();
        work();
    }
}
