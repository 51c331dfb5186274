//! A graph as a picture: blocks nested in blocks, boxes in rows from above, lines that carry shapes.
//!
//! [`BlockTree`] says what is inside what, [`Scene`] adds what is written on each box and how the boxes of each block are
//! ranked and ordered; a [`FoldState`] says which blocks are open, [`place`] where everything stands then. SVG, HTML, Mermaid and
//! dot are four ways to write the same scene down.
//!
//! The layout is compound and layered (Sugiyama, Tagawa, Toda 1981), block by block: the inside of a block is laid out by
//! itself, and outside the block is one box with ports where its tensors enter and leave. Ranks and orders therefore depend
//! on no fold; only coordinates do, and the HTML page computes those again when a block opens (`page/place.js` is
//! [`place`] and [`align`](mod@align) in another language, and a test holds their numbers side by side).
//!
//! No crate does this: layout-rs (0.1.3) and rust-sugiyama (0.4.0) know no clusters, keep no place for labels and give no
//! lanes to long edges; the dagre ports are young (0.1), and dagre itself reserves no room for a cluster's title. What is
//! needed beyond them is most of the work: a column for each size of map, so that a network that shrinks its maps and
//! enlarges them again walks to the right and back, and a skip connection between equal sizes is a straight line down.
//!
//! Knows graphs and costs; nothing of syntax, of the command line or of files.

mod align;
mod colours;
mod columns;
mod crossings;
mod dot;
mod fold;
mod item_facts;
mod json;
mod layered;
mod layout_node;
mod mermaid;
mod page;
mod place;
mod route;
mod scene;
mod shape_labels;
mod svg;
mod tree;
mod visible;

pub use dot::dot;
pub use fold::FoldState;
pub(crate) use json::json;
pub(crate) use layered::{GraphTooLarge, MAX_DUMMY_NODES};
pub use mermaid::mermaid;
pub use page::page;
pub use place::{PictureLayout, Position, place};
pub use route::{Route, routes};
pub use scene::{Scene, ShapeNotation};
pub use svg::svg;
pub use tree::{MAX_BOXES, TreeItemKind};
pub use visible::{BoxEdge, box_edges};
