//! The stored values of DICOM frames: uncompressed, RLE and JPEG.

use super::elements::{DicomReader, PixelLength};
use super::format::PixelFormat;
use super::vocabulary::PixelCoding;
use super::{jpeg, rle};
use crate::base::count::counted;
use crate::base::error::Result;
use crate::base::problem::problem;
use std::path::Path;

/// The values of one frame, not compressed.
pub(super) struct FrameBytes {
    bytes: Vec<u8>,
    big_endian: bool,
}

/// Reads the frames of a file in their order, and gives each with its number to `take`.
///
/// Errors: the file does not hold as many pixels as its header declares, or they are damaged.
pub(super) fn each_frame(path: &Path, format: &PixelFormat, mut take: impl FnMut(usize, FrameBytes)) -> Result<()> {
    let mut file = DicomReader::open(path)?;
    match file.pixels {
        None => Err(problem!(E0703, path, "the DICOM file has no pixels of whole numbers (PixelData)")),
        Some(PixelLength::Native { bytes: held, words }) => {
            if format.coding != PixelCoding::Native {
                return Err(problem!(E0703, path, "the pixels are not compressed, though the DICOM file says so"));
            }
            format.check_length(path, held)?;
            let big_endian = file.elements.is_big_endian();
            if big_endian && words && format.bits_allocated == 8 {
                return each_swapped_frame(path, format, &mut file, take);
            }
            for frame in 0..format.frames {
                let values = file.read(path, format.frame_bytes())?;
                take(frame, FrameBytes { bytes: values, big_endian });
            }
            Ok(())
        }
        Some(PixelLength::Encapsulated) => {
            let (table, fragments) = file.fragments(path)?;
            let data = frames_of_fragments(path, format, &table, fragments)?;
            for (frame, data) in data.into_iter().enumerate() {
                let values = unpack(path, format, data)?;
                take(frame, FrameBytes { bytes: values, big_endian: false });
            }
            Ok(())
        }
    }
}

/// Reads frames of 8-bit values in big-endian words of 16 bits. A word may hold the last value of one frame and the first of the
/// next, so the words of all frames are read at once.
fn each_swapped_frame(
    path: &Path,
    format: &PixelFormat,
    file: &mut DicomReader,
    mut take: impl FnMut(usize, FrameBytes),
) -> Result<()> {
    let whole = format.frame_bytes() * format.frames as u64;
    let mut values = file.read(path, whole + whole % 2)?;
    values.chunks_exact_mut(2).for_each(|pair| pair.swap(0, 1));
    let area = format.size.iter().product();
    for (frame, values) in values.chunks(area).take(format.frames).enumerate() {
        take(frame, FrameBytes { bytes: values.to_vec(), big_endian: true });
    }
    Ok(())
}

/// Decompresses a frame.
fn unpack(path: &Path, format: &PixelFormat, data: Vec<u8>) -> Result<Vec<u8>> {
    let area = format.size.iter().product();
    let damaged = |what: &str| problem!(E0703, path, "{what}"; help: "copy or download the file again");
    match format.coding {
        PixelCoding::Native => match data.len() as u64 {
            n if n == format.frame_bytes() || n == format.frame_bytes() + 1 => Ok(data),
            n => Err(damaged(&format!(
                "contains {} of pixels, but its header declares {}",
                counted(n, "byte"),
                format.frame_bytes()
            ))),
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
            "{} of pixels for {}, and no table that says which belong together",
            counted(found, "fragment"),
            counted(frames, "frame")
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

impl FrameBytes {
    /// Gives the stored values to `take`: the lowest bits of each, with their sign, whatever the bits above them hold.
    pub(super) fn each_value(&self, format: &PixelFormat, mut take: impl FnMut(i64)) {
        let unused = 64 - format.bits_stored;
        let value = |raw: u64| {
            let bits = raw << unused;
            if format.signed { bits as i64 >> unused } else { (bits >> unused) as i64 }
        };
        let area: usize = format.size.iter().product();
        match (format.bits_allocated, self.big_endian) {
            (8, _) => self.bytes.iter().take(area).for_each(|b| take(value(u64::from(*b)))),
            (16, false) => self.numbers(area, |b| take(value(u64::from(u16::from_le_bytes(b))))),
            (16, true) => self.numbers(area, |b| take(value(u64::from(u16::from_be_bytes(b))))),
            (_, false) => self.numbers(area, |b| take(value(u64::from(u32::from_le_bytes(b))))),
            (_, true) => self.numbers(area, |b| take(value(u64::from(u32::from_be_bytes(b))))),
        }
    }

    fn numbers<const N: usize>(&self, count: usize, mut take: impl FnMut([u8; N])) {
        let (numbers, _) = self.bytes.as_chunks::<N>();
        numbers.iter().take(count).for_each(|number| take(*number));
    }
}
