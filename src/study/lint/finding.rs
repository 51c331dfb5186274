//! What a lint finds.

use crate::graph::ir::NodeId;
use crate::text::diag::Code;

/// Something about one node.
pub(super) struct LintFinding {
    pub(super) id: NodeId,
    pub(super) code: Code,
    /// The largest of a place is shown.
    pub(super) weight: u64,
    pub(super) message: String,
    pub(super) label: String,
    pub(super) help: String,
}
