//! Picture files that need fields which encoders do not write: TIFF tags, EXIF blocks, chunks.

use std::fs;
use std::path::Path;

/// Values of an entry of a TIFF directory.
#[derive(Clone)]
pub enum TagValue {
    Shorts(Vec<u16>),
    Longs(Vec<u32>),
    /// One fraction.
    Fraction(u32, u32),
    Text(String),
}

/// A page of a TIFF file: its tags without the place of the data, and its data.
pub struct TiffPage {
    pub tags: Vec<(u16, TagValue)>,
    pub data: Vec<u8>,
}

/// Returns a page without compression in one strip. `bits` is for each of `samples`.
pub fn tiff_page([h, w]: [usize; 2], bits: u16, samples: u16, photometric: u16, data: &[u8]) -> TiffPage {
    let tags = vec![
        (256, TagValue::Longs(vec![w as u32])),
        (257, TagValue::Longs(vec![h as u32])),
        (258, TagValue::Shorts(vec![bits; usize::from(samples)])),
        (259, TagValue::Shorts(vec![1])),
        (262, TagValue::Shorts(vec![photometric])),
        (277, TagValue::Shorts(vec![samples])),
        (278, TagValue::Longs(vec![h as u32])),
    ];
    TiffPage { tags, data: data.to_vec() }
}

impl TiffPage {
    /// Adds a tag, or replaces it.
    pub fn with(mut self, tag: u16, value: TagValue) -> TiffPage {
        self.tags.retain(|(old, _)| *old != tag);
        self.tags.push((tag, value));
        self
    }

    pub fn short(self, tag: u16, value: u16) -> TiffPage {
        self.with(tag, TagValue::Shorts(vec![value]))
    }
}

impl TiffPage {
    /// One strip for all samples, or one for each where the samples lie in planes (PlanarConfiguration 2).
    fn strips(&self) -> u32 {
        let number = |wanted: u16| {
            self.tags.iter().find_map(|(tag, value)| match value {
                TagValue::Shorts(values) if *tag == wanted => values.first().copied(),
                _ => None,
            })
        };
        if number(284) == Some(2) { number(277).unwrap_or(1).into() } else { 1 }
    }
}

/// Writes a TIFF file with these pages in either byte order.
pub fn write_tiff(path: &Path, big_endian: bool, pages: Vec<TiffPage>) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, tiff_bytes(big_endian, pages)).unwrap();
}

/// The bytes of a TIFF file with these pages in either byte order.
pub fn tiff_bytes(big_endian: bool, pages: Vec<TiffPage>) -> Vec<u8> {
    let short = |v: u16| if big_endian { v.to_be_bytes() } else { v.to_le_bytes() };
    let long = |v: u32| if big_endian { v.to_be_bytes() } else { v.to_le_bytes() };
    let mut file = if big_endian { b"MM\0*".to_vec() } else { b"II*\0".to_vec() };
    file.extend(long(0));
    let mut pointer = 4;
    for mut page in pages {
        let (start, strips) = (file.len() as u32, page.strips());
        file.extend(&page.data);
        let length = page.data.len() as u32 / strips;
        page.tags.push((273, TagValue::Longs((0..strips).map(|n| start + n * length).collect())));
        page.tags.push((279, TagValue::Longs(vec![length; strips as usize])));
        page.tags.sort_by_key(|(tag, _)| *tag);
        let mut entries = Vec::new();
        for (tag, value) in &page.tags {
            let (kind, count, bytes): (u16, usize, Vec<u8>) = match value {
                TagValue::Shorts(v) => (3, v.len(), v.iter().flat_map(|v| short(*v)).collect()),
                TagValue::Longs(v) => (4, v.len(), v.iter().flat_map(|v| long(*v)).collect()),
                TagValue::Fraction(a, b) => (5, 1, [long(*a), long(*b)].concat()),
                TagValue::Text(text) => (2, text.len() + 1, [text.as_bytes(), b"\0"].concat()),
            };
            entries.extend([&short(*tag)[..], &short(kind)[..], &long(count as u32)[..]].concat());
            if bytes.len() <= 4 {
                entries.extend(bytes.iter().chain(&[0; 4]).take(4));
            } else {
                entries.extend(long(file.len() as u32));
                file.extend(bytes);
            }
        }
        file.resize(file.len().next_multiple_of(2), 0);
        let directory = file.len() as u32;
        file[pointer..pointer + 4].copy_from_slice(&long(directory));
        file.extend(short(page.tags.len() as u16));
        file.extend(entries);
        pointer = file.len();
        file.extend(long(0));
    }
    file
}

/// An EXIF block that holds only an orientation.
pub fn exif(orientation: u16, big_endian: bool) -> Vec<u8> {
    let short = |v: u16| if big_endian { v.to_be_bytes() } else { v.to_le_bytes() };
    let long = |v: u32| if big_endian { v.to_be_bytes() } else { v.to_le_bytes() };
    let mut block = if big_endian { b"MM\0*".to_vec() } else { b"II*\0".to_vec() };
    block.extend(long(8));
    block.extend([short(1), short(274), short(3)].concat());
    block.extend(long(1));
    block.extend([short(orientation), short(0)].concat());
    block.extend(long(0));
    block
}

/// Inserts a segment into a JPEG file behind its first marker.
pub fn add_jpeg_segment(path: &Path, marker: u8, content: &[u8]) {
    let whole = fs::read(path).unwrap();
    fs::write(path, with_jpeg_segment(&whole, marker, content)).unwrap();
}

/// Returns a JPEG file with a segment behind its first marker.
pub fn with_jpeg_segment(whole: &[u8], marker: u8, content: &[u8]) -> Vec<u8> {
    let length = (content.len() + 2) as u16;
    let segment = [&[0xff, marker], &length.to_be_bytes()[..], content].concat();
    [&whole[..2], &segment, &whole[2..]].concat()
}

/// Writes a PNG file with these chunks between its header and its data.
pub fn write_png(
    path: &Path,
    size: [usize; 2],
    colour: png::ColorType,
    depth: png::BitDepth,
    chunks: &[(&[u8; 4], &[u8])],
    data: &[u8],
) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, png_bytes(size, colour, depth, chunks, data)).unwrap();
}

/// The bytes of a PNG file with these chunks between its header and its data.
pub fn png_bytes(
    [h, w]: [usize; 2],
    colour: png::ColorType,
    depth: png::BitDepth,
    chunks: &[(&[u8; 4], &[u8])],
    data: &[u8],
) -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, w as u32, h as u32);
    encoder.set_color(colour);
    encoder.set_depth(depth);
    let chunk = |name: &[u8; 4]| chunks.iter().find(|(n, _)| *n == name).map(|(_, data)| data.to_vec());
    if let Some(palette) = chunk(b"PLTE") {
        encoder.set_palette(palette);
    }
    if let Some(alpha) = chunk(b"tRNS") {
        encoder.set_trns(alpha);
    }
    let mut writer = encoder.write_header().unwrap();
    for (name, data) in chunks.iter().filter(|(name, _)| ![b"PLTE", b"tRNS"].contains(name)) {
        writer.write_chunk(png::chunk::ChunkType(**name), data).unwrap();
    }
    writer.write_image_data(data).unwrap();
    writer.finish().unwrap();
    file
}

/// Writes a GIF file of frames of palette indices; `transparent` is an index.
pub fn write_gif(path: &Path, [h, w]: [usize; 2], palette: &[u8], transparent: Option<u8>, frames: &[&[u8]]) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let mut encoder = gif::Encoder::new(fs::File::create(path).unwrap(), w as u16, h as u16, palette).unwrap();
    for indices in frames {
        let mut frame = gif::Frame::from_indexed_pixels(w as u16, h as u16, indices.to_vec(), transparent);
        frame.transparent = transparent;
        encoder.write_frame(&frame).unwrap();
    }
}

/// Writes a WebP file without loss, and an EXIF chunk if one is given. `samples` is 3 or 4.
pub fn write_webp(path: &Path, [h, w]: [usize; 2], samples: usize, data: &[u8], exif: Option<&[u8]>) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let colour = if samples == 4 { image::ExtendedColorType::Rgba8 } else { image::ExtendedColorType::Rgb8 };
    let mut file = Vec::new();
    image::codecs::webp::WebPEncoder::new_lossless(&mut file).encode(data, w as u32, h as u32, colour).unwrap();
    if let Some(exif) = exif {
        let chunk = |name: &[u8; 4], data: &[u8]| {
            let mut chunk = [&name[..], &(data.len() as u32).to_le_bytes(), data].concat();
            chunk.resize(chunk.len().next_multiple_of(2), 0);
            chunk
        };
        // Flags of the extended header: alpha and EXIF.
        let flags = if samples == 4 { 0x18 } else { 0x08 };
        let side = |n: usize| (n as u32 - 1).to_le_bytes()[..3].to_vec();
        let header = [vec![flags, 0, 0, 0], side(w), side(h)].concat();
        let content = [&b"WEBP"[..], &chunk(b"VP8X", &header), &file[12..], &chunk(b"EXIF", exif)].concat();
        file = [&b"RIFF"[..], &(content.len() as u32).to_le_bytes(), &content].concat();
    }
    fs::write(path, file).unwrap();
}
