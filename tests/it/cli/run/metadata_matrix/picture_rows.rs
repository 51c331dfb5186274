//! Rows about pictures and their masks.

use super::MatrixRow;
use super::files::{
    SIDE, exif, grey_page, grey_png, jpeg, marks, mask_png, page_with_sample, pairs, plain_pairs, png_of, png_with,
    repeated, tiff, turned, values, with_sample,
};
use crate::support::picture_files::{TagValue, tiff_page, with_jpeg_segment};
use image::codecs::webp::WebPEncoder;
use image::{ExtendedColorType, ImageEncoder};
use std::path::Path;

/// A row whose images have the field.
pub fn image(format: &'static str, field: &'static str, words: &'static str, write: fn(&Path)) -> MatrixRow {
    MatrixRow { format, field, keys: "", words, in_masks: false, write, plain: plain_pairs, same_as: None }
}

/// A row whose masks have the field.
pub fn mask(format: &'static str, field: &'static str, words: &'static str, write: fn(&Path)) -> MatrixRow {
    MatrixRow { in_masks: true, ..image(format, field, words, write) }
}

impl MatrixRow {
    /// Training gets what it gets from this set.
    pub fn same_as(self, set: fn(&Path)) -> MatrixRow {
        MatrixRow { same_as: Some(set), ..self }
    }

    pub fn keys(self, keys: &'static str) -> MatrixRow {
        MatrixRow { keys, ..self }
    }

    /// Runs are trained on this set.
    pub fn plain(self, set: fn(&Path)) -> MatrixRow {
        MatrixRow { plain: set, ..self }
    }
}

pub fn rows() -> Vec<MatrixRow> {
    [orientation(), alpha(), tiffs()].into_iter().flatten().collect()
}

fn tagged_png(i: usize) -> Vec<u8> {
    png_with(&[(b"eXIf", &exif())], &values(i))
}

fn turned_png(i: usize) -> Vec<u8> {
    png_with(&[], &turned(&values(i)))
}

fn tagged_jpeg(i: usize) -> Vec<u8> {
    with_jpeg_segment(&jpeg(&values(i)), 0xe1, &[b"Exif\0\0", &exif()[..]].concat())
}

fn tagged_tiff(i: usize) -> Vec<u8> {
    tiff([grey_page(&values(i)).short(274, 6)])
}

fn webp(values: &[u8], colour: ExtendedColorType, tagged: bool) -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = WebPEncoder::new_lossless(&mut file);
    if tagged {
        encoder.set_exif_metadata(exif()).unwrap();
    }
    encoder.write_image(values, SIDE as u32, SIDE as u32, colour).unwrap();
    file
}

fn tagged_webp(i: usize) -> Vec<u8> {
    webp(&repeated(&values(i)), ExtendedColorType::Rgb8, true)
}

fn tagged_mask(i: usize) -> Vec<u8> {
    png_with(&[(b"eXIf", &exif())], &marks(i))
}

const ORIENTATION: &str = "orientation tag";
const APPLY: &str = "orientation = apply";
const STORED: &str = "orientation = stored";

/// Rows of grey images in a format without loss: the field alone, applied, and ignored.
fn grey_orientation(format: &'static str, fields: [&'static str; 3], write: fn(&Path)) -> Vec<MatrixRow> {
    let [alone, applied, stored] = fields.map(|field| image(format, field, ORIENTATION, write));
    let applied = applied.keys(APPLY).same_as(|f| pairs(f, ("png", turned_png), ("png", mask_png)));
    vec![alone, applied, stored.keys(STORED).same_as(plain_pairs)]
}

fn orientation() -> Vec<MatrixRow> {
    let masks = |f: &Path| pairs(f, ("png", grey_png), ("png", tagged_mask));
    let png =
        ["eXIf orientation", "eXIf orientation, `orientation = apply`", "eXIf orientation, `orientation = stored`"];
    let mut rows = grey_orientation("PNG", png, |f| pairs(f, ("png", tagged_png), ("png", mask_png)));
    let tiff = ["Orientation", "Orientation, `orientation = apply`", "Orientation, `orientation = stored`"];
    rows.extend(grey_orientation("TIFF", tiff, |f| pairs(f, ("tif", tagged_tiff), ("png", mask_png))));
    rows.extend([
        image("JPEG", "EXIF orientation", ORIENTATION, |f| pairs(f, ("jpg", tagged_jpeg), ("png", mask_png))),
        image("JPEG", "EXIF orientation, `orientation = apply`", ORIENTATION, |f| {
            pairs(f, ("jpg", tagged_jpeg), ("png", mask_png))
        })
        .keys(APPLY),
        image("JPEG", "EXIF orientation, `orientation = stored`", ORIENTATION, |f| {
            pairs(f, ("jpg", tagged_jpeg), ("png", mask_png))
        })
        .keys(STORED)
        .same_as(|f| pairs(f, ("jpg", |i| jpeg(&values(i))), ("png", mask_png))),
        image("WebP", "EXIF orientation", ORIENTATION, |f| pairs(f, ("webp", tagged_webp), ("png", mask_png))),
        image("WebP", "EXIF orientation, `orientation = apply`", ORIENTATION, |f| {
            pairs(f, ("webp", tagged_webp), ("png", mask_png))
        })
        .keys(APPLY)
        .same_as(|f| {
            let colours = |i| webp(&repeated(&turned(&values(i))), ExtendedColorType::Rgb8, false);
            pairs(f, ("webp", colours), ("png", mask_png));
        }),
        mask("mask", "orientation tag", ORIENTATION, masks),
        mask("mask", "orientation tag, `orientation = apply`", ORIENTATION, masks).keys(APPLY).same_as(|f| {
            pairs(f, ("png", grey_png), ("png", |i| png_with(&[], &turned(&marks(i)))));
        }),
        mask("mask", "orientation tag, `orientation = stored`", ORIENTATION, masks).keys(STORED).same_as(plain_pairs),
    ]);
    rows
}

/// Grey values with an alpha channel that is not opaque everywhere.
fn grey_alpha(values: &[u8]) -> Vec<u8> {
    png_of(png::ColorType::GrayscaleAlpha, &[], &with_sample(values, 1))
}

/// A palette of grey values in the reverse order, so that no index is its own colour.
pub fn palette_png(values: &[u8], trns: Option<&[u8]>) -> Vec<u8> {
    let palette: Vec<u8> = (0..=255u8).rev().flat_map(|v| [v; 3]).collect();
    let indices: Vec<u8> = values.iter().map(|v| 255 - v).collect();
    let chunks: Vec<(&[u8; 4], &[u8])> =
        [(b"PLTE", &palette[..])].into_iter().chain(trns.map(|trns| (b"tRNS", trns))).collect();
    png_of(png::ColorType::Indexed, &chunks, &indices)
}

fn alpha_mask(i: usize) -> Vec<u8> {
    let pixels: Vec<u8> = marks(i).iter().flat_map(|&v| [9, v]).collect();
    png_of(png::ColorType::GrayscaleAlpha, &[], &pixels)
}

const ALPHA: &str = "alpha is ignored";
const TRANSPARENT: &str = "pixels of the mask are transparent";

fn alpha() -> Vec<MatrixRow> {
    vec![
        image("PNG", "alpha", ALPHA, |f| pairs(f, ("png", |i| grey_alpha(&values(i))), ("png", mask_png)))
            .same_as(plain_pairs),
        image("PNG", "tRNS of a grey value", ALPHA, |f| {
            let bytes = |i| png_with(&[(b"tRNS", &[0, values(i)[9]])], &values(i));
            pairs(f, ("png", bytes), ("png", mask_png));
        })
        .same_as(plain_pairs),
        image("PNG", "palette", "palette", |f| pairs(f, ("png", |i| palette_png(&values(i), None)), ("png", mask_png))),
        image("PNG", "palette with tRNS", ALPHA, |f| {
            pairs(f, ("png", |i| palette_png(&values(i), Some(&[0; 200]))), ("png", mask_png));
        }),
        image("PNG", "gAMA of 1 / 2.2, the gamma of sRGB", "gamma", |f| {
            let bytes = |i| png_with(&[(b"gAMA", &45_455u32.to_be_bytes())], &values(i));
            pairs(f, ("png", bytes), ("png", mask_png));
        })
        .same_as(plain_pairs),
        image("PNG", "gAMA of another value", "the gamma 1 is not applied", |f| {
            let bytes = |i| png_with(&[(b"gAMA", &100_000u32.to_be_bytes())], &values(i));
            pairs(f, ("png", bytes), ("png", mask_png));
        })
        .same_as(plain_pairs),
        image("PNG", "acTL: an animation", "frames of an animation", |f| {
            let bytes = |i| png_with(&[(b"acTL", &[0, 0, 0, 2, 0, 0, 0, 0])], &values(i));
            pairs(f, ("png", bytes), ("png", mask_png));
        })
        .same_as(plain_pairs),
        image("PNG", "pHYs against the block's `spacing`", "spacing", |f| {
            let bytes = |i: usize| {
                let physical = [&10_000u32.to_be_bytes()[..], &10_000u32.to_be_bytes(), &[1]].concat();
                png_with(&[(b"pHYs", &physical)], &values(i))
            };
            pairs(f, ("png", bytes), ("png", mask_png));
        })
        .keys("spacing = [0.5, 0.5]")
        .same_as(plain_pairs),
        image("WebP", "alpha", ALPHA, |f| {
            let bytes = |i| webp(&with_sample(&repeated(&values(i)), 3), ExtendedColorType::Rgba8, false);
            pairs(f, ("webp", bytes), ("png", mask_png));
        }),
        mask("mask", "alpha", TRANSPARENT, |f| pairs(f, ("png", grey_png), ("png", |i| grey_alpha(&marks(i))))),
        mask("mask", "alpha, `mask = alpha`", "alpha", |f| pairs(f, ("png", grey_png), ("png", alpha_mask)))
            .keys("mask = alpha")
            .plain(|f| pairs(f, ("png", grey_png), ("png", alpha_mask))),
        mask("mask", "palette, colours as labels", "palette index", |f| {
            pairs(f, ("png", grey_png), ("png", |i| palette_png(&marks(i), None)));
        })
        .keys("labels = [\"#000000\", \"#ffffff\"]"),
        mask("mask", "lossy compression, exact labels", "changes pixel values", |f| {
            pairs(f, ("png", grey_png), ("jpg", |i| jpeg(&marks(i))));
        })
        .keys("mask = exact"),
    ]
}

fn tiffs() -> Vec<MatrixRow> {
    vec![
        image("TIFF", "WhiteIsZero", "WhiteIsZero", |f| {
            let bytes = |i| {
                let inverted: Vec<u8> = values(i).iter().map(|v| 255 - v).collect();
                tiff([tiff_page([SIDE; 2], 8, 1, 0, &inverted)])
            };
            pairs(f, ("tif", bytes), ("png", mask_png));
        })
        .same_as(plain_pairs),
        image("TIFF", "palette", "palette", |f| {
            let bytes = |i: usize| {
                let map: Vec<u16> = (0..3 * 256u16).map(|n| (255 - n % 256) * 257).collect();
                let indices: Vec<u8> = values(i).iter().map(|v| 255 - v).collect();
                tiff([tiff_page([SIDE; 2], 8, 1, 3, &indices).with(320, TagValue::Shorts(map))])
            };
            pairs(f, ("tif", bytes), ("png", mask_png));
        }),
        image("TIFF", "FillOrder 2", "FillOrder 2", |f| {
            let bytes = |i: usize| {
                let rows: Vec<u8> = values(i)[..SIDE].iter().map(|v| v.reverse_bits()).collect();
                tiff([tiff_page([SIDE; 2], 1, 1, 1, &rows).short(266, 2)])
            };
            pairs(f, ("tif", bytes), ("png", mask_png));
        }),
        image("TIFF", "more pages", "pages", |f| {
            let bytes = |i| tiff([grey_page(&values(i)), grey_page(&marks(i))]);
            pairs(f, ("tif", bytes), ("png", mask_png));
        })
        .same_as(plain_pairs),
        image("TIFF", "NewSubfileType: a reduced copy first", "reduced", |f| {
            let bytes = |i| {
                let small = tiff_page([4, 4], 8, 1, 1, &values(i)[..16]).short(254, 1);
                tiff([small, grey_page(&values(i))])
            };
            pairs(f, ("tif", bytes), ("png", mask_png));
        })
        .same_as(plain_pairs),
        image("TIFF", "ExtraSamples: alpha", ALPHA, |f| {
            let bytes = |i| tiff([page_with_sample(&values(i), 2)]);
            pairs(f, ("tif", bytes), ("png", mask_png));
        })
        .same_as(plain_pairs),
        image("TIFF", "ExtraSamples: without a meaning", "without a meaning", |f| {
            let bytes = |i| tiff([page_with_sample(&values(i), 0)]);
            pairs(f, ("tif", bytes), ("png", mask_png));
        })
        .same_as(plain_pairs),
        image("TIFF", "PhotometricInterpretation CMYK", "CMYK", |f| {
            let bytes = |i| {
                let pixels: Vec<u8> = values(i).iter().flat_map(|&v| [v; 4]).collect();
                tiff([tiff_page([SIDE; 2], 8, 4, 5, &pixels)])
            };
            pairs(f, ("tif", bytes), ("png", mask_png));
        }),
    ]
}
