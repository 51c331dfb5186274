//! The lines between placed boxes. `page/place.js` does the same in the same order.
//!
//! A line leaves its box downwards, below the shape that is written there, and passes a row only in a lane of its own; it
//! moves to the side only between rows, where nothing else stands.

use super::cell::{Kind, Net};
use super::level::Level;
use super::place::{Joints, Placed, Point};
use super::scene::Scene;
use std::fmt::Write;

/// Between lines that end in one box.
const PORT: f64 = 14.0;
/// Height of an arrow's head.
pub(super) const ARROW: f64 = 6.0;

/// One tensor inside one open block, as it is drawn.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// The open block.
    pub level: usize,
    pub net: usize,
    /// Path data in the language of SVG, of what carries numbers and of what only a size is read from.
    pub solid: String,
    pub dashed: String,
    /// Tips of the arrows, with whether only the size is read.
    pub tips: Vec<(Point, bool)>,
    /// Each piece: where it starts, the end of its row, the start of the next row, where it ends.
    pub pieces: Vec<[Point; 4]>,
}

pub fn lines(scene: &Scene, placed: &Placed) -> Vec<Line> {
    let mut lines = Vec::new();
    for (item, joints) in placed.joints.iter().enumerate() {
        if let (Some(joints), Some(level)) = (joints, &scene.levels[item]) {
            let ends = ends(level, joints);
            let mut next = 0;
            for (net, wires) in level.nets.iter().enumerate() {
                let count = wires.hops.len();
                lines.push(line(item, net, level, wires, joints, &ends[next..next + count]));
                next += count;
            }
        }
    }
    lines
}

/// Where each hop of a level ends, from left to right: those into one closed box side by side, in the order of where they
/// come from.
fn ends(level: &Level, joints: &Joints) -> Vec<f64> {
    let hops: Vec<_> = level.nets.iter().flat_map(|n| n.hops.iter().map(move |h| (n, h))).collect();
    let from = |i: usize| {
        let (net, hop) = hops[i];
        start(level, net, hop.from, joints)
    };
    let mut into: Vec<Vec<usize>> = vec![Vec::new(); level.cells.len()];
    let mut ends = vec![0.0; hops.len()];
    for (i, (_, hop)) in hops.iter().enumerate() {
        let cell = &joints.cells[hop.to];
        match (hop.port, &cell.ins) {
            (Some(port), Some(ins)) => ends[i] = ins[port],
            (Some(_), None) if matches!(level.cells[hop.to].kind, Kind::Item(_)) => into[hop.to].push(i),
            (Some(_) | None, _) => ends[i] = cell.x,
        }
    }
    for (cell, list) in joints.cells.iter().zip(&mut into) {
        list.sort_by(|&a, &b| from(a).total_cmp(&from(b)));
        let gaps = f64::max(list.len() as f64 - 1.0, 1.0);
        let step = PORT.min((cell.width - 20.0) / gaps);
        for (k, &i) in list.iter().enumerate() {
            ends[i] = cell.x + step * (k as f64 - (list.len() as f64 - 1.0) / 2.0);
        }
    }
    ends
}

fn start(level: &Level, net: &Net, cell: usize, joints: &Joints) -> f64 {
    match level.cells[cell].kind {
        Kind::Item(_) => joints.cells[cell].outs[net.port],
        Kind::In(_) | Kind::Out(_) | Kind::Lane(_) => joints.cells[cell].x,
    }
}

fn line(item: usize, number: usize, level: &Level, net: &Net, joints: &Joints, ends: &[f64]) -> Line {
    let mut line = Line {
        level: item,
        net: number,
        solid: String::new(),
        dashed: String::new(),
        tips: Vec::new(),
        pieces: Vec::new(),
    };
    for (hop, &end) in net.hops.iter().zip(ends) {
        let (from, to) = (&joints.cells[hop.from], &joints.cells[hop.to]);
        let x = start(level, net, hop.from, joints);
        let leaves = match level.cells[hop.from].kind {
            Kind::Item(_) => from.bottom,
            Kind::In(_) | Kind::Out(_) | Kind::Lane(_) => from.top,
        };
        let arrow = matches!(level.cells[hop.to].kind, Kind::Item(_)) && to.ins.is_none();
        let (row, next) = (joints.rows[level.cells[hop.from].row][1], joints.rows[level.cells[hop.to].row][0]);
        let tip = to.top;
        let stop = if arrow { tip - ARROW + 1.0 } else { tip };
        let points = [Point { x, y: leaves }, Point { x, y: row }, Point { x: end, y: next }, Point { x: end, y: tip }];
        let path = if hop.size_only { &mut line.dashed } else { &mut line.solid };
        let _ = write!(path, "M{x:.1} {leaves:.1}");
        if (x - end).abs() < 0.05 {
            let _ = write!(path, "V{stop:.1}");
        } else {
            let (bend, middle) = (next.min(stop), (row + next.min(stop)) / 2.0);
            let _ = write!(path, "V{row:.1}C{x:.1} {middle:.1} {end:.1} {middle:.1} {end:.1} {bend:.1}");
            if stop > bend {
                let _ = write!(path, "V{stop:.1}");
            }
        }
        if arrow {
            line.tips.push((Point { x: end, y: tip }, hop.size_only));
        }
        line.pieces.push(points);
    }
    line
}
