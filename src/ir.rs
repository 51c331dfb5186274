//! The graph: nodes that compute, edges that carry tensors.
//!
//! This is the one place where the network's structure lives. petgraph stays behind [`Graph`]; other modules see
//! [`NodeId`], [`Outlet`] and slices. Knows operators and shapes, and nothing of syntax, checking or running.
//!
//! Invariants, tested by [`Graph::verify`]:
//! - node 0 is the only [`Op::Input`];
//! - a node has as many inputs as its operator's arity says, one edge per slot, slots counted from 0;
//! - the graph has no cycle, and an edge runs from a smaller id to a larger one;
//! - paths are unique; the types of a node's outputs are those its operator infers from its inputs;
//! - every result is an existing outlet.

mod chain;
mod view;

pub use chain::Chains;
pub use view::{dot, json, text};

use crate::op::{Arity, Op};
use crate::source::Span;
use crate::ty::TensorType;
use petgraph::Direction;
use petgraph::stable_graph::{NodeIndex, StableDiGraph};
use petgraph::visit::EdgeRef;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashSet};
use std::fmt;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(u32);

impl NodeId {
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "%{}", self.0)
    }
}

/// One output of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Outlet {
    pub node: NodeId,
    pub slot: usize,
}

/// The stable name of a node: segments joined with dots, such as `s.1.basic.cbr2.conv`. Also the prefix of its weights.
pub type Path = String;

#[derive(Debug, Clone)]
pub struct Node {
    pub path: Path,
    pub op: Op,
    pub outputs: Vec<TensorType>,
    /// Where the call is written.
    pub span: Span,
}

/// The input slot that an edge fills, and the output of the source that it carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Arg {
    slot: usize,
    output: usize,
}

/// An instance of a block: a prefix of paths.
#[derive(Debug, Clone)]
pub struct Scope {
    pub path: Path,
    /// The block's name in the source.
    pub block: String,
    pub span: Span,
}

/// A hyper-parameter with the value it was given, in the spelling of the language.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    pub name: String,
    pub value: String,
}

#[derive(Debug, Clone)]
pub struct Graph {
    /// The model or variant.
    pub name: String,
    pub settings: Vec<Setting>,
    /// Block instances in the order of their first node.
    pub scopes: Vec<Scope>,
    /// Results by name; a single unnamed result is called `out`.
    pub results: Vec<(String, Outlet)>,
    nodes: StableDiGraph<Node, Arg>,
}

impl Graph {
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            settings: Vec::new(),
            scopes: Vec::new(),
            results: Vec::new(),
            nodes: StableDiGraph::new(),
        }
    }

    /// Adds a node whose inputs exist already. `outputs` are the types that `node.op` infers.
    pub fn add(&mut self, node: Node, inputs: &[Outlet]) -> NodeId {
        let index = self.nodes.add_node(node);
        for (slot, input) in inputs.iter().enumerate() {
            self.nodes.add_edge(NodeIndex::new(input.node.index()), index, Arg { slot, output: input.slot });
        }
        NodeId(index.index() as u32)
    }

    pub fn len(&self) -> usize {
        self.nodes.node_count()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub fn node(&self, id: NodeId) -> &Node {
        &self.nodes[NodeIndex::new(id.index())]
    }

    pub fn ty(&self, outlet: Outlet) -> &TensorType {
        &self.node(outlet.node).outputs[outlet.slot]
    }

    /// The inputs of a node in slot order.
    pub fn inputs(&self, id: NodeId) -> Vec<Outlet> {
        let edges = self.nodes.edges_directed(NodeIndex::new(id.index()), Direction::Incoming);
        let mut slots: Vec<_> = edges
            .map(|e| {
                let node = NodeId(e.source().index() as u32);
                (e.weight().slot, Outlet { node, slot: e.weight().output })
            })
            .collect();
        slots.sort_unstable();
        slots.into_iter().map(|(_, outlet)| outlet).collect()
    }

    pub fn input_types(&self, id: NodeId) -> Vec<TensorType> {
        self.inputs(id).into_iter().map(|o| self.ty(o).clone()).collect()
    }

    /// The image: node 0.
    pub fn input(&self) -> NodeId {
        NodeId(0)
    }

    /// Every node after its inputs; among those that are ready the smallest id comes first (Kahn 1962), so that the
    /// order, and every snapshot made from it, is stable.
    pub fn order(&self) -> Vec<NodeId> {
        let mut missing: BTreeMap<NodeIndex, usize> = BTreeMap::new();
        let mut ready = BinaryHeap::new();
        for index in self.nodes.node_indices() {
            let n = self.nodes.edges_directed(index, Direction::Incoming).count();
            missing.insert(index, n);
            if n == 0 {
                ready.push(Reverse(index));
            }
        }
        let mut order = Vec::with_capacity(self.len());
        while let Some(Reverse(index)) = ready.pop() {
            order.push(NodeId(index.index() as u32));
            for edge in self.nodes.edges_directed(index, Direction::Outgoing) {
                if let Some(n) = missing.get_mut(&edge.target()) {
                    *n -= 1;
                    if *n == 0 {
                        ready.push(Reverse(edge.target()));
                    }
                }
            }
        }
        order
    }

    /// Checks the invariants of the module doc. `pass` names who made the graph.
    pub fn verify(&self, pass: &str) -> Result<(), String> {
        let fail = |id: NodeId, what: String| Err(format!("after {pass}: node {id} `{}`: {what}", self.node(id).path));
        let order = self.order();
        if order.len() != self.len() {
            return Err(format!("after {pass}: the graph has a cycle"));
        }
        let mut paths = HashSet::new();
        for id in order {
            let node = self.node(id);
            let inputs = self.inputs(id);
            let fits = match node.op.arity() {
                Arity::Exactly(n) => inputs.len() == n,
                Arity::AtLeast(n) => inputs.len() >= n,
            };
            if !fits {
                return fail(id, format!("{} inputs do not fit {:?}", inputs.len(), node.op.arity()));
            }
            if let Some(late) = inputs.iter().find(|o| o.node >= id || o.slot >= self.node(o.node).outputs.len()) {
                return fail(id, format!("input {} output {} does not exist before it", late.node, late.slot));
            }
            if matches!(node.op, Op::Input(_)) != (id.index() == 0) {
                return fail(id, "the input must be node 0 and alone".into());
            }
            if !paths.insert(node.path.as_str()) {
                return fail(id, "path used twice".into());
            }
            match node.op.infer(&self.input_types(id)) {
                Ok(types) if types == node.outputs => {}
                Ok(types) => return fail(id, format!("has types {:?}, infers {types:?}", node.outputs)),
                Err(refusal) => return fail(id, refusal.message),
            }
        }
        for (name, outlet) in &self.results {
            if outlet.node.index() >= self.len() || outlet.slot >= self.node(outlet.node).outputs.len() {
                return Err(format!("after {pass}: result `{name}` names no outlet"));
            }
        }
        Ok(())
    }
}
