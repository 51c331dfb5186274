//! The frame of a chart: grid lines with their numbers, the axes and their titles.
//!
//! It is written as plain text because scatter charts need it in builds without `maud`. The classes (`grid`, `tick`,
//! `axis`, `name`, `mid`, `end`) get their looks from the picture or the page that the chart stands in.

use super::rectangle::Rect;
use super::scale::AxisScale;
use crate::base::xml::escaped;
use std::fmt::Write;

/// From the left edge of the area to the middle of the upright title.
const ASIDE: f64 = 62.0;

/// Where values are drawn, and the distances of what stands around them.
pub(super) struct ChartFrame {
    pub area: Rect,
    /// Whether the grid and the axes have upright lines.
    pub upright: bool,
    /// From the lower edge to the baseline of the numbers below it.
    pub below: f64,
    /// From the left edge to the end of the numbers beside it.
    pub beside: f64,
    /// From a level line down to the baseline of its number.
    pub baseline: f64,
    /// From the lower edge to the baseline of the title below it.
    pub title: f64,
}

/// An axis of the frame.
#[derive(Clone, Copy, PartialEq, Eq)]
enum FrameSide {
    X,
    Y,
}

impl ChartFrame {
    /// Draws it. A chart whose title or table says what its upright axis is has no title there.
    pub(super) fn draw(&self, out: &mut String, [x, y]: [&AxisScale; 2], across: &str, up: Option<&str>) {
        let Rect { left, top, right, bottom } = self.area;
        self.ticks(out, FrameSide::X, x);
        self.ticks(out, FrameSide::Y, y);
        let start =
            if self.upright { format!("M{left:.1} {top:.1}V{bottom:.1}") } else { format!("M{left:.1} {bottom:.1}") };
        let _ = writeln!(out, "<path class=\"axis\" d=\"{start}H{right:.1}\"/>");
        let (middle, level) = ((left + right) / 2.0, (top + bottom) / 2.0);
        let _ = writeln!(
            out,
            "<text class=\"name mid\" x=\"{middle:.1}\" y=\"{:.1}\">{}</text>",
            bottom + self.title,
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

    fn ticks(&self, out: &mut String, along: FrameSide, scale: &AxisScale) {
        let Rect { left, top, right, bottom } = self.area;
        for (at, text) in scale.ticks() {
            let (line, class, [x, y]) = match along {
                FrameSide::X => (format!("M{at:.1} {top:.1}V{bottom:.1}"), "mid", [at, bottom + self.below]),
                FrameSide::Y => {
                    (format!("M{left:.1} {at:.1}H{right:.1}"), "end", [left - self.beside, at + self.baseline])
                }
            };
            if self.upright || along == FrameSide::Y {
                let _ = writeln!(out, "<path class=\"grid\" d=\"{line}\"/>");
            }
            let _ = writeln!(out, "<text class=\"tick {class}\" x=\"{x:.1}\" y=\"{y:.1}\">{text}</text>");
        }
    }
}
