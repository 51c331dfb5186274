//! Draws a reliability diagram (Guo et al. 2017): the accuracy of pixels by their confidence, the gap between both, and the number of
//! pixels below.

use super::axis::TickRange;
use super::drawing::ChartDrawing;
use super::legend::{LegendEntry, LegendMark, draw_legend, legend_height};
use super::rectangle::Rect;
use super::report_frame::{LEFT, WIDTH, area_below, draw_frame, draw_left_axis, px, x_scale};
use super::scale::{AxisScale, AxisUnit};
use crate::base::number::{four_digits, thousands};
use crate::metric::Calibration;
use crate::metric::calibration::ConfidenceBin;
use maud::{Markup, html};

/// Height of the diagram, and of the histogram below it.
const DIAGRAM: f64 = 230.0;
const HISTOGRAM: f64 = 64.0;
/// Gap between both.
const BETWEEN: f64 = 22.0;
const UNIT_RANGE: TickRange = TickRange { low: 0.0, high: 1.0, step: 0.2 };

/// Draws the diagram. `None` without pixels.
pub(crate) fn reliability_chart(calibration: &Calibration) -> Option<ChartDrawing> {
    let bins: Vec<&ConfidenceBin> = calibration.bins.iter().filter(|bin| bin.pixels > 0).collect();
    let title = format!("Reliability: ECE {:.4}, MCE {:.4}", calibration.ece?, calibration.mce?);
    let legend = [
        LegendEntry::new("s0", LegendMark::Line, "accuracy"),
        LegendEntry::new("s1", LegendMark::Gap, "gap to the confidence"),
        LegendEntry::new("", LegendMark::Guide, "as accurate as confident"),
    ];
    let edges = area_below(0.0);
    let below = legend_height(&legend, edges.right - edges.left);
    let top = edges.top + below;
    let diagram = Rect { top, bottom: top + DIAGRAM, ..edges };
    let from = diagram.bottom + BETWEEN;
    let histogram = Rect { top: from, bottom: from + HISTOGRAM, ..edges };
    let (x, y) = (x_scale(UNIT_RANGE), AxisScale::plain(UNIT_RANGE, [diagram.bottom, diagram.top]));
    let most = bins.iter().map(|bin| bin.pixels).max().unwrap_or(1) as f64;
    let least = bins.iter().map(|bin| bin.pixels).min().unwrap_or(1) as f64;
    // The least bar of a logarithmic axis has a height too; other axes start at 0.
    let start = if AxisScale::spans_decades(least, most) { least / 2.0 } else { 0.0 };
    let n = AxisScale::of([start, most].into_iter(), 2, AxisUnit::Count, [histogram.bottom, histogram.top])?.decades();
    let mut body = String::new();
    draw_legend(&mut body, &legend, [edges.left, 0.0], edges.right - edges.left);
    let drawn = html! {
        (draw_left_axis(diagram, &y))
        text class="name" x=(px(LEFT)) y=(px(top - 8.0)) { "accuracy" }
        (draw_frame(histogram, [&x, &n], "confidence: probability of the predicted class"))
        text class="name" x=(px(LEFT)) y=(px(from - 8.0)) { "pixels" @if n.is_log() { ", logarithmic" } }
        @for bin in &bins { (draw_bin(bin, [&x, &y, &n], histogram.bottom)) }
        path class="mark" d=(format!("M{:.1} {:.1}L{:.1} {:.1}", x.at(0.0), y.at(0.0), x.at(1.0), y.at(1.0))) {}
    };
    body += &drawn.into_string();
    Some(ChartDrawing { title, size: [WIDTH, histogram.bottom + 40.0], body })
}

/// Draws the accuracy, the gap and the number of pixels of a bin.
fn draw_bin(bin: &ConfidenceBin, [x, y, n]: [&AxisScale; 3], floor: f64) -> Markup {
    let unit = |value: Option<f64>| value.unwrap_or(0.0).clamp(0.0, 1.0);
    let (accuracy, confidence) = (unit(bin.accuracy), unit(bin.confidence));
    let (left, wide) = (x.at(bin.low) + 0.75, x.at(bin.high) - x.at(bin.low) - 1.5);
    let (low, high) = (y.at(accuracy.min(confidence)), y.at(accuracy.max(confidence)));
    html! {
        g {
            title {
                "confidence " (four_digits(confidence)) ", accuracy " (four_digits(accuracy)) ", " (thousands(bin.pixels)) " pixels"
            }
            g class="s0" { (bar("bar", [left, low], [wide, y.at(0.0) - low])) }
            g class="s1" { (bar("gap", [left, high], [wide, low - high])) }
            g class="s0" { path class="line" d=(format!("M{left:.1} {:.1}h{wide:.1}", y.at(accuracy))) {} }
            g class="weak" { (bar("bar", [left, n.at(bin.pixels as f64)], [wide, floor - n.at(bin.pixels as f64)])) }
        }
    }
}

fn bar(class: &str, [x, y]: [f64; 2], [width, height]: [f64; 2]) -> Markup {
    html! { rect class=(class) x=(px(x)) y=(px(y)) width=(px(width)) height=(px(height)) {} }
}
