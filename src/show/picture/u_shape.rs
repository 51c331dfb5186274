//! Is a network a U? Levels of resolution, and the encoder and the decoder among its outermost parts.
//!
//! The answer follows from the graph alone: an encoder whose maps shrink, and a decoder whose maps grow again level by level up to a
//! result. Names of blocks and the order of statements have no part in it.

use super::item_facts::ItemFacts;
use super::tree::{BlockTree, TreeItemKind};
use crate::graph::ir::{Graph, Outlet};
use std::collections::HashMap;

/// Why a network is not drawn as a U, as the end of "it cannot be drawn as a U: ".
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotUShaped(pub String);

/// A tensor from one outermost part to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PartEdge {
    pub from: usize,
    /// Output of `from`.
    pub port: usize,
    pub to: usize,
    /// Input of `to`.
    pub input: usize,
    pub size_only: bool,
}

/// Where an outermost part stands: parts are numbered in the order of the network's children.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PartPlace {
    /// The level whose row holds the part, 0 for the largest maps.
    pub row: usize,
    /// How often the maps grew on the way to the part: 0 in the encoder.
    pub climbs: usize,
}

/// The outermost parts of a network that is a U.
#[derive(Debug, Clone)]
pub(super) struct UParts {
    /// Item of each part in the tree.
    pub items: Vec<usize>,
    pub places: Vec<PartPlace>,
    pub edges: Vec<PartEdge>,
    /// For each row, the part whose output is its size of map.
    pub examples: Vec<usize>,
}

/// An encoder or a decoder that halves or doubles its maps more often than this within one part is not drawn as a U.
const MOST_HALVINGS_OF_A_PART: i64 = 2;

/// The most parts of a U. The rows of more would be too high to read.
const MAX_PARTS: usize = 400;

/// Finds encoder and decoder among the outermost parts of a network.
pub(super) fn u_parts(graph: &Graph, tree: &BlockTree, facts: &[ItemFacts]) -> Result<UParts, NotUShaped> {
    let items = tree.items[0].children.clone();
    if items.len() > MAX_PARTS {
        return Err(NotUShaped(format!("it has {} outermost parts, more than {MAX_PARTS}", items.len())));
    }
    let edges = part_edges(tree, &items);
    let walk = LevelWalk { graph, tree, facts, items: &items, edges: &edges };
    let halvings = walk.halvings();
    let levels = levels(&halvings);
    let climbs = walk.climbs(&levels);
    walk.check(&halvings, &levels, &climbs)?;
    let places = walk.places(&levels, &climbs);
    let rows = places.iter().map(|place| place.row + 1).max().unwrap_or(0);
    let example = |row: usize| {
        let here = |&k: &usize| levels[k] == row && !tree.items[items[k]].outputs.is_empty();
        (0..items.len()).find(here).or((0..items.len()).find(|&k| places[k].row == row)).unwrap_or(0)
    };
    let examples = (0..rows).map(example).collect();
    Ok(UParts { items, places, edges, examples })
}

/// Returns the edges between the parts, in the order of the parts that read them.
fn part_edges(tree: &BlockTree, items: &[usize]) -> Vec<PartEdge> {
    let mut producers: HashMap<Outlet, (usize, usize)> = HashMap::new();
    for (part, &item) in items.iter().enumerate() {
        for (port, &outlet) in tree.items[item].outputs.iter().enumerate() {
            producers.insert(outlet, (part, port));
        }
    }
    let reads = items.iter().enumerate().flat_map(|(to, &item)| {
        tree.items[item].inputs.iter().enumerate().map(move |(input, read)| (to, input, *read))
    });
    reads
        .filter_map(|(to, input, read)| {
            let &(from, port) = producers.get(&read.outlet)?;
            Some(PartEdge { from, port, to, input, size_only: read.size_only })
        })
        .collect()
}

/// Walks over the parts in their order, in which every part comes after those that it reads.
struct LevelWalk<'a> {
    graph: &'a Graph,
    tree: &'a BlockTree,
    facts: &'a [ItemFacts],
    items: &'a [usize],
    edges: &'a [PartEdge],
}

impl LevelWalk<'_> {
    /// Returns the edges into a part that carry values.
    fn values_into(&self, part: usize) -> impl Iterator<Item = &PartEdge> {
        self.edges.iter().filter(move |edge| edge.to == part && !edge.size_only)
    }

    /// Returns the number of pixels of the map that a part gives, or of the map that a result is.
    fn area(&self, part: usize) -> f64 {
        let item = &self.tree.items[self.items[part]];
        item.outputs
            .first()
            .or(item.inputs.first().map(|input| &input.outlet))
            .map_or(1.0, |&o| map_area(self.graph, o))
    }

    /// Returns how often the sides of the maps of each part are half of those of the largest input.
    ///
    /// Halvings are rounded and added up from part to part, so convolutions that cut the border off do not change them. A vector, such
    /// as the mean of a map, counts as the map.
    fn halvings(&self) -> Vec<i64> {
        let mut halvings: Vec<i64> = Vec::with_capacity(self.items.len());
        let largest = (0..self.items.len()).map(|part| self.area(part)).fold(1.0, f64::max);
        for part in 0..self.items.len() {
            let own = self.area(part);
            let wider = |a: &&PartEdge, b: &&PartEdge| self.edge_area(a).total_cmp(&self.edge_area(b));
            // `max_by` takes the last of equal inputs.
            let level = match self.values_into(part).max_by(wider) {
                None => halved(largest, own),
                Some(edge) if own <= 1.0 || self.edge_area(edge) <= 1.0 => halvings[edge.from],
                Some(edge) => halvings[edge.from] + self.offset(edge) + halved(self.edge_area(edge), own),
            };
            halvings.push(level);
        }
        halvings
    }

    fn edge_area(&self, edge: &PartEdge) -> f64 {
        map_area(self.graph, self.tree.items[self.items[edge.from]].outputs[edge.port])
    }

    /// Returns the halvings from the first output of a part to the one that an edge starts at.
    fn offset(&self, edge: &PartEdge) -> i64 {
        if edge.port == 0 { 0 } else { halved(self.area(edge.from), self.edge_area(edge)) }
    }

    /// Returns how often maps grew on the way to each part.
    fn climbs(&self, levels: &[usize]) -> Vec<usize> {
        let mut climbs: Vec<usize> = Vec::with_capacity(levels.len());
        for part in 0..levels.len() {
            let through = self.values_into(part).map(|e| climbs[e.from] + usize::from(levels[e.from] > levels[part]));
            climbs.push(through.max().unwrap_or(0));
        }
        climbs
    }

    /// Returns the size of the maps of a part, such as `36 × 48`.
    fn size(&self, part: usize) -> String {
        let item = &self.tree.items[self.items[part]];
        let outlet = item.outputs.first().or(item.inputs.first().map(|input| &input.outlet));
        let dims = outlet.map_or(&[][..], |&o| self.graph.ty(o).shape().dims());
        dims.iter().skip(1).map(usize::to_string).collect::<Vec<_>>().join(" × ")
    }

    fn path(&self, part: usize) -> &str {
        &self.tree.items[self.items[part]].path
    }

    /// Fails unless maps shrink, and grow again level by level up to a result.
    fn check(&self, halvings: &[i64], levels: &[usize], climbs: &[usize]) -> Result<(), NotUShaped> {
        let deepest = levels.iter().copied().max().unwrap_or(0);
        if deepest == 0 {
            return Err(NotUShaped("all its maps have one size, so it has no levels".into()));
        }
        if climbs.iter().all(|&n| n == 0) {
            return Err(NotUShaped("its maps shrink and never grow again, so it has no decoder".into()));
        }
        let values = || self.edges.iter().filter(|edge| !edge.size_only);
        let level_step = |edge: &PartEdge| levels[edge.to] as i64 - levels[edge.from] as i64;
        let halved = |edge: &PartEdge| halvings[edge.to] - halvings[edge.from];
        if let Some(edge) = values().find(|edge| climbs[edge.from] > 0 && level_step(edge) > 0) {
            let (path, from, to) = (self.path(edge.to), self.size(edge.from), self.size(edge.to));
            return Err(NotUShaped(format!("its maps shrink again after they grew: from {from} to {to} at `{path}`")));
        }
        if let Some(edge) = values().find(|edge| halved(edge) > MOST_HALVINGS_OF_A_PART) {
            let (path, from, to) = (self.path(edge.to), self.size(edge.from), self.size(edge.to));
            return Err(NotUShaped(format!("its maps shrink from {from} to {to} within one part, `{path}`")));
        }
        // What a path reaches that starts at the smallest maps and grows by one level at a time.
        let mut reached: Vec<bool> = levels.iter().map(|&level| level == deepest).collect();
        for part in 0..levels.len() {
            let is_near =
                |edge: &PartEdge| matches!(level_step(edge), -1 | 0) && halved(edge) >= -MOST_HALVINGS_OF_A_PART;
            let near = |edge: &PartEdge| reached[edge.from] && is_near(edge);
            reached[part] = reached[part] || self.values_into(part).any(near);
        }
        let is_result = |part: usize| self.tree.items[self.items[part]].kind == TreeItemKind::Result;
        if (0..levels.len()).any(|part| is_result(part) && reached[part] && climbs[part] > 0) {
            return Ok(());
        }
        let jump = values().filter(|edge| reached[edge.from] && halved(edge) < -1).min_by_key(|edge| halved(edge));
        Err(NotUShaped(match jump {
            Some(edge) => format!(
                "its maps grow from {} to {} in one step, at `{}`, and not level by level",
                self.size(edge.from),
                self.size(edge.to),
                self.path(edge.to)
            ),
            None => "its smallest maps do not lead to a result".into(),
        }))
    }

    /// Returns the place of each part. A pool stands at the end of the level that it reads.
    fn places(&self, levels: &[usize], climbs: &[usize]) -> Vec<PartPlace> {
        let is_pool = |part: usize| {
            let item = self.items[part];
            self.tree.items[item].kind == TreeItemKind::Operator && self.facts[item].params == 0
        };
        let place = |part: usize| {
            let before = self.values_into(part).map(|edge| levels[edge.from]).max();
            let row = match before {
                Some(before) if climbs[part] == 0 && before < levels[part] && is_pool(part) => before,
                Some(_) | None => levels[part],
            };
            PartPlace { row, climbs: climbs[part] }
        };
        (0..levels.len()).map(place).collect()
    }
}

/// Returns the level of each part: 0 for the largest maps, and one more for each size of map below.
fn levels(halvings: &[i64]) -> Vec<usize> {
    let mut distinct = halvings.to_vec();
    distinct.sort_unstable();
    distinct.dedup();
    halvings.iter().map(|level| distinct.partition_point(|other| other < level)).collect()
}

/// Returns the halvings of the sides from one number of pixels to another, rounded.
fn halved(from: f64, to: f64) -> i64 {
    ((from.max(1.0) / to.max(1.0)).log2() / 2.0).round() as i64
}

/// Returns the number of pixels of a map, and 1 for a vector. For pool indices it is that of the map they point into.
fn map_area(graph: &Graph, outlet: Outlet) -> f64 {
    let dims = graph.ty(outlet).shape().dims();
    dims.iter().skip(1).map(|&d| d as f64).product()
}
