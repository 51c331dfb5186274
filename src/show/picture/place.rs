//! Computes the coordinates of a picture for one fold state: of a U, or of a network that is drawn down.

use super::block_place::{BlockSizing, MARGIN, move_to};
use super::fold::FoldState;
use super::picture_layout::{PictureLayout, Position};
use super::scene::{Scene, ShapeNotation};
use super::u_place::place_u;
use super::u_plan::Flow;

/// Computes the coordinates of everything that a fold state shows.
pub fn place(scene: &Scene, fold: &FoldState, notation: ShapeNotation) -> PictureLayout {
    let n = scene.tree.items.len();
    let mut layout = PictureLayout {
        size: [0.0; 2],
        boxes: vec![None; n],
        blocks: vec![None; n],
        labels: Vec::new(),
        rows: Vec::new(),
        u_routes: Vec::new(),
    };
    let sizing = BlockSizing { scene, fold, notation };
    if let Some(plan) = scene.u_plan() {
        place_u(&sizing, plan, &mut layout);
    } else if let Some(layered) = &scene.layered[0] {
        let content = sizing.content(0, layered, &[], Flow::Down);
        layout.size = [content.w + 2.0 * MARGIN, content.h + 2.0 * MARGIN];
        move_to(scene, &mut layout, (0, layered), &content, Position { x: MARGIN, y: MARGIN }, Flow::Down);
    }
    layout
}
