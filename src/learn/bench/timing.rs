//! Repeats and times calls.

use crate::base::error::Result;
use crate::base::machine;
use std::time::{Duration, Instant};

/// Duration of a measurement.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TimeBudget {
    pub time: Duration,
    /// Minimum number of calls, however long they take.
    pub calls: usize,
}

/// Statistics of the durations of calls, in ms.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Timing {
    pub calls: usize,
    pub median: f64,
    pub min: f64,
    pub max: f64,
}

impl Timing {
    /// Summarises durations; `None` without a call. The median of an even number is the mean of the two central values.
    fn of(mut times: Vec<f64>) -> Option<Self> {
        times.sort_by(f64::total_cmp);
        let (min, max) = (*times.first()?, *times.last()?);
        let n = times.len();
        Some(Self { calls: n, median: f64::midpoint(times[(n - 1) / 2], times[n / 2]), min, max })
    }
}

/// Maximum number of calls before the measurement.
const WARM_UP: usize = 3;

/// Makes calls that are not measured, until half of the time budget is used.
fn warm_up(budget: TimeBudget, call: &mut impl FnMut() -> Result<()>) -> Result<()> {
    let began = Instant::now();
    for _ in 0..WARM_UP {
        call()?;
        if began.elapsed() > budget.time / 2 {
            break;
        }
    }
    Ok(())
}

/// Repeats a call for the time budget and returns the duration of each call in ms.
pub(super) fn repeat(budget: TimeBudget, call: &mut impl FnMut() -> Result<()>) -> Result<Vec<f64>> {
    let began = Instant::now();
    let mut times = Vec::new();
    while times.len() < budget.calls.max(1) || began.elapsed() < budget.time {
        let one = Instant::now();
        call()?;
        times.push(one.elapsed().as_secs_f64() * 1e3);
    }
    Ok(times)
}

/// Measures a call, and returns the timings and the peak memory of the process.
pub(super) fn measure(budget: TimeBudget, mut call: impl FnMut() -> Result<()>) -> Result<(Timing, Option<u64>)> {
    warm_up(budget, &mut call)?;
    let timing = Timing::of(repeat(budget, &mut call)?).expect("repeat: one call at least");
    Ok((timing, machine::peak_memory()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_an_even_number_lies_between() {
        let timing = |times: &[f64]| Timing::of(times.to_vec());
        assert_eq!(timing(&[]), None);
        assert_eq!(timing(&[4.0, 1.0, 9.0]), Some(Timing { calls: 3, median: 4.0, min: 1.0, max: 9.0 }));
        assert_eq!(timing(&[4.0, 1.0, 9.0, 3.0]), Some(Timing { calls: 4, median: 3.5, min: 1.0, max: 9.0 }));
    }

    #[test]
    fn a_call_that_takes_long_is_warmed_up_once() {
        let slow = TimeBudget { time: Duration::from_millis(2), calls: 2 };
        let mut calls = 0;
        let times = measure(slow, || {
            calls += 1;
            std::thread::sleep(Duration::from_millis(5));
            Ok(())
        });
        assert_eq!((times.unwrap().0.calls, calls), (2, 3));
        let fast = TimeBudget { time: Duration::ZERO, calls: 4 };
        assert_eq!(measure(fast, || Ok(())).unwrap().0.calls, 4);
    }

    #[test]
    fn a_failure_ends_the_measurement() {
        let budget = TimeBudget { time: Duration::from_secs(60), calls: 1 };
        assert!(measure(budget, || Err(crate::base::problem::problem!(E0799, "lost"))).is_err());
    }
}
