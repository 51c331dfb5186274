//! Writes a picture as one self-contained SVG file, with colours for light and dark and the default sans-serif font.

use super::block_place::{MARGIN, SHEET};
use super::colours::{HUES, rules};
use super::fold::FoldState;
use super::item_facts::{FONT, ItemFacts, SHADES, SMALL, second_line};
use super::picture_layout::{BoxBounds, PictureLayout, Position};
use super::place::place;
use super::route::{ARROW, routes};
use super::scene::{Scene, ShapeNotation};
use super::tree::{TreeItem, TreeItemKind};
use super::u_place::ROW_GAP;
use super::u_plan::Flow;
use crate::base::count::counted;
use crate::base::number::three_digits;
use crate::base::xml::escaped;
use crate::show::text::{bold_width, width};
use std::fmt::Write;

/// Style of the picture. The HTML page adds its own.
const STYLE: &str = include_str!("page/picture.css");
/// Height of the title.
const TITLE: f64 = 56.0;
const LEGEND_LINE: f64 = 22.0;
const SIDE: f64 = 16.0;

/// Returns the picture with title and legend.
pub fn svg(scene: &Scene, fold: &FoldState, shapes: ShapeNotation) -> String {
    let placed = place(scene, fold, shapes);
    let title = escaped(&scene.name);
    let below = summary(scene);
    let legend_entries = place_legend(scene, fold, placed.size[0].max(460.0) - 2.0 * SIDE);
    let head = bold_width(&scene.name, 18.0).max(width(&below, FONT)) + 2.0 * SIDE;
    let w = placed.size[0].max(head).max(legend_entries.width + 2.0 * SIDE);
    let h = TITLE + placed.size[1] + legend_entries.height;
    let mut out = String::new();
    let _ = writeln!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {w:.0} {h:.0}\" width=\"{w:.0}\" height=\"{h:.0}\" \
         class=\"npc\" role=\"img\" aria-label=\"Graph of {title}\">"
    );
    let _ = writeln!(out, "<title>Graph of {title}</title>");
    let _ = writeln!(out, "<style>\n{STYLE}{}</style>", rules(""));
    let _ = writeln!(out, "<rect class=\"paper\" width=\"100%\" height=\"100%\"/>");
    let _ = writeln!(out, "<text class=\"name\" x=\"{SIDE}\" y=\"30\">{title}</text>");
    let _ = writeln!(out, "<text class=\"sum\" x=\"{SIDE}\" y=\"48\">{}</text>", escaped(&below));
    let left = ((w - placed.size[0]) / 2.0).floor();
    let _ = writeln!(out, "<g transform=\"translate({left:.0} {TITLE})\">");
    draw_body(&mut out, scene, fold, shapes, &placed);
    out.push_str("</g>\n");
    let _ = writeln!(out, "<g transform=\"translate({SIDE} {:.0})\">", TITLE + placed.size[1]);
    out.push_str(&legend_entries.text);
    out.push_str("</g>\n</svg>\n");
    out
}

/// Returns the line below the title: `3 × 288 × 384 · 709.7k parameters · 2.16G MACs (conv)`.
pub(super) fn summary(scene: &Scene) -> String {
    let input = scene.tree.items.iter().position(|i| i.kind == TreeItemKind::Input && !i.outputs.is_empty());
    let image = input.map(|i| format!("{} · ", scene.facts[i].labels[0][0])).unwrap_or_default();
    let (params, macs) = (three_digits(scene.params), three_digits(scene.macs));
    format!("{image}{params} parameters · {macs} MACs ({})", scene.convention)
}

/// Draws frames, routes, boxes and shape labels.
fn draw_body(out: &mut String, scene: &Scene, fold: &FoldState, shapes: ShapeNotation, placed: &PictureLayout) {
    // Frames are drawn first, outer before inner, then routes, then boxes.
    for (item, bounds) in placed.boxes.iter().enumerate() {
        if let (Some(bounds), true) = (bounds, fold.is_open(item)) {
            draw_frame(out, scene, item, bounds);
        }
    }
    draw_rows(out, scene, shapes, placed);
    for route in routes(scene, placed) {
        for (class, path) in [("edge", &route.solid), ("edge size", &route.dashed)] {
            if !path.is_empty() {
                let _ = writeln!(out, "<path class=\"{class}\" d=\"{path}\"/>");
            }
        }
        for tip in &route.arrow_tips {
            let class = if tip.size_only { "tip size" } else { "tip" };
            let Position { x, y } = tip.at;
            let back = if tip.flow == Flow::Down { y - ARROW } else { y + ARROW };
            let _ = writeln!(
                out,
                "<path class=\"{class}\" d=\"M{x:.1} {y:.1}L{:.1} {back:.1}H{:.1}Z\"/>",
                x - 3.5,
                x + 3.5
            );
        }
    }
    for (item, bounds) in placed.boxes.iter().enumerate() {
        if let (Some(bounds), false) = (bounds, fold.is_open(item)) {
            draw_box(out, scene, item, bounds);
        }
    }
    for (item, port, at) in &placed.labels {
        let label = escaped(scene.label(*item, *port, shapes));
        let _ = writeln!(out, "<text class=\"shape\" x=\"{:.1}\" y=\"{:.1}\">{label}</text>", at.x, at.y);
    }
}

/// Draws the sizes of the rows of a U, and a line between two rows.
fn draw_rows(out: &mut String, scene: &Scene, shapes: ShapeNotation, placed: &PictureLayout) {
    for (number, row) in placed.rows.iter().enumerate() {
        let size = escaped(scene.map_size(row.example, shapes));
        if number > 0 {
            let _ = writeln!(
                out,
                "<path class=\"row\" d=\"M{MARGIN} {:.1}H{:.1}\"/>",
                row.top - ROW_GAP / 2.0,
                placed.size[0] - MARGIN
            );
        }
        let _ = writeln!(out, "<text class=\"level\" x=\"{MARGIN}\" y=\"{:.1}\">{size}</text>", row.top + 12.0);
    }
}

/// Returns the CSS class of the hue of a block name.
fn hue_class(scene: &Scene, item: usize) -> String {
    scene.facts[item].kind.map(|k| format!(" k{}", k % HUES)).unwrap_or_default()
}

/// Draws the frame of an open block.
fn draw_frame(out: &mut String, scene: &Scene, item: usize, bounds: &BoxBounds) {
    let facts = &scene.facts[item];
    let BoxBounds { x, y, w, h, head } = bounds;
    let _ = writeln!(
        out,
        "<g class=\"frame{}\"><title>{}</title><rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{w:.1}\" height=\"{h:.1}\" rx=\"8\"/>\
         <text class=\"head\" x=\"{:.1}\" y=\"{:.1}\">{}{}</text></g>",
        hue_class(scene, item),
        escaped(&tooltip(scene, item)),
        head + 10.0,
        y + 18.0,
        escaped(&facts.title),
        instance_tspan(&facts.instance),
    );
}

fn instance_tspan(instance: &str) -> String {
    if instance.is_empty() {
        return String::new();
    }
    format!("<tspan class=\"which\" dx=\"6\">{}</tspan>", escaped(instance))
}

/// Draws a closed block, an operator, an input or a result.
fn draw_box(out: &mut String, scene: &Scene, item: usize, bounds: &BoxBounds) {
    let (facts, part) = (&scene.facts[item], &scene.tree.items[item]);
    let BoxBounds { x, y, w, h, .. } = bounds;
    let class = match part.kind {
        TreeItemKind::Input | TreeItemKind::Result => "end".to_string(),
        TreeItemKind::Block { .. } | TreeItemKind::Run { .. } => {
            format!("block s{}{}", facts.shade, hue_class(scene, item))
        }
        TreeItemKind::Network | TreeItemKind::Operator => format!("op s{}", facts.shade),
    };
    let folds = part.can_fold();
    let radius = if matches!(part.kind, TreeItemKind::Input | TreeItemKind::Result) { h / 2.0 } else { 6.0 };
    let _ = write!(out, "<g class=\"box {class}\"><title>{}</title>", escaped(&tooltip(scene, item)));
    if folds {
        // A second sheet below shows that the box can be opened.
        let _ = write!(
            out,
            "<rect class=\"under\" x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{h:.1}\" rx=\"6\"/>",
            x + SHEET,
            y + SHEET,
            w
        );
    }
    let _ = write!(
        out,
        "<rect class=\"face\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{w:.1}\" height=\"{h:.1}\" rx=\"{radius}\"/>"
    );
    if folds {
        let _ = write!(
            out,
            "<rect class=\"mark\" x=\"{:.1}\" y=\"{:.1}\" width=\"5\" height=\"{:.1}\" rx=\"2.5\"/>",
            x + 6.0,
            y + 7.0,
            h - 14.0
        );
    }
    draw_box_text(out, part, facts, bounds);
    out.push_str("</g>\n");
}

/// Draws the one or two lines of text of a box.
fn draw_box_text(out: &mut String, part: &TreeItem, facts: &ItemFacts, bounds: &BoxBounds) {
    let BoxBounds { x, y, w, .. } = bounds;
    let middle = x + w / 2.0 + if part.can_fold() { 6.0 } else { 0.0 };
    let second = second_line(part, facts);
    let base = if second.is_empty() { y + 17.0 } else { y + 17.5 };
    let _ = write!(
        out,
        "<text class=\"title\" x=\"{middle:.1}\" y=\"{base:.1}\">{}{}</text>",
        escaped(&facts.title),
        instance_tspan(&facts.instance)
    );
    if !second.is_empty() {
        let _ =
            write!(out, "<text class=\"second\" x=\"{middle:.1}\" y=\"{:.1}\">{}</text>", y + 31.5, escaped(&second));
    }
}

/// Returns the tooltip of an item.
fn tooltip(scene: &Scene, item: usize) -> String {
    let (facts, part) = (&scene.facts[item], &scene.tree.items[item]);
    let mut lines = vec![part.path.clone()];
    lines.extend(facts.config.iter().map(|(k, v)| format!("{k} = {v}")));
    if !facts.second.is_empty() {
        lines.push(format!("{}, {} MACs", counted(facts.params, "parameter"), facts.macs));
    }
    if !facts.field.is_empty() {
        lines.push(format!("receptive field {}", facts.field));
    }
    lines.join(" ")
}

/// A legend with its size in pixels.
struct Legend {
    text: String,
    width: f64,
    height: f64,
}

/// Returns CSS class and text of each legend entry: cost shades, hues of the blocks that are `seen` with their number of
/// instances, and dashed edges.
pub(super) fn legend_entries(scene: &Scene, seen: impl Fn(usize) -> bool) -> Vec<(String, String)> {
    let mut parts: Vec<(String, String)> = Vec::new();
    let mut from = 0.0;
    for (i, end) in SHADES.into_iter().chain([100.0]).enumerate() {
        let text = if i == 0 { format!("below {end} % of MACs") } else { format!("{from} to {end} %") };
        parts.push((format!("key s{}", i + 1), text));
        from = end;
    }
    for (i, (name, count)) in scene.kinds.iter().enumerate() {
        if (0..scene.facts.len()).any(|item| scene.facts[item].kind == Some(i) && seen(item)) {
            parts.push((format!("key mark k{}", i % HUES), format!("{name} ×{count}")));
        }
    }
    let sizes =
        scene.layered.iter().flatten().flat_map(|l| &l.hyperedges).flat_map(|n| &n.segments).any(|h| h.size_only);
    if sizes {
        parts.push(("edge size".into(), "only its size is read".into()));
    }
    parts
}

/// Breaks the legend into lines of at most `room` pixels.
fn place_legend(scene: &Scene, fold: &FoldState, room: f64) -> Legend {
    let mut legend = Legend { text: String::new(), width: 0.0, height: LEGEND_LINE };
    let (mut x, mut y) = (0.0, 0.0);
    for (class, text) in legend_entries(scene, |item| is_visible(scene, fold, item)) {
        let wide = 20.0 + width(&text, SMALL + 1.0) + 14.0;
        if x > 0.0 && x + wide > room {
            (x, y) = (0.0, y + LEGEND_LINE);
        }
        let out = &mut legend.text;
        let _ = match class.starts_with("key") {
            true => writeln!(
                out,
                "<rect class=\"{class}\" x=\"{x:.0}\" y=\"{:.0}\" width=\"14\" height=\"12\" rx=\"3\"/>",
                y + 2.0
            ),
            false => writeln!(out, "<path class=\"{class}\" d=\"M{x:.0} {:.0}h14\"/>", y + 8.0),
        };
        let (left, base, text) = (x + 20.0, y + 12.0, escaped(&text));
        let _ = writeln!(out, "<text class=\"keytext\" x=\"{left:.0}\" y=\"{base:.0}\">{text}</text>");
        x += wide;
        legend.width = legend.width.max(x);
    }
    legend.height = y + LEGEND_LINE + 10.0;
    legend
}

/// Checks whether an item is visible, open or closed.
fn is_visible(scene: &Scene, fold: &FoldState, item: usize) -> bool {
    scene.tree.ancestors(item).iter().rev().skip(1).all(|&i| fold.is_open(i))
}
