//! The GPU's kernels, run on the processor by an emulator, against loops in 64 bits and the CPU engine.

mod arena;
mod conv;
mod dependencies;
mod emulator;
mod loss;
mod loss_reference;
mod networks;
mod step;
mod update;
