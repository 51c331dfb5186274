//! What messages say of the place of a mask: which way it runs, and what a header leaves open.

use crate::support::data_sets::{only, refused, spec};
use crate::support::nifti_file::{Affine, NiftiFile};
use npc::internals::data::{Dataset, SplitRole};
use npc::text::config::{DataSpec, MaskRule};
use tempfile::tempdir;

/// Voxels of 1.5 x 2 x 5 mm whose axes run to the right, the front and the head.
const PLACE: Affine = [[1.5, 0.0, 0.0, -30.0], [0.0, 2.0, 0.0, -20.0], [0.0, 0.0, 5.0, 100.0]];

fn file(affine: Affine) -> NiftiFile {
    NiftiFile::new([6, 4, 3], affine, &(0..72).map(|v| v % 2).collect::<Vec<i16>>())
}

/// Returns the refusal of a mask.
#[track_caller]
fn refusal(image: &NiftiFile, mask: &NiftiFile, words: &[&str]) -> String {
    let dir = tempdir().unwrap();
    image.write(&dir.path().join("i/a.nii"));
    mask.write(&dir.path().join("m/a.nii"));
    let block = DataSpec {
        labels: vec![0, 1],
        mask_rule: MaskRule::Exact,
        window: Some([0.0, 100.0]),
        ..only(spec("i/*.nii", "m/*.nii", [4, 6]))
    };
    refused(Dataset::open(&block, dir.path()).and_then(|data| data.load(SplitRole::Train, 0, 1)), words)
}

/// Both headers have one origin, so the message names no distance between them.
#[test]
fn a_mask_that_runs_the_other_way_from_the_same_origin_is_mirrored() {
    for (row, name) in [(0, "left-right"), (1, "front-back"), (2, "head-feet")] {
        let mut mirrored = PLACE;
        mirrored[row][row] *= -1.0;
        let words = format!(
            "so it is mirrored {name}; both have the origin (-30.0, -20.0, 100.0), and run different ways from there"
        );
        let text = refusal(&file(PLACE), &file(mirrored), &[&words]);
        assert!(!text.contains(" off"), "{text}");
    }
}

#[test]
fn a_mask_that_is_turned_and_elsewhere_has_the_distance_after_turning() {
    let mut other = PLACE;
    other[0][0] = -1.5;
    other[0][3] = 7.5;
    let text = refusal(
        &file(PLACE),
        &file(other),
        &["so it is mirrored left-right; turned like the image, it is 30.0 mm off"],
    );
    assert!(!text.contains("origin"), "{text}");
    let mut far = PLACE;
    far[0][3] += 30.0;
    refusal(&file(PLACE), &file(far), &["its origin is 30.0 mm off (30.0 to the right)"]);
}

/// Without codes the image says nothing about axes or place, so nothing is said of how the mask lies against it.
#[test]
fn an_image_without_form_codes_leaves_the_place_open() {
    let mut image = file(PLACE);
    image.sform(0, PLACE);
    let words =
        ["gives no place and no directions (qform_code and sform_code are 0)", "Nifti1Image(array, mask.affine)"];
    let text = refusal(&image, &file(PLACE), &words);
    for word in ["mirrored", "LAS", "off"] {
        assert!(!text.contains(word), "{text}");
    }
}
