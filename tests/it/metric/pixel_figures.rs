//! Confusion matrix and precision-recall curves against scikit-learn (`tests/reference/precision_recall.py` made the numbers), and
//! against the scores that npc prints.

use crate::metric::reference::numbers;
use crate::metric::scores::assert_close;
use crate::support::repository::repository;
use npc::internals::metric::{
    ConfusionTally, MaskPair, PixelCounts, PixelFigures, PixelTally, Summary, VolumePair, measure, measure_volume,
};
use npc::text::config::{EmptyClassRule, Metric};
use serde_json::Value;

const IGNORED: u8 = 255;

fn names(classes: usize) -> Vec<String> {
    ["background", "liver", "tumour", "vessel"][..classes].iter().map(|name| name.to_string()).collect()
}

/// The first class with the highest probability of each pixel.
fn highest(probabilities: &[f32], pixels: usize) -> Vec<u8> {
    let classes = probabilities.len() / pixels;
    let of = |i: usize| {
        let best =
            (0..classes).rev().max_by(|&a, &b| probabilities[a * pixels + i].total_cmp(&probabilities[b * pixels + i]));
        best.unwrap_or(0) as u8
    };
    (0..pixels).map(of).collect()
}

struct Image {
    probabilities: Vec<f32>,
    truth: Vec<u8>,
}

fn reference() -> (Value, Vec<Image>) {
    let text = std::fs::read_to_string(repository("tests/reference/precision_recall.json")).unwrap();
    let value: Value = serde_json::from_str(&text).unwrap();
    let image = |image: &Value| Image {
        probabilities: numbers(&image["probabilities"]).iter().map(|p| *p as f32).collect(),
        truth: numbers(&image["truth"]).iter().map(|t| *t as u8).collect(),
    };
    let images = value["images"].as_array().unwrap().iter().map(image).collect();
    (value, images)
}

fn figures(images: &[Image], classes: usize) -> PixelFigures {
    let mut tally = PixelTally::new(classes);
    for image in images {
        tally.add(&image.probabilities, &highest(&image.probabilities, image.truth.len()), &image.truth);
    }
    tally.finish(&names(classes))
}

#[test]
fn average_precision_agrees_with_scikit_learn() {
    let (wanted, images) = reference();
    let figures = figures(&images, 3);
    for (i, row) in figures.confusion.counts.iter().enumerate() {
        assert_eq!(row.iter().map(|n| *n as f64).collect::<Vec<_>>(), numbers(&wanted["confusion"][i]));
    }
    let counted: u64 = figures.confusion.counts.iter().flatten().sum();
    assert_eq!(figures.precision_recall.len(), 2);
    for (i, curve) in figures.precision_recall.iter().enumerate() {
        let (exact, binned) = (numbers(&wanted["average_precision"])[i], numbers(&wanted["binned"])[i]);
        assert_close(curve.average_precision, binned);
        let (got, error) = (curve.average_precision.unwrap(), curve.average_precision_error.unwrap());
        assert!((got - exact).abs() <= error && error < 0.01, "{got} ± {error} is not {exact}");
        assert_eq!((curve.pixels, &curve.class), (counted, &names(3)[i + 1]));
    }
}

/// Each stored point is what counting at its threshold gives, and the area below the steps is the average precision.
#[test]
fn points_of_a_curve_are_counted() {
    let (_, images) = reference();
    for (i, curve) in figures(&images, 3).precision_recall.iter().enumerate() {
        let class = i + 1;
        let pixels = |image: &'_ Image| -> Vec<(f64, u8)> {
            let plane = image.probabilities.chunks_exact(image.truth.len()).nth(class).unwrap();
            plane.iter().map(|p| f64::from(*p)).zip(image.truth.iter().copied()).collect()
        };
        let pixels: Vec<(f64, u8)> = images.iter().flat_map(pixels).filter(|(_, t)| *t != IGNORED).collect();
        let truth = |t: u8| usize::from(t) == class;
        let mut area = 0.0;
        for (j, &threshold) in curve.threshold.iter().enumerate() {
            let found: Vec<u8> = pixels.iter().filter(|(p, _)| *p >= threshold - 1e-9).map(|(_, t)| *t).collect();
            let hits = found.iter().filter(|t| truth(**t)).count() as f64;
            assert!((curve.precision[j] - hits / found.len() as f64).abs() < 1e-6, "{class} at {threshold}");
            assert!((curve.recall[j] - hits / curve.positives as f64).abs() < 1e-6, "{class} at {threshold}");
            area += (curve.recall[j] - if j == 0 { 0.0 } else { curve.recall[j - 1] }) * curve.precision[j];
        }
        assert_eq!(curve.recall.last(), Some(&1.0));
        assert!((area - curve.average_precision.unwrap()).abs() < 0.005, "{area} {curve:?}");
    }
}

#[test]
fn extremes_have_a_curve_or_none() {
    // Everything is right and sure; the second class is in no truth.
    let truth = vec![0, 1, 1, 0, IGNORED];
    let one_hot = |class: u8| truth.iter().map(move |t| f32::from(u8::from(*t == class)));
    let probabilities: Vec<f32> = one_hot(0).chain(one_hot(1)).chain(one_hot(2)).collect();
    let figures = figures(&[Image { probabilities, truth: truth.clone() }], 3);
    let [first, second] = &figures.precision_recall[..] else { panic!("two foreground classes") };
    assert_eq!((first.average_precision, first.average_precision_error), (Some(1.0), Some(0.0)));
    assert_eq!((&first.recall[..], &first.precision[..], first.of_masks), (&[1.0][..], &[1.0][..], Some([1.0, 1.0])));
    assert_eq!((second.average_precision, second.of_masks, second.recall.len()), (None, None, 0));
    assert_eq!((second.positives, second.pixels), (0, 4));
    assert_eq!(figures.confusion.row_share(1, 1), Some(1.0));
    assert_eq!(figures.confusion.row_share(2, 2), None);
    let nothing = PixelTally::new(2).finish(&names(2));
    assert_eq!((nothing.precision_recall[0].average_precision, nothing.calibration.ece), (None, None));
}

/// Probabilities that crowd at 0 and 1 stay apart.
#[test]
fn probabilities_that_crowd_have_a_small_error() {
    let n = 200_000usize;
    let truth: Vec<u8> = (0..n).map(|i| u8::from(i.is_multiple_of(5))).collect();
    let own = |i: usize| if i.is_multiple_of(5) { 1.0 - 1e-6 * (i % 7) as f32 } else { 1e-5 * (i % 1000) as f32 };
    let probabilities: Vec<f32> = (0..n).map(|i| 1.0 - own(i)).chain((0..n).map(own)).collect();
    let figures = figures(&[Image { probabilities, truth }], 2);
    let curve = &figures.precision_recall[0];
    assert_eq!((curve.average_precision, curve.average_precision_error), (Some(1.0), Some(0.0)));
}

fn random_maps(seed: u64, pixels: usize, classes: u8) -> [Vec<u8>; 2] {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 33) as u8
    };
    let truth: Vec<u8> = (0..pixels).map(|_| if next() < 10 { IGNORED } else { next() % classes }).collect();
    let predicted = truth.iter().map(|&t| if t == IGNORED || next() < 90 { next() % classes } else { t }).collect();
    [predicted, truth]
}

fn assert_scores_follow(counts: PixelCounts, scores: &npc::internals::metric::MetricScores) {
    let of = [
        (Metric::Dice, counts.dice()),
        (Metric::Iou, counts.iou()),
        (Metric::Precision, counts.precision()),
        (Metric::Recall, counts.recall()),
        (Metric::Specificity, counts.specificity()),
        (Metric::Accuracy, counts.accuracy()),
    ];
    of.iter().for_each(|(metric, value)| assert_eq!(scores.get(*metric), *value, "{metric:?}"));
}

/// The scores of the pixels of all images together follow from the matrix.
#[test]
fn pooled_scores_follow_from_the_matrix() {
    let classes = names(4);
    let mut tally = ConfusionTally::new(4);
    let mut cases = Vec::new();
    for seed in 1..6 {
        let [predicted, truth] = random_maps(seed, 35, 4);
        tally.add(&predicted, &truth);
        let pair = MaskPair { pred: &predicted, truth: &truth, size: [5, 7], spacing: None };
        cases.push(measure(format!("case {seed}"), &pair, 4, &Metric::ALL).unwrap());
    }
    let (matrix, summary) = (tally.finish(&classes), Summary::new(&cases, &classes, EmptyClassRule::One).unwrap());
    for (i, class) in classes.iter().enumerate() {
        assert_scores_follow(matrix.of_class(i), &summary.pooled.per_class[class]);
        let recall = summary.pooled.per_class[class].get(Metric::Recall);
        assert_eq!(matrix.row_share(i, i), recall);
    }
}

#[test]
fn scores_of_voxels_follow_from_the_matrix() {
    let classes = names(3);
    let mut tally = ConfusionTally::new(3);
    let mut cases = Vec::new();
    for seed in 1..4 {
        let [predicted, truth] = random_maps(seed, 60, 3);
        tally.add(&predicted, &truth);
        let pair = VolumePair { pred: &predicted, truth: &truth, size: [3, 4, 5], spacing: [2.0, 1.0, 1.0] };
        cases.push(measure_volume(format!("volume {seed}"), &pair, 3).unwrap());
    }
    let (matrix, summary) = (tally.finish(&classes), Summary::new(&cases, &classes, EmptyClassRule::One).unwrap());
    for (i, class) in classes.iter().enumerate() {
        assert_scores_follow(matrix.of_class(i), &summary.pooled.per_class[class]);
    }
}
