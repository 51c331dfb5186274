//! Masks that are foreground everywhere or equal are named by `npc data check`, and so are near-duplicates and volumes.

use crate::support::data_sets::{grey, spec};
use crate::support::nifti_file::NiftiFile;
#[cfg(feature = "cli")]
use crate::support::program::npc;
use npc::internals::data::survey::survey;
use npc::text::config::DataSpec;
use std::path::Path;
use tempfile::{TempDir, tempdir};

/// Writes images of 16 x 16 with these masks.
fn set(count: usize, mask: impl Fn(usize, usize) -> bool) -> TempDir {
    let dir = tempdir().unwrap();
    for i in 0..count {
        let image: Vec<u8> = (0..256).map(|p| (p * (2 * i + 3) * (p / 16 + i) % 251) as u8).collect();
        let mask: Vec<u8> = (0..256).map(|p| if mask(i, p) { 255 } else { 0 }).collect();
        grey(&dir.path().join(format!("images/a{i}.png")), [16, 16], &image);
        grey(&dir.path().join(format!("masks/a{i}.png")), [16, 16], &mask);
    }
    dir
}

fn findings(dir: &Path, block: &DataSpec) -> Vec<String> {
    survey(block, dir, Some(1), &|_, _| {}).findings.iter().map(|f| f.to_text()).collect()
}

fn pictures(dir: &TempDir) -> Vec<String> {
    findings(dir.path(), &spec("images/*.png", "masks/*.png", [16, 16]))
}

#[test]
fn masks_without_background_are_named() {
    let found = pictures(&set(6, |i, p| i == 2 || i == 4 || p % 16 < 4 + i));
    let text = "2 masks have no `background`: every pixel is foreground: `a2`, `a4`\n  help: look at them";
    assert!(found.iter().any(|f| f.starts_with(text)), "{found:?}");
    // One pixel of background is enough.
    let found = pictures(&set(6, |i, p| if i == 2 { p != 255 } else { p % 16 < 4 + i }));
    assert!(!found.iter().any(|f| f.contains("every pixel is foreground")), "{found:?}");
}

#[test]
fn equal_masks_are_named() {
    let found = pictures(&set(6, |_, p| p % 16 < 5));
    let text = "all 6 masks with an object are equal, pixel by pixel: `a0`, `a1`, `a2`, `a3`, `a4` and 1 more";
    assert!(found.iter().any(|f| f.starts_with(text)), "{found:?}");
    let some = |equal: usize| pictures(&set(6, move |i, p| p % 16 < if i < equal { 5 } else { 6 + i }));
    let found = some(3);
    let text = "3 of 6 masks with an object are equal, pixel by pixel: `a0`, `a1`, `a2`";
    assert!(found.iter().any(|f| f.starts_with(text)), "{found:?}");
    for few in [some(2), pictures(&set(6, |_, _| false)), pictures(&set(6, |_, _| true))] {
        assert!(!few.iter().any(|f| f.contains("are equal")), "{few:?}");
    }
}

/// Writes four volumes of 6 slices, of which one or two hold a bar.
fn volumes(masks_are_equal: bool) -> (TempDir, DataSpec) {
    let dir = tempdir().unwrap();
    for v in 0..4usize {
        let inside = |p: usize| {
            let (slice, y) = (p / 256, p % 256 / 16);
            slice == 2 && y < 6 || slice == 3 && y < if masks_are_equal { 7 } else { 7 + v }
        };
        let masks: Vec<i16> = (0..6 * 256).map(|p| i16::from(inside(p))).collect();
        let values: Vec<i16> = (0..6 * 256).map(|p| (p * (2 * v + 3) % 997) as i16).collect();
        let mm = 1.0 + 0.5 * v as f32;
        let place = [[mm, 0.0, 0.0, 5.0], [0.0, mm, 0.0, 7.0], [0.0, 0.0, 4.0, 9.0]];
        for (kind, voxels) in [("images", &values), ("masks", &masks)] {
            NiftiFile::new([16, 16, 6], place, voxels).write(&dir.path().join(format!("{kind}/v{v}.nii.gz")));
        }
    }
    let block = DataSpec {
        labels: vec![0, 1],
        mask_rule: npc::text::config::MaskRule::Exact,
        window: Some([0.0, 1000.0]),
        ..spec("images/*", "masks/*", [16, 16])
    };
    (dir, block)
}

#[test]
fn equal_masks_of_volumes_are_those_of_whole_volumes() {
    let (dir, block) = volumes(true);
    let found = findings(dir.path(), &block);
    let text = "all 4 masks with an object are equal, pixel by pixel: `v0`, `v1`, `v2`, `v3`";
    assert!(found.iter().any(|f| f.starts_with(text)), "{found:?}");
    // One slice of each is equal, and the other is not.
    let (dir, block) = volumes(false);
    let found = findings(dir.path(), &block);
    assert!(!found.iter().any(|f| f.contains("are equal")), "{found:?}");
}

#[cfg(feature = "cli")]
const VOLUMES: &str = "npc 1
data v {
  images = \"images/*.nii.gz\" masks = \"masks/*.nii.gz\" size = [16, 16] classes = [\"background\", \"bar\"]
  labels = [0, 1] window = [0, 1000] empty = one split = random(test = 0.5)
}
";

#[cfg(feature = "cli")]
#[test]
fn volumes_have_a_line_of_their_own_and_show_slices_with_classes() {
    let (dir, _) = volumes(false);
    std::fs::write(dir.path().join("v.model"), VOLUMES).unwrap();
    let output = npc(dir.path(), &["data", "check", "v.model"]);
    let line = "4 volumes of 6 axial slices, 24 in all; 1.00 to 2.50 mm between pixels, 4.00 mm between slices\n";
    assert!(output.stdout.contains(line), "{}{}", output.stdout, output.stderr);
    let output = npc(dir.path(), &["data", "check", "v.model", "--format", "json"]);
    let json: serde_json::Value = serde_json::from_str(&output.stdout).unwrap();
    let span = &json["data"][0]["volumes"];
    assert_eq!((&span["volumes"], &span["slices"]), (&4.into(), &24.into()));
    assert_eq!(span["pixel_mm"], serde_json::json!([1.0, 2.5]));
    // 4 of 12 training slices hold the class, and all four are shown, whatever the seed is.
    for seed in ["0", "1", "2"] {
        let args = ["data", "show", "v.model", "--count", "4", "--seed", seed, "--out", "s.png"];
        let output = npc(dir.path(), &args);
        let start = "4 of 12 samples of `train`, slices with classes first: s.png (";
        assert!(output.stdout.starts_with(start), "{}{}", output.stdout, output.stderr);
        let sheet = image::open(dir.path().join("s.png")).unwrap().into_rgb8();
        // Each tile has the outline of the class.
        let (width, height) = sheet.dimensions();
        let outlined = |[column, row]: [u32; 2]| {
            let [x, y] = [column * width / 3, row * height / 2];
            let tile = (0..width / 3).flat_map(|dx| (0..height / 2).map(move |dy| [x + dx, y + dy]));
            // The legend is above.
            tile.filter(|[x, y]| y > &40 && has_colour(sheet.get_pixel(*x, *y).0)).count() > 50
        };
        assert!([[0, 0], [1, 0], [2, 0], [0, 1]].into_iter().all(outlined), "seed {seed}");
    }
}

/// Whether a pixel has a colour, as outlines have and grey images do not.
#[cfg(feature = "cli")]
fn has_colour([r, g, b]: [u8; 3]) -> bool {
    r.abs_diff(g).max(g.abs_diff(b)).max(r.abs_diff(b)) > 60
}

#[cfg(feature = "cli")]
#[test]
fn near_duplicates_within_a_split_have_names() {
    let dir = set(8, |i, p| p % 16 < 4 + i);
    let copy = |from: &str, to: &str| std::fs::copy(dir.path().join(from), dir.path().join(to)).unwrap();
    copy("images/a1.png", "images/a2.png");
    let model = "npc 1\ndata d { images = \"images/*.png\" masks = \"masks/*.png\" size = [16, 16] \
                 classes = [\"background\", \"bar\"] labels = [0, 255] empty = one split = lists(train = \"train.txt\", test = \"test.txt\") }\n";
    std::fs::write(dir.path().join("d.model"), model).unwrap();
    std::fs::write(dir.path().join("train.txt"), "a0\na1\na2\na3\na4\na5\n").unwrap();
    std::fs::write(dir.path().join("test.txt"), "a6\na7\n").unwrap();
    let text = || npc(dir.path(), &["data", "check", "d.model", "--out", "worst"]).stdout;
    assert!(text().contains("\n1 near-duplicate pair within the splits: `a1` and `a2` in train\n"), "{}", text());
    for (from, to) in [("a1", "a3"), ("a1", "a4")] {
        copy(&format!("images/{from}.png"), &format!("images/{to}.png"));
    }
    assert!(text().contains("\n6 near-duplicate pairs within the splits: `a1` and `a2` in train; "), "{}", text());
    assert!(text().contains(" in train; and 3 more\n"), "{}", text());
    // Title, names and parts stand above the squares: two rows of two pairs.
    let sheet = image::open(dir.path().join("worst/duplicates.png")).unwrap();
    assert_eq!(sheet.width(), 6 + 4 * (192 + 6));
    assert!(sheet.height() > 2 * (192 + 2 * 13), "{}", sheet.height());
}
