//! Counts the pictures of TIFF files that store a stack behind one directory.
//!
//! Such files have a page by the rules of TIFF, so a description or a tag of one program says that there is more.

use super::tiff_directory::{DESCRIPTION, TiffDirectories};
use serde_json::Value;

/// Tag of MetaMorph with an entry for each plane (UIC2).
const METAMORPH_PLANES: u16 = 33_629;
/// Number of slices of a volume (SGI).
const IMAGE_DEPTH: u16 = 32_997;

/// Returns the number of pictures behind the directory of one picture of `picture_bytes` bytes and `picture_samples` samples, and what
/// they are called; `None` without a sign of more than one.
pub(super) fn stacked_pictures(
    file: &TiffDirectories<'_>,
    directory: usize,
    picture_bytes: u64,
    picture_samples: u64,
) -> Option<(usize, &'static str)> {
    // A program that takes a page out of a stack may keep the description of the stack.
    let held = |pictures: &u64| pictures.saturating_mul(picture_bytes) <= file.length() as u64;
    let text = file.text(directory, DESCRIPTION);
    let text = text.trim_end_matches('\0').trim();
    let of_imagej = || imagej_pictures(text).filter(held).map(|n| (n, "images of an ImageJ stack"));
    let of_tifffile = || shape_pictures(text, picture_samples).filter(held).map(|n| (n, "pictures of an array"));
    let planes = || Some((file.entry(directory, METAMORPH_PLANES)?.count(), "planes of a MetaMorph stack"));
    let slices = || Some((file.number(directory, IMAGE_DEPTH)?, "slices of a volume"));
    let found = of_imagej().or_else(of_tifffile).or_else(planes).or_else(slices);
    found.filter(|(n, _)| *n > 1).and_then(|(n, what)| Some((usize::try_from(n).ok()?, what)))
}

/// Returns the number of images in the description of ImageJ.
fn imagej_pictures(text: &str) -> Option<u64> {
    text.starts_with("ImageJ=").then_some(())?;
    let number = |key: &str| text.lines().find_map(|line| line.trim().strip_prefix(key)?.parse::<u64>().ok());
    let product = || ["channels=", "slices=", "frames="].map(|key| number(key).unwrap_or(1)).iter().product();
    Some(number("images=").unwrap_or_else(product))
}

/// Returns the number of pictures in the shape that tifffile writes as JSON: `{"shape": [5, 64, 64]}`.
fn shape_pictures(text: &str, picture_samples: u64) -> Option<u64> {
    text.starts_with('{').then_some(())?;
    let shape = serde_json::from_str::<Value>(text).ok()?;
    let all = shape.get("shape")?.as_array()?.iter().try_fold(1u64, |n, side| n.checked_mul(side.as_u64()?))?;
    (picture_samples > 0 && all.is_multiple_of(picture_samples)).then_some(all / picture_samples.max(1))
}
