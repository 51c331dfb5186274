//! Converts mask pixels to class indices.
//!
//! Every error about a value names the file, the value, the number of pixels with it, the first of them, and the labels.

use super::decode::{self, PaletteMode};
use super::notice::{FileNotice, FileRole, NoticeTopic};
use super::pixels::{Pixels, SampleValues};
use crate::base::error::{Result, RunError};
use crate::base::problem::problem;
use crate::text::config::case_rules::{IGNORED_CLASS, MaskLabel, colour_label, label_colour};
use crate::text::config::{DataSpec, MaskRule};
use std::collections::BTreeMap;
use std::fmt::Display;
use std::path::Path;

/// Share of intermediate values above which a two-class mask gets a warning.
const MAX_INTERMEDIATE_SHARE: f64 = 0.1;
/// Largest value of a mask that may hold class numbers.
const MAX_CLASS_NUMBER: f64 = 31.0;
/// Difference between the channels of a pixel that lossy compression does not explain.
const MAX_GREY_DIFFERENCE: f64 = 64.0;
/// Values by which masks of 8 and 16 bits mostly mark pixels without a class.
const VOID_VALUES: [f64; 2] = [255.0, 65535.0];
/// Colours by which masks mostly mark pixels without a class: the void of PASCAL VOC, and white.
const VOID_COLOURS: [[u8; 3]; 2] = [[224, 224, 192], [255, 255, 255]];

/// Reads a mask file at its own size: class indices, height and width, and warnings.
pub fn load_mask(spec: &DataSpec, path: &Path) -> Result<(Vec<u8>, [usize; 2], Vec<FileNotice>)> {
    let palette = match spec.mask_rule {
        MaskRule::Threshold | MaskRule::Colour => PaletteMode::Colours,
        MaskRule::Exact => PaletteMode::Indices,
    };
    let pixels = decode::read(path, palette)?;
    let (indices, warnings) = classes(&pixels, spec, path)?;
    Ok((indices, pixels.size, warnings))
}

/// Converts pixels to class indices at the mask's own size, and returns warnings about the file.
pub(super) fn classes(pixels: &Pixels, spec: &DataSpec, path: &Path) -> Result<(Vec<u8>, Vec<FileNotice>)> {
    if let (true, Some(value)) = (pixels.lossy, spec.ignore.first()) {
        return Err(problem!(
            E0713,
            path,
            "the file is compressed with loss, so its pixels of the ignored value {} cannot be told from others",
            MaskLabel(*value);
            help: "store masks as PNG, TIFF or NIfTI"
        ));
    }
    let mut warnings = pixels.warnings.clone();
    let indices = match spec.mask_rule {
        MaskRule::Threshold => {
            let ignored = ignored_pixels(pixels, spec);
            let mut values = brightest(pixels, path, &mut warnings);
            // The rule must not judge them, and 0 is no reason for a warning.
            ignored.iter().for_each(|&i| values[i] = 0.0);
            let mut indices = threshold(&values, pixels, spec, path, &mut warnings)?;
            ignored.iter().for_each(|&i| indices[i] = IGNORED_CLASS);
            indices
        }
        MaskRule::Exact => exact(pixels, spec, path)?,
        MaskRule::Colour => colours(pixels, spec, path)?,
    };
    Ok((indices, warnings))
}

/// Returns the places of pixels whose channels all have one ignored value.
fn ignored_pixels(pixels: &Pixels, spec: &DataSpec) -> Vec<usize> {
    if spec.ignore.is_empty() {
        return Vec::new();
    }
    let (values, channels) = (&pixels.values, pixels.channels);
    let is_ignored = |i: &usize| {
        let value = values.at(i * channels);
        let one_value = (1..channels).all(|c| values.at(i * channels + c) == value);
        one_value && spec.ignore.iter().any(|&ignored| f64::from(ignored) == value)
    };
    (0..values.len() / channels).filter(is_ignored).collect()
}

/// Returns the class of a grey value, or [`IGNORED_CLASS`]; `None` if the value is neither a label nor ignored.
fn class_of_value(spec: &DataSpec, value: f64) -> Option<u8> {
    let is_value = |label: &u32| f64::from(*label) == value;
    let class = spec.labels.iter().position(is_value).map(|class| class as u8);
    class.or_else(|| spec.ignore.iter().any(is_value).then_some(IGNORED_CLASS))
}

/// Returns the brightest channel of each pixel, so that a mask drawn in any colour on black is accepted.
fn brightest(pixels: &Pixels, path: &Path, warnings: &mut Vec<FileNotice>) -> Vec<f64> {
    let values = &pixels.values;
    if pixels.channels == 1 {
        return (0..values.len()).map(|i| values.at(i)).collect();
    }
    let mut coloured = false;
    let grey = (0..values.len() / 3)
        .map(|i| {
            let [r, g, b] = [0, 1, 2].map(|c| values.at(3 * i + c));
            let most = r.max(g).max(b);
            coloured |= most - r.min(g).min(b) > MAX_GREY_DIFFERENCE;
            most
        })
        .collect();
    if coloured {
        let text = "the mask is in colours; the brightest channel of each pixel is used";
        warnings.push(FileNotice::new(NoticeTopic::MaskColours, FileRole::Mask, path, text));
    }
    grey
}

fn threshold(
    values: &[f64],
    pixels: &Pixels,
    spec: &DataSpec,
    path: &Path,
    warnings: &mut Vec<FileNotice>,
) -> Result<Vec<u8>> {
    let &[first, second] = spec.labels.as_slice() else {
        return Err(problem!(
            E0716,
            "data `{}` has {} labels, but a threshold separates only two classes",
            spec.name,
            spec.labels.len();
            help: "mask = exact"
        ));
    };
    let (below, above) = if first < second { (0, 1) } else { (1, 0) };
    let most = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    // Values 0 and 1 form a mask, unless lossy compression made the ones.
    let top = if most == 1.0 && !pixels.lossy { 1.0 } else { most.max(f64::from(first.max(second))) };
    let between = values.iter().filter(|&&v| v > top / 8.0 && v < top * 7.0 / 8.0).count();
    if between as f64 > MAX_INTERMEDIATE_SHARE * values.len() as f64 {
        let text = format!(
            "{:.0} % of the mask's pixels are neither near 0 nor near {top}; values above {} become class `{}`",
            100.0 * between as f64 / values.len() as f64,
            top / 2.0,
            spec.classes.get(usize::from(above)).map_or("foreground", String::as_str),
        );
        warnings.push(FileNotice::new(NoticeTopic::MaskValues, FileRole::Mask, path, text));
    }
    if !pixels.lossy && most > 1.0 && most <= MAX_CLASS_NUMBER && top > most {
        let text = format!(
            "the largest value of the mask is {most}, and values up to {} become class `{}`; if the values are class \
             numbers, use mask = exact and labels = [0, 1, ..]",
            top / 2.0,
            spec.classes.get(usize::from(below)).map_or("background", String::as_str),
        );
        warnings.push(FileNotice::new(NoticeTopic::ClassNumbers, FileRole::Mask, path, text));
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
        return Err(problem!(
            E0713,
            path,
            "the mask is in colours: the pixel at x {}, y {} is ({r}, {g}, {b}) instead of a single value",
            i % width,
            i / width;
            help: "store the class as a grey value, or as the index of a PNG palette";
            help: "or use the colours as labels: labels = [\"#000000\", \"#ff0000\"]"
        ));
    }
    let area = values.len() / channels;
    let mut unknown: UnknownLabels<u64, f64> = BTreeMap::new();
    let mut note = |value: f64, at: usize| {
        unknown.entry(value.to_bits()).or_insert((value, at, 0)).2 += 1;
        0
    };
    let indices = if let SampleValues::U8(bytes) = values {
        let table: Vec<Option<u8>> = (0..=255u8).map(|v| class_of_value(spec, f64::from(v))).collect();
        (0..area)
            .map(|i| {
                let v = bytes[i * channels];
                table[usize::from(v)].unwrap_or_else(|| note(f64::from(v), i))
            })
            .collect()
    } else {
        (0..area)
            .map(|i| {
                let v = values.at(i * channels);
                class_of_value(spec, v).unwrap_or_else(|| note(v, i))
            })
            .collect()
    };
    let Some(first) = first_unknown(&unknown) else { return Ok(indices) };
    let mut error = first.error(path, "value", &first.value, width, spec);
    if let Some((value, ..)) = unknown.values().find(|(value, ..)| VOID_VALUES.contains(value)) {
        error = error.help(format!("if {value} marks pixels without a class, write `{}`", ignore_entry(spec, &value)));
    } else if spec.labels.len() == 2 {
        error = error.help("with `mask = threshold` every value above half of the larger label becomes that class");
    } else if pixels.lossy {
        error = error.help("JPEG compression changes pixel values; store masks as PNG");
    }
    Err(error)
}

/// Returns the entry of the data block that ignores one more value; `value` is written as in the language.
fn ignore_entry(spec: &DataSpec, value: &dyn Display) -> String {
    let written = |label: &u32| match label_colour(*label) {
        Some(_) => format!("\"{}\"", MaskLabel(*label)),
        None => label.to_string(),
    };
    let before: Vec<String> = spec.ignore.iter().map(written).collect();
    match before.is_empty() {
        true => format!("ignore = {value}"),
        false => format!("ignore = [{}, {value}]", before.join(", ")),
    }
}

/// Values or colours without a class: the value, the index of its first pixel, and its number of pixels.
type UnknownLabels<K, V> = BTreeMap<K, (V, usize, usize)>;

/// A value or colour of a mask that is not a label.
struct UnknownLabel<V> {
    value: V,
    /// Index of its first pixel.
    at: usize,
    /// Number of pixels with this value.
    count: usize,
    /// Number of other unknown values.
    others: usize,
}

/// Returns the unknown value that comes first in reading order; the message gives its details.
fn first_unknown<K: Ord, V: Copy>(unknown: &UnknownLabels<K, V>) -> Option<UnknownLabel<V>> {
    let &(value, at, count) = unknown.values().min_by_key(|(_, at, _)| *at)?;
    Some(UnknownLabel { value, at, count, others: unknown.len() - 1 })
}

impl<V> UnknownLabel<V> {
    fn error(&self, path: &Path, what: &str, shown: &dyn Display, width: usize, spec: &DataSpec) -> RunError {
        let others = match self.others {
            0 => String::new(),
            1 => format!("; 1 other {what} is not a label either"),
            more => format!("; {more} other {what}s are not labels either"),
        };
        let (s, x, y) = (if self.count == 1 { "" } else { "s" }, self.at % width, self.at / width);
        let labels: Vec<String> =
            spec.labels.iter().zip(&spec.classes).map(|(l, class)| format!("{} ({class})", MaskLabel(*l))).collect();
        let ignored: Vec<String> = spec.ignore.iter().map(|value| MaskLabel(*value).to_string()).collect();
        let ignored = if ignored.is_empty() { String::new() } else { format!("; ignored: {}", ignored.join(", ")) };
        let count = self.count;
        problem!(
            E0713,
            path,
            "mask {what} {shown} is not the label of any class: {count} pixel{s}, the first at x {x}, y {y}{others}";
            help: "the labels are {}{ignored}", labels.join(", ")
        )
    }
}

/// Converts colours to classes; each colour must be a label exactly.
fn colours(pixels: &Pixels, spec: &DataSpec, path: &Path) -> Result<Vec<u8>> {
    let values = match &pixels.values {
        SampleValues::U8(values) => values,
        SampleValues::U16(_) | SampleValues::I16(_) | SampleValues::Wide(..) => {
            return Err(problem!(
                E0713,
                path,
                "the mask has more than 8 bits per channel, but the labels are 8-bit colours";
                help: "save the mask with 8 bits per channel, or use `mask = exact`"
            ));
        }
    };
    let [width, channels] = [pixels.size[1], pixels.channels];
    let of_labels = spec.labels.iter().enumerate().filter_map(|(i, l)| Some((label_colour(*l)?, i as u8)));
    let of_ignored = spec.ignore.iter().filter_map(|value| Some((label_colour(*value)?, IGNORED_CLASS)));
    let table: BTreeMap<[u8; 3], u8> = of_labels.chain(of_ignored).collect();
    let mut unknown: UnknownLabels<[u8; 3], [u8; 3]> = BTreeMap::new();
    let mut last = None;
    let indices = values
        .chunks_exact(channels)
        .enumerate()
        .map(|(i, pixel)| {
            let colour = if channels == 3 { [pixel[0], pixel[1], pixel[2]] } else { [pixel[0]; 3] };
            match last {
                // Neighbouring pixels mostly have the same colour.
                Some((before, class)) if before == colour => class,
                _ => match table.get(&colour) {
                    Some(&class) => {
                        last = Some((colour, class));
                        class
                    }
                    None => {
                        unknown.entry(colour).or_insert((colour, i, 0)).2 += 1;
                        0
                    }
                },
            }
        })
        .collect();
    let Some(first) = first_unknown(&unknown) else { return Ok(indices) };
    let error = first.error(path, "colour", &MaskLabel(colour_label(first.value)), width, spec);
    let distance = |c: &[u8; 3]| (0..3).map(|i| i32::from(c[i].abs_diff(first.value[i])).pow(2)).sum::<i32>();
    let Some((near, class)) = table.iter().min_by_key(|(c, _)| distance(c)) else { return Err(error) };
    let near = MaskLabel(colour_label(*near));
    let class = match *class {
        IGNORED_CLASS => "ignored",
        class => spec.classes.get(usize::from(class)).map_or("", String::as_str),
    };
    let mut error = error.help(format!("the nearest label is {near} ({class})"));
    if let Some((colour, ..)) = unknown.values().find(|(colour, ..)| VOID_COLOURS.contains(colour)) {
        let colour = MaskLabel(colour_label(*colour));
        let entry = ignore_entry(spec, &format!("\"{colour}\""));
        error = error.help(format!("if {colour} marks pixels without a class, write `{entry}`"));
    }
    Err(match pixels.lossy {
        true => error.help("JPEG compression changes pixel values; store masks as PNG"),
        false if first.others > 8 => {
            error.help("the mask may have been resized with interpolation; resize masks by nearest neighbour")
        }
        false => error,
    })
}
