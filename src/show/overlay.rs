//! Predictions as pictures: back to the size of the file, as a mask in the labels of the data block, and drawn over the
//! image for a person to judge.
//!
//! Knows class maps and pixels, no tensors.

use crate::base::atomic::write_atomic;
use crate::base::error::{Result, RunError};
use crate::data::resize;
use crate::text::recipe::cases::label_colour;
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{ExtendedColorType, ImageEncoder};
use std::path::Path;

/// Colours of the foreground classes in turn, told apart by most colour-blind people (Okabe and Ito).
const CLASSES: [[u8; 3]; 8] = [
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
/// One class for another.
pub const CONFUSED: [u8; 3] = [255, 170, 0];
pub const TRUTH_LINE: [u8; 3] = [255, 255, 255];

/// A class map at another size, by nearest neighbour. Where scores are at hand, [`restore_scores`] draws smoother
/// outlines.
pub fn restore(mask: &[u8], from: [usize; 2], to: [usize; 2]) -> Vec<u8> {
    resize::nearest(mask, from, to)
}

/// Scores (`k` x height x width, logits or probabilities) resized bilinearly, then the class with the highest; of equal
/// ones the first. NaN never wins.
pub fn restore_scores(scores: &[f32], k: usize, from: [usize; 2], to: [usize; 2]) -> Vec<u8> {
    debug_assert_eq!(scores.len(), k * from[0] * from[1]);
    let mut best = vec![f32::NEG_INFINITY; to[0] * to[1]];
    let mut class = vec![0; to[0] * to[1]];
    for (index, plane) in scores.chunks_exact(from[0] * from[1]).enumerate().take(k) {
        for ((value, best), class) in resize::plane(plane, from, to).into_iter().zip(&mut best).zip(&mut class) {
            if value > *best {
                *best = value;
                *class = index as u8;
            }
        }
    }
    class
}

/// Draws a prediction over an image (`rgb`, height x width x 3).
///
/// Without truth each foreground class is tinted in its colour and outlined. With truth: green where both agree on a
/// foreground class, red where only the prediction has one, blue where only the truth has one, orange where they name
/// different ones; the outline of the prediction in the same colours, that of the truth as a thin white line.
pub fn overlay(rgb: &[u8], size: [usize; 2], pred: &[u8], truth: Option<&[u8]>) -> Result<Vec<u8>> {
    let [height, width] = size;
    let area = height * width;
    if rgb.len() != 3 * area || pred.len() != area || truth.is_some_and(|t| t.len() != area) {
        return Err(RunError::new(format!(
            "image, prediction and truth of an overlay are not all {width} x {height} pixels"
        )));
    }
    // Two pixels at 512, as thick to the eye at any size.
    let line = ((height.min(width) as f64 / 256.0).round() as usize).max(1);
    let mut picture = rgb.to_vec();
    for i in 0..area {
        let (p, t) = (pred[i], truth.map(|t| t[i]));
        let (colour, strength) = match (p, t) {
            (0, None | Some(0)) => continue,
            (p, None) => (CLASSES[(usize::from(p) - 1) % CLASSES.len()], 0.28),
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

/// The colour of a foreground class (from 1).
pub fn class_colour(class: usize) -> [u8; 3] {
    CLASSES[class.saturating_sub(1) % CLASSES.len()]
}

/// Draws the outline of each foreground class over an image (`rgb`, height x width x 3), and leaves what is inside as it is.
pub fn outlined(rgb: &[u8], size: [usize; 2], mask: &[u8]) -> Result<Vec<u8>> {
    let [height, width] = size;
    if rgb.len() != 3 * height * width || mask.len() != height * width {
        return Err(RunError::new(format!("an image and its mask are not both {width} x {height} pixels")));
    }
    let line = ((height.min(width) as f64 / 256.0).round() as usize).max(1);
    let mut picture = rgb.to_vec();
    for i in (0..mask.len()).filter(|&i| is_edge(mask, size, i, line)) {
        tint(&mut picture[3 * i..3 * i + 3], class_colour(usize::from(mask[i])), 0.95);
    }
    Ok(picture)
}

fn tint(pixel: &mut [u8], colour: [u8; 3], strength: f32) {
    for (value, wanted) in pixel.iter_mut().zip(colour) {
        *value = (f32::from(*value) * (1.0 - strength) + f32::from(wanted) * strength).round() as u8;
    }
}

/// Whether a foreground pixel lies within `line` pixels of another class. The border of the picture is no edge.
fn is_edge(map: &[u8], [height, width]: [usize; 2], i: usize, line: usize) -> bool {
    let class = map[i];
    let (x, y) = (i % width, i / width);
    class != 0
        && (1..=line).any(|d| {
            (x >= d && map[i - d] != class)
                || (x + d < width && map[i + d] != class)
                || (y >= d && map[i - d * width] != class)
                || (y + d < height && map[i + d * width] != class)
        })
}

/// Pictures side by side, `columns` in a row, each pixel `scale` wide, with a white gap between. All have the size of the
/// first; one of another size is left white. Gives height x width x 3 and that size.
pub fn sheet(pictures: &[(Vec<u8>, [usize; 2])], columns: usize, scale: usize) -> (Vec<u8>, [usize; 2]) {
    const GAP: usize = 4;
    let Some((_, first)) = pictures.first() else { return (Vec::new(), [0, 0]) };
    let [h, w] = first.map(|n| n * scale);
    let columns = columns.clamp(1, pictures.len());
    let rows = pictures.len().div_ceil(columns);
    let size = [rows * (h + GAP) - GAP, columns * (w + GAP) - GAP];
    let mut rgb = vec![255; size[0] * size[1] * 3];
    for (i, (picture, _)) in pictures.iter().enumerate().filter(|(_, (_, s))| s == first) {
        let (top, left) = (i / columns * (h + GAP), i % columns * (w + GAP));
        for (y, x) in (0..h).flat_map(|y| (0..w).map(move |x| (y, x))) {
            let from = (y / scale * first[1] + x / scale) * 3;
            let to = ((top + y) * size[1] + left + x) * 3;
            rgb[to..to + 3].copy_from_slice(&picture[from..from + 3]);
        }
    }
    (rgb, size)
}

/// Writes an RGB picture (height x width x 3) as PNG, complete or not at all.
pub fn write_png_atomic(path: &Path, rgb: &[u8], size: [usize; 2]) -> Result<()> {
    encode(path, rgb, size, ExtendedColorType::Rgb8, 3)
}

/// The bytes of an RGB picture (height x width x 3) as PNG, as small as it gets: it may be embedded in a page.
pub fn png(rgb: &[u8], [height, width]: [usize; 2]) -> Result<Vec<u8>> {
    let mut file = Vec::new();
    PngEncoder::new_with_quality(&mut file, CompressionType::Best, FilterType::Adaptive)
        .write_image(rgb, width as u32, height as u32, ExtendedColorType::Rgb8)
        .map_err(|e| RunError::new(format!("a picture cannot be written as PNG: {e}")))?;
    Ok(file)
}

/// Writes a plane of 16-bit values as a grey PNG.
pub fn write_grey16_atomic(path: &Path, values: &[u16], size: [usize; 2]) -> Result<()> {
    // The encoder takes 16-bit samples in the machine's order.
    let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_ne_bytes()).collect();
    encode(path, &bytes, size, ExtendedColorType::L16, 2)
}

/// Writes a class map as a PNG in the labels of the data block: in colours where they are, else grey with 8 bits, or 16
/// where a label is above 255.
pub fn write_mask_atomic(path: &Path, classes: &[u8], size: [usize; 2], labels: &[u32]) -> Result<()> {
    if let Some(bad) = classes.iter().find(|&&c| usize::from(c) >= labels.len()) {
        return Err(RunError::at(path, format!("class {bad} has no label; there are {}", labels.len())));
    }
    let colours: Option<Vec<[u8; 3]>> = labels.iter().map(|l| label_colour(*l)).collect();
    if let Some(colours) = colours {
        let rgb: Vec<u8> = classes.iter().flat_map(|&c| colours[usize::from(c)]).collect();
        return write_png_atomic(path, &rgb, size);
    }
    let most = labels.iter().copied().max().unwrap_or(0);
    if most > u32::from(u16::MAX) {
        return Err(RunError::at(path, format!("the label {most} does not fit into the 16 bits of a PNG")));
    }
    if most <= u32::from(u8::MAX) {
        let bytes: Vec<u8> = classes.iter().map(|&c| labels[usize::from(c)] as u8).collect();
        encode(path, &bytes, size, ExtendedColorType::L8, 1)
    } else {
        // The encoder takes 16-bit samples in the machine's order.
        let bytes: Vec<u8> = classes.iter().flat_map(|&c| (labels[usize::from(c)] as u16).to_ne_bytes()).collect();
        encode(path, &bytes, size, ExtendedColorType::L16, 2)
    }
}

fn encode(
    path: &Path,
    bytes: &[u8],
    [height, width]: [usize; 2],
    color: ExtendedColorType,
    per_pixel: usize,
) -> Result<()> {
    if bytes.len() != height * width * per_pixel {
        return Err(RunError::at(path, format!("what is to be written is not {width} x {height} pixels")));
    }
    let mut file = Vec::new();
    PngEncoder::new(&mut file)
        .write_image(bytes, width as u32, height as u32, color)
        .map_err(|e| RunError::at(path, format!("cannot be written as PNG: {e}")))?;
    write_atomic(path, &file)
}
