//! Tiles of TIFF files that are compressed by LZW.
//!
//! The reader of the crate `tiff` refuses many intact tiles as truncated: it reads them row by row, and takes the end of the coded data
//! for the end of the samples while some are still to come. Here each tile is decoded at once.

use super::failure::{damaged, too_large, truncated};
use super::tiff_directory::TiffDirectories;
use super::tiff_page::{COMPRESSION, TILE_WIDTH, TiffPage};
use super::tiff_storage::TILES;
use crate::base::error::Result;
use crate::data::pixels::MAX_BYTES;
use std::path::Path;
use weezl::decode::Configuration;
use weezl::{BitOrder, LzwStatus};

const FORMAT: &str = "TIFF";
const TILE_HEIGHT: u16 = 323;
const LZW: u64 = 5;
const NO_COMPRESSION: u64 = 1;

/// Tiles without compression to append to a file, and the bytes of its directory that point to them.
#[derive(Default)]
pub(super) struct PlainTiles {
    pub appended: Vec<u8>,
    pub patches: Vec<(usize, Vec<u8>)>,
}

/// Decodes the tiles of a page that is compressed by LZW; `None` for any other page, or if its tags do not fit together, which the
/// decoder reports.
pub(super) fn unpack(
    path: &Path,
    file: &TiffDirectories<'_>,
    page: &TiffPage,
    bytes: &[u8],
) -> Result<Option<PlainTiles>> {
    if page.compression != LZW || !page.tiled {
        return Ok(None);
    }
    let side = |tag| file.number(page.directory, tag).filter(|side| *side > 0);
    let (Some(width), Some(height)) = (side(TILE_WIDTH), side(TILE_HEIGHT)) else { return Ok(None) };
    let [offsets, lengths] = TILES.map(|tag| file.numbers(page.directory, tag));
    let (across, down) = (page.size[1].div_ceil(width), page.size[0].div_ceil(height));
    let count = offsets.len();
    if count as u64 != across * down || lengths.len() != count {
        return Ok(None);
    }
    let row = width.checked_mul(page.samples * page.bits).map(|bits| bits.div_ceil(8));
    let total = row.and_then(|row| row.checked_mul(height)?.checked_mul(count as u64));
    let (Some(row), Some(_)) = (row, total.filter(|bytes| *bytes <= MAX_BYTES)) else {
        return Err(too_large(path, FORMAT));
    };
    let tile = (row * height) as usize;
    let mut appended = vec![0; tile * count];
    for (i, output) in appended.chunks_exact_mut(tile).enumerate() {
        let data = usize::try_from(offsets[i]).ok().and_then(|at| bytes.get(at..at.checked_add(lengths[i] as usize)?));
        // Rows below the picture may be missing.
        let rows = height.min(page.size[0] - i as u64 / across * height);
        match decode(data.unwrap_or_default(), &mut output[..(row * rows) as usize]) {
            LzwEnd::Full => {}
            LzwEnd::Short => return Err(truncated(path, FORMAT)),
            LzwEnd::Damaged => return Err(damaged(path, FORMAT, &"its LZW data hold an invalid code")),
        }
    }
    let patches = point_to(file, page.directory, bytes.len() as u64, tile as u64, &mut appended);
    Ok(patches.map(|patches| PlainTiles { appended, patches }))
}

/// How the decoding of a tile ends.
enum LzwEnd {
    Full,
    Short,
    Damaged,
}

/// Decodes as many bytes as `output` takes. As in libtiff, the code that ends the data may be missing.
fn decode(mut data: &[u8], output: &mut [u8]) -> LzwEnd {
    let mut decoder = Configuration::with_tiff_size_switch(BitOrder::Msb, 8).with_yield_on_full_buffer(true).build();
    let mut filled = 0;
    loop {
        let step = decoder.decode_bytes(data, &mut output[filled..]);
        data = &data[step.consumed_in..];
        filled += step.consumed_out;
        let stuck = step.consumed_in == 0 && step.consumed_out == 0;
        match step.status {
            _ if filled == output.len() => return LzwEnd::Full,
            Err(_) => return LzwEnd::Damaged,
            Ok(LzwStatus::Done) => return LzwEnd::Short,
            Ok(LzwStatus::Ok | LzwStatus::NoProgress) if stuck => return LzwEnd::Short,
            Ok(LzwStatus::Ok | LzwStatus::NoProgress) => {}
        }
    }
}

/// Writes arrays of offsets and lengths behind the tiles, and returns the changes that make a directory point to them; `None` if a tag
/// has another type than usual, or the file is too large for its offsets. `end` is the length of the file.
fn point_to(
    file: &TiffDirectories<'_>,
    directory: usize,
    end: u64,
    tile: u64,
    appended: &mut Vec<u8>,
) -> Option<Vec<(usize, Vec<u8>)>> {
    let width = file.offset_bytes();
    let count = appended.len() as u64 / tile;
    let last = end + appended.len() as u64 + 2 * count * width as u64;
    if width == 4 && last > u64::from(u32::MAX) {
        return None;
    }
    // LONG, or LONG8 in a BigTIFF file.
    let kind = if width == 8 { 16 } else { 4 };
    let mut patches = vec![(file.short_place(directory, COMPRESSION)?, file.to_bytes(NO_COMPRESSION, 2))];
    for (tag, first, step) in [(TILES[0], end, tile), (TILES[1], tile, 0)] {
        let array: Vec<u8> = (0..count).flat_map(|i| file.to_bytes(first + i * step, width)).collect();
        // One value stands in the entry itself.
        let field = if count == 1 {
            array
        } else {
            let at = end + appended.len() as u64;
            appended.extend(array);
            file.to_bytes(at, width)
        };
        let entry = [file.to_bytes(kind, 2), file.to_bytes(count, width), field].concat();
        patches.push((file.place(directory, tag)? + 2, entry));
    }
    Some(patches)
}
