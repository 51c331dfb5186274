//! Scores as people read them.

use super::table::{Cell, Estimate};
use crate::metric::DistanceUnit;
use crate::metric::statistics::Interval;
use crate::text::config::Metric;

/// `Dice`, `HD95, mm`.
pub(crate) fn title(metric: Metric, unit: DistanceUnit) -> String {
    if metric.is_distance() { format!("{}, {}", metric.title(), unit.name()) } else { metric.title().to_string() }
}

/// Shares have four decimals, distances two.
fn decimals(metric: Metric) -> usize {
    if metric.is_distance() { 2 } else { 4 }
}

/// `0.9512`; `-` for NaN.
pub(crate) fn number(metric: Metric, value: f64) -> String {
    Cell::decimal(value, decimals(metric)).text()
}

/// A score of which nothing else is known.
pub(crate) fn estimate(metric: Metric, value: f64) -> Estimate {
    Estimate::new(value, decimals(metric))
}

/// `+0.0120 [+0.0040, +0.0210]`
pub(crate) fn difference(metric: Metric, mean: f64, interval: Interval) -> Estimate {
    Estimate { interval: Some([interval.low, interval.high]), signed: true, ..estimate(metric, mean) }
}

/// `0.9512 ± 0.0021 [0.9432, 0.9581]`, as far as there is a deviation and an interval; `-` where there is no score.
pub(crate) fn cell(metric: Metric, value: Option<f64>, deviation: Option<f64>, interval: Option<Interval>) -> Cell {
    let interval = interval.map(|Interval { low, high }| [low, high]);
    value.map_or(Cell::Missing, |value| Cell::Estimate(Estimate { deviation, interval, ..estimate(metric, value) }))
}
