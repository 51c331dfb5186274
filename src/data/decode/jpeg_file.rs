//! Reads JPEG files.

use super::failure::{damaged, truncated, unsupported};
use super::jpeg_header::JpegHeader;
use super::raw_picture::{ExtraSample, FileFields, RawPicture};
use super::{jpeg_colours, jpeg_scans};
use crate::base::count::counted;
use crate::base::error::{Result, RunError};
use crate::base::problem::problem;
use crate::data::jpeg_end::with_guarded_end;
use crate::data::pixels::{SampleValues, check_size};
use std::path::Path;
use zune_jpeg::JpegDecoder;
use zune_jpeg::errors::DecodeErrors;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

const FORMAT: &str = "JPEG";

pub(super) fn read(path: &Path, bytes: &[u8]) -> Result<RawPicture> {
    let header = JpegHeader::read(bytes);
    let size = check_header(path, &header)?;
    // The decoder would fill the missing part with grey.
    let Some(end) = header.end.filter(|_| jpeg_scans::are_complete(&header)) else {
        return Err(truncated(path, FORMAT));
    };
    let mut file = with_guarded_end(bytes, end);
    jpeg_colours::unify(&header, &mut file);
    let samples = usize::from(header.components);
    let mut values = vec![0; size[0] * size[1] * samples];
    decode(&file, &header, &mut values).map_err(|e| failure(path, &bytes[..end + 2], &header, values.len(), e))?;
    Ok(RawPicture {
        size,
        samples,
        values: SampleValues::U8(values),
        bits: 8,
        palette: None,
        extra: ExtraSample::None,
        lossy: Some("JPEG"),
        fields: header.fields(),
    })
}

fn decode(file: &[u8], header: &JpegHeader<'_>, values: &mut [u8]) -> std::result::Result<(), DecodeErrors> {
    let colours = if header.components == 1 { ColorSpace::Luma } else { ColorSpace::RGB };
    // Damage is an error. Stray bytes between segments, which are no damage for other readers, would be one too.
    let options = DecoderOptions::default()
        .set_strict_mode(!header.stray)
        .set_max_width(usize::MAX)
        .set_max_height(usize::MAX)
        .jpeg_set_out_colorspace(colours);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(file), options);
    decoder.decode_headers()?;
    if decoder.dimensions() != Some((usize::from(header.width), usize::from(header.height))) {
        return Err(DecodeErrors::FormatStatic("its headers contradict each other"));
    }
    decoder.decode_into(values)
}

/// Returns what is wrong with a file that the decoder refuses. `file` is without the ones at its end.
fn failure(path: &Path, file: &[u8], header: &JpegHeader<'_>, values: usize, error: DecodeErrors) -> RunError {
    let text = match error {
        DecodeErrors::ExhaustedData | DecodeErrors::IoErrors(_) => return truncated(path, FORMAT),
        DecodeErrors::Unsupported(what) => return unsupported(path, FORMAT, &format!("{what:?}")),
        other => text_of(&other),
    };
    // Data that are wrong in another way, or not at all, without the ones at their end stop too early.
    match decode(file, header, &mut vec![0; values]) {
        Err(other) if text_of(&other) == text => damaged(path, FORMAT, &text),
        Ok(()) | Err(_) => truncated(path, FORMAT),
    }
}

/// Returns the text of an error without quotes.
fn text_of(error: &DecodeErrors) -> String {
    match error {
        DecodeErrors::FormatStatic(text) => text.to_string(),
        DecodeErrors::Format(text) | DecodeErrors::HuffmanDecode(text) | DecodeErrors::MCUError(text) => text.clone(),
        other => other.to_string(),
    }
}

pub(super) fn size(path: &Path, bytes: &[u8]) -> Result<([usize; 2], FileFields)> {
    let header = JpegHeader::read(bytes);
    Ok((check_header(path, &header)?, header.fields()))
}

/// Checks that the decoder supports the file, and returns its height and width.
fn check_header(path: &Path, header: &JpegHeader<'_>) -> Result<[usize; 2]> {
    if header.process == 0 {
        return Err(if header.end.is_some() {
            damaged(path, FORMAT, &"it has no picture")
        } else {
            truncated(path, FORMAT)
        });
    }
    if let Some(process) = header.unsupported_process() {
        return Err(unsupported(path, FORMAT, &process));
    }
    match header.components {
        1 | 3 => {}
        4 => {
            return Err(problem!(
                E0704,
                path,
                "the JPEG file holds CMYK colours, whose conversion depends on the printer";
                help: "save it as RGB"
            ));
        }
        n => return Err(unsupported(path, FORMAT, &format!("a picture of {}", counted(n, "component")))),
    }
    check_size(path, u64::from(header.height), u64::from(header.width), u64::from(header.components))
}
