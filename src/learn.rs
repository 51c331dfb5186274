//! From batches to weights: losses, optimisers, schedules, training, checkpoints and run folders.

#[cfg(feature = "run")]
pub(crate) mod bench;
#[cfg(feature = "run")]
pub(crate) mod checkpoint;
#[cfg(feature = "run")]
pub(crate) mod device_parity;
#[cfg(feature = "run")]
pub(crate) mod ema;
#[cfg(feature = "run")]
pub(crate) mod epoch_plan;
#[cfg(feature = "run")]
pub(crate) mod freeze;
#[cfg(feature = "run")]
pub(crate) mod gpu_training;
#[cfg(feature = "run")]
pub(crate) mod gpu_trust;
pub(crate) mod history;
#[cfg(feature = "run")]
pub(crate) mod init;
#[cfg(feature = "run")]
pub(crate) mod loss;
#[cfg(feature = "run")]
pub(crate) mod non_finite;
#[cfg(feature = "run")]
pub(crate) mod optim;
pub(crate) mod own_content;
#[cfg(feature = "run")]
pub(crate) mod preflight;
#[cfg(feature = "run")]
pub(crate) mod prepare;
// Its tests need no network.
#[cfg(any(feature = "run", test))]
pub(crate) mod replaced_run;
pub(crate) mod run_files;
pub(crate) mod run_folder;
#[cfg(any(feature = "run", test))]
mod run_inputs;
pub(crate) mod run_length;
mod run_start;
pub(crate) mod schedule;
#[cfg(feature = "run")]
pub(crate) mod train;
pub(crate) mod trained_run;
pub(crate) mod training_hints;
#[cfg(feature = "run")]
pub(crate) mod validate;
pub(crate) mod weights_origin;
