//! Where the boxes of a diagram stand: rows from above in the order of computation, a column for each size of map.
//!
//! A network that shrinks its maps and enlarges them again walks to the right and back, and a skip connection between
//! equal sizes is a straight line down. Knows boxes and places, no colours.

use super::fold::Unit;

pub const BOX: [f64; 2] = [132.0, 38.0];
const ROW: f64 = 60.0;
const LANE: f64 = 148.0;
/// Width of a lane that only lines use.
const THIN: f64 = 18.0;
const MARGIN: f64 = 10.0;

/// Boxes by their upper left corners `[x, y]`, lines as points from box to box.
#[derive(Debug, Clone, PartialEq)]
pub struct Layout {
    /// Width, height.
    pub size: [f64; 2],
    pub boxes: Vec<[f64; 2]>,
    pub lines: Vec<Line>,
}

/// From a box to the upper side of another.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    pub from: usize,
    pub to: usize,
    pub way: Way,
    /// Where it leaves the lower side, or the left or right side of a corner.
    pub start: [f64; 2],
    pub end: [f64; 2],
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Way {
    /// To the next row.
    Direct,
    /// Sideways out of the box, then down.
    Corner,
    /// Along a lane, where boxes lie between: its x, and the y where it is entered and left.
    Lane([f64; 3]),
}

/// Columns hold lanes for boxes and thin lanes for lines; each lane knows which rows are taken.
#[derive(Default)]
struct Column {
    boxes: Vec<Vec<bool>>,
    thin: Vec<Vec<bool>>,
}

#[derive(Clone, Copy)]
enum Lane {
    /// In the middle of a lane of boxes that is free there.
    Box(usize),
    Thin(usize),
}

pub fn layout(units: &[Unit]) -> Layout {
    let rows = rows(units);
    let columns = columns(units);
    let count = rows.iter().max().map_or(0, |r| r + 1);
    let mut grid: Vec<Column> = Vec::new();
    grid.resize_with(columns.iter().max().map_or(0, |c| c + 1), Column::default);
    let lanes: Vec<usize> = (0..units.len()).map(|i| grid[columns[i]].place(rows[i], count)).collect();
    // Short ones first: they stay near their boxes.
    let mut long: Vec<(usize, usize)> =
        units.iter().enumerate().flat_map(|(to, u)| u.inputs.iter().map(move |&from| (from, to))).collect();
    long.sort_by_key(|&(from, to)| (rows[to] - rows[from], from, to));
    let mut routed = Vec::new();
    for (from, to) in long {
        let between = rows[from] + 1..rows[to];
        // Along the column of the larger map: that of the smaller one is where the boxes between them stand.
        let column = columns[from].min(columns[to]);
        let preferred = if column == columns[from] { lanes[from] } else { lanes[to] };
        let lane = (!between.is_empty()).then(|| (column, grid[column].route(between, preferred, count)));
        routed.push((from, to, lane));
    }
    let mut left = MARGIN;
    let edges: Vec<f64> = (grid.iter())
        .map(|column| {
            let start = left + THIN * column.thin.len() as f64;
            left = start + LANE * column.boxes.len() as f64;
            start
        })
        .collect();
    let boxes: Vec<[f64; 2]> =
        (0..units.len()).map(|i| [edges[columns[i]] + LANE * lanes[i] as f64, MARGIN + ROW * rows[i] as f64]).collect();
    let lines = routed
        .into_iter()
        .map(|(from, to, lane)| {
            let mut start = [boxes[from][0] + BOX[0] / 2.0, boxes[from][1] + BOX[1]];
            let end = [boxes[to][0] + BOX[0] / 2.0, boxes[to][1]];
            let way = match lane {
                Some((column, lane)) => {
                    let x = match lane {
                        Lane::Box(i) => edges[column] + LANE * i as f64 + BOX[0] / 2.0,
                        Lane::Thin(i) => edges[column] - THIN * (i as f64 + 0.75),
                    };
                    Way::Lane([
                        x,
                        MARGIN + ROW * (rows[from] + 1) as f64,
                        MARGIN + ROW * (rows[to] - 1) as f64 + BOX[1],
                    ])
                }
                None if start[0] == end[0] || blocked(&boxes, from, end[0]) => Way::Direct,
                None => {
                    let side = if end[0] > start[0] { BOX[0] } else { 0.0 };
                    start = [boxes[from][0] + side, boxes[from][1] + BOX[1] / 2.0];
                    Way::Corner
                }
            };
            Line { from, to, way, start, end }
        })
        .collect();
    let height = 2.0 * MARGIN + ROW * count.saturating_sub(1) as f64 + BOX[1];
    Layout { size: [left - (LANE - BOX[0]) + MARGIN, height], boxes, lines }
}

/// Whether another box of the row stands in the way from a box to the side and down at `x`.
fn blocked(boxes: &[[f64; 2]], from: usize, x: f64) -> bool {
    let [left, top] = boxes[from];
    let (low, high) = if x > left { (left + BOX[0], x) } else { (x, left) };
    boxes.iter().enumerate().any(|(i, b)| i != from && b[1] == top && b[0] < high && b[0] + BOX[0] > low)
}

/// The longest way from the image.
fn rows(units: &[Unit]) -> Vec<usize> {
    let mut rows = Vec::with_capacity(units.len());
    for unit in units {
        let row: usize = unit.inputs.iter().map(|&from| rows[from] + 1).max().unwrap_or(0);
        rows.push(row);
    }
    rows
}

/// Columns by the area of a map, the largest to the left.
fn columns(units: &[Unit]) -> Vec<usize> {
    let area = |unit: &Unit| unit.shape.iter().skip(1).product::<usize>();
    let mut areas: Vec<usize> = units.iter().map(area).collect();
    areas.sort_unstable_by(|a, b| b.cmp(a));
    areas.dedup();
    units.iter().map(|unit| areas.iter().position(|&a| a == area(unit)).unwrap_or(0)).collect()
}

impl Column {
    /// The first lane whose row is free.
    fn place(&mut self, row: usize, rows: usize) -> usize {
        let lane = self.boxes.iter().position(|lane| !lane[row]).unwrap_or_else(|| {
            self.boxes.push(vec![false; rows]);
            self.boxes.len() - 1
        });
        self.boxes[lane][row] = true;
        lane
    }

    /// A lane that is free over the rows: the preferred one, else the nearest thin one.
    fn route(&mut self, between: std::ops::Range<usize>, preferred: usize, rows: usize) -> Lane {
        let free = |lane: &Vec<bool>| between.clone().all(|row| !lane[row]);
        let lane = if self.boxes.get(preferred).is_some_and(free) {
            Lane::Box(preferred)
        } else {
            Lane::Thin(self.thin.iter().position(free).unwrap_or_else(|| {
                self.thin.push(vec![false; rows]);
                self.thin.len() - 1
            }))
        };
        let taken = match lane {
            Lane::Box(i) => &mut self.boxes[i],
            Lane::Thin(i) => &mut self.thin[i],
        };
        taken[between].fill(true);
        lane
    }
}
