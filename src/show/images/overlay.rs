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
/// The colours of agreement and errors: colour-blind people can distinguish them, and tissue has none of them.
pub const AGREED: [u8; 3] = [0, 190, 130];
pub const FALSE_POSITIVE: [u8; 3] = [255, 210, 0];
pub const FALSE_NEGATIVE: [u8; 3] = [35, 100, 255];
/// Pixels of one foreground class that are predicted as another.
pub const CONFUSED: [u8; 3] = [230, 50, 170];
pub(crate) const TRUTH_LINE: [u8; 3] = [255, 255, 255];
/// Stripes over ignored pixels.
pub const IGNORED_STRIPE: [u8; 3] = [150, 150, 150];
/// Strength of the tint where prediction and truth agree, and of a class.
pub const FAINT: f32 = 0.28;
/// Strength of the tint of errors.
pub const STRONG: f32 = 0.5;
/// How much of the light the edge beside a line takes.
const EDGE: f32 = 0.65;

/// Draws a prediction over an image (`rgb`, height x width x 3).
///
/// Without ground truth each foreground class is tinted in its colour and outlined. With ground truth the tint is green
/// where both agree on a foreground class, yellow where only the prediction has one, blue where only the ground truth has one,
/// and magenta where they have different ones. The outline of the prediction has the same colours, and the outline of the
/// ground truth is a thin white line. Ignored pixels have grey stripes and nothing else.
///
/// The image is grey under a tint, so that its own colours do not change it, and lines have dark edges: both are readable over red
/// tissue and over bright bone.
pub fn overlay(rgb: &[u8], size: [usize; 2], pred: &[u8], truth: Option<&[u8]>) -> Result<Vec<u8>> {
    let [height, width] = size;
    let area = height * width;
    if rgb.len() != 3 * area || pred.len() != area || truth.is_some_and(|t| t.len() != area) {
        return Err(problem!(
            E0712,
            "image, prediction and ground truth of an overlay are not all {width} x {height} pixels"
        ));
    }
    let line = line_width(size);
    let mut picture = rgb.to_vec();
    let mut lines = LineMap::new(size);
    for i in 0..area {
        let (p, t) = (pred[i], truth.map(|t| t[i]));
        if t.unwrap_or(p) == IGNORED_CLASS {
            hatch(&mut picture, i, width, line);
            lines.keep(i);
            continue;
        }
        let (colour, strength) = match (p, t) {
            (0, None | Some(0)) => continue,
            (p, None) => (class_colour(usize::from(p)), FAINT),
            (0, Some(_)) => (FALSE_NEGATIVE, STRONG),
            (_, Some(0)) => (FALSE_POSITIVE, STRONG),
            (p, Some(t)) if p == t => (AGREED, FAINT),
            (_, Some(_)) => (CONFUSED, STRONG),
        };
        let pixel = &mut picture[3 * i..3 * i + 3];
        turn_grey(pixel);
        tint(pixel, colour, strength);
        if is_edge(pred, size, i, line) {
            lines.set(i, colour);
        }
    }
    if let Some(truth) = truth {
        let thin = line.div_ceil(2);
        (0..area).filter(|&i| is_edge(truth, size, i, thin)).for_each(|i| lines.set(i, TRUTH_LINE));
    }
    lines.draw(&mut picture, line.div_ceil(2));
    Ok(picture)
}

/// Returns the width of a line: two pixels at an image size of 512, and in proportion at other sizes.
fn line_width([height, width]: [usize; 2]) -> usize {
    ((height.min(width) as f64 / 256.0).round() as usize).max(1)
}

/// The pixels of lines with their colours, drawn at last with a dark edge at both sides.
struct LineMap {
    size: [usize; 2],
    pixels: Vec<LinePixel>,
}

#[derive(Clone, Copy, PartialEq)]
enum LinePixel {
    /// A pixel without a line, which an edge may darken.
    Free,
    /// A pixel that no edge darkens.
    Kept,
    Line([u8; 3]),
}

impl LineMap {
    fn new(size: [usize; 2]) -> LineMap {
        LineMap { size, pixels: vec![LinePixel::Free; size[0] * size[1]] }
    }

    fn set(&mut self, i: usize, colour: [u8; 3]) {
        self.pixels[i] = LinePixel::Line(colour);
    }

    fn keep(&mut self, i: usize) {
        self.pixels[i] = LinePixel::Kept;
    }

    /// Draws the lines, with edges that are `edge` pixels wide.
    fn draw(&self, picture: &mut [u8], edge: usize) {
        let [height, width] = self.size;
        let is_line = |i: usize| matches!(self.pixels[i], LinePixel::Line(_));
        // A square around each pixel, one axis after the other.
        let near = |at: usize, most: usize| at.saturating_sub(edge)..(at + edge + 1).min(most);
        let beside: Vec<bool> =
            (0..height * width).map(|i| near(i % width, width).any(|x| is_line(i - i % width + x))).collect();
        for (i, pixel) in picture.chunks_exact_mut(3).enumerate() {
            match self.pixels[i] {
                LinePixel::Line(colour) => pixel.copy_from_slice(&colour),
                LinePixel::Free if near(i / width, height).any(|y| beside[y * width + i % width]) => {
                    tint(pixel, [0; 3], EDGE);
                }
                LinePixel::Free | LinePixel::Kept => {}
            }
        }
    }
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

/// Draws the outline of each foreground class over an image (`rgb`, height x width x 3) without a tint, with dark edges, and stripes
/// over ignored pixels.
pub(crate) fn outlined(rgb: &[u8], size: [usize; 2], mask: &[u8]) -> Result<Vec<u8>> {
    let [height, width] = size;
    if rgb.len() != 3 * height * width || mask.len() != height * width {
        return Err(problem!(E0712, "an image and its mask are not both {width} x {height} pixels"));
    }
    let line = line_width(size);
    let mut picture = rgb.to_vec();
    let mut lines = LineMap::new(size);
    for (i, &class) in mask.iter().enumerate() {
        if class == IGNORED_CLASS {
            hatch(&mut picture, i, width, line);
            lines.keep(i);
        } else if is_edge(mask, size, i, line) {
            lines.set(i, class_colour(usize::from(class)));
        }
    }
    lines.draw(&mut picture, line.div_ceil(2));
    Ok(picture)
}

/// Replaces the colour of a pixel by its brightness (ITU-R BT.601).
fn turn_grey(pixel: &mut [u8]) {
    let light = pixel.iter().zip([0.299, 0.587, 0.114]).map(|(&v, share)| f32::from(v) * share).sum::<f32>();
    pixel.fill(light.round() as u8);
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
