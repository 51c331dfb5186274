//! Intervals hold their points, for random tables of counts, every metric, grouped or not.

use npc::internals::metric::boundary::BoundaryOverlap;
use npc::internals::metric::statistics::{Interval, mean_interval, paired_mean_difference};
use npc::internals::metric::surface::SurfaceDistances;
use npc::internals::metric::{CaseScore, Intervals, MetricScores, PixelCounts, Summary};
use npc::text::config::{EmptyClassRule, Metric};
use proptest::prelude::*;
use std::collections::BTreeMap;

const CLASSES: usize = 3;

fn names() -> Vec<String> {
    ["background", "liver", "spleen"].map(String::from).to_vec()
}

/// Mostly zeros, and numbers of different size.
fn count() -> impl Strategy<Value = u64> {
    prop_oneof![4 => Just(0u64), 2 => 1..5u64, 1 => 1..50_000u64]
}

fn class_counts() -> impl Strategy<Value = [u64; 6]> {
    [count(), count(), count(), count(), count(), count()]
}

/// Creates an image from six numbers for each class.
fn case(stem: usize, numbers: &[[u64; 6]], group: Option<usize>) -> CaseScore {
    let counts = numbers.iter().map(|n| PixelCounts { tp: n[0], fp: n[1], fn_: n[2], tn: n[3] }).collect();
    let mut case = CaseScore::new(stem.to_string(), counts);
    for (class, n) in case.per_class.iter_mut().zip(numbers) {
        class.boundary = Some(BoundaryOverlap { both: n[4], either: n[4] + n[5] });
        let diagonal = 100.0;
        class.surface = Some(match (n[0] + n[1] > 0, n[0] + n[2] > 0) {
            (true, true) => SurfaceDistances::Both { hd95: n[5] as f64 / 3.0, assd: n[5] as f64 / 7.0 },
            (false, false) => SurfaceDistances::Neither { diagonal },
            (true, false) | (false, true) => SurfaceDistances::One { diagonal },
        });
    }
    case.group = group.map(|group| format!("patient_{group}"));
    case
}

#[derive(Debug, Clone)]
struct CountTable {
    cases: Vec<CaseScore>,
    rule: EmptyClassRule,
}

fn table() -> impl Strategy<Value = CountTable> {
    let images = prop::collection::vec((prop::collection::vec(class_counts(), CLASSES), 0..5usize), 1..14);
    let rule = prop::sample::select(EmptyClassRule::ALL.to_vec());
    (images, any::<bool>(), rule).prop_map(|(images, grouped, rule)| {
        let cases = images.iter().enumerate();
        let cases = cases.map(|(i, (numbers, group))| case(i, numbers, grouped.then_some(*group))).collect();
        CountTable { cases, rule }
    })
}

/// Judges the point and the interval of a metric under a name.
type IntervalCheck<'a> = dyn FnMut(&str, Metric, Option<f64>, Option<&Interval>) -> Result<(), TestCaseError> + 'a;

/// Calls `check` with each interval and its point.
fn each(summary: &Summary, intervals: &Intervals, check: &mut IntervalCheck<'_>) -> Result<(), TestCaseError> {
    let none = BTreeMap::new();
    let mut part = |name: &str, points: &MetricScores, found: Option<&BTreeMap<Metric, Interval>>| {
        points.metrics().try_for_each(|m| check(name, m, points.get(m), found.unwrap_or(&none).get(&m)))
    };
    part("mean", &summary.mean, Some(&intervals.mean))?;
    part("pooled", &summary.pooled.mean, Some(&intervals.pooled))?;
    for name in names() {
        part(&format!("{name}, mean"), &summary.per_class[&name], intervals.per_class.get(&name))?;
        part(&format!("{name}, pooled"), &summary.pooled.per_class[&name], intervals.pooled_per_class.get(&name))?;
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn every_interval_holds_its_point(table in table()) {
        let summary = Summary::new(&table.cases, &names(), table.rule).unwrap();
        let Some(intervals) = Intervals::new(&table.cases, &names(), table.rule, 0) else { return Ok(()) };
        prop_assert!(intervals.units >= 3);
        each(&summary, &intervals, &mut |part, metric, point, interval| {
            let Some(interval) = interval else { return Ok(()) };
            let what = format!("{part}, {}: {point:?} in {interval:?}", metric.name());
            prop_assert!(point.is_some_and(|point| interval.low <= point && point <= interval.high), "{}", what);
            Ok(())
        })?;
    }

    /// Every resample of equal images is the set itself, so a draw must be scored as the set is: also where both sums of a
    /// quotient are 0.
    #[test]
    fn a_draw_is_scored_as_the_set(numbers in prop::collection::vec(class_counts(), CLASSES), rule in 0..3usize) {
        let rule = EmptyClassRule::ALL[rule];
        let cases: Vec<CaseScore> = (0..4).map(|i| case(i, &numbers, None)).collect();
        let summary = Summary::new(&cases, &names(), rule).unwrap();
        let intervals = Intervals::new(&cases, &names(), rule, 0).unwrap();
        each(&summary, &intervals, &mut |part, metric, point, interval| {
            let what = format!("{part}, {}: {point:?}, {interval:?}", metric.name());
            prop_assert_eq!(point.is_some(), interval.is_some(), "{}", what);
            if let (Some(point), Some(interval)) = (point, interval) {
                let allowed = 1e-12 * point.abs().max(1.0);
                prop_assert!((interval.high - point).abs() < allowed && (interval.low - point).abs() < allowed, "{}", what);
            }
            Ok(())
        })?;
    }

    #[test]
    fn differences_lie_in_their_intervals(
        classes in prop::collection::vec(prop::collection::vec(prop_oneof![1 => Just(f64::NAN), 3 => Just(0.0), 3 => -1.0..1.0f64], 9), 1..4),
        of in prop::collection::vec(0..4usize, 9),
        grouped in any::<bool>(),
    ) {
        let groups: Vec<String> = of.iter().map(usize::to_string).collect();
        let groups = grouped.then_some(&groups[..]);
        if let Some(d) = paired_mean_difference(&classes, groups, 0) {
            prop_assert!(d.low <= d.mean && d.mean <= d.high && d.p > 0.0 && d.p <= 1.0, "{:?}", d);
            prop_assert!(d.units >= 3 && (d.units >= 6 || !d.distinguishable()), "{:?}", d);
        }
        if let Some(interval) = mean_interval(&classes[0], groups, 0) {
            let known: Vec<f64> = classes[0].iter().copied().filter(|v| !v.is_nan()).collect();
            let mean = known.iter().sum::<f64>() / known.len() as f64;
            prop_assert!(interval.low <= mean + 1e-12 && mean <= interval.high + 1e-12, "{mean} in {interval:?}");
        }
    }
}

/// A class that is never predicted has precision 0 in the set, and in each draw.
#[test]
fn a_class_that_is_never_predicted_has_precision_zero() {
    let numbers = |found: u64| [[900, 0, 0, 100, 1, 1], [found, 3, 2, 995, 1, 1], [0, 0, 40, 960, 0, 1]];
    let cases: Vec<CaseScore> = (0..8).map(|i| case(i, &numbers(i as u64 % 3), None)).collect();
    for rule in EmptyClassRule::ALL {
        let summary = Summary::new(&cases, &names(), rule).unwrap();
        let intervals = Intervals::new(&cases, &names(), rule, 0).unwrap();
        assert_eq!(summary.pooled.per_class["spleen"].get(Metric::Precision), Some(0.0));
        assert_eq!(intervals.pooled_per_class["spleen"][&Metric::Precision], Interval { low: 0.0, high: 0.0 });
        let (point, interval) =
            (summary.pooled.mean.get(Metric::Precision).unwrap(), intervals.pooled[&Metric::Precision]);
        assert!(interval.low < point && point < interval.high, "{point} in {interval:?}");
    }
}

#[test]
fn too_few_units_have_no_interval() {
    let numbers = |found: u64| [[900, 0, 0, 100, 1, 1], [found, 3, 2, 995, 1, 1], [0, 0, 0, 1000, 0, 0]];
    let cases = |groups: usize| -> Vec<CaseScore> {
        (0..12).map(|i| case(i, &numbers(i as u64), (groups > 0).then(|| i % groups))).collect()
    };
    let intervals = |cases: &[CaseScore]| Intervals::new(cases, &names(), EmptyClassRule::Skip, 0);
    assert_eq!((intervals(&cases(1)), intervals(&cases(2))), (None, None));
    assert_eq!(intervals(&cases(3)).unwrap().units, 3);
    assert_eq!(intervals(&cases(0)[..2]), None);
    // The spleen has no score in any image, and one class alone makes the mean.
    let found = intervals(&cases(0)).unwrap();
    assert!(!found.per_class["spleen"].contains_key(&Metric::Dice));
    assert_eq!(found.mean[&Metric::Dice], found.per_class["liver"][&Metric::Dice]);
    // Two images with a score are too few, whatever the others are.
    let mut rare = cases(0);
    rare[..2].iter_mut().for_each(|case| case.per_class[2].counts = PixelCounts { tp: 5, fp: 1, fn_: 1, tn: 993 });
    assert!(!intervals(&rare).unwrap().per_class["spleen"].contains_key(&Metric::Dice));
    rare[2].per_class[2].counts = PixelCounts { tp: 5, fp: 1, fn_: 1, tn: 993 };
    assert!(intervals(&rare).unwrap().per_class["spleen"].contains_key(&Metric::Dice));
}
