//! Draws a scatter chart of variants with their Pareto front as SVG: two costs, or a score with its interval against a cost.
//!
//! Each point has a `<title>`, which browsers show as a tooltip.

use super::drawing::ChartDrawing;
use super::frame::ChartFrame;
use super::label_placement::{LabelObstacles, place_labels};
use super::legend::{LegendEntry, LegendMark, draw_legend};
use super::rectangle::Rect;
use super::scale::{AxisScale, AxisUnit};
use crate::base::xml::escaped;
use crate::show::text::{fixed_width, shortened, wrapped};
use std::fmt::Write;

/// Size of the picture, and below it the area of the chart, in the picture's own units.
const WIDTH: f64 = 820.0;
const HEIGHT: f64 = 490.0;
const LEFT: f64 = 14.0;
const RIGHT: f64 = 26.0;
const AREA: Rect = Rect { left: 82.0, top: 44.0, right: WIDTH - RIGHT, bottom: HEIGHT - 58.0 };
const FRAME: ChartFrame = ChartFrame {
    area: AREA,
    vertical_lines: true,
    x_label_offset: 17.0,
    y_label_offset: 8.0,
    y_label_baseline: 4.0,
    x_title_offset: 44.0,
};
/// Least distance between the edge and a point.
const EDGE_CLEARANCE: f64 = 10.0;
const RADIUS: f64 = 4.5;
/// The most dominated points that are labelled. The table serves better for more.
const MAX_LABELLED_DOMINATED: usize = 24;
/// The most letters of a label.
const MAX_LABEL_LETTERS: usize = 40;
/// Width of a letter of a label. Letters of fixed-width fonts are 0.55 to 0.602 of the font size wide.
const LETTER_WIDTH: f64 = 11.0 * 0.605;
const LINE_HEIGHT: f64 = 15.0;

/// An axis with its name and unit.
pub struct ScatterAxis {
    pub name: String,
    pub unit: AxisUnit,
}

/// A variant in the chart.
pub struct ScatterPoint {
    /// The x and the y value.
    pub at: [f64; 2],
    /// The ends of an interval of the y value.
    pub interval: Option<[f64; 2]>,
    /// Text next to the point.
    pub label: String,
    /// Text that browsers show as a tooltip.
    pub tooltip: String,
    pub on_front: bool,
}

/// The content of a scatter chart.
pub struct ScatterChart {
    pub title: String,
    /// Explains the parts of a label.
    pub key: String,
    pub x: ScatterAxis,
    pub y: ScatterAxis,
    /// The points. Those on the front are in the order of the front.
    pub points: Vec<ScatterPoint>,
    /// Sentences below the chart.
    pub notes: Vec<String>,
}

/// Draws the chart, or returns `None` where there are no points.
pub fn scatter(chart: &ScatterChart) -> Option<ChartDrawing> {
    let values = |axis: usize| {
        let ends = chart.points.iter().flat_map(|d| d.interval.into_iter().flatten()).filter(move |_| axis == 1);
        chart.points.iter().map(move |d| d.at[axis]).chain(ends)
    };
    // The scales leave space between the edge and the points.
    let x = AxisScale::of(values(0), 6, chart.x.unit, [AREA.left + EDGE_CLEARANCE, AREA.right - EDGE_CLEARANCE])?;
    let y = AxisScale::of(values(1), 5, chart.y.unit, [AREA.bottom - EDGE_CLEARANCE, AREA.top + EDGE_CLEARANCE])?;
    let centre = |d: &ScatterPoint| [x.at(d.at[0]), y.at(d.at[1])];

    let mut out = String::new();
    let _ = writeln!(out, "<text class=\"note\" x=\"{LEFT}\" y=\"10\">{}</text>", escaped(&chart.key));
    let kinds = [("s0", "on the front"), ("weak", "dominated")];
    let mut kinds = kinds.map(|(class, name)| LegendEntry::new(class, LegendMark::Dot, name)).to_vec();
    if chart.points.iter().any(|d| d.interval.is_some()) {
        kinds.push(LegendEntry::new("weak", LegendMark::Line, "95 % interval"));
    }
    draw_legend(&mut out, &kinds, [LEFT, 18.0], WIDTH - LEFT - RIGHT);
    let name = |side: &ScatterAxis, scale: &AxisScale| {
        format!("{}{}", side.name, if scale.is_log() { ", logarithmic" } else { "" })
    };
    FRAME.draw(&mut out, [&x, &y], &name(&chart.x, &x), Some(&name(&chart.y, &y)));
    let steps = steps(&chart.points.iter().filter(|d| d.on_front).map(centre).collect::<Vec<_>>());
    if let Some([first, _]) = steps.first() {
        let ends = steps.iter().map(|[_, to]| format!("L{:.1} {:.1}", to[0], to[1]));
        let path: String = std::iter::once(format!("M{:.1} {:.1}", first[0], first[1])).chain(ends).collect();
        let _ = writeln!(out, "<g class=\"s0\"><path class=\"line front\" d=\"{path}\"/></g>");
    }
    let bars: Vec<Option<[f64; 2]>> = chart.points.iter().map(|d| Some(d.interval?.map(|end| y.at(end)))).collect();
    draw_points(&mut out, chart, &bars, &steps, centre);
    let mut bottom = if chart.notes.is_empty() { HEIGHT } else { HEIGHT + 8.0 };
    for line in chart.notes.iter().flat_map(|note| wrapped(note, 11.0, WIDTH - 2.0 * LEFT)) {
        let _ = writeln!(out, "<text class=\"note\" x=\"{LEFT}\" y=\"{bottom:.1}\">{}</text>", escaped(&line));
        bottom += LINE_HEIGHT;
    }
    Some(ChartDrawing { title: chart.title.clone(), size: [WIDTH, bottom], body: out })
}

/// Returns the boundary of the dominated area: a horizontal and a vertical line from each point of the front to the next.
fn steps(front: &[[f64; 2]]) -> Vec<[[f64; 2]; 2]> {
    front
        .windows(2)
        .flat_map(|pair| {
            let corner = [pair[1][0], pair[0][1]];
            [[pair[0], corner], [corner, pair[1]]]
        })
        .collect()
}

/// Draws the points with their labels and the lines from far labels to their points.
fn draw_points(
    out: &mut String,
    chart: &ScatterChart,
    bars: &[Option<[f64; 2]>],
    steps: &[[[f64; 2]; 2]],
    centre: impl Fn(&ScatterPoint) -> [f64; 2],
) {
    let centres: Vec<[f64; 2]> = chart.points.iter().map(&centre).collect();
    // Labels of points on the front are placed first.
    let (front, rest): (Vec<usize>, Vec<usize>) = (0..chart.points.len()).partition(|&i| chart.points[i].on_front);
    let few = if rest.len() <= MAX_LABELLED_DOMINATED { &rest[..] } else { &[] };
    let texts: Vec<String> = chart.points.iter().map(|d| shortened(&d.label, MAX_LABEL_LETTERS)).collect();
    let wanted: Vec<(usize, [f64; 2])> = front
        .iter()
        .chain(few)
        .filter(|&&i| !texts[i].is_empty())
        .map(|&i| (i, [fixed_width(&texts[i], LETTER_WIDTH), LINE_HEIGHT]))
        .collect();
    let bar = |(i, ends): (usize, &Option<[f64; 2]>)| ends.map(|[a, b]| [[centres[i][0], a], [centres[i][0], b]]);
    let lines: Vec<[[f64; 2]; 2]> = steps.iter().copied().chain(bars.iter().enumerate().filter_map(bar)).collect();
    let obstacles = LabelObstacles { frame: AREA, points: &centres, radius: RADIUS, lines: &lines };
    let places = place_labels(&obstacles, &wanted);
    for (&(i, _), rect) in wanted.iter().zip(&places) {
        let Some(rect) = rect else { continue };
        let (from, to) = (centres[i], rect.nearest_point(centres[i]));
        if (from[0] - to[0]).hypot(from[1] - to[1]) > RADIUS + 8.0 {
            let _ =
                writeln!(out, "<path class=\"lead\" d=\"M{:.1} {:.1}L{:.1} {:.1}\"/>", from[0], from[1], to[0], to[1]);
        }
    }
    for i in rest.iter().chain(&front).copied() {
        let ([x, y], dot) = (centres[i], &chart.points[i]);
        let class = if dot.on_front { "s0" } else { "weak" };
        if let Some([low, high]) = bars[i] {
            let (left, cap) = (x - 4.0, 8.0);
            let _ = writeln!(
                out,
                "<g class=\"{class}\"><path class=\"line thin\" d=\"M{x:.1} {low:.1}V{high:.1}M{left:.1} {low:.1}h{cap}M{left:.1} \
                 {high:.1}h{cap}\"/></g>"
            );
        }
        let _ = writeln!(
            out,
            "<g class=\"{class}\"><circle class=\"dot\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{RADIUS}\"><title>{}</title></circle></g>",
            escaped(&dot.tooltip)
        );
    }
    for (&(i, _), rect) in wanted.iter().zip(&places) {
        let Some(rect) = rect else { continue };
        let class = if chart.points[i].on_front { "label" } else { "label pale" };
        let _ = writeln!(
            out,
            "<text class=\"{class}\" x=\"{:.1}\" y=\"{:.1}\">{}</text>",
            rect.left,
            rect.top + 11.5,
            escaped(&texts[i])
        );
    }
}

#[cfg(test)]
mod tests {
    use super::super::theme::ChartTheme;
    use super::*;

    fn chart(points: Vec<ScatterPoint>) -> ScatterChart {
        let side = |name: &str, unit| ScatterAxis { name: name.into(), unit };
        let (x, y) = (side("params", AxisUnit::Count), side("memory", AxisUnit::Bytes));
        ScatterChart { title: "a < b".into(), key: "width".into(), x, y, points, notes: vec!["not drawn: c".into()] }
    }

    fn dot(at: [u64; 2], label: &str, on_front: bool) -> ScatterPoint {
        let at = at.map(|v| v as f64);
        ScatterPoint { at, interval: None, label: label.into(), tooltip: format!("{label} & more"), on_front }
    }

    #[test]
    fn every_point_is_drawn_and_told() {
        let svg =
            scatter(&chart(vec![dot([10, 30], "\"a\"", true), dot([20, 20], "b", true), dot([30, 40], "c", false)]));
        let svg = svg.expect("there are points").file(ChartTheme::Auto);
        // The legend has one point of each kind.
        let dots = |class: &str| svg.matches(&format!("<g class=\"{class}\">")).count();
        assert_eq!(
            [dots("s0"), dots("weak"), dots("key s0"), dots("key weak")],
            [3, 1, 1, 1],
            "the front is a line too"
        );
        assert!(svg.contains("<title>&quot;a&quot; &amp; more</title>") && svg.contains("a &lt; b"));
        assert_eq!(svg.matches("class=\"line front\"").count(), 1);
        assert!(svg.contains("prefers-color-scheme: dark") && svg.contains("not drawn: c"));
        assert!(!svg.contains("95 % interval"));
    }

    #[test]
    fn a_score_has_its_interval() {
        let mut points = vec![dot([1_000, 0], "a", true), dot([1_000_000, 0], "b", true)];
        for (point, score) in points.iter_mut().zip([0.5, 0.75]) {
            point.at[1] = score;
            point.interval = Some([score - 0.125, score + 0.0625]);
        }
        let mut chart = chart(points);
        chart.y.unit = AxisUnit::Score;
        let svg = scatter(&chart).unwrap().body;
        assert!(
            svg.contains("95 % interval") && svg.contains("params, logarithmic") && svg.contains(">0.4</text>"),
            "{svg}"
        );
        assert_eq!(svg.matches("line thin").count(), 2);
    }

    #[test]
    fn no_points_no_picture() {
        assert!(scatter(&chart(Vec::new())).is_none());
        assert!(scatter(&chart(vec![dot([0, 0], "", true)])).is_some());
    }
}
