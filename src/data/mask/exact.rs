//! Masks whose values are labels: grey values, or the indices of a palette.

use super::grey;
use super::label_help;
use super::label_lookup::class_of_value;
use super::unknown_label::{UnknownLabel, UnknownLabels};
use crate::base::count::counted;
use crate::base::error::{Result, RunError};
use crate::data::notice::{FileNotice, FileRole, NoticeTopic};
use crate::data::palette_colours::colours_in_use;
use crate::data::pixels::{Pixels, SampleValues};
use crate::text::config::DataSpec;
use crate::text::config::case_rules::{MaskLabel, colour_label};
use std::path::Path;

/// Converts values to classes; each value must be a label exactly.
pub(super) fn classes(
    pixels: &Pixels,
    spec: &DataSpec,
    path: &Path,
    warnings: &mut Vec<FileNotice>,
) -> Result<Vec<u8>> {
    let mut unknown: UnknownLabels<u64, f64> = UnknownLabels::new();
    let mut note = |value: f64, at: usize| {
        unknown.add(value.to_bits(), value, at);
        0
    };
    let indices = match &pixels.values {
        SampleValues::U8(bytes) if pixels.channels == 1 => {
            let table: Vec<Option<u8>> = (0..=255u8).map(|v| class_of_value(spec, f64::from(v))).collect();
            let class = |(i, &v): (usize, &u8)| table[usize::from(v)].unwrap_or_else(|| note(f64::from(v), i));
            bytes.iter().enumerate().map(class).collect()
        }
        _ => {
            let values = grey::values(pixels, 0.0, spec, path)?;
            let class = |(i, v): (usize, f64)| class_of_value(spec, v).unwrap_or_else(|| note(v, i));
            values.iter().enumerate().map(class).collect()
        }
    };
    match unknown.first() {
        None => {
            let notice = |(topic, text)| FileNotice::new(topic, FileRole::Mask, path, text);
            let reversed = reversed_palette(pixels, spec).map(|text| (NoticeTopic::MaskColours, text));
            warnings.extend(reversed.map(notice));
            if let (Some(palette), SampleValues::U8(indices)) = (&pixels.palette, &pixels.values) {
                warnings.extend(colours_in_use(indices, palette).into_iter().map(notice));
            }
            Ok(indices)
        }
        Some(first) => Err(error(&first, &unknown, pixels, spec, path)),
    }
}

/// Returns a notice if viewers show the class with the smaller index as white and the other as black.
fn reversed_palette(pixels: &Pixels, spec: &DataSpec) -> Option<String> {
    let palette = pixels.palette.as_ref()?;
    let &[a, b] = spec.labels.as_slice() else { return None };
    let grey = |label: u32| palette.get(label as usize).filter(|[r, g, b]| r == g && g == b).map(|colour| colour[0]);
    let (low, high) = (a.min(b), a.max(b));
    (grey(low)? > grey(high)?).then(|| {
        let class = spec.classes.get(usize::from(low != a)).map_or("", String::as_str);
        let shown = MaskLabel(colour_label(palette[low as usize]));
        format!(
            "index {low} of the palette (class `{class}`) is {shown}, brighter than index {high}; the indices count"
        )
    })
}

fn error(
    first: &UnknownLabel<f64>,
    unknown: &UnknownLabels<u64, f64>,
    pixels: &Pixels,
    spec: &DataSpec,
    path: &Path,
) -> RunError {
    let width = pixels.size[1];
    if let Some(palette) = &pixels.palette {
        let shown = match palette.get(first.value as usize) {
            Some(colour) => format!("{} (colour {})", first.value, MaskLabel(colour_label(*colour))),
            None => format!("{} (beyond the {})", first.value, counted(palette.len(), "colour")),
        };
        let error = first.error(path, "palette index", &shown, width, spec);
        return label_help::palette_help(spec, unknown, pixels, palette).into_iter().fold(error, RunError::help);
    }
    let error = first.error(path, "value", &first.value, width, spec);
    let has = |label: u32| grey::brightest(pixels).iter().any(|value| value == f64::from(label));
    match grey::depth_help(pixels, spec).or_else(|| label_help::value_help(spec, unknown, &has)) {
        Some(help) => error.help(help),
        None => error,
    }
}
