//! What the tests of several rooms share.

#[macro_use]
mod snapshots;

pub mod browser;
#[cfg(feature = "data")]
pub mod data_sets;
#[cfg(feature = "run")]
pub mod device;
pub mod front;
pub mod random_model;
#[cfg_attr(not(feature = "run"), allow(dead_code, reason = "lists of choices serve random graphs"))]
pub mod tape;
#[cfg(feature = "run")]
pub mod toy_graphs;
