//! The five numbers of a box plot (Tukey 1977) and the mean.

use super::statistics::{nan_mean, quantile};

/// Whiskers reach to the farthest value within this many interquartile ranges of the quartiles.
const WHISKER: f64 = 1.5;

/// What a box shows of a list of values.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BoxSummary {
    /// Number of values that are not NaN.
    pub n: usize,
    pub mean: f64,
    pub median: f64,
    /// Lower and upper quartile with linear interpolation, the default of `numpy.quantile` (type 7 of Hyndman and Fan 1996).
    pub quartiles: [f64; 2],
    /// The least and the greatest value that are at most 1.5 interquartile ranges beyond the quartiles.
    pub whiskers: [f64; 2],
}

impl BoxSummary {
    /// Returns the numbers of the values that are not NaN, or `None` without one.
    pub fn of(values: &[f64]) -> Option<BoxSummary> {
        let mut sorted: Vec<f64> = values.iter().copied().filter(|v| !v.is_nan()).collect();
        sorted.sort_unstable_by(f64::total_cmp);
        let [low, median, high] = [quantile(&sorted, 0.25)?, quantile(&sorted, 0.5)?, quantile(&sorted, 0.75)?];
        let reach = WHISKER * (high - low);
        let inside = |v: &f64| *v >= low - reach && *v <= high + reach;
        // Interpolated quartiles may lie between two values, so that a whisker would end inside the box.
        let least = sorted.iter().copied().find(inside).unwrap_or(low).min(low);
        let greatest = sorted.iter().rev().copied().find(inside).unwrap_or(high).max(high);
        let mean = nan_mean(sorted.iter().copied())?;
        Some(BoxSummary { n: sorted.len(), mean, median, quartiles: [low, high], whiskers: [least, greatest] })
    }
}
