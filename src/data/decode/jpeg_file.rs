//! Reads JPEG files.

use super::failure::{damaged, of_image, truncated, unsupported};
use super::jpeg_header::JpegHeader;
use super::raw_picture::{ExtraSample, FileFields, RawPicture};
use crate::base::error::Result;
use crate::base::problem::problem;
use crate::data::pixels::{SampleValues, check_size};
use image::codecs::jpeg::JpegDecoder;
use image::{ColorType, ImageDecoder};
use std::io::Cursor;
use std::path::Path;

const FORMAT: &str = "JPEG";

pub(super) fn read(path: &Path, bytes: &[u8]) -> Result<RawPicture> {
    let header = JpegHeader::read(bytes);
    let size = check_header(path, &header)?;
    // The decoder would fill the missing part with grey.
    if !header.complete {
        return Err(truncated(path, FORMAT));
    }
    let decoder = JpegDecoder::new(Cursor::new(bytes)).map_err(|e| of_image(path, FORMAT, &e))?;
    let samples = match decoder.color_type() {
        ColorType::L8 => 1,
        _ => 3,
    };
    if decoder.total_bytes() != (size[0] * size[1] * samples) as u64 {
        return Err(damaged(path, FORMAT, &"its headers contradict each other"));
    }
    let mut values = vec![0; size[0] * size[1] * samples];
    decoder.read_image(&mut values).map_err(|e| of_image(path, FORMAT, &e))?;
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

pub(super) fn size(path: &Path, bytes: &[u8]) -> Result<([usize; 2], FileFields)> {
    let header = JpegHeader::read(bytes);
    Ok((check_header(path, &header)?, header.fields()))
}

/// Checks that the decoder supports the file, and returns its height and width.
fn check_header(path: &Path, header: &JpegHeader<'_>) -> Result<[usize; 2]> {
    if header.process == 0 {
        return Err(if header.complete {
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
        n => return Err(unsupported(path, FORMAT, &format!("a picture of {n} components"))),
    }
    check_size(path, u64::from(header.height), u64::from(header.width), u64::from(header.components))
}
