//! Refusals of a run, and the files that remain after one.

use super::*;
use npc::internals::base::atomic::write_atomic;
use std::fs;
use std::path::PathBuf;

/// Asserts that no file is left incomplete.
fn assert_no_partial_files(dir: &Path) {
    let parts: Vec<_> = files(dir).into_iter().filter(|n| n.ends_with(".part") || n.starts_with('.')).collect();
    assert!(parts.is_empty(), "{parts:?} in {}", dir.display());
}

fn assert_mentions(error: &RunError, words: &[&str]) {
    let text = error.to_string();
    for word in words {
        assert!(text.contains(word), "`{word}` is not in: {text}");
    }
}

#[test]
fn a_folder_that_holds_a_run_is_refused() {
    let fixture = TrainingFixture::new();
    let (folder, _) = fixture.start("a");
    let before = checkpoint_state(&folder.last());
    assert_mentions(&fixture.refused(&folder, false), &["already contains a run", "--resume", "--out"]);
    assert!(before == checkpoint_state(&folder.last()));
}

#[test]
fn there_must_be_a_run_to_resume() {
    let fixture = TrainingFixture::new();
    assert_mentions(&fixture.refused(&fixture.folder("none"), true), &["none", "no run"]);
    assert!(!fixture.dir.path().join("none").exists());
}

#[test]
fn a_checkpoint_of_another_model_is_refused_by_names() {
    let mut fixture = TrainingFixture::new();
    let (folder, _) = fixture.start("a");
    fixture.checked = model("Wide");
    let error = fixture.refused(&folder, true);
    assert_mentions(
        &error,
        &["last.safetensors", "do not fit the model", "`conv.weight`", "[12, 1, 3, 3]", "`Tiny`", "`Wide`"],
    );
    let stop = AtomicBool::new(false);
    let error =
        evaluate(&fixture.checked, &fixture.settings, &folder, SplitRole::Test, &EvaluateOptions::default(), &stop)
            .unwrap_err();
    assert_mentions(&error, &["best_dice.safetensors", "do not fit the model", "`Wide`"]);
}

#[test]
fn a_checkpoint_that_was_cut_short_is_refused() {
    let fixture = TrainingFixture::new();
    let (folder, _) = fixture.start("a");
    let whole = fs::read(folder.last()).unwrap();
    for length in [0, 7, 100, whole.len() / 2, whole.len() - 1] {
        fs::write(folder.last(), &whole[..length]).unwrap();
        assert_mentions(&fixture.refused(&folder, true), &["last.safetensors"]);
    }
    fs::write(folder.last(), &whole).unwrap();
    fixture.run(&folder, true, None).unwrap();
}

#[test]
fn a_run_folder_that_cannot_be_made_is_refused() {
    let fixture = TrainingFixture::new();
    fs::write(fixture.dir.path().join("file"), "text").unwrap();
    for name in ["file", "file/below"] {
        let error = fixture.refused(&fixture.folder(name), false);
        assert_mentions(&error, &[name, "cannot create the run folder"]);
    }
    assert_eq!(fs::read_to_string(fixture.dir.path().join("file")).unwrap(), "text");
}

#[test]
fn a_file_that_cannot_be_written_leaves_nothing() {
    let dir = tempdir().unwrap();
    let below = dir.path().join("no/such/folder");
    assert_mentions(&write_atomic(&below.join("a.json"), b"{}").unwrap_err(), &["a.json", "cannot be written"]);
    assert!(!dir.path().join("no").exists());
    // A folder has the name of the file: the folder stays, and the temporary file is removed.
    let taken = dir.path().join("taken");
    fs::create_dir_all(taken.join("inside")).unwrap();
    assert_mentions(&write_atomic(&taken, b"{}").unwrap_err(), &["taken", "cannot be written"]);
    assert_no_partial_files(dir.path());
    assert!(taken.join("inside").exists());
}

#[test]
fn other_images_than_those_of_the_run_are_refused() {
    let mut fixture = TrainingFixture::new();
    let (folder, _) = fixture.start("a");
    let before = fs::read_to_string(folder.root().join("train.txt")).unwrap();
    fixture.settings.data.source = DataSource::Phantoms { count: 40, seed: 3 };
    assert_mentions(&fixture.refused(&folder, true), &["train.txt", "split"]);
    assert_eq!(fs::read_to_string(folder.root().join("train.txt")).unwrap(), before);
}

/// Pairs of PNG files of 32 x 32 whose masks hold 0 and 255 and nothing else.
fn picture_fixture(pairs: u32) -> TrainingFixture {
    let mut fixture = TrainingFixture::new();
    for i in 0..pairs {
        let inside = |p: u32| (p / 32).abs_diff(16).pow(2) + (p % 32).abs_diff(10 + i % 12).pow(2) < 60;
        let image: Vec<u8> = (0..1024).map(|p| if inside(p) { 200 } else { 60 + (p * 7 + i) as u8 % 50 }).collect();
        let mask: Vec<u8> = (0..1024).map(|p| if inside(p) { 255 } else { 0 }).collect();
        write(&picture(&fixture, "images", i), 32, &image);
        write(&picture(&fixture, "masks", i), 32, &mask);
    }
    let source = DataSource::Files { images: "images/*.png".into(), masks: "masks/*.png".into() };
    fixture.settings.data = DataSpec { source, mask_rule: MaskRule::Exact, ..data() };
    fixture.settings.data_root = fixture.dir.path().display().to_string();
    fixture
}

fn picture(fixture: &TrainingFixture, kind: &str, i: u32) -> PathBuf {
    fixture.dir.path().join(kind).join(format!("a{i}.png"))
}

fn write(path: &Path, width: u32, pixels: &[u8]) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let height = pixels.len() as u32 / width;
    image::save_buffer(path, pixels, width, height, image::ExtendedColorType::L8).unwrap();
}

/// Returns the indices of the images of the first training batches, and of those that the run is scored on.
fn split_indices(fixture: &TrainingFixture) -> [Vec<u32>; 2] {
    let folder = fixture.folder("whole");
    ["train.txt", "test.txt"].map(|name| {
        let text = fs::read_to_string(folder.root().join(name)).unwrap();
        text.lines().map(|stem| stem[1..].parse().unwrap()).collect()
    })
}

fn cut(path: &Path) {
    fs::write(path, &fs::read(path).unwrap()[..60]).unwrap();
}

/// Damages a file, checks that the run is refused with these words, repairs the file, and checks that the run continues
/// unchanged.
fn assert_damage_is_refused(
    fixture: &TrainingFixture,
    name: &str,
    file: &Path,
    damage: impl Fn(&Path),
    words: &[&str],
) {
    let sound = fs::read(file).unwrap();
    damage(file);
    let folder = fixture.folder(name);
    let error = fixture.refused(&folder, false);
    assert_mentions(&error, words);
    assert_mentions(&error, &[&file.file_name().unwrap().to_string_lossy()]);
    assert_no_partial_files(fixture.dir.path());
    assert_no_partial_files(folder.root());
    fs::write(file, sound).unwrap();
    let started = folder.settings().exists();
    fixture.run(&folder, started, None).unwrap();
    assert_same_runs(&fixture.folder("whole"), &folder);
}

#[test]
fn damaged_files_are_named_and_do_not_affect_the_run() {
    let fixture = picture_fixture(20);
    let (_, observed) = fixture.start("whole");
    let [trained, tested] = split_indices(&fixture);
    let spot = |path: &Path| {
        let mut pixels = image::open(path).unwrap().into_luma8();
        pixels.put_pixel(5, 9, image::Luma([7]));
        pixels.save(path).unwrap();
    };
    let narrow = |path: &Path| write(path, 16, &[0; 512]);
    let gone = |path: &Path| fs::remove_file(path).unwrap();
    for (role, i) in [("train", trained[7]), ("test", tested[2])] {
        let (image, mask) = (picture(&fixture, "images", i), picture(&fixture, "masks", i));
        let name = |what: &str| format!("{what}_{role}");
        assert_damage_is_refused(&fixture, &name("cut_image"), &image, cut, &["images"]);
        assert_damage_is_refused(&fixture, &name("cut_mask"), &mask, cut, &["masks"]);
        assert_damage_is_refused(&fixture, &name("value"), &mask, spot, &["value 7", "x 5, y 9", "0", "255"]);
        assert_damage_is_refused(&fixture, &name("size"), &mask, narrow, &["16 x 32", "32 x 32", "images"]);
        assert_damage_is_refused(&fixture, &name("missing"), &mask, gone, &["no mask"]);
    }
    // The file is damaged after the steps of an epoch and before its scores, and found when the run is resumed: the epoch is
    // not trained again.
    let folder = fixture.folder("late");
    let image = picture(&fixture, "images", tested[0]);
    let sound = fs::read(&image).unwrap();
    assert!(fixture.run(&folder, false, Some(6)).unwrap().interrupted());
    cut(&image);
    fixture.refused(&folder, true);
    fs::write(&image, sound).unwrap();
    assert_eq!(fixture.run(&folder, true, None).unwrap().steps, observed.steps[6..]);
    assert_same_runs(&fixture.folder("whole"), &folder);
}

/// Sixteen images of each role are read before training; this one is not among them.
#[test]
fn a_damaged_file_that_is_found_while_scoring_is_named_and_does_not_affect_the_run() {
    let mut fixture = picture_fixture(40);
    fixture.settings.data.split = Split::Random { train: 0.5, val: 0.0, test: 0.5, seed: 0 };
    fixture.images = (20, 20);
    let (_, observed) = fixture.start("whole");
    let [_, tested] = split_indices(&fixture);
    let (folder, image) = (fixture.folder("late"), picture(&fixture, "images", tested[4]));
    let sound = fs::read(&image).unwrap();
    // The steps of the first epoch, without its scores.
    assert!(fixture.run(&folder, false, Some(7)).unwrap().interrupted());
    cut(&image);
    // Written after the checks that precede training.
    let profile = folder.root().join("data.json");
    fs::remove_file(&profile).unwrap();
    assert_mentions(&fixture.refused(&folder, true), &["images", &format!("a{}.png", tested[4])]);
    assert!(profile.exists(), "the file was found before training");
    assert_no_partial_files(folder.root());
    fs::write(&image, sound).unwrap();
    assert_eq!(fixture.run(&folder, true, None).unwrap().steps, observed.steps[7..]);
    assert_same_runs(&fixture.folder("whole"), &folder);
}
