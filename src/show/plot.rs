//! Charts as inline SVG: lines over epochs, and the distribution of scores.
//!
//! Knows numbers and names. Colours are CSS classes (`s0`, `s1`, ..., `axis`, `grid`, `mark`) that the page fills in, so
//! that one chart serves a light and a dark page. Each point has a `<title>`, which a browser shows under the pointer.

pub(crate) mod icicle;

pub(crate) use super::axis::Axis;

use crate::base::number::four_digits;
use maud::{Markup, html};

/// Size of every chart in its own units; the page scales it.
const WIDTH: f64 = 460.0;
const HEIGHT: f64 = 250.0;
const LEFT: f64 = 54.0;
const RIGHT: f64 = 14.0;
const TOP: f64 = 20.0;
const BOTTOM: f64 = 40.0;
/// Above it points are no longer drawn as dots: they would be a thicker line.
const DOTS: usize = 60;
/// Most points that answer to the pointer, spread evenly.
const HOVERED: usize = 400;

/// A line: finite points in the order of x.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    pub name: String,
    pub points: Vec<[f64; 2]>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Lines {
    pub title: String,
    /// What the whole numbers along x are.
    pub x: String,
    pub series: Vec<Series>,
    /// A place on the x axis with the words that stand at it.
    pub mark: Option<(f64, String)>,
}

/// The chart, or nothing where no series has a finite point.
pub fn lines(chart: &Lines) -> Markup {
    let finite = |s: &Series| -> Vec<[f64; 2]> {
        s.points.iter().copied().filter(|p| p.iter().all(|v| v.is_finite())).collect()
    };
    let series: Vec<(&str, Vec<[f64; 2]>)> = chart.series.iter().map(|s| (s.name.as_str(), finite(s))).collect();
    let all = || series.iter().flat_map(|(_, points)| points.iter());
    let (Some(x), Some(y)) = (Axis::whole(all().map(|p| p[0]), 6), Axis::of(all().map(|p| p[1]), 5)) else {
        return html! {};
    };
    let place = |p: &[f64; 2]| [across(&x, p[0]), up(&y, p[1])];
    html! {
        svg viewBox=(format!("0 0 {WIDTH} {HEIGHT}")) role="img" aria-label=(chart.title) {
            (frame(&x, &y, &chart.x))
            @if let Some((at, words)) = &chart.mark {
                @let right = across(&x, *at) > WIDTH * 0.6;
                line class="mark" x1=(px(across(&x, *at))) x2=(px(across(&x, *at))) y1=(TOP) y2=(HEIGHT - BOTTOM) {}
                text class="note" x=(px(across(&x, *at) + if right { -5.0 } else { 5.0 })) y=(TOP - 6.0)
                    text-anchor=(if right { "end" } else { "start" }) { (words) }
            }
            @for (i, (name, points)) in series.iter().enumerate() {
                g class=(format!("s{}", i % 4)) {
                    path class="line" d=(path(points.iter().map(place))) {}
                    @if points.len() <= DOTS {
                        @for p in points { @let [cx, cy] = place(p); circle class="dot" cx=(px(cx)) cy=(px(cy)) r="2.4" {} }
                    }
                    @for p in points.iter().step_by(points.len().div_ceil(HOVERED).max(1)) {
                        @let [cx, cy] = place(p);
                        circle class="hover" cx=(px(cx)) cy=(px(cy)) r="7" {
                            title { (name) ": " (four_digits(p[1])) " at " (chart.x) " " (four_digits(p[0])) }
                        }
                    }
                }
            }
        }
    }
}

/// One image in a distribution.
#[derive(Debug, Clone, PartialEq)]
pub struct Point {
    pub name: String,
    pub value: f64,
}

/// A histogram of scores with a dot for each below it, and a line at the mean. Nothing without a finite value.
pub fn distribution(title: &str, label: &str, points: &[Point]) -> Markup {
    const BINS: usize = 20;
    /// Height of the strip of dots.
    const STRIP: f64 = 34.0;
    let finite: Vec<&Point> = points.iter().filter(|p| p.value.is_finite()).collect();
    let Some(x) = Axis::of(finite.iter().map(|p| p.value), 6) else { return html! {} };
    let width = (x.high - x.low) / BINS as f64;
    let bin = |v: f64| (((v - x.low) / width) as usize).min(BINS - 1);
    let mut counts = [0usize; BINS];
    finite.iter().for_each(|p| counts[bin(p.value)] += 1);
    let y = Axis::counts(counts.iter().copied().max().unwrap_or(0));
    let mean = finite.iter().map(|p| p.value).sum::<f64>() / finite.len() as f64;
    let bottom = HEIGHT - BOTTOM - STRIP;
    let height = |n: usize| (bottom - TOP) * n as f64 / y.high;
    html! {
        svg viewBox=(format!("0 0 {WIDTH} {HEIGHT}")) role="img" aria-label=(title) {
            @for tick in y.ticks() {
                @let at = bottom - (bottom - TOP) * tick / y.high;
                line class="grid" x1=(LEFT) x2=(WIDTH - RIGHT) y1=(px(at)) y2=(px(at)) {}
                text class="tick" x=(LEFT - 6.0) y=(px(at + 3.5)) text-anchor="end" { (y.text(tick)) }
            }
            (across_axis(&x, label))
            text class="tick" x=(LEFT - 6.0) y=(TOP - 8.0) text-anchor="end" { "images" }
            g class="s0" {
                @for (i, &n) in counts.iter().enumerate().filter(|(_, n)| **n > 0) {
                    @let (from, to) = (x.low + i as f64 * width, x.low + (i + 1) as f64 * width);
                    rect class="bar" x=(px(across(&x, from) + 0.75)) width=(px(across(&x, to) - across(&x, from) - 1.5))
                        y=(px(bottom - height(n))) height=(px(height(n))) {
                        title { (n) " images from " (four_digits(from)) " to " (four_digits(to)) }
                    }
                }
                @for (i, p) in finite.iter().enumerate() {
                    // Spread by a fixed pattern, so that equal scores do not hide each other.
                    @let cy = bottom + 8.0 + (i * 7 % 11) as f64 / 10.0 * (STRIP - 16.0);
                    circle class="strip" cx=(px(across(&x, p.value))) cy=(px(cy)) r="2.6" {
                        title { (p.name) ": " (four_digits(p.value)) }
                    }
                }
            }
            line class="mark" x1=(px(across(&x, mean))) x2=(px(across(&x, mean))) y1=(TOP) y2=(HEIGHT - BOTTOM) {}
            @let right = across(&x, mean) > WIDTH * 0.6;
            text class="note" x=(px(across(&x, mean) + if right { -5.0 } else { 5.0 })) y=(TOP - 6.0)
                text-anchor=(if right { "end" } else { "start" }) { "mean " (four_digits(mean)) }
        }
    }
}

fn across(x: &Axis, value: f64) -> f64 {
    LEFT + (WIDTH - LEFT - RIGHT) * x.share(value)
}

fn up(y: &Axis, value: f64) -> f64 {
    HEIGHT - BOTTOM - (HEIGHT - BOTTOM - TOP) * y.share(value)
}

/// Tenths of a unit are below what a screen shows.
fn px(value: f64) -> String {
    format!("{value:.1}")
}

fn path(points: impl Iterator<Item = [f64; 2]>) -> String {
    let mut d = String::new();
    for (i, [x, y]) in points.enumerate() {
        d.push_str(&format!("{}{x:.1} {y:.1}", if i == 0 { "M" } else { "L" }));
    }
    d
}

fn across_axis(x: &Axis, label: &str) -> Markup {
    html! {
        line class="axis" x1=(LEFT) x2=(WIDTH - RIGHT) y1=(HEIGHT - BOTTOM) y2=(HEIGHT - BOTTOM) {}
        @for tick in x.ticks() {
            text class="tick" x=(px(across(x, tick))) y=(HEIGHT - BOTTOM + 15.0) text-anchor="middle" { (x.text(tick)) }
        }
        text class="tick" x=((LEFT + WIDTH - RIGHT) / 2.0) y=(HEIGHT - 6.0) text-anchor="middle" { (label) }
    }
}

fn frame(x: &Axis, y: &Axis, label: &str) -> Markup {
    html! {
        @for tick in y.ticks() {
            line class="grid" x1=(LEFT) x2=(WIDTH - RIGHT) y1=(px(up(y, tick))) y2=(px(up(y, tick))) {}
            text class="tick" x=(LEFT - 6.0) y=(px(up(y, tick) + 3.5)) text-anchor="end" { (y.text(tick)) }
        }
        (across_axis(x, label))
    }
}
