//! Intervals and tests against SciPy, and properties that hold for any random numbers.

use super::reference::{numbers, reference};
use npc::internals::metric::statistics::{
    RatioScore, bootstrap, holm_correction, mean_and_deviation, mean_interval, paired_difference,
    paired_mean_difference, quantile, wilcoxon,
};

#[track_caller]
fn assert_within(got: f64, wanted: f64, tolerance: f64) {
    assert!((got - wanted).abs() <= tolerance, "{got} is not {wanted}");
}

#[test]
fn intervals_agree_with_scipy_within_monte_carlo_error() {
    let r = reference("statistics");
    let (a, b) = (numbers(&r["a"]), numbers(&r["b"]));
    let groups: Vec<String> = r["group"].as_array().unwrap().iter().map(|g| g.to_string()).collect();
    // With 10,000 resamples the ends of an interval are known to about 2 % of its width.
    let check = |low: f64, high: f64, wanted: &[f64]| {
        let error = 0.04 * (wanted[1] - wanted[0]);
        assert_within(low, wanted[0], error);
        assert_within(high, wanted[1], error);
    };
    for seed in [0, 1] {
        let interval = mean_interval(&a, None, seed).unwrap();
        check(interval.low, interval.high, &numbers(&r["interval"]));
        let paired = paired_difference(&a, &b, None, seed).unwrap();
        check(paired.low, paired.high, &numbers(&r["difference"]));
        assert_eq!(paired.n, 60);
        assert!(!paired.distinguishable());
        assert_within(paired.mean, a.iter().zip(&b).map(|(a, b)| a - b).sum::<f64>() / 60.0, 1e-12);
        assert_within(paired.p, r["permutation"].as_f64().unwrap(), 0.01);
        let grouped = mean_interval(&a, Some(&groups), seed).unwrap();
        check(grouped.low, grouped.high, &numbers(&r["grouped"]));
    }
    // With nine differences all 512 sign changes are counted, so the p is exact.
    let few = paired_difference(&a[..9], &b[..9], None, 5).unwrap();
    assert_within(few.p, r["permutation_few"].as_f64().unwrap(), 1e-12);
}

#[test]
fn signed_ranks_agree_with_scipy() {
    let r = reference("statistics");
    let d: Vec<f64> = numbers(&r["a"]).iter().zip(numbers(&r["b"])).map(|(a, b)| a - b).collect();
    let tied = numbers(&r["tied"]);
    for (name, values) in
        [("wilcoxon", &d[..]), ("wilcoxon_exact", &d[..40]), ("wilcoxon_few", &d[..9]), ("wilcoxon_tied", &tied[..])]
    {
        assert_within(wilcoxon(values).unwrap(), r[name].as_f64().unwrap(), 1e-9);
    }
    assert_eq!((wilcoxon(&[0.0, 0.0]), wilcoxon(&[])), (None, None));
}

#[test]
fn intervals_do_not_depend_on_the_number_of_threads() {
    let a: Vec<f64> = (0..50).map(|i| f64::from(i * i % 37) / 37.0).collect();
    let b: Vec<f64> = a.iter().rev().copied().collect();
    let interval_with = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| paired_difference(&a, &b, None, 3).unwrap())
    };
    assert_eq!(interval_with(1), interval_with(5));
    assert_ne!(paired_difference(&a, &b, None, 3).unwrap().low, paired_difference(&a, &b, None, 4).unwrap().low);
}

#[test]
fn equal_runs_do_not_differ_and_shifted_ones_do() {
    let a: Vec<f64> = (0..40).map(|i| 0.5 + f64::from(i % 7) / 20.0).collect();
    let same = paired_difference(&a, &a, None, 0).unwrap();
    assert_eq!((same.mean, same.low, same.high, same.p), (0.0, 0.0, 0.0, 1.0));
    assert!(!same.distinguishable());
    let better: Vec<f64> = a.iter().enumerate().map(|(i, x)| x + 0.02 + i as f64 * 1e-4).collect();
    let shifted = paired_difference(&better, &a, None, 0).unwrap();
    assert!(shifted.distinguishable() && shifted.low > 0.02 && shifted.p < 0.001, "{shifted:?}");
    // As one group they are one image fewer: no spread between units is left to measure.
    let one_group = vec!["p".to_string(); 40];
    assert_eq!(paired_difference(&better, &a, Some(&one_group), 0), None);
    assert_eq!(paired_difference(&[], &[], None, 0), None);
}

#[test]
fn undefined_scores_are_left_out() {
    let nan = f64::NAN;
    let (a, b) = ([0.5, nan, 0.75, 1.0, 0.5], [0.25, 0.5, nan, 0.5, 0.125]);
    let paired = paired_difference(&a, &b, None, 0).unwrap();
    assert_eq!((paired.n, paired.units, paired.mean), (3, 3, 0.375));
    // Two units with a score are too few.
    assert_eq!(paired_difference(&a[..4], &b[..4], None, 0), None);
    assert_eq!(mean_interval(&[nan, 1.0, 0.5], None, 0), None);
    let classes = [vec![0.2, 0.4, nan], vec![nan, nan, nan], vec![0.1, 0.1, 0.1]];
    assert_within(paired_mean_difference(&classes, None, 0).unwrap().mean, (0.3 + 0.1) / 2.0, 1e-12);
}

#[test]
fn pooled_scores_are_resampled_as_quotients() {
    let column = RatioScore::ratio([(2.0, 4.0), (30.0, 40.0), (1.0, 1.0)]);
    assert_within(column.value(), 33.0 / 45.0, 1e-12);
    // A resample of three draws of one image has the quotient of that image, and no value is outside the extremes.
    let drawn = &bootstrap(&[column], None, 0)[0];
    for quotient in [0.5, 0.75, 1.0] {
        assert!(drawn.iter().any(|d| (d - quotient).abs() < 1e-12));
    }
    assert!(drawn.iter().all(|d| (0.5..=1.0).contains(d)));
}

#[test]
fn small_statistics() {
    let r = reference("statistics");
    for (got, wanted) in holm_correction(&numbers(&r["holm_in"])).into_iter().zip(numbers(&r["holm"])) {
        assert_within(got, wanted, 1e-12);
    }
    assert_eq!(quantile(&[1.0, 2.0, 4.0], 0.75), Some(3.0));
    assert_eq!((quantile(&[], 0.5), quantile(&[7.0], 0.95)), (None, Some(7.0)));
    let (mean, sd) = mean_and_deviation(&[1.0, f64::NAN, 3.0]).unwrap();
    assert_eq!((mean, sd), (2.0, Some(2f64.sqrt())));
    assert_eq!((mean_and_deviation(&[5.0]), mean_and_deviation(&[])), (Some((5.0, None)), None));
}
