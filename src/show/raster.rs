//! SVG pictures as PNG, drawn by resvg with the font that npc measures texts by.

use crate::base::error::Result;
use crate::base::problem::problem;
use crate::data::png::png;
use resvg::tiny_skia::{Color, Pixmap, Transform};
use resvg::usvg::{Options, Tree};

/// Pixels for each unit of a picture.
const SCALE: f32 = 2.0;
/// The most pixels of a side.
const MAX_SIDE: f32 = 16_000.0;

/// Letters from here on are not in DejaVu Sans: those of East Asia.
const FIRST_LETTER_OF_SYSTEM_FONTS: char = '\u{2e80}';

/// Draws an SVG picture and returns it as a PNG file with two pixels for each unit. Style sheets for dark screens are left out.
///
/// Letters that DejaVu Sans lacks are drawn with the fonts of the system. Errors: the text is no SVG picture, or the picture has
/// no pixels or too many.
pub(crate) fn svg_to_png(svg: &str) -> Result<Vec<u8>> {
    let mut options = Options::default();
    let fonts = options.fontdb_mut();
    [dejavu::sans::regular(), dejavu::sans::bold(), dejavu::sans_mono::regular()]
        .into_iter()
        .for_each(|font| fonts.load_font_data(font.to_vec()));
    fonts.set_sans_serif_family("DejaVu Sans");
    fonts.set_monospace_family("DejaVu Sans Mono");
    if svg.chars().any(|letter| letter >= FIRST_LETTER_OF_SYSTEM_FONTS) {
        fonts.load_system_fonts();
    }
    let tree = Tree::from_str(svg, &options).map_err(|e| problem!(E0702, "cannot draw a picture: {e}"))?;
    let (width, height) = (tree.size().width(), tree.size().height());
    let scale = SCALE.min(MAX_SIDE / width.max(height));
    let side = |length: f32| (length * scale).round() as u32;
    let mut picture = Pixmap::new(side(width), side(height))
        .ok_or_else(|| problem!(E0702, "a picture of {width}x{height} units has no pixels"))?;
    picture.fill(Color::WHITE);
    resvg::render(&tree, Transform::from_scale(scale, scale), &mut picture.as_mut());
    let rgb: Vec<u8> = picture.data().chunks_exact(4).flat_map(|pixel| [pixel[0], pixel[1], pixel[2]]).collect();
    png(&rgb, [side(height) as usize, side(width) as usize])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pixels(svg: &str) -> image::RgbImage {
        image::load_from_memory(&svg_to_png(svg).expect("a picture")).expect("a PNG file").into_rgb8()
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

    #[test]
    fn what_is_no_picture_is_refused() {
        assert!(svg_to_png("no picture").is_err());
    }
}
