//! The inside of one block: its parts in rows and columns, and lanes for lines that pass rows by.
//!
//! A row is the longest way from where the block's tensors enter. A column is a size of map, the largest to the left: a
//! network that shrinks its maps walks to the right, and one that enlarges them comes back. One tensor is one line, which
//! branches where it is read; where it passes a row by it holds a lane there, in the column of its own size.

use super::cell::{Cell, Hop, Kind, Net};
use super::order::order;
use super::tree::Tree;
use crate::graph::ir::{Graph, Outlet};
use crate::graph::ty::TensorType;
use std::collections::HashMap;

#[derive(Debug, Clone, PartialEq)]
pub struct Level {
    pub cells: Vec<Cell>,
    /// Cells of each row from left to right; columns from left to right.
    pub rows: Vec<Vec<usize>>,
    pub nets: Vec<Net>,
    /// Of each cell with several outputs: these from left to right. Empty for the others.
    pub ports: Vec<Vec<usize>>,
}

/// Lines pass more rows by than a picture can show: [`LANES`] in all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooLarge;

/// Rows that all lines of a network may pass by together.
pub(crate) const LANES: usize = 100_000;

impl Level {
    /// The inside of an item; `None` where it has none. `lanes` is how many more lanes there may be.
    ///
    /// # Errors
    /// More lanes than that.
    pub fn new(graph: &Graph, tree: &Tree, item: usize, lanes: &mut usize) -> Result<Option<Level>, TooLarge> {
        let block = &tree.items[item];
        if block.children.is_empty() {
            return Ok(None);
        }
        let ids = graph.order();
        let mut cells: Vec<Cell> = Vec::new();
        let mut areas: Vec<f64> = Vec::new();
        let mut sources: Vec<Source> = Vec::new();
        let mut known: HashMap<Outlet, usize> = HashMap::new();
        let mut give = |sources: &mut Vec<Source>, from, port, outlet: Outlet| {
            known.insert(outlet, sources.len());
            sources.push(Source { from, port, outlet, readers: Vec::new() });
        };
        for (i, wire) in block.inputs.iter().enumerate() {
            give(&mut sources, cells.len(), 0, wire.outlet);
            cells.push(Cell { kind: Kind::In(i), row: 0, column: 0 });
            areas.push(area(graph, wire.outlet));
        }
        for &child in &block.children {
            let part = &tree.items[child];
            for (port, &outlet) in part.outputs.iter().enumerate() {
                give(&mut sources, cells.len(), port, outlet);
            }
            cells.push(Cell { kind: Kind::Item(child), row: 0, column: 0 });
            let shown = part.outputs.first().copied().or(part.inputs.first().map(|w| w.outlet));
            let last = part.nodes.clone().last().map(|i| Outlet { node: ids[i], slot: 0 });
            areas.push(shown.or(last).map_or(1.0, |o| area(graph, o)));
        }
        // Readers after all of what they read, so that rows follow in one pass.
        for (at, cell) in cells.iter_mut().enumerate() {
            let Kind::Item(child) = cell.kind else { continue };
            let first = usize::from(!block.inputs.is_empty());
            cell.row = first;
            for (port, wire) in tree.items[child].inputs.iter().enumerate() {
                let source = &mut sources[known[&wire.outlet]];
                source.readers.push(Reader { cell: at, port: Some(port), size_only: wire.size_only });
            }
        }
        // Sources stand in the order of their cells, and a cell is read by later ones only.
        for source in &sources {
            let below = cells[source.from].row + 1;
            source.readers.iter().for_each(|r| cells[r.cell].row = cells[r.cell].row.max(below));
        }
        let last = cells.iter().map(|c| c.row).max().unwrap_or(0) + 1;
        for (i, outlet) in block.outputs.iter().enumerate() {
            let reader = Reader { cell: cells.len(), port: Some(0), size_only: false };
            sources[known[outlet]].readers.push(reader);
            cells.push(Cell { kind: Kind::Out(i), row: last, column: 0 });
            areas.push(area(graph, *outlet));
        }
        let length = |s: &Source| {
            let last = s.readers.iter().map(|r| cells[r.cell].row).max().unwrap_or(0);
            last.saturating_sub(cells[s.from].row + 1)
        };
        let needed: usize = sources.iter().map(length).sum();
        *lanes = lanes.checked_sub(needed).ok_or(TooLarge)?;
        let nets = with_lanes(graph, &sources, &mut cells, &mut areas);
        columns(&mut cells, &areas);
        settle(&mut cells, &nets);
        let rows = order(&cells, &nets);
        let ports = ports(tree, &cells, &rows, &nets);
        Ok(Some(Level { cells, rows, nets, ports }))
    }
}

struct Reader {
    cell: usize,
    port: Option<usize>,
    size_only: bool,
}

struct Source {
    from: usize,
    port: usize,
    outlet: Outlet,
    readers: Vec<Reader>,
}

/// Pixels of a map; 1 of a vector. Of pool indices, of the map that they point into.
fn area(graph: &Graph, outlet: Outlet) -> f64 {
    let shape = match graph.ty(outlet) {
        TensorType::Tensor(shape) => shape,
        TensorType::Index { from, .. } => from,
    };
    shape.dims().iter().skip(1).map(|&d| d as f64).product()
}

/// Columns by halvings of the side of a map, counted from the largest, those that are there numbered from 0.
fn columns(cells: &mut [Cell], areas: &[f64]) {
    let largest = areas.iter().copied().fold(1.0, f64::max);
    let halvings: Vec<i64> = areas.iter().map(|a| ((largest / a.max(1.0)).log2() / 2.0).round() as i64).collect();
    let mut steps = halvings.clone();
    steps.sort_unstable();
    steps.dedup();
    for (cell, halved) in cells.iter_mut().zip(halvings) {
        cell.column = steps.partition_point(|&s| s < halved);
    }
}

/// Where a block's tensors enter or leave alone in a column, they stand above or below what reads or gives them.
fn settle(cells: &mut [Cell], nets: &[Net]) {
    let inner = |c: &&Cell| matches!(c.kind, Kind::Item(_) | Kind::Lane(_));
    let mut used: Vec<usize> = cells.iter().filter(inner).map(|c| c.column).collect();
    used.sort_unstable();
    used.dedup();
    for hop in nets.iter().flat_map(|n| &n.hops).rev() {
        for (port, other) in [(hop.from, hop.to), (hop.to, hop.from)] {
            let is_port = matches!(cells[port].kind, Kind::In(_) | Kind::Out(_));
            if is_port && used.binary_search(&cells[port].column).is_err() {
                cells[port].column = cells[other].column;
            }
        }
    }
}

/// Nets with a lane in each row that they pass by.
fn with_lanes(graph: &Graph, sources: &[Source], cells: &mut Vec<Cell>, areas: &mut Vec<f64>) -> Vec<Net> {
    let mut nets = Vec::new();
    for source in sources.iter().filter(|s| !s.readers.is_empty()) {
        let net = nets.len();
        let only_out = source.readers.iter().all(|r| matches!(cells[r.cell].kind, Kind::Out(_)));
        let labelled = matches!(cells[source.from].kind, Kind::Item(_)) && !only_out;
        let row = |r: &Reader| cells[r.cell].row;
        let (first, last) = (cells[source.from].row + 1, source.readers.iter().map(row).max().unwrap_or(0));
        let mut hops = Vec::new();
        let mut at = source.from;
        for below in first..=last {
            let here = source.readers.iter().filter(|r| cells[r.cell].row == below);
            hops.extend(here.map(|r| Hop { from: at, to: r.cell, port: r.port, size_only: r.size_only }));
            if below < last {
                let size_only = source.readers.iter().filter(|r| cells[r.cell].row > below).all(|r| r.size_only);
                let lane = cells.len();
                hops.push(Hop { from: at, to: lane, port: None, size_only });
                cells.push(Cell { kind: Kind::Lane(net), row: below, column: 0 });
                areas.push(area(graph, source.outlet));
                at = lane;
            }
        }
        nets.push(Net { from: source.from, port: source.port, labelled, hops });
    }
    nets
}

/// Outputs in the order of the cells that they lead to.
fn ports(tree: &Tree, cells: &[Cell], rows: &[Vec<usize>], nets: &[Net]) -> Vec<Vec<usize>> {
    let mut place = vec![0; cells.len()];
    rows.iter().for_each(|row| row.iter().enumerate().for_each(|(k, &c)| place[c] = k));
    let mut ports: Vec<Vec<(f64, usize)>> = vec![Vec::new(); cells.len()];
    for net in nets.iter().filter(|n| matches!(cells[n.from].kind, Kind::Item(_))) {
        let next: Vec<usize> = net.hops.iter().filter(|h| h.from == net.from).map(|h| place[h.to]).collect();
        ports[net.from].push((next.iter().sum::<usize>() as f64 / next.len() as f64, net.port));
    }
    let count = |at: usize| match cells[at].kind {
        Kind::Item(item) => tree.items[item].outputs.len(),
        Kind::In(_) | Kind::Out(_) | Kind::Lane(_) => 0,
    };
    for (at, list) in ports.iter_mut().enumerate() {
        list.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        debug_assert_eq!(list.len(), count(at), "each output has a net");
    }
    let several = |list: Vec<(f64, usize)>| match list.len() {
        0 | 1 => Vec::new(),
        _ => list.into_iter().map(|(_, port)| port).collect(),
    };
    ports.into_iter().map(several).collect()
}

impl Level {
    /// The parts of the block, in their order.
    pub fn items(&self) -> impl Iterator<Item = (usize, usize)> + '_ {
        self.cells.iter().enumerate().filter_map(|(at, c)| match c.kind {
            Kind::Item(item) => Some((at, item)),
            Kind::In(_) | Kind::Out(_) | Kind::Lane(_) => None,
        })
    }
}
