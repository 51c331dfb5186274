//! Scores against numbers worked by hand and against counting one by one; pictures of predictions.

use npc::run::data::resize;
use npc::run::error::Result;
use npc::run::metric::{CaseScore, Counts, Scores, Summary, cases_csv, score};
use npc::run::overlay::{overlay, restore, restore_scores, write_mask_atomic, write_png_atomic};
use tempfile::tempdir;

fn names(n: usize) -> Vec<String> {
    ["background", "lung", "heart", "rib"].iter().take(n).map(|s| s.to_string()).collect()
}

fn case(stem: &str, pred: &[u8], truth: &[u8], classes: usize) -> CaseScore {
    CaseScore::new(stem, score(pred, truth, classes).unwrap())
}

#[track_caller]
fn close(got: f64, wanted: f64) {
    assert!((got - wanted).abs() < 1e-12, "{got} is not {wanted}");
}

#[test]
fn worked_by_hand() {
    // Image 1: 2 of 3 true pixels found, one too many: IoU 2/4, Dice 4/6. Image 2: 1 of 1: 1 and 1.
    let a = case("a", &[1, 1, 1, 0, 0, 0], &[0, 1, 1, 1, 0, 0], 2);
    let b = case("b", &[0, 0, 0, 0, 0, 1], &[0, 0, 0, 0, 0, 1], 2);
    assert_eq!(a.counts[1], Counts { tp: 2, fp: 1, fn_: 1 });
    assert_eq!((a.per_class[1].iou, a.per_class[1].dice), (Some(0.5), Some(4.0 / 6.0)));
    let summary = Summary::new(&[a, b], &names(2)).unwrap();
    assert_eq!((summary.n, summary.empty), (2, 0));
    close(summary.iou, 0.75);
    close(summary.dice, 5.0 / 6.0);
    close(summary.pooled.iou, 3.0 / 5.0);
    close(summary.pooled.dice, 6.0 / 8.0);
    // Background: image 1 has 2 of 4, image 2 all.
    close(summary.per_class["background"].iou, 0.75);
    assert_eq!(summary.per_class["lung"], Scores { iou: summary.iou, dice: summary.dice });
    // The mean of per-image Dice lies below what the mean IoU would give; pooled scores obey the identity.
    assert!(summary.dice < 2.0 * summary.iou / (1.0 + summary.iou));
    close(summary.pooled.dice, 2.0 * summary.pooled.iou / (1.0 + summary.pooled.iou));
}

#[test]
fn a_class_in_neither_map_counts_as_found() {
    let absent = case("absent", &[0, 0], &[0, 0], 2);
    let invented = case("invented", &[0, 1], &[0, 0], 2);
    let missed = case("missed", &[0, 0], &[0, 1], 2);
    assert_eq!(absent.per_class[1].iou, None);
    assert_eq!((invented.per_class[1].iou, missed.per_class[1].dice), (Some(0.0), Some(0.0)));
    assert_eq!(absent.mean(), Scores { iou: 1.0, dice: 1.0 });
    let summary = Summary::new(&[absent, invented, missed], &names(2)).unwrap();
    close(summary.iou, 1.0 / 3.0);
    close(summary.dice, 1.0 / 3.0);
    assert_eq!(summary.empty, 1);
    close(summary.pooled.iou, 0.0);
    let nothing = Summary::new(&[], &names(2)).unwrap();
    assert_eq!((nothing.n, nothing.iou, nothing.pooled.dice), (0, 0.0, 0.0));
}

#[test]
fn classes_are_averaged_after_images() {
    // lung: 1, 0 -> 0.5; heart: in neither map of image 1 -> 1, then 1/2 -> 0.75.
    let a = case("a", &[1, 1, 0, 0], &[1, 1, 0, 0], 3);
    let b = case("b", &[1, 2, 2, 0], &[0, 2, 0, 0], 3);
    let summary = Summary::new(&[a.clone(), b], &names(3)).unwrap();
    close(summary.per_class["lung"].iou, 0.5);
    close(summary.per_class["heart"].iou, 0.75);
    close(summary.iou, 0.625);
    assert_eq!(summary.empty, 1);
    assert!(Summary::new(&[a], &names(2)).is_err());
}

#[test]
fn agrees_with_counting_one_by_one() {
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
    let summary = Summary::new(&scored, &names(4)).unwrap();
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
    close(summary.iou, iou / 60.0);
    close(summary.dice, dice / 60.0);
}

#[test]
fn what_cannot_be_scored() {
    let text = |r: Result<Vec<Counts>>| r.unwrap_err().to_string();
    assert!(text(score(&[0, 1], &[0], 2)).contains("2 pixels"));
    assert!(text(score(&[2], &[0], 2)).contains("prediction holds class 2"));
    assert!(text(score(&[0], &[7], 2)).contains("truth holds class 7"));
}

#[test]
fn table_of_cases() {
    let cases = [case("a,b", &[1, 1, 1], &[0, 1, 1], 3), case("c", &[0; 3], &[0; 3], 3)];
    let text = cases_csv(&cases, &names(3));
    assert_eq!(
        text,
        "stem,class,iou,dice,tp,fp,fn,empty\n\
         \"a,b\",lung,0.666667,0.800000,2,1,0,0\n\
         \"a,b\",heart,1.000000,1.000000,0,0,0,1\n\
         c,lung,1.000000,1.000000,0,0,0,1\n\
         c,heart,1.000000,1.000000,0,0,0,1\n"
    );
}

#[test]
fn summary_is_written_and_read() {
    let summary = Summary::new(&[case("a", &[1, 0, 0], &[1, 1, 0], 2)], &names(2)).unwrap();
    let text = serde_yaml::to_string(&summary).unwrap();
    assert_eq!(serde_yaml::from_str::<Summary>(&text).unwrap(), summary);
    let case = case("a", &[1, 0], &[1, 0], 3);
    let text = serde_json::to_string(&case).unwrap();
    assert!(text.contains("\"iou\":null"), "{text}");
    assert_eq!(serde_json::from_str::<CaseScore>(&text).unwrap(), case);
}

// Pictures

#[test]
fn restored_scores_are_resized_before_the_choice() {
    // Class 1 leads by 2 at the left and trails by 1 at the right: the border lies two thirds of the way.
    let scores = [0.0, 1.0, 2.0, 0.0];
    assert_eq!(restore_scores(&scores, 2, [1, 2], [1, 8]), [1, 1, 1, 1, 1, 0, 0, 0]);
    assert_eq!(restore_scores(&[1.0, 1.0], 2, [1, 1], [1, 2]), [0, 0]);
    assert_eq!(restore_scores(&[f32::NAN, 1.0], 2, [1, 1], [1, 1]), [1]);
    let map: Vec<u8> = (0..35).map(|i| i % 3).collect();
    assert_eq!(restore(&map, [5, 7], [10, 3]), resize::nearest(&map, [5, 7], [10, 3]));
    let flat: Vec<f32> = (0..3u8).flat_map(|k| map.iter().map(move |&c| f32::from(u8::from(c == k)))).collect();
    assert_eq!(restore_scores(&flat, 3, [5, 7], [5, 7]), map);
}

#[test]
fn overlay_tells_agreement_from_error() {
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
    let alone = overlay(&[100; 4800], size, &block(5, 25), None).unwrap();
    assert_ne!(alone[3 * (20 * 40 + 10)..][..3], [100; 3]);
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
