//! Palettes of the masks of one set: an index with two colours is reported once, whatever the file.

use crate::support::data_sets::{grey, only, spec};
use crate::support::dicom_file::DicomFile;
use crate::support::picture_files::write_png;
use npc::internals::data::notice::NoticeSet;
use npc::internals::data::survey::{quick_survey, survey};
use npc::internals::data::{BatchLoader, Dataset, LastBatch, SplitRole};
use npc::internals::text::config::case_rules::colour_label;
use npc::text::config::{DataSpec, MaskRule};
use png::{BitDepth, ColorType};
use std::path::Path;
use std::sync::Arc;
use tempfile::{TempDir, tempdir};

const BLACK: [u8; 3] = [0; 3];
const RED: [u8; 3] = [255, 0, 0];
const GREEN: [u8; 3] = [0, 255, 0];

fn palette_mask(path: &Path, palette: &[[u8; 3]], indices: &[u8; 4]) {
    write_png(path, [2, 2], ColorType::Indexed, BitDepth::Eight, &[(b"PLTE", palette.as_flattened())], indices);
}

fn block(labels: &[u32], mask_rule: MaskRule) -> DataSpec {
    let classes = labels.iter().map(|label| format!("c{label}")).collect();
    DataSpec { labels: labels.to_vec(), classes, mask_rule, ..only(spec("i/*", "m/*", [2, 2])) }
}

/// Writes a mask with each palette and these indices.
fn set(masks: &[(&[[u8; 3]], [u8; 4])]) -> TempDir {
    let dir = tempdir().unwrap();
    for (i, (palette, indices)) in masks.iter().enumerate() {
        grey(&dir.path().join(format!("i/a{i}.png")), [2, 2], &[i as u8, 9, 70, 200]);
        palette_mask(&dir.path().join(format!("m/a{i}.png")), palette, indices);
    }
    dir
}

/// Returns what `data check`, the look before training, and the loader of training and evaluation say of palettes.
fn said(dir: &Path, block: &DataSpec) -> Vec<String> {
    let about = |lines: Vec<String>| -> Vec<String> {
        let shown = dir.display().to_string() + "/";
        lines.into_iter().filter(|line| line.contains("palette")).map(|line| line.replace(&shown, "")).collect()
    };
    let checked = about(survey(block, dir, None, &|_, _| {}).findings.into_iter().map(|f| f.message).collect());
    let data = Arc::new(Dataset::open(block, dir).unwrap());
    let quick = quick_survey(&data, 1, 100).unwrap().warnings.into_iter().map(|f| f.message).collect();
    assert_eq!(about(quick), checked);
    let loader = BatchLoader::new(Arc::clone(&data), SplitRole::Train, 1);
    let cases = data.len(SplitRole::Train);
    assert!(loader.batches((0..cases).collect(), 1, LastBatch::Keep).all(|batch| batch.is_ok()));
    assert_eq!(about(loader.notices().lines(cases)), checked);
    let mut merged = NoticeSet::default();
    for i in (0..cases).rev() {
        merged.merge(data.load(SplitRole::Train, i, 1).unwrap().warnings.into_iter().collect());
    }
    assert_eq!(about(merged.lines(cases)), checked);
    checked
}

#[test]
fn palettes_in_another_order_are_reported_once_for_the_set() {
    let usual: (&[[u8; 3]], _) = (&[BLACK, RED], [0, 1, 1, 0]);
    let exact = block(&[0, 1], MaskRule::Exact);
    assert_eq!(said(set(&[usual, usual]).path(), &exact), [""; 0]);
    let dir = set(&[usual, usual, (&[RED, BLACK], [0, 1, 1, 0]), (&[RED, BLACK], [0, 0, 1, 0])]);
    let wanted = "the palettes of masks differ: index 0 is #000000 in m/a0.png and #ff0000 in m/a2.png, and 1 more index differs; \
                  the indices count, whatever their colours";
    for block in [&exact, &block(&[0, 1], MaskRule::Threshold)] {
        assert_eq!(said(dir.path(), block), [wanted]);
    }
    // By colours there is nothing to say.
    assert_eq!(said(dir.path(), &block(&[BLACK, RED].map(colour_label), MaskRule::Colour)), [""; 0]);
    // Entries that no pixel has may hold anything.
    let dir = set(&[usual, (&[BLACK], [0; 4]), (&[BLACK, GREEN, RED], [0; 4]), (&[RED, RED], [1; 4])]);
    assert_eq!(said(dir.path(), &exact), [""; 0]);
    let dir = set(&[usual, (&[BLACK, GREEN], [0, 0, 0, 1])]);
    let wanted = "the palettes of masks differ: index 1 is #ff0000 in m/a0.png and #00ff00 in m/a1.png; the indices count, \
                  whatever their colours";
    assert_eq!(said(dir.path(), &exact), [wanted]);
}

/// The pictures of a series are masks of one volume.
#[test]
fn palettes_of_the_masks_of_a_series_are_compared() {
    let dir = tempdir().unwrap();
    for n in 0..3 {
        DicomFile::new(n, [2, 2], &[0, 100, 200, 300]).write(&dir.path().join(format!("i/a/{n}.dcm")));
        let palette = if n == 1 { [RED, BLACK] } else { [BLACK, RED] };
        palette_mask(&dir.path().join(format!("m/a/{n}.png")), &palette, &[0, 0, 1, 1]);
    }
    let block = DataSpec { window: Some([0.0, 400.0]), ..block(&[0, 1], MaskRule::Exact) };
    let said = said(dir.path(), &block);
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(said[0].contains("index 0 is #000000 in m/a/0.png and #ff0000 in m/a/1.png"), "{said:?}");
}
