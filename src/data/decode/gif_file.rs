//! Reads the first frame of GIF files with its palette indices.

use super::failure::{damaged, of_io, too_large, truncated, unsupported};
use super::raw_picture::{ExtraSample, FileFields, RawPicture};
use crate::base::error::{Result, RunError};
use crate::data::pixels::{SampleValues, check_size};
use gif::{ColorOutput, DecodeOptions, DecodingError};
use std::io::Cursor;
use std::path::Path;

const FORMAT: &str = "GIF";

pub(super) fn read(path: &Path, bytes: &[u8]) -> Result<RawPicture> {
    let fail = |e: DecodingError| failure(path, &e);
    let mut options = DecodeOptions::new();
    options.set_color_output(ColorOutput::Indexed);
    options.check_frame_consistency(true);
    options.check_lzw_end_code(true);
    let mut decoder = options.read_info(Cursor::new(bytes)).map_err(fail)?;
    let size = check_size(path, u64::from(decoder.height()), u64::from(decoder.width()), 1)?;
    let Some(frame) = decoder.next_frame_info().map_err(fail)? else {
        return Err(damaged(path, FORMAT, &"it has no picture"));
    };
    let covers = [frame.left, frame.top] == [0, 0] && [usize::from(frame.height), usize::from(frame.width)] == size;
    if !covers {
        return Err(unsupported(path, FORMAT, &"a first frame that covers a part of the picture only"));
    }
    let transparent = frame.transparent;
    let colours = decoder.palette().map_err(fail)?.to_vec();
    let mut indices = vec![0; size[0] * size[1]];
    decoder.read_into_buffer(&mut indices).map_err(fail)?;
    let entry =
        |(i, c): (usize, &[u8])| [c[0], c[1], c[2], if Some(i) == transparent.map(usize::from) { 0 } else { 255 }];
    let palette: Vec<[u8; 4]> = colours.chunks_exact(3).enumerate().map(entry).collect();
    let bits = palette.len().next_power_of_two().trailing_zeros().clamp(1, 8);
    // A file of one colour or of three bits has the depth of the next larger samples.
    let bits = if bits == 3 { 4 } else { bits.next_power_of_two() };
    let mut fields = FileFields::default();
    fields.read_frames(count_frames(bytes).unwrap_or(1), "frames of an animation");
    let values = SampleValues::U8(indices);
    Ok(RawPicture {
        size,
        samples: 1,
        values,
        bits,
        palette: Some(palette),
        extra: ExtraSample::None,
        lossy: None,
        fields,
    })
}

pub(super) fn size(path: &Path, bytes: &[u8]) -> Result<([usize; 2], FileFields)> {
    let short = |at: usize| bytes.get(at..at + 2).map(|b| u64::from(u16::from_le_bytes([b[0], b[1]])));
    let (width, height) = short(6).zip(short(8)).ok_or_else(|| truncated(path, FORMAT))?;
    Ok((check_size(path, height, width, 1)?, FileFields::default()))
}

/// Counts the frames by walking over the blocks of the file (GIF89a specification); `None` if it is cut off.
fn count_frames(bytes: &[u8]) -> Option<usize> {
    let table = |flags: u8| if flags & 0x80 != 0 { 3usize << ((flags & 7) + 1) } else { 0 };
    let mut at = 13 + table(*bytes.get(10)?);
    let mut frames = 0;
    loop {
        match bytes.get(at) {
            // An extension: its label, and blocks.
            Some(0x21) => at = after_blocks(bytes, at + 2)?,
            // A frame: its place, size and flags, its palette, the size of codes, and blocks.
            Some(0x2c) => {
                frames += 1;
                at = after_blocks(bytes, at + 11 + table(*bytes.get(at + 9)?))?;
            }
            _ => return Some(frames),
        }
    }
}

/// Returns the place behind a sequence of blocks, which ends with an empty one.
fn after_blocks(bytes: &[u8], mut at: usize) -> Option<usize> {
    loop {
        let length = usize::from(*bytes.get(at)?);
        at += 1 + length;
        if length == 0 {
            return Some(at);
        }
    }
}

fn failure(path: &Path, error: &DecodingError) -> RunError {
    match error {
        DecodingError::OutOfMemory | DecodingError::MemoryLimit => too_large(path, FORMAT),
        DecodingError::UnexpectedEof | DecodingError::EndCodeNotFound => truncated(path, FORMAT),
        DecodingError::Io(e) => of_io(path, FORMAT, e),
        other => damaged(path, FORMAT, other),
    }
}
