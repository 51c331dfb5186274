#![doc = include_str!("../ARCHITECTURE.md")]
#![cfg_attr(not(test), deny(clippy::unwrap_used))]
// Diagnostics are large and made once, on the way out; a box at each of a hundred places would only hide that.
#![allow(clippy::result_large_err)]

pub mod base;
#[cfg(feature = "cli")]
pub mod cli;
#[cfg(feature = "data")]
pub mod compute;
#[cfg(feature = "data")]
pub mod data;
pub mod desk;
pub mod graph;
#[cfg(feature = "data")]
pub mod learn;
#[cfg(feature = "data")]
pub mod metric;
#[cfg(feature = "data")]
pub mod score;
pub mod show;
pub mod study;
pub mod text;

#[cfg(feature = "run")]
pub use compute::lower::lower;
pub use graph::check::{Checked, check};
pub use graph::elaborate::elaborate;
pub use graph::resolve::resolve;
pub use study::cost::{Convention, CostReport, count};
pub use text::syntax::parse;
