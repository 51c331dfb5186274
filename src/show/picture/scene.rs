//! A network with everything that its picture needs in any fold state.

use super::item_facts::{GraphFacts, ItemFacts, describe};
use super::layered::{GraphTooLarge, LayeredGraph, MAX_DUMMY_NODES};
use super::tree::BlockTree;
use crate::graph::check::CheckedGraph;
use crate::study::cost::Convention;

/// How shapes are written on edges.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShapeNotation {
    /// As numbers at the size of the graph: `64 × 128 × 128`.
    Numbers,
    /// As formulas where these are short: `64 × H × W`.
    Formulas,
}

/// A network, ready to be drawn.
#[derive(Debug, Clone)]
pub struct Scene {
    pub name: String,
    pub tree: BlockTree,
    /// One entry for each item.
    pub facts: Vec<ItemFacts>,
    /// The layered graph of each item, or `None` where the item has no children.
    pub layered: Vec<Option<LayeredGraph>>,
    /// Names of blocks in the order of appearance, each with its number of instances.
    pub kinds: Vec<(String, usize)>,
    pub params: u64,
    pub macs: u64,
    pub convention: Convention,
}

impl Scene {
    /// # Errors
    /// The network needs more than [`MAX_DUMMY_NODES`] dummy nodes.
    pub fn new(checked: &CheckedGraph, convention: Convention) -> Result<Scene, GraphTooLarge> {
        let graph = checked.graph();
        let tree = BlockTree::new(graph);
        let mut lanes = MAX_DUMMY_NODES;
        let layered = (0..tree.items.len()).map(|i| LayeredGraph::new(graph, &tree, i, &mut lanes));
        let layered = layered.collect::<Result<_, _>>()?;
        let GraphFacts { facts, kinds, params, macs } = describe(checked, &tree, convention);
        Ok(Scene { name: graph.name.clone(), tree, facts, layered, kinds, params, macs, convention })
    }

    /// Returns the shape label of an output of an item.
    pub fn label(&self, item: usize, port: usize, shapes: ShapeNotation) -> &str {
        let [numbers, formula] = &self.facts[item].labels[port];
        match shapes {
            ShapeNotation::Formulas if !formula.is_empty() => formula,
            ShapeNotation::Numbers | ShapeNotation::Formulas => numbers,
        }
    }
}
