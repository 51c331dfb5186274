//! Draws overlays with their scores: one picture for each case, and a sheet of several with a legend.
//!
//! The meaning of the colours is defined in [`overlay`].

use super::overlay::{AGREED, CONFUSED, FALSE_NEGATIVE, FALSE_POSITIVE, IGNORED_STRIPE, TRUTH_LINE, overlay};
use super::text_drawing::{Canvas, LETTER, LINE, width};
use crate::base::atomic::write_atomic;
use crate::base::error::Result;
use crate::data::png::png;
use crate::data::resize;
use crate::show::text::shortened_in_the_middle;
use crate::text::config::case_rules::IGNORED_CLASS;

const BAR: [u8; 3] = [24, 24, 28];
const INK: [u8; 3] = [240, 240, 240];
const PAPER: [u8; 3] = [255, 255, 255];
const BORDER: [u8; 3] = [110, 110, 110];
/// Padding around the text of a caption in pixels.
const PAD: usize = 4;
const GAP: usize = 8;
/// Images whose longest side is at most half of this are enlarged.
const ENLARGED_SIDE: usize = 256;
/// Longest side of a case on a sheet in pixels.
const SIDE: usize = 320;
pub(crate) const MAX_CASES: usize = 60;

/// A case with prediction and ground truth at the size of its image.
#[derive(Debug, Clone)]
pub struct OverlayCase {
    pub stem: String,
    /// Text after the name, such as `Dice 0.912`.
    pub score: String,
    /// Height x width x 3.
    pub rgb: Vec<u8>,
    pub size: [usize; 2],
    /// Predicted class of each pixel.
    pub predicted: Vec<u8>,
    /// Class of each pixel in the ground truth. Without it the classes are drawn in their own colours.
    pub truth: Option<Vec<u8>>,
}

impl OverlayCase {
    /// Draws the overlay. It is reduced where a side is longer than `most`, and enlarged by a whole factor where the image
    /// is small. Image and masks are resized before anything is drawn, so that lines keep their thickness.
    pub fn draw(&self, most: usize) -> Result<Canvas> {
        let factor = (ENLARGED_SIDE.min(most) / self.size[0].max(self.size[1]).max(1)).max(1);
        let size = fitting(self.size.map(|n| n * factor), most);
        let map = |classes: &[u8]| resize::nearest(classes, self.size, size);
        let truth = self.truth.as_deref().map(map);
        let rgb = overlay(&resized(&self.rgb, self.size, size), size, &map(&self.predicted), truth.as_deref())?;
        Ok(Canvas { rgb, size })
    }

    /// Draws the overlay under a bar with name and score.
    pub fn captioned(&self, most: usize) -> Result<Canvas> {
        let picture = self.draw(most)?;
        Ok(caption(&picture, &self.stem, &self.score, picture.size[1]))
    }
}

/// Reduces `size` so that its longest side is at most `most` and no side is below 1.
pub fn fitting([height, width]: [usize; 2], most: usize) -> [usize; 2] {
    let longest = height.max(width).max(1);
    if longest <= most {
        return [height, width];
    }
    [height, width].map(|n| (n * most).div_ceil(longest).max(1))
}

/// Resizes an RGB image.
fn resized(rgb: &[u8], from: [usize; 2], to: [usize; 2]) -> Vec<u8> {
    if from == to {
        return rgb.to_vec();
    }
    let planes = resize::planes(3, from, to, |y, row| {
        for x in 0..from[1] {
            (0..3).for_each(|c| row[c * from[1] + x] = f32::from(rgb[(y * from[1] + x) * 3 + c]));
        }
    });
    let area = to[0] * to[1];
    (0..area).flat_map(|i| [0, 1, 2].map(|c| planes[c * area + i].round().clamp(0.0, 255.0) as u8)).collect()
}

/// Draws a bar with the title and, if there is one, the score above a picture, which is centred below it. The bar is at least `across` pixels wide.
fn caption(picture: &Canvas, title: &str, score: &str, across: usize) -> Canvas {
    // Names longer than the picture are shortened. The bar is at least as wide as eight letters and as the score.
    let letters = score.chars().count().max(8);
    let columns = across.max(picture.size[1]).max(letters * LETTER + 2 * PAD);
    let bar = if score.is_empty() { LINE + 2 * PAD } else { 2 * LINE + 3 * PAD };
    let mut canvas = Canvas::filled([bar + picture.size[0], columns], BAR);
    canvas.text([PAD, PAD], &shortened_in_the_middle(title, (columns - 2 * PAD) / LETTER, ".."), INK);
    canvas.text([LINE + 2 * PAD, PAD], score, INK);
    canvas.paste([bar, (columns - picture.size[1]) / 2], &picture.rgb, picture.size);
    canvas
}

/// Draws cases side by side in the given order, each with name and score, under a title and a legend of the colours. At
/// most `MAX_CASES` cases are drawn.
pub fn case_sheet(title: &str, cases: &[OverlayCase], columns: usize) -> Result<Canvas> {
    let cases = &cases[..cases.len().min(MAX_CASES)];
    let pictures: Vec<Canvas> = cases.iter().map(|case| case.draw(SIDE)).collect::<Result<_>>()?;
    let across = pictures.iter().map(|p| p.size[1]).max().unwrap_or(0);
    let tiles: Vec<Canvas> =
        pictures.iter().zip(cases).map(|(p, case)| caption(p, &case.stem, &case.score, across)).collect();
    let columns = columns.clamp(1, tiles.len().max(1));
    let cell = tiles.iter().map(|t| t.size[1]).max().unwrap_or(0);
    let rows: Vec<&[Canvas]> = tiles.chunks(columns).collect();
    let truths = || cases.iter().filter_map(|case| case.truth.as_ref());
    let is_second = |class: &u8| *class > 1 && *class != IGNORED_CLASS;
    let maps = || truths().chain(cases.iter().map(|case| &case.predicted));
    let legend = match truths().next() {
        Some(_) => legend(OverlayContent {
            several_classes: maps().any(|map| map.iter().any(is_second)),
            ignored: truths().any(|truth| truth.contains(&IGNORED_CLASS)),
        }),
        None => Vec::new(),
    };
    let total = (GAP + columns * (cell + GAP)).max(2 * GAP + width(title)).max(2 * GAP + longest_entry(&legend));
    let lines = wrapped_legend(&legend, total - 2 * GAP);
    let head = GAP + (LINE + GAP) * (1 + lines.len());
    let height = |row: &[Canvas]| row.iter().map(|t| t.size[0]).max().unwrap_or(0) + GAP;
    let mut canvas = Canvas::filled([head + rows.iter().map(|row| height(row)).sum::<usize>(), total], PAPER);
    canvas.text([GAP, GAP], title, BAR);
    for (i, line) in lines.iter().enumerate() {
        let top = GAP + (i + 1) * (LINE + GAP);
        let mut left = GAP;
        for (name, colour) in *line {
            canvas.fill([top - 2, left], [LINE + 4, LINE + 4], BORDER);
            canvas.fill([top - 1, left + 1], [LINE + 2, LINE + 2], *colour);
            canvas.text([top, left + LINE + 2 * PAD], name, BAR);
            left += entry_width(name);
        }
    }
    let mut top = head;
    for row in rows {
        for (i, tile) in row.iter().enumerate() {
            canvas.paste([top, GAP + i * (cell + GAP)], &tile.rgb, tile.size);
        }
        top += height(row);
    }
    Ok(canvas)
}

/// What the overlays of a sheet or a report can contain besides agreement and errors of one class.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OverlayContent {
    /// Whether there are several foreground classes, of which one can be predicted as another.
    pub several_classes: bool,
    /// Whether the ground truth ignores pixels.
    pub ignored: bool,
}

/// A name with its colour.
type OverlayLegendEntry = (&'static str, [u8; 3]);

/// Returns the meaning of the colours that overlays with ground truth can have.
pub fn legend(content: OverlayContent) -> Vec<OverlayLegendEntry> {
    let mut entries = vec![("agreed", AGREED), ("false positive", FALSE_POSITIVE), ("false negative", FALSE_NEGATIVE)];
    entries.extend(content.several_classes.then_some(("wrong class", CONFUSED)));
    entries.push(("outline of the truth", TRUTH_LINE));
    entries.extend(content.ignored.then_some(("ignored", IGNORED_STRIPE)));
    entries
}

/// Returns the width of a legend entry in pixels.
fn entry_width(name: &str) -> usize {
    LINE + 2 * PAD + width(name) + 2 * GAP
}

fn longest_entry(legend: &[OverlayLegendEntry]) -> usize {
    legend.iter().map(|(name, _)| entry_width(name)).max().unwrap_or(0)
}

/// Breaks the entries into lines of at most `most` pixels. A longer entry has a line of its own.
fn wrapped_legend(legend: &[OverlayLegendEntry], most: usize) -> Vec<&[OverlayLegendEntry]> {
    let mut lines = Vec::new();
    let (mut start, mut used) = (0, 0);
    for (i, (name, _)) in legend.iter().enumerate() {
        if i > start && used + entry_width(name) > most {
            lines.push(&legend[start..i]);
            (start, used) = (i, 0);
        }
        used += entry_width(name);
    }
    lines.extend((start < legend.len()).then(|| &legend[start..]));
    lines
}

/// Writes a picture as a PNG file, completely or not at all.
pub(crate) fn write_png(path: &std::path::Path, canvas: &Canvas) -> Result<()> {
    write_atomic(path, &png(&canvas.rgb, canvas.size)?)
}
