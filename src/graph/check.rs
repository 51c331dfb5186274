//! Validation: [`check`] validates a whole graph and returns a [`CheckedGraph`], which lowering requires.
//!
//! A `CheckedGraph` is guaranteed to lower, and to run forward at its input size, without a panic.

pub mod contract;
mod frozen;

use crate::base::count::counted;
pub use contract::{SizeContract, SizeVerdict};
pub use frozen::FrozenPaths;

use super::ir::{CallChains, Graph, NodeId, Outlet};
use super::op::{Op, ParamKind};
use super::ty::Shape;
use crate::base::problem::problem;
use crate::text::diag::{Diagnostic, Problems};
use crate::text::source::Spanned;
use std::collections::BTreeMap;

/// A graph that passed every check. Only [`check`] can make one.
#[derive(Debug, Clone)]
pub struct CheckedGraph {
    graph: Graph,
    warnings: Problems,
}

impl CheckedGraph {
    /// Returns the graph that was checked.
    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    /// Returns the image sizes that the model accepts.
    pub fn contract(&self) -> SizeContract {
        SizeContract::of(&self.graph)
    }

    /// Returns the warnings that the check found.
    pub fn warnings(&self) -> &Problems {
        &self.warnings
    }

    /// Returns the shape of the image, `[c, h, w]`.
    pub fn input(&self) -> &Shape {
        self.graph.node(self.graph.input()).outputs[0].shape()
    }

    /// Returns the results by name, in the order in which the model declares them. A single unnamed result is called `out`.
    pub fn results(&self) -> impl Iterator<Item = (&str, &Shape)> {
        self.graph.results.iter().map(|(name, outlet)| (name.as_str(), self.graph.ty(*outlet).shape()))
    }

    /// Returns the shapes of the results as text: `[2, 64, 64]`, or `{ main = [2, 64, 64], aux = [2, 32, 32] }` where results
    /// have names.
    pub fn result_text(&self) -> String {
        match &self.graph.results[..] {
            [(name, _)] if name == "out" => self.output().to_string(),
            _ => {
                let fields: Vec<_> = self.results().map(|(name, shape)| format!("{name} = {shape}")).collect();
                format!("{{ {} }}", fields.join(", "))
            }
        }
    }

    /// Returns the results that a loss with these weights depends on, the first one where there are no weights.
    pub fn supervised_results(&self, weights: &BTreeMap<String, f64>) -> Vec<Outlet> {
        let results = self.graph.results.iter();
        if weights.is_empty() {
            return results.take(1).map(|(_, outlet)| *outlet).collect();
        }
        let counts = |name: &str| weights.get(name).is_some_and(|&w| w > 0.0);
        results.filter(|(name, _)| counts(name)).map(|(_, outlet)| *outlet).collect()
    }

    /// Returns the batch norms that see one value for each channel of an image.
    pub fn norms_of_one(&self) -> impl Iterator<Item = NodeId> + '_ {
        self.graph.order().into_iter().filter(|&id| is_norm_of_one(&self.graph, id))
    }

    /// Returns the shape of the first result, `[c, h, w]`.
    pub fn output(&self) -> &Shape {
        self.graph.ty(self.graph.results[0].1).shape()
    }
}

/// Whether a node is a batch norm over a map of 1x1.
fn is_norm_of_one(graph: &Graph, id: NodeId) -> bool {
    matches!(graph.node(id).op, Op::BatchNorm(_)) && graph.input_types(id)[0].shape().spatial() == Some([1, 1])
}

/// Validates a graph: an error where it violates an invariant or needs more than 2^63 multiplications, warnings for parts that
/// cannot be trained.
pub fn check(graph: Graph) -> Result<CheckedGraph, Problems> {
    let mut problems = Problems::new();
    // A violated invariant is a bug of npc, not an error of the file. It must not reach a tensor.
    if let Err(message) = graph.verify("check") {
        problems.push(problem!(E0799, "{message}").into());
        return Err(problems);
    }
    let mut trainable = 0;
    let mut total: u64 = 0;
    let chains = CallChains::new(&graph);
    for id in graph.order() {
        let node = graph.node(id);
        let inputs = graph.input_types(id);
        trainable += node.op.params(&inputs).iter().filter(|p| p.kind == ParamKind::Trainable).count();
        total = total.saturating_add(node.op.macs(&inputs, &node.outputs));
        if is_norm_of_one(&graph, id) {
            problems.push(
                problem!(W0402, node.span, "`{}` normalises a map of 1x1", node.path;
                    label: "one value per channel and image";
                    help: "train with a batch of at least 2, or leave the norm out after a global pool")
                .through(chains.of(id)),
            );
        }
    }
    if total > i64::MAX as u64 {
        let image = graph.node(graph.input());
        problems.push(problem!(E0311, image.span, "`{}` needs more than 2^63 multiplications per image", graph.name;
            label: "an image {} starts here", image.outputs[0];
            help: "use a smaller input"));
    }
    if trainable == 0 {
        let image = graph.node(graph.input()).span;
        problems.push(problem!(W0403, image, "`{}` has no parameters to train", graph.name;
            label: "no layer after this image has weights"));
    }
    if problems.has_errors() { Err(problems) } else { Ok(CheckedGraph { graph, warnings: problems }) }
}

/// Returns an error where no result has this name, with the name that was probably meant.
pub fn unknown_result(checked: &CheckedGraph, name: &Spanned<String>) -> Option<Diagnostic> {
    let known = || checked.results().map(|(n, _)| n);
    if known().any(|n| n == name.node) {
        return None;
    }
    let d = problem!(E0201, name.span, "`{}` has no result `{name}`", checked.graph().name);
    let all = || Some(format!("it gives {}", known().collect::<Vec<_>>().join(", ")));
    Some(d.nearest(name.span, &name.node, known(), all))
}

/// Returns a warning where the number of channels of the result is not the number of classes of the data. One channel for two
/// classes is accepted as well: the sign of the logit decides between them.
pub fn class_warning(
    checked: &CheckedGraph,
    entry: &Spanned<String>,
    data: &str,
    classes: usize,
) -> Option<Diagnostic> {
    let channels = checked.output().channels();
    if channels == classes || (channels, classes) == (1, 2) {
        return None;
    }
    let d = problem!(W0401, entry.span, "`{entry}` gives {}, data `{data}` has {}", counted(channels, "channel"), counted(classes, "class");
        label: "the result needs one channel for each class");
    Some(d.help(format!("train it with `classes = {classes}`")))
}
