//! The boxes that a fold state shows and the edges between them, for tools that compute their own layout.

use super::fold::FoldState;
use super::scene::Scene;
use crate::graph::ir::Outlet;
use std::collections::HashMap;

/// A tensor that runs from one visible box to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BoxEdge {
    pub from: usize,
    /// Output of `from` that carries the tensor.
    pub port: usize,
    pub to: usize,
    /// Whether only the size of the tensor is read.
    pub size_only: bool,
}

/// Returns the edges between the visible boxes.
pub fn box_edges(scene: &Scene, fold: &FoldState) -> Vec<BoxEdge> {
    let shown = fold.visible_boxes(&scene.tree);
    let items = &scene.tree.items;
    let mut producers: HashMap<Outlet, (usize, usize)> = HashMap::new();
    for &from in &shown {
        for (port, &outlet) in items[from].outputs.iter().enumerate() {
            producers.insert(outlet, (from, port));
        }
    }
    let inputs = shown.iter().flat_map(|&to| items[to].inputs.iter().map(move |w| (to, w)));
    let edge = |(to, input): (usize, &super::tree::ItemInput)| {
        let &(from, port) = producers.get(&input.outlet)?;
        Some(BoxEdge { from, port, to, size_only: input.size_only })
    };
    inputs.filter_map(edge).collect()
}

/// One step of a walk over the visible boxes and the open blocks around them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NestingStep {
    /// Enters an open block.
    Open(usize),
    Box(usize),
    /// Leaves the block that was entered last.
    Close,
}

/// Walks over the visible boxes with the open blocks around them.
pub(super) fn nesting_steps(scene: &Scene, fold: &FoldState) -> Vec<NestingStep> {
    let mut steps = Vec::new();
    let items = &scene.tree.items;
    let mut pending: Vec<NestingStep> = items[0].children.iter().rev().map(|&c| NestingStep::Box(c)).collect();
    while let Some(step) = pending.pop() {
        match step {
            NestingStep::Box(item) if fold.is_open(item) => {
                steps.push(NestingStep::Open(item));
                pending.push(NestingStep::Close);
                pending.extend(items[item].children.iter().rev().map(|&c| NestingStep::Box(c)));
            }
            NestingStep::Box(_) | NestingStep::Open(_) | NestingStep::Close => steps.push(step),
        }
    }
    steps
}
