//! Maps values to pixels along an axis, linearly or logarithmically, with ticks and their labels.

use super::axis::TickRange;
use crate::base::number;

/// Unit of the values of an axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AxisUnit {
    Count,
    Bytes,
    Pixels,
    Seconds,
    /// A number without a unit, such as a score. Its axis is linear, and need not start at 0.
    Score,
}

/// Ratio of the largest to the smallest value from which an axis is logarithmic.
const LOG_RATIO: f64 = 30.0;

/// A map from a domain of values to a range of pixels.
#[derive(Debug, Clone)]
pub(super) struct AxisScale {
    log: bool,
    low: f64,
    high: f64,
    ticks: Vec<f64>,
    labels: TickLabels,
    /// Pixels of the lower and the upper end.
    pixels: [f64; 2],
}

/// How ticks are labelled.
#[derive(Debug, Clone)]
enum TickLabels {
    /// With as many digits as the step has.
    Plain(TickRange),
    /// With a metric prefix and a unit.
    WithUnit(AxisUnit),
}

impl AxisScale {
    /// Returns a linear scale for values without a unit.
    pub(super) fn plain(axis: TickRange, pixels: [f64; 2]) -> AxisScale {
        let ticks = axis.ticks().collect();
        AxisScale { log: false, low: axis.low, high: axis.high, ticks, labels: TickLabels::Plain(axis), pixels }
    }

    /// Returns a scale for values of at least 0, which is logarithmic where they span a wide range. `None` without values.
    pub(super) fn of(
        values: impl Iterator<Item = f64> + Clone,
        ticks: usize,
        unit: AxisUnit,
        pixels: [f64; 2],
    ) -> Option<AxisScale> {
        let labels = TickLabels::WithUnit(unit);
        let axis = TickRange::covering(values.clone(), ticks)?;
        if unit == AxisUnit::Score {
            return Some(AxisScale::plain(axis, pixels));
        }
        let (least, most) = values.fold((f64::INFINITY, 0.0f64), |(a, b), v| (a.min(v), b.max(v)));
        if !Self::spans_decades(least, most) {
            let (low, high, ticks) = (axis.low.max(0.0), axis.high, ticks_from_zero(&axis));
            return Some(AxisScale { log: false, low, high, ticks, labels, pixels });
        }
        let decades = (least.log10().floor() as i32)..=(most.log10().ceil() as i32);
        // Many decades have one tick each, few decades have three.
        let steps: &[f64] = if (most / least).log10() > 3.0 { &[1.0] } else { &[1.0, 2.0, 5.0] };
        let all: Vec<f64> = decades.flat_map(|d| steps.iter().map(move |s| s * 10f64.powi(d))).collect();
        let low = all.iter().copied().filter(|&t| t <= least).fold(least, |_, t| t);
        let high = all.iter().copied().find(|&t| t >= most).unwrap_or(most);
        let ticks = all.into_iter().filter(|t| (low..=high).contains(t)).collect();
        Some(AxisScale { log: true, low, high, ticks, labels, pixels })
    }

    /// Checks whether a scale from `least` to `most` is logarithmic.
    pub(super) fn spans_decades(least: f64, most: f64) -> bool {
        least > 0.0 && most / least >= LOG_RATIO
    }

    /// Returns the scale of a low chart: where it is logarithmic, with ticks at powers of ten alone.
    #[cfg(feature = "data")]
    pub(super) fn decades(mut self) -> AxisScale {
        let of_ten = |tick: &f64| (tick.log10() - tick.log10().round()).abs() < 1e-9;
        if self.log && self.ticks.iter().filter(|tick| of_ten(tick)).count() > 1 {
            self.ticks.retain(of_ten);
        }
        self
    }

    pub(super) fn is_log(&self) -> bool {
        self.log
    }

    /// Returns the pixel of a value.
    pub(super) fn at(&self, value: f64) -> f64 {
        let [from, to] = self.pixels;
        from + self.normalized(value) * (to - from)
    }

    /// Maps the lower end to 0 and the upper end to 1.
    fn normalized(&self, value: f64) -> f64 {
        if self.log {
            (value.max(self.low) / self.low).ln() / (self.high / self.low).ln()
        } else {
            (value - self.low) / (self.high - self.low)
        }
    }

    /// Returns pixel and label of each tick.
    pub(super) fn ticks(&self) -> Vec<(f64, String)> {
        let step = match self.ticks[..] {
            [a, b, ..] if !self.log => b - a,
            _ => 0.0,
        };
        self.ticks.iter().map(|&t| (self.at(t), self.tick_text(t, step))).collect()
    }

    fn tick_text(&self, tick: f64, step: f64) -> String {
        let unit = match &self.labels {
            TickLabels::Plain(axis) => return axis.text(tick),
            TickLabels::WithUnit(unit) => *unit,
        };
        // Ticks with equal steps share one prefix. Ticks over decades have one each.
        let (scale, prefix) = number::decimal_prefix(if self.log { tick } else { self.high });
        let digits = (-(step / scale).log10().floor()).clamp(0.0, 6.0) as usize;
        let number = if self.log {
            format!("{}", without_float_noise(tick / scale))
        } else {
            format!("{:.digits$}", tick / scale)
        };
        match (unit, prefix) {
            _ if tick == 0.0 => "0".into(),
            (AxisUnit::Seconds, _) => format!("{} s", without_float_noise(tick)),
            (AxisUnit::Score, _) => format!("{}", without_float_noise(tick)),
            (AxisUnit::Count, "") => number,
            (AxisUnit::Count, prefix) => format!("{number} {prefix}"),
            (AxisUnit::Bytes, prefix) => format!("{number} {prefix}B"),
            (AxisUnit::Pixels, _) => format!("{} px", without_float_noise(tick)),
        }
    }
}

/// Returns the ticks that are not negative, because counts start at 0.
fn ticks_from_zero(axis: &TickRange) -> Vec<f64> {
    axis.ticks().filter(|t| *t >= 0.0).collect()
}

/// Removes the rounding error of a sum of steps.
fn without_float_noise(value: f64) -> f64 {
    (value * 1e6).round() / 1e6
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ticks(values: &[f64], unit: AxisUnit) -> Vec<String> {
        let scale = AxisScale::of(values.iter().copied(), 5, unit, [0.0, 100.0]).unwrap();
        assert!(values.iter().all(|&v| (-1e-9..=1.0 + 1e-9).contains(&scale.normalized(v))), "{values:?} on {scale:?}");
        scale.ticks().into_iter().map(|(_, text)| text).collect()
    }

    #[test]
    fn ticks_have_units() {
        assert_eq!(ticks(&[0.2e6, 1.0e6], AxisUnit::Count), ["0.2 M", "0.4 M", "0.6 M", "0.8 M", "1.0 M"]);
        assert_eq!(ticks(&[120e6, 400e6], AxisUnit::Bytes), ["100 MB", "200 MB", "300 MB", "400 MB"]);
        assert_eq!(ticks(&[391.0, 1399.0], AxisUnit::Pixels), ["0", "500 px", "1000 px", "1500 px"]);
        assert_eq!(
            ticks(&[3e5, 3e7], AxisUnit::Count),
            ["200 k", "500 k", "1 M", "2 M", "5 M", "10 M", "20 M", "50 M"]
        );
        assert_eq!(ticks(&[1e3, 1e8], AxisUnit::Count), ["1 k", "10 k", "100 k", "1 M", "10 M", "100 M"]);
        assert_eq!(ticks(&[0.0, 8.0], AxisUnit::Count)[0], "0");
    }

    #[test]
    fn one_value_has_a_scale_too() {
        for value in [0.0, 1.0, 707_330.0, 1e18] {
            let scale = AxisScale::of([value].into_iter(), 5, AxisUnit::Count, [0.0, 100.0]).unwrap();
            assert!((0.0..=1.0).contains(&scale.normalized(value)), "{scale:?}");
            assert!((2..40).contains(&scale.ticks().len()), "{scale:?}");
        }
        assert!(AxisScale::of(std::iter::empty(), 5, AxisUnit::Count, [0.0, 100.0]).is_none());
    }
}
