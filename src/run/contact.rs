//! Contact sheets: rows of pictures with a line or more of text above each.
//!
//! Knows pixels and words, no data sets.

use super::overlay::class_colour;
use embedded_graphics::mono_font::MonoTextStyle;
use embedded_graphics::mono_font::iso_8859_1::FONT_6X12 as FONT;
use embedded_graphics::pixelcolor::{Rgb888, RgbColor};
use embedded_graphics::prelude::{DrawTarget, Drawable, OriginDimensions, Pixel, Point, Size};
use embedded_graphics::text::{Baseline, Text};
use std::convert::Infallible;

/// A picture (height x width x 3) and what is written above it.
pub struct Tile {
    pub caption: String,
    pub rgb: Vec<u8>,
    pub size: [usize; 2],
}

const GAP: usize = 6;
/// Narrower pictures are enlarged, so that a caption has room.
const WIDTH: usize = 192;
/// Lines of a caption.
const LINES: usize = 5;
const LETTER: usize = FONT.character_size.width as usize;
const LINE: usize = FONT.character_size.height as usize;

/// Draws `rows` under a title and the names of the classes in their colours. Pictures of one sheet have one size. Gives
/// height x width x 3 and that size.
pub fn contact_sheet(title: &str, classes: &[String], rows: Vec<Vec<Tile>>) -> (Vec<u8>, [usize; 2]) {
    let Some(size) = rows.iter().flatten().next().map(|tile| tile.size) else { return (Vec::new(), [0, 0]) };
    let scale = WIDTH.div_ceil(size[1]).max(1);
    let [height, width] = size.map(|n| n * scale);
    let columns = rows.iter().map(Vec::len).max().unwrap_or(1);
    let captions: Vec<Vec<Vec<String>>> =
        rows.iter().map(|row| row.iter().map(|tile| wrapped(&tile.caption, width / LETTER - 1)).collect()).collect();
    let above = |row: &Vec<Vec<String>>| row.iter().map(Vec::len).max().unwrap_or(0) * LINE;
    let head = GAP + LINE + GAP;
    let total = head + captions.iter().map(|row| above(row) + height + GAP).sum::<usize>();
    let mut sheet = Sheet::white([total, GAP + columns * (width + GAP)]);
    let mut x = GAP + sheet.write(title, [GAP, GAP], Rgb888::BLACK) + 2 * LETTER;
    for (i, class) in classes.iter().enumerate() {
        let [r, g, b] = class_colour(i + 1);
        sheet.fill([GAP, x], [LINE - 2, LETTER + 4], [r, g, b]);
        x += LETTER + 8;
        x += sheet.write(class, [GAP, x], Rgb888::BLACK) + 2 * LETTER;
    }
    let mut top = head;
    for (row, captions) in rows.iter().zip(&captions) {
        let text = above(captions);
        for (i, (tile, lines)) in row.iter().zip(captions).enumerate() {
            let left = GAP + i * (width + GAP);
            // The last line stands on its picture.
            let first = top + text - lines.len() * LINE;
            for (l, line) in lines.iter().enumerate() {
                sheet.write(line, [first + l * LINE, left], Rgb888::BLACK);
            }
            sheet.paste(tile, [top + text, left], scale);
        }
        top += text + height + GAP;
    }
    (sheet.rgb, sheet.size)
}

/// Lines of at most `letters`, broken between words; what is too long ends in dots.
fn wrapped(text: &str, letters: usize) -> Vec<String> {
    let letters = letters.max(8);
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= letters => {
                *line = format!("{line} {word}")
            }
            _ => lines.push(word.to_string()),
        }
    }
    let cut = lines.len() > LINES;
    lines.truncate(LINES);
    if let Some(last) = lines.last_mut().filter(|_| cut) {
        last.push_str("...");
    }
    for line in &mut lines {
        if line.chars().count() > letters {
            *line = line.chars().take(letters - 3).chain("...".chars()).collect();
        }
    }
    lines
}

struct Sheet {
    rgb: Vec<u8>,
    size: [usize; 2],
}

impl Sheet {
    fn white(size: [usize; 2]) -> Sheet {
        Sheet { rgb: vec![255; size[0] * size[1] * 3], size }
    }

    /// Draws one line of text with its upper left corner at row and column. Gives its width.
    fn write(&mut self, text: &str, [y, x]: [usize; 2], colour: Rgb888) -> usize {
        let at = Point::new(i32::try_from(x).unwrap_or(i32::MAX), i32::try_from(y).unwrap_or(i32::MAX));
        let style = MonoTextStyle::new(&FONT, colour);
        match Text::with_baseline(text, at, style, Baseline::Top).draw(self) {
            Ok(_) => text.chars().count() * LETTER,
            Err(never) => match never {},
        }
    }

    fn fill(&mut self, [top, left]: [usize; 2], [height, width]: [usize; 2], colour: [u8; 3]) {
        for y in top..(top + height).min(self.size[0]) {
            for x in left..(left + width).min(self.size[1]) {
                let at = 3 * (y * self.size[1] + x);
                self.rgb[at..at + 3].copy_from_slice(&colour);
            }
        }
    }

    fn paste(&mut self, tile: &Tile, [top, left]: [usize; 2], scale: usize) {
        let [height, width] = tile.size;
        for y in 0..height * scale {
            let line = &tile.rgb[3 * (y / scale) * width..][..3 * width];
            let start = 3 * ((top + y) * self.size[1] + left);
            let output = &mut self.rgb[start..start + 3 * width * scale];
            for (pixels, pixel) in output.chunks_exact_mut(3 * scale).zip(line.chunks_exact(3)) {
                pixels.chunks_exact_mut(3).for_each(|p| p.copy_from_slice(pixel));
            }
        }
    }
}

impl OriginDimensions for Sheet {
    fn size(&self) -> Size {
        let [height, width] = self.size.map(|n| u32::try_from(n).unwrap_or(u32::MAX));
        Size::new(width, height)
    }
}

impl DrawTarget for Sheet {
    type Color = Rgb888;
    type Error = Infallible;

    /// What lies outside is cut off.
    fn draw_iter<I: IntoIterator<Item = Pixel<Rgb888>>>(&mut self, pixels: I) -> Result<(), Infallible> {
        for Pixel(point, colour) in pixels {
            if let (Ok(y), Ok(x)) = (usize::try_from(point.y), usize::try_from(point.x))
                && y < self.size[0]
                && x < self.size[1]
            {
                let at = 3 * (y * self.size[1] + x);
                self.rgb[at..at + 3].copy_from_slice(&[colour.r(), colour.g(), colour.b()]);
            }
        }
        Ok(())
    }
}
