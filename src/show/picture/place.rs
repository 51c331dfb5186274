//! Coordinates of everything, for one fold. `page/place.js` does the same in the same order.
//!
//! From the inside out: an open block is as large as what is in it. Then columns are pushed together, rows one below the
//! other, and what is inside a block moves to where the block stands.

use super::align::Extent;
use super::cell::Kind;
use super::columns::columns;
use super::facts::{SMALL, below_title};
use super::fold::Fold;
use super::level::Level;
use super::scene::{Scene, Shapes};
use crate::show::text::width;

/// Height of a box with one line, and with two.
const LOW: f64 = 26.0;
const HIGH: f64 = 40.0;
/// Below a box, for the shapes of what it gives.
const LABEL: f64 = 19.0;
/// The row in which a block's tensors enter, beside its name.
const HEAD: f64 = 28.0;
const PAD: f64 = 12.0;
const MARGIN: f64 = 16.0;
const LANE: f64 = 5.0;
/// Between rows: at least, and for lines that go far to the side.
const NEAR: f64 = 20.0;
const FAR: f64 = 40.0;

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    pub x: f64,
    pub y: f64,
}

/// A box, or the frame of an open block.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spot {
    pub x: f64,
    pub y: f64,
    pub w: f64,
    pub h: f64,
    /// Where the name of an open block starts.
    pub head: f64,
}

/// A cell of an open block, in the picture's coordinates.
#[derive(Debug, Clone, PartialEq)]
pub struct Joint {
    /// Where lines end, and where they start.
    pub top: f64,
    pub bottom: f64,
    /// Of a lane, or of the middle of a box.
    pub x: f64,
    /// Width over which lines to a closed box are spread.
    pub width: f64,
    /// Of an open block, by input.
    pub ins: Option<Vec<f64>>,
    /// By output.
    pub outs: Vec<f64>,
}

/// The inside of an open block, in the picture's coordinates.
#[derive(Debug, Clone, PartialEq)]
pub struct Joints {
    pub cells: Vec<Joint>,
    /// Upper and lower end of each row.
    pub rows: Vec<[f64; 2]>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Placed {
    pub size: [f64; 2],
    /// By item; `None` for what is inside a closed block.
    pub spots: Vec<Option<Spot>>,
    /// By item; `None` where it is closed.
    pub joints: Vec<Option<Joints>>,
    /// Middle of the base line of each label: item, output, place.
    pub labels: Vec<(usize, usize, Point)>,
}

/// A cell before it has a place; distances from its axis.
struct Body {
    extent: Extent,
    /// Of the box or frame alone.
    left: f64,
    right: f64,
    height: f64,
    below: f64,
    ins: Option<Vec<f64>>,
    outs: Vec<f64>,
    labelled: Vec<bool>,
    inside: Option<Box<Inside>>,
}

/// A level in its own coordinates.
struct Inside {
    bodies: Vec<Body>,
    x: Vec<f64>,
    rows: Vec<[f64; 2]>,
    w: f64,
    h: f64,
    head: f64,
}

pub fn place(scene: &Scene, fold: &Fold, shapes: Shapes) -> Placed {
    let n = scene.tree.items.len();
    let mut placed = Placed { size: [0.0; 2], spots: vec![None; n], joints: vec![None; n], labels: Vec::new() };
    if let Some(level) = &scene.levels[0] {
        let inside = inside(scene, fold, shapes, 0, level, &[]);
        placed.size = [inside.w + 2.0 * MARGIN, inside.h + 2.0 * MARGIN];
        put(scene, &mut placed, 0, level, &inside, Point { x: MARGIN, y: MARGIN });
    }
    placed
}

fn lane(half: f64) -> Body {
    let extent = Extent { left: half, right: half, lane: true };
    let (ins, labelled, inside) = (None, Vec::new(), None);
    Body { extent, left: half, right: half, height: 0.0, below: 0.0, ins, outs: vec![0.0], labelled, inside }
}

/// `marked` are the outputs of the block that have their shape written below it.
fn inside(scene: &Scene, fold: &Fold, shapes: Shapes, item: usize, level: &Level, marked: &[bool]) -> Inside {
    let text = |item: usize, port: usize| width(scene.label(item, port, shapes), SMALL) + 8.0;
    let mut labelled: Vec<Vec<bool>> = vec![Vec::new(); level.cells.len()];
    for (at, child) in level.items() {
        labelled[at] = vec![false; scene.tree.items[child].outputs.len()];
    }
    for net in level.nets.iter().filter(|n| n.labelled) {
        labelled[net.from][net.port] = true;
    }
    // An output that only leaves the block is marked by whoever reads it outside: see `Net::labelled`.
    let bodies: Vec<Body> = (level.cells.iter().zip(labelled).zip(&level.ports))
        .map(|((cell, labelled), ports)| match cell.kind {
            Kind::Item(child) => body(scene, fold, shapes, child, labelled, ports),
            Kind::Out(port) if marked.get(port) == Some(&true) => lane(LANE.max(text(item, port) / 2.0)),
            Kind::In(_) | Kind::Out(_) | Kind::Lane(_) => lane(LANE),
        })
        .collect();
    let extents: Vec<Extent> = bodies.iter().map(|b| b.extent).collect();
    let mut x = columns(level, &extents);
    let mut rows = rows(level, &bodies, &x);
    let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
    for (body, x) in bodies.iter().zip(&x) {
        low = low.min(x - body.extent.left);
        high = high.max(x + body.extent.right);
    }
    let pad = if item == 0 { 0.0 } else { PAD };
    let (mut w, mut h) = (high - low + 2.0 * pad, rows.last().map_or(0.0, |r| r[1]));
    x.iter_mut().for_each(|x| *x += pad - low);
    let mut head = 0.0;
    if item != 0 {
        let need = scene.facts[item].head;
        let lines: Vec<f64> =
            (level.cells.iter().zip(&x)).filter(|(c, _)| matches!(c.kind, Kind::In(_))).map(|(_, x)| *x).collect();
        let first = lines.iter().copied().fold(w, f64::min);
        let last = lines.iter().copied().fold(0.0, f64::max);
        if first >= w - last || lines.is_empty() {
            let missing = (need + 6.0 - first).max(0.0).ceil();
            x.iter_mut().for_each(|x| *x += missing);
            w += missing;
        } else {
            head = last;
            w += (need + 6.0 - (w - last)).max(0.0).ceil();
        }
        if lines.is_empty() {
            rows.iter_mut().for_each(|r| *r = [r[0] + HEAD, r[1] + HEAD]);
            h += HEAD;
        }
        if !level.cells.iter().any(|c| matches!(c.kind, Kind::Out(_))) {
            h += PAD;
        }
    }
    Inside { bodies, x, rows, w, h, head }
}

fn body(scene: &Scene, fold: &Fold, shapes: Shapes, child: usize, labelled: Vec<bool>, ports: &[usize]) -> Body {
    let (item, facts) = (&scene.tree.items[child], &scene.facts[child]);
    let below = if labelled.contains(&true) { LABEL } else { 0.0 };
    if let (true, Some(level)) = (fold.is_open(child), &scene.levels[child]) {
        let inside = inside(scene, fold, shapes, child, level, &labelled);
        let mut ins = vec![0.0; item.inputs.len()];
        let mut outs = vec![0.0; item.outputs.len()];
        for (cell, x) in level.cells.iter().zip(&inside.x) {
            match cell.kind {
                Kind::In(port) => ins[port] = *x,
                Kind::Out(port) => outs[port] = *x,
                Kind::Item(_) | Kind::Lane(_) => {}
            }
        }
        let axis = ins.first().or(outs.first()).copied().unwrap_or(inside.w / 2.0);
        ins.iter_mut().chain(&mut outs).for_each(|x| *x -= axis);
        let (left, right, height) = (axis, inside.w - axis, inside.h);
        let extent = Extent { left, right, lane: false };
        return Body {
            extent,
            left,
            right,
            height,
            below,
            ins: Some(ins),
            outs,
            labelled,
            inside: Some(inside.into()),
        };
    }
    let text = |port: usize| width(scene.label(child, port, shapes), SMALL) + 8.0;
    let widths: Vec<f64> = labelled.iter().enumerate().map(|(i, &l)| if l { text(i) } else { 16.0 }).collect();
    let span = widths.iter().sum::<f64>() + 8.0 * (widths.len() as f64 - 1.0);
    let half = if widths.len() > 1 { facts.width.max(span) } else { facts.width } / 2.0;
    let wide = if widths.len() == 1 { half.max(widths[0] / 2.0) } else { half };
    let mut outs = vec![0.0; widths.len()];
    let mut at = -span / 2.0;
    for &port in ports {
        outs[port] = at + widths[port] / 2.0;
        at += widths[port] + 8.0;
    }
    let height = if below_title(item, facts).is_empty() { LOW } else { HIGH };
    let extent = Extent { left: wide, right: wide, lane: false };
    Body { extent, left: half, right: half, height, below, ins: None, outs, labelled, inside: None }
}

/// Upper and lower end of each row.
fn rows(level: &Level, bodies: &[Body], x: &[f64]) -> Vec<[f64; 2]> {
    // How far lines go to the side below each row.
    let mut reach = vec![0.0f64; level.rows.len()];
    for net in &level.nets {
        for hop in &net.hops {
            let out =
                if matches!(level.cells[hop.from].kind, Kind::Item(_)) { bodies[hop.from].outs[net.port] } else { 0.0 };
            let into = match (&bodies[hop.to].ins, hop.port) {
                (Some(ins), Some(port)) => ins[port],
                _ => 0.0,
            };
            let row = level.cells[hop.from].row;
            reach[row] = reach[row].max((x[hop.to] + into - x[hop.from] - out).abs());
        }
    }
    let mut y = 0.0;
    let mut rows = Vec::with_capacity(level.rows.len());
    for (i, row) in level.rows.iter().enumerate() {
        let entry = row.iter().any(|&c| matches!(level.cells[c].kind, Kind::In(_)));
        let least = if entry { HEAD } else { 0.0 };
        let height = row.iter().map(|&c| bodies[c].height + bodies[c].below).fold(least, f64::max);
        rows.push([y, y + height]);
        let near = if entry { NEAR - 8.0 } else { NEAR };
        y += height + near + (reach[i] / 8.0).min(FAR).floor();
    }
    rows
}

/// Moves a level to its place.
fn put(scene: &Scene, placed: &mut Placed, item: usize, level: &Level, inside: &Inside, at: Point) {
    let rows: Vec<[f64; 2]> = inside.rows.iter().map(|r| [at.y + r[0], at.y + r[1]]).collect();
    let mut cells = Vec::with_capacity(level.cells.len());
    for (i, (cell, body)) in level.cells.iter().zip(&inside.bodies).enumerate() {
        let x = at.x + inside.x[i];
        let [start, end] = rows[cell.row];
        let Kind::Item(child) = cell.kind else {
            cells.push(Joint { top: start, bottom: end, x, width: 0.0, ins: None, outs: vec![x] });
            continue;
        };
        let top = start + ((end - start - body.height - body.below) / 2.0).floor();
        let bottom = top + body.height;
        let mut spot = Spot { x: x - body.left, y: top, w: body.left + body.right, h: body.height, head: 0.0 };
        if let (Some(deeper), Some(level)) = (&body.inside, &scene.levels[child]) {
            spot.head = spot.x + deeper.head;
            put(scene, placed, child, level, deeper, Point { x: spot.x, y: spot.y });
        }
        placed.spots[child] = Some(spot);
        let outs: Vec<f64> = body.outs.iter().map(|o| x + o).collect();
        for (port, _) in body.labelled.iter().enumerate().filter(|(_, l)| **l) {
            placed.labels.push((child, port, Point { x: outs[port], y: bottom + 14.0 }));
        }
        let ins = body.ins.as_ref().map(|ins| ins.iter().map(|i| x + i).collect());
        cells.push(Joint { top, bottom: bottom + body.below, x, width: spot.w, ins, outs });
    }
    placed.joints[item] = Some(Joints { cells, rows });
}
