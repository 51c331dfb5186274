//! What is known of a checked graph.

pub mod claim;
pub mod cost;
pub mod explore;
pub mod lint;
