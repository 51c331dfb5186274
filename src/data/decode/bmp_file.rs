//! Reads BMP files, with the indices of their palettes.

use super::failure::{damaged, of_image, truncated};
use super::raw_picture::{ExtraSample, FileFields, RawPicture};
use crate::base::error::Result;
use crate::data::notice::NoticeTopic;
use crate::data::pixels::{SampleValues, check_size, unpack_bits};
use image::ImageDecoder;
use image::codecs::bmp::BmpDecoder;
use std::io::Cursor;
use std::path::Path;

const FORMAT: &str = "BMP";

pub(super) fn read(path: &Path, bytes: &[u8]) -> Result<RawPicture> {
    let header = BmpHeader::read(path, bytes)?;
    let fail = |e: image::ImageError| of_image(path, FORMAT, &e);
    let decoder = BmpDecoder::new(Cursor::new(bytes)).map_err(fail)?;
    if decoder.dimensions() != (header.size[1] as u32, header.size[0] as u32) {
        return Err(damaged(path, FORMAT, &"its headers contradict each other"));
    }
    let colours = decoder.get_palette().filter(|_| matches!(header.bits, 1 | 2 | 4 | 8) && !header.compressed);
    if let Some(colours) = colours {
        // The decoder fills up the palette to all indices that samples may have.
        let used = header.colours.min(colours.len());
        let palette = colours[..used].iter().map(|&[r, g, b]| [r, g, b, 255]).collect();
        let indices = header.indices(bytes).ok_or_else(|| truncated(path, FORMAT))?;
        return Ok(picture(header, 1, indices, Some(palette)));
    }
    let samples = usize::from(decoder.color_type().channel_count());
    let mut values = vec![0; header.size[0] * header.size[1] * samples];
    decoder.read_image(&mut values).map_err(fail)?;
    Ok(picture(header, samples, values, None))
}

fn picture(header: BmpHeader, samples: usize, values: Vec<u8>, palette: Option<Vec<[u8; 4]>>) -> RawPicture {
    RawPicture {
        size: header.size,
        samples,
        values: SampleValues::U8(values),
        bits: if palette.is_some() { header.bits } else { 8 },
        palette,
        extra: if samples == 4 { ExtraSample::Alpha } else { ExtraSample::None },
        lossy: None,
        fields: header.fields,
    }
}

pub(super) fn size(path: &Path, bytes: &[u8]) -> Result<([usize; 2], FileFields)> {
    BmpHeader::read(path, bytes).map(|header| (header.size, header.fields))
}

struct BmpHeader {
    size: [usize; 2],
    /// Bits per pixel.
    bits: u32,
    /// Number of entries of the palette.
    colours: usize,
    /// Offset of the pixels.
    data: usize,
    /// Whether the first row is the upper one.
    top_down: bool,
    /// Whether runs of pixels are compressed.
    compressed: bool,
    fields: FileFields,
}

impl BmpHeader {
    fn read(path: &Path, bytes: &[u8]) -> Result<BmpHeader> {
        let cut = || truncated(path, FORMAT);
        let long = |at: usize| bytes.get(at..at + 4).map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]]));
        let short = |at: usize| bytes.get(at..at + 2).map(|b| u32::from(u16::from_le_bytes([b[0], b[1]])));
        let length = long(14).ok_or_else(cut)?;
        let old = length == 12;
        let (width, height, bits) = match old {
            true => (short(18), short(20), short(24)),
            // Rows from top to bottom have a negative height.
            false => (long(18), long(22).map(|h| (h as i32).unsigned_abs()), short(28)),
        };
        let (Some(width), Some(height), Some(bits)) = (width, height, bits) else { return Err(cut()) };
        let size = check_size(path, u64::from(height), u64::from(width), u64::from(bits.div_ceil(8)))?;
        let all = 1usize << bits.min(8);
        let colours = match if old { None } else { long(46) } {
            Some(n) if n > 0 => (n as usize).min(all),
            _ => all,
        };
        let mut fields = FileFields::default();
        if !old && let Some((x, y)) = long(38).zip(long(42)) {
            fields.read_resolution([f64::from(y) / 1000.0, f64::from(x) / 1000.0]);
        }
        // Embedded and linked profiles of the header's versions 4 and 5.
        if length >= 108 && bytes.get(70..74).is_some_and(|space| space == b"DEBM" || space == b"KNIL") {
            let text = "the colour profile of the file is not applied; the stored values are used";
            fields.image_notices.push((NoticeTopic::ColourProfile, text.into()));
        }
        let top_down = !old && long(22).is_some_and(|h| (h as i32) < 0);
        let compressed = !old && long(30).unwrap_or(0) != 0;
        let data = long(10).ok_or_else(cut)? as usize;
        Ok(BmpHeader { size, bits, colours, data, top_down, compressed, fields })
    }

    /// Returns the palette indices, upper row first; `None` if the file is too short. Rows take a multiple of four bytes.
    fn indices(&self, bytes: &[u8]) -> Option<Vec<u8>> {
        let [height, width] = self.size;
        let used = (width * self.bits as usize).div_ceil(8);
        let row = used.next_multiple_of(4);
        let mut packed = Vec::with_capacity(used * height);
        for y in 0..height {
            let stored = if self.top_down { y } else { height - 1 - y };
            let at = self.data.checked_add(stored * row)?;
            packed.extend_from_slice(bytes.get(at..at.checked_add(used)?)?);
        }
        Some(unpack_bits(packed, self.size, self.bits))
    }
}
