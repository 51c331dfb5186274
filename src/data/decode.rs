//! Decodes image files. The format is detected from the first bytes, not from the extension.
//!
//! Each format has a reader below that returns samples as stored ([`RawPicture`]). This file applies what changes their meaning:
//! orientation, palettes, alpha. `docs/data.md` has the table of formats and fields. Truncated or damaged files, and sizes above
//! [`MAX_SIDE`](super::pixels::MAX_SIDE), are errors that name the file.

mod bmp_file;
mod failure;
mod gif_file;
mod jpeg_colours;
mod jpeg_file;
mod jpeg_header;
mod jpeg_scans;
mod orientation;
mod png_chunks;
mod png_file;
mod raw_picture;
mod tiff_directory;
mod tiff_file;
mod tiff_page;
mod tiff_stack;
mod tiff_storage;
mod tiff_tiles;
mod webp_file;

use super::notice::{FileNotice, FileRole, NoticeTopic};
use super::palette_colours::colours_in_use;
use super::pixels::{AlphaPlane, Pixels, SampleValues, check_size};
use super::spacing::spacing_notice;
use super::volume::{PAIR_HELP, is_nifti};
use crate::base::count::counted;
use crate::base::error::{Result, RunError};
use crate::base::file;
use crate::base::foreign_code::quietly;
use crate::base::problem::problem;
use crate::text::config::{DataSpec, OrientationRule};
use orientation::Orientation;
use raw_picture::{ExtraSample, FileFields, RawPicture};
use std::path::Path;

/// Extensions of image files in lower case, used when a folder is listed.
pub(crate) const EXTENSIONS: [&str; 10] = ["png", "jpg", "jpeg", "jpe", "jfif", "tif", "tiff", "bmp", "gif", "webp"];

/// Checks whether a file name has the extension of a picture.
pub(super) fn is_picture(path: &Path) -> bool {
    path.extension().is_some_and(|e| EXTENSIONS.contains(&e.to_string_lossy().to_lowercase().as_str()))
}

/// Reads an image file or a mask file. Images come as grey values or colours. Masks keep what their rule needs: the indices of
/// a palette, alpha, and samples of fewer than 8 bits as stored.
pub(super) fn read(path: &Path, role: FileRole, spec: &DataSpec) -> Result<Pixels> {
    let bytes = file::read(path, file::PICTURE_BYTES).map_err(|e| RunError::read(path, e))?;
    let raw = decode(path, bytes, role)?;
    debug_assert_eq!(raw.values.len(), raw.size[0] * raw.size[1] * raw.samples);
    finish(raw, path, role, spec)
}

fn decode(path: &Path, bytes: Vec<u8>, role: FileRole) -> Result<RawPicture> {
    let format = picture_format(path, &bytes)?;
    let decoded = quietly(|| match format {
        PictureFormat::Png => png_file::read(path, &bytes, role),
        PictureFormat::Jpeg => jpeg_file::read(path, &bytes),
        PictureFormat::Tiff => tiff_file::read(path, bytes, role),
        PictureFormat::Bmp => bmp_file::read(path, &bytes),
        PictureFormat::Gif => gif_file::read(path, &bytes),
        PictureFormat::Webp => webp_file::read(path, &bytes),
    });
    let crashed =
        || Err(problem!(E0704, path, "the decoder does not understand this file"; help: "save it as PNG again"));
    decoded.unwrap_or_else(crashed)
}

/// Reads the mask of a slice of a volume, whose values are compared with labels later. Errors: the meaning of a value depends on
/// more than itself (alpha, orientation, colours).
pub(super) fn read_series_mask(path: &Path) -> Result<Pixels> {
    let bytes = file::read(path, file::PICTURE_BYTES).map_err(|e| RunError::read(path, e))?;
    let raw = decode(path, bytes, FileRole::Mask)?;
    let cause = if !raw.fields.orientation.is_upright() {
        "an orientation tag"
    } else if raw.extra != ExtraSample::None || raw.palette.iter().flatten().any(|entry| entry[3] != 255) {
        "an alpha channel"
    } else if raw.samples != 1 {
        "colours"
    } else {
        let notice = |(topic, text)| FileNotice::new(topic, FileRole::Mask, path, text);
        let mut warnings: Vec<FileNotice> = raw.fields.notices.into_iter().map(notice).collect();
        let mut values = raw.values;
        if let (Some(entries), SampleValues::U8(indices)) = (&raw.palette, &values)
            && !is_grey_ramp(entries, raw.bits)
        {
            warnings.extend(colours_in_use(indices, &without_alpha(entries)).into_iter().map(notice));
        }
        if raw.palette.is_none() {
            values.spread(raw.bits);
        }
        return Ok(Pixels { lossy: raw.lossy, warnings, ..Pixels::new(raw.size, 1, values) });
    };
    Err(problem!(
        E0713,
        path,
        "the mask of a slice has {cause}";
        help: "store the class as a grey value, or as the index of a palette, in a PNG file without alpha"
    ))
}

/// Reads the height and width of an image file without decoding it, and whether an orientation tag swaps them.
pub(super) fn size(path: &Path, spec: &DataSpec) -> Result<PictureSize> {
    let bytes = file::read(path, file::PICTURE_BYTES).map_err(|e| RunError::read(path, e))?;
    let (stored, fields) = match picture_format(path, &bytes)? {
        PictureFormat::Png => png_file::size(path, &bytes)?,
        PictureFormat::Jpeg => jpeg_file::size(path, &bytes)?,
        PictureFormat::Tiff => tiff_file::size(path, &bytes)?,
        PictureFormat::Bmp => bmp_file::size(path, &bytes)?,
        PictureFormat::Gif => gif_file::size(path, &bytes)?,
        PictureFormat::Webp => webp_file::size(path, &bytes)?,
    };
    let turn = turn(&fields, path, spec)?;
    Ok(PictureSize { size: turn.shown_size(stored), swapped: turn.swaps_sides() })
}

/// The size of a picture in pixels.
pub(super) struct PictureSize {
    /// Height and width as [`read`] returns them.
    pub size: [usize; 2],
    /// Whether rows of the file are columns of the picture.
    pub swapped: bool,
}

enum PictureFormat {
    Png,
    Jpeg,
    Tiff,
    Bmp,
    Gif,
    Webp,
}

fn picture_format(path: &Path, bytes: &[u8]) -> Result<PictureFormat> {
    Ok(match bytes {
        [0x89, b'P', b'N', b'G', ..] => PictureFormat::Png,
        [0xff, 0xd8, 0xff, ..] => PictureFormat::Jpeg,
        [b'I', b'I', 42 | 43, 0, ..] | [b'M', b'M', 0, 42 | 43, ..] => PictureFormat::Tiff,
        [b'B', b'M', _, _, _, _, 0, 0, 0, 0, ..] => PictureFormat::Bmp,
        [b'G', b'I', b'F', b'8', ..] => PictureFormat::Gif,
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => PictureFormat::Webp,
        [] => return Err(problem!(E0703, path, "the file is empty"; help: "copy or download the file again")),
        _ => return Err(unknown_format(path, bytes)),
    })
}

fn unknown_format(path: &Path, bytes: &[u8]) -> RunError {
    let error = problem!(E0704, path, "not a PNG, JPEG, TIFF, BMP, GIF or WebP file");
    match bytes {
        _ if is_nifti(path) => error.help(
            "this is a volume, and the other file of the pair is a picture: write the slice that belongs to the picture as PNG, or use \
             volumes for both",
        ),
        _ if is_of_pair(path, bytes) => error.help(PAIR_HELP),
        [0x1f, 0x8b, ..] => error.help("the file is gzipped; if it is a NIfTI file, rename it to NAME.nii.gz"),
        _ if bytes.get(128..132) == Some(b"DICM") => {
            error.help("this is a DICOM file; use the folder of its series instead: `images = \"series/*\"`")
        }
        [0, 0, 0, 12, b'j', b'P', ..] | [0xff, 0x4f, 0xff, 0x51, ..] => {
            error.help("this is a JPEG 2000 file; convert it to PNG")
        }
        _ if bytes.get(4..8) == Some(b"ftyp") => error.help("this is a HEIC or AVIF file; convert it to PNG"),
        _ if bytes.iter().take(64).all(|b| b.is_ascii_graphic() || b.is_ascii_whitespace()) => error
            .help("the file contains text; it may have been renamed, or it may be the error page of a failed download"),
        _ => error.help("convert it to PNG or TIFF"),
    }
}

/// Checks whether a file is the header or the voxels of a volume in two files (NIfTI-1, NIfTI-2 or Analyze).
fn is_of_pair(path: &Path, bytes: &[u8]) -> bool {
    let ends_in = |end: &str| path.extension().is_some_and(|e| e.eq_ignore_ascii_case(end));
    // A header begins with its length in either byte order.
    let sizes = [348u32, 540].into_iter().flat_map(|size| [size.to_le_bytes(), size.to_be_bytes()]);
    let is_header = sizes.into_iter().any(|size| bytes.starts_with(&size));
    ends_in("hdr") && is_header || ends_in("img") && ["hdr", "HDR"].iter().any(|e| path.with_extension(e).is_file())
}

/// Returns how the stored pixels are turned. Errors: the file has a tag, and the data block does not say what it means.
fn turn(fields: &FileFields, path: &Path, spec: &DataSpec) -> Result<Orientation> {
    match spec.orientation {
        _ if fields.orientation.is_upright() => Ok(Orientation::UPRIGHT),
        Some(OrientationRule::Apply) => Ok(fields.orientation),
        Some(OrientationRule::Stored) => Ok(Orientation::UPRIGHT),
        None => Err(problem!(
            E0718,
            path,
            "the orientation tag is {}, and data `{}` does not say whether it is applied",
            fields.orientation.describe(),
            spec.name;
            help: "write `orientation = apply` if masks are drawn on what viewers show, `orientation = stored` if they are drawn on \
                   the stored pixels"
        )),
    }
}

/// Applies to a raw picture what changes its meaning.
fn finish(raw: RawPicture, path: &Path, role: FileRole, spec: &DataSpec) -> Result<Pixels> {
    let RawPicture { size, samples, mut values, bits, palette, extra, lossy, fields } = raw;
    let turn = turn(&fields, path, spec)?;
    let mut notices = fields.notices;
    if role == FileRole::Image {
        notices.extend(fields.image_notices);
        notices.extend(spacing_notice(fields.spacing, spec));
    }
    let mut alpha = match extra {
        ExtraSample::None => None,
        ExtraSample::Alpha | ExtraSample::Unnamed => {
            let opaque = opaque_value(&values);
            let plane = values.split_last(samples);
            Some(AlphaPlane { values: plane, opaque, named: extra == ExtraSample::Alpha })
        }
        ExtraSample::TransparentValue(value) => transparent_value(&values, samples, value),
    };
    let channels = if samples >= 3 { 3 } else { 1 };
    let mut palette = palette;
    if let Some(entries) = &palette {
        alpha = palette_alpha(&values, entries);
        if is_grey_ramp(entries, bits) {
            palette = None;
        }
    }
    let named = alpha.as_ref().is_some_and(|alpha| alpha.named);
    // Alpha says nothing where every pixel is opaque.
    alpha = alpha.filter(|alpha| !is_constant(&alpha.values, alpha.named.then_some(alpha.opaque)));
    let opaque_alpha = named && alpha.is_none();
    let mut pixels = Pixels { lossy, alpha, opaque_alpha, ..Pixels::new(size, channels, values) };
    match role {
        FileRole::Image => {
            if let Some(alpha) = pixels.alpha.take() {
                let what = if alpha.named { "alpha" } else { "a sample without a meaning" };
                notices.push((NoticeTopic::Alpha, format!("{what} is ignored")));
            }
            to_image_values(&mut pixels, bits, palette.as_deref(), path)?;
        }
        FileRole::Mask => {
            pixels.bits = (bits < 8 && palette.is_none()).then_some(bits);
            pixels.palette = palette.as_deref().map(without_alpha);
        }
    }
    turn.apply(&mut pixels);
    pixels.warnings = notices.into_iter().map(|(topic, text)| FileNotice::new(topic, role, path, text)).collect();
    Ok(pixels)
}

/// Returns the colours of a palette.
fn without_alpha(entries: &[[u8; 4]]) -> Vec<[u8; 3]> {
    entries.iter().map(|[r, g, b, _]| [*r, *g, *b]).collect()
}

/// Returns the largest value of a sample type, which is opaque as alpha.
fn opaque_value(values: &SampleValues) -> f64 {
    match values {
        SampleValues::U8(_) => 255.0,
        SampleValues::U16(_) => 65_535.0,
        SampleValues::I16(_) => 32_767.0,
        SampleValues::Wide(..) => 1.0,
    }
}

/// Checks whether all values are equal, and equal to `wanted` if that is given.
fn is_constant(values: &SampleValues, wanted: Option<f64>) -> bool {
    let first = wanted.unwrap_or_else(|| if values.len() == 0 { 0.0 } else { values.at(0) });
    match values {
        SampleValues::U8(v) => v.iter().all(|v| f64::from(*v) == first),
        SampleValues::U16(v) => v.iter().all(|v| f64::from(*v) == first),
        SampleValues::I16(v) => v.iter().all(|v| f64::from(*v) == first),
        SampleValues::Wide(v, _) => v.iter().all(|v| *v == first),
    }
}

/// Returns alpha where one value is transparent, if a pixel has that value.
fn transparent_value(values: &SampleValues, samples: usize, value: [u16; 3]) -> Option<AlphaPlane> {
    let is_transparent = |i: usize| (0..samples).all(|c| values.at(i * samples + c) == f64::from(value[c]));
    let plane: Vec<u8> = (0..values.len() / samples).map(|i| if is_transparent(i) { 0 } else { 255 }).collect();
    Some(AlphaPlane { values: SampleValues::U8(plane), opaque: 255.0, named: true })
}

/// Returns the alpha of each pixel of a palette with transparent entries.
fn palette_alpha(values: &SampleValues, entries: &[[u8; 4]]) -> Option<AlphaPlane> {
    if entries.iter().all(|entry| entry[3] == 255) {
        return None;
    }
    let SampleValues::U8(indices) = values else { return None };
    let plane = indices.iter().map(|&index| entries.get(usize::from(index)).map_or(255, |entry| entry[3])).collect();
    Some(AlphaPlane { values: SampleValues::U8(plane), opaque: 255.0, named: true })
}

/// Checks whether a palette only repeats the grey values of its depth, as in grey BMP and GIF files.
fn is_grey_ramp(entries: &[[u8; 4]], bits: u32) -> bool {
    let last = (1usize << bits) - 1;
    let grey = |k: usize| (255 * k / last.max(1)) as u8;
    entries.len() == last + 1 && entries.iter().enumerate().all(|(k, [r, g, b, _])| [*r, *g, *b] == [grey(k); 3])
}

/// Converts indices to colours, and samples of fewer than 8 bits to 0..255.
fn to_image_values(pixels: &mut Pixels, bits: u32, palette: Option<&[[u8; 4]]>, path: &Path) -> Result<()> {
    if let (Some(entries), SampleValues::U8(values)) = (palette, &pixels.values) {
        let width = pixels.size[1];
        if let Some(at) = values.iter().position(|&index| usize::from(index) >= entries.len()) {
            return Err(problem!(
                E0703,
                path,
                "the palette has {}, but the pixel at x {}, y {} has index {}",
                counted(entries.len(), "colour"),
                at % width,
                at / width,
                values[at];
                help: "copy or download the file again"
            ));
        }
        check_size(path, pixels.size[0] as u64, width as u64, 3)?;
        let mut colours = Vec::with_capacity(3 * values.len());
        values.iter().for_each(|&index| colours.extend_from_slice(&entries[usize::from(index)][..3]));
        pixels.values = SampleValues::U8(colours);
        pixels.channels = 3;
        return Ok(());
    }
    pixels.values.spread(bits);
    Ok(())
}
