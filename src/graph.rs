//! From declarations to a checked graph.

pub mod canon;
pub mod check;
pub mod elaborate;
pub mod ir;
pub mod op;
pub mod plan;
pub mod resolve;
pub mod ty;
