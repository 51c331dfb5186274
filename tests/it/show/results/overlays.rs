//! Overlays with their scores: letters, captions, sheets; tables of cases and their order.

use npc::internals::score::case_columns::{CaseColumns, worst_and_median};
use npc::internals::show::images::gallery::{OverlayCase, OverlayContent, case_sheet, fitting, legend};
use npc::internals::show::images::overlay::{
    AGREED, CONFUSED, FAINT, FALSE_NEGATIVE, FALSE_POSITIVE, IGNORED_STRIPE, STRONG, overlay,
};
use npc::internals::show::images::text_drawing::{Canvas, LETTER, LINE};
use tempfile::tempdir;

/// Rows of a canvas with `#` where the colour is.
fn pixel_rows(canvas: &Canvas, colour: [u8; 3]) -> Vec<String> {
    let row = |row: &[u8]| row.chunks_exact(3).map(|p| if p == colour { '#' } else { '.' }).collect();
    canvas.rgb.chunks_exact(3 * canvas.size[1]).map(row).collect()
}

#[test]
fn letters_are_upright() {
    let mut canvas = Canvas::filled([LINE, 2 * LETTER], [0; 3]);
    canvas.text([0, 0], "L7", [255; 3]);
    let rows = pixel_rows(&canvas, [255; 3]);
    let part = |row: &str, half: usize| row[half * LETTER..(half + 1) * LETTER].to_string();
    let inked: Vec<&String> = rows.iter().filter(|row| row.contains('#')).collect();
    // The foot of an L is wider than any row above it. The bar of a 7 is wider than any row below.
    let ink = |row: &str, half| part(row, half).matches('#').count();
    let (first, last) = (inked[0], inked[inked.len() - 1]);
    assert!(inked[..inked.len() - 1].iter().all(|row| ink(row, 0) < ink(last, 0)), "{rows:#?}");
    assert!(inked[1..].iter().all(|row| ink(row, 1) < ink(first, 1)), "{rows:#?}");
    // Text that does not fit is left out, and letters that the font lacks are marked.
    let mut small = Canvas::filled([4, 4], [0; 3]);
    small.text([2, 2], "ÄΩ語", [255; 3]);
    let mut unknown = [Canvas::filled([LINE, LETTER], [0; 3]), Canvas::filled([LINE, LETTER], [0; 3])];
    unknown[0].text([0, 0], "語", [255; 3]);
    unknown[1].text([0, 0], "?", [255; 3]);
    assert_eq!(unknown[0], unknown[1]);
}

/// Returns a grey case whose left half is predicted and whose upper half is true.
fn case(stem: &str, size: [usize; 2]) -> OverlayCase {
    let [h, w] = size;
    let map = |f: &dyn Fn(usize, usize) -> bool| (0..h * w).map(|i| u8::from(f(i / w, i % w))).collect();
    OverlayCase {
        stem: stem.into(),
        score: "Dice 0.500".into(),
        rgb: vec![128; 3 * h * w],
        size,
        predicted: map(&|_, x| x < w / 2),
        truth: Some(map(&|y, _| y < h / 2)),
    }
}

#[test]
fn errors_have_their_colours() {
    // Small images are enlarged four times, so that they can be inspected.
    let picture = case("a", [40, 60]).draw(1000).unwrap();
    assert_eq!(picture.size, [160, 240]);
    let at = |y: usize, x: usize| -> [u8; 3] { picture.rgb[(4 * y * 240 + 4 * x) * 3..][..3].try_into().unwrap() };
    // The colour is half mixed with grey, and the corner outside both masks is unchanged.
    let towards =
        |colour: [u8; 3], share: f32| colour.map(|c| (128.0 * (1.0 - share) + f32::from(c) * share).round() as u8);
    assert_eq!(at(30, 10), towards(FALSE_POSITIVE, STRONG));
    assert_eq!(at(10, 50), towards(FALSE_NEGATIVE, STRONG));
    assert_eq!(at(10, 10), towards(AGREED, FAINT));
    assert_eq!(at(30, 50), [128; 3]);
    assert_eq!(fitting([400, 600], 300), [200, 300]);
    assert_eq!(fitting([10, 2000], 320), [2, 320]);
    assert_eq!(fitting([1, 5000], 320), [1, 320]);
    assert_eq!(case("a", [400, 600]).draw(300).unwrap().size, [200, 300]);
}

/// Over red tissue, pale skin, bright bone and the dark the colours are those over grey, and lines have a dark edge.
#[test]
fn overlays_are_readable_on_any_image() {
    let size = [60, 60];
    let square = |low: usize, high: usize| -> Vec<u8> {
        (0..3600).map(|i| u8::from((low..high).contains(&(i / 60)) && (low..high).contains(&(i % 60)))).collect()
    };
    let (predicted, truth) = (square(5, 40), square(20, 55));
    let hue = |p: &[u8]| {
        let light = p.iter().copied().min().unwrap();
        let most = f32::from(p.iter().copied().max().unwrap() - light).max(1.0);
        [0, 1, 2].map(|c| (10.0 * f32::from(p[c] - light) / most).round())
    };
    for tissue in [[190, 70, 55], [225, 190, 170], [255, 255, 255], [0, 0, 0], [20, 160, 60], [250, 200, 10]] {
        let rgb = tissue.repeat(3600);
        let made = overlay(&rgb, size, &predicted, Some(&truth)).unwrap();
        let at = |y: usize, x: usize| &made[3 * (60 * y + x)..][..3];
        for ((y, x), colour) in [((30, 30), AGREED), ((10, 30), FALSE_POSITIVE), ((50, 50), FALSE_NEGATIVE)] {
            assert_eq!(hue(at(y, x)), hue(&colour), "{tissue:?}");
        }
        // From the outside to the inside of the prediction: the image, its dark edge, the line, the dark edge, the tint.
        assert_eq!((at(3, 30), at(5, 30)), (&tissue[..], &FALSE_POSITIVE[..]));
        assert!(
            (0..3).all(|c| f32::from(at(4, 30)[c]) <= 0.35 * f32::from(tissue[c]) + 0.5),
            "{tissue:?}: {:?}",
            at(4, 30)
        );
        assert_eq!(at(54, 30), [255; 3], "the outline of the truth");
        let plain = overlay(&rgb, size, &predicted, None).unwrap();
        assert_eq!(hue(&plain[3 * (60 * 30 + 30)..][..3]), hue(&[0, 200, 140]), "a class without truth");
    }
}

#[test]
fn the_legend_has_what_can_occur() {
    let names = |several_classes, ignored| -> Vec<&str> {
        legend(OverlayContent { several_classes, ignored }).into_iter().map(|(name, _)| name).collect()
    };
    assert_eq!(names(false, false), ["agreed", "false positive", "false negative", "outline of the truth"]);
    assert_eq!(names(true, true)[3..], ["wrong class", "outline of the truth", "ignored"]);
    let swatch = |case: &OverlayCase| {
        let sheet = case_sheet("run", std::slice::from_ref(case), 1).unwrap();
        sheet.rgb.chunks_exact(3).filter(|p| *p == CONFUSED).count()
    };
    let one = case("a", [40, 60]);
    assert_eq!(swatch(&one), 0, "background and one class");
    let mut two = one.clone();
    two.predicted[..60].fill(2);
    assert!(swatch(&two) >= 100);
}

#[test]
fn a_sheet_holds_every_case_with_its_name_and_the_legend() {
    let cases: Vec<OverlayCase> = (0..5).map(|i| case(&format!("case_{i}"), [40 + 10 * i, 120])).collect();
    let made = case_sheet("run: all 5, worst first", &cases, 2).unwrap();
    // Colours of the legend are opaque, those on pictures are mixed with the image.
    for colour in [AGREED, FALSE_POSITIVE, FALSE_NEGATIVE] {
        let swatch = made.rgb.chunks_exact(3).filter(|p| *p == colour).count();
        assert!(swatch >= 100, "{colour:?} covers {swatch} pixels of the legend");
    }
    let pixels = |canvas: &Canvas, colour: [u8; 3]| canvas.rgb.chunks_exact(3).filter(|p| *p == colour).count();
    let ink = [240; 3];
    let captioned_pixels: usize = cases.iter().map(|c| pixels(&c.captioned(320).unwrap(), ink)).sum();
    assert_eq!(pixels(&made, ink), captioned_pixels, "every caption is on the sheet");
    assert!(captioned_pixels > 500);
    // Without a true mask there are no errors to explain.
    let plain: Vec<OverlayCase> = cases.iter().map(|c| OverlayCase { truth: None, ..c.clone() }).collect();
    assert_eq!(pixels(&case_sheet("run", &plain, 2).unwrap(), FALSE_POSITIVE), 0);
    // A sheet of many large pictures has a bounded size; none is a title.
    let many: Vec<OverlayCase> = (0..62).map(|i| case(&i.to_string(), [330, 340])).collect();
    let [h, w] = case_sheet("many", &many, 4).unwrap().size;
    assert!(h < 6000 && w < 1500, "{h} x {w}");
    assert!(case_sheet("nothing", &[], 4).unwrap().size[1] >= 8 * 7);
}

/// Stripes and nothing else where the truth ignores a pixel, and the legend says so.
#[test]
fn ignored_pixels_are_hatched() {
    let [h, w] = [40, 60];
    let mut hatched = case("a", [h, w]);
    hatched.truth.as_mut().unwrap()[..h / 2 * w].fill(255);
    let picture = hatched.draw(1000).unwrap();
    let above: Vec<&[u8]> = picture.rgb[..4 * (h / 2) * 4 * w * 3].chunks_exact(3).collect();
    let grey = above.iter().filter(|p| **p == [128; 3]).count();
    assert!(above.iter().all(|p| p[0] == p[1] && p[1] == p[2]), "no colour of an error");
    assert!(grey > above.len() / 3 && grey < above.len() * 9 / 10, "{grey} of {} pixels are not striped", above.len());
    let swatches = |case: &OverlayCase| {
        let sheet = case_sheet("run", std::slice::from_ref(case), 1).unwrap();
        sheet.rgb.chunks_exact(3).filter(|p| *p == IGNORED_STRIPE).count()
    };
    assert!(swatches(&hatched) >= 100 && swatches(&case("a", [h, w])) == 0);
}

#[test]
fn cases_are_ranked_by_their_mean() {
    let dir = tempdir().unwrap();
    let path = dir.path().join("cases.csv");
    let text = "stem,group,class,iou,dice,empty\n\
                b,p1,lung,0.2,0.4,0\nb,p1,heart,0.6,0.8,0\n\
                \"a, left\",p1,lung,0.1,0.2,0\n\"a, left\",p1,heart,,,1\n\
                c,p2,lung,1,1,0\nc,p2,heart,0.8,0.9,0\nd,p2,lung,,nan,1\n";
    std::fs::write(&path, text).unwrap();
    let table = CaseColumns::read(&path).unwrap();
    assert_eq!(table.columns, ["iou", "dice", "empty"]);
    assert_eq!(table.classes(), ["lung", "heart"]);
    let ranked: Vec<_> =
        table.worst_first("dice").into_iter().map(|r| (r.stem, (r.score * 1e6).round() / 1e6)).collect();
    assert_eq!(ranked, [("a, left".to_string(), 0.2), ("b".into(), 0.6), ("c".into(), 0.95)], "`d` has no score");
    assert!(table.worst_first("hd95").is_empty());
    std::fs::write(&path, "stem,class,dice\na,lung\n").unwrap();
    assert!(CaseColumns::read(&path).unwrap_err().to_string().contains("line: 2"));
    std::fs::write(&path, "name,dice\na,1\n").unwrap();
    assert!(CaseColumns::read(&path).unwrap_err().to_string().contains("no column `stem`"));
}

#[test]
fn worst_and_median_do_not_overlap() {
    let dir = tempdir().unwrap();
    for n in 0..40 {
        let path = dir.path().join("cases.csv");
        let lines: String = (0..n).map(|i| format!("{i},lung,{}\n", i as f64 / 100.0)).collect();
        std::fs::write(&path, format!("stem,class,dice\n{lines}")).unwrap();
        let ranked = CaseColumns::read(&path).unwrap().worst_first("dice");
        for k in 1..8 {
            let (worst, median) = worst_and_median(&ranked, k);
            assert_eq!(worst.len(), if 2 * k > n { n } else { k }, "{k} of {n}");
            let names: std::collections::HashSet<_> = worst.iter().chain(median).map(|r| &r.stem).collect();
            assert_eq!(names.len(), worst.len() + median.len());
            // The middle case is always shown.
            assert!(n == 0 || names.contains(&ranked[n / 2].stem), "{k} of {n}");
            if n >= 3 * k {
                assert_eq!(median.len(), k);
                let places: Vec<f64> = median.iter().map(|r| r.score * 100.0).collect();
                let centre = (places[0] + places[k - 1]) / 2.0;
                assert!((centre - (n as f64 - 1.0) / 2.0).abs() <= 0.51, "{k} of {n} around {centre}");
            }
        }
    }
}
