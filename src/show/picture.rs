//! Draws a graph as a picture: nested blocks, boxes in layers from top to bottom, and edges with the shapes of tensors.
//!
//! [`BlockTree`] holds the nesting of blocks. [`Scene`] adds the text of each box, and the ranks and order of the boxes in
//! each block. A [`FoldState`] holds which blocks are open, and [`place`] computes the coordinates for it. SVG, HTML,
//! Mermaid and dot are four formats of the same scene.
//!
//! A network that is a U is drawn as one ([`u_shape`] finds it, [`u_planner`] plans its rows, columns and lanes, [`u_place`]
//! computes the coordinates); what is inside its blocks, and every other network, has the layout that follows.
//!
//! The layout is layered and compound (Sugiyama, Tagawa, Toda 1981): the inside of each block is laid out separately, and
//! from outside the block is one box with ports for its inputs and outputs. Ranks and orders therefore do not depend on the
//! fold state. Coordinates do, and the HTML page recomputes them when a block opens: `page/u.js` is [`u_place`], and
//! `page/place.js` is [`block_place`] and
//! [`align`](mod@align) in JavaScript, with the words rows for layers, hops for segments, nets for hyperedges and lanes for
//! dummy nodes. A test compares the numbers of the two.
//!
//! No crate does this. layout-rs (0.1.3) and rust-sugiyama (0.4.0) have no clusters, no space for labels and no dummy nodes
//! for long edges. The ports of dagre are young (0.1), and dagre itself reserves no space for the title of a cluster. Most
//! of the work is needed in any case: a column for each size of feature map, so that a network that shrinks its maps and
//! enlarges them again runs to the right and back, and a skip connection between equal sizes is a straight vertical line.
//!
//! This module depends on graphs and costs, but not on syntax, the command line or files.

mod align;
mod block_place;
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
mod picture_layout;
mod place;
mod route;
mod scene;
mod shape_labels;
mod svg;
mod tree;
mod u_columns;
mod u_heights;
mod u_lanes;
mod u_place;
mod u_plan;
mod u_planner;
mod u_shape;
mod visible;

pub use dot::dot;
pub use fold::FoldState;
pub(crate) use fold::block_paths;
pub(crate) use json::json;
pub(crate) use layered::{GraphTooLarge, MAX_DUMMY_NODES};
pub use mermaid::mermaid;
pub use page::page;
pub use picture_layout::{PictureLayout, Position, Route};
pub use place::place;
pub use route::routes;
pub use scene::{Direction, Scene, ShapeNotation};
pub use svg::svg;
pub(crate) use tree::TreeItem;
pub use tree::{MAX_BOXES, TreeItemKind};
pub use u_plan::Flow;
pub use u_shape::NotUShaped;
pub use visible::{BoxEdge, box_edges};
