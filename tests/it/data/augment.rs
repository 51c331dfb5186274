//! Augmentation against scipy, torchvision, scikit-image and closed forms.

mod loading;
mod random_draws;

use crate::support::repository::repository;
use npc::internals::data::augment::{
    AffineMap, AugmentPlan, Augmenter, DisplacementField, EdgeMode, Gamma, OutsideFill, gaussian, warp,
};
use npc::text::config::{Augmentation, BorderMode, nnunet_like};
use serde_json::Value;

const REFLECT: OutsideFill = OutsideFill { rule: BorderMode::Reflect, value: 0.0 };
const BLACK: OutsideFill = OutsideFill { rule: BorderMode::Constant, value: 0.0 };

fn reference() -> Value {
    serde_json::from_str(&std::fs::read_to_string(repository("tests/reference/augment.json")).unwrap()).unwrap()
}

fn floats(value: &Value) -> Vec<f32> {
    value.as_array().unwrap().iter().map(|v| v.as_f64().unwrap() as f32).collect()
}

const SIZE: [usize; 2] = [18, 14];

fn pixels(size: [usize; 2]) -> impl Iterator<Item = (usize, usize)> {
    (0..size[0]).flat_map(move |y| (0..size[1]).map(move |x| (y, x)))
}

/// Returns the reference values of `augment.py`.
fn picture() -> Vec<f32> {
    pixels(SIZE).map(|(y, x)| ((7 * y * y + 13 * x * y + 29 * x + 3 * y) % 97) as f32 / 96.0).collect()
}

fn classes() -> Vec<u8> {
    pixels(SIZE).map(|(y, x)| ((y / 5 + x / 4) % 4) as u8).collect()
}

fn displacement() -> DisplacementField {
    let at = |f: fn(f64, f64) -> f64| pixels(SIZE).map(|(y, x)| f(y as f64, x as f64) as f32).collect();
    DisplacementField {
        rows: at(|y, x| 1.7 * (0.4 * y + 0.3 * x).sin()),
        columns: at(|y, x| 2.1 * (0.5 * x - 0.2 * y).cos()),
    }
}

/// Returns a plan without operations.
fn identity_plan(size: [usize; 2]) -> AugmentPlan {
    Augmenter::new(&[], size).unwrap().plan(0, 0, 0)
}

#[track_caller]
fn assert_close(got: &[f32], wanted: &[f32], tolerance: f32, what: &str) {
    assert_eq!(got.len(), wanted.len(), "{what}");
    let worst = got.iter().zip(wanted).map(|(a, b)| (a - b).abs()).enumerate().max_by(|a, b| a.1.total_cmp(&b.1));
    let (at, distance) = worst.unwrap();
    assert!(distance <= tolerance, "{what}: {} and not {} at {at}", got[at], wanted[at]);
}

#[test]
fn gaussian_blur_agrees_with_scipy() {
    for case in reference()["gaussian"].as_array().unwrap() {
        let edge = if case["mode"] == "wrap" { EdgeMode::Wrap } else { EdgeMode::Reflect };
        let mut values = picture();
        gaussian(&mut values, SIZE, case["sigma"].as_f64().unwrap(), edge);
        assert_close(&values, &floats(&case["values"]), 1e-6, &format!("{} {}", case["mode"], case["sigma"]));
    }
}

#[test]
fn warp_agrees_with_scipy() {
    let cases = reference()["warp"].as_array().unwrap().clone();
    assert_eq!(cases.len(), 20);
    for case in cases {
        let number = |v: &Value| v.as_f64().unwrap();
        let row = |v: &Value| [number(&v[0]), number(&v[1])];
        let matrix = [row(&case["matrix"][0]), row(&case["matrix"][1])];
        let affine = AffineMap { matrix, offset: row(&case["offset"]) };
        let rule = if case["mode"] == "reflect" { BorderMode::Reflect } else { BorderMode::Constant };
        let outside = OutsideFill { rule, value: number(&case["value"]) as f32 };
        let field = case["bent"].as_bool().unwrap().then(displacement);
        let (image, mask) = warp(&picture(), &classes(), SIZE, &affine, field.as_ref(), outside);
        let what = format!("{affine:?} {} bent {}", case["mode"], case["bent"]);
        assert_close(&image, &floats(&case["image"]), 2e-4, &what);
        for (i, (got, wanted)) in mask.iter().zip(case["mask"].as_array().unwrap()).enumerate() {
            let wanted = wanted.as_i64().unwrap();
            assert!(wanted < 0 || i64::from(*got) == wanted, "{what}: class {got} and not {wanted} at {i}");
        }
    }
}

#[test]
fn rotations_agree_with_torchvision() {
    for case in reference()["turned"].as_array().unwrap() {
        let mut plan = identity_plan(SIZE);
        plan.outside = BLACK;
        plan.degrees = case["degrees"].as_f64().unwrap();
        plan.scale = case["scale"].as_f64().unwrap();
        plan.shift = [0, 1].map(|i| case["shift"][i].as_f64().unwrap());
        let (mut image, mut mask) = (picture(), classes());
        plan.apply(&mut image, &mut mask);
        assert_close(&image, &floats(&case["image"]), 2e-4, &plan.to_string());
    }
}

#[test]
fn crops_agree_with_torchvision() {
    let case = &reference()["crop"];
    let start = |key: &str, n: usize| case[key].as_f64().unwrap() / n as f64;
    let mut plan = identity_plan(SIZE);
    plan.crop = Some((0.5, [start("top", SIZE[0]), start("left", SIZE[1])]));
    let (mut image, mut mask) = (picture(), classes());
    plan.apply(&mut image, &mut mask);
    let wanted = floats(&case["image"]);
    let inside = pixels(SIZE).filter(|&(y, x)| y > 0 && x > 0 && y + 1 < SIZE[0] && x + 1 < SIZE[1]);
    let (got, wanted): (Vec<_>, Vec<_>) =
        inside.map(|(y, x)| (image[y * SIZE[1] + x], wanted[y * SIZE[1] + x])).unzip();
    assert_close(&got, &wanted, 1e-5, "crop");
}

#[test]
fn intensity_changes_agree_with_references() {
    for case in reference()["tones"].as_array().unwrap() {
        let mut plan = identity_plan(SIZE);
        plan.tone.gamma = case["gamma"].as_f64().map(|exponent| Gamma { exponent, inverted: false });
        plan.tone.contrast = case["contrast"].as_f64();
        let (mut image, mut mask) = (picture(), classes());
        plan.apply(&mut image, &mut mask);
        assert_close(&image, &floats(&case["values"]), 1e-5, &plan.to_string());
        assert_eq!(mask, classes());
    }
}

#[test]
fn right_angles_are_exact() {
    for size in [[9, 9], [6, 6]] {
        let n = size[0];
        let image: Vec<f32> = pixels(size).map(|(y, x)| ((y * 31 + x * 7) % 50) as f32 / 50.0).collect();
        let classes: Vec<u8> = pixels(size).map(|(y, x)| ((y * n + x) % 251) as u8).collect();
        let same = |plan: &AugmentPlan, from: &dyn Fn(usize, usize) -> usize| {
            // There are two planes, and the second follows the first.
            let (mut planes, mut mask) =
                ([image.clone(), image.iter().map(|v| 1.0 - v).collect()].concat(), classes.clone());
            plan.apply(&mut planes, &mut mask);
            for (i, (y, x)) in pixels(size).enumerate() {
                let source = from(y, x);
                assert_eq!(planes[i], image[source], "{plan} at {y} {x}");
                assert_eq!(planes[n * n + i], 1.0 - image[source], "{plan} at {y} {x}");
                assert_eq!(mask[i], classes[source], "{plan} at {y} {x}");
            }
        };
        let with = |change: &dyn Fn(&mut AugmentPlan)| {
            let mut plan = identity_plan(size);
            change(&mut plan);
            plan
        };
        same(&identity_plan(size), &|y, x| y * n + x);
        // The rotation is counter-clockwise, as `numpy.rot90`: the right side becomes the top.
        same(&with(&|p| p.quarters = 1), &|y, x| x * n + (n - 1 - y));
        same(&with(&|p| p.degrees = 90.0), &|y, x| x * n + (n - 1 - y));
        same(&with(&|p| p.degrees = 180.0), &|y, x| (n - 1 - y) * n + (n - 1 - x));
        same(&with(&|p| p.degrees = -180.0), &|y, x| (n - 1 - y) * n + (n - 1 - x));
        same(&with(&|p| p.quarters = 3), &|y, x| (n - 1 - x) * n + y);
        same(&with(&|p| p.flip = [true, false]), &|y, x| (n - 1 - y) * n + x);
        same(&with(&|p| p.flip = [false, true]), &|y, x| y * n + (n - 1 - x));
        // The image is flipped first, then rotated.
        same(&with(&|p| (p.flip, p.quarters) = ([false, true], 1)), &|y, x| x * n + y);
        // The crop exceeds the edge by two rows, which are mirrored.
        same(&with(&|p| p.shift = [2.0, 0.0]), &|y, x| if y < 2 { (1 - y) * n + x } else { (y - 2) * n + x });
        // A half turn that is not an exact right angle in floating point takes the other path to the same pixels.
        let (mut bent, mut mask) = (image.clone(), classes.clone());
        with(&|p| p.degrees = 180.0 - 1e-9).apply(&mut bent, &mut mask);
        let back: Vec<f32> = image.iter().rev().copied().collect();
        assert_close(&bent, &back, 1e-5, "half turn");
        assert_eq!(mask, classes.iter().rev().copied().collect::<Vec<_>>());
    }
}

#[test]
fn flips_undo_themselves_on_any_size() {
    let size = [5, 8];
    let image: Vec<f32> = pixels(size).map(|(y, x)| (y * 8 + x) as f32 / 40.0).collect();
    let classes: Vec<u8> = pixels(size).map(|(y, x)| (y + x) as u8).collect();
    for flip in [[true, false], [false, true], [true, true]] {
        let mut plan = identity_plan(size);
        plan.flip = flip;
        let (mut planes, mut mask) = (image.clone(), classes.clone());
        plan.apply(&mut planes, &mut mask);
        assert_ne!((&planes, &mask), (&image, &classes));
        plan.apply(&mut planes, &mut mask);
        assert_eq!((&planes, &mask), (&image, &classes));
    }
}

/// Returns every kind at probability `p`.
fn all_augmentations(p: f64) -> Vec<Augmentation> {
    let near = [0.8, 1.25];
    vec![
        Augmentation::Flip { horizontal: p, vertical: p },
        Augmentation::Rot90 { p },
        Augmentation::Rotate { degrees: [-30.0, 30.0], p },
        Augmentation::Scale { factor: [0.7, 1.4], p },
        Augmentation::Shift { limit: [-0.2, 0.2], p },
        Augmentation::Crop { area: [0.5, 1.0], p },
        Augmentation::Elastic { alpha: [20.0, 40.0], sigma: [4.0, 6.0], p },
        Augmentation::Border { rule: BorderMode::Reflect, value: 0.0 },
        Augmentation::Noise { std: [0.0, 0.1], p },
        Augmentation::Blur { sigma: [0.5, 1.5], p },
        Augmentation::Brightness { offset: [-0.2, 0.2], factor: near, p },
        Augmentation::Contrast { factor: near, p },
        Augmentation::LowResolution { factor: [0.5, 1.0], p },
        Augmentation::Gamma { gamma: [0.7, 1.5], invert: 0.5, p },
    ]
}

#[test]
fn nothing_happens_at_probability_0() {
    let augmenter = Augmenter::new(&all_augmentations(0.0), [18, 18]).unwrap();
    let image: Vec<f32> = pixels([18, 18]).map(|(y, x)| (y * x) as f32 / 324.0).collect();
    for case in 0..50 {
        let plan = augmenter.plan(3, 5, case);
        let (mut planes, mut mask) = (image.clone(), vec![1; 324]);
        plan.apply(&mut planes, &mut mask);
        assert_eq!(planes, image);
        assert_eq!(plan.to_string(), "as it is");
    }
}

#[test]
fn values_stay_in_range_and_labels_in_their_set() {
    let size = [40, 40];
    let image: Vec<f32> = pixels(size).map(|(y, x)| f32::from((y / 7 + x / 5) % 2 == 0)).collect();
    let classes: Vec<u8> = pixels(size).map(|(y, x)| [0, 3, 7][(y / 14 + x / 9) % 3]).collect();
    let mut kinds = all_augmentations(0.7);
    kinds[7] = Augmentation::Border { rule: BorderMode::Constant, value: 1.0 };
    for kinds in [all_augmentations(0.7), kinds, nnunet_like()] {
        let augmenter = Augmenter::new(&kinds, size).unwrap();
        for case in 0..60 {
            let (mut planes, mut mask) = (image.clone(), classes.clone());
            let plan = augmenter.plan(1, 0, case);
            plan.apply(&mut planes, &mut mask);
            assert!(planes.iter().all(|v| (0.0..=1.0).contains(v)), "{plan}");
            assert!(mask.iter().all(|c| [0, 3, 7].contains(c)), "{plan}");
            assert_eq!((planes.len(), mask.len()), (1600, 1600));
        }
    }
}

/// The image holds each pixel's own coordinates, so the output holds the coordinates that were read. The mask is
/// distinguished from them by counting.
#[test]
fn image_and_mask_move_together() {
    let size = [48, 48];
    let n = size[0] as f32;
    let image: Vec<f32> =
        pixels(size).map(|(y, _)| y as f32 / n).chain(pixels(size).map(|(_, x)| x as f32 / n)).collect();
    // Discs and stripes have a class each, and no two are alike.
    let class = |y: i64, x: i64| match ((y - 20).pow(2) + (x - 27).pow(2), y, x) {
        (..=120, ..) => 1,
        (_, 30.., ..=15) => 2,
        _ if x + y > 75 => 3,
        _ => 0,
    };
    let classes: Vec<u8> = pixels(size).map(|(y, x)| class(y as i64, x as i64)).collect();
    let spatial: Vec<Augmentation> = all_augmentations(0.6).into_iter().take(8).collect();
    let augmenter = Augmenter::new(&spatial, size).unwrap();
    let (mut compared, mut moved) = (0, 0);
    for case in 0..200 {
        let plan = augmenter.plan(9, 2, case);
        let (mut planes, mut mask) = (image.clone(), classes.clone());
        plan.apply(&mut planes, &mut mask);
        let (affine, field) = (plan.affine(), plan.field());
        for (i, (y, x)) in pixels(size).enumerate() {
            let (dy, dx) = field.as_ref().map_or((0.0, 0.0), |f| (f64::from(f.rows[i]), f64::from(f.columns[i])));
            let at = affine.apply(y as f64 + dy, x as f64 + dx);
            // Beyond the edge coordinates are mirrored, and between the last two pixels they are constant.
            if at.iter().any(|v| *v < 0.0 || *v > 47.0) {
                continue;
            }
            let read = [planes[i] * n, planes[2304 + i] * n];
            let far = [0, 1].iter().any(|&k| (f64::from(read[k]) - at[k]).abs() > 1e-3);
            assert!(!far, "{plan}: {read:?} at {y} {x}, and not {at:?}");
            if at.iter().all(|v| (v.fract() - 0.5).abs() > 1e-3) {
                let wanted = class(at[0].round() as i64, at[1].round() as i64);
                assert_eq!(mask[i], wanted, "{plan} at {y} {x}");
                compared += 1;
                moved += usize::from(at[0].round() as usize != y);
            }
        }
    }
    assert!(compared > 300_000 && moved > 100_000, "{compared} compared, {moved} moved");
}

#[test]
fn outside_is_background_only_under_constant() {
    let size = [20, 20];
    let apply = |outside| {
        let mut plan = identity_plan(size);
        (plan.degrees, plan.outside) = (45.0, outside);
        let (mut planes, mut mask) = (vec![0.5; 400], vec![2; 400]);
        plan.apply(&mut planes, &mut mask);
        (planes, mask)
    };
    let (planes, mask) = apply(REFLECT);
    assert!(planes.iter().all(|&v| v == 0.5) && mask.iter().all(|&c| c == 2));
    let (planes, mask) = apply(OutsideFill { rule: BorderMode::Constant, value: 0.25 });
    assert_eq!((planes[0], mask[0]), (0.25, 0));
    assert_eq!((planes[210], mask[210]), (0.5, 2));
}
