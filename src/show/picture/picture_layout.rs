//! The coordinates of a picture: boxes, the insides of open blocks, labels, and the routes of lines.

use super::u_plan::Flow;

/// A point of the picture in pixels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Position {
    pub x: f64,
    pub y: f64,
}

/// The rectangle of a box, or of the frame of an open block.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BoxBounds {
    pub x: f64,
    pub y: f64,
    pub w: f64,
    pub h: f64,
    /// The x coordinate where the name of an open block starts.
    pub head: f64,
}

/// A layout node of an open block, in the coordinates of the picture.
#[derive(Debug, Clone, PartialEq)]
pub struct PlacedNode {
    /// The y coordinate where routes end: the upper side of a box, or the lower side where routes run up.
    pub top: f64,
    /// The y coordinate where routes start, beyond the labels.
    pub bottom: f64,
    /// The x coordinate of a dummy node, or of the middle of a box.
    pub x: f64,
    /// Width over which the routes into a closed box are spread.
    pub width: f64,
    /// For an open block, the x coordinate of each input port.
    pub ins: Option<Vec<f64>>,
    /// The x coordinate of each output port.
    pub outs: Vec<f64>,
}

/// The inside of an open block, in the coordinates of the picture.
#[derive(Debug, Clone, PartialEq)]
pub struct PlacedBlock {
    pub nodes: Vec<PlacedNode>,
    /// The two ends of each layer: where routes reach it, and where they leave it.
    pub layers: Vec<[f64; 2]>,
    pub flow: Flow,
}

/// The row of a level in a picture of a U.
#[derive(Debug, Clone, PartialEq)]
pub struct LevelRow {
    /// The y coordinate where the row begins.
    pub top: f64,
    /// The item whose first output has the size of the level.
    pub example: usize,
}

/// All coordinates of a picture.
#[derive(Debug, Clone, PartialEq)]
pub struct PictureLayout {
    pub size: [f64; 2],
    /// Bounds of each item, or `None` for items inside a closed block.
    pub boxes: Vec<Option<BoxBounds>>,
    /// The inside of each item, or `None` where it is closed.
    pub blocks: Vec<Option<PlacedBlock>>,
    /// Each shape label as item, output and middle of its baseline.
    pub labels: Vec<(usize, usize, Position)>,
    /// The rows of a U, and the routes between its parts. Empty for other pictures.
    pub rows: Vec<LevelRow>,
    pub u_routes: Vec<Route>,
}

/// The tip of an arrow.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ArrowTip {
    pub at: Position,
    /// Whether only the size of the tensor is read.
    pub size_only: bool,
    /// The direction in which the arrow points.
    pub flow: Flow,
}

/// The route of one tensor inside one open block.
#[derive(Debug, Clone, PartialEq)]
pub struct Route {
    /// The item of the open block.
    pub block: usize,
    /// Number of the hyperedge in the layered graph of the block.
    pub hyperedge: usize,
    /// SVG path data of the segments that carry values.
    pub solid: String,
    /// SVG path data of the segments of which only the size is read.
    pub dashed: String,
    pub arrow_tips: Vec<ArrowTip>,
    /// The bend points of each segment: its start, the end of the layer it starts in, the start of the next layer, its end.
    pub bends: Vec<[Position; 4]>,
    /// The corners of each line of a U, with its ends.
    pub corners: Vec<Vec<Position>>,
}

impl Route {
    pub(super) fn new(block: usize, hyperedge: usize) -> Route {
        let (solid, dashed, arrow_tips) = (String::new(), String::new(), Vec::new());
        Route { block, hyperedge, solid, dashed, arrow_tips, bends: Vec::new(), corners: Vec::new() }
    }
}
