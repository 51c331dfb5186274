//! Slices of volumes that are no cases are checked as well: an evaluation predicts them.

use crate::support::data_sets::spec;
use crate::support::nifti_file::NiftiFile;

use npc::internals::data::SplitRole;
use npc::internals::data::survey::survey;
use npc::text::config::{DataSpec, MaskRule, SliceSelection, Slicing};
use npc::text::diag::Severity;
use std::path::Path;
use tempfile::tempdir;

const SIDE: usize = 4;
const SLICES: usize = 5;

fn write(path: &Path, voxels: &[f32]) {
    let affine = [[1.0, 0.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 2.0, 0.0]];
    let mut file = NiftiFile::new([SIDE as i16, SIDE as i16, SLICES as i16], affine, &[]);
    // 32-bit floats.
    file.numbers(70, &[16, 32], i16::to_le_bytes);
    file.voxels = voxels.iter().flat_map(|v| v.to_le_bytes()).collect();
    file.write(path);
}

/// Five volumes, of which the slices 1 and 2 have a label, with `bad` in the slices 0 and 4 of one.
fn write_set(root: &Path, volume: usize, bad: f32) -> DataSpec {
    for v in 0..5 {
        let area = SIDE * SIDE;
        let mut image: Vec<f32> = (0..area * SLICES).map(|i| ((i * 31 + v * 17) % 97) as f32).collect();
        if v == volume {
            (image[6], image[4 * area]) = (bad, bad);
        }
        let mask: Vec<f32> =
            (0..area * SLICES).map(|i| f32::from(u8::from((1..3).contains(&(i / area)) && i % 3 == 0))).collect();
        write(&root.join(format!("i/v{v}.nii")), &image);
        write(&root.join(format!("m/v{v}.nii")), &mask);
    }
    DataSpec {
        labels: vec![0, 1],
        mask_rule: MaskRule::Exact,
        window: Some([0.0, 100.0]),
        slicing: Slicing { slices: SliceSelection::Labelled, ..Slicing::default() },
        ..spec("i/*.nii", "m/*.nii", [SIDE, SIDE])
    }
}

#[test]
fn a_slice_without_a_label_that_holds_nan_is_found() {
    let mut roles = Vec::new();
    for volume in 0..5 {
        let dir = tempdir().unwrap();
        let spec = write_set(dir.path(), volume, f32::NAN);
        let found = survey(&spec, dir.path(), Some(1), &|_, _| {});
        let role = found.facts.iter().find(|facts| facts.stem.starts_with(&format!("v{volume}_"))).unwrap().role;
        let of_slice: Vec<_> = found.findings.iter().filter(|f| f.message.contains("NaN")).collect();
        let [finding] = of_slice[..] else { panic!("{:?}", found.findings) };
        for part in [&format!("v{volume}.nii") as &str, "x 1, y 2 of slice 0", "and 1 other slice of it like this"] {
            assert!(finding.message.contains(part), "lacks {part}: {}", finding.message);
        }
        assert!(finding.help[0].contains("`npc eval` predicts and scores volumes as wholes"), "{:?}", finding.help);
        let wanted = if role == SplitRole::Train { Severity::Warning } else { Severity::Error };
        assert_eq!((finding.severity, &finding.stems), (wanted, &vec![format!("v{volume}")]));
        roles.push(role);
    }
    assert!(roles.contains(&SplitRole::Train) && roles.contains(&SplitRole::Test), "{roles:?}");
    let dir = tempdir().unwrap();
    let found = survey(&write_set(dir.path(), 0, 5.0), dir.path(), Some(1), &|_, _| {});
    assert!(!found.findings.iter().any(|f| f.message.contains("slice 0")), "{:?}", found.findings);
}
