//! Tiles of TIFF files that are compressed by LZW.

use crate::support::data_sets::{refused, spec};
use crate::support::tiled_tiff::TiledTiff;
use npc::internals::base::error::RunError;
use npc::internals::data::load_image;
use npc::text::config::DataSpec;
use std::fs;
use tempfile::tempdir;
use weezl::BitOrder;
use weezl::encode::Encoder;

/// The values of a file.
fn read(bytes: &[u8], size: [usize; 2]) -> Result<Vec<i64>, RunError> {
    let folder = tempdir().unwrap();
    let path = folder.path().join("a.tif");
    fs::write(&path, bytes).unwrap();
    let block = DataSpec { window: Some([0.0, 65535.0]), ..spec("", "", size) };
    Ok(load_image(&block, &path, 1)?.input.iter().map(|v| (v * 65535.0).round() as i64).collect())
}

fn lzw(tile: &[u8]) -> Vec<u8> {
    Encoder::with_tiff_size_switch(BitOrder::Msb, 8).encode(tile).unwrap()
}

/// Pictures of any size in tiles of any size, with values that LZW packs in short and in long words.
#[test]
fn tiles_compressed_by_lzw_are_read() {
    let patterns: [fn(usize, usize) -> u8; 4] = [
        |x, y| (x + y) as u8,
        |x, y| u8::from(x / 3 == y / 2),
        |_, _| 7,
        |x, y| (((97 * x + 31 * y) as u32).wrapping_mul(2_654_435_761) >> 24) as u8,
    ];
    for (n, pattern) in patterns.into_iter().enumerate() {
        for [height, width, side] in [[9, 5, 16], [46, 67, 16], [33, 40, 32], [16, 16, 16], [70, 21, 48]] {
            let mut data = Vec::new();
            for (top, left) in (0..height).step_by(side).flat_map(|y| (0..width).step_by(side).map(move |x| (y, x))) {
                let tile: Vec<u8> = (0..side * side).map(|i| pattern(left + i % side, top + i / side)).collect();
                data.push(lzw(&tile));
            }
            let wanted: Vec<i64> = (0..height * width).map(|i| i64::from(pattern(i % width, i / width))).collect();
            for big in [false, true] {
                let tiles = TiledTiff { data: data.clone(), big, ..TiledTiff::of(&[], side, [height, width]) };
                let read = read(&tiles.whole(), [height, width]).unwrap();
                assert_eq!(read, wanted, "pattern {n}, {height} x {width}, tiles of {side}, BigTIFF {big}");
            }
        }
    }
}

#[test]
fn tiles_of_wide_samples_with_a_predictor_are_read() {
    // Two tiles of 16 x 16 samples of 16 bits; each row counts up from 300 in steps of 2.
    let row: Vec<u8> = [300u16].into_iter().chain([2; 15]).flat_map(u16::to_le_bytes).collect();
    let tile = lzw(&row.repeat(16));
    let tiles = TiledTiff { bits: 16, predictor: 2, ..TiledTiff::of(&[&tile, &tile], 16, [5, 20]) };
    let wanted: Vec<i64> = (0..100).map(|i| 300 + 2 * (i % 20 % 16)).collect();
    assert_eq!(read(&tiles.whole(), [5, 20]).unwrap(), wanted);
}

#[test]
fn lzw_data_end_as_libtiff_ends_them() {
    let values: Vec<u8> = (0..=255).collect();
    let whole = lzw(&values);
    let size = [16, 16];
    // The code that ends the data may be missing: it is in the last two bytes.
    let tiles = |data: &[u8]| TiledTiff::of(&[data], 16, size).whole();
    let wanted: Vec<i64> = (0..256).collect();
    assert_eq!(read(&tiles(&whole), size).unwrap(), wanted);
    assert_eq!(read(&tiles(&whole[..whole.len() - 1]), size).unwrap(), wanted);
    refused(read(&tiles(&whole[..whole.len() - 4]), size), &["the TIFF file is truncated"]);
    refused(read(&tiles(&lzw(&values[..200])), size), &["the TIFF file is truncated"]);
    refused(read(&tiles(&[0x80, 0x3f, 0xff, 0xff, 0xff, 0xff]), size), &["its LZW data hold an invalid code"]);
    // Rows below the picture may be missing.
    let cropped = TiledTiff::of(&[&lzw(&values[..160])], 16, [10, 16]).whole();
    assert_eq!(read(&cropped, [10, 16]).unwrap(), wanted[..160]);
    // Tiles far larger than their picture are refused before memory is taken.
    let huge = TiledTiff { side: [65_535; 2], ..TiledTiff::of(&[&whole], 16, [16, 16]) };
    refused(read(&huge.whole(), size), &["needs more memory than the limit"]);
}
