//! Draws contact sheets: rows of pictures with captions.
//!
//! This module does not depend on data sets.

use super::text_drawing::{Canvas, LETTER, LINE, width as across};
use crate::show::text::shortened_in_the_middle;

/// A picture (height x width x 3) with the name of its case and a caption above it.
pub(crate) struct CaptionedPicture {
    /// Two lines at most, shortened in the middle where they do not hold it.
    pub name: String,
    /// Lines below the name; none where it is empty.
    pub caption: String,
    pub rgb: Vec<u8>,
    pub size: [usize; 2],
}

const GAP: usize = 6;
/// Narrower pictures are enlarged, so that captions fit.
const MIN_WIDTH: usize = 192;
/// The most lines of a name.
const NAME_LINES: usize = 2;
/// The most lines of a caption.
const MAX_CAPTION_LINES: usize = 5;
const BLACK: [u8; 3] = [0; 3];

/// Draws `rows` under a title and a legend of names in their colours. All pictures of a sheet must have the same
/// size. Returns height x width x 3 values and that size.
pub(crate) fn contact_sheet(
    title: &str,
    legend: &[(&str, [u8; 3])],
    rows: Vec<Vec<CaptionedPicture>>,
) -> (Vec<u8>, [usize; 2]) {
    let Some(size) = rows.iter().flatten().next().map(|tile| tile.size) else { return (Vec::new(), [0, 0]) };
    let scale = MIN_WIDTH.div_ceil(size[1]).max(1);
    let [height, width] = size.map(|n| n * scale);
    let columns = rows.iter().map(Vec::len).max().unwrap_or(1);
    let captions: Vec<Vec<Vec<String>>> =
        rows.iter().map(|row| row.iter().map(|tile| lines_above(tile, width / LETTER - 1)).collect()).collect();
    let above = |row: &Vec<Vec<String>>| row.iter().map(Vec::len).max().unwrap_or(0) * LINE;
    let longest = legend.iter().map(|(name, _)| entry_width(name)).chain([across(title)]).max().unwrap_or(0);
    let whole = (GAP + columns * (width + GAP)).max(longest + 2 * GAP);
    let (places, lines) = legend_places(title, legend, whole);
    let head = GAP + lines * LINE + GAP;
    let total = head + captions.iter().map(|row| above(row) + height + GAP).sum::<usize>();
    let mut sheet = Canvas::filled([total, whole], [255; 3]);
    sheet.text([GAP, GAP], title, BLACK);
    for (&(name, colour), [top, left]) in legend.iter().zip(places) {
        sheet.fill([top, left], [LINE - 2, LETTER + 4], colour);
        sheet.text([top, left + LETTER + 8], name, BLACK);
    }
    let mut top = head;
    for (row, captions) in rows.iter().zip(&captions) {
        let text = above(captions);
        for (i, (tile, lines)) in row.iter().zip(captions).enumerate() {
            let left = GAP + i * (width + GAP);
            // Captions are aligned at the bottom.
            let first = top + text - lines.len() * LINE;
            for (l, line) in lines.iter().enumerate() {
                sheet.text([first + l * LINE, left], line, BLACK);
            }
            let (rgb, size) = enlarged(tile, scale);
            sheet.paste([top + text, left], &rgb, size);
        }
        top += text + height + GAP;
    }
    (sheet.rgb, sheet.size)
}

/// Returns the width of a name of the legend with its colour and the gap behind it.
fn entry_width(name: &str) -> usize {
    LETTER + 8 + across(name) + 2 * LETTER
}

/// Returns the upper left corner of each name of the legend, behind the title and on further lines where the sheet is `whole` pixels
/// wide, and the number of lines.
fn legend_places(title: &str, legend: &[(&str, [u8; 3])], whole: usize) -> (Vec<[usize; 2]>, usize) {
    let (mut line, mut left) = (0, GAP + across(title) + 2 * LETTER);
    let place = |(name, _): &(&str, [u8; 3])| {
        if left > GAP && left + entry_width(name) > whole {
            (line, left) = (line + 1, GAP);
        }
        let place = [GAP + line * LINE, left];
        left += entry_width(name);
        place
    };
    let places: Vec<[usize; 2]> = legend.iter().map(place).collect();
    (places, line + 1)
}

/// Arranges pictures in rows of `columns` pictures.
pub(crate) fn in_columns(
    tiles: impl IntoIterator<Item = CaptionedPicture>,
    columns: usize,
) -> Vec<Vec<CaptionedPicture>> {
    let mut rows: Vec<Vec<CaptionedPicture>> = Vec::new();
    for tile in tiles {
        match rows.last_mut() {
            Some(row) if row.len() < columns => row.push(tile),
            _ => rows.push(vec![tile]),
        }
    }
    rows
}

/// Returns the name on one or two lines, and the lines of the caption. Names of one set often differ in the middle alone, so a name
/// is cut only where two lines do not hold it.
fn lines_above(tile: &CaptionedPicture, letters: usize) -> Vec<String> {
    let letters = letters.max(8);
    let name: Vec<char> = shortened_in_the_middle(&tile.name, NAME_LINES * letters, "..").chars().collect();
    let name = name.chunks(letters).map(|line| line.iter().collect());
    name.chain(wrapped(&tile.caption, letters)).collect()
}

/// Breaks a text between words into lines of at most `letters`. Text that is too long ends in dots.
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
    let cut = lines.len() > MAX_CAPTION_LINES;
    lines.truncate(MAX_CAPTION_LINES);
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

/// Returns a picture with each pixel `scale` wide and high.
fn enlarged(tile: &CaptionedPicture, scale: usize) -> (Vec<u8>, [usize; 2]) {
    let [height, width] = tile.size;
    let mut rgb = Vec::with_capacity(tile.rgb.len() * scale * scale);
    for y in 0..height * scale {
        for pixel in tile.rgb[3 * (y / scale) * width..][..3 * width].chunks_exact(3) {
            (0..scale).for_each(|_| rgb.extend_from_slice(pixel));
        }
    }
    (rgb, [height * scale, width * scale])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tile(name: &str, caption: &str) -> CaptionedPicture {
        CaptionedPicture { name: name.into(), caption: caption.into(), rgb: vec![90; 3 * 64], size: [8, 8] }
    }

    #[test]
    fn names_keep_what_distinguishes_them() {
        let above = |name: &str| lines_above(&tile(name, "test, 3 % foreground"), 12);
        assert_eq!(above("case_1"), ["case_1", "test, 3 %", "foreground"]);
        assert_eq!(above("patient_0041_visit_2"), ["patient_0041", "_visit_2", "test, 3 %", "foreground"]);
        assert_eq!(above("a_name_that_no_two_lines_can_hold_7")[..2], ["a_name_that.", "._can_hold_7"]);
        assert_eq!(lines_above(&tile("a", ""), 12), ["a"]);
    }

    #[test]
    fn a_narrow_sheet_has_room_for_title_and_legend() {
        let legend = [("background of the abdomen", [9, 8, 7]), ("liver", [7, 8, 9])];
        let title = "a set with a long name, train, run first, seed 0";
        let (rgb, size) = contact_sheet(title, &legend, vec![vec![tile("a", "")]]);
        assert_eq!(rgb.len(), 3 * size[0] * size[1]);
        assert!(size[1] >= across(title) + 2 * GAP);
        // Both colours of the legend are on the sheet, below each other.
        let row = |colour: [u8; 3]| rgb.chunks_exact(3).position(|p| p == colour).map(|at| at / size[1]);
        let [first, second] = legend.map(|(_, colour)| row(colour));
        assert!(first.is_some() && second.is_some() && first >= Some(LINE) && second >= first, "{first:?} {second:?}");
    }
}
