//! Scores of whole volumes against SciPy, against every pair of voxels, and at the edges of the definition.
//! `tests/reference/volume_metrics.py` made the numbers.

use crate::support::repository::repository;
use npc::internals::metric::surface::SurfaceDistances;
use npc::internals::metric::{CaseScore, VolumePair, measure_volume};
use npc::text::config::{EmptyClassRule, Metric};
use serde_json::Value;

fn measured(pred: &[u8], truth: &[u8], size: [usize; 3], spacing: [f64; 3], classes: usize) -> CaseScore {
    measure_volume("v", &VolumePair { pred, truth, size, spacing }, classes).unwrap()
}

#[track_caller]
fn assert_near(got: f64, wanted: f64, what: &str) {
    // Distances within a slice are held in 32 bits.
    assert!((got - wanted).abs() <= 2e-7 * wanted.abs().max(1.0), "{what}: {got} is not {wanted}");
}

/// Returns the class map of `[class, length]` pairs.
fn map(runs: &Value) -> Vec<u8> {
    let run = |r: &Value| (r[0].as_u64().unwrap() as u8, r[1].as_u64().unwrap() as usize);
    runs.as_array().unwrap().iter().map(run).flat_map(|(class, n)| std::iter::repeat_n(class, n)).collect()
}

#[test]
fn volumes_are_scored_as_by_scipy() {
    let text = std::fs::read_to_string(repository("tests/reference/volume_metrics.json")).unwrap();
    let all: Value = serde_json::from_str(&text).unwrap();
    let (mut surfaces, mut without) = (0, 0);
    for (i, volume) in all["volumes"].as_array().unwrap().iter().enumerate() {
        let size = [0, 1, 2].map(|a| volume["size"][a].as_u64().unwrap() as usize);
        let spacing = [0, 1, 2].map(|a| volume["spacing"][a].as_f64().unwrap());
        let classes = volume["classes"].as_u64().unwrap() as usize;
        let case = measured(&map(&volume["pred"]), &map(&volume["truth"]), size, spacing, classes);
        for (k, (score, wanted)) in case.per_class.iter().zip(volume["scores"].as_array().unwrap()).enumerate() {
            let counts = [score.counts.tp, score.counts.fp, score.counts.fn_];
            assert_eq!(counts, ["tp", "fp", "fn"].map(|n| wanted[n].as_u64().unwrap()), "volume {i}, class {k}");
            let both = matches!(score.surface, Some(SurfaceDistances::Both { .. }));
            assert_eq!(both, !wanted["hd95"].is_null(), "volume {i}, class {k}");
            if !both {
                without += 1;
                continue;
            }
            surfaces += 1;
            for metric in [Metric::Dice, Metric::Iou, Metric::Hd95, Metric::Assd] {
                let got = score.get(metric, EmptyClassRule::One).unwrap();
                assert_near(
                    got,
                    wanted[metric.name()].as_f64().unwrap(),
                    &format!("volume {i}, class {k}, {}", metric.name()),
                );
            }
            assert!(!score.is_measured(Metric::BoundaryIou));
        }
    }
    assert!(surfaces > 25 && without >= 2, "{surfaces} pairs of surfaces, {without} without");
}

/// Computes both distances from the positions of all surface voxels.
fn by_all_pairs(pred: &[u8], truth: &[u8], size: [usize; 3], spacing: [f64; 3], class: u8) -> [f64; 2] {
    let [d, h, w] = size.map(|n| n as i64);
    let surface = |map: &[u8]| -> Vec<[f64; 3]> {
        let inside = |z: i64, y: i64, x: i64| {
            (0..d).contains(&z)
                && (0..h).contains(&y)
                && (0..w).contains(&x)
                && map[((z * h + y) * w + x) as usize] == class
        };
        let steps = [[1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0], [0, 0, 1], [0, 0, -1]];
        let mut found = Vec::new();
        for (z, y, x) in (0..d).flat_map(|z| (0..h).flat_map(move |y| (0..w).map(move |x| (z, y, x)))) {
            if inside(z, y, x) && steps.iter().any(|[a, b, c]| !inside(z + a, y + b, x + c)) {
                found.push([z as f64 * spacing[0], y as f64 * spacing[1], x as f64 * spacing[2]]);
            }
        }
        found
    };
    let (a, b) = (surface(pred), surface(truth));
    let directed = |from: &[[f64; 3]], to: &[[f64; 3]]| -> Vec<f64> {
        let far = |p: &[f64; 3], q: &[f64; 3]| (0..3).map(|i| (p[i] - q[i]).powi(2)).sum::<f64>().sqrt();
        let mut all: Vec<f64> =
            from.iter().map(|p| to.iter().map(|q| far(p, q)).fold(f64::INFINITY, f64::min)).collect();
        all.sort_by(f64::total_cmp);
        all
    };
    let (there, back) = (directed(&a, &b), directed(&b, &a));
    let percentile = |all: &[f64]| npc::internals::metric::statistics::quantile(all, 0.95).unwrap();
    let mean = there.iter().chain(&back).sum::<f64>() / (there.len() + back.len()) as f64;
    [percentile(&there).max(percentile(&back)), mean]
}

#[test]
fn distances_of_volumes_are_those_of_all_pairs() {
    let mut state = 1u64;
    let mut next = move |n: u64| {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 33) % n
    };
    for round in 0..60 {
        let size = [1 + next(6) as usize, 1 + next(7) as usize, 1 + next(8) as usize];
        let spacing = [0.3 + next(80) as f64 / 10.0, 0.2 + next(20) as f64 / 10.0, 0.5 + next(20) as f64 / 7.0];
        let voxels = size.iter().product::<usize>();
        let mut maps = [vec![0u8; voxels], vec![0u8; voxels]];
        for map in &mut maps {
            map.iter_mut().for_each(|v| *v = next(2 + round % 3) as u8);
        }
        let case = measured(&maps[0], &maps[1], size, spacing, 4);
        for (class, score) in case.per_class.iter().enumerate() {
            let Some(SurfaceDistances::Both { hd95, assd }) = score.surface else { continue };
            let [wanted_hd95, wanted_assd] = by_all_pairs(&maps[0], &maps[1], size, spacing, class as u8);
            assert_near(hd95, wanted_hd95, &format!("HD95 of round {round}, {size:?}"));
            assert_near(assd, wanted_assd, &format!("ASSD of round {round}, {size:?}"));
        }
    }
}

/// Ignored voxels count for no class and are part of no mask: the surface runs round them.
#[test]
fn ignored_voxels_are_left_out() {
    let (size, spacing) = ([4, 6, 7], [3.0, 1.0, 0.6]);
    let of = |i: usize, n: usize| ((i * i * 31 + i * n) / 7 % 5) as u8 / 2;
    let mut truth: Vec<u8> = (0..168).map(|i| of(i, 13)).collect();
    let mut pred: Vec<u8> = (0..168).map(|i| of(i, 29)).collect();
    (0..168).step_by(5).for_each(|i| truth[i] = 255);
    let case = measured(&pred, &truth, size, spacing, 3);
    let counted = case.per_class.iter().map(|c| c.counts.tp + c.counts.fp + c.counts.fn_ + c.counts.tn);
    assert!(counted.into_iter().all(|n| n == 168 - 34));
    // No class is 200: the prediction is taken out where the truth says nothing.
    (0..168).step_by(5).for_each(|i| pred[i] = 200);
    for (class, score) in case.per_class.iter().enumerate() {
        let Some(SurfaceDistances::Both { hd95, assd }) = score.surface else { panic!("class {class}") };
        let [wanted_hd95, wanted_assd] = by_all_pairs(&pred, &truth, size, spacing, class as u8);
        assert_near(hd95, wanted_hd95, "HD95");
        assert_near(assd, wanted_assd, "ASSD");
    }
}

/// A class in one map alone counts with the diagonal of the volume; spacing across slices counts like that within them.
#[test]
fn edges_of_the_definition() {
    let size = [3, 4, 5];
    let spacing = [5.0, 1.0, 0.5];
    let mut truth = vec![0u8; 60];
    let mut pred = truth.clone();
    let diagonal = (15.0f64.powi(2) + 4.0f64.powi(2) + 2.5f64.powi(2)).sqrt();
    let of = |pred: &[u8], truth: &[u8]| measured(pred, truth, size, spacing, 2).per_class[1].surface.unwrap();
    assert_eq!(of(&pred, &truth), SurfaceDistances::Neither { diagonal });
    truth[7] = 1;
    assert_eq!(of(&pred, &truth), SurfaceDistances::One { diagonal });
    // Two slices up, one row down, two columns to the right.
    pred[2 * 20 + 2 * 5 + 4] = 1;
    let far = (10.0f64.powi(2) + 1.0 + 1.0).sqrt();
    let SurfaceDistances::Both { hd95, assd } = of(&pred, &truth) else { panic!("both are there") };
    assert_near(hd95, far, "HD95");
    assert_near(assd, far, "ASSD");
    let text = measure_volume("v", &VolumePair { pred: &pred, truth: &truth[1..], size, spacing }, 2).unwrap_err();
    assert!(text.to_string().contains("60"), "{text}");
}

/// A scan of ordinary size takes seconds, and memory for one number a voxel of the box.
#[test]
fn large_volumes_take_seconds() {
    let size = if std::env::var_os("NPC_LONG").is_some() { [300, 512, 512] } else { [60, 128, 128] };
    let ball = |shift: f64| -> Vec<u8> {
        let at = |i: usize| {
            let p = [i / (size[1] * size[2]), i / size[2] % size[1], i % size[2]];
            let r: f64 = (0..3).map(|a| ((p[a] as f64 - shift) / size[a] as f64 - 0.5).powi(2)).sum();
            u8::from(r < 0.2)
        };
        (0..size.iter().product()).map(at).collect()
    };
    let (pred, truth) = (ball(0.0), ball(2.0));
    let began = std::time::Instant::now();
    let case = measured(&pred, &truth, size, [2.5, 0.8, 0.8], 2);
    let seconds = began.elapsed().as_secs_f64();
    let hd95 = case.per_class[1].get(Metric::Hd95, EmptyClassRule::One).unwrap();
    println!("{size:?}: HD95 {hd95:.3} mm in {seconds:.2} s");
    assert!(hd95 > 0.5 && hd95 < 6.0, "{hd95}");
    assert!(seconds < 60.0, "{seconds}");
}
