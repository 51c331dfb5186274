//! The GPU's kernels, run on the processor by an emulator, against loops in 64 bits and the CPU engine; and the session that runs
//! them, with a driver that records its calls and with one whose GPU is the processor.

mod arena;
mod conv;
mod cubin_cache;
mod dependencies;
#[cfg(feature = "cuda")]
pub(crate) mod emulated_libraries;
#[cfg(feature = "cuda")]
mod emulated_session;
mod emulator;
mod library_search;
mod loss;
mod loss_reference;
mod networks;
#[cfg(feature = "cuda")]
mod nvrtc;
mod recording_driver;
mod session;
#[cfg(feature = "cuda")]
mod setup;
mod step;
mod update;
