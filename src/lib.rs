#![doc = include_str!("../ARCHITECTURE.md")]
#![cfg_attr(not(test), deny(clippy::unwrap_used))]
// Diagnostics are large and made once, on the way out; a box at each of a hundred places would only hide that.
#![allow(clippy::result_large_err)]

pub mod atomic;
pub mod axis;
pub mod canon;
pub mod check;
pub mod claim;
#[cfg(feature = "cli")]
pub mod cli;
pub mod cost;
pub mod diag;
pub mod elaborate;
#[cfg(feature = "data")]
pub mod engine;
pub mod explore;
pub mod hash;
pub mod import;
pub mod ir;
pub mod op;
pub mod picture;
pub mod plan;
pub mod recipe;
pub mod resolve;
#[cfg(feature = "data")]
pub mod run;
pub mod scatter;
pub mod source;
pub mod syntax;
pub mod ty;

pub use check::{Checked, check};
pub use cost::{Convention, CostReport, count};
pub use elaborate::elaborate;
pub use resolve::resolve;
#[cfg(feature = "run")]
pub use run::lower::lower;
pub use syntax::parse;
