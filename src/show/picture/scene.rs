//! A network with everything that a picture of it needs, at any fold.

use super::item_facts::{GraphFacts, ItemFacts, describe};
use super::layered::{GraphTooLarge, LayeredGraph, MAX_DUMMY_NODES};
use super::tree::BlockTree;
use crate::graph::check::CheckedGraph;
use crate::study::cost::Convention;

/// What stands on lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShapeNotation {
    /// `64 × 128 × 128`, at the size of the graph.
    Numbers,
    /// `64 × H × W`, where that is short.
    Formulas,
}

#[derive(Debug, Clone)]
pub struct Scene {
    pub name: String,
    pub tree: BlockTree,
    /// By item.
    pub facts: Vec<ItemFacts>,
    /// By item; `None` where there is nothing inside.
    pub layered: Vec<Option<LayeredGraph>>,
    /// Names of blocks, in the order of appearance, with how often each is there.
    pub kinds: Vec<(String, usize)>,
    pub params: u64,
    pub macs: u64,
    pub convention: Convention,
}

impl Scene {
    /// # Errors
    /// The network's lines are too long for a picture.
    pub fn new(checked: &CheckedGraph, convention: Convention) -> Result<Scene, GraphTooLarge> {
        let graph = checked.graph();
        let tree = BlockTree::new(graph);
        let mut lanes = MAX_DUMMY_NODES;
        let layered = (0..tree.items.len()).map(|i| LayeredGraph::new(graph, &tree, i, &mut lanes));
        let layered = layered.collect::<Result<_, _>>()?;
        let GraphFacts { facts, kinds, params, macs } = describe(checked, &tree, convention);
        Ok(Scene { name: graph.name.clone(), tree, facts, layered, kinds, params, macs, convention })
    }

    /// What stands on the line from an output of an item.
    pub fn label(&self, item: usize, port: usize, shapes: ShapeNotation) -> &str {
        let [numbers, formula] = &self.facts[item].labels[port];
        match shapes {
            ShapeNotation::Formulas if !formula.is_empty() => formula,
            ShapeNotation::Numbers | ShapeNotation::Formulas => numbers,
        }
    }
}
