//! Rows about how the samples of pictures are stored, and what their values stand for.

use super::MatrixRow;
use super::files::{SIDE, grey_page, mask_png, pairs, plain_pairs, png_with, repeated, tiff, values};
use super::picture_rows::image;
use crate::support::picture_files::{TagValue, with_jpeg_segment};
use image::codecs::jpeg::JpegEncoder;
use image::{ExtendedColorType, ImageEncoder};

/// A JPEG file in colours, with a JFIF segment.
fn colour_jpeg(values: &[u8]) -> Vec<u8> {
    let mut file = Vec::new();
    let encoder = JpegEncoder::new_with_quality(&mut file, 95);
    encoder.write_image(&repeated(values), SIDE as u32, SIDE as u32, ExtendedColorType::Rgb8).unwrap();
    file
}

/// A TIFF file whose strip is not in it.
fn sparse_tiff(values: &[u8]) -> Vec<u8> {
    let mut file = tiff([grey_page(values)]);
    let directory = u32::from_le_bytes(file[4..8].try_into().unwrap()) as usize;
    for at in (directory + 2..file.len() - 4).step_by(12) {
        if [273, 279].contains(&u16::from_le_bytes([file[at], file[at + 1]])) {
            file[at + 8..at + 12].fill(0);
        }
    }
    file
}

pub fn rows() -> Vec<MatrixRow> {
    vec![
        image("JPEG", "Adobe transform 0 with a JFIF segment", "Adobe", |f| {
            let adobe = |i| with_jpeg_segment(&colour_jpeg(&values(i)), 0xee, b"Adobe\0\x64\0\0\0\0\0");
            pairs(f, ("jpg", adobe), ("png", mask_png));
        })
        .same_as(|f| pairs(f, ("jpg", |i| colour_jpeg(&values(i))), ("png", mask_png))),
        image("JPEG", "coded data that stop before the picture ends", "truncated", |f| {
            let cut = |i| {
                let whole = colour_jpeg(&values(i));
                [&whole[..whole.len() - 20], &[0xff, 0xd9]].concat()
            };
            pairs(f, ("jpg", cut), ("png", mask_png));
        }),
        image("PNG", "pCAL", "pCAL", |f| {
            const CALIBRATION: &[u8] = b"hu\0\0\0\0\0\0\0\0\xff\0\x02HU\0-1000\x003.9";
            pairs(f, ("png", |i| png_with(&[(b"pCAL", CALIBRATION)], &values(i))), ("png", mask_png));
        })
        .same_as(plain_pairs),
        image("TIFF", "StripOffsets and StripByteCounts 0: a sparse file", "sparse", |f| {
            pairs(f, ("tif", |i| sparse_tiff(&values(i))), ("png", mask_png));
        }),
        image("TIFF", "Predictor without a compression that has one", "Predictor 2", |f| {
            pairs(f, ("tif", |i| tiff([grey_page(&values(i)).short(317, 2)])), ("png", mask_png));
        }),
        image("TIFF", "SampleFormat undefined or complex", "SampleFormat 4", |f| {
            pairs(f, ("tif", |i| tiff([grey_page(&values(i)).short(339, 4)])), ("png", mask_png));
        }),
        image("TIFF", "GDAL_METADATA: scale and offset", "the scale 0.5", |f| {
            let bytes = |i| {
                let text = "<GDALMetadata><Item name=\"SCALE\" sample=\"0\" role=\"scale\">0.5</Item></GDALMetadata>";
                tiff([grey_page(&values(i)).with(42_112, TagValue::Text(text.into()))])
            };
            pairs(f, ("tif", bytes), ("png", mask_png));
        })
        .same_as(plain_pairs),
        image("TIFF", "GDAL_NODATA", "GDAL_NODATA", |f| {
            let bytes = |i: usize| {
                let text = values(i)[9].to_string();
                tiff([grey_page(&values(i)).with(42_113, TagValue::Text(text))])
            };
            pairs(f, ("tif", bytes), ("png", mask_png));
        })
        .same_as(plain_pairs),
    ]
}
