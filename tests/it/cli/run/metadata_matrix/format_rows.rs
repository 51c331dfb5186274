//! Rows about kinds of files: formats, compressions, colour spaces, and values of masks.

use super::MatrixRow;
use super::files::{
    SIDE, grey_page, grey_png, jpeg, marks, mask_png, page_with_sample, pairs, plain_pairs, png_of, png_with, repeated,
    tiff, values,
};
use super::picture_rows::{image, mask, palette_png};
use crate::support::picture_files::{TagValue, TiffPage, png_bytes, tiff_page, with_jpeg_segment};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use image::codecs::bmp::BmpEncoder;
use image::{ExtendedColorType, ImageEncoder};
use std::path::Path;

/// A JPEG file of 8 x 8 pixels in CMYK, which no encoder here writes.
const CMYK: &str = concat!(
    "/9j/7gAOQWRvYmUAZAAAAAAA/9sAQwAQCwwODAoQDg0OEhEQExgoGhgWFhgxIyUdKDozPTw5Mzg3QEhcTkBEV0U3OFBtUVdfYmdo",
    "Zz5NcXlwZHhcZWdj/8AAFAgACAAIBEMRAE0RAFkRAEsRAP/EABUAAQEAAAAAAAAAAAAAAAAAAAIB/8QAHhABAQEAAgMAAwAAAAAA",
    "AAAAAgEDAAYEITEREkH/2gAOBEMATQBZAEsAAD8AT7a9dDnmk27CSfdtvyScT7a9dDnmk27CSfdtvyScr7a9dDnmk27CSfdtvySc",
    "c7Tt5O0x8ePbVfn9RnKlf76k5//Z"
);

pub fn rows() -> Vec<MatrixRow> {
    [images(), masks()].into_iter().flatten().collect()
}

/// A GIF file of grey values with this many frames, in which one value may be transparent.
fn gif(values: &[u8], frames: usize, transparent: Option<u8>) -> Vec<u8> {
    let palette: Vec<u8> = (0..=255u8).flat_map(|v| [v; 3]).collect();
    let mut file = Vec::new();
    let mut encoder = gif::Encoder::new(&mut file, SIDE as u16, SIDE as u16, &palette).unwrap();
    for _ in 0..frames {
        let pixels = values.to_vec();
        let frame = gif::Frame::from_indexed_pixels(SIDE as u16, SIDE as u16, pixels, transparent);
        encoder.write_frame(&frame).unwrap();
    }
    drop(encoder);
    file
}

/// A BMP file of grey values whose rows run from the top to the bottom.
fn bmp(values: &[u8]) -> Vec<u8> {
    let mut file = Vec::new();
    BmpEncoder::new(&mut file).write_image(values, SIDE as u32, SIDE as u32, ExtendedColorType::L8).unwrap();
    // A negative height turns the order of the rows.
    file[22..26].copy_from_slice(&(-(SIDE as i32)).to_le_bytes());
    let start = u32::from_le_bytes([file[10], file[11], file[12], file[13]]) as usize;
    file.splice(start..start + SIDE * SIDE, values.iter().copied());
    file
}

fn images() -> Vec<MatrixRow> {
    vec![
        image("BMP", "rows from the top, palette of greys", "BMP", |f| {
            pairs(f, ("bmp", |i| bmp(&values(i))), ("png", mask_png));
        })
        .same_as(plain_pairs),
        image("GIF", "frames of an animation", "frames of an animation", |f| {
            pairs(f, ("gif", |i| gif(&values(i), 2, None)), ("png", mask_png));
        })
        .same_as(plain_pairs),
        image("GIF", "transparent colour", "alpha is ignored", |f| {
            pairs(f, ("gif", |i| gif(&values(i), 1, Some(values(i)[9]))), ("png", mask_png));
        }),
        image("JPEG", "CMYK", "CMYK", |f| {
            pairs(f, ("jpg", |_| STANDARD.decode(CMYK).unwrap()), ("png", mask_png));
        }),
        image("JPEG", "ICC profile other than sRGB", "colour profile", |f| {
            let bytes =
                |i| with_jpeg_segment(&jpeg(&values(i)), 0xe2, b"ICC_PROFILE\0\x01\x01a profile of some printer");
            pairs(f, ("jpg", bytes), ("png", mask_png));
        })
        .same_as(|f| pairs(f, ("jpg", |i| jpeg(&values(i))), ("png", mask_png))),
        image("JPEG", "APP2 MPF: several pictures", "pictures (MPF)", |f| {
            let bytes = |i: usize| {
                // An index with one tag, the number of pictures.
                let index = b"MPF\0MM\0*\0\0\0\x08\0\x01\xb0\x01\0\x04\0\0\0\x01\0\0\0\x02\0\0\0\0";
                [with_jpeg_segment(&jpeg(&values(i)), 0xe2, index), jpeg(&marks(i))].concat()
            };
            pairs(f, ("jpg", bytes), ("png", mask_png));
        })
        .same_as(|f| pairs(f, ("jpg", |i| jpeg(&values(i))), ("png", mask_png))),
        image("TIFF", "ImageDescription of ImageJ: more images than pages", "images of an ImageJ stack", |f| {
            let bytes = |i: usize| {
                let text = "ImageJ=1.54f\nimages=2\nslices=2\n".to_string();
                let both = [values(i), marks(i)].concat();
                tiff([TiffPage { data: both, ..grey_page(&values(i)) }.with(270, TagValue::Text(text))])
            };
            pairs(f, ("tif", bytes), ("png", mask_png));
        })
        .same_as(plain_pairs),
        image("PNG", "damaged EXIF block", "EXIF block is damaged", |f| {
            let bytes = |i| png_with(&[(b"eXIf", b"MM\0*\0\0")], &values(i));
            pairs(f, ("png", bytes), ("png", mask_png));
        })
        .same_as(plain_pairs),
        image("PNG", "sBIT, bKGD, tEXt", "sBIT", |f| {
            let bytes = |i| png_with(&[(b"sBIT", &[5]), (b"bKGD", &[0, 9]), (b"tEXt", b"Comment\0made")], &values(i));
            pairs(f, ("png", bytes), ("png", mask_png));
        })
        .same_as(plain_pairs),
        image("TIFF", "PlanarConfiguration 2", "PlanarConfiguration", |f| {
            let bytes = |i| tiff([tiff_page([SIDE; 2], 8, 3, 2, &colours(i).concat()).short(284, 2)]);
            pairs(f, ("tif", bytes), ("png", mask_png));
        })
        .same_as(|f| {
            let bytes = |i| {
                let [r, g, b] = colours(i);
                let pixels: Vec<u8> = (0..r.len()).flat_map(|at| [r[at], g[at], b[at]]).collect();
                png_of(png::ColorType::Rgb, &[], &pixels)
            };
            pairs(f, ("png", bytes), ("png", mask_png));
        }),
        image("TIFF", "Compression that is not read", "compression", |f| {
            // JPEG 2000.
            let bytes = |i| tiff([grey_page(&values(i)).short(259, 34_712)]);
            pairs(f, ("tif", bytes), ("png", mask_png));
        }),
        image("TIFF", "BitsPerSample 12", "12 bits", |f| {
            let bytes = |i: usize| tiff([tiff_page([SIDE; 2], 12, 1, 1, &[values(i), values(i)].concat())]);
            pairs(f, ("tif", bytes), ("png", mask_png));
        }),
        image("TIFF", "PhotometricInterpretation YCbCr", "YCbCr", |f| {
            let bytes = |i| tiff([tiff_page([SIDE; 2], 8, 3, 6, &repeated(&values(i)))]);
            pairs(f, ("tif", bytes), ("png", mask_png));
        }),
        image("TIFF", "SampleFormat float without a window", "no `window`", |f| {
            let bytes = |i: usize| {
                let pixels: Vec<u8> = values(i).iter().flat_map(|&v| f32::from(v).to_le_bytes()).collect();
                tiff([tiff_page([SIDE; 2], 32, 1, 1, &pixels).short(339, 3)])
            };
            pairs(f, ("tif", bytes), ("png", mask_png));
        }),
        image("TIFF", "WhiteIsZero of float samples", "WhiteIsZero", |f| {
            let bytes = |i: usize| {
                let pixels: Vec<u8> = values(i).iter().flat_map(|&v| f32::from(v).to_le_bytes()).collect();
                tiff([tiff_page([SIDE; 2], 32, 1, 0, &pixels).short(339, 3)])
            };
            pairs(f, ("tif", bytes), ("png", mask_png));
        }),
    ]
}

/// Planes of red, green and blue.
fn colours(i: usize) -> [Vec<u8>; 3] {
    [values(i), values(i).into_iter().rev().collect(), marks(i)]
}

/// A mask of one bit a pixel.
fn bilevel_mask(i: usize) -> Vec<u8> {
    let rows: Vec<u8> =
        marks(i).chunks_exact(SIDE).map(|row| row.iter().fold(0, |byte, v| byte << 1 | (v & 1))).collect();
    tiff([tiff_page([SIDE; 2], 1, 1, 1, &rows)])
}

/// Masks of 0 and 1.
fn few_marks(folder: &Path) {
    let bytes = |i: usize| png_with(&[], &marks(i).iter().map(|v| v & 1).collect::<Vec<u8>>());
    pairs(folder, ("png", grey_png), ("png", bytes));
}

fn masks() -> Vec<MatrixRow> {
    vec![
        mask("mask", "a value that is no label", "is not the label of any class", |f| {
            let bytes = |i: usize| {
                let mut values = marks(i);
                values[60] = 77;
                png_with(&[], &values)
            };
            pairs(f, ("png", grey_png), ("png", bytes));
        }),
        mask("mask", "a value of `ignore`", "77", |f| {
            let bytes = |i: usize| {
                let mut values = marks(i);
                values[60] = 77;
                png_with(&[], &values)
            };
            pairs(f, ("png", grey_png), ("png", bytes));
        })
        .keys("ignore = 77"),
        mask("mask", "1, 2 or 4 bits of grey, larger labels", "bits", |f| {
            pairs(f, ("png", grey_png), ("tif", bilevel_mask))
        })
        .same_as(plain_pairs),
        mask("mask", "a sample without a meaning", "further sample", |f| {
            let bytes = |i| tiff([page_with_sample(&marks(i), 0)]);
            pairs(f, ("png", grey_png), ("tif", bytes));
        }),
        mask("mask", "WhiteIsZero", "WhiteIsZero", |f| {
            let bytes = |i: usize| {
                let inverted: Vec<u8> = marks(i).iter().map(|v| 255 - v).collect();
                tiff([tiff_page([SIDE; 2], 8, 1, 0, &inverted)])
            };
            pairs(f, ("png", grey_png), ("tif", bytes));
        })
        .same_as(plain_pairs),
        mask("mask", "more pages", "pages", |f| {
            let bytes = |i| tiff([grey_page(&marks(i)), grey_page(&values(i))]);
            pairs(f, ("png", grey_png), ("tif", bytes));
        })
        .same_as(plain_pairs),
        mask("mask", "palettes that give an index different colours", "the palettes of masks differ", |f| {
            let bytes = |i: usize| {
                let indices: Vec<u8> = marks(i).iter().map(|v| v & 1).collect();
                let palette = [0, 0, 0, 50 * i as u8 + 5, 0, 0];
                png_of(png::ColorType::Indexed, &[(b"PLTE", &palette)], &indices)
            };
            pairs(f, ("png", grey_png), ("png", bytes));
        })
        // Several masks of the test, so that `eval` meets two palettes.
        .keys("labels = [0, 1] split = random(test = 0.6)")
        .plain(few_marks)
        .same_as(few_marks),
        mask("mask", "a pixel more or less than its image", "resized by nearest neighbour", |f| {
            let bytes = |i: usize| {
                let wide: Vec<u8> = marks(i).chunks(SIDE).flat_map(|row| [row, &row[SIDE - 1..]].concat()).collect();
                png_bytes([SIDE, SIDE + 1], png::ColorType::Grayscale, png::BitDepth::Eight, &[], &wide)
            };
            pairs(f, ("png", grey_png), ("png", bytes));
        }),
        mask("mask", "palette with white before black", "the indices count", |f| {
            let bytes = |i: usize| {
                let indices: Vec<u8> = marks(i).iter().map(|v| v & 1).collect();
                let marks: Vec<u8> = indices.iter().map(|v| 255 - v).collect();
                palette_png(&marks, None)
            };
            pairs(f, ("png", grey_png), ("png", bytes));
        })
        .keys("labels = [0, 1]")
        .plain(few_marks),
    ]
}
