//! Draws the precision of each class by its recall, with the masks as they are predicted and the precision of chance.

use super::axis::TickRange;
use super::drawing::ChartDrawing;
use super::legend::{LegendEntry, LegendMark, draw_legend, legend_height};
use super::rectangle::Rect;
use super::report_frame::{LEFT, WIDTH, area_below, draw_frame, px, x_scale};
use super::scale::AxisScale;
use super::theme::series_class;
use crate::base::number::four_digits;
use crate::metric::PrecisionRecallCurve;
use crate::show::text::shortened;
use maud::{Markup, html};

/// Height of the area of the curves.
const HEIGHT: f64 = 300.0;
/// The most points of a curve with a tooltip.
const HOVERED: usize = 60;
/// The most letters of a class in the legend.
const MAX_LETTERS: usize = 24;
const UNIT_RANGE: TickRange = TickRange { low: 0.0, high: 1.0, step: 0.2 };

/// Draws the curves. `None` where no class has one.
pub(crate) fn precision_recall_chart(curves: &[PrecisionRecallCurve]) -> Option<ChartDrawing> {
    if curves.iter().all(|curve| curve.average_precision.is_none()) {
        return None;
    }
    let name = |curve: &PrecisionRecallCurve| shortened(&curve.class, MAX_LETTERS);
    let entry = |(i, curve): (usize, &PrecisionRecallCurve)| match curve.average_precision {
        Some(ap) => LegendEntry::new(series_class(i), LegendMark::Line, format!("{}: AP {ap:.4}", name(curve))),
        None => LegendEntry::new("weak", LegendMark::Line, format!("{}: not in the truth", name(curve))),
    };
    let mut legend: Vec<LegendEntry> = curves.iter().enumerate().map(entry).collect();
    legend.push(LegendEntry::new("weak", LegendMark::Ring, "masks"));
    legend.push(LegendEntry::new("weak", LegendMark::Chance, "chance"));
    let edges = area_below(0.0);
    let wide = edges.right - edges.left;
    let top = edges.top + legend_height(&legend, wide);
    let area = Rect { top, bottom: top + HEIGHT, ..edges };
    let (x, y) = (x_scale(UNIT_RANGE), AxisScale::plain(UNIT_RANGE, [area.bottom, area.top]));
    let mut body = String::new();
    draw_legend(&mut body, &legend, [edges.left, 0.0], wide);
    let drawn = html! {
        (draw_frame(area, [&x, &y], "recall"))
        text class="name" x=(px(LEFT)) y=(px(top - 8.0)) { "precision" }
        @for (i, curve) in curves.iter().enumerate().filter(|(_, curve)| curve.average_precision.is_some()) {
            g class=(series_class(i)) { (draw_curve(curve, [&x, &y])) }
        }
        @for (i, curve) in curves.iter().enumerate() {
            @if let Some(at) = curve.of_masks { g class=(series_class(i)) { (draw_masks(&curve.class, at, [&x, &y])) } }
        }
    };
    body += &drawn.into_string();
    let title = "Precision and recall of the pixels".to_string();
    Some(ChartDrawing { title, size: [WIDTH, area.bottom + 40.0], body })
}

/// Draws the steps of a curve, and the precision of chance: the share of the class.
fn draw_curve(curve: &PrecisionRecallCurve, [x, y]: [&AxisScale; 2]) -> Markup {
    let unit = |value: f64| value.clamp(0.0, 1.0);
    let points: Vec<[f64; 3]> = (curve.recall.iter().zip(&curve.precision).zip(&curve.threshold))
        .map(|((&recall, &precision), &threshold)| [unit(recall), unit(precision), threshold])
        .collect();
    let chance = curve.positives as f64 / curve.pixels.max(1) as f64;
    let level = format!("M{:.1} {:.1}H{:.1}", x.at(0.0), y.at(unit(chance)), x.at(1.0));
    let mut steps = String::new();
    for (i, [recall, precision, _]) in points.iter().enumerate() {
        let rise = if i == 0 {
            format!("M{:.1} {:.1}", x.at(0.0), y.at(*precision))
        } else {
            format!("V{:.1}", y.at(*precision))
        };
        steps += &format!("{rise}H{:.1}", x.at(*recall));
    }
    let hovered = points.iter().step_by(points.len().div_ceil(HOVERED).max(1));
    html! {
        path class="line chance" d=(level) { title { (curve.class) ": " (four_digits(100.0 * chance)) " % of the pixels" } }
        path class="line" d=(steps) {}
        @for [recall, precision, threshold] in hovered {
            circle class="hover" cx=(px(x.at(*recall))) cy=(px(y.at(*precision))) r="6" {
                title {
                    (curve.class) ": precision " (four_digits(*precision)) ", recall " (four_digits(*recall))
                    " at a probability of " (format!("{threshold:.6}"))
                }
            }
        }
    }
}

/// Draws the point of the predicted masks.
fn draw_masks(class: &str, [recall, precision]: [f64; 2], [x, y]: [&AxisScale; 2]) -> Markup {
    html! {
        circle class="ring" cx=(px(x.at(recall.clamp(0.0, 1.0)))) cy=(px(y.at(precision.clamp(0.0, 1.0)))) r="4.5" {
            title { (class) ", masks: precision " (four_digits(precision)) ", recall " (four_digits(recall)) }
        }
    }
}
