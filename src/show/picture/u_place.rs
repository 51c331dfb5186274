//! Computes the coordinates of a network that is drawn as a U, for one fold state. `page/u.js` repeats the same steps in the same order.
//!
//! Heights are one pass over the plan's steps: every part stands as high as its row, the part above it and the lanes that it is tied to
//! allow. Then the columns and the channels between them are as wide as what they hold, and the lines follow from both.

use super::block_place::{BlockSizing, MARGIN, NodeShape, move_item};
use super::picture_layout::{ArrowTip, LevelRow, PictureLayout, PlacedNode, Position, Route};
use super::route::{PORT_DISTANCE, before_arrow};
use super::u_plan::{Flow, HeightStep, Lane, LanePair, PlannedPart, TrackLane, ULine, UPlan, UWay};
use crate::show::text::width;
use std::fmt::Write;

/// Distance between two lanes.
const LANE: f64 = 9.0;
/// Distance from the side where lines enter to the nearest lane.
const FIRST_ENTRY: f64 = 15.0;
/// Distance kept clear where one straight line enters.
const STRAIGHT_ENTRY: f64 = 13.0;
/// Distance from the labels where lines leave to the nearest lane.
const FIRST_EXIT: f64 = 5.0;
/// Distance kept clear beyond the lanes of a part.
const CLEARANCE: f64 = 5.0;
/// Distance between two rows.
pub(super) const ROW_GAP: f64 = 14.0;
/// Least height of a row.
const LEAST_ROW: f64 = 30.0;
/// Distance between two columns without lanes in between, and to the lanes of a channel.
const CHANNEL_SIDE: f64 = 12.0;
/// Width of a column without parts.
const EMPTY_COLUMN: f64 = 44.0;
/// Radius of the corners of lines.
const CORNER: f64 = 6.0;
/// Distance between the sizes of the rows and the drawing.
const ROW_LABEL_GAP: f64 = 14.0;

/// Places the parts of a plan, and draws the lines between them.
pub(super) fn place_u(sizing: &BlockSizing<'_>, plan: &UPlan, layout: &mut PictureLayout) {
    let shapes: Vec<NodeShape> = plan.parts.iter().map(|part| part_shape(sizing, part)).collect();
    let mut placing = UPlacing { plan, shapes, tops: vec![0.0; plan.parts.len()], rows: Vec::new() };
    let height = placing.heights();
    let across = placing.across(row_label_width(sizing, plan));
    let nodes: Vec<PlacedNode> = (plan.parts.iter().zip(&placing.shapes).zip(&placing.tops))
        .map(|((part, shape), top)| {
            let at = Position { x: across.axes[part.column], y: *top };
            move_item(sizing.scene, layout, part.item, shape, at, part.flow)
        })
        .collect();
    layout.size = [across.right + MARGIN, height + MARGIN];
    layout.rows = (placing.rows.iter().zip(&plan.examples)).map(|(&top, &example)| LevelRow { top, example }).collect();
    layout.u_routes = placing.routes(&nodes, &across);
}

/// Returns the shape of a part; all its outputs have labels.
fn part_shape(sizing: &BlockSizing<'_>, part: &PlannedPart) -> NodeShape {
    let outputs = sizing.scene.tree.items[part.item].outputs.len();
    let ports: Vec<usize> = (0..outputs).collect();
    sizing.item_shape(part.item, vec![true; outputs], &ports, part.flow)
}

/// Returns the width of the sizes of maps at the left.
fn row_label_width(sizing: &BlockSizing<'_>, plan: &UPlan) -> f64 {
    let text = |&item: &usize| width(sizing.scene.map_size(item, sizing.notation), super::item_facts::SMALL + 1.0);
    plan.examples.iter().map(text).fold(0.0, f64::max)
}

/// The x coordinates of columns and channels.
struct UAcross {
    /// The x coordinate of the parts of each column.
    axes: Vec<f64>,
    /// The x coordinate of the first lane of each channel.
    channels: Vec<f64>,
    right: f64,
}

struct UPlacing<'a> {
    plan: &'a UPlan,
    shapes: Vec<NodeShape>,
    /// The upper side of each part.
    tops: Vec<f64>,
    /// The y coordinate where each row begins.
    rows: Vec<f64>,
}

impl UPlacing<'_> {
    /// Returns the height of a lane below the upper side of its part.
    fn lane(&self, part: usize, lane: Lane) -> f64 {
        let (planned, shape) = (&self.plan.parts[part], &self.shapes[part]);
        let at = |list: &[usize], k: usize| list.iter().position(|&other| other == k).unwrap_or(0) as f64;
        let (beyond, is_entry) = match lane {
            Lane::Entry(input) => (FIRST_ENTRY + LANE * at(&planned.entries, input), true),
            Lane::Exit(port) => (shape.below + FIRST_EXIT + LANE * at(&planned.exits, port), false),
        };
        if is_entry == (planned.flow == Flow::Down) { -beyond } else { shape.height + beyond }
    }

    /// Returns the heights above and below a part that its labels and lanes need.
    fn rooms(&self, part: usize) -> [f64; 2] {
        let planned = &self.plan.parts[part];
        let lanes = |list: &[usize]| LANE * (list.len().max(1) - 1) as f64 + CLEARANCE;
        let entry = match (planned.ends.is_empty(), planned.entries.is_empty()) {
            (true, _) => CLEARANCE,
            (false, true) => STRAIGHT_ENTRY,
            (false, false) => FIRST_ENTRY + lanes(&planned.entries),
        };
        let exit = self.shapes[part].below
            + if planned.exits.is_empty() { CLEARANCE } else { FIRST_EXIT + lanes(&planned.exits) };
        if planned.flow == Flow::Down { [entry, exit] } else { [exit, entry] }
    }

    fn bottom(&self, part: usize) -> f64 {
        self.tops[part] + self.shapes[part].height + self.rooms(part)[1]
    }

    /// Computes the height of every row and every part. Returns the height of the picture.
    fn heights(&mut self) -> f64 {
        let plan = self.plan;
        let mut above = vec![None; plan.parts.len()];
        for stack in &plan.columns {
            stack.windows(2).for_each(|pair| above[pair[1]] = Some(pair[0]));
        }
        for step in &plan.steps {
            match step {
                HeightStep::Row(row) => {
                    let top = self.row_top(*row);
                    self.rows.push(top);
                }
                HeightStep::Parts(parts) => {
                    let offsets = self.tied_offsets(parts);
                    let least =
                        parts.iter().zip(&offsets).map(|(&part, offset)| self.least_top(part, above[part]) - offset);
                    let base = least.fold(f64::NEG_INFINITY, f64::max);
                    parts.iter().zip(&offsets).for_each(|(&part, offset)| self.tops[part] = base + offset);
                }
            }
        }
        let height = (0..plan.parts.len()).map(|part| self.bottom(part)).fold(0.0, f64::max);
        if plan.settles {
            self.settle(height);
        }
        height
    }

    /// Moves parts down as far as their row and what is below them allow, the last of the pass first. Inputs of the network stay.
    fn settle(&mut self, height: f64) {
        let plan = self.plan;
        let mut below = vec![None; plan.parts.len()];
        for stack in &plan.columns {
            stack.windows(2).for_each(|pair| below[pair[0]] = Some(pair[1]));
        }
        for step in plan.steps.iter().rev() {
            let HeightStep::Parts(parts) = step else { continue };
            if parts.iter().any(|&part| plan.parts[part].ends.is_empty()) {
                continue;
            }
            let slack = parts.iter().map(|&part| self.slack(part, below[part], height)).fold(f64::INFINITY, f64::min);
            parts.iter().for_each(|&part| self.tops[part] += slack.max(0.0));
        }
    }

    /// Returns how far a part can move down.
    fn slack(&self, part: usize, below: Option<usize>, height: f64) -> f64 {
        let row = self.plan.parts[part].row;
        let mut end = self.rows.get(row + 1).map_or(height, |next| next - ROW_GAP);
        if let Some(below) = below.filter(|&below| self.plan.parts[below].row == row) {
            end = end.min(self.tops[below] - self.rooms(below)[0]);
        }
        let mut slack = end - self.bottom(part);
        for pair in self.plan.below.iter().filter(|pair| pair.to == part) {
            let lane = self.tops[pair.from] + self.lane(pair.from, pair.from_lane);
            slack = slack.min(lane - self.tops[part] - self.lane(part, pair.to_lane));
        }
        slack
    }

    /// Returns where a row begins: below all parts of the row before.
    fn row_top(&self, row: usize) -> f64 {
        let Some(before) = row.checked_sub(1) else { return MARGIN };
        let parts = (0..self.plan.parts.len()).filter(|&part| self.plan.parts[part].row == before);
        parts.map(|part| self.bottom(part)).fold(self.rows[before] + LEAST_ROW, f64::max) + ROW_GAP
    }

    /// Returns the least height of a part below its row, the part above it, and the lanes that it must not be above.
    fn least_top(&self, part: usize, above: Option<usize>) -> f64 {
        let row = self.plan.parts[part].row;
        let corridor = match self.plan.corridors[row] {
            0 => 0.0,
            lanes => LANE * lanes as f64 + CLEARANCE,
        };
        let room = self.rooms(part)[0];
        let mut least = self.rows[row] + corridor + room;
        if let Some(above) = above {
            least = least.max(self.bottom(above) + room);
        }
        for pair in self.plan.below.iter().filter(|pair| pair.from == part) {
            let lane = self.tops[pair.to] + self.lane(pair.to, pair.to_lane);
            least = least.max(lane - self.lane(part, pair.from_lane));
        }
        least
    }

    /// Returns the heights of parts whose lanes are tied, relative to the first of them.
    fn tied_offsets(&self, parts: &[usize]) -> Vec<f64> {
        let mut offsets: Vec<Option<f64>> = vec![None; self.plan.parts.len()];
        offsets[parts[0]] = Some(0.0);
        for _ in parts {
            for &LanePair { from, from_lane, to, to_lane } in &self.plan.ties {
                let between = self.lane(from, from_lane) - self.lane(to, to_lane);
                match (offsets[from], offsets[to]) {
                    (Some(offset), None) => offsets[to] = Some(offset + between),
                    (None, Some(offset)) => offsets[from] = Some(offset - between),
                    (Some(_), Some(_)) | (None, None) => {}
                }
            }
        }
        parts.iter().map(|&part| offsets[part].unwrap_or(0.0)).collect()
    }

    /// Computes the x coordinates of columns and channels, to the right of labels of a width.
    fn across(&self, labels: f64) -> UAcross {
        let mut x = MARGIN + labels + ROW_LABEL_GAP;
        let mut across = UAcross { axes: Vec::new(), channels: Vec::new(), right: 0.0 };
        let count = self.plan.columns.len();
        for (channel, &lanes) in self.plan.channels.iter().enumerate() {
            across.channels.push(x + CHANNEL_SIDE);
            let is_outside = channel == 0 || channel == count;
            x += match lanes {
                0 if is_outside => 0.0,
                0 => CHANNEL_SIDE,
                n => 2.0 * CHANNEL_SIDE + LANE * (n - 1) as f64,
            };
            let Some(stack) = self.plan.columns.get(channel) else { continue };
            let side = |of: fn(&NodeShape) -> f64| stack.iter().map(|&k| of(&self.shapes[k])).fold(0.0, f64::max);
            across.axes.push(x + side(|shape| shape.extent.left));
            x += if stack.is_empty() { EMPTY_COLUMN } else { side(|s| s.extent.left) + side(|s| s.extent.right) };
        }
        across.right = x;
        across
    }

    /// Draws the lines, one route for each line of the plan.
    fn routes(&self, nodes: &[PlacedNode], across: &UAcross) -> Vec<Route> {
        let draw = |(number, line): (usize, &ULine)| {
            let mut route = Route::new(0, number);
            let (corners, flow) = (self.corners(nodes, across, line), self.plan.parts[line.edge[1]].flow);
            let has_arrow = nodes[line.edge[1]].ins.is_none();
            let mut drawn = corners.clone();
            if let (Some(end), true) = (drawn.last_mut(), has_arrow) {
                route.arrow_tips.push(ArrowTip { at: *end, size_only: line.size_only, flow });
                end.y = before_arrow(end.y, flow);
            }
            write_corners(if line.size_only { &mut route.dashed } else { &mut route.solid }, &drawn);
            route.corners.push(corners);
            route
        };
        self.plan.lines.iter().enumerate().map(draw).collect()
    }

    /// Returns the x coordinate where a line ends: at the port of an open block, or beside the other lines into a closed box.
    fn end_x(&self, node: &PlacedNode, line: &ULine) -> f64 {
        if let Some(ins) = &node.ins {
            return ins[line.input];
        }
        let part = &self.plan.parts[line.edge[1]];
        let place = |input: usize| part.ends.iter().position(|&k| k == input).unwrap_or(0) as f64;
        let last = part.ends.len() as f64 - 1.0;
        // The straight line stays in the middle.
        let middle = part.straight.map_or(last / 2.0, place);
        let most = middle.max(last - middle).max(1.0);
        let step = PORT_DISTANCE.min((node.width / 2.0 - 10.0) / most);
        node.x + step * (place(line.input) - middle)
    }

    fn corners(&self, nodes: &[PlacedNode], across: &UAcross, line: &ULine) -> Vec<Position> {
        let [from, to] = line.edge;
        let start = Position { x: nodes[from].outs[line.port], y: nodes[from].bottom };
        let end = Position { x: self.end_x(&nodes[to], line), y: nodes[to].top };
        let lane_x = |lane: &TrackLane| across.channels[lane.track] + LANE * lane.lane as f64;
        let exit = || self.tops[from] + self.lane(from, Lane::Exit(line.port));
        let entry = || self.tops[to] + self.lane(to, Lane::Entry(line.input));
        let (ways, exit, entry) = match &line.way {
            UWay::Straight if (start.x - end.x).abs() < 0.05 => return vec![start, end],
            UWay::Straight => {
                let rooms = self.rooms(from);
                let down = self.plan.parts[from].flow == Flow::Down;
                let border = if down { self.bottom(from) } else { self.tops[from] - rooms[0] };
                (vec![], border, border)
            }
            UWay::Channel(lane) => (vec![(lane_x(lane), None)], exit(), entry()),
            UWay::Corridor([first, corridor, last]) => {
                let y = self.rows[corridor.track] + CLEARANCE + LANE * corridor.lane as f64;
                (vec![(lane_x(first), Some(y)), (lane_x(last), None)], exit(), entry())
            }
        };
        let mut corners = vec![start, Position { x: start.x, y: exit }];
        let mut y = exit;
        for (x, next) in ways {
            corners.push(Position { x, y });
            y = next.unwrap_or(entry);
            corners.push(Position { x, y });
        }
        corners.extend([Position { x: end.x, y: entry }, end]);
        without_repeats(corners)
    }
}

/// Leaves out corners that are at the place of the corner before, and those in the middle of a straight line.
fn without_repeats(corners: Vec<Position>) -> Vec<Position> {
    let near = |a: f64, b: f64| (a - b).abs() < 0.05;
    let mut kept: Vec<Position> = Vec::with_capacity(corners.len());
    for corner in corners {
        if kept.last().is_some_and(|last| near(last.x, corner.x) && near(last.y, corner.y)) {
            continue;
        }
        if let [.., a, b] = kept[..] {
            let level = near(a.y, b.y) && near(b.y, corner.y);
            let upright = near(a.x, b.x) && near(b.x, corner.x);
            if level || upright {
                kept.pop();
            }
        }
        kept.push(corner);
    }
    kept
}

/// Appends a line with round corners to SVG path data.
fn write_corners(path: &mut String, corners: &[Position]) {
    let [first, .., last] = corners else { return };
    let _ = write!(path, "M{:.1} {:.1}", first.x, first.y);
    for around in corners.windows(3) {
        let [before, at, after] = [around[0], around[1], around[2]];
        let length = |a: Position, b: Position| (a.x - b.x).abs() + (a.y - b.y).abs();
        let radius = CORNER.min(length(before, at) / 2.0).min(length(at, after) / 2.0);
        let towards = |other: Position| {
            let far = length(at, other).max(1e-9);
            Position { x: at.x + (other.x - at.x) / far * radius, y: at.y + (other.y - at.y) / far * radius }
        };
        let (a, b) = (towards(before), towards(after));
        let _ = write!(path, "L{:.1} {:.1}Q{:.1} {:.1} {:.1} {:.1}", a.x, a.y, at.x, at.y, b.x, b.y);
    }
    let _ = write!(path, "L{:.1} {:.1}", last.x, last.y);
}
