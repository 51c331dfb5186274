//! The model as an inline SVG: boxes from [`fold`](super::fold), places from [`layout`](super::layout).

use super::fold::{Kind, MOST, Unit, fold};
use super::layout::{BOX, Line, Way, layout};
use crate::ir::Graph;
use crate::run::lettering::shortened;
use maud::{Markup, html};

/// Radius of a line's corner.
const ROUND: f64 = 8.0;
/// Letters that fit into a box.
const LETTERS: usize = 21;

/// The picture, or a sentence where the graph has too many blocks for one.
pub fn diagram(graph: &Graph) -> Markup {
    let Some(units) = fold(graph) else {
        return html! {
            p { "The model has more than " (MOST) " blocks at its outermost level: too many for a picture. "
                code { "npc graph" } " prints it in full." }
        };
    };
    let places = layout(&units);
    let [width, height] = places.size;
    html! {
        div class="scroll" tabindex="0" {
            svg class="diagram" viewBox=(format!("0 0 {width:.0} {height:.0}")) width=(format!("{width:.0}"))
                role="img" aria-label=(format!("Graph of {}", graph.name)) {
                @for line in &places.lines {
                    path class="edge" d=(curve(line)) {
                        title { (units[line.from].title) " to " (units[line.to].title) ": " (shape(&units[line.from])) }
                    }
                }
                @for (i, (unit, at)) in units.iter().zip(&places.boxes).enumerate() {
                    (node(unit, *at))
                    (label(unit, *at, &places.lines.iter().filter(|l| l.from == i).collect::<Vec<_>>()))
                }
            }
        }
    }
}

fn node(unit: &Unit, [x, y]: [f64; 2]) -> Markup {
    let class = match unit.kind {
        Kind::Image | Kind::Result => "node end",
        Kind::Block => "node block",
        Kind::Operators => "node",
    };
    let radius = if matches!(unit.kind, Kind::Image | Kind::Result) { 19 } else { 5 };
    let middle = format!("{:.0}", x + BOX[0] / 2.0);
    let second = match unit.kind {
        Kind::Block => {
            let size = if unit.size == 1 { ", 1 operator".into() } else { format!(", {} operators", unit.size) };
            shortened(&unit.detail, LETTERS.saturating_sub(size.len())) + &size
        }
        Kind::Image | Kind::Result => unit.detail.clone(),
        Kind::Operators => String::new(),
    };
    let first = y + if second.is_empty() { 23.0 } else { 16.0 };
    html! {
        g class=(class) {
            rect x=(format!("{x:.0}")) y=(format!("{y:.0}")) width=(BOX[0]) height=(BOX[1]) rx=(radius) {
                title { (unit.title) " " (second) ": " (shape(unit)) }
            }
            text x=(middle) y=(format!("{first:.0}")) text-anchor="middle" { (cut(&unit.title)) }
            @if !second.is_empty() {
                text class="second" x=(middle) y=(format!("{:.0}", y + 30.0)) text-anchor="middle" { (cut(&second)) }
            }
        }
    }
}

fn cut(text: &str) -> String {
    shortened(text, LETTERS)
}

/// Channels, height and width, as they are on the edge.
fn shape(unit: &Unit) -> String {
    unit.shape.iter().map(usize::to_string).collect::<Vec<_>>().join(" × ")
}

fn curve(line: &Line) -> String {
    let bend = |[x0, y0]: [f64; 2], [x1, y1]: [f64; 2]| {
        let middle = (y0 + y1) / 2.0;
        format!("C{x0:.1} {middle:.1} {x1:.1} {middle:.1} {x1:.1} {y1:.1}")
    };
    let ([x, y], end) = (line.start, line.end);
    match line.way {
        Way::Direct => format!("M{x:.1} {y:.1}{}", bend([x, y], end)),
        Way::Corner => {
            let before = end[0] + if end[0] > x { -ROUND } else { ROUND };
            let below = y + ROUND;
            format!("M{x:.1} {y:.1}H{before:.1}Q{0:.1} {y:.1} {0:.1} {below:.1}V{1:.1}", end[0], end[1])
        }
        Way::Lane([lane, from, to]) => {
            format!("M{x:.1} {y:.1}{}L{lane:.1} {to:.1}{}", bend([x, y], [lane, from]), bend([lane, to], end))
        }
    }
}

/// The shape of what a box gives, where its first line leaves it.
fn label(unit: &Unit, [x, y]: [f64; 2], lines: &[&Line]) -> Markup {
    let down = lines.iter().any(|line| !matches!(line.way, Way::Corner));
    let right = lines.iter().any(|line| line.start[0] > x + BOX[0] / 2.0);
    let (at, anchor) = match (down, right) {
        (true, _) => ([x + BOX[0] / 2.0 + 6.0, y + BOX[1] + 13.0], "start"),
        (false, true) => ([x + BOX[0] + 6.0, y + BOX[1] / 2.0 - 5.0], "start"),
        (false, false) => ([x - 6.0, y + BOX[1] / 2.0 - 5.0], "end"),
    };
    html! {
        @if !lines.is_empty() {
            text class="shape" x=(format!("{:.0}", at[0])) y=(format!("{:.0}", at[1])) text-anchor=(anchor) { (shape(unit)) }
        }
    }
}
