//! A network with everything that a picture of it needs, at any fold.

use super::facts::{Described, Facts, describe};
use super::level::{LANES, Level, TooLarge};
use super::tree::Tree;
use crate::graph::check::CheckedGraph;
use crate::study::cost::Convention;

/// What stands on lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shapes {
    /// `64 × 128 × 128`, at the size of the graph.
    Numbers,
    /// `64 × H × W`, where that is short.
    Formulas,
}

#[derive(Debug, Clone)]
pub struct Scene {
    pub name: String,
    pub tree: Tree,
    /// By item.
    pub facts: Vec<Facts>,
    /// By item; `None` where there is nothing inside.
    pub levels: Vec<Option<Level>>,
    /// Names of blocks, in the order of appearance, with how often each is there.
    pub kinds: Vec<(String, usize)>,
    pub params: u64,
    pub macs: u64,
    pub convention: Convention,
}

impl Scene {
    /// # Errors
    /// The network's lines are too long for a picture.
    pub fn new(checked: &CheckedGraph, convention: Convention) -> Result<Scene, TooLarge> {
        let graph = checked.graph();
        let tree = Tree::new(graph);
        let mut lanes = LANES;
        let levels = (0..tree.items.len()).map(|i| Level::new(graph, &tree, i, &mut lanes));
        let levels = levels.collect::<Result<_, _>>()?;
        let Described { facts, kinds, params, macs } = describe(checked, &tree, convention);
        Ok(Scene { name: graph.name.clone(), tree, facts, levels, kinds, params, macs, convention })
    }

    /// What stands on the line from an output of an item.
    pub fn label(&self, item: usize, port: usize, shapes: Shapes) -> &str {
        let [numbers, formula] = &self.facts[item].labels[port];
        match shapes {
            Shapes::Formulas if !formula.is_empty() => formula,
            Shapes::Numbers | Shapes::Formulas => numbers,
        }
    }
}
