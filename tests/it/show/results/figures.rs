//! The figures of an evaluation: what they show, as SVG and as PNG.

use npc::internals::metric::{ConfusionMatrix, PixelTally};
use npc::internals::show::chart::{ChartDrawing, ChartTheme};
use npc::internals::show::figures::FigureData;

/// Figures of random probabilities, of which most are right.
pub fn figure_data(classes: &[&str]) -> FigureData {
    let (k, pixels) = (classes.len(), 4000);
    let mut state = 1u64;
    let mut random = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1u64 << 24) as f32
    };
    let truth: Vec<u8> = (0..pixels).map(|_| if random() < 0.6 { 0 } else { (random() * k as f32) as u8 }).collect();
    let mut probabilities = vec![0f32; k * pixels];
    for (i, &t) in truth.iter().enumerate() {
        let logits: Vec<f32> = (0..k).map(|c| 4.0 * random() + if c == usize::from(t) { 3.0 } else { 0.0 }).collect();
        let sum: f32 = logits.iter().map(|l| l.exp()).sum();
        (0..k).for_each(|c| probabilities[c * pixels + i] = logits[c].exp() / sum);
    }
    let of = |i: usize, c: usize| probabilities[c * pixels + i];
    let predicted: Vec<u8> =
        (0..pixels).map(|i| (0..k).max_by(|&a, &b| of(i, a).total_cmp(&of(i, b))).unwrap_or(0) as u8).collect();
    let mut tally = PixelTally::new(k);
    tally.add(&probabilities, &predicted, &truth);
    let names: Vec<String> = classes.iter().map(|name| name.to_string()).collect();
    let figures = tally.finish(&names);
    FigureData {
        confusion: Some(figures.confusion),
        confusion_of_volumes: None,
        calibration: Some(figures.calibration),
        precision_recall: figures.precision_recall,
    }
}

fn drawing(data: &FigureData, stem: &str) -> Option<ChartDrawing> {
    data.draw().into_iter().find(|figure| figure.stem == stem).map(|figure| figure.drawing)
}

fn names(classes: usize) -> Vec<String> {
    (0..classes).map(|i| format!("class {i}")).collect()
}

/// Every coordinate of a text or a shape lies on the drawing.
fn assert_inside(drawing: &ChartDrawing) {
    let [width, height] = drawing.size;
    for (attribute, most) in [("x", width), ("cx", width), ("y", height), ("cy", height)] {
        let start = format!(" {attribute}=\"");
        let values = drawing.body.split(&start).skip(1);
        for value in values.map(|rest| rest.split('"').next().unwrap().parse::<f64>().unwrap()) {
            assert!((0.0..=most).contains(&value), "{}: {attribute} = {value} of {most}", drawing.title);
        }
    }
}

#[test]
fn every_count_of_the_matrix_is_shown() {
    let data = figure_data(&["background", "liver", "tumour"]);
    let matrix = data.confusion.clone().unwrap();
    let drawing = drawing(&data, "confusion").unwrap();
    for truth in 0..3 {
        for predicted in 0..3 {
            let (a, b) = (&matrix.classes[truth], &matrix.classes[predicted]);
            let count = matrix.count(truth, predicted);
            let share = 100.0 * matrix.row_share(truth, predicted).unwrap();
            let thousands =
                if count >= 1000 { format!("{},{:03}", count / 1000, count % 1000) } else { count.to_string() };
            let words = format!("<title>{a} predicted as {b}: {thousands} pixels, {share:.2} %</title>");
            assert!(drawing.body.contains(&words), "{words}");
            assert!(drawing.body.contains(&format!(">{share:.1} %</text>")), "{share}");
        }
    }
    assert_eq!(drawing.body.matches("class=\"cell\"").count(), 9);
}

#[test]
fn figures_of_any_number_of_classes_fit() {
    let long = "left ventricular myocardium with papillary muscles";
    for classes in [1, 2, 3, 4, 8, 12, 20, 40] {
        let mut names = names(classes);
        names[classes - 1] = long.into();
        let data = figure_data(&names.iter().map(|name| &name[..]).collect::<Vec<_>>());
        let figures = data.draw();
        assert_eq!(figures.len(), if classes == 1 { 2 } else { 3 }, "{classes} classes");
        figures.iter().for_each(|figure| assert_inside(&figure.drawing));
        let matrix = drawing(&data, "confusion").unwrap();
        assert!(
            matrix.body.contains(&format!("<title>{long}</title>"))
                && !matrix.body.contains(&format!(">{long}</text>"))
        );
        if let Some(curves) = drawing(&data, "precision_recall") {
            // Each entry of the legend has a tooltip.
            assert_eq!(curves.body.matches(": AP ").count(), 2 * (classes - 1), "{classes} classes");
        }
    }
}

#[test]
fn classes_without_pixels_are_named() {
    let empty = ConfusionMatrix { classes: names(3), counts: vec![vec![5, 0, 0], vec![0, 0, 0], vec![0, 0, 7]] };
    let data = FigureData { confusion: Some(empty), ..FigureData::default() };
    let figure = drawing(&data, "confusion").unwrap();
    assert_eq!((figure.body.matches("class=\"none\"").count(), figure.body.matches(">-</text>").count()), (3, 3));
    assert_inside(&figure);
    assert_eq!(FigureData::default().draw(), []);
    let mut curves = figure_data(&["background", "seen", "unseen"]);
    curves.precision_recall[1].average_precision = None;
    assert!(drawing(&curves, "precision_recall").unwrap().body.contains("unseen: not in the truth"));
}

/// What is in the file of an older or a damaged evaluation is drawn, and the rest is left out.
#[test]
fn any_file_is_drawn_as_far_as_it_goes() {
    let calibration = serde_json::json!(figure_data(&["a", "b"]).calibration);
    for (text, stems) in [
        (serde_json::json!({"calibration": calibration}), vec!["reliability"]),
        (serde_json::json!({"calibration": {"ece": 0.1}}), vec![]),
        (serde_json::json!({"confusion": {"classes": ["a", "b"], "counts": [[1], [2, 3, 4], [5]]}}), vec!["confusion"]),
        (serde_json::json!({"confusion": {"classes": [], "counts": []}}), vec!["confusion"]),
        (serde_json::json!({"confusion": 3, "precision_recall": {"class": 1}}), vec![]),
        (serde_json::json!([]), vec![]),
    ] {
        let drawn: Vec<&str> = FigureData::of_json(&text).draw().iter().map(|figure| figure.stem).collect();
        assert_eq!(drawn, stems, "{text}");
    }
}

#[test]
fn figures_are_written_in_the_colours_of_the_theme() {
    let data = figure_data(&["background", "liver"]);
    let dir = tempfile::tempdir().unwrap();
    let corner = |theme: ChartTheme| {
        let (files, note) = data.write(&dir.path().join("deep/figures"), theme).unwrap();
        assert_eq!((files.len(), note), (6, None));
        let svg = std::fs::read_to_string(&files[0]).unwrap();
        assert_eq!(svg.contains("prefers-color-scheme"), theme == ChartTheme::Auto);
        let picture = image::open(&files[1]).unwrap().into_rgb8();
        let colours: std::collections::HashSet<_> = picture.pixels().map(|p| p.0).collect();
        assert!(colours.len() > 50, "letters and cells are drawn");
        picture.get_pixel(1, 1).0[0]
    };
    assert_eq!((corner(ChartTheme::Light), corner(ChartTheme::Auto)), (255, 255));
    assert!(corner(ChartTheme::Dark) < 40);
    let nothing = FigureData::default().write(&dir.path().join("none"), ChartTheme::Auto).unwrap_err();
    assert!(nothing.to_string().contains("the run has no scores") && !dir.path().join("none").exists());
}
