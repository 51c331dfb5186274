//! Warnings about networks that compile but probably do not do what was intended. Each can be silenced by its name
//! ([`Code::lint`]).
//!
//! A finding concerns a node, a warning a source location. Nodes that one call in the model's file makes, in a loop or
//! through blocks, share one warning about the worst of them.

mod facts;
mod field_size;
mod finding;
mod gridding;
mod kernel_coverage;
mod misplaced;
mod no_effect;

use crate::base::count::counted;
use crate::graph::check::CheckedGraph;
use crate::graph::ir::{CallChains, Graph, NodeId};
use crate::text::diag::{Code, Diagnostic, Problems};
use crate::text::source::Span;
use facts::LintFacts;
use finding::LintFinding;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Returns all warnings about a graph, one for each source location and code.
pub fn lints(checked: &CheckedGraph) -> Problems {
    let facts = LintFacts::new(checked.graph());
    let mut found = kernel_coverage::padding_taps(&facts);
    found.extend(gridding::gridding(&facts));
    found.extend(field_size::field_beyond_input(&facts));
    found.extend(no_effect::dead_bias(&facts));
    found.extend(kernel_coverage::checkerboard(&facts));
    found.extend(no_effect::unused_node(&facts));
    found.extend(no_effect::one_channel_softmax(&facts));
    found.extend(kernel_coverage::unread_pixels(&facts));
    found.extend(misplaced::misplaced(&facts));
    warnings_by_place(facts.graph, found)
}

/// Turns findings into one warning for each location and code, about the worst node.
fn warnings_by_place(graph: &Graph, found: Vec<LintFinding>) -> Problems {
    let (places, chains) = (CallSites::new(graph), CallChains::new(graph));
    let mut by_place: BTreeMap<(Code, Span), (LintFinding, BTreeSet<NodeId>)> = BTreeMap::new();
    for finding in found {
        let key = (finding.code, places.of(finding.id));
        match by_place.get_mut(&key) {
            Some((worst, nodes)) => {
                nodes.insert(finding.id);
                if finding.weight > worst.weight {
                    *worst = finding;
                }
            }
            None => {
                let nodes = [finding.id].into();
                by_place.insert(key, (finding, nodes));
            }
        }
    }
    let mut problems = Problems::new();
    for ((code, place), (finding, nodes)) in by_place {
        let node = graph.node(finding.id);
        let alike = if nodes.len() > 1 { format!(" ({})", counted(nodes.len(), "node")) } else { String::new() };
        let d = Diagnostic::new(code, place, finding.message + &alike)
            .label(finding.label)
            .help(finding.help)
            .through(chains.of(finding.id));
        problems.push(if place == node.span { d } else { d.other(node.span, format!("`{}` is made here", node.path)) });
    }
    problems
}

/// Source locations of the calls that nodes come from.
struct CallSites<'a> {
    graph: &'a Graph,
    calls: HashMap<&'a str, Span>,
}

impl<'a> CallSites<'a> {
    fn new(graph: &'a Graph) -> Self {
        Self { graph, calls: graph.instances.iter().map(|s| (s.path.as_str(), s.span)).collect() }
    }

    /// Returns the innermost call in the model's own file, since imported blocks cannot be edited there.
    fn of(&self, id: NodeId) -> Span {
        let node = self.graph.node(id);
        let file = self.graph.node(self.graph.input()).span.source;
        if node.span.source == file {
            return node.span;
        }
        let outer = node.path.rmatch_indices('.').filter_map(|(end, _)| self.calls.get(&node.path[..end]));
        outer.copied().find(|span| span.source == file).unwrap_or(node.span)
    }
}
