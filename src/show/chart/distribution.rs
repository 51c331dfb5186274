//! Draws the distribution of scores: a histogram, a dot for each score, and a line at the mean.

use super::axis::TickRange;
use super::report_frame::{AREA, HEIGHT, WIDTH, draw_frame, mark, px, x_scale};
use super::scale::AxisScale;
use crate::base::number::four_digits;
use maud::{Markup, html};

/// The score of one image.
#[derive(Debug, Clone, PartialEq)]
pub struct ImageScore {
    pub name: String,
    pub value: f64,
}

/// Draws a histogram of the finite scores with a dot for each below it, and a line at the mean. Empty without a finite
/// score.
pub fn distribution(title: &str, label: &str, points: &[ImageScore]) -> Markup {
    const BINS: usize = 20;
    /// Height of the strip of dots below the histogram.
    const STRIP: f64 = 34.0;
    let finite: Vec<&ImageScore> = points.iter().filter(|p| p.value.is_finite()).collect();
    let Some(axis) = TickRange::covering(finite.iter().map(|p| p.value), 6) else { return html! {} };
    let width = (axis.high - axis.low) / BINS as f64;
    let bin = |v: f64| (((v - axis.low) / width) as usize).min(BINS - 1);
    let mut counts = [0usize; BINS];
    finite.iter().for_each(|p| counts[bin(p.value)] += 1);
    let most = counts.iter().copied().max().unwrap_or(0);
    let bottom = AREA.bottom - STRIP;
    let (x, y) = (x_scale(axis), AxisScale::plain(TickRange::of_counts(most), [bottom, AREA.top]));
    let mean = finite.iter().map(|p| p.value).sum::<f64>() / finite.len() as f64;
    html! {
        svg viewBox=(format!("0 0 {WIDTH} {HEIGHT}")) role="img" aria-label=(title) {
            (draw_frame([&x, &y], label))
            text class="tick end" x=(AREA.left - 6.0) y=(AREA.top - 8.0) { "images" }
            g class="s0" {
                @for (i, &n) in counts.iter().enumerate().filter(|(_, n)| **n > 0) {
                    @let (from, to) = (axis.low + i as f64 * width, axis.low + (i + 1) as f64 * width);
                    rect class="bar" x=(px(x.at(from) + 0.75)) width=(px(x.at(to) - x.at(from) - 1.5))
                        y=(px(y.at(n as f64))) height=(px(bottom - y.at(n as f64))) {
                        title { (n) " images from " (four_digits(from)) " to " (four_digits(to)) }
                    }
                }
                @for (i, p) in finite.iter().enumerate() {
                    // Dots are spread by a fixed pattern, so that equal scores do not hide each other.
                    @let cy = bottom + 8.0 + (i * 7 % 11) as f64 / 10.0 * (STRIP - 16.0);
                    circle class="strip" cx=(px(x.at(p.value))) cy=(px(cy)) r="2.6" {
                        title { (p.name) ": " (four_digits(p.value)) }
                    }
                }
            }
            (mark(x.at(mean), &format!("mean {}", four_digits(mean))))
        }
    }
}
