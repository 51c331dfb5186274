//! Draws lines over whole numbers, such as epochs. Each point has a `<title>`, which browsers show as a tooltip.

use super::axis::TickRange;
use super::drawing::ChartDrawing;
use super::legend::{LegendEntry, LegendMark, draw_legend, legend_height};
use super::report_frame::{HEIGHT, WIDTH, area_below, draw_frame, mark, px, x_scale};
use super::scale::AxisScale;
use super::theme::series_class;
use crate::base::number::four_digits;
use maud::{Markup, html};

/// The most points that are drawn as dots. More would merge to a thick line.
const DOTS: usize = 60;
/// The most points with a tooltip, spread evenly.
const HOVERED: usize = 400;

/// A line through points in the order of x. Points that are not finite are left out.
#[derive(Debug, Clone, PartialEq)]
pub struct LineSeries {
    pub name: String,
    pub points: Vec<[f64; 2]>,
}

/// The content of a line chart.
#[derive(Debug, Clone, PartialEq)]
pub struct LineChart {
    pub title: String,
    /// Name of the whole numbers along x.
    pub x: String,
    pub series: Vec<LineSeries>,
    /// A marked x coordinate with its text.
    pub mark: Option<(f64, String)>,
}

/// Draws the chart, with a legend where it has several series. `None` where no series has a finite point.
pub fn line_chart(chart: &LineChart) -> Option<ChartDrawing> {
    let finite = |s: &LineSeries| -> Vec<[f64; 2]> {
        s.points.iter().copied().filter(|p| p.iter().all(|v| v.is_finite())).collect()
    };
    let series: Vec<(&str, Vec<[f64; 2]>)> = chart.series.iter().map(|s| (s.name.as_str(), finite(s))).collect();
    let all = || series.iter().flat_map(|(_, points)| points.iter());
    let x = x_scale(TickRange::covering_integers(all().map(|p| p[0]), 6)?);
    let names = if series.len() > 1 { &series[..] } else { &[] };
    let entry = |(i, (name, _)): (usize, &(&str, _))| LegendEntry::new(series_class(i), LegendMark::Line, *name);
    let legend: Vec<LegendEntry> = names.iter().enumerate().map(entry).collect();
    let width = area_below(0.0).right - area_below(0.0).left;
    let below = legend_height(&legend, width);
    let area = area_below(below);
    let y = AxisScale::plain(TickRange::covering(all().map(|p| p[1]), 5)?, [area.bottom, area.top]);
    let mut body = String::new();
    draw_legend(&mut body, &legend, [area.left, 0.0], width);
    let drawn = html! {
        (draw_frame(area, [&x, &y], &chart.x))
        @if let Some((at, words)) = &chart.mark { (mark(area, x.at(*at), words)) }
        @for (i, (name, points)) in series.iter().enumerate() {
            g class=(series_class(i)) { (draw_series(name, points, &chart.x, [&x, &y])) }
        }
    };
    body += &drawn.into_string();
    Some(ChartDrawing { title: chart.title.clone(), size: [WIDTH, HEIGHT + below], body })
}

/// Draws one line with its dots and tooltips; `x_name` is the name of the x values.
fn draw_series(name: &str, points: &[[f64; 2]], x_name: &str, [x, y]: [&AxisScale; 2]) -> Markup {
    let position = |p: &[f64; 2]| [x.at(p[0]), y.at(p[1])];
    let hovered = points.iter().step_by(points.len().div_ceil(HOVERED).max(1));
    html! {
        path class="line" d=(path(points.iter().map(position))) {}
        @if points.len() <= DOTS {
            @for p in points { @let [cx, cy] = position(p); circle class="dot" cx=(px(cx)) cy=(px(cy)) r="2.4" {} }
        }
        @for p in hovered {
            @let [cx, cy] = position(p);
            circle class="hover" cx=(px(cx)) cy=(px(cy)) r="7" {
                title { (name) ": " (four_digits(p[1])) " at " (x_name) " " (four_digits(p[0])) }
            }
        }
    }
}

/// Returns SVG path data of a line through points.
pub(super) fn path(points: impl Iterator<Item = [f64; 2]>) -> String {
    let mut d = String::new();
    for (i, [x, y]) in points.enumerate() {
        d.push_str(&format!("{}{x:.1} {y:.1}", if i == 0 { "M" } else { "L" }));
    }
    d
}
