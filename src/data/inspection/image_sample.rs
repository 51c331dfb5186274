//! Samples of the values of images, and the window that they suggest.

use super::data_guess::DataGuess;
use crate::base::code::Code;
use crate::base::error::Result;
use crate::data::decode;
use crate::data::notice::FileRole;
use crate::data::pixels::Pixels;
use crate::data::volume::{self, VoxelGrid, is_volume};
use crate::text::config::{DataSpec, OrientationRule, SliceAxis};
use std::collections::BTreeSet;
use std::path::Path;

/// The most values of one image that are kept.
const VALUES: usize = 4096;
/// The most slices of a volume that are looked at.
const SLICES: usize = 9;
/// Shares of the values below and above the window.
const TAIL: f64 = 0.005;

/// Some values of an image.
pub(super) struct ImageSample {
    pub values: Vec<f64>,
    /// Name of the sample type.
    pub kind: &'static str,
}

/// Reads an image and keeps some of its values, evenly spread.
pub(super) fn sample_image(path: &Path, axis: SliceAxis, reading: &DataSpec) -> Result<ImageSample> {
    if !is_volume(path) {
        return Ok(sample_pixels(&decode::read(path, FileRole::Image, reading)?, VALUES));
    }
    let volume = volume::read(path, None)?;
    let slices = volume.grid.count(axis);
    let shown = slices.min(SLICES);
    let mut sample = ImageSample { values: Vec::new(), kind: "8-bit" };
    for i in 0..shown {
        let slice = sample_pixels(&volume.slice(axis, i * slices / shown, path)?, VALUES / shown);
        sample.values.extend(slice.values);
        sample.kind = slice.kind;
    }
    Ok(sample)
}

fn sample_pixels(pixels: &Pixels, most: usize) -> ImageSample {
    let n = pixels.values.len();
    let kept = n.min(most.max(1));
    let values = (0..kept).map(|i| pixels.values.at(i * n / kept)).collect();
    ImageSample { values, kind: pixels.values.kind() }
}

/// Returns height and width of a picture without decoding it, and the rule for its orientation tag if it has one. `of_mask` is the
/// size of its mask: a mask with the shape of the stored pixels was drawn on them.
pub(super) fn picture_size(
    path: &Path,
    of_mask: [usize; 2],
    reading: &DataSpec,
) -> Result<([usize; 2], Option<OrientationRule>)> {
    match decode::size(path, reading) {
        Ok(picture) => Ok((picture.size, None)),
        Err(error) if error.code == Code::E0718 => {
            let by = |rule| decode::size(path, &DataSpec { orientation: Some(rule), ..reading.clone() });
            let (applied, stored) = (by(OrientationRule::Apply)?.size, by(OrientationRule::Stored)?.size);
            match applied != of_mask && stored == of_mask {
                true => Ok((stored, Some(OrientationRule::Stored))),
                false => Ok((applied, Some(OrientationRule::Apply))),
            }
        }
        Err(error) => Err(error),
    }
}

/// Returns the axis across the slices of a volume: the one along which its voxels are clearly longest.
pub(super) fn guess_axis(grid: &VoxelGrid) -> SliceAxis {
    let axial = grid.slice_spacing(SliceAxis::Axial);
    let others = [SliceAxis::Coronal, SliceAxis::Sagittal];
    let longest = others.into_iter().max_by(|a, b| grid.slice_spacing(*a).total_cmp(&grid.slice_spacing(*b)));
    longest.filter(|axis| grid.slice_spacing(*axis) > 1.5 * axial).unwrap_or_default()
}

/// Returns the window of images that are not of 8 bits, and why.
pub(super) fn guess_window(samples: &[ImageSample]) -> Option<([f64; 2], DataGuess)> {
    let kinds: BTreeSet<&str> = samples.iter().map(|sample| sample.kind).collect();
    // Each of them is scaled by the range of its type.
    let unsigned = |kind: &&str| ["8-bit", "16-bit"].contains(kind);
    if kinds.is_empty() || kinds.contains("8-bit") && kinds.iter().all(unsigned) {
        return None;
    }
    let mut values: Vec<f64> = samples.iter().flat_map(|sample| sample.values.iter().copied()).collect();
    let signed = kinds.contains("16-bit") && hold_signed_values(&values);
    if signed {
        values.iter_mut().filter(|v| **v > 32_767.0).for_each(|v| *v -= 65_536.0);
    }
    values.sort_by(f64::total_cmp);
    let at = |share: f64| values[((values.len() - 1) as f64 * share).round() as usize];
    let ends = [at(0.0), at(1.0)];
    let [mut low, mut high] = [at(TAIL), at(1.0 - TAIL)];
    let mut why = format!("99 % of the values lie in it; all span {} to {}", ends[0], ends[1]);
    if low <= -500.0 && high > 0.0 {
        low = low.max(-1000.0);
        high = high.min(1000.0);
        why = format!("the values look like Hounsfield units of CT; all span {} to {}", ends[0], ends[1]);
    }
    if low >= high {
        [low, high] = ends;
    }
    if low >= high {
        high = low + 1.0;
    }
    Some((rounded([low, high]), DataGuess { key: "window", why }))
}

/// Checks whether values that are declared as unsigned are signed ones: some are just below 65536, and none in the middle.
fn hold_signed_values(values: &[f64]) -> bool {
    values.iter().any(|v| *v > 49_152.0) && !values.iter().any(|v| (16_384.0..=49_152.0).contains(v))
}

/// Rounds both ends outwards to two digits of the span.
fn rounded([low, high]: [f64; 2]) -> [f64; 2] {
    let decimals = 1.0 - (high - low).log10().floor();
    let scale = 10f64.powf(decimals);
    let digits = decimals.max(0.0) as usize;
    let plain = |value: f64| format!("{value:.digits$}").parse().unwrap_or(value);
    [plain((low * scale + 1e-6).floor() / scale), plain((high * scale - 1e-6).ceil() / scale)]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(kind: &'static str, values: impl Iterator<Item = f64>) -> Option<[f64; 2]> {
        guess_window(&[ImageSample { values: values.collect(), kind }]).map(|(window, _)| window)
    }

    #[test]
    fn windows_hold_nearly_all_values() {
        let ramp = |from: i32, to: i32| (from..=to).map(f64::from);
        assert_eq!(window("8-bit", ramp(0, 255)), None);
        assert_eq!(window("16-bit", ramp(0, 4095)), Some([0.0, 4100.0]));
        assert_eq!(window("signed 16-bit", ramp(-2048, 3000)), Some([-1000.0, 1000.0]));
        assert_eq!(window("32-bit float", (0..=1000).map(|i| f64::from(i) / 1000.0)), Some([0.0, 1.0]));
        assert_eq!(window("16-bit", ramp(7, 7)), Some([7.0, 8.0]));
        // Two's complement in unsigned samples.
        assert_eq!(window("16-bit", ramp(-1000, 400).map(|v| v.rem_euclid(65_536.0))), Some([-1000.0, 400.0]));
    }
}
