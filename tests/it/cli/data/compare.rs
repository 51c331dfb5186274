//! `npc compare` on run folders without training: the tests write their scores.

use crate::support::run_settings::SETTINGS;
use npc::internals::metric::calibration::CalibrationTally;
use npc::internals::metric::{CaseScore, Evaluation, MaskPair, Summary, cases_csv, measure};
use npc::text::config::{EmptyClassRule, Metric};
use serde_json::Value;
use std::path::PathBuf;
use std::process::{Command, Output};
use tempfile::{TempDir, tempdir};

struct RunFolders(TempDir);

struct Run<'a> {
    name: &'a str,
    seed: u64,
    /// Number of rows of the object that are missed in each image.
    missed: &'a dyn Fn(usize) -> usize,
    images: std::ops::Range<usize>,
    empty: EmptyClassRule,
    spacing: Option<[f64; 2]>,
    /// Size at which the scores are said to be.
    size: [usize; 2],
    labels: &'a str,
    model: &'a str,
    group: Option<&'a dyn Fn(usize) -> String>,
}

fn run<'a>(name: &'a str, missed: &'a dyn Fn(usize) -> usize) -> Run<'a> {
    Run {
        name,
        seed: 0,
        missed,
        images: 0..12,
        empty: EmptyClassRule::One,
        spacing: None,
        size: [8, 8],
        labels: "[0, 255]",
        model: "npc 1\n",
        group: None,
    }
}

impl RunFolders {
    fn new() -> RunFolders {
        RunFolders(tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, run: &Run<'_>) {
        let dir = self.path(run.name);
        std::fs::create_dir_all(&dir).unwrap();
        let classes = ["background".to_string(), "lung, left".to_string()];
        let case = |i: usize| -> CaseScore {
            let object = |y: usize| u8::from((1..7).contains(&y));
            let truth: Vec<u8> = (0..64).map(|p| object(p / 8)).collect();
            let gone = (run.missed)(i);
            let pred: Vec<u8> = (0..64).map(|p| if p / 8 <= gone { 0 } else { object(p / 8) }).collect();
            let pair = MaskPair { pred: &pred, truth: &truth, size: [8, 8], spacing: run.spacing };
            let mut case = measure(format!("slice_{i}"), &pair, 2, &Metric::ALL).unwrap();
            case.group = run.group.map(|g| g(i));
            case
        };
        let cases: Vec<CaseScore> = run.images.clone().map(case).collect();
        let evaluation = Evaluation {
            run: "lung".into(),
            split: "test".into(),
            checkpoint: "best_dice.safetensors".into(),
            flips: false,
            chosen_here: run.name.starts_with("chosen"),
            without_best: false,
            weights: None,
            step: None,
            origin_warnings: Vec::new(),
            size: run.size,
            summary: Summary::new(&cases, &classes, run.empty).unwrap(),
            intervals: None,
            calibration: CalibrationTally::default().finish(),
            confusion: None,
            precision_recall: Vec::new(),
            file_warnings: Vec::new(),
            volumes: None,
        };
        let write = |name: &str, text: &str| std::fs::write(dir.join(name), text).unwrap();
        write("cases.csv", &cases_csv(&cases, &classes, run.empty));
        write("eval.json", &serde_json::to_string(&evaluation).unwrap());
        let seeded = SETTINGS.replace("  seed: 0\n", &format!("  seed: {}\n", run.seed));
        write("settings.yaml", &seeded.replace("labels: [0, 255]", &format!("labels: {}", run.labels)));
        write("model.model", run.model);
    }

    fn compare(&self, runs: &[&str], options: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_npc"));
        command.current_dir(self.0.path()).arg("compare").args(runs).args(options);
        command.output().unwrap()
    }

    #[track_caller]
    fn text(&self, runs: &[&str], options: &[&str]) -> String {
        let out = self.compare(runs, options);
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
        String::from_utf8(out.stdout).unwrap()
    }

    #[track_caller]
    fn json(&self, runs: &[&str], options: &[&str]) -> Value {
        serde_json::from_str(&self.text(runs, &[options, &["--format", "json"]].concat())).unwrap()
    }

    #[track_caller]
    fn refused(&self, runs: &[&str], options: &[&str], code: i32, wanted: &[&str]) {
        let out = self.compare(runs, options);
        let error = String::from_utf8(out.stderr).unwrap();
        assert_eq!(out.status.code(), Some(code), "{error}");
        wanted.iter().for_each(|w| assert!(error.contains(w), "no `{w}` in {error}"));
    }
}

/// One row of six is missed in every second image: Dice is 10/11 there and 1 elsewhere.
fn every_second(i: usize) -> usize {
    i % 2
}

#[test]
fn a_better_run_is_distinguished_from_a_worse_one() {
    let folders = RunFolders::new();
    folders.write(&run("worse", &|i| every_second(i) + 1));
    folders.write(&run("better", &every_second));
    folders.write(&run("same", &|i| 1 - every_second(i)));
    let comparison = folders.json(&["better", "worse", "same"], &[]);
    let dice = &comparison["runs"][0]["scores"]["dice"];
    let wanted = (1.0 + 10.0 / 11.0) / 2.0;
    assert!((dice["mean"].as_f64().unwrap() - wanted).abs() < 1e-6, "{dice}");
    let conclusions: Vec<&str> =
        comparison["differences"].as_array().unwrap().iter().map(|d| d["words"].as_str().unwrap()).collect();
    assert!(conclusions[0].starts_with("worse below better by 0.1"), "{conclusions:?}");
    assert_eq!(conclusions[1], "same and better not distinguishable with n = 12");
    assert!(
        conclusions[4].starts_with("worse above better by") && conclusions[4].ends_with("(worse)"),
        "{conclusions:?}"
    );
    let worse = &comparison["differences"][0];
    assert!(worse["p"].as_f64().unwrap() < 0.001 && worse["p_holm"].as_f64() >= worse["p"].as_f64());
    assert!(worse["high"].as_f64().unwrap() < 0.0 && worse["wilcoxon"].as_f64().unwrap() < 0.01);
    let text = folders.text(&["better", "worse", "same"], &[]);
    for part in
        ["3 runs on 12 test images", "HD95, px", "(empty = one)", "Dice: worse below better", "Holm", "another seed"]
    {
        assert!(text.contains(part), "no `{part}` in\n{text}");
    }
}

#[test]
fn a_run_compared_with_itself_or_a_copy_is_noticed() {
    let folders = RunFolders::new();
    folders.write(&run("a", &every_second));
    folders.write(&run("copy", &every_second));
    folders.write(&run("other", &|i| 1 - every_second(i)));
    folders.write(&Run { seed: 1, ..run("seed", &every_second) });
    let text = folders.text(&["a", "./a"], &[]);
    assert!(text.contains("a and ./a are one folder: the run is compared with itself"), "{text}");
    let text = folders.text(&["a", "other", "copy"], &[]);
    assert!(text.contains("a and copy have the same settings and the same scores everywhere"), "{text}");
    for runs in [["a", "other"], ["a", "seed"]] {
        let text = folders.text(&runs, &[]);
        assert!(!text.contains("one folder") && !text.contains("the same settings"), "{text}");
    }
}

#[test]
fn every_format_has_every_run() {
    let folders = RunFolders::new();
    folders.write(&run("net_a", &every_second));
    folders.write(&run("net_b", &|i| every_second(i) + 1));
    let runs = ["net_a", "net_b"];
    let latex = folders.text(&runs, &["--format", "latex", "--metrics", "dice,boundary_iou"]);
    assert!(latex.contains("\\toprule") && latex.contains("net\\_b") && latex.contains("$-$0.1"), "{latex}");
    assert!(latex.lines().all(|l| l.starts_with('%') || !l.contains("95 %")), "{latex}");
    let markdown = folders.text(&runs, &["--format", "markdown"]);
    assert!(
        markdown.contains("| run | Dice | IoU | HD95, px |") && markdown.contains("| net_b | IoU | below | -0.1"),
        "{markdown}"
    );
    let table = folders.text(&runs, &["--format", "csv"]);
    let mut reader = csv::Reader::from_reader(table.as_bytes());
    let rows: Vec<csv::StringRecord> = reader.records().map(|r| r.unwrap()).collect();
    assert_eq!(rows.len(), 6);
    assert_eq!((&rows[3][0], &rows[3][2], &rows[3][8]), ("net_b", "dice", "net_a"));
}

#[test]
fn runs_that_are_not_comparable_are_refused() {
    let folders = RunFolders::new();
    folders.write(&run("a", &every_second));
    folders.write(&Run { images: 3..14, ..run("other_images", &every_second) });
    folders.write(&Run { empty: EmptyClassRule::Skip, ..run("other_rule", &every_second) });
    folders.refused(&["a", "other_images"], &[], 1, &["3 (slice_0, slice_1, slice_2)", "2 (slice_12, slice_13)"]);
    folders.refused(&["a", "other_rule"], &[], 1, &["`empty = one` and `empty = skip`"]);
    folders.write(&Run { labels: "[0, 1]", ..run("other_labels", &every_second) });
    folders.refused(&["a", "other_labels"], &[], 1, &["different labels in the same masks"]);
    folders.refused(&["a", "nowhere"], &[], 1, &["not a run folder"]);
    folders.refused(&["a"], &[], 2, &["2"]);
    folders.refused(&["a", "a"], &["--metrics", "hausdorff"], 2, &["hd95"]);
    folders.refused(&["a", "a"], &["--class", "heart"], 2, &["no foreground class `heart`", "lung, left"]);
    std::fs::create_dir(folders.path("fresh")).unwrap();
    std::fs::copy(folders.path("a/settings.yaml"), folders.path("fresh/settings.yaml")).unwrap();
    folders.refused(&["a", "fresh"], &[], 1, &["not evaluated yet", "`npc eval fresh`"]);
    folders.refused(&["a", "fresh"], &["--split", "val"], 1, &["not evaluated yet", "`npc eval a --split val`"]);
    folders.write(&run("old", &every_second));
    std::fs::write(folders.path("old/eval.json"), "{\"n\": 12, \"iou\": 0.5}").unwrap();
    folders.refused(&["a", "old"], &[], 1, &["eval.json", "`npc eval RUN`"]);
    folders.write(&run("cut", &every_second));
    let text = std::fs::read_to_string(folders.path("cut/cases.csv")).unwrap();
    let shorter: String = text.lines().take(8).map(|l| format!("{l}\n")).collect();
    std::fs::write(folders.path("cut/cases.csv"), shorter).unwrap();
    folders.refused(&["a", "cut"], &[], 1, &["7 images", "different evaluations"]);
}

/// Distances in pixels of two sizes, or in two units, are left out with the reason; the other metrics are compared.
#[test]
fn distances_that_cannot_be_compared_are_left_out() {
    let folders = RunFolders::new();
    folders.write(&run("a", &every_second));
    folders.write(&Run { size: [16, 16], ..run("larger", &every_second) });
    folders.write(&Run { spacing: Some([0.7, 0.7]), ..run("other_unit", &every_second) });
    for (other, why) in
        [("larger", "they are in pixels at 8x8 and at 16x16"), ("other_unit", "they are in px and in mm")]
    {
        let text = folders.text(&["a", other], &[]);
        assert!(text.contains("left out: HD95, because") && text.contains(why), "{text}");
        assert!(!text.lines().any(|line| line.starts_with("HD95")), "{text}");
        assert!(text.contains("Dice"), "{text}");
        let json = folders.json(&["a", other], &["--metrics", "assd,dice,hd95"]);
        assert_eq!(json["metrics"], serde_json::json!(["dice"]));
        assert!(json["differences"].as_array().unwrap().iter().all(|d| d["metric"] == "dice"), "{json}");
        folders.refused(&["a", other], &["--metrics", "hd95"], 1, &["HD95 of these runs cannot be compared", why]);
    }
}

#[test]
fn seeds_are_one_experiment() {
    let folders = RunFolders::new();
    for seed in 0..3u64 {
        let missed = move |i: usize| (i + seed as usize) % 3;
        let (none, se) = (format!("none_s{seed}"), format!("se_s{seed}"));
        folders.write(&Run { seed, ..run(&none, &|i| missed(i) + 1) });
        folders.write(&Run { seed, model: "npc 1\n// se\n", ..run(&se, &missed) });
    }
    let names = ["none_s0", "none_s1", "none_s2", "se_s0", "se_s1", "se_s2"];
    let comparison = folders.json(&names, &["--group-seeds", "--metrics", "dice"]);
    let runs = comparison["runs"].as_array().unwrap();
    let seeds_by_name: Vec<(&str, String)> =
        runs.iter().map(|r| (r["name"].as_str().unwrap(), r["seeds"].to_string())).collect();
    assert_eq!(seeds_by_name, [("none", "[0,1,2]".to_string()), ("se", "[0,1,2]".to_string())]);
    // Every seed misses the same rows in another order, so the means have no spread.
    assert!(runs[0]["scores"]["dice"]["deviation"].as_f64().unwrap() < 1e-9);
    assert!(
        comparison["differences"][0]["words"].as_str().unwrap().starts_with("se above none by 0.1"),
        "{comparison}"
    );
    assert!(folders.text(&names, &["--group-seeds"]).contains("±"));
    assert_eq!(folders.json(&names, &[])["runs"].as_array().unwrap().len(), 6);
    let twice = ["none_s0", "none_s0"];
    folders.refused(&twice, &["--group-seeds"], 1, &["the same run with the same seed 0"]);
    let (mean, sd) = {
        folders.write(&Run { seed: 9, ..run("none_s9", &|_| 0) });
        let comparison = folders.json(&["none_s0", "none_s9"], &["--group-seeds", "--metrics", "dice"]);
        let dice = &comparison["runs"][0]["scores"]["dice"];
        (dice["mean"].as_f64().unwrap(), dice["deviation"].as_f64().unwrap())
    };
    // The Dice with one, two and three missed rows of six is 10/11, 8/10 and 6/9.
    let other = (10.0 / 11.0 + 0.8 + 6.0 / 9.0) / 3.0;
    assert!((mean - (other + 1.0) / 2.0).abs() < 1e-6, "{mean}");
    assert!((sd - (1.0 - other) / 2f64.sqrt()).abs() < 1e-6, "{sd}");
}

/// The runs of a sweep are compared as `npc sweep` compares them: over images and seeds, without a p over images alone.
#[test]
fn seeds_of_a_sweep_widen_the_interval() {
    let folders = RunFolders::new();
    let names = ["none", "se"].map(|v| [0, 1].map(|seed| format!("t/attention={v}/seed={seed}")));
    // All images are alike, so only the seeds differ: by 1 - 6/9 and by 8/10 - 10/11.
    for (variant, missed) in [(0, [3, 1]), (1, [0, 2])] {
        for (seed, missed) in missed.into_iter().enumerate() {
            let model = if variant == 0 { "npc 1\n" } else { "npc 1\n// se\n" };
            folders.write(&Run { seed: seed as u64, model, ..run(&names[variant][seed], &|_| missed) });
        }
    }
    let all: Vec<&str> = names.iter().flatten().map(String::as_str).collect();
    let comparison = folders.json(&all, &["--group-seeds", "--metrics", "dice"]);
    let d = &comparison["differences"][0];
    assert_eq!((&d["run"], &d["reference"]), (&"attention=se".into(), &"attention=none".into()), "{d}");
    assert_eq!((&d["seeds"], &d["distinguishable"]), (&2.into(), &false.into()), "{d}");
    assert!(d["p"].is_null() && d["p_holm"].is_null() && d["wilcoxon"].is_null(), "{d}");
    for (key, wanted) in [("low", 0.8 - 10.0 / 11.0), ("high", 1.0 - 6.0 / 9.0)] {
        assert!((d[key].as_f64().unwrap() - wanted).abs() < 1e-5, "{key}: {d}");
    }
    let text = folders.text(&all, &["--group-seeds", "--metrics", "dice", "--plot", "boxes.svg"]);
    assert!(text.contains("not distinguishable with n = 12 images and 2 seeds"), "{text}");
    assert!(text.contains("over images and seeds") && !text.contains("p < 0.001"), "{text}");
    let plot = std::fs::read_to_string(folders.path("boxes.svg")).unwrap();
    assert!(plot.contains("attention=se") && !plot.contains("p &lt; 0.001"));
    let latex = folders.text(&all, &["--group-seeds", "--metrics", "dice", "--format", "latex"]);
    assert!(!latex.contains("& p"), "{latex}");
    // One seed in common: its images alone; none in common: no difference, and a note.
    let one = folders.text(&[all[0], all[1], all[3]], &["--group-seeds", "--metrics", "dice"]);
    assert!(one.contains("one seed in common") && one.contains("below attention=none by 0.1091"), "{one}");
    folders.write(&Run { seed: 7, model: "npc 1\n// se\n", ..run("other", &|_| 0) });
    let none = folders.text(&[all[0], all[1], "other"], &["--group-seeds", "--metrics", "dice"]);
    assert!(none.contains("no seed in common"), "{none}");
}

#[test]
fn patients_are_resampled_whole() {
    let folders = RunFolders::new();
    let patient = |i: usize| format!("p{}", i / 4);
    let grouped = |name: &str, missed: &dyn Fn(usize) -> usize| {
        folders.write(&Run { group: Some(&patient), ..run(name, missed) });
    };
    // One patient of three is better: a test over images would call that significant.
    grouped("a", &|_| 2);
    grouped("b", &|i| if i < 4 { 0 } else { 2 });
    folders.write(&run("c", &|_| 2));
    folders.write(&run("d", &|i| if i < 4 { 0 } else { 2 }));
    let comparison = folders.json(&["a", "b"], &["--metrics", "dice"]);
    assert_eq!((&comparison["groups"], &comparison["n"]), (&3.into(), &12.into()));
    assert_eq!(comparison["differences"][0]["words"], "b and a not distinguishable with n = 12 images in 3 groups");
    assert!(comparison["differences"][0]["wilcoxon"].is_null());
    assert_eq!(folders.json(&["c", "d"], &["--metrics", "dice"])["differences"][0]["distinguishable"], true);
    folders.refused(&["a", "c"], &[], 1, &["groups"]);
}

#[test]
fn a_run_does_not_differ_from_itself() {
    let folders = RunFolders::new();
    folders.write(&run("a", &every_second));
    let same = folders.json(&["a", "a"], &[]);
    assert_eq!(same["differences"][0]["p"], 1.0);
    assert_eq!(same["differences"][0]["distinguishable"], false);
}

/// The box plot of a comparison: a box for each run and metric, a dot for each image, and the tests of the comparison.
#[test]
fn scores_of_images_are_drawn_as_boxes() {
    let folders = RunFolders::new();
    folders.write(&run("worse", &|i| every_second(i) + 1));
    folders.write(&run("better", &every_second));
    let draw = |runs: &[&str], options: &[&str]| -> String {
        let text = folders.text(runs, &[options, &["--plot", "boxes.svg"]].concat());
        assert!(text.contains("test images"), "the table is printed too");
        std::fs::read_to_string(folders.path("boxes.svg")).unwrap()
    };
    let svg = draw(&["better", "worse"], &["--metrics", "dice,hd95"]);
    assert_eq!(svg.matches("bar body").count(), 4, "two runs and two metrics");
    assert_eq!(svg.matches("class=\"strip\"").count(), 48);
    assert_eq!(svg.matches("class=\"pair\"").count(), 2);
    for part in
        ["better and worse on 12 test images", ">HD95, px<", ">reference<", "p &lt; 0.001", "(empty = one)", "NumPy"]
    {
        assert!(svg.contains(part), "no `{part}` in\n{svg}");
    }
    // Each second image scores 1, the others 10/11: these are the quartiles.
    assert!(svg.contains("better: median 0.9545, quartiles 0.9091 and 1.0000, n = 12"), "{svg}");
    assert!(svg.contains("prefers-color-scheme"));
    let dark = draw(&["better", "worse"], &["--theme", "dark"]);
    assert!(!dark.contains("prefers-color-scheme") && dark.contains("#14171b"));
    let twelve: Vec<String> = (0..12).map(|k| format!("a_run_with_a_long_name_for_the_box_plot_{k}")).collect();
    twelve.iter().for_each(|name| folders.write(&run(name, &every_second)));
    let names: Vec<&str> = twelve.iter().map(String::as_str).collect();
    let many = draw(&names, &["--metrics", "dice"]);
    assert!(many.contains("12 runs on") && many.contains("with Holm") && !many.contains("class=\"pair\""));
    folders.text(&["better", "worse"], &["--plot", "boxes.png"]);
    let png = std::fs::read(folders.path("boxes.png")).unwrap();
    assert!(png.starts_with(b"\x89PNG") && image_width(&png) == 1640, "two pixels for each unit");
    folders.refused(&["better", "worse"], &["--plot", "boxes.pdf"], 2, &["`.pdf`", ".svg, .png"]);
    folders.refused(&["better", "worse"], &["--theme", "dark"], 2, &["--plot"]);
}

/// Width of a PNG file, from its header.
fn image_width(png: &[u8]) -> u32 {
    u32::from_be_bytes([png[16], png[17], png[18], png[19]])
}

/// With `empty = skip` an image whose mask and prediction are empty has no score; the plot names it.
#[test]
fn images_without_a_score_are_named_below_the_boxes() {
    let folders = RunFolders::new();
    for name in ["a", "b"] {
        folders.write(&Run { empty: EmptyClassRule::Skip, ..run(name, &every_second) });
        let cases = folders.path(name).join("cases.csv");
        let text = std::fs::read_to_string(&cases).unwrap();
        let without = |line: &str| {
            let mut cells: Vec<&str> = line.split(',').collect();
            // The class has a comma in its name, so the scores are one cell further.
            (cells[3], cells[4]) = ("", "");
            cells.join(",")
        };
        let lines: Vec<String> =
            text.lines().map(|line| if line.starts_with("slice_7,") { without(line) } else { line.into() }).collect();
        std::fs::write(&cases, lines.join("\n") + "\n").unwrap();
    }
    folders.text(&["a", "b"], &["--metrics", "dice", "--plot", "boxes.svg"]);
    let svg = std::fs::read_to_string(folders.path("boxes.svg")).unwrap();
    assert!(svg.contains("Dice: without a score of every run: slice_7."), "{svg}");
    assert_eq!(svg.matches("class=\"strip\"").count(), 22);
}

#[test]
fn a_comparison_of_one_group_says_why_nothing_is_compared() {
    let folders = RunFolders::new();
    for seed in 0..3 {
        folders.write(&Run { seed, ..run(&format!("a_s{seed}"), &every_second) });
    }
    let text = folders.text(&["a_s0", "a_s1", "a_s2"], &["--group-seeds"]);
    assert!(text.contains("nothing is compared: the 3 runs differ only in the seed"), "{text}");
    assert!(!folders.text(&["a_s0", "a_s1", "a_s2"], &[]).contains("nothing is compared"));
}
