//! A network with everything that its picture needs in any fold state.

use super::item_facts::{GraphFacts, ItemFacts, describe};
use super::layered::{GraphTooLarge, LayeredGraph, MAX_DUMMY_NODES};
use super::tree::BlockTree;
use super::u_plan::UPlan;
use super::u_planner::plan_u;
use super::u_shape::{NotUShaped, u_parts};
use crate::graph::check::CheckedGraph;
use crate::study::cost::Convention;
use std::str::FromStr;

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
    /// The plan of the picture as a U, or why the network is none.
    u: Result<UPlan, NotUShaped>,
    pub direction: Direction,
}

/// The direction in which a picture runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Direction {
    /// As a U where the network is one, else down.
    #[default]
    Auto,
    /// From the top to the bottom, with a column for each size of map.
    Down,
    /// The encoder down at the left, the decoder up at the right, with a row for each size of map.
    U,
    /// From the left to the right, in Graphviz and Mermaid, which have layouts of their own.
    Right,
}

impl Direction {
    /// All directions.
    pub const ALL: [Direction; 4] = [Direction::Auto, Direction::U, Direction::Down, Direction::Right];

    /// Returns the name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Direction::Auto => "auto",
            Direction::Down => "down",
            Direction::U => "u",
            Direction::Right => "right",
        }
    }
}

impl FromStr for Direction {
    type Err = String;

    fn from_str(name: &str) -> Result<Direction, String> {
        let known = || Self::ALL.map(Self::name).join(", ");
        Self::ALL.into_iter().find(|d| d.name() == name).ok_or_else(|| format!("the directions are {}", known()))
    }
}

impl Scene {
    /// Returns the network in the direction [`Direction::Auto`].
    ///
    /// # Errors
    /// The network needs more than [`MAX_DUMMY_NODES`] dummy nodes.
    pub fn new(checked: &CheckedGraph, convention: Convention) -> Result<Scene, GraphTooLarge> {
        let graph = checked.graph();
        let tree = BlockTree::new(graph);
        let mut lanes = MAX_DUMMY_NODES;
        let layered = (0..tree.items.len()).map(|i| LayeredGraph::new(graph, &tree, i, &mut lanes));
        let layered = layered.collect::<Result<_, _>>()?;
        let GraphFacts { facts, kinds, params, macs } = describe(checked, &tree, convention);
        let u = u_parts(graph, &tree, &facts).map(|parts| plan_u(&parts));
        let direction = Direction::Auto;
        Ok(Scene { name: graph.name.clone(), tree, facts, layered, kinds, params, macs, convention, u, direction })
    }

    /// Returns the network in a direction.
    ///
    /// # Errors
    /// The direction is a U, and the network is none.
    pub fn in_direction(self, direction: Direction) -> Result<Scene, NotUShaped> {
        match (direction, &self.u) {
            (Direction::U, Err(why)) => Err(why.clone()),
            (Direction::U | Direction::Auto | Direction::Down | Direction::Right, _) => Ok(Scene { direction, ..self }),
        }
    }

    /// Returns the plan of the picture if it is a U.
    pub fn u_plan(&self) -> Option<&UPlan> {
        match self.direction {
            Direction::Auto | Direction::U => self.u.as_ref().ok(),
            Direction::Down | Direction::Right => None,
        }
    }

    /// Returns height and width of the map that an item gives first: `144 × 192`.
    pub fn map_size(&self, item: usize, shapes: ShapeNotation) -> &str {
        let label = if self.facts[item].labels.is_empty() { "" } else { self.label(item, 0, shapes) };
        label.split_once(" × ").map_or("", |(_, size)| size)
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
