//! Reads TIFF files with their sample format: CT slices are signed 16-bit integers.
//!
//! The decoder of the crate `tiff` does not read palettes, and drops extra samples. It gets the same file with another value of
//! PhotometricInterpretation, under which it returns all samples as they are stored.

use super::failure::{damaged, of_io, too_large, truncated, unsupported};
use super::raw_picture::{ExtraSample, FileFields, RawPicture};
use super::tiff_directory::TiffDirectories;
use super::tiff_page::{PHOTOMETRIC, TiffPage};
use super::tiff_storage::{self, GdalFields};
use super::tiff_tiles;
use crate::base::count::counted;
use crate::base::error::{Result, RunError};
use crate::base::problem::problem;
use crate::data::notice::{FileRole, NoticeTopic};
use crate::data::pixels::{MAX_BYTES, SampleValues, check_size, unpack_bits};
use std::io::Cursor;
use std::path::Path;
use tiff::decoder::{Decoder, DecodingResult, Limits};
use tiff::{TiffError, TiffUnsupportedError};

const FORMAT: &str = "TIFF";
const INVERTED_MASK: &str = "PhotometricInterpretation is WhiteIsZero, so values are inverted, as viewers show them; programs that \
                             take the stored values, such as tifffile, get the opposite";
/// The interpretation of samples as they are stored.
const BLACK_IS_ZERO: u16 = 1;

pub(super) fn read(path: &Path, mut bytes: Vec<u8>, role: FileRole) -> Result<RawPicture> {
    let file = TiffDirectories::open(&bytes).ok_or_else(|| truncated(path, FORMAT))?;
    let page = TiffPage::choose(&file).ok_or_else(|| truncated(path, FORMAT))?;
    let colours = check_page(path, &page)?;
    let samples = page.samples as usize;
    let extras = samples.saturating_sub(colours as usize);
    let size = check_size(path, page.size[0], page.size[1], page.samples * page.bits.div_ceil(8))?;
    tiff_storage::check(path, &file, &page)?;
    let mut fields = page.fields(&file);
    let palette = match page.photometric {
        3 => Some(page.palette(&file).ok_or_else(|| damaged(path, FORMAT, &"its palette is missing or too short"))?),
        _ => None,
    };
    let patches =
        patches(&file, &page, extras > 0).ok_or_else(|| damaged(path, FORMAT, &"a tag has the wrong type"))?;
    let transparency = page.has_transparency_page();
    let gdal = GdalFields::read(&file, &page);
    let tiles = tiff_tiles::unpack(path, &file, &page, &bytes)?.unwrap_or_default();
    bytes.extend(tiles.appended);
    for (at, value) in patches.into_iter().chain(tiles.patches) {
        bytes[at..at + value.len()].copy_from_slice(&value);
    }
    let mut values = decode(path, bytes, size, samples, page.bits as u32)?;
    let [height, width] = size;
    if values.len() != height * width * samples {
        return Err(truncated(path, FORMAT));
    }
    check_finite(path, &values, width, samples)?;
    fields.notices.extend(gdal.notes(&values, [samples, colours as usize]));
    if page.photometric == 0 {
        invert(path, &mut values, samples, page.bits as u32)?;
        if role == FileRole::Mask {
            // An inverted mask has its classes exchanged, and programs differ.
            fields.notices.push((NoticeTopic::Inverted, INVERTED_MASK.to_string()));
        }
    }
    if extras > 1 {
        match role {
            FileRole::Image => {
                let text = format!("{} beside the colours are ignored", counted(extras, "sample"));
                fields.notices.push((NoticeTopic::Alpha, text));
                values.keep_channels(samples, colours as usize);
            }
            FileRole::Mask => {
                return Err(unsupported(path, FORMAT, &format!("a mask of {} a pixel", counted(samples, "sample"))));
            }
        }
    }
    if transparency {
        let text = "a further page says which pixels are transparent";
        match role {
            FileRole::Image => fields.notices.push((NoticeTopic::Alpha, format!("{text}; it is ignored"))),
            FileRole::Mask => {
                return Err(
                    problem!(E0713, path, "{text}"; help: "flatten the mask: store one page without transparency"),
                );
            }
        }
    }
    let extra = match (extras, page.extra) {
        (1, Some(1 | 2)) => ExtraSample::Alpha,
        // Many programs leave out ExtraSamples where the fourth sample is alpha.
        (1, None) if colours == 3 => ExtraSample::Alpha,
        (1, _) => ExtraSample::Unnamed,
        _ => ExtraSample::None,
    };
    let samples = if extras > 1 { colours as usize } else { samples };
    Ok(RawPicture { size, samples, values, bits: page.bits.min(8) as u32, palette, extra, lossy: page.lossy(), fields })
}

/// Reads the height and width of the page that [`read`] reads.
pub(super) fn size(path: &Path, bytes: &[u8]) -> Result<([usize; 2], FileFields)> {
    let file = TiffDirectories::open(bytes).ok_or_else(|| truncated(path, FORMAT))?;
    let page = TiffPage::choose(&file).ok_or_else(|| truncated(path, FORMAT))?;
    Ok((check_size(path, page.size[0], page.size[1], 1)?, page.fields(&file)))
}

/// Checks that the page is of a supported kind, and returns the number of samples of its colours.
fn check_page(path: &Path, page: &TiffPage) -> Result<u64> {
    let refuse = |what: &str| Err(unsupported(path, FORMAT, &what));
    let colours = match page.colour_samples() {
        Ok(colours) => colours,
        Err(what) => return refuse(&what),
    };
    if let Some(compression) = page.unread_compression() {
        return refuse(&compression);
    }
    if page.fill_order == 2 {
        return refuse("FillOrder 2 (the first pixel in the lowest bit)");
    }
    if page.samples < colours {
        return Err(damaged(
            path,
            FORMAT,
            &format!("{} per pixel cannot hold its colours", counted(page.samples, "sample")),
        ));
    }
    if colours == 1 && page.samples >= 3 {
        return refuse(&format!("a picture of {} that are no colours", counted(page.samples, "band")));
    }
    if page.planar && page.tiled && page.samples > 1 {
        return refuse("tiles with one plane per colour");
    }
    let whole = matches!(page.bits, 8 | 16 | 32 | 64) && (page.photometric != 3 || page.bits == 8);
    if !(whole || matches!(page.bits, 1 | 2 | 4) && page.samples == 1) {
        return refuse(&format!("a sample of {}", counted(page.bits, "bit")));
    }
    Ok(colours)
}

/// Returns the bytes that make the decoder read this page, with its samples as they are stored.
fn patches(file: &TiffDirectories<'_>, page: &TiffPage, extras: bool) -> Option<Vec<(usize, Vec<u8>)>> {
    let (pointer, width) = file.first_pointer();
    let mut patches = vec![(pointer, file.to_bytes(page.directory as u64, width))];
    if extras || matches!(page.photometric, 0 | 3) {
        patches.push((file.short_place(page.directory, PHOTOMETRIC)?, file.to_bytes(u64::from(BLACK_IS_ZERO), 2)));
    }
    Some(patches)
}

fn decode(path: &Path, bytes: Vec<u8>, size: [usize; 2], samples: usize, bits: u32) -> Result<SampleValues> {
    let fail = |e: TiffError| failure(path, &e);
    let mut limits = Limits::default();
    limits.decoding_buffer_size = MAX_BYTES as usize;
    limits.intermediate_buffer_size = MAX_BYTES as usize;
    let mut decoder = Decoder::new(Cursor::new(bytes)).map_err(fail)?.with_limits(limits);
    let mut decoded = DecodingResult::U8(Vec::new());
    let layout = decoder.read_image_to_buffer(&mut decoded).map_err(fail)?;
    let planes = layout.planes;
    let values = to_values(decoded, size, bits, samples);
    Ok(if planes > 1 { interleaved(&values, samples) } else { values })
}

fn to_values(decoded: DecodingResult, size: [usize; 2], bits: u32, samples: usize) -> SampleValues {
    match decoded {
        DecodingResult::U8(v) if samples == 1 => SampleValues::U8(unpack_bits(v, size, bits.min(8))),
        DecodingResult::U8(v) => SampleValues::U8(v),
        DecodingResult::U16(v) => SampleValues::U16(v),
        DecodingResult::I16(v) => SampleValues::I16(v),
        DecodingResult::I8(v) => to_wide(v, f64::from, "signed 8-bit"),
        DecodingResult::U32(v) => to_wide(v, f64::from, "unsigned 32-bit"),
        DecodingResult::I32(v) => to_wide(v, f64::from, "signed 32-bit"),
        DecodingResult::U64(v) => to_wide(v, |v| v as f64, "unsigned 64-bit"),
        DecodingResult::I64(v) => to_wide(v, |v| v as f64, "signed 64-bit"),
        DecodingResult::F16(v) => to_wide(v, f64::from, "16-bit float"),
        DecodingResult::F32(v) => to_wide(v, f64::from, "32-bit float"),
        DecodingResult::F64(v) => to_wide(v, |v| v, "64-bit float"),
    }
}

fn to_wide<T: Copy>(values: Vec<T>, convert: impl Fn(T) -> f64, kind: &'static str) -> SampleValues {
    SampleValues::Wide(values.into_iter().map(convert).collect(), kind)
}

/// Converts planes of one sample each to pixels of `samples` samples.
fn interleaved(planes: &SampleValues, samples: usize) -> SampleValues {
    let area = planes.len() / samples;
    planes.reordered(1, |i| i % samples * area + i / samples)
}

/// Inverts grey values of which 0 is white.
fn invert(path: &Path, values: &mut SampleValues, samples: usize, bits: u32) -> Result<()> {
    match values {
        SampleValues::U8(v) => {
            let most = ((1u16 << bits.min(8)) - 1) as u8;
            v.iter_mut().step_by(samples).for_each(|v| *v = most - *v);
        }
        SampleValues::U16(v) => v.iter_mut().step_by(samples).for_each(|v| *v = u16::MAX - *v),
        SampleValues::I16(_) | SampleValues::Wide(..) => {
            let what = format!("WhiteIsZero with {} samples", values.kind());
            return Err(unsupported(path, FORMAT, &what));
        }
    }
    Ok(())
}

/// Checks that floating-point values are neither NaN nor infinite.
fn check_finite(path: &Path, values: &SampleValues, width: usize, samples: usize) -> Result<()> {
    if let SampleValues::Wide(all, kind) = values
        && let Some(bad) = all.iter().position(|v| !v.is_finite())
    {
        let (x, y) = (bad / samples % width, bad / samples / width);
        return Err(problem!(E0711, path, "the {kind} value {} at x {x}, y {y} is not a finite number", all[bad]));
    }
    Ok(())
}

/// Returns what the decoder does not support, without its words for that.
fn what_is_unsupported(error: &TiffUnsupportedError) -> String {
    let text = error.to_string();
    let text = text.trim_end_matches('.').trim_end_matches(" is unsupported").trim_end_matches(" not supported");
    text.trim_start_matches("unsupported ").to_string()
}

fn failure(path: &Path, error: &TiffError) -> RunError {
    match error {
        TiffError::IoError(e) => of_io(path, FORMAT, e),
        TiffError::LimitsExceeded | TiffError::IntSizeError => too_large(path, FORMAT),
        TiffError::UnsupportedError(e) => unsupported(path, FORMAT, &what_is_unsupported(e)),
        TiffError::FormatError(e) => damaged(path, FORMAT, e),
        other => damaged(path, FORMAT, other),
    }
}
