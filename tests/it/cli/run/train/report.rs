//! Pictures, page and event file of a run; predictions for folders, tiles and probabilities.

use super::{CommandOutput, TestFolder, grey};
use serde_json::Value;
use std::fs;
use std::path::Path;

pub(super) fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(dir).unwrap().map(|e| e.unwrap().file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[test]
fn a_run_has_pictures_a_page_and_events() {
    let folder = TestFolder::new();
    folder.train("runs/a", &["--set", "epochs=2", "--tensorboard"]).expect_success();
    let events = folder.path("runs/a/tensorboard/events.out.tfevents.npc");
    let tags = |bytes: &[u8]| -> Vec<(String, i64)> {
        let records = npc::internals::show::tensorboard::record::records(bytes);
        let events = records.map(|r| npc::internals::show::tensorboard::Event::parse(r.unwrap()).unwrap());
        events.flat_map(|e| e.values.into_iter().map(move |(tag, _)| (tag, e.step))).collect()
    };
    let first = tags(&fs::read(&events).unwrap());
    for wanted in [("loss", 1), ("dice", 2), ("images_per_second", 2)] {
        assert!(first.contains(&(wanted.0.into(), wanted.1)), "{wanted:?} is not in {first:?}");
    }
    assert_eq!(first.iter().filter(|(tag, step)| tag.starts_with("cases/") && *step == 2).count(), 3, "{first:?}");
    // Continuing the run adds the third epoch and its pictures; importing it again adds nothing.
    folder.train("runs/a", &["--resume", "--tensorboard", "--set", "epochs=3"]).expect_success();
    let second = tags(&fs::read(&events).unwrap());
    assert_eq!(second[..first.len()], first[..]);
    assert!(second[first.len()..].iter().all(|(_, step)| *step == 3) && second.len() > first.len(), "{second:?}");
    let printed = folder.npc(&["report", "runs/a", "--tensorboard"]).expect_success();
    assert!(printed.contains("0 new epochs"), "{printed}");
    assert_eq!(tags(&fs::read(&events).unwrap()), second);

    // The page scores the run first, with the same figures as the command.
    let printed = folder.npc(&["report", "runs/a", "--cases", "1"]).expect_success();
    assert!(printed.contains("per image") && printed.contains("report.html"), "{printed}");
    let html = fs::read_to_string(folder.path("runs/a/report.html")).unwrap();
    assert!(!html.contains("class=\"missing\""));
    assert_eq!(html.matches("data:image/png;base64,").count(), 1 + 1 + 4, "worst, median, four examples");
    let eval = folder.json("runs/a/eval.json");
    assert!(html.contains(&format!("{:.4}", eval["dice"].as_f64().unwrap())));
    // The run is scored already: nothing is computed again, and the page is the same.
    let printed = folder.npc(&["report", "runs/a", "--cases", "1", "--out", "again.html"]).expect_success();
    assert!(!printed.contains("per image"), "{printed}");
    assert_eq!(fs::read_to_string(folder.path("again.html")).unwrap(), html);
    // Without its data the page has no pictures but is written.
    let printed = folder.npc(&["report", "runs/a", "--out", "bare.html", "--data-root", "elsewhere"]).expect_success();
    assert!(printed.contains("note: The data cannot be opened"), "{printed}");
    let html = fs::read_to_string(folder.path("bare.html")).unwrap();
    assert!(html.contains("class=\"missing\"") && !html.contains("data:image") && html.contains("id=\"curves\""));

    let output = folder.npc(&["eval", "runs/a", "--overlays", "shown", "--format", "json"]);
    serde_json::from_str::<Value>(&output.expect_success()).unwrap();
    let shown = names(&folder.path("shown"));
    assert_eq!(shown.len(), 4, "{shown:?}");
    assert!(shown[0].starts_with("0001_phantom_") && shown[3] == "sheet.png");
    let csv = npc::internals::score::case_columns::CaseColumns::read(&folder.path("runs/a/cases.csv")).unwrap();
    let worst = &csv.worst_first("dice")[0].stem;
    assert_eq!(shown[0], format!("0001_{worst}.png"));
    folder.npc(&["eval", "runs/a", "--worst", "2"]).expect_failure(2, &["--overlays"]);
    folder.npc(&["report", "set"]).expect_failure(1, &["not a run folder"]);
}

/// The matrix that is printed and drawn is the one of the pooled scores, and the point of the masks lies on the curve of two classes.
#[test]
fn the_matrix_of_a_run_is_printed_and_drawn() {
    let folder = TestFolder::new();
    folder.train("runs/a", &["--set", "epochs=30"]).expect_success();
    let printed =
        folder.npc(&["eval", "runs/a", "--confusion", "--figures", "drawn", "--theme", "dark"]).expect_success();
    let eval = folder.json("runs/a/eval.json");
    let count = |truth: usize, predicted: usize| eval["confusion"]["counts"][truth][predicted].as_f64().unwrap();
    let (tp, fp, fn_) = (count(1, 1), count(0, 1), count(1, 0));
    assert_eq!(tp + fp + fn_ + count(0, 0), 3.0 * 32.0 * 32.0);
    let lung = &eval["pooled"]["per_class"]["lung"];
    for (metric, value) in [
        ("dice", 2.0 * tp / (2.0 * tp + fp + fn_)),
        ("iou", tp / (tp + fp + fn_)),
        // A class that is never predicted has a precision of 0.
        ("precision", tp / (tp + fp).max(1.0)),
        ("recall", tp / (tp + fn_)),
    ] {
        assert_eq!(lung[metric].as_f64(), Some(value), "{metric}");
    }
    let recall = lung["recall"].as_f64().unwrap();
    for words in
        [format!("{:.2} %", 100.0 * recall), "confusion matrix of the pixels".into(), "number of pixels".into()]
    {
        assert!(printed.contains(&words), "no `{words}` in {printed}");
    }
    let curve = &eval["precision_recall"][0];
    assert_eq!([&curve["of_masks"][0], &curve["of_masks"][1]], [&lung["recall"], &lung["precision"]]);
    assert_eq!(curve["positives"].as_f64(), Some(tp + fn_));
    let (ap, error) =
        (curve["average_precision"].as_f64().unwrap(), curve["average_precision_error"].as_f64().unwrap());
    assert!((0.0..=1.0).contains(&ap) && error < 0.005, "{ap} {error}");
    // The masks have the first threshold of 1/2 or more.
    let list =
        |name: &str| -> Vec<f64> { curve[name].as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect() };
    let (recalls, precisions) = (list("recall"), list("precision"));
    let near = recalls
        .iter()
        .zip(&precisions)
        .any(|(r, p)| (r - recall).abs() < 0.02 && (p - lung["precision"].as_f64().unwrap()).abs() < 0.02);
    assert!(near, "{curve}");
    let files: Vec<String> = ["confusion", "precision_recall", "reliability"]
        .iter()
        .flat_map(|stem| [format!("{stem}.png"), format!("{stem}.svg")])
        .collect();
    assert_eq!(names(&folder.path("drawn")), files);
    assert!(!fs::read_to_string(folder.path("drawn/confusion.svg")).unwrap().contains("prefers-color-scheme"));
    // The report draws the same from the file, and says what is missing where an earlier version wrote it.
    folder.npc(&["report", "runs/a", "--figures", "again", "--theme", "dark"]).expect_success();
    for file in &files {
        assert!(
            fs::read(folder.path(&format!("again/{file}"))).unwrap()
                == fs::read(folder.path(&format!("drawn/{file}"))).unwrap()
        );
    }
    let mut old = eval.clone();
    ["confusion", "precision_recall"].iter().for_each(|part| drop(old.as_object_mut().unwrap().remove(*part)));
    fs::write(folder.path("runs/a/eval.json"), old.to_string()).unwrap();
    folder.npc(&["report", "runs/a", "--cases", "0"]).expect_success();
    let html = fs::read_to_string(folder.path("runs/a/report.html")).unwrap();
    assert!(html.contains("<code>npc eval RUN</code> counts them") && html.contains("Reliability: ECE"));
    folder
        .npc(&["eval", "runs/a", "--confusion", "--format", "csv"])
        .expect_failure(2, &["--confusion", "--format json"]);
    folder.npc(&["eval", "runs/a", "--theme", "dark"]).expect_failure(2, &["--figures"]);
}

#[test]
fn predict_reads_folders_and_writes_probabilities() {
    let folder = TestFolder::new();
    folder.train("runs/a", &["--set", "epochs=10"]).expect_success();
    fs::create_dir_all(folder.path("in/deep")).unwrap();
    fs::copy(folder.path("set/images/phantom_0001.tif"), folder.path("in/deep/a.tif")).unwrap();
    fs::copy(folder.path("set/images/phantom_0002.tif"), folder.path("in/b.tif")).unwrap();
    fs::write(folder.path("in/notes.txt"), "no image").unwrap();
    fs::write(folder.path("in/c.png"), "no picture").unwrap();
    let output = folder.npc(&["predict", "runs/a", "in", "--out", "m", "--format", "json", "--probabilities", "npy"]);
    let json: Value = serde_json::from_str(&output.stdout).unwrap();
    output.expect_failure(1, &["1 of 3", "c.png"]);
    assert_eq!((json["images"].as_array().unwrap().len(), json["failed"].as_array().unwrap().len()), (2, 1));
    assert!(json["images_per_second"].as_f64().unwrap() > 0.0 && json["seconds"]["network"].is_f64());
    assert_eq!(names(&folder.path("m")), ["b.npy", "b.png", "deep"]);
    // The class map and the probabilities agree.
    let bytes = fs::read(folder.path("m/b.npy")).unwrap();
    let start = 10 + usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
    let values: Vec<f32> = bytes[start..].chunks_exact(4).map(|v| f32::from_le_bytes(v.try_into().unwrap())).collect();
    let area = 40 * 48;
    assert_eq!(values.len(), 2 * area);
    let mask = grey(&folder.path("m/b.png"));
    for (i, pixel) in mask.pixels().enumerate() {
        assert!((values[i] + values[area + i] - 1.0).abs() < 1e-5);
        assert_eq!(pixel.0[0] > 0, values[area + i] > values[i], "pixel {i}");
    }
    assert!(values[area..].iter().any(|&p| p > 0.5), "something was found");

    let predict = |out: &str, more: &[&str]| -> CommandOutput {
        folder.npc(&[&["predict", "runs/a", "--out", out], more].concat())
    };
    // The batch size does not change a prediction, mirrored copies do.
    predict("one", &["set/images", "--batch", "1"]).expect_success();
    let printed = predict("five", &["set/images/*.tif", "--batch", "5"]).expect_success();
    assert!(printed.contains("15 images in") && printed.contains("waiting for files"), "{printed}");
    let all = |out: &str| {
        names(&folder.path(out)).iter().map(|n| fs::read(folder.path(out).join(n)).unwrap()).collect::<Vec<_>>()
    };
    assert!(all("one") == all("five"), "a batch of one and of five");
    predict("flipped", &["set/images", "--flips"]).expect_success();
    assert!(all("one") != all("flipped"));
    // A mirrored image has the mirrored result.
    let image = folder.path("in/deep/a.tif");
    let mut decoder = tiff::decoder::Decoder::new(fs::File::open(&image).unwrap()).unwrap();
    let tiff::decoder::DecodingResult::I16(values) = decoder.read_image().unwrap() else { panic!("signed") };
    let mirrored: Vec<i16> = values.chunks_exact(48).flat_map(|row| row.iter().rev().copied()).collect();
    let mut file = fs::File::create(folder.path("mirrored.tif")).unwrap();
    let mut encoder = tiff::encoder::TiffEncoder::new(&mut file).unwrap();
    encoder.write_image::<tiff::encoder::colortype::GrayI16>(48, 40, &mirrored).unwrap();
    predict("two", &["in/deep/a.tif", "mirrored.tif", "--flips", "--tiles"]).expect_success();
    let [a, b] = ["a", "mirrored"].map(|n| grey(&folder.path(&format!("two/{n}.png"))));
    assert!(a.pixels().any(|p| p.0[0] > 0) && a.pixels().any(|p| p.0[0] == 0), "a mask with something on it");
    let differ = a.rows().zip(b.rows()).flat_map(|(a, b)| a.zip(b.rev())).filter(|(a, b)| a != b).count();
    assert!(differ < 10, "{differ} pixels of the mirrored image differ");

    predict("bad", &["in/b.tif", "--overlap", "0.2"]).expect_failure(2, &["--tiles"]);
    predict("bad", &["in/b.tif", "--tiles", "--overlap", "1"]).expect_failure(2, &["overlap"]);
    predict("bad", &["none/*.tif"]).expect_failure(1, &["matches no image"]);
    assert!(!folder.path("bad").exists());
}
