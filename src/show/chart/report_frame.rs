//! Parts that the charts of a report share: their size, their frame, and a mark at an x coordinate.
//!
//! Colours are CSS classes (`s0`, `s1`, ..., `axis`, `grid`, `mark`) that the page fills in, so that one chart serves a
//! light and a dark page.

use super::axis::TickRange;
use super::frame::ChartFrame;
use super::rectangle::Rect;
use super::scale::AxisScale;
use maud::{Markup, PreEscaped, html};

/// Size of every chart in its own units. The page scales it.
pub(super) const WIDTH: f64 = 460.0;
pub(super) const HEIGHT: f64 = 250.0;
pub(super) const AREA: Rect = Rect { left: 54.0, top: 20.0, right: WIDTH - 14.0, bottom: HEIGHT - 40.0 };

const FRAME: ChartFrame = ChartFrame {
    area: AREA,
    vertical_lines: false,
    x_label_offset: 15.0,
    y_label_offset: 6.0,
    y_label_baseline: 3.5,
    x_title_offset: 34.0,
};

/// Returns a scale over the width of a chart.
pub(super) fn x_scale(axis: TickRange) -> AxisScale {
    AxisScale::plain(axis, [AREA.left, AREA.right])
}

pub(super) fn draw_frame(scales: [&AxisScale; 2], title: &str) -> Markup {
    let mut out = String::new();
    FRAME.draw(&mut out, scales, title, None);
    PreEscaped(out)
}

/// Draws a vertical line with a text above it, on the side that has space for it.
pub(super) fn mark(at: f64, words: &str) -> Markup {
    let (gap, anchor) = if at > WIDTH * 0.6 { (-5.0, "end") } else { (5.0, "start") };
    html! {
        line class="mark" x1=(px(at)) x2=(px(at)) y1=(AREA.top) y2=(AREA.bottom) {}
        text class="note" x=(px(at + gap)) y=(AREA.top - 6.0) text-anchor=(anchor) { (words) }
    }
}

/// Formats a coordinate. Less than a tenth of a unit is not visible on a screen.
pub(super) fn px(value: f64) -> String {
    format!("{value:.1}")
}
