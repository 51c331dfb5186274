//! The stored values of DICOM frames: uncompressed, RLE and JPEG.

use super::elements::{DicomReader, PixelLength};
use super::format::PixelFormat;
use super::vocabulary::PixelCoding;
use super::{jpeg, rle};
use crate::base::error::Result;
use crate::base::problem::problem;
use std::path::Path;

/// Reads frames of a file, numbered in ascending order, and gives the stored values of each to `take`.
///
/// Errors: the file does not hold as many pixels as its header declares, or they are damaged.
pub(super) fn each_frame(
    path: &Path,
    format: &PixelFormat,
    frames: &[usize],
    mut take: impl FnMut(usize, &mut dyn Iterator<Item = i64>),
) -> Result<()> {
    let mut file = DicomReader::open(path)?;
    let bytes = format.frame_bytes();
    match file.pixels {
        None => Err(problem!(E0703, path, "the DICOM file has no pixels of whole numbers (PixelData)")),
        Some(PixelLength::Native { bytes: held, words }) => {
            if format.coding != PixelCoding::Native {
                return Err(problem!(E0703, path, "the pixels are not compressed, though the DICOM file says so"));
            }
            format.check_length(path, held)?;
            let swapped = file.elements.is_big_endian() && words && format.bits_allocated == 8;
            let mut at = 0;
            for &frame in frames {
                file.skip(path, bytes * (frame - at) as u64)?;
                let mut values = file.read(path, bytes + if swapped { bytes % 2 } else { 0 })?;
                if swapped {
                    values.chunks_exact_mut(2).for_each(|pair| pair.swap(0, 1));
                }
                take(frame, &mut stored_values(&values, format, file.elements.is_big_endian()));
                at = frame + 1;
            }
            Ok(())
        }
        Some(PixelLength::Encapsulated) => {
            let (table, fragments) = file.fragments(path)?;
            let data = frames_of_fragments(path, format, &table, fragments)?;
            for (frame, data) in data.into_iter().enumerate().filter(|(frame, _)| frames.contains(frame)) {
                let values = unpack(path, format, data)?;
                take(frame, &mut stored_values(&values, format, false));
            }
            Ok(())
        }
    }
}

/// Decompresses a frame.
fn unpack(path: &Path, format: &PixelFormat, data: Vec<u8>) -> Result<Vec<u8>> {
    let area = format.size.iter().product();
    let damaged = |what: &str| problem!(E0703, path, "{what}"; help: "copy or download the file again");
    match format.coding {
        PixelCoding::Native => match data.len() as u64 {
            n if n == format.frame_bytes() || n == format.frame_bytes() + 1 => Ok(data),
            n => {
                Err(damaged(&format!("contains {n} bytes of pixels, but its header declares {}", format.frame_bytes())))
            }
        },
        PixelCoding::Rle => rle::unpack(&data, area, format.bits_allocated as usize / 8)
            .ok_or_else(|| damaged("the RLE pixels are damaged or do not fit the size that the header declares")),
        PixelCoding::Jpeg { lossless } => jpeg::decode(path, data, format, lossless),
    }
}

/// Joins fragments to frames (PS3.5, A.4): one fragment a frame, or all fragments one frame, or by the table of offsets.
fn frames_of_fragments(
    path: &Path,
    format: &PixelFormat,
    table: &[u32],
    fragments: Vec<Vec<u8>>,
) -> Result<Vec<Vec<u8>>> {
    if format.frames == 1 {
        return Ok(vec![fragments.concat()]);
    }
    if fragments.len() == format.frames {
        return Ok(fragments);
    }
    let unknown = || {
        let (frames, found) = (format.frames, fragments.len());
        problem!(
            E0703,
            path,
            "{found} fragments of pixels for {frames} frames, and no table that says which belong together"
        )
    };
    if table.len() != format.frames {
        return Err(unknown());
    }
    let mut frames: Vec<Vec<u8>> = Vec::new();
    let mut at = 0;
    for fragment in &fragments {
        // Offsets count from the first fragment and include the 8 bytes in front of each.
        if table.get(frames.len()).is_some_and(|start| u64::from(*start) == at) {
            frames.push(Vec::new());
        }
        frames.last_mut().ok_or_else(unknown)?.extend_from_slice(fragment);
        at += fragment.len() as u64 + 8;
    }
    if frames.len() == format.frames { Ok(frames) } else { Err(unknown()) }
}

/// Returns the stored values of a frame: the lowest bits of each, with their sign, whatever the bits above them hold.
fn stored_values<'a>(bytes: &'a [u8], format: &'a PixelFormat, big_endian: bool) -> impl Iterator<Item = i64> + 'a {
    let width = format.bits_allocated as usize / 8;
    let unused = 64 - format.bits_stored;
    let area: usize = format.size.iter().product();
    bytes.chunks_exact(width).take(area).map(move |chunk| {
        let mut raw = [0; 8];
        raw[..width].copy_from_slice(chunk);
        if big_endian {
            raw[..width].reverse();
        }
        let bits = u64::from_le_bytes(raw) << unused;
        if format.signed { bits as i64 >> unused } else { (bits >> unused) as i64 }
    })
}
