//! Writes NIfTI-1 files: a header of 348 bytes, 4 bytes that announce no extension, and the voxels, gzipped.
//!
//! The fields and their order are those of `nifti1.h` (NIfTI-1 data format). A file on the grid of a NIfTI input takes over the
//! place of its voxels field by field, so that every viewer lays both on each other, whichever of qform and sform it uses.

use super::grid::determinant;
use crate::base::atomic::write_atomic;
use crate::base::error::{Result, RunError};
use flate2::Compression;
use flate2::write::GzEncoder;
use std::io::Write;
use std::path::Path;

/// Code of scanner coordinates, for `qform_code` and `sform_code`.
const SCANNER: i16 = 1;
/// Unit of space: millimetres.
const MILLIMETRES: u8 = 2;
/// Bytes before the voxels.
const VOXELS_AT: usize = 352;
/// Part of a voxel by which a corner may differ between the qform and the sform of one file.
const TOLERANCE: f64 = 0.01;

/// Where the voxels of a volume are, in the fields of a NIfTI header.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct NiftiGeometry {
    /// Number of axes of the array: 3, or 2 for a single slice that a file states so.
    pub axes: usize,
    /// Number of voxels along each axis of the array.
    pub dims: [usize; 3],
    /// `pixdim[0]`: -1 if the third axis of the qform is mirrored, else 1.
    pub handedness: f32,
    /// Size of a voxel along each axis of the array.
    pub spacing: [f32; 3],
    /// `xyzt_units`.
    pub units: u8,
    pub qform_code: i16,
    pub sform_code: i16,
    /// Components b, c and d of the qform's unit quaternion.
    pub quaternion: [f32; 3],
    /// Place of the first voxel in the qform.
    pub offset: [f32; 3],
    /// Rows of the sform.
    pub rows: [[f32; 4]; 3],
}

/// Voxels to write, the first axis contiguous.
pub(crate) enum NiftiVoxels<'a> {
    U8(&'a [u8]),
    U16(&'a [u16]),
    /// Several volumes of 32-bit numbers, one after the other along a fourth axis.
    F32Series(&'a [f32]),
}

impl NiftiGeometry {
    /// Creates the geometry of an affine from array indices to millimetres to the right, the front and the head. The sform is the
    /// affine; the qform is its nearest rotation, and is left out if the axes of the array are not perpendicular.
    pub(crate) fn of_affine(dims: [usize; 3], affine: [[f64; 4]; 3]) -> NiftiGeometry {
        let column = |a: usize| [affine[0][a], affine[1][a], affine[2][a]];
        let spacing = [0, 1, 2].map(|a| column(a).iter().map(|v| v * v).sum::<f64>().sqrt());
        let unit: [[f64; 3]; 3] = [0, 1, 2].map(|r| [0, 1, 2].map(|a| affine[r][a] / spacing[a]));
        let handedness = if determinant(unit) < 0.0 { -1.0 } else { 1.0 };
        let rotation = nearest_rotation(unit.map(|row| [row[0], row[1], row[2] * handedness]));
        // The farthest corner shows how well the rotation stands for the affine.
        let error = |r: usize| -> f64 {
            let along = |a: usize| {
                let turned = rotation[r][a] * spacing[a] * if a == 2 { handedness } else { 1.0 };
                ((affine[r][a] - turned) * dims[a] as f64).abs()
            };
            (0..3).map(along).sum()
        };
        let voxel = spacing.iter().copied().fold(f64::INFINITY, f64::min);
        let fits = (0..3).all(|r| error(r) < TOLERANCE * voxel);
        NiftiGeometry {
            axes: 3,
            dims,
            handedness: handedness as f32,
            spacing: spacing.map(|s| s as f32),
            units: MILLIMETRES,
            qform_code: if fits { SCANNER } else { 0 },
            sform_code: SCANNER,
            quaternion: quaternion(rotation).map(|q| q as f32),
            offset: [0, 1, 2].map(|r| affine[r][3] as f32),
            rows: affine.map(|row| row.map(|v| v as f32)),
        }
    }

    /// Returns the 348 bytes of a header, and the 4 bytes that follow it.
    fn header(&self, volumes: usize, datatype: i16, bits: i16) -> [u8; VOXELS_AT] {
        let mut bytes = [0; VOXELS_AT];
        let mut put = |at: usize, field: &[u8]| bytes[at..at + field.len()].copy_from_slice(field);
        put(0, &348i32.to_le_bytes());
        put(38, b"r");
        let [x, y, z] = self.dims;
        let dim = [if volumes > 1 { 4 } else { self.axes }, x, y, z, volumes, 1, 1, 1];
        put_all(&mut put, 40, dim.map(|n| (n as i16).to_le_bytes()));
        put(70, &datatype.to_le_bytes());
        put(72, &bits.to_le_bytes());
        let [dx, dy, dz] = self.spacing;
        put_all(&mut put, 76, [self.handedness, dx, dy, dz, 1.0, 1.0, 1.0, 1.0].map(f32::to_le_bytes));
        put(108, &(VOXELS_AT as f32).to_le_bytes());
        // A slope of 1 and an intercept of 0.
        put(112, &1f32.to_le_bytes());
        put(123, &[self.units]);
        put(148, b"npc");
        put(252, &self.qform_code.to_le_bytes());
        put(254, &self.sform_code.to_le_bytes());
        put_all(&mut put, 256, self.quaternion.map(f32::to_le_bytes));
        put_all(&mut put, 268, self.offset.map(f32::to_le_bytes));
        for (row, at) in self.rows.into_iter().zip([280, 296, 312]) {
            put_all(&mut put, at, row.map(f32::to_le_bytes));
        }
        put(344, b"n+1\0");
        bytes
    }
}

/// Puts fields of one size one after the other.
fn put_all<const N: usize, const M: usize>(put: &mut impl FnMut(usize, &[u8]), at: usize, fields: [[u8; N]; M]) {
    fields.iter().enumerate().for_each(|(i, field)| put(at + i * N, field));
}

/// Writes `.nii.gz` atomically. The file does not depend on the time.
pub(crate) fn write_nifti_atomic(path: &Path, geometry: &NiftiGeometry, voxels: &NiftiVoxels<'_>) -> Result<()> {
    let area = geometry.dims.iter().product::<usize>().max(1);
    // Numbers of a network hardly shrink; class maps shrink at any level.
    let (volumes, datatype, bits, level) = match voxels {
        NiftiVoxels::U8(_) => (1, 2, 8, Compression::default()),
        NiftiVoxels::U16(_) => (1, 512, 16, Compression::default()),
        NiftiVoxels::F32Series(values) => (values.len() / area, 16, 32, Compression::fast()),
    };
    let mut file = GzEncoder::new(Vec::new(), level);
    let written = file.write_all(&geometry.header(volumes, datatype, bits)).and_then(|()| match voxels {
        NiftiVoxels::U8(values) => file.write_all(values),
        NiftiVoxels::U16(values) => write_values(&mut file, values, |v| v.to_le_bytes()),
        NiftiVoxels::F32Series(values) => write_values(&mut file, values, |v| v.to_le_bytes()),
    });
    let bytes = written.and_then(|()| file.finish()).map_err(|e| RunError::write(path, e))?;
    write_atomic(path, &bytes)
}

/// Writes values in little-endian order, part by part, so that no copy of all of them is needed.
fn write_values<T: Copy, const N: usize>(
    file: &mut impl Write,
    values: &[T],
    bytes: impl Fn(T) -> [u8; N],
) -> std::io::Result<()> {
    for part in values.chunks(1 << 16) {
        let part: Vec<u8> = part.iter().flat_map(|&v| bytes(v)).collect();
        file.write_all(&part)?;
    }
    Ok(())
}

/// Returns the orthogonal matrix that is nearest to a matrix: Newton's iteration of the polar decomposition, the mean of the
/// matrix and its inverse transposed (Higham, Functions of Matrices, 8.3).
fn nearest_rotation(mut m: [[f64; 3]; 3]) -> [[f64; 3]; 3] {
    for _ in 0..20 {
        let d = determinant(m);
        if d.abs() < 1e-9 {
            break;
        }
        let cofactor = |r: usize, c: usize| {
            let ([r1, r2], [c1, c2]) = ([(r + 1) % 3, (r + 2) % 3], [(c + 1) % 3, (c + 2) % 3]);
            m[r1][c1] * m[r2][c2] - m[r1][c2] * m[r2][c1]
        };
        m = [0, 1, 2].map(|r| [0, 1, 2].map(|c| 0.5 * (m[r][c] + cofactor(r, c) / d)));
    }
    m
}

/// Returns the components b, c and d of the unit quaternion of a rotation, with a >= 0, as `nifti_mat44_to_quatern` does.
fn quaternion(r: [[f64; 3]; 3]) -> [f64; 3] {
    let trace = r[0][0] + r[1][1] + r[2][2];
    let squares = [1.0 + trace, 1.0 + 2.0 * r[0][0] - trace, 1.0 + 2.0 * r[1][1] - trace, 1.0 + 2.0 * r[2][2] - trace];
    // The largest component is computed by a root, the others from it, so that nothing is divided by a number near 0.
    let largest = (1..4).fold(0, |best, i| if squares[i] > squares[best] { i } else { best });
    let root = 0.5 * squares[largest].max(0.0).sqrt();
    let sum = |i: usize, j: usize| r[i][j] + r[j][i];
    let difference = |i: usize, j: usize| r[i][j] - r[j][i];
    let products = match largest {
        0 => [4.0 * root * root, difference(2, 1), difference(0, 2), difference(1, 0)],
        1 => [difference(2, 1), 4.0 * root * root, sum(0, 1), sum(0, 2)],
        2 => [difference(0, 2), sum(0, 1), 4.0 * root * root, sum(1, 2)],
        _ => [difference(1, 0), sum(0, 2), sum(1, 2), 4.0 * root * root],
    };
    let [a, b, c, d] = products.map(|p| p / (4.0 * root));
    if a < 0.0 { [-b, -c, -d] } else { [b, c, d] }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::volume::nifti;

    /// Returns the affine that a written file has by its sform, or without it by its qform.
    fn read_back(geometry: &NiftiGeometry) -> [[f64; 4]; 3] {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.nii.gz");
        let voxels = vec![0; geometry.dims.iter().product()];
        write_nifti_atomic(&path, geometry, &NiftiVoxels::U8(&voxels)).unwrap();
        assert_eq!(&nifti::geometry(&path).unwrap(), geometry);
        nifti::header(&path).unwrap().0.affine()
    }

    fn product(a: [[f64; 3]; 3], b: [[f64; 3]; 3]) -> [[f64; 3]; 3] {
        [0, 1, 2].map(|r| [0, 1, 2].map(|c| (0..3).map(|k| a[r][k] * b[k][c]).sum()))
    }

    fn turn(axis: usize, angle: f64) -> [[f64; 3]; 3] {
        let ([i, j], (s, c)) = ([(axis + 1) % 3, (axis + 2) % 3], angle.sin_cos());
        let mut m = [[0.0; 3]; 3];
        (m[axis][axis], m[i][i], m[j][j], m[i][j], m[j][i]) = (1.0, c, c, -s, s);
        m
    }

    #[test]
    fn qform_and_sform_are_one_affine() {
        let spacing = [0.7, 1.9, 5.0];
        for k in (0..64).step_by(3) {
            let quarter = |n: usize| (n % 4) as f64 * std::f64::consts::FRAC_PI_2;
            let slant = if k % 2 == 0 { 0.0 } else { 0.3 + 0.01 * k as f64 };
            let turned =
                product(turn(0, quarter(k) + slant), product(turn(1, quarter(k / 4)), turn(2, quarter(k / 16))));
            for mirrored in [1.0, -1.0] {
                let place = [-31.5, 12.25, 800.0];
                let affine: [[f64; 4]; 3] = [0, 1, 2].map(|r| {
                    let [x, y, z] = turned[r];
                    [x * spacing[0] * mirrored, y * spacing[1], z * spacing[2], place[r]]
                });
                let both = NiftiGeometry::of_affine([7, 5, 3], affine);
                assert_eq!((both.qform_code, both.sform_code), (1, 1), "{k}");
                let by_qform = NiftiGeometry { sform_code: 0, ..both.clone() };
                for found in [read_back(&both), read_back(&by_qform)] {
                    let far = (0..12).map(|i| (found[i / 4][i % 4] - affine[i / 4][i % 4]).abs()).fold(0.0, f64::max);
                    assert!(far < 1e-4, "{k} {mirrored}: {found:?} {affine:?}");
                }
            }
        }
    }

    /// A gantry tilt has no rotation: only the sform says it.
    #[test]
    fn slanted_axes_have_no_qform() {
        let affine = [[1.0, 0.0, 0.0, 0.0], [0.0, 1.0, 0.8, 0.0], [0.0, 0.0, 2.0, 0.0]];
        let geometry = NiftiGeometry::of_affine([20, 20, 20], affine);
        assert_eq!((geometry.qform_code, geometry.sform_code), (0, 1));
        let found = read_back(&geometry);
        assert!((0..12).all(|i| (found[i / 4][i % 4] - affine[i / 4][i % 4]).abs() < 1e-6), "{found:?}");
    }
}
