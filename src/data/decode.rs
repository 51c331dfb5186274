//! Decodes image files (PNG, JPEG and TIFF). The format is detected from the first bytes, not from the extension.
//!
//! Truncated or damaged files, and sizes above [`MAX_SIDE`](super::pixels::MAX_SIDE), are errors that name the file. Alpha is
//! dropped. Orientation tags and colour profiles are not applied, since masks are drawn on the stored pixels.

use super::pixels::{MAX_BYTES, Pixels, SampleValues, check_size, keep_channels, unpack_bits};
use super::{jpeg, tiff};
use crate::base::error::{Result, RunError, one_line};
use crate::base::file;
use crate::base::problem::problem;
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits};
use std::io::Cursor;
use std::path::Path;

/// Extensions of image files in lower case, used when a folder is listed.
pub(crate) const EXTENSIONS: [&str; 5] = ["png", "jpg", "jpeg", "tif", "tiff"];

/// Checks whether a file name has the extension of a picture.
pub(super) fn is_picture(path: &Path) -> bool {
    path.extension().is_some_and(|e| EXTENSIONS.contains(&e.to_string_lossy().to_lowercase().as_str()))
}

/// How a PNG with a palette is read.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum PaletteMode {
    /// The colours of the palette.
    Colours,
    /// The stored palette indices: masks drawn with a palette keep the class there.
    Indices,
}

/// Reads an image file.
pub(super) fn read(path: &Path, palette: PaletteMode) -> Result<Pixels> {
    let bytes = file::read(path, file::PICTURE_BYTES).map_err(|e| RunError::read(path, e))?;
    let pixels = match picture_format(&bytes) {
        Some(PictureFormat::Png) => match palette {
            PaletteMode::Indices => match palette_indices(path, &bytes)? {
                Some(pixels) => pixels,
                None => decode_picture(path, &bytes, ImageFormat::Png)?,
            },
            PaletteMode::Colours => decode_picture(path, &bytes, ImageFormat::Png)?,
        },
        Some(PictureFormat::Jpeg) => {
            // The decoder would fill the missing part with grey.
            if !jpeg::is_complete(&bytes) {
                return Err(
                    problem!(E0703, path, "the JPEG file is truncated"; help: "copy or download the file again"),
                );
            }
            Pixels { lossy: true, ..decode_picture(path, &bytes, ImageFormat::Jpeg)? }
        }
        Some(PictureFormat::Tiff) => tiff::read(path, &bytes)?,
        None if bytes.is_empty() => return Err(problem!(E0703, path, "the file is empty")),
        None => return Err(unknown_format(path, &bytes)),
    };
    debug_assert_eq!(pixels.values.len(), pixels.size[0] * pixels.size[1] * pixels.channels);
    Ok(pixels)
}

fn unknown_format(path: &Path, bytes: &[u8]) -> RunError {
    let error = problem!(E0704, path, "not a PNG, JPEG or TIFF file");
    match bytes {
        [0x1f, 0x8b, ..] => error.help("the file is gzipped; if it is a NIfTI file, rename it to NAME.nii.gz"),
        _ if bytes.get(128..132) == Some(b"DICM") => {
            error.help("this is a DICOM file; use the folder of its series instead: `images = \"series/*\"`")
        }
        [b'B', b'M', ..] | [b'G', b'I', b'F', b'8', ..] => error.help("convert it to PNG"),
        [b'R', b'I', b'F', b'F', ..] => error.help("this may be a WebP file; convert it to PNG"),
        _ if bytes.iter().take(64).all(|b| b.is_ascii_graphic() || b.is_ascii_whitespace()) => error
            .help("the file contains text; it may have been renamed, or it may be the error page of a failed download"),
        _ => error,
    }
}

enum PictureFormat {
    Png,
    Jpeg,
    Tiff,
}

fn picture_format(bytes: &[u8]) -> Option<PictureFormat> {
    match bytes {
        [0x89, b'P', b'N', b'G', ..] => Some(PictureFormat::Png),
        [0xff, 0xd8, 0xff, ..] => Some(PictureFormat::Jpeg),
        [b'I', b'I', 42 | 43, 0, ..] | [b'M', b'M', 0, 42 | 43, ..] => Some(PictureFormat::Tiff),
        _ => None,
    }
}

fn decode_picture(path: &Path, bytes: &[u8], format: ImageFormat) -> Result<Pixels> {
    let name = if format == ImageFormat::Png { "PNG" } else { "JPEG" };
    let fail = |e: image::ImageError| {
        problem!(E0703, path, "cannot decode the {name} file; it may be truncated or damaged: {}", one_line(&e))
    };
    let mut limits = Limits::default();
    limits.max_alloc = Some(3 * MAX_BYTES);
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    reader.limits(limits);
    let decoder = reader.into_decoder().map_err(fail)?;
    let (width, height) = decoder.dimensions();
    let per_pixel = u64::from(decoder.color_type().bytes_per_pixel());
    let size = check_size(path, u64::from(height), u64::from(width), per_pixel)?;
    let picture = DynamicImage::from_decoder(decoder).map_err(fail)?;
    let (channels, values) = match picture {
        DynamicImage::ImageLuma8(p) => (1, SampleValues::U8(p.into_raw())),
        DynamicImage::ImageRgb8(p) => (3, SampleValues::U8(p.into_raw())),
        DynamicImage::ImageLumaA8(p) => (1, SampleValues::U8(keep_channels(&p.into_raw(), 2, 1))),
        DynamicImage::ImageRgba8(p) => (3, SampleValues::U8(keep_channels(&p.into_raw(), 4, 3))),
        DynamicImage::ImageLuma16(p) => (1, SampleValues::U16(p.into_raw())),
        DynamicImage::ImageRgb16(p) => (3, SampleValues::U16(p.into_raw())),
        DynamicImage::ImageLumaA16(p) => (1, SampleValues::U16(keep_channels(&p.into_raw(), 2, 1))),
        DynamicImage::ImageRgba16(p) => (3, SampleValues::U16(keep_channels(&p.into_raw(), 4, 3))),
        other => return Err(problem!(E0704, path, "unsupported pixel type {:?}", other.color())),
    };
    Ok(Pixels { size, channels, values, lossy: false, warnings: Vec::new() })
}

/// Returns the palette indices of a PNG; `None` if it has no palette.
fn palette_indices(path: &Path, bytes: &[u8]) -> Result<Option<Pixels>> {
    let fail = |e: png::DecodingError| {
        problem!(E0703, path, "cannot decode the PNG file; it may be truncated or damaged: {}", one_line(&e))
    };
    let mut decoder = png::Decoder::new_with_limits(Cursor::new(bytes), png::Limits { bytes: 3 << 30 });
    decoder.set_transformations(png::Transformations::IDENTITY);
    let mut reader = decoder.read_info().map_err(fail)?;
    let info = reader.info();
    if info.color_type != png::ColorType::Indexed {
        return Ok(None);
    }
    let bits = info.bit_depth as usize;
    let size = check_size(path, u64::from(info.height), u64::from(info.width), 1)?;
    let mut packed = vec![0; reader.output_buffer_size().unwrap_or(0)];
    reader.next_frame(&mut packed).map_err(fail)?;
    let values = unpack_bits(&packed, size, bits);
    Ok(Some(Pixels { size, channels: 1, values: SampleValues::U8(values), lossy: false, warnings: Vec::new() }))
}

/// Reads the height and width that an image file declares.
pub(super) fn size(path: &Path) -> Result<[usize; 2]> {
    let bytes = file::read(path, file::PICTURE_BYTES).map_err(|e| RunError::read(path, e))?;
    let fail = |e: &dyn std::fmt::Display| RunError::read(path, one_line(e));
    let format = match picture_format(&bytes) {
        Some(PictureFormat::Png) => ImageFormat::Png,
        Some(PictureFormat::Jpeg) => ImageFormat::Jpeg,
        Some(PictureFormat::Tiff) => return tiff::size(path, &bytes),
        None => return Err(unknown_format(path, &bytes)),
    };
    let reader = ImageReader::with_format(Cursor::new(&bytes), format);
    let (width, height) = reader.into_dimensions().map_err(|e| fail(&e))?;
    check_size(path, u64::from(height), u64::from(width), 1)
}
