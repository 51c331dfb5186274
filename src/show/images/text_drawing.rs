//! Draws text in raster images with a bitmap font of Latin-1.
//!
//! Letters that the font lacks are drawn as `?`.

use embedded_graphics::mono_font::MonoTextStyle;
use embedded_graphics::mono_font::iso_8859_1::FONT_7X13 as FONT;
use embedded_graphics::pixelcolor::{Rgb888, RgbColor};
use embedded_graphics::prelude::{DrawTarget, Drawable, OriginDimensions, Pixel, Point, Size};
use embedded_graphics::text::{Baseline, Text};
use std::convert::Infallible;

/// Width of a letter in pixels, gap included.
pub const LETTER: usize = FONT.character_size.width as usize;
pub const LINE: usize = FONT.character_size.height as usize;

/// An image of height x width x 3 values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Canvas {
    pub rgb: Vec<u8>,
    /// Height, width.
    pub size: [usize; 2],
}

impl Canvas {
    /// Creates a canvas of one colour.
    pub fn filled(size: [usize; 2], colour: [u8; 3]) -> Self {
        Self { rgb: colour.repeat(size[0] * size[1]), size }
    }

    /// Fills a rectangle, clipped to the canvas.
    pub fn fill(&mut self, [top, left]: [usize; 2], [height, width]: [usize; 2], colour: [u8; 3]) {
        let [rows, columns] = self.size;
        for y in top.min(rows)..(top + height).min(rows) {
            for x in left.min(columns)..(left + width).min(columns) {
                let at = (y * columns + x) * 3;
                self.rgb[at..at + 3].copy_from_slice(&colour);
            }
        }
    }

    /// Copies a picture into the canvas, clipped to it.
    pub fn paste(&mut self, [top, left]: [usize; 2], rgb: &[u8], [height, width]: [usize; 2]) {
        let [rows, columns] = self.size;
        let shown = width.min(columns.saturating_sub(left));
        for y in 0..height.min(rows.saturating_sub(top)) {
            let (from, to) = (y * width * 3, ((top + y) * columns + left) * 3);
            self.rgb[to..to + shown * 3].copy_from_slice(&rgb[from..from + shown * 3]);
        }
    }

    /// Writes one line with its upper left corner at `[top, left]`.
    pub fn text(&mut self, [top, left]: [usize; 2], text: &str, [r, g, b]: [u8; 3]) {
        let [x, y] = [left, top].map(|n| i32::try_from(n).unwrap_or(i32::MAX));
        let style = MonoTextStyle::new(&FONT, Rgb888::new(r, g, b));
        match Text::with_baseline(text, Point::new(x, y), style, Baseline::Top).draw(self) {
            Ok(_) => {}
            Err(never) => match never {},
        }
    }
}

impl OriginDimensions for Canvas {
    fn size(&self) -> Size {
        let [height, width] = self.size.map(|n| u32::try_from(n).unwrap_or(u32::MAX));
        Size::new(width, height)
    }
}

impl DrawTarget for Canvas {
    type Color = Rgb888;
    type Error = Infallible;

    /// Draws pixels, clipped to the canvas.
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

/// Returns the width of a line in pixels.
pub(crate) fn width(text: &str) -> usize {
    text.chars().count() * LETTER
}
