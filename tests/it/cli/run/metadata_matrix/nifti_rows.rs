//! Rows about NIfTI files: volumes of three slices with masks of the same grid.

use super::MatrixRow;
use super::files::{CASES, SIDE, marks, values};
use crate::support::nifti_file::{Affine, NiftiFile};
use std::path::Path;

const KEYS: &str = "window = [0, 1000]";
const DIMS: [i16; 3] = [SIDE as i16, SIDE as i16, 3];
/// Voxels of 1 x 1 x 2 mm, the axes to the right, the front and the head.
const PLACE: Affine = [[1.0, 0.0, 0.0, -20.0], [0.0, 1.0, 0.0, -30.0], [0.0, 0.0, 2.0, 40.0]];

/// Changes the file of a case.
type FileChange = fn(NiftiFile) -> NiftiFile;

fn row(field: &'static str, words: &'static str, write: fn(&Path), same_as: Option<fn(&Path)>) -> MatrixRow {
    MatrixRow { format: "NIfTI", field, keys: KEYS, words, in_masks: false, write, plain, same_as }
}

fn mask_row(field: &'static str, words: &'static str, write: fn(&Path), same_as: Option<fn(&Path)>) -> MatrixRow {
    MatrixRow { format: "NIfTI mask", in_masks: true, ..row(field, words, write, same_as) }
}

fn voxels(of: fn(usize) -> Vec<u8>, case: usize) -> Vec<i16> {
    (0..3).flat_map(|n| of(case + n)).map(i16::from).collect()
}

fn image(case: usize) -> NiftiFile {
    let stored: Vec<i16> = voxels(values, case).into_iter().map(|v| 4 * v).collect();
    NiftiFile::new(DIMS, PLACE, &stored)
}

/// Writes `images/p<i>.nii` and `masks/p<i>.nii`, changed.
fn volumes(folder: &Path, image_change: FileChange, mask_change: FileChange) {
    for case in 0..CASES {
        image_change(image(case)).write(&folder.join(format!("images/p{case}.nii")));
        let mask = NiftiFile::new(DIMS, PLACE, &voxels(marks, case));
        mask_change(mask).write(&folder.join(format!("masks/p{case}.nii")));
    }
}

/// Writes the files with changed images.
fn images(folder: &Path, change: FileChange) {
    volumes(folder, change, |mask| mask);
}

/// Writes the files with changed masks.
fn masks(folder: &Path, change: FileChange) {
    volumes(folder, |image| image, change);
}

fn plain(folder: &Path) {
    images(folder, |image| image);
}

/// Turns the order of the voxels along the first axis; the sform follows, so that every voxel stays at its place.
fn reversed(mut file: NiftiFile) -> NiftiFile {
    let rows: Vec<u8> =
        file.voxels.chunks_exact(2 * SIDE).flat_map(|row| row.chunks_exact(2).rev().flatten()).copied().collect();
    file.voxels = rows;
    let mut place = PLACE;
    place[0] = [-1.0, 0.0, 0.0, -20.0 + SIDE as f32 - 1.0];
    file.sform(1, place);
    file
}

fn put(mut file: NiftiFile, at: usize, bytes: &[u8]) -> NiftiFile {
    file.put(at, bytes);
    file
}

fn placed(mut file: NiftiFile, place: Affine) -> NiftiFile {
    file.sform(1, place);
    file
}

fn moved(file: NiftiFile) -> NiftiFile {
    let mut place = PLACE;
    place[0][3] += 30.0;
    placed(file, place)
}

pub fn rows() -> Vec<MatrixRow> {
    vec![
        row(
            "scl_slope, scl_inter",
            "scl_slope",
            |f| {
                images(f, |file| put(put(file, 112, &0.5f32.to_le_bytes()), 116, &100f32.to_le_bytes()));
            },
            Some(|f| {
                let halved = |mut file: NiftiFile| {
                    let values = file.voxels.chunks_exact(2).map(|v| i16::from_le_bytes([v[0], v[1]]) / 2 + 100);
                    file.voxels = values.flat_map(i16::to_le_bytes).collect();
                    file
                };
                images(f, halved);
            }),
        ),
        row("sform: the first axis runs to the left", "sform", |f| volumes(f, reversed, reversed), Some(plain)),
        row(
            "qform against sform",
            "qform and sform",
            |f| {
                let change = |mut file: NiftiFile| {
                    file.qform(1, [0.0; 3], [50.0, -30.0, 40.0], 1.0);
                    file
                };
                images(f, change);
            },
            None,
        ),
        row(
            "qform_code and sform_code 0",
            "gives no orientation",
            |f| {
                let change = |file| put(put(file, 254, &[0, 0]), 252, &[0, 0]);
                volumes(f, change, change);
            },
            None,
        ),
        row(
            "xyzt_units: micrometres",
            "micrometres",
            |f| {
                volumes(f, |file| put(file, 123, &[3]), |mask| put(mask, 123, &[3]));
            },
            Some(plain),
        ),
        row("pixdim against sform", "pixdim", |f| images(f, |file| put(file, 80, &7f32.to_le_bytes())), Some(plain)),
        row("pixdim 0", "pixdim", |f| images(f, |file| put(file, 80, &[0; 4])), Some(plain)),
        row(
            "dim: more than one volume",
            "volumes along dimension",
            |f| {
                let change = |mut file: NiftiFile| {
                    let twice = [file.voxels.clone(), file.voxels.clone()].concat();
                    file.voxels = twice;
                    put(put(file, 40, &[4, 0]), 48, &[2, 0])
                };
                images(f, change);
            },
            None,
        ),
        row("bitpix against datatype", "contradicts itself", |f| images(f, |file| put(file, 72, &[8, 0])), None),
        row(
            "datatype: RGB or complex",
            "unsupported voxel type",
            |f| images(f, |file| put(put(file, 70, &[128, 0]), 72, &[24, 0])),
            None,
        ),
        row(
            "values that are no numbers",
            "not a finite number",
            |f| {
                let change = |mut file: NiftiFile| {
                    let values = file.voxels.chunks_exact(2).map(|v| f32::from(i16::from_le_bytes([v[0], v[1]])));
                    let floats = values.enumerate().map(|(i, v)| if i % 50 == 7 { f32::NAN } else { v });
                    file.voxels = floats.flat_map(f32::to_le_bytes).collect();
                    put(put(file, 70, &[16, 0]), 72, &[32, 0])
                };
                images(f, change);
            },
            None,
        ),
        row(
            "axes that are not perpendicular",
            "not perpendicular",
            |f| {
                let sheared = |file| {
                    let mut place = PLACE;
                    place[1][2] = 0.5;
                    placed(file, place)
                };
                volumes(f, sheared, sheared);
            },
            Some(plain),
        ),
        row(
            "voxel size against the block's `spacing`",
            "the file gives a spacing",
            |f| {
                let stretched = |file| {
                    let mut place = PLACE;
                    (place[0][0], place[1][1]) = (0.5, 2.0);
                    placed(put(put(file, 80, &0.5f32.to_le_bytes()), 84, &2f32.to_le_bytes()), place)
                };
                volumes(f, stretched, stretched);
            },
            Some(plain),
        )
        .keys("window = [0, 1000] spacing = [1, 1]"),
        row("vox_offset inside the header", "vox_offset", |f| images(f, |file| put(file, 108, &[0; 4])), None),
        row(
            "cal_min, cal_max, intent_code",
            "cal_",
            |f| {
                let change =
                    |file| put(put(put(file, 124, &9f32.to_le_bytes()), 128, &3f32.to_le_bytes()), 68, &[2, 0]);
                images(f, change);
            },
            Some(plain),
        ),
        mask_row("origin of another place", "not at the place of its image", |f| masks(f, moved), None),
        mask_row(
            "voxels of another size",
            "not at the place of its image",
            |f| {
                masks(f, |mask| {
                    let mut place = PLACE;
                    place[2][2] = 5.0;
                    placed(mask, place)
                });
            },
            None,
        ),
        mask_row(
            "mirrored header",
            "not at the place of its image",
            |f| {
                masks(f, |mask| {
                    let mut place = PLACE;
                    place[0][0] = -1.0;
                    placed(mask, place)
                });
            },
            None,
        ),
        mask_row(
            "saved without geometry",
            "saved without geometry",
            |f| {
                masks(f, |mask| {
                    let identity = [[1.0, 0.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0]];
                    placed(mask, identity)
                });
            },
            None,
        ),
        mask_row(
            "another order of voxels at the same place",
            "another order of voxels",
            |f| masks(f, reversed),
            Some(plain),
        ),
    ]
}
