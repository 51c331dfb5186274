//! Text in pictures: an 8 x 8 bitmap font (public domain, crate `font8x8`), each dot `scale` pixels wide.
//!
//! Knows pixels only. Letters that the font lacks are drawn as `?`.

use font8x8::{BASIC_FONTS, LATIN_FONTS, UnicodeFonts};

/// Side of a letter at scale 1, the gap to the next included.
pub const CELL: usize = 8;

/// Height x width x 3 with its size.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Canvas {
    pub rgb: Vec<u8>,
    /// Height, width.
    pub size: [usize; 2],
}

impl Canvas {
    pub fn filled(size: [usize; 2], colour: [u8; 3]) -> Self {
        Self { rgb: colour.repeat(size[0] * size[1]), size }
    }

    /// Fills the part of a rectangle that lies on the canvas.
    pub fn fill(&mut self, [top, left]: [usize; 2], [height, width]: [usize; 2], colour: [u8; 3]) {
        let [rows, columns] = self.size;
        for y in top.min(rows)..(top + height).min(rows) {
            for x in left.min(columns)..(left + width).min(columns) {
                let at = (y * columns + x) * 3;
                self.rgb[at..at + 3].copy_from_slice(&colour);
            }
        }
    }

    /// Copies a picture; what lies outside the canvas is left away.
    pub fn paste(&mut self, [top, left]: [usize; 2], rgb: &[u8], [height, width]: [usize; 2]) {
        let [rows, columns] = self.size;
        let shown = width.min(columns.saturating_sub(left));
        for y in 0..height.min(rows.saturating_sub(top)) {
            let (from, to) = (y * width * 3, ((top + y) * columns + left) * 3);
            self.rgb[to..to + shown * 3].copy_from_slice(&rgb[from..from + shown * 3]);
        }
    }

    /// Writes one line with its upper left corner at `[top, left]`.
    pub fn text(&mut self, [top, left]: [usize; 2], text: &str, colour: [u8; 3], scale: usize) {
        for (i, letter) in text.chars().enumerate() {
            let at = left + i * CELL * scale;
            for (row, bits) in glyph(letter).into_iter().enumerate() {
                for column in (0..8).filter(|c| bits >> c & 1 == 1) {
                    self.fill([top + row * scale, at + column * scale], [scale, scale], colour);
                }
            }
        }
    }
}

/// Rows from above, the lowest bit to the left.
fn glyph(letter: char) -> [u8; 8] {
    let known = |c| BASIC_FONTS.get(c).or_else(|| LATIN_FONTS.get(c));
    known(letter).or_else(|| known('?')).unwrap_or([0; 8])
}

/// Pixels that a line takes across.
pub fn width(text: &str, scale: usize) -> usize {
    text.chars().count() * CELL * scale
}

/// The text where it fits into `letters`, else its start and end around `..`: file names differ at their ends.
pub fn shortened(text: &str, letters: usize) -> String {
    let all: Vec<char> = text.chars().collect();
    if all.len() <= letters {
        return text.to_string();
    }
    let kept = letters.saturating_sub(2);
    let (head, tail) = (kept / 2, kept - kept / 2);
    all[..head].iter().chain(&['.'; 2]).chain(&all[all.len() - tail..]).take(letters).collect()
}
