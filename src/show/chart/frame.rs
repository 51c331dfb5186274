//! Draws the frame of a chart: grid lines with their numbers, the axes and their titles.
//!
//! It is written as plain text because scatter charts need it in builds without `maud`. The surrounding picture or page
//! styles the classes `grid`, `tick`, `axis`, `name`, `mid` and `end`.

use super::rectangle::Rect;
use super::scale::AxisScale;
use crate::base::xml::escaped;
use std::fmt::Write;

/// Distance from the left edge of the area to the middle of the vertical title.
const ASIDE: f64 = 62.0;

/// The area where values are drawn, and the distances of the texts around it.
pub(super) struct ChartFrame {
    pub area: Rect,
    /// Whether the grid and the axes have vertical lines.
    pub vertical_lines: bool,
    /// Distance from the lower edge to the baseline of the numbers below it.
    pub x_label_offset: f64,
    /// Distance from the left edge to the end of the numbers on its left.
    pub y_label_offset: f64,
    /// Distance from a horizontal line down to the baseline of its number.
    pub y_label_baseline: f64,
    /// Distance from the lower edge to the baseline of the title below it.
    pub x_title_offset: f64,
}

/// An axis of the frame.
#[derive(Clone, Copy, PartialEq, Eq)]
enum FrameSide {
    X,
    Y,
}

impl ChartFrame {
    /// Draws the frame without what is below it.
    #[cfg(feature = "data")]
    pub(super) fn draw_left(&self, out: &mut String, y: &AxisScale) {
        self.ticks(out, FrameSide::Y, y);
        self.axes(out);
    }

    /// Draws the frame. `up` is the title of the y axis, which is left out where the title of the chart already names it.
    pub(super) fn draw(&self, out: &mut String, [x, y]: [&AxisScale; 2], across: &str, up: Option<&str>) {
        let Rect { left, top, right, bottom } = self.area;
        self.ticks(out, FrameSide::X, x);
        self.ticks(out, FrameSide::Y, y);
        self.axes(out);
        let (middle, level) = ((left + right) / 2.0, (top + bottom) / 2.0);
        let _ = writeln!(
            out,
            "<text class=\"name mid\" x=\"{middle:.1}\" y=\"{:.1}\">{}</text>",
            bottom + self.x_title_offset,
            escaped(across)
        );
        if let Some(up) = up {
            let _ = writeln!(
                out,
                "<text class=\"name mid\" transform=\"translate({} {level:.1})rotate(-90)\">{}</text>",
                left - ASIDE,
                escaped(up)
            );
        }
    }

    fn axes(&self, out: &mut String) {
        let Rect { left, top, right, bottom } = self.area;
        let start = if self.vertical_lines {
            format!("M{left:.1} {top:.1}V{bottom:.1}")
        } else {
            format!("M{left:.1} {bottom:.1}")
        };
        let _ = writeln!(out, "<path class=\"axis\" d=\"{start}H{right:.1}\"/>");
    }

    fn ticks(&self, out: &mut String, along: FrameSide, scale: &AxisScale) {
        let Rect { left, top, right, bottom } = self.area;
        for (at, text) in scale.ticks() {
            let (line, class, [x, y]) = match along {
                FrameSide::X => (format!("M{at:.1} {top:.1}V{bottom:.1}"), "mid", [at, bottom + self.x_label_offset]),
                FrameSide::Y => (
                    format!("M{left:.1} {at:.1}H{right:.1}"),
                    "end",
                    [left - self.y_label_offset, at + self.y_label_baseline],
                ),
            };
            if self.vertical_lines || along == FrameSide::Y {
                let _ = writeln!(out, "<path class=\"grid\" d=\"{line}\"/>");
            }
            let _ = writeln!(out, "<text class=\"tick {class}\" x=\"{x:.1}\" y=\"{y:.1}\">{text}</text>");
        }
    }
}
