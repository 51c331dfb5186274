//! The GPU's kernels, run on the processor by an emulator, against the CPU engine.

mod emulator;
mod networks;
