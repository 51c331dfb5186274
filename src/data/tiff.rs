//! Decodes TIFF files with their sample format: CT slices are signed 16-bit integers.

use super::notice::{FileNotice, FileRole, NoticeTopic};
use super::pixels::{MAX_BYTES, Pixels, SampleValues, check_size, keep_channels, unpack_bits};
use crate::base::error::{Result, one_line};
use crate::base::problem::problem;
use std::io::Cursor;
use std::path::Path;
use tiff::ColorType;
use tiff::decoder::{Decoder, DecodingResult, Limits};

pub(super) fn read(path: &Path, bytes: &[u8]) -> Result<Pixels> {
    let fail = |e: tiff::TiffError| {
        problem!(
            E0703,
            path,
            "cannot decode the TIFF file; it may be truncated or damaged: {}",
            one_line(&e);
            help: "if the file is intact, its TIFF variant is not supported: save it as PNG (masks, 8-bit images) or as plain TIFF"
        )
    };
    let mut limits = Limits::default();
    limits.decoding_buffer_size = MAX_BYTES as usize;
    limits.intermediate_buffer_size = MAX_BYTES as usize;
    let mut decoder = Decoder::new(Cursor::new(bytes)).map_err(fail)?.with_limits(limits);
    let (width, height) = decoder.dimensions().map_err(fail)?;
    let color = decoder.colortype().map_err(fail)?;
    let refuse = |what: String| problem!(E0704, path, "{what} TIFF is not supported"; help: "save it as grey or RGB, in TIFF or PNG");
    let (samples, bits) = samples_and_bits(color).map_err(refuse)?;
    let size = check_size(path, u64::from(height), u64::from(width), samples as u64 * u64::from(bits).div_ceil(8))?;
    if !(bits >= 8 || (matches!(bits, 1 | 2 | 4) && samples == 1)) {
        return Err(refuse(format!("{bits}-bit, {samples}-sample")));
    }
    let mut decoded = DecodingResult::U8(Vec::new());
    let layout = decoder.read_image_to_buffer(&mut decoded).map_err(fail)?;
    if layout.planes > 1 {
        return Err(refuse("planar (one plane per colour)".into()));
    }
    let channels = if samples >= 3 { 3 } else { 1 };
    let values = to_values(decoded, size, usize::from(bits), samples, channels);
    let [height, width] = size;
    if values.len() != height * width * channels {
        return Err(problem!(E0703, path, "the TIFF file is truncated: it has fewer pixels than its header declares"));
    }
    check_finite(path, &values, width, channels)?;
    let mut warnings = Vec::new();
    if decoder.more_images() {
        let text = "contains more than one page; only the first is used";
        warnings.push(FileNotice::new(NoticeTopic::Pages, FileRole::Image, path, text));
    }
    Ok(Pixels { size, channels, values, lossy: false, warnings })
}

/// Returns the number of samples per pixel and their bits. Errors: the name of an unsupported colour type.
fn samples_and_bits(color: ColorType) -> Result<(usize, u8), String> {
    Ok(match color {
        ColorType::Gray(bits) => (1, bits),
        ColorType::GrayA(bits) => (2, bits),
        ColorType::RGB(bits) => (3, bits),
        ColorType::RGBA(bits) => (4, bits),
        // The decoder reports grey with extra samples as bands; two bands are grey and alpha.
        ColorType::Multiband { bit_depth, num_samples: 2 } => (2, bit_depth),
        ColorType::Multiband { num_samples, .. } => return Err(format!("{num_samples}-band")),
        ColorType::Palette(_) => return Err("palette".into()),
        ColorType::CMYK(_) | ColorType::CMYKA(_) => return Err("CMYK".into()),
        ColorType::YCbCr(_) => return Err("YCbCr".into()),
        ColorType::Lab(_) => return Err("Lab".into()),
        other => return Err(format!("{other:?}")),
    })
}

/// Converts decoded samples to 1 or 3 `channels`; extra samples are dropped.
fn to_values(decoded: DecodingResult, size: [usize; 2], bits: usize, samples: usize, channels: usize) -> SampleValues {
    match decoded {
        DecodingResult::U8(v) if bits < 8 => {
            // Scaled to 0..255, as PNG decoders do.
            let step = 255 / ((1u16 << bits) - 1) as u8;
            SampleValues::U8(unpack_bits(&v, size, bits).into_iter().map(|v| v * step).collect())
        }
        DecodingResult::U8(v) => SampleValues::U8(drop_extra_samples(v, samples, channels)),
        DecodingResult::U16(v) => SampleValues::U16(drop_extra_samples(v, samples, channels)),
        DecodingResult::I16(v) => SampleValues::I16(drop_extra_samples(v, samples, channels)),
        DecodingResult::I8(v) => to_wide(drop_extra_samples(v, samples, channels), f64::from, "signed 8-bit"),
        DecodingResult::U32(v) => to_wide(drop_extra_samples(v, samples, channels), f64::from, "unsigned 32-bit"),
        DecodingResult::I32(v) => to_wide(drop_extra_samples(v, samples, channels), f64::from, "signed 32-bit"),
        DecodingResult::U64(v) => to_wide(drop_extra_samples(v, samples, channels), |v| v as f64, "unsigned 64-bit"),
        DecodingResult::I64(v) => to_wide(drop_extra_samples(v, samples, channels), |v| v as f64, "signed 64-bit"),
        DecodingResult::F16(v) => to_wide(drop_extra_samples(v, samples, channels), f64::from, "16-bit float"),
        DecodingResult::F32(v) => to_wide(drop_extra_samples(v, samples, channels), f64::from, "32-bit float"),
        DecodingResult::F64(v) => to_wide(drop_extra_samples(v, samples, channels), |v| v, "64-bit float"),
    }
}

/// Checks that floating-point values are neither NaN nor infinite.
fn check_finite(path: &Path, values: &SampleValues, width: usize, channels: usize) -> Result<()> {
    if let SampleValues::Wide(all, kind) = values
        && let Some(bad) = all.iter().position(|v| !v.is_finite())
    {
        let (x, y) = (bad / channels % width, bad / channels / width);
        return Err(problem!(E0711, path, "the {kind} value {} at x {x}, y {y} is not a finite number", all[bad]));
    }
    Ok(())
}

fn drop_extra_samples<T: Copy>(values: Vec<T>, samples: usize, channels: usize) -> Vec<T> {
    if samples == channels { values } else { keep_channels(&values, samples, channels) }
}

fn to_wide<T: Copy>(values: Vec<T>, convert: impl Fn(T) -> f64, kind: &'static str) -> SampleValues {
    SampleValues::Wide(values.into_iter().map(convert).collect(), kind)
}

/// Reads the height and width that the first page declares.
pub(super) fn size(path: &Path, bytes: &[u8]) -> Result<[usize; 2]> {
    let fail = |e: tiff::TiffError| problem!(E0703, path, "cannot decode the TIFF file: {}", one_line(&e));
    let (width, height) = Decoder::new(Cursor::new(bytes)).and_then(|mut d| d.dimensions()).map_err(fail)?;
    check_size(path, u64::from(height), u64::from(width), 1)
}
