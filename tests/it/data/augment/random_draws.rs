//! Random draws of augmentations: their frequency, their size, and what they depend on.

use super::{all_augmentations, identity_plan, pixels};
use npc::internals::data::augment::{AugmentPlan, Augmenter, Elastic, Gamma};
use npc::text::config::{Augmentation, BorderMode};

const SIZE: [usize; 2] = [64, 64];

/// Returns the plans of `n` cases under one kind of augmentation.
fn plans(kind: Augmentation, n: usize) -> Vec<AugmentPlan> {
    let augmenter = Augmenter::new(&[kind], SIZE).unwrap();
    (0..n).map(|case| augmenter.plan(11, 0, case)).collect()
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

fn variance(values: &[f64]) -> f64 {
    let m = mean(values);
    values.iter().map(|v| (v - m).powi(2)).sum::<f64>() / values.len() as f64
}

/// Asserts that a share of `n` draws is within five standard errors of `p`.
#[track_caller]
fn assert_share(hits: usize, n: usize, p: f64) {
    let error = (p * (1.0 - p) / n as f64).sqrt();
    let share = hits as f64 / n as f64;
    assert!((share - p).abs() < 5.0 * error, "{share} and not {p}");
}

#[test]
fn kinds_occur_with_their_probability() {
    const N: usize = 4000;
    let flips = plans(Augmentation::Flip { horizontal: 0.3, vertical: 0.6 }, N);
    assert_share(flips.iter().filter(|p| p.flip[1]).count(), N, 0.3);
    assert_share(flips.iter().filter(|p| p.flip[0]).count(), N, 0.6);
    assert_share(flips.iter().filter(|p| p.flip == [true, true]).count(), N, 0.18);
    let quarters = plans(Augmentation::Rot90 { p: 0.75 }, N);
    for turn in 0..4 {
        assert_share(quarters.iter().filter(|p| p.quarters == turn).count(), N, 0.25);
    }
    let degrees: Vec<f64> =
        plans(Augmentation::Rotate { degrees: [-10.0, 30.0], p: 1.0 }, N).iter().map(|p| p.degrees).collect();
    assert!(degrees.iter().all(|d| (-10.0..=30.0).contains(d)));
    // The width of a uniform distribution is 40, which sets its variance.
    assert!((mean(&degrees) - 10.0).abs() < 1.0 && (variance(&degrees) / (1600.0 / 12.0) - 1.0).abs() < 0.06);
    // Half as large is as likely as twice as large.
    let scales: Vec<f64> =
        plans(Augmentation::Scale { factor: [0.5, 2.0], p: 1.0 }, N).iter().map(|p| p.scale.ln()).collect();
    assert!(mean(&scales).abs() < 0.04 && (variance(&scales) / (4f64.ln().powi(2) / 12.0) - 1.0).abs() < 0.06);
    let areas: Vec<f64> =
        plans(Augmentation::Crop { area: [0.5, 1.0], p: 1.0 }, N).iter().map(|p| p.crop.unwrap().0.powi(2)).collect();
    assert!((mean(&areas) - 0.75).abs() < 0.02 && areas.iter().all(|a| (0.499..=1.001).contains(a)));
    let inverted = plans(Augmentation::Gamma { gamma: [0.7, 1.5], invert: 0.25, p: 0.4 }, N);
    assert_share(inverted.iter().filter(|p| p.tone.gamma.is_some()).count(), N, 0.4);
    assert_share(inverted.iter().filter(|p| p.tone.gamma.is_some_and(|g| g.inverted)).count(), N, 0.1);
}

#[test]
fn every_draw_is_a_function_of_seed_epoch_and_case() {
    let augmenter = Augmenter::new(&all_augmentations(0.5), SIZE).unwrap();
    let plan = augmenter.plan(1, 2, 3);
    assert_eq!(plan, Augmenter::new(&all_augmentations(0.5), SIZE).unwrap().plan(1, 2, 3));
    for other in [augmenter.plan(2, 2, 3), augmenter.plan(1, 3, 3), augmenter.plan(1, 2, 4), augmenter.plan(1, 3, 2)] {
        assert_ne!(other.to_string(), plan.to_string());
    }
    // Neither the order of the list nor an added or removed kind changes the draws of the others.
    let mut fewer = all_augmentations(0.5);
    fewer.reverse();
    fewer.retain(|kind| !matches!(kind, Augmentation::Rotate { .. }));
    let fewer = Augmenter::new(&fewer, SIZE).unwrap();
    for case in 0..20 {
        let mut expected = augmenter.plan(1, 2, case);
        expected.degrees = 0.0;
        assert_eq!(fewer.plan(1, 2, case), expected);
    }
}

#[test]
fn noise_is_normal_with_its_deviation() {
    let augmenter = Augmenter::new(&[Augmentation::Noise { std: [0.05, 0.05], p: 1.0 }], [256, 256]).unwrap();
    let noise = |epoch| {
        let mut planes = vec![0.5; 2 * 65_536];
        augmenter.plan(0, epoch, 0).apply(&mut planes, &mut vec![0; 65_536]);
        planes.iter().map(|&v| (f64::from(v) - 0.5) / 0.05).collect::<Vec<f64>>()
    };
    let z = noise(0);
    let n = z.len();
    assert!(mean(&z).abs() < 5.0 / (n as f64).sqrt());
    assert!((variance(&z) - 1.0).abs() < 5.0 * (2.0 / n as f64).sqrt());
    // Tails of the normal distribution beyond one, two and three deviations.
    for (beyond, p) in [(1.0, 0.317_310_5), (2.0, 0.045_500_3), (3.0, 0.002_699_8)] {
        assert_share(z.iter().filter(|v| v.abs() > beyond).count(), n, p);
    }
    // Draws of neighbours, planes and epochs are independent.
    let correlation = |a: &[f64], b: &[f64]| mean(&a.iter().zip(b).map(|(x, y)| x * y).collect::<Vec<_>>());
    let next = noise(1);
    for (a, b) in [(&z[..n - 1], &z[1..]), (&z[..n / 2], &z[n / 2..]), (&z[..], &next[..])] {
        assert!(correlation(a, b).abs() < 5.0 / (a.len() as f64).sqrt());
    }
}

#[test]
fn brightness_and_contrast_are_linear_about_0_and_the_mean() {
    let image: Vec<f32> = pixels(SIZE).map(|(y, x)| 0.3 + 0.4 * ((y * 5 + x * 3) % 64) as f32 / 64.0).collect();
    let of = |planes: &[f32]| planes.iter().map(|&v| f64::from(v)).collect::<Vec<f64>>();
    let (m, s) = (mean(&of(&image)), variance(&of(&image)).sqrt());
    let apply = |change: &dyn Fn(&mut AugmentPlan)| {
        let mut plan = identity_plan(SIZE);
        change(&mut plan);
        let mut planes = image.clone();
        plan.apply(&mut planes, &mut vec![0; 4096]);
        let values = of(&planes);
        (mean(&values), variance(&values).sqrt())
    };
    let near =
        |(a, b): (f64, f64), (c, d): (f64, f64)| assert!((a - c).abs() < 1e-5 && (b - d).abs() < 1e-5, "{a} {b}");
    near(apply(&|p| p.tone.brightness = Some((1.0, 0.1))), (m + 0.1, s));
    near(apply(&|p| p.tone.brightness = Some((1.2, -0.05))), (1.2 * m - 0.05, 1.2 * s));
    near(apply(&|p| p.tone.contrast = Some(0.7)), (m, 0.7 * s));
    near(apply(&|p| p.tone.contrast = Some(1.3)), (m, 1.3 * s));
    // The inverted gamma exchanges dark and bright: 1 - (1 - v)^g.
    let mut plan = identity_plan([1, 3]);
    plan.tone.gamma = Some(Gamma { exponent: 2.0, inverted: true });
    let mut planes = vec![0.0, 0.25, 1.0];
    plan.apply(&mut planes, &mut vec![0; 3]);
    assert_eq!(planes, [0.0, 0.4375, 1.0]);
}

#[test]
fn elastic_fields_have_the_strength_of_the_formula() {
    let mut rms = Vec::new();
    let mut edge = Vec::new();
    for case in 0..12 {
        let augmenter = Augmenter::new(&[], [128, 128]).unwrap();
        let mut plan = augmenter.plan(0, 0, case);
        plan.elastic = Some(Elastic { alpha: 100.0, sigma: 4.0 });
        let field = plan.field().unwrap();
        assert_ne!(field.rows, field.columns);
        let squares = |values: &[f32]| mean(&values.iter().map(|&v| f64::from(v).powi(2)).collect::<Vec<_>>());
        rms.extend([squares(&field.rows), squares(&field.columns)]);
        edge.push(squares(&field.rows[..256]));
    }
    // Uniform numbers in (-1, 1) have variance 1/3; a Gaussian keeps 1 / (4 pi sigma^2) of it.
    let expected = 100.0 / (2.0 * 4.0 * (3.0 * std::f64::consts::PI).sqrt());
    let measured = mean(&rms).sqrt();
    assert!((measured / expected - 1.0).abs() < 0.05, "{measured} and not {expected}");
    assert!((mean(&edge).sqrt() / expected - 1.0).abs() < 0.35, "the edge moves by {}", mean(&edge).sqrt());
}

#[test]
fn crops_keep_the_share_of_the_classes() {
    let size = [48, 48];
    let augmenter = Augmenter::new(&[Augmentation::Crop { area: [0.5, 1.0], p: 1.0 }], size).unwrap();
    // Over 500 crops, the mean of a mask's share of the crop to its share of the image.
    let growth = |class: &dyn Fn(usize, usize) -> bool| {
        let mask: Vec<u8> = pixels(size).map(|(y, x)| u8::from(class(y, x))).collect();
        let assert_share = |mask: &[u8]| mask.iter().filter(|&&c| c == 1).count() as f64 / mask.len() as f64;
        let after = |case| {
            let mut changed = mask.clone();
            augmenter.plan(0, 0, case).apply(&mut vec![0.0; 48 * 48], &mut changed);
            assert_share(&changed)
        };
        mean(&(0..500).map(after).collect::<Vec<_>>()) / assert_share(&mask)
    };
    // A pixel in the middle is in every crop, where its share is divided by that of the crop: the mean of 1 / area is 2
    // ln 2.
    let middle = growth(&|y, x| (20..28).contains(&y) && (20..28).contains(&x));
    assert!((middle - 4f64.ln()).abs() < 0.06, "{middle}");
    // A share of one half stays one half on average.
    let half = growth(&|_, x| x < 24);
    assert!((half - 1.0).abs() < 0.03, "{half}");
    assert!(growth(&|y, x| y < 6 && x < 6) < 0.9);
}

#[test]
fn values_beyond_the_schema_are_refused() {
    let refused = |kinds: &[Augmentation], size, words: &str| {
        let error = Augmenter::new(kinds, size).unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    };
    refused(
        &[Augmentation::Rot90 { p: 0.5 }],
        [64, 48],
        "`rot90` needs square images, but those of the data block are 64 x 48",
    );
    refused(
        &[Augmentation::Blur { sigma: [0.0, 1e30], p: 0.5 }],
        SIZE,
        "`augment`: `sigma` of `blur` accepts pixels between 0 and 20",
    );
    refused(&[Augmentation::Rotate { degrees: [f64::NAN, 1.0], p: 0.5 }], SIZE, "`degrees` of `rotate`");
    refused(&[Augmentation::Rot90 { p: 0.5 }, Augmentation::Rot90 { p: 0.1 }], SIZE, "`augment` lists `rot90` twice");
    refused(&[Augmentation::Border { rule: BorderMode::Constant, value: 2.0 }], SIZE, "`value` of `border`");
    refused(&[Augmentation::Gamma { gamma: [0.0, 1.0], invert: 0.0, p: 1.0 }], SIZE, "`gamma` of `gamma`");
    // The smallest and the most uneven sizes do not panic.
    for size in [[1, 1], [1, 7], [2, 3], [5, 1]] {
        let kinds: Vec<_> = all_augmentations(1.0).into_iter().filter(|k| k.name() != "rot90").collect();
        let augmenter = Augmenter::new(&kinds, size).unwrap();
        for case in 0..20 {
            augmenter.plan(0, 0, case).apply(&mut vec![0.5; 3 * size[0] * size[1]], &mut vec![1; size[0] * size[1]]);
        }
    }
}
