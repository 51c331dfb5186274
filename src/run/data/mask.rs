//! Mask pixels to class indices.

use super::decode::{Pixels, Values};
use crate::recipe::{DataSpec, MaskRule};
use crate::run::error::{Result, RunError};
use std::collections::BTreeMap;
use std::path::Path;

/// Share of pixels between the two ends past which a two-class mask is doubtful.
const DOUBTFUL: f64 = 0.1;
/// Difference between the channels of a pixel that compression does not explain.
const COLOURED: f64 = 64.0;

/// Class indices at the mask's own size, and what is doubtful about the file.
pub fn classes(pixels: &Pixels, spec: &DataSpec, path: &Path) -> Result<(Vec<u8>, Vec<String>)> {
    let mut warnings = pixels.warnings.clone();
    let indices = match spec.mask_rule {
        MaskRule::Threshold => {
            let values = brightest(pixels, path, &mut warnings);
            threshold(&values, pixels, spec, path, &mut warnings)?
        }
        MaskRule::Exact => exact(pixels, spec, path)?,
    };
    Ok((indices, warnings))
}

/// One value per pixel: the brightest channel, so that a mask drawn in any one colour on black counts.
fn brightest(pixels: &Pixels, path: &Path, warnings: &mut Vec<String>) -> Vec<f64> {
    let values = &pixels.values;
    if pixels.channels == 1 {
        return (0..values.len()).map(|i| values.at(i)).collect();
    }
    let mut coloured = false;
    let grey = (0..values.len() / 3)
        .map(|i| {
            let [r, g, b] = [0, 1, 2].map(|c| values.at(3 * i + c));
            let most = r.max(g).max(b);
            coloured |= most - r.min(g).min(b) > COLOURED;
            most
        })
        .collect();
    if coloured {
        warnings.push(format!("{}: a mask in colours; the brightest channel of each pixel counts", path.display()));
    }
    grey
}

fn threshold(
    values: &[f64],
    pixels: &Pixels,
    spec: &DataSpec,
    path: &Path,
    warnings: &mut Vec<String>,
) -> Result<Vec<u8>> {
    let &[first, second] = spec.labels.as_slice() else {
        return Err(RunError::new(format!(
            "data `{}` has {} labels; a threshold tells two classes apart",
            spec.name,
            spec.labels.len()
        ))
        .help("mask_rule = exact"));
    };
    let (below, above) = if first < second { (0, 1) } else { (1, 0) };
    let most = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    // Zeros and ones are a mask, unless lossy compression made the ones.
    let top = if most == 1.0 && !pixels.lossy { 1.0 } else { most.max(f64::from(first.max(second))) };
    let between = values.iter().filter(|&&v| v > top / 8.0 && v < top * 7.0 / 8.0).count();
    if between as f64 > DOUBTFUL * values.len() as f64 {
        warnings.push(format!(
            "{}: {:.0} % of the mask's pixels are neither near 0 nor near {top}; everything above {} became `{}`",
            path.display(),
            100.0 * between as f64 / values.len() as f64,
            top / 2.0,
            spec.classes.get(usize::from(above)).map_or("foreground", String::as_str),
        ));
    }
    Ok(values.iter().map(|&v| if 2.0 * v > top { above } else { below }).collect())
}

fn exact(pixels: &Pixels, spec: &DataSpec, path: &Path) -> Result<Vec<u8>> {
    let width = pixels.size[1];
    let values = &pixels.values;
    let channels = pixels.channels;
    if let Some(i) = (0..values.len() / channels)
        .find(|i| (1..channels).any(|c| values.at(i * channels) != values.at(i * channels + c)))
    {
        let [r, g, b] = [0, 1, 2].map(|c| values.at(3 * i + c));
        return Err(RunError::at(
            path,
            format!("is a mask in colours: pixel x {}, y {} is ({r}, {g}, {b}), not one value", i % width, i / width),
        )
        .help("store the class as a grey value, or as the index of a PNG palette"));
    }
    let index = |value: f64| spec.labels.iter().position(|&label| f64::from(label) == value);
    let area = values.len() / channels;
    let mut unknown: BTreeMap<u64, (f64, usize, usize)> = BTreeMap::new();
    let mut note = |value: f64, at: usize| {
        unknown.entry(value.to_bits()).or_insert((value, at, 0)).2 += 1;
        0
    };
    let indices = if let Values::U8(bytes) = values {
        let table: Vec<Option<usize>> = (0..=255u8).map(|v| index(f64::from(v))).collect();
        (0..area)
            .map(|i| {
                let v = bytes[i * channels];
                table[usize::from(v)].map_or_else(|| note(f64::from(v), i), |c| c as u8)
            })
            .collect()
    } else {
        (0..area)
            .map(|i| {
                let v = values.at(i * channels);
                index(v).map_or_else(|| note(v, i), |c| c as u8)
            })
            .collect()
    };
    // The value seen first in reading order is the one that is told in full.
    let Some(&(value, at, count)) = unknown.values().min_by_key(|(_, at, _)| *at) else { return Ok(indices) };
    let labels: Vec<String> =
        spec.labels.iter().zip(&spec.classes).map(|(label, class)| format!("{label} ({class})")).collect();
    let others = match unknown.len() - 1 {
        0 => String::new(),
        more => format!("; so do {more} other values"),
    };
    let mut error = RunError::at(
        path,
        format!(
            "mask value {value} stands for no class: {count} pixel{} of it, the first at x {}, y {}{others}",
            if count == 1 { "" } else { "s" },
            at % width,
            at / width,
        ),
    )
    .help(format!("the labels are {}", labels.join(", ")));
    if spec.labels.len() == 2 {
        error = error.help("mask_rule = threshold takes every value above half of the larger label as that class");
    }
    Err(error)
}
