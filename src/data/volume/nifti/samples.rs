//! Reads the voxels of a NIfTI file part by part, each in its type in memory, so that no copy of the whole file is kept.

use crate::data::volume::voxels::{Voxels, WideVoxels};
use nifti::NiftiType;
use std::io::Read;

/// Bytes that are read at once; a multiple of every size of a voxel.
const PART: usize = 1 << 16;

/// Reads `count` voxels. Returns `None` if the type has no place in a picture. An early end gives fewer voxels.
pub(super) fn read_voxels(
    file: &mut dyn Read,
    count: usize,
    kind: NiftiType,
    big: bool,
) -> Option<std::io::Result<Voxels>> {
    let file = &mut file.take(count as u64 * kind.size_of() as u64);
    let read = match kind {
        NiftiType::Uint8 => {
            let mut values = Vec::new();
            file.read_to_end(&mut values).map(|_| Voxels::U8(values))
        }
        NiftiType::Int16 => numbers(file, big, i16::from_le_bytes).map(Voxels::I16),
        NiftiType::Uint16 => numbers(file, big, u16::from_le_bytes).map(Voxels::U16),
        NiftiType::Float32 => numbers(file, big, f32::from_le_bytes).map(Voxels::F32),
        NiftiType::Int8 => numbers(file, big, |b: [u8; 1]| i16::from(b[0] as i8)).map(Voxels::I16),
        NiftiType::Int32 => wide(file, big, |b| f64::from(i32::from_le_bytes(b)), "signed 32-bit"),
        NiftiType::Uint32 => wide(file, big, |b| f64::from(u32::from_le_bytes(b)), "unsigned 32-bit"),
        NiftiType::Int64 => wide(file, big, |b| i64::from_le_bytes(b) as f64, "signed 64-bit"),
        NiftiType::Uint64 => wide(file, big, |b| u64::from_le_bytes(b) as f64, "unsigned 64-bit"),
        NiftiType::Float64 => wide(file, big, f64::from_le_bytes, "64-bit float"),
        NiftiType::Complex64
        | NiftiType::Rgb24
        | NiftiType::Float128
        | NiftiType::Complex128
        | NiftiType::Complex256
        | NiftiType::Rgba32 => return None,
    };
    Some(read)
}

fn wide<const N: usize>(
    file: &mut dyn Read,
    big: bool,
    convert: impl Fn([u8; N]) -> f64,
    kind: &'static str,
) -> std::io::Result<Voxels> {
    let mut values = WideVoxels::default();
    each_number(file, big, |bytes| values.push(convert(bytes)))?;
    Ok(Voxels::Wide(values, kind))
}

fn numbers<T, const N: usize>(
    file: &mut dyn Read,
    big: bool,
    convert: impl Fn([u8; N]) -> T,
) -> std::io::Result<Vec<T>> {
    let mut values = Vec::new();
    each_number(file, big, |bytes| values.push(convert(bytes)))?;
    Ok(values)
}

/// Calls `take` with the bytes of each number in little-endian order. Bytes that make no whole number are left out.
fn each_number<const N: usize>(file: &mut dyn Read, big: bool, mut take: impl FnMut([u8; N])) -> std::io::Result<()> {
    let mut part = Vec::with_capacity(PART);
    loop {
        part.clear();
        file.take(PART as u64).read_to_end(&mut part)?;
        if part.is_empty() {
            return Ok(());
        }
        for chunk in part.chunks_exact(N) {
            let mut bytes = [0; N];
            bytes.copy_from_slice(chunk);
            if big {
                bytes.reverse();
            }
            take(bytes);
        }
    }
}
