//! Writes PNG files: RGB pictures, 16-bit grey planes, and masks with the labels of a data block.

use crate::base::atomic::write_atomic;
use crate::base::count::counted;
use crate::base::error::Result;
use crate::base::problem::problem;
use crate::text::config::case_rules::label_colour;
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{ExtendedColorType, ImageEncoder};
use std::path::Path;

/// Writes an RGB picture (height x width x 3) as PNG, atomically.
pub fn write_png_atomic(path: &Path, rgb: &[u8], size: [usize; 2]) -> Result<()> {
    encode(path, rgb, size, ExtendedColorType::Rgb8, 3)
}

/// Encodes an RGB picture (height x width x 3) as PNG with the best compression, for embedding in a page.
pub(crate) fn png(rgb: &[u8], [height, width]: [usize; 2]) -> Result<Vec<u8>> {
    let mut file = Vec::new();
    PngEncoder::new_with_quality(&mut file, CompressionType::Best, FilterType::Adaptive)
        .write_image(rgb, width as u32, height as u32, ExtendedColorType::Rgb8)
        .map_err(|e| problem!(E0702, "cannot encode a picture as PNG: {e}"))?;
    Ok(file)
}

/// Writes a plane of 8-bit values as a grey PNG.
pub(crate) fn write_grey8_atomic(path: &Path, values: &[u8], size: [usize; 2]) -> Result<()> {
    encode(path, values, size, ExtendedColorType::L8, 1)
}

/// Writes a plane of 16-bit values as a grey PNG.
pub(crate) fn write_grey16_atomic(path: &Path, values: &[u16], size: [usize; 2]) -> Result<()> {
    // The encoder expects 16-bit samples in native byte order.
    let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_ne_bytes()).collect();
    encode(path, &bytes, size, ExtendedColorType::L16, 2)
}

/// Writes a class map as PNG with the labels of the data block: RGB if the labels are colours, else grey with 8 bits, or 16
/// bits if a label is above 255.
pub fn write_mask_atomic(path: &Path, classes: &[u8], size: [usize; 2], labels: &[u32]) -> Result<()> {
    if let Some(bad) = classes.iter().find(|&&c| usize::from(c) >= labels.len()) {
        return Err(problem!(
            E0799,
            path,
            "class {bad} has no label; the data block has {}",
            counted(labels.len(), "label")
        ));
    }
    let colours: Option<Vec<[u8; 3]>> = labels.iter().map(|l| label_colour(*l)).collect();
    if let Some(colours) = colours {
        let rgb: Vec<u8> = classes.iter().flat_map(|&c| colours[usize::from(c)]).collect();
        return write_png_atomic(path, &rgb, size);
    }
    let most = labels.iter().copied().max().unwrap_or(0);
    if most > u32::from(u16::MAX) {
        return Err(problem!(E0716, path, "the label {most} does not fit into the 16 bits of a PNG"));
    }
    if most <= u32::from(u8::MAX) {
        let bytes: Vec<u8> = classes.iter().map(|&c| labels[usize::from(c)] as u8).collect();
        encode(path, &bytes, size, ExtendedColorType::L8, 1)
    } else {
        // The encoder expects 16-bit samples in native byte order.
        let bytes: Vec<u8> = classes.iter().flat_map(|&c| (labels[usize::from(c)] as u16).to_ne_bytes()).collect();
        encode(path, &bytes, size, ExtendedColorType::L16, 2)
    }
}

fn encode(
    path: &Path,
    bytes: &[u8],
    [height, width]: [usize; 2],
    color: ExtendedColorType,
    per_pixel: usize,
) -> Result<()> {
    if bytes.len() != height * width * per_pixel {
        return Err(problem!(E0799, path, "the data to write are not {width} x {height} pixels"));
    }
    let mut file = Vec::new();
    PngEncoder::new(&mut file)
        .write_image(bytes, width as u32, height as u32, color)
        .map_err(|e| problem!(E0702, path, "cannot write the PNG file: {e}"))?;
    write_atomic(path, &file)
}
