//! Analyses of a checked graph: cost by any counting convention, memory, receptive fields, lints, claims of papers,
//! and the variants of a sweep.

pub mod claim;
pub mod cost;
pub mod explore;
pub mod lint;
