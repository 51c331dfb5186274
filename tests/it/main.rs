//! The one integration-test binary.

mod alone;
#[cfg(feature = "data")]
mod augment;
#[cfg(all(feature = "run", feature = "cli"))]
mod bench_cli;
#[cfg(all(feature = "data", feature = "cli", unix))]
mod broken_data;
mod browser;
#[cfg(feature = "cli")]
mod compare_cli;
#[cfg(all(feature = "data", feature = "cli"))]
mod compare_runs;
mod counting;
#[cfg(feature = "run")]
mod cross;
#[cfg(feature = "data")]
mod data;
#[cfg(all(feature = "data", feature = "cli"))]
mod data_check;
#[cfg(feature = "data")]
mod data_split;
#[cfg(feature = "data")]
mod data_volume;
#[cfg(feature = "run")]
mod device;
#[cfg(feature = "cli")]
mod diagnostics;
mod docs;
mod elaborate;
#[cfg(feature = "data")]
mod engine_conv;
#[cfg(feature = "run")]
mod engine_pass;
#[cfg(feature = "data")]
mod engine_team;
mod equal;
#[cfg(feature = "run")]
mod exec;
mod field;
#[cfg(feature = "cli")]
mod fix;
mod foreign;
mod front;
#[cfg(feature = "cli")]
mod front_cli;
mod fuzz;
#[cfg(feature = "cli")]
mod graph_cli;
mod graphs;
#[cfg(all(feature = "cli", unix))]
mod hostile;
#[cfg(feature = "cli")]
mod levels;
mod lint;
#[cfg(feature = "run")]
mod losses;
#[cfg(feature = "run")]
mod lower;
mod memory;
#[cfg(feature = "data")]
mod metric;
#[cfg(feature = "cli")]
mod mistakes;
#[cfg(feature = "run")]
mod op_limits;
#[cfg(feature = "run")]
mod ops_torch;
#[cfg(feature = "run")]
mod optim;
mod picture;
mod picture_browser;
#[cfg(feature = "data")]
mod pictures;
mod props;
mod random_model;
#[cfg(feature = "run")]
mod reference_batch;
#[cfg(feature = "data")]
mod report;
#[cfg(feature = "data")]
mod report_browser;
#[cfg(all(feature = "run", feature = "cli", unix))]
mod run_cli;
#[cfg(feature = "cli")]
mod schema;
mod sizes;
#[cfg(all(feature = "run", feature = "cli", unix))]
mod sweep;
#[cfg(feature = "cli")]
mod sweep_static;
mod syntax;
#[cfg_attr(not(feature = "run"), allow(dead_code, reason = "lists of choices serve random graphs"))]
mod tape;
#[cfg(feature = "data")]
mod tensorboard;
#[cfg(feature = "run")]
mod torch;
#[cfg(feature = "run")]
mod train;
mod tree;
#[cfg(feature = "data")]
mod unit;
#[cfg(feature = "data")]
mod window;
#[cfg(feature = "run")]
mod zoo;
