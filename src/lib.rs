//! npc: networks for medical image segmentation as text, from the file to a trained network.
//!
//! Begin with the workbench: [`desk::Workbench`] analyses, fixes and counts model files, on disk or in memory.
//!
//! ```
//! use npc::desk::{AnalysisRequest, Workbench};
//!
//! let mut bench = Workbench::new();
//! bench.set_text("tiny.model", "npc 1\nmodel Tiny(x: [3, 64, 64]) -> [2, 64, 64] = x |> conv(2, k = 3)\n");
//! let analysis = bench.analyze("tiny.model", &AnalysisRequest::default()).expect("the request is plain");
//! let (entry, costs) = &analysis.entries[0];
//! assert_eq!(entry.checked.output().to_string(), "[2, 64, 64]");
//! assert_eq!(costs.params, 2 * 3 * 3 * 3 + 2);
//! ```
//!
//! For more control call the stages one by one: [`parse`] gives a syntax tree, [`resolve`] the declarations that names stand
//! for, [`elaborate`] a graph, [`check`] the proof that it is valid, [`count`] its costs, and `lower` (feature `run`) a network
//! with weights. `docs/library.md` of the repository says which call gives what, `ARCHITECTURE.md` where everything is.
#![cfg_attr(not(test), deny(clippy::unwrap_used))]
#![warn(missing_docs, unreachable_pub)]
// Diagnostics are large and made once, on the way out. Boxing them at about a hundred call sites would add noise without a
// benefit.
#![allow(clippy::result_large_err)]
// Without training some parts have no caller. A build with it, which CI lints as well, holds that nothing is dead.
#![cfg_attr(
    not(feature = "run"),
    allow(dead_code, unused_imports, unreachable_pub, reason = "parts that only training uses")
)]

// Ask about model files: the workbench.
pub mod desk;

// Stage by stage: the types that the workbench speaks of.
pub mod graph;
pub mod study;
pub mod text;

pub use graph::check::{CheckedGraph, check};
pub use graph::elaborate::elaborate;
pub use graph::resolve::resolve;
pub use study::cost::{Convention, CostReport, count};
pub use text::syntax::parse;

// Train, evaluate and predict.
#[cfg(feature = "run")]
pub use compute::lower::lower;
#[cfg(feature = "run")]
pub use desk::runs::{evaluate, predict, train};

// The command line, for `main` alone.
#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod cli;

// Private rooms. `internals` re-exports the items that tests reach.
mod base;
#[cfg(feature = "data")]
#[allow(missing_docs, reason = "not public")]
mod compute;
#[cfg(feature = "data")]
#[allow(missing_docs, reason = "not public, apart from what `desk::runs` hands on")]
mod data;
#[cfg(feature = "data")]
#[allow(missing_docs, reason = "not public, apart from what `desk::runs` hands on")]
mod learn;
#[cfg(feature = "data")]
#[allow(missing_docs, reason = "not public, apart from what `desk::runs` hands on")]
mod metric;
#[cfg(feature = "data")]
#[allow(missing_docs, reason = "not public, apart from what `desk::runs` hands on")]
mod score;
#[allow(missing_docs, reason = "not public, apart from what `desk::runs` hands on")]
mod show;

#[doc(hidden)]
pub use desk::internals;
