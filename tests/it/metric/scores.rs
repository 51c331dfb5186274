//! Scores against numbers worked by hand and against counting one by one; pictures of predictions.

use npc::internals::base::error::Result;
use npc::internals::data::png::{write_mask_atomic, write_png_atomic};
use npc::internals::data::resize;
use npc::internals::metric::{
    CaseScore, CaseTable, Intervals, MaskPair, PixelCounts, Summary, cases_csv, count_pixels, measure,
};
use npc::internals::show::images::overlay::overlay;
use npc::text::config::{EmptyClassRule, Metric};
use tempfile::tempdir;

fn names(n: usize) -> Vec<String> {
    ["background", "lung", "heart", "rib"].iter().take(n).map(|s| s.to_string()).collect()
}

fn case(stem: &str, pred: &[u8], truth: &[u8], classes: usize) -> CaseScore {
    CaseScore::new(stem, count_pixels(pred, truth, classes).unwrap())
}

#[track_caller]
pub fn assert_close(got: impl Into<Option<f64>>, wanted: f64) {
    let got = got.into().expect("a score");
    assert!((got - wanted).abs() < 1e-12, "{got} is not {wanted}");
}

#[test]
fn scores_equal_those_worked_by_hand() {
    // Image 1: 2 of 3 true pixels are found, one is wrong: IoU 2/4, Dice 4/6. Image 2: 1 of 1: 1 and 1.
    let a = case("a", &[1, 1, 1, 0, 0, 0], &[0, 1, 1, 1, 0, 0], 2);
    let b = case("b", &[0, 0, 0, 0, 0, 1], &[0, 0, 0, 0, 0, 1], 2);
    let counts = a.per_class[1].counts;
    assert_eq!(counts, PixelCounts { tp: 2, fp: 1, fn_: 1, tn: 2 });
    assert_eq!((counts.iou(), counts.dice()), (Some(0.5), Some(4.0 / 6.0)));
    assert_eq!((counts.precision(), counts.recall()), (Some(2.0 / 3.0), Some(2.0 / 3.0)));
    assert_eq!((counts.specificity(), counts.accuracy()), (Some(2.0 / 3.0), Some(4.0 / 6.0)));
    let summary = Summary::new(&[a, b], &names(2), EmptyClassRule::One).unwrap();
    assert_eq!((summary.n, summary.empty), (2, 0));
    assert_close(summary.iou, 0.75);
    assert_close(summary.dice, 5.0 / 6.0);
    assert_close(summary.pooled.iou, 3.0 / 5.0);
    assert_close(summary.pooled.dice, 6.0 / 8.0);
    // Background: image 1 has 2 of 4, image 2 all pixels.
    assert_close(summary.per_class["background"].get(Metric::Iou), 0.75);
    assert_eq!(summary.per_class["lung"], summary.mean);
    // The mean of per-image Dice is below the value from the mean IoU; pooled scores satisfy the identity.
    let (iou, pooled) = (summary.iou.unwrap(), summary.pooled.iou.unwrap());
    assert!(summary.dice.unwrap() < 2.0 * iou / (1.0 + iou));
    assert_close(summary.pooled.dice, 2.0 * pooled / (1.0 + pooled));
}

#[test]
fn a_class_in_neither_map_follows_the_rule() {
    let size = [1, 2];
    let measured = |stem: &str, pred: &[u8], truth: &[u8]| {
        let pair = MaskPair { pred, truth, size, spacing: Some([3.0, 2.0]) };
        measure(stem, &pair, 2, &Metric::ALL).unwrap()
    };
    let absent = measured("absent", &[0, 0], &[0, 0]);
    let invented = measured("invented", &[0, 1], &[0, 0]);
    let missed = measured("missed", &[0, 0], &[0, 1]);
    assert_eq!(absent.per_class[1].counts.iou(), None);
    // 1 x 2 pixels of 3 x 2 mm.
    let diagonal = 5.0;
    let cases = [absent, invented, missed];
    for (rule, one, mean, distance, all) in [
        (EmptyClassRule::One, Some(1.0), 1.0 / 3.0, Some(0.0), 2.0 * diagonal / 3.0),
        (EmptyClassRule::Skip, None, 0.0, None, diagonal),
        (EmptyClassRule::Zero, Some(0.0), 0.0, Some(diagonal), diagonal),
    ] {
        let scores = cases[0].mean(rule);
        for metric in [Metric::Dice, Metric::Iou, Metric::Precision, Metric::Recall, Metric::BoundaryIou] {
            assert_eq!(scores.get(metric), one, "{} with {rule:?}", metric.name());
            assert_eq!(cases[1].mean(rule).get(metric), Some(0.0), "{} with {rule:?}", metric.name());
            assert_eq!(cases[2].mean(rule).get(metric), Some(0.0), "{} with {rule:?}", metric.name());
        }
        assert_eq!((scores.get(Metric::Hd95), scores.get(Metric::Assd)), (distance, distance));
        assert_eq!((scores.get(Metric::Specificity), scores.get(Metric::Accuracy)), (Some(1.0), Some(1.0)));
        let summary = Summary::new(&cases, &names(2), rule).unwrap();
        assert_close(summary.iou, mean);
        assert_close(summary.mean.get(Metric::Assd), all);
        assert_eq!((summary.empty, summary.one_sided, summary.empty_rule), (1, 2, rule));
        assert_close(summary.pooled.iou, 0.0);
    }
    let skipped = Summary::new(&cases[..1], &names(2), EmptyClassRule::Skip).unwrap();
    assert_eq!((skipped.iou, skipped.pooled.dice), (None, None));
    assert!(skipped.get(Metric::Dice).is_nan());
    let nothing = Summary::new(&[], &names(2), EmptyClassRule::One).unwrap();
    assert_eq!((nothing.n, nothing.iou, nothing.pooled.dice), (0, None, None));
}

#[test]
fn nan_is_never_the_best() {
    assert!(Metric::Dice.better(0.2, 0.1) && !Metric::Dice.better(0.1, 0.1));
    assert!(Metric::Hd95.better(0.1, 0.2) && !Metric::Hd95.better(0.3, 0.2));
    for metric in Metric::ALL {
        assert!(!metric.better(f64::NAN, 0.5) && metric.better(0.5, f64::NAN) && !metric.better(f64::NAN, f64::NAN));
        assert_eq!(Metric::from_name(metric.name()), Some(metric));
    }
}

#[test]
fn millimetres_and_pixels_do_not_mix() {
    let pair = |spacing| MaskPair { pred: &[0, 1], truth: &[0, 1], size: [1, 2], spacing };
    let cases = [None, Some([1.0, 1.0])].map(|s| measure("x", &pair(s), 2, &[Metric::Hd95]).unwrap());
    let error = Summary::new(&cases, &names(2), EmptyClassRule::One).unwrap_err().to_string();
    assert!(error.contains("in px") && error.contains("in mm") && error.contains("`spacing`"), "{error}");
}

#[test]
fn classes_are_averaged_after_images() {
    // lung: 1, 0 -> 0.5; heart: in neither map of image 1 -> 1, then 1/2 -> 0.75.
    let a = case("a", &[1, 1, 0, 0], &[1, 1, 0, 0], 3);
    let b = case("b", &[1, 2, 2, 0], &[0, 2, 0, 0], 3);
    let summary = Summary::new(&[a.clone(), b], &names(3), EmptyClassRule::One).unwrap();
    assert_close(summary.per_class["lung"].get(Metric::Iou), 0.5);
    assert_close(summary.per_class["heart"].get(Metric::Iou), 0.75);
    assert_close(summary.iou, 0.625);
    assert_eq!(summary.empty, 1);
    assert!(Summary::new(&[a], &names(2), EmptyClassRule::One).is_err());
}

#[test]
fn scores_agree_with_counting_one_by_one() {
    let mut state = 1u32;
    let mut random = move |n: u32| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        ((state >> 16) % n) as u8
    };
    let cases: Vec<(Vec<u8>, Vec<u8>)> = (0..20)
        .map(|i| {
            let k = 1 + i % 4;
            (0..97).map(|_| (random(k), random(k))).unzip()
        })
        .collect();
    let scored: Vec<CaseScore> = cases.iter().map(|(p, t)| case("x", p, t, 4)).collect();
    let summary = Summary::new(&scored, &names(4), EmptyClassRule::One).unwrap();
    let (mut iou, mut dice) = (0.0, 0.0);
    for class in 1..4u8 {
        for (p, t) in &cases {
            let both = p.iter().zip(t).filter(|(p, t)| **p == class && **t == class).count() as f64;
            let (a, b) =
                (p.iter().filter(|v| **v == class).count() as f64, t.iter().filter(|v| **v == class).count() as f64);
            iou += if a + b == 0.0 { 1.0 } else { both / (a + b - both) };
            dice += if a + b == 0.0 { 1.0 } else { 2.0 * both / (a + b) };
        }
    }
    assert_close(summary.iou, iou / 60.0);
    assert_close(summary.dice, dice / 60.0);
}

#[test]
fn inputs_without_a_score_are_refused() {
    let text = |r: Result<Vec<PixelCounts>>| r.unwrap_err().to_string();
    assert!(text(count_pixels(&[0, 1], &[0], 2)).contains("2 pixels"));
    assert!(text(count_pixels(&[2], &[0], 2)).contains("prediction contains class 2"));
    assert!(text(count_pixels(&[0], &[7], 2)).contains("truth contains class 7"));
}

#[test]
fn table_of_cases() {
    let mut cases = [case("a,b", &[1, 1, 1], &[0, 1, 1], 3), case("c", &[0; 3], &[0; 3], 3)];
    let header = "stem,class,iou,dice,tp,fp,fn,empty,tn,precision,recall,specificity,accuracy,group\n";
    let a = "\"a,b\",lung,0.666667,0.800000,2,1,0,0,0,0.666667,1.000000,0.000000,0.666667,";
    let one = ",1.000000,1.000000,0,0,0,1,3,1.000000,1.000000,1.000000,1.000000,";
    assert_eq!(
        cases_csv(&cases, &names(3), EmptyClassRule::One),
        format!("{header}{a}\n\"a,b\",heart{one}\nc,lung{one}\nc,heart{one}\n")
    );
    let skip = cases_csv(&cases, &names(3), EmptyClassRule::Skip);
    assert!(skip.ends_with("c,heart,,,0,0,0,1,3,,,1.000000,1.000000,\n"), "{skip}");
    // The file is read back.
    let dir = tempdir().unwrap();
    let path = dir.path().join("cases.csv");
    cases[0].group = Some("p \"1\"".into());
    cases[1].group = Some("p2".into());
    std::fs::write(&path, cases_csv(&cases, &names(3), EmptyClassRule::Skip)).unwrap();
    let table = CaseTable::read(&path).unwrap();
    assert_eq!((table.stems.clone(), table.classes.clone()), (vec!["a,b".into(), "c".into()], names(3)[1..].to_vec()));
    assert_eq!(table.groups, Some(vec!["p \"1\"".to_string(), "p2".into()]));
    let dice = &table.scores[&Metric::Dice];
    assert!(dice[0][0] == 0.8 && dice[0][1].is_nan() && dice[1].iter().all(|d| d.is_nan()));
    assert!(!table.scores.contains_key(&Metric::Hd95));
    let text = std::fs::read_to_string(&path).unwrap();
    for (broken, wanted) in [
        (text.replace("0.800000", "high"), "line 2: `high` is not a number, in the column `dice`"),
        (text.replace("c,heart", "c,liver"), "line 5"),
        (text[..text.find("c,heart").unwrap()].to_string(), "lacks a class"),
        (text.replace("stem,", "name,"), "no column `stem`"),
        (text[..header.len()].to_string(), "no images"),
    ] {
        std::fs::write(&path, broken).unwrap();
        let error = CaseTable::read(&path).unwrap_err().to_string();
        assert!(error.contains(wanted) && error.contains("cases.csv"), "{error}");
    }
}

#[test]
fn intervals_hold_the_means_and_follow_groups() {
    let mut cases: Vec<CaseScore> = (0..30)
        .map(|i: usize| {
            let truth: Vec<u8> = (0..40).map(|j| u8::from(j < 20)).collect();
            let pred: Vec<u8> = (0..40).map(|j| u8::from(j < 12 + i % 9)).collect();
            case(&i.to_string(), &pred, &truth, 2)
        })
        .collect();
    let summary = Summary::new(&cases, &names(2), EmptyClassRule::One).unwrap();
    let intervals = Intervals::new(&cases, &names(2), EmptyClassRule::One, 0).unwrap();
    let inside =
        |x: Option<f64>, i: npc::internals::metric::statistics::Interval| i.low <= x.unwrap() && x.unwrap() <= i.high;
    for metric in [Metric::Dice, Metric::Iou, Metric::Recall, Metric::Accuracy] {
        assert!(inside(summary.mean.get(metric), intervals.mean[&metric]), "{}", metric.name());
        assert!(inside(summary.pooled.mean.get(metric), intervals.pooled[&metric]), "{}", metric.name());
        assert_eq!(intervals.mean[&metric], intervals.per_class["lung"][&metric]);
    }
    let width = |i: &Intervals| i.mean[&Metric::Dice].high - i.mean[&Metric::Dice].low;
    // Images are alike within three groups: the spread is that of three units, not of thirty.
    cases.iter_mut().enumerate().for_each(|(i, case)| case.group = Some((i % 9 / 3).to_string()));
    let grouped = Intervals::new(&cases, &names(2), EmptyClassRule::One, 0).unwrap();
    assert_eq!((intervals.units, intervals.grouped, grouped.units, grouped.grouped), (30, false, 3, true));
    assert!(width(&grouped) > 1.5 * width(&intervals), "{} {}", width(&grouped), width(&intervals));
    assert_eq!(Intervals::new(&cases[..1], &names(2), EmptyClassRule::One, 0), None);
}

#[test]
fn summary_is_written_and_read() {
    let pair = MaskPair { pred: &[1, 0, 0], truth: &[1, 1, 0], size: [1, 3], spacing: None };
    let case = measure("a", &pair, 2, &Metric::ALL).unwrap();
    let summary = Summary::new(std::slice::from_ref(&case), &names(2), EmptyClassRule::Skip).unwrap();
    let text = serde_yaml::to_string(&summary).unwrap();
    assert_eq!(serde_yaml::from_str::<Summary>(&text).unwrap(), summary);
    let text = serde_json::to_string(&case).unwrap();
    assert_eq!(serde_json::from_str::<CaseScore>(&text).unwrap(), case);
    let empty = Summary::new(&[], &names(2), EmptyClassRule::Skip).unwrap();
    let text = serde_json::to_string(&empty).unwrap();
    assert!(text.contains("\"iou\":null"), "{text}");
    assert_eq!(serde_json::from_str::<Summary>(&text).unwrap(), empty);
}

// Pictures

#[test]
fn restored_scores_are_resized_before_the_choice() {
    // Class 1 leads by 2 on the left and trails by 1 on the right: the border is at two thirds of the way.
    let scores = [0.0, 1.0, 2.0, 0.0];
    assert_eq!(resize::argmax(&scores, 2, [1, 2], [1, 8]), [1, 1, 1, 1, 1, 0, 0, 0]);
    assert_eq!(resize::argmax(&[1.0, 1.0], 2, [1, 1], [1, 2]), [0, 0]);
    assert_eq!(resize::argmax(&[f32::NAN, 1.0], 2, [1, 1], [1, 1]), [1]);
    let map: Vec<u8> = (0..35).map(|i| i % 3).collect();
    let flat: Vec<f32> = (0..3u8).flat_map(|k| map.iter().map(move |&c| f32::from(u8::from(c == k)))).collect();
    assert_eq!(resize::argmax(&flat, 3, [5, 7], [5, 7]), map);
    // Large pictures are done a few rows at a time, with the same scores.
    let scores: Vec<f32> = (0..70u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 8) as f32).collect();
    let to = [3, 1 << 19];
    let [first, second] = [0, 1].map(|k| resize::plane(&scores[35 * k..35 * (k + 1)], [5, 7], to));
    let wanted: Vec<u8> = first.iter().zip(&second).map(|(a, b)| u8::from(b > a)).collect();
    assert!(resize::argmax(&scores, 2, [5, 7], to) == wanted);
}

#[test]
fn overlays_distinguish_agreement_from_error() {
    let size = [40, 40];
    let block = |from: usize, to: usize| -> Vec<u8> {
        (0..1600).map(|i| u8::from((from..to).contains(&(i % 40)) && (5..35).contains(&(i / 40)))).collect()
    };
    let picture = overlay(&[100; 4800], size, &block(5, 25), Some(&block(15, 35))).unwrap();
    let at = |x: usize, y: usize| <[u8; 3]>::try_from(&picture[3 * (y * 40 + x)..][..3]).unwrap();
    assert_eq!(at(1, 1), [100; 3]);
    let [r, g, b] = at(10, 20);
    assert!(r > g && r > b);
    let [r, g, b] = at(20, 20);
    assert!(g > r && g > b);
    let [r, g, b] = at(30, 20);
    assert!(b > r && b > g);
    assert!(at(15, 20).iter().all(|&v| v > 200), "the outline of the truth is white");
    let prediction_only = overlay(&[100; 4800], size, &block(5, 25), None).unwrap();
    assert_ne!(prediction_only[3 * (20 * 40 + 10)..][..3], [100; 3]);
    assert!(overlay(&[0; 3], [1, 1], &[0, 0], None).is_err());
}

#[test]
fn masks_are_written_in_labels() {
    let dir = tempdir().unwrap();
    let path = dir.path().join("m.png");
    write_mask_atomic(&path, &[0, 1, 1, 0], [2, 2], &[0, 255]).unwrap();
    assert_eq!(image::open(&path).unwrap().into_luma8().into_raw(), [0, 255, 255, 0]);
    write_mask_atomic(&path, &[0, 1, 2, 0], [2, 2], &[0, 7, 1000]).unwrap();
    let deep = image::open(&path).unwrap();
    assert_eq!(deep.color(), image::ColorType::L16);
    assert_eq!(deep.into_luma16().into_raw(), [0, 7, 1000, 0]);
    assert!(write_mask_atomic(&path, &[3], [1, 1], &[0, 1]).unwrap_err().to_string().contains("class 3"));
    assert!(write_mask_atomic(&path, &[0], [1, 1], &[0, 70_000]).unwrap_err().to_string().contains("70000"));
    write_png_atomic(&path, &[1, 2, 3, 4, 5, 6], [1, 2]).unwrap();
    assert_eq!(image::open(&path).unwrap().into_rgb8().into_raw(), [1, 2, 3, 4, 5, 6]);
    assert!(write_png_atomic(&path, &[1, 2], [1, 2]).is_err());
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
}

/// Ignored pixels are taken out of both masks: the scores are those of the image without these pixels.
#[test]
fn ignored_pixels_count_in_no_score() {
    const IGNORED: u8 = 255;
    let mut state = 5u32;
    let mut random = move |n: u32| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        ((state >> 16) % n) as u8
    };
    for _ in 0..20 {
        let truth: Vec<u8> = (0..96).map(|_| if random(3) == 0 { IGNORED } else { random(3) }).collect();
        let pred: Vec<u8> = (0..96).map(|_| random(3)).collect();
        let (left_pred, left): (Vec<u8>, Vec<u8>) = pred.iter().zip(&truth).filter(|(_, t)| **t != IGNORED).unzip();
        let counts = count_pixels(&pred, &truth, 3).unwrap();
        assert_eq!(counts, count_pixels(&left_pred, &left, 3).unwrap());
        // Distances are those of masks without the class at ignored pixels, whatever the network says there.
        let measured = |pred: &[u8], truth: &[u8]| {
            measure("x", &MaskPair { pred, truth, size: [8, 12], spacing: None }, 3, &Metric::ALL).unwrap()
        };
        let cleared = |map: &[u8], to: u8| -> Vec<u8> {
            map.iter().zip(&truth).map(|(&class, &t)| if t == IGNORED { to } else { class }).collect()
        };
        let found = measured(&pred, &truth);
        assert_eq!(found.ignored_pixels, truth.iter().filter(|&&t| t == IGNORED).count() as u64);
        let other = measured(&cleared(&pred, 1), &truth);
        let plain = measured(&cleared(&pred, 0), &cleared(&truth, 0));
        for class in 1..3 {
            assert_eq!(found.per_class[class], other.per_class[class]);
            assert_eq!(found.per_class[class].surface, plain.per_class[class].surface);
            assert_eq!(found.per_class[class].boundary, plain.per_class[class].boundary);
        }
    }
}

#[test]
fn an_image_of_ignored_pixels_has_no_score() {
    let measured = |stem: &str, pred: &[u8], truth: &[u8]| {
        measure(stem, &MaskPair { pred, truth, size: [1, 3], spacing: None }, 2, &Metric::ALL).unwrap()
    };
    let void = measured("void", &[1, 0, 1], &[255; 3]);
    assert!(void.is_ignored() && !void.predicts_foreground());
    let half = measured("half", &[1, 1, 0], &[1, 255, 0]);
    for rule in EmptyClassRule::ALL {
        assert!(Metric::ALL.into_iter().all(|m| void.mean(rule).get(m).is_none()), "{rule:?}");
        let summary = Summary::new(&[void.clone(), half.clone()], &names(2), rule).unwrap();
        assert_eq!((summary.dice, summary.empty, summary.one_sided), (Some(1.0), 0, 0));
        assert_eq!((summary.ignored_pixels, summary.ignored_images), (4, 1));
    }
    let table = cases_csv(&[void, half], &names(2), EmptyClassRule::One);
    assert!(table.lines().next().unwrap().ends_with(",hd95,assd,ignored_pixels,group"), "{table}");
    assert!(table.contains("void,lung,,,0,0,0,1,0,,,,,,,,3,\n"), "{table}");
}

/// Under `empty = one` a network that finds nothing has a Dice above 0 where masks are empty.
#[test]
fn a_summary_says_that_nothing_was_found() {
    let cases = [case("a", &[0, 0], &[0, 0], 2), case("b", &[0, 0], &[0, 1], 2)];
    let summary = Summary::new(&cases, &names(2), EmptyClassRule::One).unwrap();
    assert!(summary.finds_nothing());
    assert_eq!((summary.images_with_prediction, summary.images_with_foreground), (Some(0), Some(1)));
    let found =
        Summary::new(&[cases[0].clone(), case("c", &[0, 1], &[1, 0], 2)], &names(2), EmptyClassRule::One).unwrap();
    assert!(!found.finds_nothing());
    assert!(!Summary::new(&[], &names(2), EmptyClassRule::One).unwrap().finds_nothing());
}
