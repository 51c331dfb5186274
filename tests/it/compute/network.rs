//! Networks with their weights, by the engine and by Burn, on the device that `NPC_TEST_DEVICE` names.

mod exec;
mod graph_vs_network;
mod lower;
mod op_limits;
mod ops_torch;
mod pass_memory;
