//! Findings of lints.

use crate::graph::ir::NodeId;
use crate::text::diag::Code;

/// A finding about one node.
pub(super) struct LintFinding {
    pub(super) id: NodeId,
    pub(super) code: Code,
    /// Severity: of the findings at one location, the largest is shown.
    pub(super) weight: u64,
    pub(super) message: String,
    pub(super) label: String,
    pub(super) help: String,
}
