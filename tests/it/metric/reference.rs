//! Metrics against MONAI, medpy, SciPy and NumPy: `tests/reference/metrics_reference.py` made the numbers.

use crate::metric::scores::assert_close;
use crate::support::repository::repository;
use npc::internals::metric::calibration::CalibrationTally;
use npc::internals::metric::statistics::quantile;
use npc::internals::metric::surface::{SurfaceDistances, outline};
use npc::internals::metric::{MaskPair, distance, measure};
use npc::text::config::{EmptyClassRule, Metric};
use serde_json::Value;

pub fn reference(part: &str) -> Value {
    let text = std::fs::read_to_string(repository("tests/reference/metrics.json")).unwrap();
    serde_json::from_str::<Value>(&text).unwrap()[part].take()
}

pub fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect()
}

/// Returns the class map of `[class, length]` pairs.
fn map(runs: &Value) -> Vec<u8> {
    let run = |r: &Value| (r[0].as_u64().unwrap() as u8, r[1].as_u64().unwrap() as usize);
    runs.as_array().unwrap().iter().map(run).flat_map(|(class, n)| std::iter::repeat_n(class, n)).collect()
}

fn pair_of<T>(value: &Value, convert: impl Fn(&Value) -> T) -> [T; 2] {
    [convert(&value[0]), convert(&value[1])]
}

/// MONAI computes in single precision.
#[track_caller]
fn assert_near(got: Option<f64>, wanted: &Value, what: &str) {
    let (Some(got), Some(wanted)) = (got, wanted.as_f64()) else { panic!("{what}: {got:?} and {wanted}") };
    assert!((got - wanted).abs() <= 1e-6 * wanted.abs().max(1.0), "{what}: {got} is not {wanted}");
}

/// Computes medpy's HD95: one percentile of the distances in both directions.
fn symmetric_hd95(a: &[bool], b: &[bool], size: [usize; 2], spacing: [f64; 2]) -> f64 {
    let mut all = Vec::new();
    for (from, to) in [(a, b), (b, a)] {
        let far = distance::squared_distances(&outline(to, size), size, spacing);
        all.extend(outline(from, size).into_iter().zip(far).filter(|(f, _)| *f).map(|(_, d)| d.sqrt()));
    }
    all.sort_by(f64::total_cmp);
    quantile(&all, 0.95).unwrap()
}

#[test]
fn scores_equal_monai_and_medpy() {
    let pairs = reference("pairs");
    let (mut surfaces, mut apart) = (0, 0);
    for (i, pair) in pairs.as_array().unwrap().iter().enumerate() {
        let size = pair_of(&pair["size"], |v| v.as_u64().unwrap() as usize);
        let spacing = pair_of(&pair["spacing"], |v| v.as_f64().unwrap());
        let (pred, truth) = (map(&pair["pred"]), map(&pair["truth"]));
        let classes = pair["classes"].as_u64().unwrap() as usize;
        let case =
            measure("x", &MaskPair { pred: &pred, truth: &truth, size, spacing: Some(spacing) }, classes, &Metric::ALL)
                .unwrap();
        for (k, (score, wanted)) in case.per_class.iter().zip(pair["scores"].as_array().unwrap()).enumerate() {
            let at = |name: &str| format!("pair {i}, class {k}, {name}");
            for metric in Metric::ALL.into_iter().filter(|m| !m.is_distance()) {
                let wanted = &wanted[metric.name()];
                match wanted.is_null() {
                    false => assert_near(score.get(metric, EmptyClassRule::One), wanted, &at(metric.name())),
                    // The definition is 0 / 0 there: the chosen convention applies here, and 0 for classes in one map
                    // only.
                    true => {
                        let here = score.counts.is_absent().then_some(1.0).or(score.is_one_sided().then_some(0.0));
                        let here = if metric == Metric::Specificity { None } else { here };
                        assert_eq!(score.get(metric, EmptyClassRule::One), here, "{}", at(metric.name()));
                    }
                }
            }
            let surface = &wanted["surface"];
            assert_eq!(
                matches!(score.surface, Some(SurfaceDistances::Both { .. })),
                !surface.is_null(),
                "{}",
                at("surface")
            );
            if surface.is_null() {
                continue;
            }
            surfaces += 1;
            assert_near(score.get(Metric::Hd95, EmptyClassRule::One), &surface["hd95"], &at("HD95"));
            assert_near(score.get(Metric::Assd, EmptyClassRule::One), &surface["assd"], &at("ASSD"));
            // medpy computes in double precision, and its ASSD is the same quantity or it is not: see docs/metrics.md.
            let mask_of = |map: &[u8]| -> Vec<bool> { map.iter().map(|&c| usize::from(c) == k).collect() };
            assert_close(
                symmetric_hd95(&mask_of(&pred), &mask_of(&truth), size, spacing),
                surface["hd95_medpy"].as_f64().unwrap(),
            );
            apart += usize::from(surface["hd95"].as_f64() != surface["hd95_medpy"].as_f64());
            let assd = score.get(Metric::Assd, EmptyClassRule::One).unwrap();
            assert!(
                (assd - surface["assd_medpy"].as_f64().unwrap()).abs() < 1e-9,
                "{}: {assd} {surface}",
                at("medpy's ASSD")
            );
        }
    }
    assert!(surfaces > 25 && apart > 5, "{surfaces} pairs of outlines, {apart} with two HD95");
}

#[test]
fn distances_are_exact() {
    for case in reference("transform").as_array().unwrap() {
        let size = pair_of(&case["size"], |v| v.as_u64().unwrap() as usize);
        let spacing = pair_of(&case["spacing"], |v| v.as_f64().unwrap());
        let set: Vec<bool> = map(&case["set"]).into_iter().map(|s| s == 1).collect();
        let got = distance::squared_distances(&set, size, spacing);
        for (got, wanted) in got.iter().zip(numbers(&case["distance"])) {
            assert!((got.sqrt() - wanted).abs() < 2e-9, "{} is not {wanted}", got.sqrt());
        }
    }
    assert!(distance::squared_distances(&[false; 6], [2, 3], [1.0, 1.0]).iter().all(|d| d.is_infinite()));
    assert!(distance::squared_distances(&[], [0, 3], [1.0, 1.0]).is_empty());
}

/// A search over all pairs of pixels gives the same distances, on odd sizes and spacings.
#[test]
fn distances_equal_brute_force() {
    let mut state = 7u64;
    let mut random = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize
    };
    for round in 0..40 {
        let size = [1 + random() % 14, 1 + random() % 14];
        let spacing = [[1.0, 1.0], [0.3, 2.0], [5.0, 0.1]][round % 3];
        let rare = 2 + random() % 20;
        let set: Vec<bool> = (0..size[0] * size[1]).map(|_| random() % rare == 0).collect();
        let got = distance::squared_distances(&set, size, spacing);
        for (i, got) in got.into_iter().enumerate() {
            let to = |j: usize| {
                let (dy, dx) = ((i / size[1]).abs_diff(j / size[1]), (i % size[1]).abs_diff(j % size[1]));
                (dy as f64 * spacing[0]).powi(2) + (dx as f64 * spacing[1]).powi(2)
            };
            let wanted = (0..set.len()).filter(|&j| set[j]).map(to).fold(f64::INFINITY, f64::min);
            assert!(got == wanted || (got - wanted).abs() < 1e-9, "{size:?} {spacing:?} pixel {i}: {got} {wanted}");
        }
    }
}

#[test]
fn calibration_error_agrees_with_numpy() {
    let wanted = reference("calibration");
    let mut tally = CalibrationTally::default();
    for (confidence, right) in numbers(&wanted["confidence"]).into_iter().zip(numbers(&wanted["right"])) {
        tally.add(confidence as f32, right == 1.0);
    }
    let made = tally.finish();
    assert_close(made.ece, wanted["ece"].as_f64().unwrap());
    assert_close(made.mce, wanted["mce"].as_f64().unwrap());
    assert_eq!((made.pixels, made.bins.len()), (700, 15));
    let nothing = CalibrationTally::default().finish();
    assert_eq!((nothing.ece, nothing.mce), (None, None));
    let mut edges = CalibrationTally::default();
    [0.0, 1.0, f32::NAN, 2.0].iter().for_each(|&c| edges.add(c, true));
    let bins = edges.finish().bins;
    assert_eq!((bins[0].pixels, bins[14].pixels), (2, 2));
}
