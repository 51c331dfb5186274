//! Commands that train, evaluate, predict and measure.

mod bench;
mod metadata_matrix;
mod origin;
#[cfg(unix)]
mod sweep;
#[cfg(unix)]
mod train;
mod volume_comparisons;
mod volumes;
