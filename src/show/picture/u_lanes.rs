//! The ways of the lines of a U, and their lanes in channels and corridors.

use super::u_plan::{Flow, PlannedPart, TrackLane, ULine, UWay};
use super::u_shape::PartEdge;

/// Lanes of channels and corridors, each with the stretches that are taken.
pub(super) struct TrackLanes {
    /// For each part, its position in its column.
    position: Vec<usize>,
    /// By channel and lane, the tensor and the rows of each stretch.
    channels: Vec<Vec<Vec<Stretch>>>,
    /// By row and lane, the tensor and the channels of each stretch.
    corridors: Vec<Vec<Vec<Stretch>>>,
    /// The columns that have a part in each row.
    taken: Vec<Vec<bool>>,
}

/// A stretch of a lane that a tensor takes, both ends included.
#[derive(Debug, Clone, Copy)]
struct Stretch {
    tensor: (usize, usize),
    first: usize,
    last: usize,
}

impl TrackLanes {
    pub(super) fn new(parts: &[PlannedPart], columns: &[Vec<usize>]) -> TrackLanes {
        let rows = parts.iter().map(|part| part.row + 1).max().unwrap_or(0);
        let mut position = vec![0; parts.len()];
        let mut taken = vec![vec![false; columns.len()]; rows];
        for stack in columns {
            stack.iter().enumerate().for_each(|(at, &part)| position[part] = at);
        }
        parts.iter().for_each(|part| taken[part.row][part.column] = true);
        TrackLanes { position, channels: vec![Vec::new(); columns.len() + 1], corridors: vec![Vec::new(); rows], taken }
    }

    /// Plans the line of an edge, and adds its lanes beside the two parts.
    pub(super) fn line(&mut self, parts: &mut [PlannedPart], columns: &[Vec<usize>], edge: &PartEdge) -> ULine {
        let PartEdge { from, port, to, input, size_only } = *edge;
        let way = self.way(parts, columns, edge);
        if way == UWay::Straight {
            parts[to].straight.get_or_insert(input);
        } else {
            if !parts[from].exits.contains(&port) {
                parts[from].exits.push(port);
            }
            parts[to].entries.push(input);
        }
        ULine { edge: [from, to], port, input, size_only, way }
    }

    fn way(&mut self, parts: &[PlannedPart], columns: &[Vec<usize>], edge: &PartEdge) -> UWay {
        let (from, to) = (&parts[edge.from], &parts[edge.to]);
        let (a, b) = (self.position[edge.from], self.position[edge.to]);
        if from.column == to.column {
            let next = if from.flow == Flow::Down { a + 1 == b } else { b + 1 == a };
            if next && from.flow == to.flow {
                return UWay::Straight;
            }
            // A way around boxes is on the outer side of the U.
            let channel = if from.column == 0 { 0 } else { from.column + 1 };
            return UWay::Channel(self.channel(channel, edge, from.row, to.row));
        }
        let right = to.column > from.column;
        let (out, into) = if right { (from.column + 1, to.column) } else { (from.column, to.column + 1) };
        if out == into {
            return UWay::Channel(self.channel(out, edge, from.row, to.row));
        }
        let mut between = from.column.min(to.column) + 1..from.column.max(to.column);
        if between.all(|column| !self.taken[from.row][column] || columns[column].is_empty()) {
            return UWay::Channel(self.channel(into, edge, from.row, to.row));
        }
        let corridor = self.corridor(to.row, edge, out, into);
        let first = self.channel(out, edge, from.row, to.row);
        let last = self.channel(into, edge, to.row, to.row);
        UWay::Corridor([first, corridor, last])
    }

    fn channel(&mut self, track: usize, edge: &PartEdge, a: usize, b: usize) -> TrackLane {
        let lane = free_lane(&mut self.channels[track], (edge.from, edge.port), a, b);
        TrackLane { track, lane }
    }

    fn corridor(&mut self, track: usize, edge: &PartEdge, a: usize, b: usize) -> TrackLane {
        let lane = free_lane(&mut self.corridors[track], (edge.from, edge.port), a, b);
        TrackLane { track, lane }
    }

    /// Returns the number of lanes of each channel and of each corridor.
    pub(super) fn counts(&self) -> (Vec<usize>, Vec<usize>) {
        (self.channels.iter().map(Vec::len).collect(), self.corridors.iter().map(Vec::len).collect())
    }
}

/// Takes a stretch of the first lane that has it free, or that the same tensor has already.
fn free_lane(lanes: &mut Vec<Vec<Stretch>>, tensor: (usize, usize), a: usize, b: usize) -> usize {
    let (first, last) = (a.min(b), a.max(b));
    let own = |lane: &Vec<Stretch>| lane.iter().any(|s| s.tensor == tensor && s.first <= last && first <= s.last);
    let free = |lane: &Vec<Stretch>| lane.iter().all(|s| s.tensor == tensor || s.last < first || last < s.first);
    let at = lanes.iter().position(|lane| own(lane) && free(lane)).or_else(|| lanes.iter().position(free));
    let at = at.unwrap_or_else(|| {
        lanes.push(Vec::new());
        lanes.len() - 1
    });
    lanes[at].push(Stretch { tensor, first, last });
    at
}

/// Orders the inputs of a part from left to right: those that come from the left, the straight one, those from the right. The lanes
/// are ordered so that lines of one side do not cross: the line that ends farthest out has the lane nearest to the part.
pub(super) fn order_ends(parts: &mut [PlannedPart], part: usize, lines: &[ULine]) {
    let own = lines.iter().filter(|line| line.edge[1] == part);
    let (mut left, mut straight, mut right) = (Vec::new(), Vec::new(), Vec::new());
    for line in own {
        match line.way {
            UWay::Straight => straight.push(line.input),
            UWay::Channel(lane) | UWay::Corridor([_, _, lane]) if lane.track <= parts[part].column => {
                left.push((lane.lane, line.input));
            }
            UWay::Channel(lane) | UWay::Corridor([_, _, lane]) => right.push((lane.lane, line.input)),
        }
    }
    left.sort_unstable();
    right.sort_unstable();
    let inputs = |list: &[(usize, usize)]| list.iter().map(|(_, input)| *input).collect::<Vec<usize>>();
    let (left, right) = (inputs(&left), inputs(&right));
    let place = |input: &usize| {
        let of = |list: &[usize]| list.iter().position(|k| k == input);
        of(&left).or(of(&right).map(|k| right.len() - 1 - k))
    };
    parts[part].entries.sort_by_key(place);
    parts[part].ends = left.iter().chain(&straight).chain(&right).copied().collect();
}
