//! From names to a checked graph: operators and shapes, elaboration, the checks, the plan that runs, and the canonical form.

pub(crate) mod canon;
pub mod check;
pub mod elaborate;
pub mod ir;
pub mod op;
pub(crate) mod placement;
pub mod plan;
pub mod resolve;
pub mod ty;
