//! `npc data check`: the table, JSON, pictures of the worst cases, and images reported as near-duplicates.

use crate::support::data_sets::{grey, real, spec};
use crate::support::program::npc;
use npc::internals::data::survey::{SurveyTopic, survey};
use npc::internals::data::{Dataset, SplitRole, phantom};
use npc::text::config::{DataSource, DataSpec, GroupBy, Grouping, Split};
use npc::text::diag::Severity;
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

const MODEL: &str = "npc 1
data d {
  empty = one
  source = phantoms(count = 10, seed = 0)
  size = [64, 64]
  classes = [\"background\", \"lung\"]
  labels = [0, 255]
  split = random(val = 0.1, test = 0.2)
}
data e { source = phantoms(count = 4) size = [32, 32] classes = [\"a\", \"b\"] labels = [0, 1] empty = one }
";

#[test]
fn the_check_prints_a_table_json_and_pictures() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("d.model"), MODEL).unwrap();
    let output = npc(folder.path(), &["data", "check", "d.model", "d", "--out", "worst"]);
    assert_eq!(output.code, 0, "{}{}", output.stdout, output.stderr);
    for part in [
        "d: 10 images, 64 x 64 (height x width), grey, signed 16-bit, values ",
        "split  images  background %  lung %  with lung  empty",
        "train       7 ",
        "val         1 ",
        "test        2 ",
        "0 errors, 0 warnings",
    ] {
        assert!(output.stdout.contains(part), "`{part}` is not in {}", output.stdout);
    }
    assert!(image::open(folder.path().join("worst/masks.png")).unwrap().width() > 192);
    assert!(fs::read_to_string(folder.path().join("worst/masks.txt")).unwrap().contains("row 1 column 1: phantom_"));

    let output = npc(folder.path(), &["data", "check", "d.model", "--format", "json"]);
    let json: Value = serde_json::from_str(&output.stdout).unwrap();
    let data = json["data"].as_array().unwrap();
    assert_eq!(data.iter().map(|d| d["name"].as_str().unwrap()).collect::<Vec<_>>(), ["d", "e"]);
    assert_eq!(data[0]["images"].as_array().unwrap().len(), 10);
    let share: f64 = data[0]["splits"][0]["share"].as_array().unwrap().iter().map(|s| s.as_f64().unwrap()).sum();
    assert!((share - 1.0).abs() < 1e-9);

    let output = npc(folder.path(), &["data", "check", "d.model", "f"]);
    assert!(output.code == 1 && output.stderr.contains("the file has no data block `f`"), "{}", output.stderr);
    assert_eq!(npc(folder.path(), &["data"]).code, 2);
    assert_eq!(npc(folder.path(), &["data", "check", "--help"]).code, 0);
}

#[test]
fn a_missing_folder_or_list_names_the_data_root() {
    let folder = tempfile::tempdir().unwrap();
    let block = |name: &str, source: &str| {
        format!("data {name} {{ {source} size = [8, 8] classes = [\"a\", \"b\"] labels = [0, 255] empty = one }}\n")
    };
    let pairs = |at: &str| format!("images = \"{at}i/*.png\" masks = \"{at}m/*.png\"");
    let absolute = pairs(&format!("{}/none/", folder.path().display()));
    let model = block("below", &pairs("set/")) + &block("list", "list = \"cases.csv\"") + &block("absolute", &absolute);
    fs::write(folder.path().join("d.model"), format!("npc 1\n{model}")).unwrap();
    fs::create_dir(folder.path().join("elsewhere")).unwrap();
    let text = |args: &[&str]| {
        let output = npc(folder.path(), &[&["data", "check", "d.model"], args].concat());
        assert_eq!(output.code, 1, "{}{}", output.stdout, output.stderr);
        output.stdout + &output.stderr
    };
    let help = "help: paths start at `--data-root` (now `.`)";
    let missing = text(&["below"]);
    assert!(missing.contains("set: no such folder (from images = ") && missing.contains(help), "{missing}");
    let missing = text(&["list"]);
    assert!(missing.contains("cases.csv: cannot be read: ") && missing.contains(help), "{missing}");
    let missing = text(&["below", "--data-root", "elsewhere"]);
    assert!(missing.contains("elsewhere/set: no such folder") && missing.contains("(now `elsewhere`)"), "{missing}");
    // The data root has no part in an absolute path.
    let missing = text(&["absolute"]);
    assert!(missing.contains("none: no such folder") && !missing.contains("--data-root"), "{missing}");
}

/// Writes 12 images, of which the last is a copy of the first after `change`.
fn with_copy(dir: &Path, change: impl Fn(usize, usize, u8) -> u8) -> DataSpec {
    let pixels_of = |i: u64| -> Vec<u8> {
        let slice = phantom::draw(i, i, [96, 96]);
        slice.hu.iter().map(|hu| ((i32::from(*hu) + 1000).clamp(0, 1400) * 255 / 1400) as u8).collect()
    };
    for i in 0..12u64 {
        let image = match i {
            11 => pixels_of(0).iter().enumerate().map(|(p, v)| change(p % 96, p / 96, *v)).collect(),
            _ => pixels_of(i),
        };
        grey(&dir.join(format!("i/{i}.png")), [96, 96], &image);
        let mask: Vec<u8> = phantom::draw(i, i, [96, 96]).lungs.iter().map(|v| v * 255).collect();
        grey(&dir.join(format!("m/{i}.png")), [96, 96], &mask);
    }
    let numbers = |range: std::ops::Range<u32>| range.map(|i| format!("{i}\n")).collect::<String>();
    fs::write(dir.join("train.txt"), numbers(0..8)).unwrap();
    fs::write(dir.join("test.txt"), numbers(8..12)).unwrap();
    let split = Split::Lists { train: "train.txt".into(), val: None, test: "test.txt".into() };
    DataSpec { split, ..spec("i/*.png", "m/*.png", [96, 96]) }
}

#[test]
fn near_duplicates_are_found_and_others_are_not() {
    type Change = fn(usize, usize, u8) -> u8;
    let changes: [(&str, Change, bool); 6] = [
        ("the same", |_, _, v| v, true),
        ("brighter", |_, _, v| (f32::from(v) * 0.8 + 40.0) as u8, true),
        ("with noise", |x, y, v| v.saturating_add(((x * 7919 + y * 104_729) % 21) as u8), true),
        ("with writing on it", |x, y, v| if x < 9 && y < 3 { 255 } else { v }, true),
        ("another picture", |x, y, _| ((x / 8 + y / 8) % 2 * 200) as u8, false),
        ("upside down in values", |_, _, v| 255 - v, false),
    ];
    for (what, change, alike) in changes {
        let dir = tempfile::tempdir().unwrap();
        let spec = with_copy(dir.path(), change);
        let found = survey(&spec, dir.path(), Some(1), &|_, _| {});
        let near: Vec<_> = found.near.iter().map(|p| [&found.facts[p.a].stem, &found.facts[p.b].stem]).collect();
        assert_eq!(near.iter().any(|p| p[0] == "0" && p[1] == "11"), alike, "{what}: {near:?}");
        let findings_across = found.findings.iter().filter(|f| f.kind == SurveyTopic::Duplicates).count();
        let across = found.near.iter().filter(|p| found.facts[p.a].role != found.facts[p.b].role).count();
        assert_eq!(findings_across, across);
        assert!(found.findings.iter().all(|f| f.severity == Severity::Warning), "{what}: {:?}", found.findings);
    }
}

/// The edit against leakage is one of the split that the block has.
#[test]
fn help_against_leakage_fits_the_split() {
    let dir = tempfile::tempdir().unwrap();
    let by_lists = with_copy(dir.path(), |_, _, v| v);
    let help = |spec: &DataSpec| {
        let found = survey(spec, dir.path(), Some(1), &|_, _| {});
        let first = found.findings.into_iter().find(|f| f.kind == SurveyTopic::Duplicates);
        first.map(|finding| finding.help.join("\n"))
    };
    let lists = help(&by_lists).unwrap();
    assert!(lists.contains("name them in one of the lists `train.txt`, `test.txt`"), "{lists}");
    // Stems such as `7` hold no group, so none is advised.
    assert!(!lists.contains("{group}") && !lists.contains("random("), "{lists}");
    let folds =
        (0..12).map(|fold| DataSpec { split: Split::Kfold { k: 12, fold, val: 0.0, seed: 0 }, ..by_lists.clone() });
    let folds: Vec<Option<String>> = folds.map(|spec| help(&spec)).collect();
    assert!(folds.iter().flatten().count() >= 2, "each of the pair is alone in a fold: {folds:?}");
    let of_fold = |help: &String| help.contains("one of the lists of `split = lists(") && !help.contains("{group}");
    assert!(folds.iter().flatten().all(of_fold), "{folds:?}");
    let by_column: String =
        (0..12).map(|i| format!("i/{i}.png,m/{i}.png,{}\n", if i < 8 { "train" } else { "test" })).collect();
    fs::write(dir.path().join("cases.csv"), format!("image,mask,split\n{by_column}")).unwrap();
    let source = DataSource::List { list: "cases.csv".into() };
    let column = help(&DataSpec { source, split: Split::Column, ..by_lists.clone() }).unwrap();
    assert!(column.contains("the column `split` of the list") && !column.contains("random("), "{column}");
}

/// One run reports all problems and counts the files that can be read.
#[test]
fn a_survey_continues_after_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let spec = with_copy(dir.path(), |x, y, _| ((x / 8 + y / 8) % 2 * 200) as u8);
    fs::remove_file(dir.path().join("m/3.png")).unwrap();
    fs::write(dir.path().join("i/5.png"), "").unwrap();
    fs::write(dir.path().join("m/6.png"), "").unwrap();
    grey(&dir.path().join("m/7.png"), [9, 9], &[0; 81]);
    let found = survey(&spec, dir.path(), Some(1), &|_, _| {});
    let errors: Vec<_> = found.findings.iter().filter(|f| f.severity == Severity::Error).map(|f| f.kind).collect();
    // Without its mask, the stem of a list is unknown as well.
    assert_eq!(
        errors,
        [SurveyTopic::Files, SurveyTopic::Files, SurveyTopic::Image, SurveyTopic::Mask, SurveyTopic::Sizes]
    );
    assert_eq!(found.facts.iter().filter(|f| f.image.is_some() && f.classes.is_some()).count(), 9);
}

/// In a random split of lung CT by slice, neighbouring slices are in different roles; in a split by patient they are
/// not. No slices of two patients are reported as near-duplicates.
#[test]
fn real_patients_are_distinguished() {
    let Some(root) = real("lung_ct_lctsc") else { return };
    let split = Split::Random { train: 0.8, val: 0.0, test: 0.2, seed: 0 };
    let window = Some([-1000.0, 400.0]);
    let by_slice = DataSpec { split, window, ..spec("images/*.tif", "masks/*.tif", [64, 64]) };
    let group = Some(GroupBy::Pattern("{group}_z*".into()));
    let by_patient = DataSpec { grouping: Grouping { group, stratify: None }, ..by_slice.clone() };
    let found = survey(&by_slice, &root, Some(1), &|_, _| {});
    assert!(!found.has_errors());
    let patient = |stem: &str| stem.split("_z").next().unwrap().to_string();
    assert!(found.near.iter().all(|p| patient(&found.facts[p.a].stem) == patient(&found.facts[p.b].stem)));
    assert!(found.findings.iter().filter(|f| f.kind == SurveyTopic::Duplicates).count() >= 10);
    let data = Dataset::open(&by_patient, &root).unwrap();
    let patients = |role| data.cases(role).iter().map(|c| patient(&c.stem)).collect::<BTreeSet<_>>();
    assert!(patients(SplitRole::Train).is_disjoint(&patients(SplitRole::Test)));
}

#[test]
fn an_invalid_block_is_one_finding() {
    let source = DataSource::Phantoms { count: 0, seed: 0 };
    let found = survey(&DataSpec { source, ..spec("", "", [8, 8]) }, Path::new(""), None, &|_, _| {});
    assert!(found.data.is_none() && found.has_errors() && found.findings.len() == 1);
}

/// Ignored pixels are of no class: shares are of the others, and a mask without others is a warning.
#[test]
fn the_check_tells_ignored_pixels() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: String| folder.path().join(name);
    for i in 0..6u8 {
        let image: Vec<u8> = (0..64).map(|p: u8| p.wrapping_mul(37 * (i % 3) + 1 + i)).collect();
        // A quarter lesion, a quarter void; the last mask is void.
        let mask: Vec<u8> = (0..64).map(|p| [1, 255, 0, 0][usize::from(p / 16u8)]).collect();
        grey(&path(format!("i/{i}.png")), [8, 8], &image);
        grey(&path(format!("m/{i}.png")), [8, 8], if i == 5 { &[255; 64] } else { &mask });
    }
    let block = "data d { images = \"i/*.png\" masks = \"m/*.png\" size = [8, 8] empty = one
  classes = [\"background\", \"lesion\"] labels = [0, 1] ignore = 255 split = random(train = 1, test = 0) }\n";
    fs::write(folder.path().join("d.model"), format!("npc 1\n{block}")).unwrap();
    let output = npc(folder.path(), &["data", "check", "d.model", "--out", "worst"]);
    assert_eq!(output.code, 0, "{}{}", output.stdout, output.stderr);
    for part in [
        "empty  ignored %\n",
        " 66.67     33.33            5      0      37.50\n",
        "warning[mask]: 1 mask has ignored pixels only: `5`",
    ] {
        assert!(output.stdout.contains(part), "`{part}` is not in {}", output.stdout);
    }
    assert!(!output.stdout.contains("no class but"), "{}", output.stdout);
    let output = npc(folder.path(), &["data", "check", "d.model", "--format", "json"]);
    let json: Value = serde_json::from_str(&output.stdout).unwrap();
    let data = &json["data"][0];
    assert_eq!(data["splits"][0]["ignored"], 0.375);
    assert_eq!(
        (&data["images"][0]["class_pixels"], &data["images"][0]["ignored_pixels"]),
        (&serde_json::json!([32, 16]), &16.into())
    );
    let shown = npc(folder.path(), &["data", "show", "d.model", "--out", "shown.png"]);
    assert_eq!(shown.code, 0, "{}", shown.stderr);
    // The legend names what the grey stripes are.
    let sheet = image::open(folder.path().join("shown.png")).unwrap().into_rgb8();
    assert!(sheet.pixels().filter(|p| p.0 == [150, 150, 150]).count() > 50);
}
