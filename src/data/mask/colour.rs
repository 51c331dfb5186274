//! Masks whose colours are labels.

use super::label_help::INTERPOLATED;
use super::unknown_label::{UnknownLabels, ignore_entry};
use crate::base::error::Result;
use crate::base::problem::problem;
use crate::data::pixels::{Pixels, SampleValues};
use crate::text::config::DataSpec;
use crate::text::config::case_rules::{IGNORED_CLASS, MaskLabel, colour_label, label_colour};
use std::collections::BTreeMap;
use std::path::Path;

/// Colours by which masks mostly mark pixels without a class: the void of PASCAL VOC, and white.
const VOID_COLOURS: [[u8; 3]; 2] = [[224, 224, 192], [255, 255, 255]];

/// Converts colours to classes; each colour must be a label exactly. A palette counts by its colours.
pub(super) fn classes(pixels: &Pixels, spec: &DataSpec, path: &Path) -> Result<Vec<u8>> {
    let SampleValues::U8(values) = &pixels.values else {
        return Err(problem!(
            E0713,
            path,
            "the mask has {} values, but the labels are 8-bit colours",
            pixels.values.kind();
            help: "save the mask with 8 bits per channel, or use `mask = exact`"
        ));
    };
    let [width, channels] = [pixels.size[1], pixels.channels];
    let palette = pixels.palette.as_deref();
    if let Some(beyond) = palette.and_then(|palette| values.iter().position(|&v| usize::from(v) >= palette.len())) {
        return Err(problem!(
            E0713,
            path,
            "the palette has no colour for the index {} of the pixel at x {}, y {}",
            values[beyond],
            beyond % width,
            beyond / width;
            help: "save the mask again with a complete palette"
        ));
    }
    let of_labels = spec.labels.iter().enumerate().filter_map(|(i, l)| Some((label_colour(*l)?, i as u8)));
    let of_ignored = spec.ignore.iter().filter_map(|value| Some((label_colour(*value)?, IGNORED_CLASS)));
    let table: BTreeMap<[u8; 3], u8> = of_labels.chain(of_ignored).collect();
    let mut unknown: UnknownLabels<[u8; 3], ([u8; 3], u8)> = UnknownLabels::new();
    let mut last = None;
    let indices = values
        .chunks_exact(channels)
        .enumerate()
        .map(|(i, pixel)| {
            let colour = match (palette, pixel) {
                (Some(palette), _) => palette[usize::from(pixel[0])],
                (None, [r, g, b]) => [*r, *g, *b],
                (None, _) => [pixel[0]; 3],
            };
            match last {
                // Neighbouring pixels mostly have the same colour.
                Some((before, class)) if before == colour => class,
                _ => match table.get(&colour) {
                    Some(&class) => {
                        last = Some((colour, class));
                        class
                    }
                    None => {
                        unknown.add(colour, (colour, pixel[0]), i);
                        0
                    }
                },
            }
        })
        .collect();
    let Some(first) = unknown.first() else { return Ok(indices) };
    let (colour, index) = first.value;
    let shown = match palette {
        Some(_) => format!("{} (palette index {index})", MaskLabel(colour_label(colour))),
        None => MaskLabel(colour_label(colour)).to_string(),
    };
    let error = first.error(path, "colour", &shown, width, spec);
    let distance = |c: &[u8; 3]| (0..3).map(|i| i32::from(c[i].abs_diff(colour[i])).pow(2)).sum::<i32>();
    let Some((near, class)) = table.iter().min_by_key(|(c, _)| distance(c)) else { return Err(error) };
    let near = MaskLabel(colour_label(*near));
    let class = match *class {
        IGNORED_CLASS => "ignored",
        class => spec.classes.get(usize::from(class)).map_or("", String::as_str),
    };
    let mut error = error.help(format!("the nearest label is {near} ({class})"));
    if let Some((colour, _)) = unknown.values().find(|(colour, _)| VOID_COLOURS.contains(colour)) {
        let colour = MaskLabel(colour_label(colour));
        let entry = ignore_entry(spec, &[colour.written()]);
        error = error.help(format!("if {colour} marks pixels without a class, write `{entry}`"));
    }
    Err(match first.others {
        9.. => error.help(INTERPOLATED),
        _ => error,
    })
}
