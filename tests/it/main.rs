//! The one integration-test binary.

mod counting;
#[cfg(feature = "run")]
mod cross;
#[cfg(feature = "run")]
mod data;
#[cfg(feature = "run")]
mod device;
#[cfg(feature = "cli")]
mod diagnostics;
mod docs;
mod elaborate;
#[cfg(feature = "run")]
mod exec;
#[cfg(feature = "cli")]
mod fix;
mod front;
#[cfg(feature = "cli")]
mod front_cli;
mod graphs;
#[cfg(feature = "cli")]
mod levels;
#[cfg(feature = "run")]
mod lower;
#[cfg(feature = "run")]
mod metric;
#[cfg(feature = "cli")]
mod mistakes;
#[cfg(feature = "run")]
mod op_limits;
#[cfg(feature = "run")]
mod ops_torch;
#[cfg(feature = "run")]
mod reference_batch;
#[cfg(all(feature = "run", feature = "cli", unix))]
mod run_cli;
#[cfg(feature = "cli")]
mod schema;
mod syntax;
#[cfg(feature = "run")]
mod torch;
#[cfg(feature = "run")]
mod train;
mod tree;
