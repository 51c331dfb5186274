//! Masks in lossy formats. The format decides, not the values: whether compression has changed a pixel cannot be seen.

use crate::base::error::Result;
use crate::base::problem::problem;
use crate::text::config::case_rules::MaskLabel;
use crate::text::config::{DataSpec, MaskRule};
use std::path::Path;

/// Distance of a threshold from both labels that lossy compression does not bridge.
const LOSSY_MARGIN: u32 = 32;

/// Checks that the rule distinguishes the classes of a file with this lossy compression.
pub(super) fn check_rule(compression: &str, spec: &DataSpec, path: &Path) -> Result<()> {
    if let Some(value) = spec.ignore.first() {
        return Err(problem!(
            E0713,
            path,
            "{compression} compression changes pixel values, so the ignored value {} does not stay apart from others",
            MaskLabel(*value);
            help: "store masks as PNG, TIFF or NIfTI"
        ));
    }
    match spec.mask_rule {
        MaskRule::Exact => {
            let error = problem!(
                E0713,
                path,
                "{compression} compression changes pixel values, so a mask in it has no exact labels"
            );
            Err(match spec.labels[..] {
                [a, b] if a.abs_diff(b) >= 2 * LOSSY_MARGIN => error.help(format!(
                    "write `mask = threshold`: values nearer to {b} than to {a} become class `{}`",
                    spec.classes.get(1).map_or("", String::as_str)
                )),
                _ => error.help("store masks as PNG, TIFF or NIfTI, made from the original and not from this file"),
            })
        }
        MaskRule::Colour => Err(problem!(
            E0713,
            path,
            "{compression} compression changes pixel values, so a mask in it has no exact colours";
            help: "store masks as PNG, made from the original and not from this file"
        )),
        MaskRule::Threshold => match spec.labels[..] {
            [a, b] if a.abs_diff(b) < 2 * LOSSY_MARGIN => Err(problem!(
                E0713,
                path,
                "{compression} compression changes pixel values, and the labels {a} and {b} are nearer than {}",
                2 * LOSSY_MARGIN;
                help: "store masks as PNG, TIFF or NIfTI, made from the original and not from this file"
            )),
            _ => Ok(()),
        },
        MaskRule::ThresholdAt(value) if !(LOSSY_MARGIN..=255 - LOSSY_MARGIN).contains(&value) => Err(problem!(
            E0713,
            path,
            "{compression} compression changes pixel values, and the threshold {value} is nearer than {LOSSY_MARGIN} to black or white";
            help: "choose a threshold between {LOSSY_MARGIN} and {}, or store masks as PNG", 255 - LOSSY_MARGIN
        )),
        // Alpha is stored apart from the colours, and half of it is far from both ends.
        MaskRule::ThresholdAt(_) | MaskRule::Alpha => Ok(()),
    }
}
