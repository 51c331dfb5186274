//! The fields of a NIfTI header that are used, of either version.

use crate::base::error::{Result, one_line};
use crate::base::problem::problem;
use crate::data::volume::PAIR_HELP;
use nifti::{Endianness, NiftiHeader};
use std::path::Path;

/// Bytes that are read for the header: 540 of NIfTI-2, and 4 that announce extensions.
pub(super) const HEADER: u64 = 544;
/// Sizes of the headers of NIfTI-1 and NIfTI-2, which are also their first four bytes.
const SIZES: [i32; 2] = [348, 540];

/// The fields of a header, in the names of `nifti1.h` and `nifti2.h`.
pub(super) struct NiftiFields {
    pub big_endian: bool,
    pub dim: [i64; 8],
    pub datatype: i16,
    pub bitpix: i16,
    pub pixdim: [f64; 4],
    /// Where the voxels begin.
    pub vox_offset: u64,
    pub scl_slope: f64,
    pub scl_inter: f64,
    pub xyzt_units: i32,
    pub qform_code: i32,
    pub sform_code: i32,
    /// Components b, c and d of a unit quaternion.
    pub quaternion: [f64; 3],
    pub offset: [f64; 3],
    pub rows: [[f64; 4]; 3],
}

impl NiftiFields {
    /// Parses the beginning of a file.
    pub(super) fn parse(path: &Path, bytes: &[u8]) -> Result<NiftiFields> {
        let start = bytes.first_chunk::<4>();
        let size = start.map(|b| [i32::from_le_bytes(*b), i32::from_be_bytes(*b)]);
        let version = |big: usize| size.and_then(|s| SIZES.iter().position(|known| *known == s[big]));
        let (version, big) = match (version(0), version(1)) {
            (Some(version), _) => (version, false),
            (None, Some(version)) => (version, true),
            (None, None) => return Err(problem!(E0704, path, "not a NIfTI file")),
        };
        if bytes.len() < SIZES[version] as usize {
            return Err(
                problem!(E0703, path, "the header of the NIfTI file is truncated"; help: "copy or download the file again"),
            );
        }
        let fields = if version == 0 { first_version(path, bytes, big)? } else { second_version(path, bytes, big)? };
        check_offset(path, fields.vox_offset, SIZES[version] as u64)?;
        Ok(fields)
    }
}

fn first_version(path: &Path, bytes: &[u8], big: bool) -> Result<NiftiFields> {
    match bytes.get(344..348) {
        Some(b"n+1\0") => {}
        Some(b"ni1\0") => return Err(pair(path, "a NIfTI pair")),
        _ => return Err(pair(path, "Analyze 7.5")),
    }
    let header = NiftiHeader::from_reader(bytes)
        .map_err(|e| problem!(E0704, path, "not a readable NIfTI-1 file: {}", one_line(&e)))?;
    if (header.endianness == Endianness::Big) != big {
        return Err(problem!(E0703, path, "the fields of the NIfTI header differ in byte order; the file is damaged"));
    }
    let wide = |row: [f32; 4]| row.map(f64::from);
    let [p0, p1, p2, p3, ..] = header.pixdim;
    Ok(NiftiFields {
        big_endian: big,
        // A negative number is stored as an unsigned one above 32767.
        dim: header.dim.map(|n| i64::from(n as i16)),
        datatype: header.datatype,
        bitpix: header.bitpix,
        pixdim: wide([p0, p1, p2, p3]),
        vox_offset: offset(path, f64::from(header.vox_offset))?,
        scl_slope: f64::from(header.scl_slope),
        scl_inter: f64::from(header.scl_inter),
        xyzt_units: i32::from(header.xyzt_units),
        qform_code: i32::from(header.qform_code),
        sform_code: i32::from(header.sform_code),
        quaternion: [header.quatern_b, header.quatern_c, header.quatern_d].map(f64::from),
        offset: [header.quatern_x, header.quatern_y, header.quatern_z].map(f64::from),
        rows: [header.srow_x, header.srow_y, header.srow_z].map(wide),
    })
}

fn pair(path: &Path, what: &str) -> crate::base::error::RunError {
    problem!(
        E0704,
        path,
        "the header of {what}, whose voxels are in another file (.img)";
        help: "{PAIR_HELP}"
    )
}

/// Checks that the voxels of a single file begin behind its header of `header` bytes and the four that announce extensions. Programs
/// disagree about the others: nibabel takes 0 as it is and refuses the rest, nifti_clib (ITK, ANTs, AFNI) takes the size of the
/// header.
fn check_offset(path: &Path, declared: u64, header: u64) -> Result<()> {
    let usual = header + 4;
    if declared >= usual {
        return Ok(());
    }
    let read = if declared == 0 { "nibabel reads them from byte 0" } else { "nibabel refuses the file" };
    Err(problem!(
        E0703,
        path,
        "the NIfTI header says that the voxels begin at byte {declared} (vox_offset), inside the header; {read}, nifti_clib from byte \
         {header}";
        help: "find out where the voxels begin (at byte {usual} in most files) and write that into vox_offset, or save the volume again"
    ))
}

/// Converts the place of the voxels.
fn offset(path: &Path, declared: f64) -> Result<u64> {
    // Offsets of files are below 2^53, which a float holds exactly.
    if declared.fract() != 0.0 || !(0.0..9e15).contains(&declared) {
        return Err(problem!(E0703, path, "the NIfTI header says that the voxels begin at byte {declared}"));
    }
    Ok(declared as u64)
}

/// Reads numbers from a header of known size.
struct HeaderBytes<'a> {
    bytes: &'a [u8],
    big: bool,
}

impl HeaderBytes<'_> {
    fn bytes<const N: usize>(&self, at: usize) -> [u8; N] {
        let mut field = self.bytes.get(at..).and_then(|rest| rest.first_chunk::<N>()).copied().unwrap_or([0; N]);
        if self.big {
            field.reverse();
        }
        field
    }

    fn i16(&self, at: usize) -> i16 {
        i16::from_le_bytes(self.bytes(at))
    }

    fn i32(&self, at: usize) -> i32 {
        i32::from_le_bytes(self.bytes(at))
    }

    fn i64(&self, at: usize) -> i64 {
        i64::from_le_bytes(self.bytes(at))
    }

    fn f64s<const N: usize>(&self, at: usize) -> [f64; N] {
        let mut values = [0.0; N];
        values.iter_mut().enumerate().for_each(|(i, v)| *v = f64::from_le_bytes(self.bytes(at + 8 * i)));
        values
    }
}

fn second_version(path: &Path, bytes: &[u8], big: bool) -> Result<NiftiFields> {
    match bytes.get(4..12) {
        Some(b"n+2\0\r\n\x1a\n") => {}
        Some(b"ni2\0\r\n\x1a\n") => return Err(pair(path, "a NIfTI-2 pair")),
        _ => {
            return Err(problem!(
                E0703,
                path,
                "the NIfTI-2 header is damaged; a transfer as text may have changed its line ends"
            ));
        }
    }
    let field = HeaderBytes { bytes, big };
    let mut dim = [0; 8];
    dim.iter_mut().enumerate().for_each(|(i, d)| *d = field.i64(16 + 8 * i));
    Ok(NiftiFields {
        big_endian: big,
        dim,
        datatype: field.i16(12),
        bitpix: field.i16(14),
        pixdim: field.f64s(104),
        vox_offset: offset(path, field.i64(168) as f64)?,
        scl_slope: field.f64s::<1>(176)[0],
        scl_inter: field.f64s::<1>(184)[0],
        xyzt_units: field.i32(500),
        qform_code: field.i32(344),
        sform_code: field.i32(348),
        quaternion: field.f64s(352),
        offset: field.f64s(376),
        rows: [field.f64s(400), field.f64s(432), field.f64s(464)],
    })
}
