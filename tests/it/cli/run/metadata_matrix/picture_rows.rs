//! Rows about pictures and their masks.

use super::MatrixRow;
use super::files::{
    PngParts, SIDE, TiffPart, exif, grey_png, jpeg, marks, mask_png, pairs, plain_pairs, repeated, tiff, turned,
    values, with_sample, with_segment,
};
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

pub fn png_with(chunks: &[([u8; 4], &[u8])], values: &[u8]) -> Vec<u8> {
    PngParts { chunks, ..PngParts::default() }.bytes(values)
}

fn tagged_png(i: usize) -> Vec<u8> {
    png_with(&[(*b"eXIf", &exif())], &values(i))
}

fn turned_png(i: usize) -> Vec<u8> {
    PngParts::default().bytes(&turned(&values(i)))
}

fn tagged_jpeg(i: usize) -> Vec<u8> {
    with_segment(jpeg(&values(i)), 0xe1, &[b"Exif\0\0", &exif()[..]].concat())
}

fn tagged_tiff(i: usize) -> Vec<u8> {
    tiff(&[TiffPart::grey(values(i)).tag(274, &[6])])
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
    png_with(&[(*b"eXIf", &exif())], &marks(i))
}

const ORIENTATION: &str = "orientation tag";
const APPLY: &str = "orientation = apply";
const STORED: &str = "orientation = stored";

fn orientation() -> Vec<MatrixRow> {
    let masks = |f: &Path| pairs(f, ("png", grey_png), ("png", tagged_mask));
    vec![
        image("PNG", "eXIf orientation", ORIENTATION, |f| pairs(f, ("png", tagged_png), ("png", mask_png))),
        image("PNG", "eXIf orientation, `orientation = apply`", ORIENTATION, |f| {
            pairs(f, ("png", tagged_png), ("png", mask_png))
        })
        .keys(APPLY)
        .same_as(|f| pairs(f, ("png", turned_png), ("png", mask_png))),
        image("PNG", "eXIf orientation, `orientation = stored`", ORIENTATION, |f| {
            pairs(f, ("png", tagged_png), ("png", mask_png))
        })
        .keys(STORED)
        .same_as(plain_pairs),
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
        image("TIFF", "Orientation", ORIENTATION, |f| pairs(f, ("tif", tagged_tiff), ("png", mask_png))),
        image("TIFF", "Orientation, `orientation = apply`", ORIENTATION, |f| {
            pairs(f, ("tif", tagged_tiff), ("png", mask_png))
        })
        .keys(APPLY)
        .same_as(|f| pairs(f, ("png", turned_png), ("png", mask_png))),
        image("TIFF", "Orientation, `orientation = stored`", ORIENTATION, |f| {
            pairs(f, ("tif", tagged_tiff), ("png", mask_png))
        })
        .keys(STORED)
        .same_as(plain_pairs),
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
            pairs(f, ("png", grey_png), ("png", |i| PngParts::default().bytes(&turned(&marks(i)))));
        }),
        mask("mask", "orientation tag, `orientation = stored`", ORIENTATION, masks).keys(STORED).same_as(plain_pairs),
    ]
}

/// Grey values with an alpha channel that is not opaque everywhere.
fn grey_alpha(values: &[u8]) -> Vec<u8> {
    PngParts { colour: png::ColorType::GrayscaleAlpha, ..PngParts::default() }.bytes(&with_sample(values, 1))
}

/// A palette of grey values in the reverse order, so that no index is its own colour.
pub fn palette_png(values: &[u8], trns: Option<Vec<u8>>) -> Vec<u8> {
    let palette: Vec<u8> = (0..=255u8).rev().flat_map(|v| [v; 3]).collect();
    let indices: Vec<u8> = values.iter().map(|v| 255 - v).collect();
    PngParts { colour: png::ColorType::Indexed, palette: Some(palette), trns, chunks: &[] }.bytes(&indices)
}

fn alpha_mask(i: usize) -> Vec<u8> {
    let pixels: Vec<u8> = marks(i).iter().flat_map(|&v| [9, v]).collect();
    PngParts { colour: png::ColorType::GrayscaleAlpha, ..PngParts::default() }.bytes(&pixels)
}

const ALPHA: &str = "alpha is ignored";
const TRANSPARENT: &str = "pixels of the mask are transparent";

fn alpha() -> Vec<MatrixRow> {
    vec![
        image("PNG", "alpha", ALPHA, |f| pairs(f, ("png", |i| grey_alpha(&values(i))), ("png", mask_png)))
            .same_as(plain_pairs),
        image("PNG", "tRNS of a grey value", ALPHA, |f| {
            let bytes = |i| PngParts { trns: Some(vec![0, values(i)[9]]), ..PngParts::default() }.bytes(&values(i));
            pairs(f, ("png", bytes), ("png", mask_png));
        })
        .same_as(plain_pairs),
        image("PNG", "palette", "palette", |f| pairs(f, ("png", |i| palette_png(&values(i), None)), ("png", mask_png))),
        image("PNG", "palette with tRNS", ALPHA, |f| {
            pairs(f, ("png", |i| palette_png(&values(i), Some(vec![0; 200]))), ("png", mask_png));
        }),
        image("PNG", "gAMA of 1 / 2.2, the gamma of sRGB", "gamma", |f| {
            let bytes = |i| png_with(&[(*b"gAMA", &45_455u32.to_be_bytes())], &values(i));
            pairs(f, ("png", bytes), ("png", mask_png));
        })
        .same_as(plain_pairs),
        image("PNG", "gAMA of another value", "the gamma 1 is not applied", |f| {
            let bytes = |i| png_with(&[(*b"gAMA", &100_000u32.to_be_bytes())], &values(i));
            pairs(f, ("png", bytes), ("png", mask_png));
        })
        .same_as(plain_pairs),
        image("PNG", "acTL: an animation", "frames of an animation", |f| {
            let bytes = |i| png_with(&[(*b"acTL", &[0, 0, 0, 2, 0, 0, 0, 0])], &values(i));
            pairs(f, ("png", bytes), ("png", mask_png));
        })
        .same_as(plain_pairs),
        image("PNG", "pHYs against the block's `spacing`", "spacing", |f| {
            let bytes = |i: usize| {
                let physical = [&10_000u32.to_be_bytes()[..], &10_000u32.to_be_bytes(), &[1]].concat();
                png_with(&[(*b"pHYs", &physical)], &values(i))
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
                let inverted = values(i).iter().map(|v| 255 - v).collect();
                tiff(&[TiffPart { photometric: 0, ..TiffPart::grey(inverted) }])
            };
            pairs(f, ("tif", bytes), ("png", mask_png));
        })
        .same_as(plain_pairs),
        image("TIFF", "palette", "palette", |f| {
            let bytes = |i: usize| {
                let map: Vec<u32> = (0..3 * 256u32).map(|n| (255 - n % 256) * 257).collect();
                let indices = values(i).iter().map(|v| 255 - v).collect();
                tiff(&[TiffPart { photometric: 3, ..TiffPart::grey(indices) }.tag(320, &map)])
            };
            pairs(f, ("tif", bytes), ("png", mask_png));
        }),
        image("TIFF", "FillOrder 2", "FillOrder 2", |f| {
            let bytes = |i: usize| {
                let rows: Vec<u8> = values(i)[..SIDE].iter().map(|v| v.reverse_bits()).collect();
                tiff(&[TiffPart { bits: 1, ..TiffPart::grey(rows) }.tag(266, &[2])])
            };
            pairs(f, ("tif", bytes), ("png", mask_png));
        }),
        image("TIFF", "more pages", "pages", |f| {
            let bytes = |i| tiff(&[TiffPart::grey(values(i)), TiffPart::grey(marks(i))]);
            pairs(f, ("tif", bytes), ("png", mask_png));
        })
        .same_as(plain_pairs),
        image("TIFF", "NewSubfileType: a reduced copy first", "reduced", |f| {
            let bytes = |i| {
                let small = TiffPart { size: [4, 4], ..TiffPart::grey(values(i)[..16].to_vec()) }.tag(254, &[1]);
                tiff(&[small, TiffPart::grey(values(i))])
            };
            pairs(f, ("tif", bytes), ("png", mask_png));
        })
        .same_as(plain_pairs),
        image("TIFF", "ExtraSamples: alpha", ALPHA, |f| {
            let bytes = |i| {
                let part = TiffPart { samples: 2, ..TiffPart::grey(with_sample(&values(i), 1)) };
                tiff(&[part.tag(338, &[2])])
            };
            pairs(f, ("tif", bytes), ("png", mask_png));
        })
        .same_as(plain_pairs),
        image("TIFF", "ExtraSamples: without a meaning", "without a meaning", |f| {
            let bytes = |i| {
                let part = TiffPart { samples: 2, ..TiffPart::grey(with_sample(&values(i), 1)) };
                tiff(&[part.tag(338, &[0])])
            };
            pairs(f, ("tif", bytes), ("png", mask_png));
        })
        .same_as(plain_pairs),
        image("TIFF", "PhotometricInterpretation CMYK", "CMYK", |f| {
            let bytes = |i| {
                let pixels = values(i).iter().flat_map(|&v| [v; 4]).collect();
                tiff(&[TiffPart { samples: 4, photometric: 5, ..TiffPart::grey(pixels) }])
            };
            pairs(f, ("tif", bytes), ("png", mask_png));
        }),
    ]
}
