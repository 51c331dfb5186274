//! The execution plan: steps in order, numbered values with their last use, layers with their weights.
//!
//! A plan knows no device and no tensor. `npc lower` prints it, `compute::exec` and `compute::engine` execute it. It is made
//! from a [`CheckedGraph`], so every operand exists and every type is the one that its operator infers.
//!
//! Invariants:
//! - step `i` reads only values that earlier steps wrote and no earlier step freed;
//! - a value that is not a result is freed exactly once, after its last use;
//! - `layers` holds every operator with parameters, in declaration order, and their paths are unique;
//! - the text is canonical, so it can be kept as a snapshot: equal plans give equal text on every machine.

use super::check::CheckedGraph;
use super::ir::{NodeId, Outlet};
use super::op::{Op, ParamSpec};
use super::ty::TensorType;
use std::collections::HashMap;
use std::fmt;
use std::fmt::Write;

/// One tensor of a forward pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ValueId(u32);

impl ValueId {
    /// Returns the number as an index into lists of [`Plan::values`] items.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

impl fmt::Display for ValueId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "v{}", self.0)
    }
}

/// One computation.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// The operator with its settings.
    pub op: Op,
    /// The path of the node that it runs.
    pub path: String,
    /// The values that it reads, in slot order.
    pub inputs: Vec<ValueId>,
    /// The values that it writes, in slot order, with their types at the size of the graph.
    pub outputs: Vec<(ValueId, TensorType)>,
    /// Index into [`Plan::layers`], for operators with parameters.
    pub layer: Option<usize>,
    /// Values without a reader after this step, its own unread outputs included.
    pub frees: Vec<ValueId>,
}

/// An operator with parameters.
#[derive(Debug, Clone, PartialEq)]
pub struct LayerSpec {
    /// The path of its node, which is the prefix of its tensors' names.
    pub path: String,
    /// The operator with its settings.
    pub op: Op,
    /// Number of channels of the input.
    pub channels: usize,
    /// The tensors that it owns.
    pub params: Vec<ParamSpec>,
}

/// A network as a list of steps, ready to run.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// The name of the model or variant.
    pub name: String,
    /// The computations in the order in which they run; the first is the image.
    pub steps: Vec<Step>,
    /// The operators with parameters, in the order of their steps.
    pub layers: Vec<LayerSpec>,
    /// Results by name; a single unnamed result is called `out`.
    pub results: Vec<(String, ValueId)>,
    /// Number of values; their ids are below it.
    pub values: usize,
}

/// Makes the plan of a graph: its nodes in topological order, and the last use of each value.
pub fn plan(checked: &CheckedGraph) -> Plan {
    let graph = checked.graph();
    let mut ids: HashMap<Outlet, ValueId> = HashMap::new();
    let mut steps = Vec::with_capacity(graph.len());
    let mut layers = Vec::new();
    for node_id in graph.order() {
        let node = graph.node(node_id);
        let input_types = graph.input_types(node_id);
        let params = node.op.params(&input_types);
        let layer = (!params.is_empty()).then(|| {
            let channels = input_types[0].shape().channels();
            layers.push(LayerSpec { path: node.path.clone(), op: node.op.clone(), channels, params });
            layers.len() - 1
        });
        let inputs = graph.inputs(node_id).iter().map(|outlet| ids[outlet]).collect();
        let outputs =
            node.outputs.iter().enumerate().map(|(slot, ty)| (value_id(&mut ids, node_id, slot), ty.clone())).collect();
        steps.push(Step { op: node.op.clone(), path: node.path.clone(), inputs, outputs, layer, frees: Vec::new() });
    }
    let results = graph.results.iter().map(|(name, outlet)| (name.clone(), ids[outlet])).collect();
    let mut plan = Plan { name: graph.name.clone(), steps, layers, results, values: ids.len() };
    plan.mark_last_uses();
    plan
}

fn value_id(ids: &mut HashMap<Outlet, ValueId>, node: NodeId, slot: usize) -> ValueId {
    let next = ValueId(ids.len() as u32);
    *ids.entry(Outlet { node, slot }).or_insert(next)
}

impl Plan {
    fn mark_last_uses(&mut self) {
        let mut last: Vec<Option<usize>> = vec![None; self.values];
        for (at, step) in self.steps.iter().enumerate() {
            for value in step.inputs.iter().chain(step.outputs.iter().map(|(v, _)| v)) {
                last[value.index()] = Some(at);
            }
        }
        for (_, value) in &self.results {
            last[value.index()] = None;
        }
        for (value, at) in last.into_iter().enumerate() {
            if let Some(at) = at {
                self.steps[at].frees.push(ValueId(value as u32));
            }
        }
    }

    /// Returns one line for each step: number, results, operator with settings, operands, types, freed values, path, weights.
    pub fn to_text(&self) -> String {
        let rows: Vec<[String; 4]> = self.steps.iter().enumerate().map(|(at, step)| self.step_row(at, step)).collect();
        let width = |i: usize| rows.iter().map(|r| r[i].len()).max().unwrap_or(0);
        let (w0, w1, w2) = (width(0), width(1), width(2));
        let mut out = format!("plan {}\n", self.name);
        for [head, types, frees, tail] in &rows {
            let line = format!("  {head:w0$}  : {types:w1$}  {frees:w2$}  # {tail}");
            let _ = writeln!(out, "{}", line.trim_end());
        }
        for (name, value) in &self.results {
            let _ = writeln!(out, "  return {name} = {value}");
        }
        out
    }

    fn step_row(&self, at: usize, step: &Step) -> [String; 4] {
        let outputs = comma_separated(step.outputs.iter().map(|(v, _)| v));
        let operands = comma_separated(&step.inputs);
        let call = if operands.is_empty() { step.op.kernel() } else { format!("{} <- {operands}", step.op.kernel()) };
        let frees =
            if step.frees.is_empty() { String::new() } else { format!("free {}", comma_separated(&step.frees)) };
        let mut tail = step.path.clone();
        if let Some(layer) = step.layer {
            let params = self.layers[layer].params.iter();
            let _ = write!(tail, " {{{}}}", comma_separated(params.map(|p| format!("{}: {:?}", p.name, p.shape))));
        }
        [format!("{at:>3}  {outputs} = {call}"), comma_separated(step.outputs.iter().map(|(_, ty)| ty)), frees, tail]
    }
}

fn comma_separated<T: fmt::Display>(items: impl IntoIterator<Item = T>) -> String {
    items.into_iter().map(|i| i.to_string()).collect::<Vec<_>>().join(", ")
}
