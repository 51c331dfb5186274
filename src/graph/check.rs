//! Graph to proof: [`check`] looks at a whole graph and hands out a [`CheckedGraph`], which lowering asks for.
//!
//! The written promise: a `CheckedGraph` lowers, and runs forward at its input size, without a panic.

pub mod contract;
mod frozen;

pub use contract::{SizeContract, SizeVerdict};
pub use frozen::FrozenPaths;

use super::ir::{CallChains, Graph, Outlet};
use super::op::{Op, ParamKind};
use super::ty::Shape;
use crate::text::diag::{Code, Diagnostic, Problems};
use crate::text::source::Spanned;
use std::collections::BTreeMap;

/// A graph that passed every check. Only [`check`] makes one.
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

    /// Which image sizes the model takes.
    pub fn contract(&self) -> SizeContract {
        SizeContract::of(&self.graph)
    }

    /// Returns the warnings that the check found.
    pub fn warnings(&self) -> &Problems {
        &self.warnings
    }

    /// `[c, h, w]` of the image.
    pub fn input(&self) -> &Shape {
        self.graph.node(self.graph.input()).outputs[0].shape()
    }

    /// Every result by name, in the order of the model's promise; a model with one result calls it `out`.
    pub fn results(&self) -> impl Iterator<Item = (&str, &Shape)> {
        self.graph.results.iter().map(|(name, outlet)| (name.as_str(), self.graph.ty(*outlet).shape()))
    }

    /// `[2, 64, 64]`, or `{ main = [2, 64, 64], aux = [2, 32, 32] }` where results have names.
    pub fn result_text(&self) -> String {
        match &self.graph.results[..] {
            [(name, _)] if name == "out" => self.output().to_string(),
            _ => {
                let fields: Vec<_> = self.results().map(|(name, shape)| format!("{name} = {shape}")).collect();
                format!("{{ {} }}", fields.join(", "))
            }
        }
    }

    /// The results that a loss with these weights depends on: the first where there are no weights.
    pub fn supervised_results(&self, weights: &BTreeMap<String, f64>) -> Vec<Outlet> {
        let results = self.graph.results.iter();
        if weights.is_empty() {
            return results.take(1).map(|(_, outlet)| *outlet).collect();
        }
        let counts = |name: &str| weights.get(name).is_some_and(|&w| w > 0.0);
        results.filter(|(name, _)| counts(name)).map(|(_, outlet)| *outlet).collect()
    }

    /// `[c, h, w]` of the first result.
    pub fn output(&self) -> &Shape {
        self.graph.ty(self.graph.results[0].1).shape()
    }
}

/// Refuses graphs that break an invariant or are too large to address; warns about what will not train.
pub fn check(graph: Graph) -> Result<CheckedGraph, Problems> {
    let mut problems = Problems::new();
    // A broken invariant is a mistake of ours, not of the file; it must not reach a tensor all the same.
    if let Err(message) = graph.verify("check") {
        problems.push(Diagnostic::bare(Code::E0303, format!("internal: {message}")));
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
        if matches!(node.op, Op::BatchNorm(_)) && inputs[0].shape().spatial() == Some([1, 1]) {
            let message = format!("`{}` normalises a map of 1x1", node.path);
            problems.push(
                Diagnostic::new(Code::W0402, node.span, message)
                    .label("one value per channel and image")
                    .help("train with a batch of at least 2, or leave the norm out after a global pool")
                    .through(chains.of(id)),
            );
        }
    }
    if total > i64::MAX as u64 {
        let message = format!("`{}` asks for more than 2^63 multiplications an image", graph.name);
        let image = graph.node(graph.input());
        let d = Diagnostic::new(Code::E0311, image.span, message);
        problems.push(d.label(format!("an image {} starts here", image.outputs[0])).help("use a smaller input"));
    }
    if trainable == 0 {
        let message = format!("`{}` has no parameters to train", graph.name);
        let image = graph.node(graph.input()).span;
        problems.push(Diagnostic::new(Code::W0403, image, message).label("nothing that reads this image learns"));
    }
    if problems.has_errors() { Err(problems) } else { Ok(CheckedGraph { graph, warnings: problems }) }
}

/// An error where a name is that of no result, with the one that was probably meant.
pub fn unknown_result(checked: &CheckedGraph, name: &Spanned<String>) -> Option<Diagnostic> {
    let known = || checked.results().map(|(n, _)| n);
    if known().any(|n| n == name.node) {
        return None;
    }
    let d = Diagnostic::new(Code::E0201, name.span, format!("`{}` has no result `{name}`", checked.graph().name));
    let all = || Some(format!("it gives {}", known().collect::<Vec<_>>().join(", ")));
    Some(d.nearest(name.span, &name.node, known(), all))
}

/// A warning where the channels of the result are not the classes of the data it is checked on. One channel for two
/// classes is the other usual form: its sign tells the classes apart.
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
    let message = format!("`{entry}` gives {channels} channels, data `{data}` has {classes} classes");
    let d = Diagnostic::new(Code::W0401, entry.span, message).label("one channel is due for each class");
    Some(d.help(format!("train it with `classes = {classes}`")))
}
