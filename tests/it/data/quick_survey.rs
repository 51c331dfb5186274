//! What is found before training: the findings of `npc data check`, as far as some cases show them.

use crate::support::data_sets::{grey, spec};
use crate::support::picture_files::{write_gif, write_webp};
use npc::internals::data::survey::{SurveyTopic, quick_survey, survey};
use npc::internals::data::{Dataset, phantom};
use npc::text::config::{DataSpec, GroupBy, Grouping, Split};
use std::fs;
use std::path::Path;

/// Writes one pair of phantom number `i` under this stem.
fn pair(dir: &Path, stem: &str, i: u64, side: usize) {
    let slice = phantom::draw(i, i, [side, side]);
    let image: Vec<u8> =
        slice.hu.iter().map(|hu| ((i32::from(*hu) + 1000).clamp(0, 1400) * 255 / 1400) as u8).collect();
    let mask: Vec<u8> = slice.lungs.iter().map(|v| v * 255).collect();
    grey(&dir.join(format!("i/{stem}.png")), [side, side], &image);
    grey(&dir.join(format!("m/{stem}.png")), [side, side], &mask);
}

fn set(dir: &Path) -> DataSpec {
    for i in 0..12 {
        pair(dir, &i.to_string(), i, 48);
    }
    let numbers = |range: std::ops::Range<u32>| range.map(|i| format!("{i}\n")).collect::<String>();
    fs::write(dir.join("train.txt"), numbers(0..8)).unwrap();
    fs::write(dir.join("test.txt"), numbers(8..12)).unwrap();
    let split = Split::Lists { train: "train.txt".into(), val: None, test: "test.txt".into() };
    DataSpec { split, ..spec("i/*.png", "m/*.png", [48, 48]) }
}

/// The topics and messages of both surveys, without near-duplicates.
fn both(spec: &DataSpec, dir: &Path, per_role: usize) -> [Vec<(SurveyTopic, String)>; 2] {
    let data = Dataset::open(spec, dir).unwrap();
    let quick = quick_survey(&data, 1, per_role).unwrap().warnings;
    let whole = survey(spec, dir, Some(1), &|_, _| {}).findings;
    [quick, whole].map(|findings| {
        let kept = findings.into_iter().filter(|f| f.kind != SurveyTopic::Duplicates);
        kept.map(|f| (f.kind, f.to_text())).collect()
    })
}

/// Formats without grey store it as red, green and blue, or as a palette; such pictures are grey.
#[test]
fn grey_in_formats_without_grey_is_not_called_colours() {
    let dir = tempfile::tempdir().unwrap();
    let block = DataSpec {
        split: Split::Random { train: 0.5, val: 0.0, test: 0.5, seed: 0 },
        ..spec("i/*", "m/*.png", [48, 48])
    };
    for i in 0..6 {
        pair(dir.path(), &i.to_string(), i, 48);
    }
    let values =
        |i: u8| (0..48 * 48u32).map(move |p| (p.wrapping_mul(40_503 + u32::from(i)) >> 8) as u8).collect::<Vec<u8>>();
    let repeated = |i: u8| values(i).into_iter().flat_map(|v| [v; 3]).collect::<Vec<u8>>();
    let at = |name: &str| dir.path().join("i").join(name);
    write_webp(&at("1.webp"), [48, 48], 3, &repeated(1), None);
    // A palette of some greys in no order.
    let palette: Vec<u8> = [9u8, 200, 0, 77].iter().flat_map(|v| [*v; 3]).collect();
    let indices: Vec<u8> = values(2).iter().map(|v| v % 4).collect();
    write_gif(&at("2.gif"), [48, 48], &palette, None, &[&indices]);
    image::RgbImage::from_raw(48, 48, repeated(3)).unwrap().save(at("3.bmp")).unwrap();
    image::RgbImage::from_raw(48, 48, repeated(4)).unwrap().save(at("4.png")).unwrap();
    let jpeg = fs::File::create(at("5.jpg")).unwrap();
    image::codecs::jpeg::JpegEncoder::new_with_quality(jpeg, 60)
        .encode(&repeated(5), 48, 48, image::ExtendedColorType::Rgb8)
        .unwrap();
    ["1.png", "2.png", "3.png", "5.png"].iter().for_each(|name| fs::remove_file(at(name)).unwrap());
    let coloured = |findings: &[(SurveyTopic, String)]| findings.iter().any(|(_, text)| text.contains("in colours"));
    for findings in both(&block, dir.path(), 16) {
        assert!(!coloured(&findings), "{findings:?}");
    }
    // One pixel of another colour is enough.
    let mut pixels = repeated(1);
    pixels[300] ^= 64;
    write_webp(&at("1.webp"), [48, 48], 3, &pixels, None);
    for findings in both(&block, dir.path(), 16) {
        assert!(findings.iter().any(|(_, text)| text.contains("1 of 6 images is in colours, the others are not: `1`")));
    }
}

/// A sample that is the whole set has the findings of `data check`, word for word.
#[test]
fn a_whole_sample_has_the_findings_of_the_check() {
    let dir = tempfile::tempdir().unwrap();
    let spec = set(dir.path());
    let [quick, whole] = both(&spec, dir.path(), 16);
    assert_eq!((quick.len(), &quick), (0, &whole));
    // A window in the units of CT for eight-bit pictures, an empty mask, and a picture in colours.
    let ct = DataSpec { window: Some([-1000.0, 400.0]), ..spec };
    grey(&dir.path().join("m/3.png"), [48, 48], &[0; 48 * 48]);
    image::RgbImage::from_pixel(48, 48, image::Rgb([9, 90, 200])).save(dir.path().join("i/5.png")).unwrap();
    let [quick, whole] = both(&ct, dir.path(), 16);
    assert_eq!(quick, whole);
    let text = quick.iter().map(|(_, text)| format!("{text}\n")).collect::<String>();
    for part in [
        "only 18 % of the window [-1000, 400]",
        "1 mask has no class but",
        "1 of 12 images is in colours, the others are not: `5`",
    ] {
        assert!(text.contains(part), "{text}");
    }
}

/// Of a sample only what it shows is said, and how many masks were read.
#[test]
fn a_part_of_the_set_says_how_much_was_read() {
    let dir = tempfile::tempdir().unwrap();
    let spec = set(dir.path());
    (0..12).for_each(|i| grey(&dir.path().join(format!("m/{i}.png")), [48, 48], &[0; 48 * 48]));
    let [quick, _] = both(&spec, dir.path(), 2);
    let text = quick.iter().map(|(_, text)| format!("{text}\n")).collect::<String>();
    assert!(text.contains("4 masks of the 4 that were read have no class but"), "{text}");
    assert!(text.contains("none of the 4 of 12 masks that were read contains"), "{text}");
    // One mask with the class is enough to say nothing: the others may have it.
    let lungs: Vec<u8> = phantom::draw(0, 0, [48, 48]).lungs.iter().map(|v| v * 255).collect();
    grey(&dir.path().join("m/0.png"), [48, 48], &lungs);
    let [quick, _] = both(&spec, dir.path(), 2);
    assert!(!quick.iter().any(|(_, text)| text.contains("contains")), "{quick:?}");
}

/// The first case that cannot be used ends the survey with its problem.
#[test]
fn an_unusable_case_is_the_error_of_the_sample() {
    let dir = tempfile::tempdir().unwrap();
    let spec = set(dir.path());
    fs::write(dir.path().join("i/0.png"), "").unwrap();
    grey(&dir.path().join("m/11.png"), [9, 9], &[0; 81]);
    let error = quick_survey(&Dataset::open(&spec, dir.path()).unwrap(), 1, 16).err().unwrap();
    assert!(error.path.is_some_and(|path| path.ends_with("i/0.png")));
}

/// Files that are equal in two parts of the split are found in the whole set, whatever was sampled.
#[test]
fn equal_files_across_the_split_are_found() {
    let dir = tempfile::tempdir().unwrap();
    let spec = set(dir.path());
    let duplicates = || -> Vec<String> {
        let warnings = quick_survey(&Dataset::open(&spec, dir.path()).unwrap(), 1, 1).unwrap().warnings;
        warnings.into_iter().filter(|f| f.kind == SurveyTopic::Duplicates).map(|f| f.to_text()).collect()
    };
    assert_eq!(duplicates(), Vec::<String>::new());
    fs::copy(dir.path().join("i/2.png"), dir.path().join("i/9.png")).unwrap();
    // A copy within a part is no leakage.
    fs::copy(dir.path().join("i/4.png"), dir.path().join("i/5.png")).unwrap();
    let found = duplicates();
    assert!(found.len() == 1 && found[0].contains("`2` in train and `9` in test are the same file"), "{found:?}");
    assert!(found[0].contains("help: data leakage"), "{found:?}");
}

/// Without a window 8-bit and 16-bit files are scaled by numbers that are 257 apart.
#[test]
fn two_depths_without_a_window_are_reported() {
    let dir = tempfile::tempdir().unwrap();
    let spec = set(dir.path());
    let deep =
        image::ImageBuffer::<image::Luma<u16>, _>::from_fn(48, 48, |x, y| image::Luma([((x * y) % 256) as u16 * 200]));
    deep.save(dir.path().join("i/7.png")).unwrap();
    let [quick, whole] = both(&spec, dir.path(), 16);
    assert_eq!(quick, whole);
    assert!(quick.iter().any(|(_, text)| text.contains("images of several depths are mixed: 16-bit")), "{quick:?}");
}

/// Stems that look like groups are reported with the pattern, which then silences the warning.
#[test]
fn groups_are_suggested_where_stems_hold_them() {
    let dir = tempfile::tempdir().unwrap();
    // Three slices of each of six patients, nearly equal.
    for patient in 0..6 {
        for slice in 0..3 {
            pair(dir.path(), &format!("S1_{patient}_z{slice:03}"), patient, 48);
        }
    }
    let split = Split::Random { train: 0.5, val: 0.0, test: 0.5, seed: 0 };
    let spec = DataSpec { split, ..spec("i/*.png", "m/*.png", [48, 48]) };
    let duplicates = |spec: &DataSpec| -> Vec<String> {
        let found = survey(spec, dir.path(), Some(1), &|_, _| {}).findings;
        found.into_iter().filter(|f| f.kind == SurveyTopic::Duplicates).map(|f| f.to_text()).collect()
    };
    let found = duplicates(&spec);
    assert!(found[0].contains("group = \"{group}_z*\")"), "{found:?}");
    let within = found.iter().find(|text| text.contains("within the splits")).unwrap();
    assert!(
        within.contains("look like 6 groups, such as `S1_0`") && within.contains("`group = \"{group}_z*\"`"),
        "{within}"
    );
    let group = Some(GroupBy::Pattern("{group}_z*".into()));
    let grouped = DataSpec { grouping: Grouping { group, stratify: None }, ..spec };
    assert_eq!(duplicates(&grouped), Vec::<String>::new());
}
