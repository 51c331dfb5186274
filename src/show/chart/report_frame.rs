//! Parts that the charts of a report share: their size, their frame, and a mark at an x coordinate.

use super::axis::TickRange;
use super::frame::ChartFrame;
use super::rectangle::Rect;
use super::scale::AxisScale;
use maud::{Markup, PreEscaped, html};

/// Size of every chart in its own units. The page scales it.
pub(super) const WIDTH: f64 = 460.0;
pub(super) const HEIGHT: f64 = 250.0;
/// Left end of the name of a vertical axis, above it.
pub(super) const LEFT: f64 = 14.0;
const AREA: Rect = Rect { left: 54.0, top: 20.0, right: WIDTH - 14.0, bottom: HEIGHT - 40.0 };

/// Returns the area of values below a legend of a height.
pub(super) fn area_below(legend: f64) -> Rect {
    Rect { top: AREA.top + legend, bottom: AREA.bottom + legend, ..AREA }
}

/// Returns a scale over the width of a chart.
pub(super) fn x_scale(axis: TickRange) -> AxisScale {
    AxisScale::plain(axis, [AREA.left, AREA.right])
}

pub(super) fn draw_frame(area: Rect, scales: [&AxisScale; 2], title: &str) -> Markup {
    let mut out = String::new();
    frame(area).draw(&mut out, scales, title, None);
    PreEscaped(out)
}

/// Draws the numbers on the left and their lines, and the line at the bottom without numbers.
pub(super) fn draw_left_axis(area: Rect, scale: &AxisScale) -> Markup {
    let mut out = String::new();
    frame(area).draw_left(&mut out, scale);
    PreEscaped(out)
}

fn frame(area: Rect) -> ChartFrame {
    ChartFrame {
        area,
        vertical_lines: false,
        x_label_offset: 15.0,
        y_label_offset: 6.0,
        y_label_baseline: 3.5,
        x_title_offset: 34.0,
    }
}

/// Draws a vertical line with a text above it, on the side that has space for it.
pub(super) fn mark(area: Rect, at: f64, words: &str) -> Markup {
    let (gap, anchor) = if at > WIDTH * 0.6 { (-5.0, "end") } else { (5.0, "start") };
    html! {
        line class="mark" x1=(px(at)) x2=(px(at)) y1=(px(area.top)) y2=(px(area.bottom)) {}
        text class="note" x=(px(at + gap)) y=(px(area.top - 6.0)) text-anchor=(anchor) { (words) }
    }
}

/// Formats a coordinate. Less than a tenth of a unit is not visible on a screen.
pub(super) fn px(value: f64) -> String {
    format!("{value:.1}")
}
