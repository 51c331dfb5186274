//! Formats scores for people.

use super::table::{Cell, Estimate};
use crate::metric::DistanceUnit;
use crate::metric::statistics::Interval;
use crate::text::config::Metric;

/// Returns the title of a metric with its unit: `Dice`, `HD95, mm`.
pub(crate) fn title(metric: Metric, unit: DistanceUnit) -> String {
    if metric.is_distance() { format!("{}, {}", metric.title(), unit.name()) } else { metric.title().to_string() }
}

/// Fractions have four decimals, distances two.
fn decimals(metric: Metric) -> usize {
    if metric.is_distance() { 2 } else { 4 }
}

/// Formats a score such as `0.9512`, and `-` for NaN.
pub(crate) fn number(metric: Metric, value: f64) -> String {
    Cell::decimal(value, decimals(metric)).text()
}

/// Returns a score without deviation and interval.
pub(crate) fn estimate(metric: Metric, value: f64) -> Estimate {
    Estimate::new(value, decimals(metric))
}

/// Returns a difference with its sign and interval: `+0.0120 [+0.0040, +0.0210]`.
pub(crate) fn difference(metric: Metric, mean: f64, interval: Interval) -> Estimate {
    Estimate { interval: Some([interval.low, interval.high]), signed: true, ..estimate(metric, mean) }
}

/// Returns a score with deviation and interval where they are given: `0.9512 ± 0.0021 [0.9432, 0.9581]`. `-` where there is
/// no score.
pub(crate) fn cell(metric: Metric, value: Option<f64>, deviation: Option<f64>, interval: Option<Interval>) -> Cell {
    let interval = interval.map(|Interval { low, high }| [low, high]);
    value.map_or(Cell::Missing, |value| Cell::Estimate(Estimate { deviation, interval, ..estimate(metric, value) }))
}
