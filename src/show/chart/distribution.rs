//! Draws the distribution of scores: a histogram, a dot for each score, and a line at the mean.

use super::axis::TickRange;
use super::drawing::ChartDrawing;
use super::rectangle::Rect;
use super::report_frame::{HEIGHT, LEFT, WIDTH, area_below, draw_frame, mark, px, x_scale};
use super::scale::AxisScale;
use crate::base::number::four_digits;
use maud::{Markup, html};

/// The score of one image.
#[derive(Debug, Clone, PartialEq)]
pub struct ImageScore {
    pub name: String,
    pub value: f64,
}

/// Number of bins of the histogram.
const BINS: usize = 20;
/// Height of the strip of dots below the histogram.
const STRIP: f64 = 34.0;

/// Draws a histogram of the finite scores with a dot for each below it, and a line at the mean. `None` without a finite score.
pub fn distribution(title: &str, label: &str, points: &[ImageScore]) -> Option<ChartDrawing> {
    let finite: Vec<&ImageScore> = points.iter().filter(|p| p.value.is_finite()).collect();
    let range = TickRange::covering(finite.iter().map(|p| p.value), 6)?;
    let width = (range.high - range.low) / BINS as f64;
    let bin = |v: f64| (((v - range.low) / width) as usize).min(BINS - 1);
    let mut counts = [0usize; BINS];
    finite.iter().for_each(|p| counts[bin(p.value)] += 1);
    let most = counts.iter().copied().max().unwrap_or(0);
    let area = area_below(0.0);
    let y = AxisScale::plain(TickRange::of_counts(most), [area.bottom - STRIP, area.top]);
    let edge = |i: usize| range.low + i as f64 * width;
    let x = x_scale(range);
    let mean = finite.iter().map(|p| p.value).sum::<f64>() / finite.len() as f64;
    let drawn = html! {
        (draw_frame(area, [&x, &y], label))
        text class="name" x=(px(LEFT)) y=(px(area.top - 8.0)) { "images" }
        g class="s0" {
            @for (i, &n) in counts.iter().enumerate().filter(|(_, n)| **n > 0) {
                (draw_bin(area, [edge(i), edge(i + 1)], n, [&x, &y]))
            }
            @for (i, score) in finite.iter().enumerate() { (draw_dot(area, i, score, &x)) }
        }
        (mark(area, x.at(mean), &format!("mean {}", four_digits(mean))))
    };
    Some(ChartDrawing { title: title.into(), size: [WIDTH, HEIGHT], body: drawn.into_string() })
}

/// Draws the bar of one bin of the histogram with the number of its images.
fn draw_bin(area: Rect, [from, to]: [f64; 2], images: usize, [x, y]: [&AxisScale; 2]) -> Markup {
    let top = y.at(images as f64);
    html! {
        rect class="bar" x=(px(x.at(from) + 0.75)) width=(px(x.at(to) - x.at(from) - 1.5))
            y=(px(top)) height=(px(area.bottom - STRIP - top)) {
            title { (images) " images from " (four_digits(from)) " to " (four_digits(to)) }
        }
    }
}

/// Draws the dot of a score. Dots are spread by a fixed pattern, so that equal scores do not hide each other.
fn draw_dot(area: Rect, index: usize, score: &ImageScore, x: &AxisScale) -> Markup {
    let cy = area.bottom - STRIP + 8.0 + (index * 7 % 11) as f64 / 10.0 * (STRIP - 16.0);
    html! {
        circle class="strip" cx=(px(x.at(score.value))) cy=(px(cy)) r="2.6" {
            title { (score.name) ": " (four_digits(score.value)) }
        }
    }
}
