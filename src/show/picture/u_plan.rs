//! The plan of a network drawn as a U: rows, columns, and the lanes of its lines. It does not depend on which blocks are open.
//!
//! Rows are levels of resolution. The encoder runs down in the first column, the decoder up in the last; what stands between the two
//! (the bottom of the U, gates of skips) has a column of its own. In a network such as U-Net++, whose rows have several nodes, a
//! column holds what the same number of enlargements leads to.
//!
//! A line leaves a box at one end and enters a box at the other end. Where the boxes do not follow each other in one column, it runs
//! along a lane beside the box, up or down a channel between two columns, and along a lane beside the other box. Where columns with
//! boxes lie in between, it passes them in a corridor above a row. Every line has its own lanes, so that lines only cross.

/// The direction that a part is drawn in: where its inputs are at its top, or at its bottom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flow {
    Down,
    Up,
}

/// A part with its place in the plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedPart {
    pub item: usize,
    pub row: usize,
    pub column: usize,
    pub flow: Flow,
    /// Outputs with a lane beside the part, in the order of the lanes from the part outwards.
    pub exits: Vec<usize>,
    /// Inputs with a lane beside the part, in the order of the lanes from the part outwards.
    pub entries: Vec<usize>,
    /// All inputs from left to right, in the order in which lines end at a closed box.
    pub ends: Vec<usize>,
    /// The input whose line comes straight from the box before.
    pub straight: Option<usize>,
}

/// A lane of a part: of an output or an input with this number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lane {
    Exit(usize),
    Entry(usize),
}

/// Two lanes: at one height, or the first not above the second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LanePair {
    pub from: usize,
    pub from_lane: Lane,
    pub to: usize,
    pub to_lane: Lane,
}

/// A lane of a channel or a corridor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TrackLane {
    /// Number of the channel, which is that of the column at its right, or number of the row below the corridor.
    pub track: usize,
    pub lane: usize,
}

/// How a line runs from one part to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UWay {
    /// From a box to the next of its column.
    Straight,
    /// Up or down one channel.
    Channel(TrackLane),
    /// Up or down a channel, along a corridor, and up or down another channel.
    Corridor([TrackLane; 3]),
}

/// A line of the plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ULine {
    pub edge: [usize; 2],
    pub port: usize,
    pub input: usize,
    pub size_only: bool,
    pub way: UWay,
}

/// A step of the pass that computes heights: a row begins, or parts whose lanes are tied take their places together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HeightStep {
    Row(usize),
    Parts(Vec<usize>),
}

/// A network planned as a U.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UPlan {
    pub parts: Vec<PlannedPart>,
    /// The parts of each column from top to bottom.
    pub columns: Vec<Vec<usize>>,
    /// The item whose first output has the size of map of each row.
    pub examples: Vec<usize>,
    pub lines: Vec<ULine>,
    /// Lanes at one height.
    pub ties: Vec<LanePair>,
    /// Lanes of which the first is not above the second.
    pub below: Vec<LanePair>,
    pub steps: Vec<HeightStep>,
    /// Whether parts stand at the lower end of their rows, so that the nodes of a row are level. Otherwise they are at the upper end.
    pub settles: bool,
    /// Number of lanes of each channel; the last is at the right of the last column.
    pub channels: Vec<usize>,
    /// Number of lanes of the corridor above each row.
    pub corridors: Vec<usize>,
}
