//! The graph: nodes that compute, edges that carry tensors.
//!
//! The structure of a network is stored only here. petgraph is private to [`Graph`]; other modules use [`NodeId`],
//! [`Outlet`] and slices. The module knows operators and shapes, and nothing of syntax, checking or execution.
//!
//! Invariants, checked by [`Graph::verify`]:
//! - node 0 is the only [`Op::Input`];
//! - a node has as many inputs as its operator's arity requires, one edge per slot, slots counted from 0;
//! - an edge runs from a smaller id to a larger one, so the graph has no cycle;
//! - paths are unique; the output types of a node are the ones that its operator infers from its inputs;
//! - every result is an existing outlet.

mod chain;
mod view;

use crate::base::count::counted;
pub use chain::CallChains;
pub use view::{to_json, to_text};

use super::op::{Arity, Op};
use super::ty::{Disjunction, FormulaType, TensorType};
use crate::text::source::Span;
use petgraph::Direction;
use petgraph::stable_graph::{NodeIndex, StableDiGraph};
use petgraph::visit::EdgeRef;
use std::collections::HashSet;
use std::fmt;

/// The number of a node in its graph: 0 is the image, and inputs have smaller numbers than the node that reads them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(u32);

impl NodeId {
    /// Returns the number as an index into lists that hold one item per node.
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
    /// The node that computes the tensor.
    pub node: NodeId,
    /// Which of the node's outputs it is, counted from 0.
    pub slot: usize,
}

/// The stable name of a node: segments joined with dots, such as `s.1.basic.cbr2.conv`. Also the prefix of its weights.
pub type Path = String;

/// One application of an operator.
#[derive(Debug, Clone)]
pub struct Node {
    /// The node's name, unique in its graph.
    pub path: Path,
    /// The operator with its settings.
    pub op: Op,
    /// The type of each output at the size of the graph, in slot order.
    pub outputs: Vec<TensorType>,
    /// The place of the call in the source.
    pub span: Span,
}

/// The weight of an edge: the input slot of its target, and the output of its source that it carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct InputEdge {
    slot: usize,
    output: usize,
}

/// An instance of a block: a prefix of paths.
#[derive(Debug, Clone)]
pub struct BlockInstance {
    /// The path of the instance, the prefix of its nodes' paths.
    pub path: Path,
    /// The block's name in the source.
    pub block: String,
    /// The place of the call in the source.
    pub span: Span,
}

/// A hyper-parameter with its value in the syntax of the language.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HyperParameter {
    /// Name of the model's parameter.
    pub name: String,
    /// Its value in the syntax of the language.
    pub value: String,
}

/// A constraint on the image's size, with the place that causes it.
#[derive(Debug, Clone)]
pub struct SizeConstraint {
    /// The condition: in at least one of the lists every condition must hold.
    pub any: Disjunction,
    /// The reason in words, for messages.
    pub what: String,
    /// The source text that causes it.
    pub span: Span,
}

impl SizeConstraint {
    /// Returns whether an image of `[height, width]` meets it.
    pub fn holds(&self, size: [usize; 2]) -> bool {
        self.any.iter().any(|all| all.iter().all(|cond| cond.holds(size)))
    }
}

/// A network as a directed graph without cycles: nodes compute, edges carry tensors.
#[derive(Debug, Clone)]
pub struct Graph {
    /// The name of the model or variant.
    pub name: String,
    /// The model's hyper-parameters in the order of their declaration.
    pub settings: Vec<HyperParameter>,
    /// Block instances in the order of their first node.
    pub instances: Vec<BlockInstance>,
    /// Results by name; a single unnamed result is called `out`.
    pub results: Vec<(String, Outlet)>,
    /// The constraints that an image size must meet for the model file to give a graph at all. Each is listed once.
    pub constraints: Vec<SizeConstraint>,
    /// The conditions under which the model file gives this very graph at another image size, with other numbers in its
    /// shapes. They come from loops, choices and settings that depend on the size.
    pub path_conditions: Vec<SizeConstraint>,
    nodes: StableDiGraph<Node, InputEdge>,
    /// The output types of each node with dims as formulas. At the size of this graph they equal `Node::outputs`; at another
    /// size that meets `constraints` and `path_conditions` they equal the types that elaboration gives there.
    formulas: Vec<Vec<FormulaType>>,
}

impl Graph {
    /// Makes a graph without nodes for a model of this name.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            settings: Vec::new(),
            instances: Vec::new(),
            results: Vec::new(),
            constraints: Vec::new(),
            path_conditions: Vec::new(),
            nodes: StableDiGraph::new(),
            formulas: Vec::new(),
        }
    }

    /// Adds a node whose inputs are in the graph. Its output types count for this size only.
    pub fn add(&mut self, node: Node, inputs: &[Outlet]) -> NodeId {
        let formulas = node.outputs.iter().map(FormulaType::fixed).collect();
        self.add_with(node, inputs, formulas)
    }

    /// Adds a node with its output types as formulas.
    pub fn add_with(&mut self, node: Node, inputs: &[Outlet], formulas: Vec<FormulaType>) -> NodeId {
        debug_assert_eq!(node.outputs.len(), formulas.len());
        self.formulas.push(formulas);
        let index = self.nodes.add_node(node);
        for (slot, input) in inputs.iter().enumerate() {
            self.nodes.add_edge(NodeIndex::new(input.node.index()), index, InputEdge { slot, output: input.slot });
        }
        NodeId(index.index() as u32)
    }

    /// Returns the number of nodes, the image included.
    pub fn len(&self) -> usize {
        self.nodes.node_count()
    }

    /// Returns whether the graph has no node, not even the image.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns a node. Panics for an id that is not of this graph.
    pub fn node(&self, id: NodeId) -> &Node {
        &self.nodes[NodeIndex::new(id.index())]
    }

    /// Returns the type of an outlet at the size of the graph.
    pub fn ty(&self, outlet: Outlet) -> &TensorType {
        &self.node(outlet.node).outputs[outlet.slot]
    }

    /// Returns the type of an outlet with its dims as formulas in the image's height and width.
    pub fn formula(&self, outlet: Outlet) -> &FormulaType {
        &self.formulas[outlet.node.index()][outlet.slot]
    }

    /// Returns the inputs of a node in slot order.
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

    /// Returns the types of a node's inputs in slot order.
    pub fn input_types(&self, id: NodeId) -> Vec<TensorType> {
        self.inputs(id).into_iter().map(|o| self.ty(o).clone()).collect()
    }

    /// Returns the node of the image, node 0.
    pub fn input(&self) -> NodeId {
        NodeId(0)
    }

    /// Returns all nodes in topological order. This is the order of ids, since an edge runs from a smaller id to a larger one.
    pub fn order(&self) -> Vec<NodeId> {
        (0..self.len() as u32).map(NodeId).collect()
    }

    /// Checks the invariants of the module documentation. `pass` is the name of the stage that made the graph.
    pub fn verify(&self, pass: &str) -> Result<(), String> {
        let fail = |id: NodeId, what: String| Err(format!("after {pass}: node {id} `{}`: {what}", self.node(id).path));
        let mut paths = HashSet::with_capacity(self.len());
        for id in self.order() {
            let node = self.node(id);
            let inputs = self.inputs(id);
            let fits = match node.op.arity() {
                Arity::Exactly(n) => inputs.len() == n,
                Arity::AtLeast(n) => inputs.len() >= n,
            };
            if !fits {
                return fail(id, format!("{} do not fit {:?}", counted(inputs.len(), "input"), node.op.arity()));
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
