//! Reads PNG files with their stored samples: palette indices, and grey values of fewer than 8 bits.

use super::failure::{damaged, of_io, too_large};
use super::png_chunks::PngChunks;
use super::raw_picture::{ExtraSample, FileFields, RawPicture};
use crate::base::error::{Result, RunError};
use crate::data::notice::FileRole;
use crate::data::pixels::{MAX_BYTES, SampleValues, check_size, unpack_bits};
use png::{ColorType, DecodeOptions, Decoder, DecodingError, Limits, Transformations};
use std::io::Cursor;
use std::path::Path;

const FORMAT: &str = "PNG";

pub(super) fn read(path: &Path, bytes: &[u8], role: FileRole) -> Result<RawPicture> {
    let fail = |e: DecodingError| failure(path, &e);
    let chunks = header(path, bytes)?;
    let mut options = DecodeOptions::default();
    options.set_ignore_adler32(false);
    let mut decoder = Decoder::new_with_options(Cursor::new(bytes), options);
    decoder.set_limits(Limits { bytes: MAX_BYTES as usize });
    decoder.set_transformations(Transformations::IDENTITY);
    // A mask has no colours to convert.
    decoder.set_ignore_iccp_chunk(role == FileRole::Mask);
    let mut reader = decoder.read_info().map_err(fail)?;
    let info = reader.info();
    let bits = info.bit_depth as u32;
    let samples = info.color_type.samples();
    let size =
        check_size(path, u64::from(info.height), u64::from(info.width), samples as u64 * u64::from(bits.div_ceil(8)))?;
    let fields = chunks.fields(info.icc_profile.as_deref());
    let palette = match info.color_type {
        ColorType::Indexed => Some(palette(info.palette.as_deref().unwrap_or_default(), info.trns.as_deref())),
        _ => None,
    };
    let extra = match (info.color_type, info.trns.as_deref()) {
        (ColorType::GrayscaleAlpha | ColorType::Rgba, _) => ExtraSample::Alpha,
        (ColorType::Grayscale | ColorType::Rgb, Some(value)) => transparent_value(value, samples, bits),
        _ => ExtraSample::None,
    };
    let mut stored = vec![0; reader.output_buffer_size().ok_or_else(|| too_large(path, FORMAT))?];
    reader.next_frame(&mut stored).map_err(fail)?;
    let values = match bits {
        16 => SampleValues::U16(stored.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]])).collect()),
        _ => SampleValues::U8(unpack_bits(stored, [size[0], size[1] * samples], bits)),
    };
    Ok(RawPicture { size, samples, values, bits, palette, extra, lossy: None, fields })
}

pub(super) fn size(path: &Path, bytes: &[u8]) -> Result<([usize; 2], FileFields)> {
    let chunks = header(path, bytes)?;
    Ok((check_size(path, u64::from(chunks.height), u64::from(chunks.width), 1)?, chunks.fields(None)))
}

fn header<'a>(path: &Path, bytes: &'a [u8]) -> Result<PngChunks<'a>> {
    let chunks = PngChunks::read(bytes).ok_or_else(|| damaged(path, FORMAT, &"it has no header"))?;
    check_size(path, u64::from(chunks.height), u64::from(chunks.width), 1)?;
    Ok(chunks)
}

/// Returns the transparent value. The decoder gives one byte for each sample of at most 8 bits, and two for 16.
fn transparent_value(value: &[u8], samples: usize, bits: u32) -> ExtraSample {
    let sample = |i: usize| match bits {
        16 => Some(u16::from_be_bytes([*value.get(2 * i)?, *value.get(2 * i + 1)?])),
        _ => value.get(i).map(|&v| u16::from(v)),
    };
    match [0, 1, 2].map(|i| sample(i % samples)) {
        [Some(r), Some(g), Some(b)] => ExtraSample::TransparentValue([r, g, b]),
        _ => ExtraSample::None,
    }
}

fn palette(colours: &[u8], alpha: Option<&[u8]>) -> Vec<[u8; 4]> {
    let alpha = alpha.unwrap_or_default();
    let entry = |(i, c): (usize, &[u8])| [c[0], c[1], c[2], alpha.get(i).copied().unwrap_or(255)];
    colours.chunks_exact(3).enumerate().map(entry).collect()
}

fn failure(path: &Path, error: &DecodingError) -> RunError {
    match error {
        DecodingError::IoError(e) => of_io(path, FORMAT, e),
        DecodingError::LimitsExceeded => too_large(path, FORMAT),
        DecodingError::Format(_) | DecodingError::Parameter(_) => damaged(path, FORMAT, error),
    }
}
