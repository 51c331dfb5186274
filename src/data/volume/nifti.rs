//! NIfTI files of both versions, plain or gzipped. Only this module uses the crate `nifti`.
//!
//! The gzip stream is read to its checksum, so that a damaged file is an error instead of being read partially. `cal_min` and
//! `cal_max` say how a viewer should show the values and do not change them; the intent says what a volume is for.

mod fields;
mod gzip;
mod place;
mod samples;

use super::grid::VoxelGrid;
use super::nifti_output::NiftiGeometry;
use super::note::VolumeNote;
use super::voxels::Volume;
use crate::base::count::counted;
use crate::base::error::{Result, RunError, one_line};
use crate::base::file;
use crate::base::problem::problem;
use crate::data::notice::FileRole;
use fields::{HEADER, NiftiFields};
use gzip::{BytesBehindMember, GzipReader};
use nifti::{NiftiHeader, NiftiType};
use std::hash::{DefaultHasher, Hasher};
use std::io::{BufReader, Cursor, Read};
use std::path::Path;

/// Maximum number of bytes behind the voxels that are read for the checksum.
const REST: u64 = 64 << 20;
/// Maximum number of bytes between the header and the voxels: extensions.
const EXTENSIONS: u64 = 64 << 20;
/// Number of bytes of voxels by which two files are compared first.
const PROBED: usize = 1 << 20;
/// Maximum number of bytes of the voxels.
const MAX_BYTES: u64 = 2 << 30;

fn open(path: &Path) -> Result<Box<dyn Read>> {
    let mut file = BufReader::new(file::open(path).map_err(|e| RunError::read(path, e))?);
    let mut magic = [0; 2];
    let zipped = match file.read_exact(&mut magic) {
        Ok(()) => magic == [0x1f, 0x8b],
        Err(_) => return Err(problem!(E0703, path, "the file is empty")),
    };
    let whole = Cursor::new(magic).chain(file);
    Ok(if zipped { Box::new(BufReader::new(GzipReader::new(BufReader::new(whole)))) } else { Box::new(whole) })
}

fn cannot_unpack(path: &Path, e: &std::io::Error) -> RunError {
    if e.get_ref().is_some_and(|cause| cause.is::<BytesBehindMember>()) {
        return problem!(E0703, path, "{}", one_line(e); help: "copy or download the file again, or pack it again with gzip");
    }
    problem!(
        E0703,
        path,
        "cannot decompress the file; it may be truncated or damaged: {}",
        one_line(e);
        help: "copy or download the file again"
    )
}

/// Reads the fields of the header, and the bytes that were read for it.
fn read_fields(path: &Path, file: &mut dyn Read) -> Result<(NiftiFields, Vec<u8>)> {
    let mut bytes = Vec::new();
    file.take(HEADER).read_to_end(&mut bytes).map_err(|e| cannot_unpack(path, &e))?;
    Ok((NiftiFields::parse(path, &bytes)?, bytes))
}

/// Reads the voxel grid from the header, and remarks about it.
pub(crate) fn header(path: &Path) -> Result<(VoxelGrid, Vec<VolumeNote>)> {
    place::grid_of(path, &read_fields(path, &mut open(path)?)?.0)
}

/// Returns the type of the voxels. Errors: pictures cannot consist of it, or `bitpix` says another size.
fn voxel_type(path: &Path, fields: &NiftiFields) -> Result<NiftiType> {
    let header = NiftiHeader { datatype: fields.datatype, ..NiftiHeader::default() };
    let kind = header.data_type();
    let kind = kind.map_err(|_| problem!(E0704, path, "unknown voxel type {} in the NIfTI header", fields.datatype))?;
    let bits = 8 * kind.size_of();
    if usize::try_from(fields.bitpix).ok() != Some(bits) {
        return Err(problem!(
            E0703,
            path,
            "the NIfTI header contradicts itself: its voxel type {kind:?} has {}, but bitpix is {}",
            counted(bits, "bit"),
            fields.bitpix
        ));
    }
    Ok(kind)
}

/// Returns slope and intercept where values are scaled. A slope of 0, or one that is no number, means no scaling (nifti1.h).
fn scale(path: &Path, fields: &NiftiFields) -> Result<Option<[f64; 2]>> {
    let [slope, intercept] = [fields.scl_slope, fields.scl_inter];
    if slope == 0.0 || slope.is_nan() {
        return Ok(None);
    }
    if !slope.is_finite() || !intercept.is_finite() {
        return Err(problem!(
            E0703,
            path,
            "the NIfTI header scales values by {slope} and {intercept} (scl_slope, scl_inter), which are not both finite"
        ));
    }
    Ok(([slope, intercept] != [1.0, 0.0]).then_some([slope, intercept]))
}

/// Reads the size and the place of a volume as its header states them, for a file on the same grid.
pub(crate) fn geometry(path: &Path) -> Result<NiftiGeometry> {
    let fields = read_fields(path, &mut open(path)?)?.0;
    let dims = place::grid_of(path, &fields)?.0.dims;
    let narrow = |row: [f64; 3]| row.map(|v| v as f32);
    let [handedness, spacing @ ..] = fields.pixdim;
    Ok(NiftiGeometry {
        axes: if fields.dim[0] == 2 { 2 } else { 3 },
        dims,
        handedness: if handedness < 0.0 { -1.0 } else { 1.0 },
        spacing: narrow(spacing),
        units: (fields.xyzt_units & 0xff) as u8,
        // Codes are below 10; NIfTI-2 stores them in more bits.
        qform_code: i16::try_from(fields.qform_code).unwrap_or(0),
        sform_code: i16::try_from(fields.sform_code).unwrap_or(0),
        quaternion: narrow(fields.quaternion),
        offset: narrow(fields.offset),
        rows: fields.rows.map(|row| row.map(|v| v as f32)),
    })
}

/// Returns a hash of the first voxels, up to [`PROBED`] bytes from the first that differs from the one before: the air around a patient
/// is often 0 everywhere. `None` if the file cannot be read.
pub(crate) fn probe(path: &Path) -> Option<u64> {
    let mut file = open(path).ok()?;
    let (fields, start) = read_fields(path, &mut file).ok()?;
    let mut file = Cursor::new(start).chain(file);
    std::io::copy(&mut file.by_ref().take(fields.vox_offset.min(EXTENSIONS)), &mut std::io::sink()).ok()?;
    let (mut hash, mut part, mut left) = (DefaultHasher::new(), Vec::new(), PROBED);
    while left > 0 {
        part.clear();
        if file.by_ref().take(1 << 16).read_to_end(&mut part).ok()? == 0 {
            break;
        }
        hash.write(&part);
        if part.windows(2).any(|pair| pair[0] != pair[1]) {
            left = left.saturating_sub(part.len());
        }
    }
    Some(hash.finish())
}

/// Reads a whole file.
pub(crate) fn read(path: &Path) -> Result<Volume> {
    let mut file = open(path)?;
    let (fields, start) = read_fields(path, &mut file)?;
    let (grid, notes) = place::grid_of(path, &fields)?;
    let kind = voxel_type(path, &fields)?;
    let scale = scale(path, &fields)?;
    let count: usize = grid.dims.iter().product();
    let wanted = count as u64 * kind.size_of() as u64;
    if wanted > MAX_BYTES {
        return Err(problem!(
            E0704,
            path,
            "the volume is too large: {} of voxels; the limit is 2 GiB",
            counted(wanted, "byte");
            help: "store it with fewer bits per voxel, or cut it into parts"
        ));
    }
    let mut file = Cursor::new(start).chain(file);
    let before = fields.vox_offset;
    if before > EXTENSIONS {
        return Err(problem!(E0703, path, "the NIfTI header says that the voxels begin at byte {before}"));
    }
    let skipped = std::io::copy(&mut file.by_ref().take(before), &mut std::io::sink());
    skipped.map_err(|e| cannot_unpack(path, &e))?;
    let Some(voxels) = samples::read_voxels(&mut file, count, kind, fields.big_endian) else {
        return Err(problem!(
            E0704,
            path,
            "unsupported voxel type {kind:?}; only grey values are read";
            help: "save the channels or the part that is needed as a file of its own"
        ));
    };
    let voxels = voxels.map_err(|e| cannot_unpack(path, &e))?;
    if voxels.len() != count {
        let held = voxels.len() as u64 * kind.size_of() as u64;
        return Err(problem!(
            E0703,
            path,
            "the file is truncated: it contains {} of voxels, but the header declares {wanted}",
            counted(held, "byte");
            help: "copy or download the file again"
        ));
    }
    let rest = std::io::copy(&mut file.take(REST), &mut std::io::sink());
    rest.map_err(|e| cannot_unpack(path, &e))?;
    Ok(Volume { grid, voxels, scale, lossy: None, role: FileRole::Image, notes })
}
