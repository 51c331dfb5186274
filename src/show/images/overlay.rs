//! Draws predictions over their image for visual inspection.
//!
//! This module works on class maps and pixels and does not depend on tensors.

use crate::base::error::Result;
use crate::base::problem::problem;
use crate::text::config::case_rules::IGNORED_CLASS;

/// Colours of the foreground classes in turn, which most colour-blind people can distinguish (Okabe and Ito).
const CLASS_COLOURS: [[u8; 3]; 8] = [
    [0, 200, 140],
    [230, 159, 0],
    [86, 180, 233],
    [240, 228, 66],
    [213, 94, 0],
    [204, 121, 167],
    [0, 114, 178],
    [255, 255, 255],
];
pub const AGREED: [u8; 3] = [40, 200, 70];
pub const FALSE_POSITIVE: [u8; 3] = [235, 45, 45];
pub const FALSE_NEGATIVE: [u8; 3] = [50, 110, 255];
/// Pixels of one foreground class that are predicted as another.
pub(crate) const CONFUSED: [u8; 3] = [255, 170, 0];
pub(crate) const TRUTH_LINE: [u8; 3] = [255, 255, 255];
/// Stripes over ignored pixels.
pub const IGNORED_STRIPE: [u8; 3] = [150, 150, 150];

/// Draws a prediction over an image (`rgb`, height x width x 3).
///
/// Without ground truth each foreground class is tinted in its colour and outlined. With ground truth the tint is green
/// where both agree on a foreground class, red where only the prediction has one, blue where only the ground truth has one,
/// and orange where they have different ones. The outline of the prediction has the same colours, and the outline of the
/// ground truth is a thin white line. Ignored pixels have grey stripes and nothing else.
pub fn overlay(rgb: &[u8], size: [usize; 2], pred: &[u8], truth: Option<&[u8]>) -> Result<Vec<u8>> {
    let [height, width] = size;
    let area = height * width;
    if rgb.len() != 3 * area || pred.len() != area || truth.is_some_and(|t| t.len() != area) {
        return Err(problem!(
            E0712,
            "image, prediction and ground truth of an overlay are not all {width} x {height} pixels"
        ));
    }
    // Two pixels at an image size of 512, and in proportion at other sizes.
    let line = ((height.min(width) as f64 / 256.0).round() as usize).max(1);
    let mut picture = rgb.to_vec();
    for i in 0..area {
        let (p, t) = (pred[i], truth.map(|t| t[i]));
        if t.unwrap_or(p) == IGNORED_CLASS {
            hatch(&mut picture, i, width, line);
            continue;
        }
        let (colour, strength) = match (p, t) {
            (0, None | Some(0)) => continue,
            (p, None) => (CLASS_COLOURS[(usize::from(p) - 1) % CLASS_COLOURS.len()], 0.28),
            (0, Some(_)) => (FALSE_NEGATIVE, 0.5),
            (_, Some(0)) => (FALSE_POSITIVE, 0.5),
            (p, Some(t)) if p == t => (AGREED, 0.22),
            (_, Some(_)) => (CONFUSED, 0.5),
        };
        let strength = if is_edge(pred, size, i, line) { 0.95 } else { strength };
        tint(&mut picture[3 * i..3 * i + 3], colour, strength);
    }
    if let Some(truth) = truth {
        let thin = line.div_ceil(2);
        for i in (0..area).filter(|&i| is_edge(truth, size, i, thin)) {
            tint(&mut picture[3 * i..3 * i + 3], TRUTH_LINE, 0.85);
        }
    }
    Ok(picture)
}

/// Draws a pixel of the grey stripes over ignored pixels.
fn hatch(picture: &mut [u8], i: usize, width: usize, line: usize) {
    if (i % width + i / width) % (4 * line + 2) < line + 1 {
        tint(&mut picture[3 * i..3 * i + 3], IGNORED_STRIPE, 0.8);
    }
}

/// Returns the names of foreground classes with their colours, for a legend.
pub(crate) fn class_legend(classes: &[String]) -> Vec<(&str, [u8; 3])> {
    classes.iter().enumerate().skip(1).map(|(class, name)| (name.as_str(), class_colour(class))).collect()
}

/// Returns the colour of a foreground class (from 1).
pub(crate) fn class_colour(class: usize) -> [u8; 3] {
    CLASS_COLOURS[class.saturating_sub(1) % CLASS_COLOURS.len()]
}

/// Draws the outline of each foreground class over an image (`rgb`, height x width x 3) without a tint, and stripes over ignored
/// pixels.
pub(crate) fn outlined(rgb: &[u8], size: [usize; 2], mask: &[u8]) -> Result<Vec<u8>> {
    let [height, width] = size;
    if rgb.len() != 3 * height * width || mask.len() != height * width {
        return Err(problem!(E0712, "an image and its mask are not both {width} x {height} pixels"));
    }
    let line = ((height.min(width) as f64 / 256.0).round() as usize).max(1);
    let mut picture = rgb.to_vec();
    for (i, &class) in mask.iter().enumerate() {
        if class == IGNORED_CLASS {
            hatch(&mut picture, i, width, line);
        } else if is_edge(mask, size, i, line) {
            tint(&mut picture[3 * i..3 * i + 3], class_colour(usize::from(class)), 0.95);
        }
    }
    Ok(picture)
}

/// Blends a colour over a pixel; `strength` is 0 to 1.
fn tint(pixel: &mut [u8], colour: [u8; 3], strength: f32) {
    for (value, wanted) in pixel.iter_mut().zip(colour) {
        *value = (f32::from(*value) * (1.0 - strength) + f32::from(wanted) * strength).round() as u8;
    }
}

/// Checks whether a foreground pixel lies within `line` pixels of another class. The border of the picture is not an edge.
fn is_edge(map: &[u8], [height, width]: [usize; 2], i: usize, line: usize) -> bool {
    let class = map[i];
    let (x, y) = (i % width, i / width);
    class != 0
        && class != IGNORED_CLASS
        && (1..=line).any(|d| {
            (x >= d && map[i - d] != class)
                || (x + d < width && map[i + d] != class)
                || (y >= d && map[i - d * width] != class)
                || (y + d < height && map[i + d * width] != class)
        })
}
