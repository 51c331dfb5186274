//! Rounds a range of values to round ends and round ticks.

/// A range with ticks. `low` and `high` are multiples of `step`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct TickRange {
    pub low: f64,
    pub high: f64,
    pub step: f64,
}

impl TickRange {
    /// Returns the range that contains all values, with about `ticks` ticks at 1, 2 or 5 times a power of ten. `None`
    /// without values.
    pub(super) fn covering(values: impl Iterator<Item = f64>, ticks: usize) -> Option<TickRange> {
        let (low, high) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), v| (a.min(v), b.max(v)));
        if low > high {
            return None;
        }
        if (low, high) == (0.0, 0.0) {
            // Scores that are all 0: their axis is that of other scores.
            return Self::covering([0.0, 1.0].into_iter(), ticks);
        }
        // The range is widened where there is one value, or where the values are too close for steps between them.
        let room = (low.abs().max(high.abs()) * 1e-3).max(1e-12);
        let (low, high) = if high - low < room {
            let more = (high.abs() * 0.1).max(room * 10.0);
            (low - more, high + more)
        } else {
            (low, high)
        };
        let step = round_up_step((high - low) / ticks.max(1) as f64);
        let down = |v: f64| ((v / step + 1e-9).floor()) * step;
        let upward = |v: f64| ((v / step - 1e-9).ceil()) * step;
        Some(TickRange { low: down(low), high: upward(high), step })
    }

    /// Returns the same with a step of at least 1, for whole numbers such as epochs.
    pub(super) fn covering_integers(values: impl Iterator<Item = f64>, ticks: usize) -> Option<TickRange> {
        let axis = Self::covering(values, ticks)?;
        if axis.step >= 1.0 {
            return Some(axis);
        }
        let (low, high) = (axis.low.floor(), axis.high.ceil());
        Some(TickRange { low, high: high.max(low + 1.0), step: 1.0 })
    }

    /// Returns a range from 0 to at least `most` with whole steps.
    pub(super) fn of_counts(most: usize) -> TickRange {
        let most = most.max(1) as f64;
        let step = round_up_step(most / 4.0).max(1.0);
        TickRange { low: 0.0, high: (most / step).ceil() * step, step }
    }

    pub(super) fn ticks(&self) -> impl Iterator<Item = f64> {
        let TickRange { low, high, step } = *self;
        let n = ((high - low) / step).round() as usize;
        (0..=n).map(move |i| low + i as f64 * step)
    }

    /// Formats a tick with as many digits as the step has.
    pub(super) fn text(&self, tick: f64) -> String {
        let largest = self.low.abs().max(self.high.abs());
        if largest >= 1e6 || (largest > 0.0 && self.step < 1e-5) {
            return format!("{tick:.1e}");
        }
        let digits = (-self.step.log10().floor()).max(0.0) as usize;
        // Rounding must not leave a minus sign before a zero.
        let text = format!("{tick:.digits$}");
        if text.trim_start_matches('-').chars().all(|c| matches!(c, '0' | '.')) { text.replace('-', "") } else { text }
    }
}

/// Rounds up to 1, 2 or 5 times a power of ten.
fn round_up_step(rough: f64) -> f64 {
    let power = 10f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0].into_iter().find(|s| s * power >= rough * (1.0 - 1e-9)).unwrap_or(10.0);
    step * power
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ticks(values: &[f64], n: usize) -> Vec<String> {
        let axis = TickRange::covering(values.iter().copied(), n).unwrap();
        assert!(values.iter().all(|&v| axis.low <= v && v <= axis.high), "{values:?} on {axis:?}");
        axis.ticks().map(|t| axis.text(t)).collect()
    }

    #[test]
    fn ticks_are_round_and_hold_the_values() {
        assert_eq!(ticks(&[0.12, 0.93], 5), ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
        assert_eq!(ticks(&[1.0, 30.0], 6), ["0", "5", "10", "15", "20", "25", "30"]);
        assert_eq!(ticks(&[-0.3, 0.3], 5).iter().filter(|t| t.starts_with('-')).count(), 2);
        assert_eq!(ticks(&[1e-4, 1e-3], 5), ["0.0000", "0.0002", "0.0004", "0.0006", "0.0008", "0.0010"]);
        assert!(ticks(&[3e7, 9e7], 5).iter().all(|t| t.contains('e')));
    }

    #[test]
    fn epochs_are_whole() {
        for (values, wanted) in [(vec![1.0, 4.0], vec!["1", "2", "3", "4"]), (vec![3.0], vec!["2", "3", "4"])] {
            let axis = TickRange::covering_integers(values.into_iter(), 6).unwrap();
            assert_eq!(axis.ticks().map(|t| axis.text(t)).collect::<Vec<_>>(), wanted);
        }
    }

    #[test]
    fn one_value_has_an_axis_too() {
        for value in [0.0, 0.5, 1.0, -3.0, 1e-9, 1e9] {
            let axis = TickRange::covering([value].into_iter(), 5).unwrap();
            assert!(axis.low <= value && value <= axis.high && axis.low < axis.high, "{value}: {axis:?}");
            assert!(axis.ticks().count() < 40, "{axis:?}");
        }
        assert_eq!(TickRange::covering(std::iter::empty(), 5), None);
        assert_eq!(ticks(&[0.0, 0.0], 5), ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
    }

    #[test]
    fn counts_start_at_0_and_step_by_whole_numbers() {
        for most in [0, 1, 3, 7, 12, 1000] {
            let axis = TickRange::of_counts(most);
            assert!(axis.low == 0.0 && axis.high >= most as f64 && axis.step.fract() == 0.0, "{axis:?}");
        }
    }
}
