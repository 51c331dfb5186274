//! NIfTI-1 files, plain or gzipped. Only this module uses the crate `nifti`.
//!
//! The gzip stream is read to its checksum, so that a damaged file is an error instead of being read partially.

use super::grid::VoxelGrid;
use super::nifti_output::NiftiGeometry;
use super::voxels::{Volume, Voxels};
use crate::base::error::{Result, RunError, one_line};
use crate::base::file;
use crate::base::problem::problem;
use flate2::bufread::MultiGzDecoder;
use nifti::{DataElement, InMemNiftiVolume, NiftiHeader, NiftiType};
use std::io::{BufReader, Read};
use std::path::Path;

/// Bytes that are read for the header: 348, and 4 that announce extensions.
const HEADER: u64 = 352;
/// Maximum number of bytes of a voxel, and of extensions.
const PER_VOXEL: u64 = 8;
const EXTENSIONS: u64 = 64 << 20;

fn open(path: &Path) -> Result<Box<dyn Read>> {
    let fail = |e: std::io::Error| RunError::read(path, e);
    let mut file = BufReader::new(file::open(path).map_err(fail)?);
    let mut magic = [0; 2];
    let zipped = match file.read_exact(&mut magic) {
        Ok(()) => magic == [0x1f, 0x8b],
        Err(_) => return Err(problem!(E0703, path, "the file is empty")),
    };
    let whole = std::io::Cursor::new(magic).chain(file);
    Ok(if zipped { Box::new(MultiGzDecoder::new(BufReader::new(whole))) } else { Box::new(whole) })
}

fn parse_header(path: &Path, bytes: &[u8]) -> Result<NiftiHeader> {
    let fail = |e: &dyn std::fmt::Display| {
        problem!(
            E0704,
            path,
            "not a readable NIfTI-1 file: {}",
            one_line(e);
            help: "convert NIfTI-2 and Analyze files, for example with nibabel"
        )
    };
    NiftiHeader::from_reader(bytes).map_err(|e| fail(&e))
}

/// Reads and unpacks up to `limit` bytes.
fn read_bytes(path: &Path, limit: u64) -> Result<Vec<u8>> {
    let mut all = Vec::new();
    open(path)?.take(limit).read_to_end(&mut all).map_err(|e| {
        problem!(
            E0703,
            path,
            "cannot decompress the file; it may be truncated or damaged: {}",
            one_line(&e);
            help: "copy or download the file again"
        )
    })?;
    Ok(all)
}

/// Reads the voxel grid from the header.
pub(crate) fn grid(path: &Path) -> Result<VoxelGrid> {
    grid_of(path, &parse_header(path, &read_bytes(path, HEADER)?)?)
}

fn grid_of(path: &Path, header: &NiftiHeader) -> Result<VoxelGrid> {
    let dims = header.dim().map_err(|e| problem!(E0714, path, "the header declares no volume: {}", one_line(&e)))?;
    let size = |i: usize| usize::from(dims.get(i).copied().unwrap_or(1));
    if let Some(more) = (3..dims.len()).find(|&i| dims[i] > 1) {
        return Err(problem!(
            E0704,
            path,
            "contains {} volumes along dimension {}; only single volumes are supported",
            dims[more],
            more + 1;
            help: "save each volume to a file of its own"
        ));
    }
    VoxelGrid::new(path, [size(0), size(1), size(2)], affine(header))
}

/// Returns the matrix from voxel indices to mm: the sform, else the qform, else the voxel sizes with the first axis pointing to
/// the left and the middle of the volume at the origin, as in nibabel.
fn affine(header: &NiftiHeader) -> [[f64; 4]; 3] {
    if header.sform_code > 0 {
        return [header.srow_x, header.srow_y, header.srow_z].map(|row| row.map(f64::from));
    }
    let size = [1, 2, 3].map(|i| f64::from(header.pixdim[i]).abs());
    if header.qform_code <= 0 {
        let middle = [1, 2, 3].map(|i| (f64::from(header.dim[i].max(1)) - 1.0) / 2.0);
        return [
            [-size[0], 0.0, 0.0, size[0] * middle[0]],
            [0.0, size[1], 0.0, -size[1] * middle[1]],
            [0.0, 0.0, size[2], -size[2] * middle[2]],
        ];
    }
    // The rotation of a unit quaternion whose components b, c and d are in the file (nifti1.h, method 2).
    let [b, c, d] = [header.quatern_b, header.quatern_c, header.quatern_d].map(f64::from);
    let a = (1.0 - b * b - c * c - d * d).max(0.0).sqrt();
    let rotation = [
        [a * a + b * b - c * c - d * d, 2.0 * (b * c - a * d), 2.0 * (b * d + a * c)],
        [2.0 * (b * c + a * d), a * a + c * c - b * b - d * d, 2.0 * (c * d - a * b)],
        [2.0 * (b * d - a * c), 2.0 * (c * d + a * b), a * a + d * d - b * b - c * c],
    ];
    let mirrored = if header.pixdim[0] < 0.0 { -1.0 } else { 1.0 };
    let origin = [header.quatern_x, header.quatern_y, header.quatern_z].map(f64::from);
    [0, 1, 2].map(|r| {
        let [x, y, z] = rotation[r];
        [x * size[0], y * size[1], z * size[2] * mirrored, origin[r]]
    })
}

/// Reads the size and the place of a volume as its header states them, for a file on the same grid.
pub(crate) fn geometry(path: &Path) -> Result<NiftiGeometry> {
    let header = parse_header(path, &read_bytes(path, HEADER)?)?;
    let dims = grid_of(path, &header)?.dims;
    let [_, x, y, z, ..] = header.pixdim;
    Ok(NiftiGeometry {
        dims,
        handedness: if header.pixdim[0] < 0.0 { -1.0 } else { 1.0 },
        spacing: [x, y, z],
        units: header.xyzt_units,
        qform_code: header.qform_code,
        sform_code: header.sform_code,
        quaternion: [header.quatern_b, header.quatern_c, header.quatern_d],
        offset: [header.quatern_x, header.quatern_y, header.quatern_z],
        rows: [header.srow_x, header.srow_y, header.srow_z],
    })
}

/// Reads a whole file.
pub(crate) fn read(path: &Path) -> Result<Volume> {
    let head = parse_header(path, &read_bytes(path, HEADER)?)?;
    let grid = grid_of(path, &head)?;
    let voxels: u64 = grid.dims.iter().map(|&d| d as u64).product();
    let offset = f64::from(head.vox_offset).clamp(0.0, EXTENSIONS as f64) as u64;
    let all = read_bytes(path, offset + voxels * PER_VOXEL + EXTENSIONS)?;
    let start = offset.max(348) as usize;
    let kind = head.data_type().map_err(|e| problem!(E0704, path, "unsupported voxel type: {}", one_line(&e)))?;
    let wanted = voxels * kind.size_of() as u64;
    let held = all.len().saturating_sub(start) as u64;
    if held < wanted {
        return Err(problem!(
            E0703,
            path,
            "the file is truncated: it contains {held} bytes of voxels, but the header declares {wanted}";
            help: "copy or download the file again"
        ));
    }
    let fail = |e: nifti::NiftiError| problem!(E0703, path, "cannot read the NIfTI file: {}", one_line(&e));
    let volume = InMemNiftiVolume::from_reader(&all[start..], &head).map_err(fail)?;
    drop(all);
    let voxels = match kind {
        NiftiType::Uint8 => Voxels::U8(typed(volume).map_err(fail)?),
        NiftiType::Int16 => Voxels::I16(typed(volume).map_err(fail)?),
        NiftiType::Uint16 => Voxels::U16(typed(volume).map_err(fail)?),
        NiftiType::Float32 => Voxels::F32(typed(volume).map_err(fail)?),
        NiftiType::Int8 => Voxels::I16(typed::<i8>(volume).map_err(fail)?.into_iter().map(i16::from).collect()),
        NiftiType::Int32 => to_f64(typed::<i32>(volume).map_err(fail)?, f64::from, "signed 32-bit"),
        NiftiType::Uint32 => to_f64(typed::<u32>(volume).map_err(fail)?, f64::from, "unsigned 32-bit"),
        NiftiType::Int64 => to_f64(typed::<i64>(volume).map_err(fail)?, |v| v as f64, "signed 64-bit"),
        NiftiType::Uint64 => to_f64(typed::<u64>(volume).map_err(fail)?, |v| v as f64, "unsigned 64-bit"),
        NiftiType::Float64 => to_f64(typed::<f64>(volume).map_err(fail)?, |v| v, "64-bit float"),
        NiftiType::Complex64
        | NiftiType::Rgb24
        | NiftiType::Float128
        | NiftiType::Complex128
        | NiftiType::Complex256
        | NiftiType::Rgba32 => return Err(problem!(E0704, path, "unsupported voxel type {kind:?}")),
    };
    let [slope, intercept] = [head.scl_slope, head.scl_inter].map(f64::from);
    // A slope of 0 means no scaling (nifti1.h); a slope or intercept that is not finite is treated likewise.
    let scaled = slope != 0.0 && slope.is_finite() && intercept.is_finite() && [slope, intercept] != [1.0, 0.0];
    Ok(Volume { grid, voxels, scale: scaled.then_some([slope, intercept]) })
}

fn typed<T: DataElement>(volume: InMemNiftiVolume) -> nifti::Result<Vec<T>> {
    volume.into_nifti_typed_data()
}

fn to_f64<T>(values: Vec<T>, convert: impl Fn(T) -> f64, kind: &'static str) -> Voxels {
    Voxels::F64(values.into_iter().map(convert).collect(), kind)
}
