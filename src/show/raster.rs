//! SVG pictures as PNG, drawn by resvg with the font that npc measures texts by.

use crate::base::count::{counted, verb_for};
use crate::base::error::Result;
use crate::base::problem::problem;
use crate::data::png::png;
use resvg::tiny_skia::{Color, Pixmap, Transform};
use resvg::usvg::fontdb::Database;
use resvg::usvg::{Group, Node, Options, Tree};
use std::collections::BTreeSet;

/// Pixels for each unit of a picture.
const SCALE: f32 = 2.0;
/// The most pixels of a side.
const MAX_SIDE: f32 = 16_000.0;

/// What stands for a letter that no font has.
const PLACEHOLDER: char = '□';
/// The most letters that a note names.
const NAMED_LETTERS: usize = 8;

/// A picture in pixels.
pub(crate) struct RasterPicture {
    /// The content of a PNG file.
    pub png: Vec<u8>,
    /// Letters that no font has, each once.
    pub missing: Vec<char>,
}

impl RasterPicture {
    /// Returns a sentence about the letters that no font has, or `None` where all are drawn.
    pub(crate) fn note(&self) -> Option<String> {
        let named: Vec<String> = self.missing.iter().take(NAMED_LETTERS).map(char::to_string).collect();
        let more = if self.missing.len() > NAMED_LETTERS { ", ..." } else { "" };
        let them = verb_for(self.missing.len(), "it is", "they are");
        (!named.is_empty()).then(|| {
            format!(
                "no font of this system has {} ({}{more}): {them} drawn as {PLACEHOLDER}; install a font that does, such as Noto Sans \
                 CJK for East Asia, or write .svg",
                counted(self.missing.len(), "letter"),
                named.join(" ")
            )
        })
    }
}

/// Draws an SVG picture as a PNG file with two pixels for each unit. Style sheets for dark screens are left out.
///
/// Letters that DejaVu Sans lacks are drawn with the fonts of the system, and as `□` where those lack them too. Errors: the text is no
/// SVG picture, or the picture has no pixels or too many.
pub(crate) fn svg_to_png(svg: &str) -> Result<RasterPicture> {
    draw(svg, Database::load_system_fonts)
}

/// Draws a picture; `add_fonts` adds the fonts of the system where they are needed.
fn draw(svg: &str, add_fonts: impl FnOnce(&mut Database)) -> Result<RasterPicture> {
    let mut options = Options::default();
    let fonts = options.fontdb_mut();
    [dejavu::sans::regular(), dejavu::sans::bold(), dejavu::sans_mono::regular()]
        .into_iter()
        .for_each(|font| fonts.load_font_data(font.to_vec()));
    fonts.set_sans_serif_family("DejaVu Sans");
    fonts.set_monospace_family("DejaVu Sans Mono");
    let read = |svg: &str, options: &Options<'_>| {
        Tree::from_str(svg, options).map_err(|e| problem!(E0702, "cannot draw a picture: {e}"))
    };
    let mut tree = read(svg, &options)?;
    let mut missing = missing_letters(&tree);
    if !missing.is_empty() {
        add_fonts(options.fontdb_mut());
        tree = read(svg, &options)?;
        missing = missing_letters(&tree);
    }
    if !missing.is_empty() {
        let shown: String = svg.chars().map(|c| if missing.contains(&c) { PLACEHOLDER } else { c }).collect();
        tree = read(&shown, &options)?;
    }
    let (width, height) = (tree.size().width(), tree.size().height());
    let scale = SCALE.min(MAX_SIDE / width.max(height));
    let side = |length: f32| (length * scale).round() as u32;
    let mut picture = Pixmap::new(side(width), side(height))
        .ok_or_else(|| problem!(E0702, "a picture of {width}x{height} units has no pixels"))?;
    picture.fill(Color::WHITE);
    resvg::render(&tree, Transform::from_scale(scale, scale), &mut picture.as_mut());
    let rgb: Vec<u8> = picture.data().chunks_exact(4).flat_map(|pixel| [pixel[0], pixel[1], pixel[2]]).collect();
    Ok(RasterPicture { png: png(&rgb, [side(height) as usize, side(width) as usize])?, missing })
}

/// Returns the letters of all texts that no loaded font has, each once.
fn missing_letters(tree: &Tree) -> Vec<char> {
    let mut missing = BTreeSet::new();
    let mut pending: Vec<&Group> = vec![tree.root()];
    while let Some(group) = pending.pop() {
        for node in group.children() {
            match node {
                Node::Group(inner) => pending.push(inner),
                Node::Text(text) => {
                    let glyphs = text.layouted().iter().flat_map(|span| &span.positioned_glyphs);
                    // Glyph 0 of a font stands for all letters that it lacks.
                    let letters = glyphs.filter(|glyph| glyph.id.0 == 0).flat_map(|glyph| glyph.text.chars());
                    missing.extend(letters.filter(|c| !c.is_ascii()));
                }
                Node::Path(_) | Node::Image(_) => {}
            }
        }
    }
    missing.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pixels(svg: &str) -> image::RgbImage {
        image::load_from_memory(&svg_to_png(svg).expect("a picture").png).expect("a PNG file").into_rgb8()
    }

    #[test]
    fn shapes_and_texts_are_drawn_in_their_colours() {
        let svg = "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"chart\" width=\"60\" height=\"30\">\
            <style>.chart .s0 .bar { fill: #0b62b0; } .chart text { fill: #ff0000; font-size: 20px; font-family: Nowhere, sans-serif; }\
            @media (prefers-color-scheme: dark) { .chart .s0 .bar { fill: #ffffff; } }</style>\
            <g class=\"s0\"><rect class=\"bar\" width=\"20\" height=\"30\"/></g><text x=\"25\" y=\"25\">W</text></svg>";
        let picture = pixels(svg);
        assert_eq!(picture.dimensions(), (120, 60));
        assert_eq!(picture.get_pixel(20, 30).0, [0x0b, 0x62, 0xb0]);
        assert_eq!(picture.get_pixel(118, 2).0, [255; 3]);
        assert!(picture.pixels().filter(|p| p.0 == [255, 0, 0]).count() > 50, "the letter is drawn");
    }

    fn word(text: &str) -> String {
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"60\" height=\"30\"><text x=\"5\" y=\"25\" font-size=\"20\" \
             font-family=\"sans-serif\">{text}</text></svg>"
        )
    }

    #[test]
    fn letters_without_a_font_are_boxes_and_are_named() {
        let without = |text: &str| draw(&word(text), |_| {}).expect("a picture");
        let (letters, boxes) = (without("a卷积"), without("a□□"));
        assert_eq!(letters.missing, ['卷', '积']);
        assert_eq!(letters.png, boxes.png);
        let note = letters.note().expect("a note");
        assert!(note.starts_with("no font of this system has 2 letters (卷 积): they are drawn as □;"), "{note}");
        assert_ne!(boxes.png, without("a").png, "the boxes are seen");
        assert_eq!((boxes.missing.len(), boxes.note()), (0, None));
        assert!(without("äß Ω ж × ≤ …").missing.is_empty(), "the letters of DejaVu Sans");
    }

    /// The fonts of the system are loaded only where a letter asks for them.
    #[test]
    fn fonts_of_the_system_are_a_fallback() {
        draw(&word("plain"), |_| panic!("no font is missing")).expect("a picture");
        let mut asked = false;
        draw(&word("卷"), |_| asked = true).expect("a picture");
        assert!(asked);
    }

    #[test]
    fn what_is_no_picture_is_refused() {
        assert!(svg_to_png("no picture").is_err());
    }
}
