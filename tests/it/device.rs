//! The device that the tests of the run half work on: `NPC_TEST_DEVICE`, which is `cpu` when not set.

use burn::tensor::Device;
use npc::run::device::{DeviceChoice, open};

pub fn device() -> Device {
    let name = std::env::var("NPC_TEST_DEVICE").unwrap_or_else(|_| "cpu".into());
    let choice: DeviceChoice = name.parse().unwrap_or_else(|e| panic!("NPC_TEST_DEVICE: {e}"));
    open(choice).unwrap_or_else(|e| panic!("NPC_TEST_DEVICE={name}: {e}"))
}
