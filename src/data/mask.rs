//! Converts mask pixels to class indices.
//!
//! A label means the same in every file, whatever else the file holds: no rule looks at the largest value of a file. Every error
//! about a value names the file, the value, the number of pixels with it, the first of them, and the labels.

mod alpha;
mod colour;
mod exact;
mod grey;
mod label_help;
mod label_lookup;
mod lossy;
mod threshold;
mod unknown_label;

use super::decode;
use super::notice::{FileNotice, FileRole};
use super::pixels::Pixels;
use crate::base::error::Result;
use crate::text::config::{DataSpec, MaskRule};
use std::path::Path;

/// Reads a mask file at its own size: class indices, height and width, and warnings.
pub fn load_mask(spec: &DataSpec, path: &Path) -> Result<(Vec<u8>, [usize; 2], Vec<FileNotice>)> {
    let mut pixels = decode::read(path, FileRole::Mask, spec)?;
    let (indices, warnings) = classes(&mut pixels, spec, path)?;
    Ok((indices, pixels.size, warnings))
}

/// Converts pixels to class indices at the mask's own size, and returns warnings about the file. Samples of fewer than 8 bits
/// are converted to the values that they are compared as.
pub(super) fn classes(pixels: &mut Pixels, spec: &DataSpec, path: &Path) -> Result<(Vec<u8>, Vec<FileNotice>)> {
    if let Some(compression) = pixels.lossy {
        lossy::check_rule(compression, spec, path)?;
    }
    if spec.mask_rule != MaskRule::Alpha {
        alpha::refuse(pixels, spec, path)?;
    }
    grey::widen(pixels, spec);
    let mut warnings = std::mem::take(&mut pixels.warnings);
    let indices = match spec.mask_rule {
        MaskRule::Threshold => threshold::between_labels(pixels, spec, path, &mut warnings)?,
        MaskRule::ThresholdAt(value) => threshold::above(value, pixels, spec, path, &mut warnings)?,
        MaskRule::Exact => exact::classes(pixels, spec, path, &mut warnings)?,
        MaskRule::Colour => colour::classes(pixels, spec, path)?,
        MaskRule::Alpha => alpha::classes(pixels, spec, path, &mut warnings)?,
    };
    Ok((indices, warnings))
}
