//! Reads WebP files.

use super::failure::{damaged, of_image, truncated};
use super::raw_picture::{ExtraSample, FileFields, RawPicture};
use crate::base::error::Result;
use crate::data::pixels::{SampleValues, check_size};
use image::ImageDecoder;
use image::codecs::webp::WebPDecoder;
use std::io::Cursor;
use std::path::Path;

const FORMAT: &str = "WebP";

pub(super) fn read(path: &Path, bytes: &[u8]) -> Result<RawPicture> {
    let chunks = WebpChunks::read(bytes);
    // The decoder allocates by the header, so the size is checked before.
    let decoder = open(path, bytes, &chunks)?;
    let (width, height) = decoder.dimensions();
    let samples = usize::from(decoder.color_type().channel_count());
    let size = check_size(path, u64::from(height), u64::from(width), samples as u64)?;
    let mut values = vec![0; size[0] * size[1] * samples];
    decoder.read_image(&mut values).map_err(|e| of_image(path, FORMAT, &e))?;
    Ok(RawPicture {
        size,
        samples,
        values: SampleValues::U8(values),
        bits: 8,
        palette: None,
        extra: if samples == 4 { ExtraSample::Alpha } else { ExtraSample::None },
        lossy: chunks.lossy.then_some("lossy WebP"),
        fields: chunks.fields(),
    })
}

pub(super) fn size(path: &Path, bytes: &[u8]) -> Result<([usize; 2], FileFields)> {
    let chunks = WebpChunks::read(bytes);
    let (width, height) = open(path, bytes, &chunks)?.dimensions();
    Ok((check_size(path, u64::from(height), u64::from(width), 1)?, chunks.fields()))
}

fn open<'a>(path: &Path, bytes: &'a [u8], chunks: &WebpChunks<'_>) -> Result<WebPDecoder<Cursor<&'a [u8]>>> {
    if !chunks.complete {
        return Err(truncated(path, FORMAT));
    }
    if !chunks.picture {
        return Err(damaged(path, FORMAT, &"it has no picture"));
    }
    WebPDecoder::new(Cursor::new(bytes)).map_err(|e| of_image(path, FORMAT, &e))
}

/// What the chunks of a WebP file say (WebP Container Specification).
#[derive(Default)]
struct WebpChunks<'a> {
    /// Whether the file is as long as its header declares.
    complete: bool,
    picture: bool,
    lossy: bool,
    frames: usize,
    exif: Option<&'a [u8]>,
    xmp: Option<&'a [u8]>,
    profile: Option<&'a [u8]>,
}

impl<'a> WebpChunks<'a> {
    fn read(bytes: &'a [u8]) -> WebpChunks<'a> {
        let mut found = WebpChunks::default();
        let length = bytes.get(4..8).map_or(0, |b| u32::from_le_bytes([b[0], b[1], b[2], b[3]]) as usize);
        found.complete = bytes.len() >= length.saturating_add(8);
        let mut rest = bytes.get(12..).unwrap_or_default();
        while let Some((name, data)) = next_chunk(&mut rest) {
            match &name {
                b"VP8 " => (found.picture, found.lossy) = (true, true),
                b"VP8L" => found.picture = true,
                b"ANMF" => {
                    found.picture = true;
                    found.frames += 1;
                    // A frame begins with its place, size, duration and flags, and holds chunks of its own.
                    let mut inner = data.get(16..).unwrap_or_default();
                    while let Some((name, _)) = next_chunk(&mut inner) {
                        found.lossy |= name == *b"VP8 ";
                    }
                }
                b"EXIF" => found.exif = Some(data),
                b"XMP " => found.xmp = Some(data),
                b"ICCP" => found.profile = Some(data),
                _ => {}
            }
        }
        found
    }

    fn fields(&self) -> FileFields {
        let mut fields = FileFields::default();
        fields.read_orientation(self.exif, self.xmp);
        fields.read_frames(self.frames, "frames of an animation");
        if let Some(profile) = self.profile {
            fields.read_profile(profile);
        }
        fields
    }
}

fn next_chunk<'a>(rest: &mut &'a [u8]) -> Option<([u8; 4], &'a [u8])> {
    let name = rest.get(..4)?.try_into().ok()?;
    let length = u32::from_le_bytes(rest.get(4..8)?.try_into().ok()?) as usize;
    let data = rest.get(8..length.checked_add(8)?)?;
    // Chunks begin at even offsets.
    *rest = rest.get(8 + length + length % 2..).unwrap_or_default();
    Some((name, data))
}
