//! Grey masks: samples of fewer than 8 bits, and pixels of three equal channels.

use super::label_help;
use crate::base::count::counted;
use crate::base::error::{Result, RunError};
use crate::base::problem::problem;
use crate::data::pixels::Pixels;
use crate::text::config::{DataSpec, MaskRule};
use std::path::Path;

/// Checks whether the samples of a file of this depth count as stored: every label is a value that they can have. Otherwise the
/// values count that viewers show, from 0 to 255.
fn count_as_stored(bits: u32, spec: &DataSpec) -> bool {
    match spec.mask_rule {
        MaskRule::Exact | MaskRule::Threshold => spec.labels.iter().all(|&label| label < 1 << bits),
        MaskRule::ThresholdAt(_) | MaskRule::Colour | MaskRule::Alpha => false,
    }
}

/// Converts samples of fewer than 8 bits to the values that are compared with the labels.
pub(super) fn widen(pixels: &mut Pixels, spec: &DataSpec) {
    if let Some(bits) = pixels.bits
        && !count_as_stored(bits, spec)
    {
        pixels.values.spread(bits);
    }
}

/// Returns a sentence about a file of few bits whose values count as shown; `None` for other files.
pub(super) fn depth_help(pixels: &Pixels, spec: &DataSpec) -> Option<String> {
    let bits = pixels.bits.filter(|bits| !count_as_stored(*bits, spec))?;
    let last = (1u32 << bits) - 1;
    Some(format!(
        "the file has {} a pixel, and its value {last} counts as 255 because not all labels are at most {last}",
        counted(bits, "bit")
    ))
}

/// Grey values of pixels: the brightest channel of each. They are computed on demand, since a copy would need eight times the
/// memory of a mask of bytes.
pub(super) struct GreyValues<'a>(&'a Pixels);

impl GreyValues<'_> {
    pub(super) fn len(&self) -> usize {
        self.0.values.len() / self.0.channels
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = f64> {
        let (values, channels) = (&self.0.values, self.0.channels);
        (0..self.len()).map(move |i| match channels {
            1 => values.at(i),
            _ => values.at(3 * i).max(values.at(3 * i + 1)).max(values.at(3 * i + 2)),
        })
    }
}

/// Returns the grey value of each pixel. Channels may differ by at most `tolerance`.
pub(super) fn values<'a>(pixels: &'a Pixels, tolerance: f64, spec: &DataSpec, path: &Path) -> Result<GreyValues<'a>> {
    if let Some(i) = first_colour(pixels, tolerance) {
        let [r, g, b] = [0, 1, 2].map(|c| pixels.values.at(3 * i + c));
        let width = pixels.size[1];
        let error = problem!(
            E0713,
            path,
            "the mask is in colours: the pixel at x {}, y {} is ({r}, {g}, {b}) instead of a single value",
            i % width,
            i / width
        );
        let error = label_help::colour_help(spec, pixels).into_iter().fold(error, RunError::help);
        return Err(error.help("or store the class as a grey value, or as the index of a palette"));
    }
    Ok(GreyValues(pixels))
}

/// Returns the index of the first pixel whose channels differ by more than `tolerance`.
pub(super) fn first_colour(pixels: &Pixels, tolerance: f64) -> Option<usize> {
    if pixels.channels == 1 {
        return None;
    }
    (0..pixels.values.len() / 3).find(|i| {
        let [r, g, b] = [0, 1, 2].map(|c| pixels.values.at(3 * i + c));
        r.max(g).max(b) - r.min(g).min(b) > tolerance
    })
}

/// Returns the brightest channel of each pixel, of colours too.
pub(super) fn brightest(pixels: &Pixels) -> GreyValues<'_> {
    GreyValues(pixels)
}
