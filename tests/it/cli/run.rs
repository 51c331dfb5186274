//! Commands that train, evaluate, predict and measure.

mod bench;
#[cfg(unix)]
mod sweep;
#[cfg(unix)]
mod train;
mod volumes;
