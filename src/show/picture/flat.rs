//! The boxes that a fold shows and the edges between them, for tools that lay graphs out themselves.

use super::fold::Fold;
use super::scene::Scene;
use crate::graph::ir::Outlet;
use std::collections::HashMap;

/// A tensor from one shown box to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Edge {
    pub from: usize,
    /// Output of `from`.
    pub port: usize,
    pub to: usize,
    /// No number of it is read.
    pub size_only: bool,
}

pub fn edges(scene: &Scene, fold: &Fold) -> Vec<Edge> {
    let shown = fold.shown(&scene.tree);
    let items = &scene.tree.items;
    let mut gives: HashMap<Outlet, (usize, usize)> = HashMap::new();
    for &from in &shown {
        for (port, &outlet) in items[from].outputs.iter().enumerate() {
            gives.insert(outlet, (from, port));
        }
    }
    let wires = shown.iter().flat_map(|&to| items[to].inputs.iter().map(move |w| (to, w)));
    let edge = |(to, wire): (usize, &super::tree::Wire)| {
        let &(from, port) = gives.get(&wire.outlet)?;
        Some(Edge { from, port, to, size_only: wire.size_only })
    };
    wires.filter_map(edge).collect()
}

/// Something that a writer of nested text meets, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// An open block starts.
    Open(usize),
    Box(usize),
    /// The block that was opened last ends.
    Close,
}

/// The shown boxes with the open blocks around them.
pub(super) fn steps(scene: &Scene, fold: &Fold) -> Vec<Step> {
    let mut steps = Vec::new();
    let items = &scene.tree.items;
    let mut pending: Vec<Step> = items[0].children.iter().rev().map(|&c| Step::Box(c)).collect();
    while let Some(step) = pending.pop() {
        match step {
            Step::Box(item) if fold.is_open(item) => {
                steps.push(Step::Open(item));
                pending.push(Step::Close);
                pending.extend(items[item].children.iter().rev().map(|&c| Step::Box(c)));
            }
            Step::Box(_) | Step::Open(_) | Step::Close => steps.push(step),
        }
    }
    steps
}
