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
use crate::show::distinct_names::shortened_apart;
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
    let classes: Vec<String> = curves.iter().map(|curve| curve.class.clone()).collect();
    let names = shortened_apart(&classes, MAX_LETTERS);
    let entry = |(i, curve): (usize, &PrecisionRecallCurve)| match curve.average_precision {
        Some(ap) => {
            let ap = average_precision_text(ap, curve.average_precision_error);
            LegendEntry::new(series_class(i), LegendMark::Line, format!("{}: AP {ap}", names[i]))
        }
        None => LegendEntry::new("weak", LegendMark::Line, format!("{}: not in the truth", names[i])),
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

/// Returns an average precision with the digits that its error bound allows: four to two decimals, each of which the bound moves by at
/// most half a step, else the interval that holds the value, in steps of 0.01.
fn average_precision_text(value: f64, error: Option<f64>) -> String {
    let error = error.filter(|error| error.is_finite()).unwrap_or(0.0).max(0.0);
    match (2..=4).rev().find(|&decimals| error <= 0.5 / 10f64.powi(decimals)) {
        Some(decimals) => format!("{value:.0$}", decimals as usize),
        None => {
            let low = ((value - error) * 100.0 + 1e-9).floor().max(0.0) / 100.0;
            let high = ((value + error) * 100.0 - 1e-9).ceil().min(100.0) / 100.0;
            format!("{low:.2} to {high:.2}")
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_those_that_the_bound_allows() {
        let text = |error: f64| average_precision_text(0.876_543, Some(error));
        assert_eq!(
            [0.0, 4e-5, 6e-5, 5e-4, 6e-4, 5e-3].map(text),
            ["0.8765", "0.8765", "0.877", "0.877", "0.88", "0.88"]
        );
        assert_eq!([0.006, 0.1, 0.5].map(text), ["0.87 to 0.89", "0.77 to 0.98", "0.37 to 1.00"]);
        assert_eq!(average_precision_text(0.5, None), "0.5000", "files of an older npc have no bound");
        assert_eq!(average_precision_text(0.01, Some(0.2)), "0.00 to 0.21");
    }
}
