//! Files with metadata, written field by field.

use image::{ExtendedColorType, ImageEncoder};
use std::fs;
use std::path::Path;

/// Number of cases of a set. One of them is the test.
pub const CASES: usize = 5;
/// Height and width of every picture.
pub const SIDE: usize = 8;

/// The bytes of the file of a case.
pub type FileBytes = fn(usize) -> Vec<u8>;

/// Writes `images/p<i>` and `masks/p<i>` with these endings.
pub fn pairs(folder: &Path, image: (&str, FileBytes), mask: (&str, FileBytes)) {
    for (sub, (end, bytes)) in [("images", image), ("masks", mask)] {
        fs::create_dir_all(folder.join(sub)).unwrap();
        (0..CASES).for_each(|i| fs::write(folder.join(sub).join(format!("p{i}.{end}")), bytes(i)).unwrap());
    }
}

/// Grey PNG files of 8 bits without metadata.
pub fn plain_pairs(folder: &Path) {
    pairs(folder, ("png", grey_png), ("png", mask_png));
}

/// Values without symmetry, each at most 251.
pub fn values(i: usize) -> Vec<u8> {
    (0..SIDE * SIDE).map(|p| ((p % SIDE * 29 + p / SIDE * 17 + p * p % 13 + 7 * i) % 252) as u8).collect()
}

/// The values of a mask: 0 and 255, another one for each case.
pub fn marks(i: usize) -> Vec<u8> {
    (0..SIDE * SIDE).map(|p| if p % SIDE < 3 + i % 3 && p / SIDE < 4 { 255 } else { 0 }).collect()
}

/// Turns a picture by 90 degrees to the right, as orientation 6 asks for.
pub fn turned(values: &[u8]) -> Vec<u8> {
    (0..SIDE * SIDE).map(|p| values[(SIDE - 1 - p % SIDE) * SIDE + p / SIDE]).collect()
}

/// Each value three times, as the channels of a colour.
pub fn repeated(values: &[u8]) -> Vec<u8> {
    values.iter().flat_map(|&v| [v; 3]).collect()
}

/// Puts a further sample behind the `step` samples of each pixel: 255 in the left half, 40 in the right one.
pub fn with_sample(values: &[u8], step: usize) -> Vec<u8> {
    let pixels = values.chunks_exact(step).enumerate();
    pixels.flat_map(|(p, pixel)| pixel.iter().copied().chain([if p % SIDE < SIDE / 2 { 255 } else { 40 }])).collect()
}

pub fn grey_png(i: usize) -> Vec<u8> {
    PngParts::default().bytes(&values(i))
}

pub fn mask_png(i: usize) -> Vec<u8> {
    PngParts::default().bytes(&marks(i))
}

/// The header and the chunks of a PNG file of 8 bits.
pub struct PngParts<'a> {
    pub colour: png::ColorType,
    pub palette: Option<Vec<u8>>,
    pub trns: Option<Vec<u8>>,
    pub chunks: &'a [([u8; 4], &'a [u8])],
}

impl Default for PngParts<'_> {
    fn default() -> Self {
        PngParts { colour: png::ColorType::Grayscale, palette: None, trns: None, chunks: &[] }
    }
}

impl PngParts<'_> {
    pub fn bytes(self, values: &[u8]) -> Vec<u8> {
        let mut file = Vec::new();
        let mut encoder = png::Encoder::new(&mut file, SIDE as u32, SIDE as u32);
        encoder.set_color(self.colour);
        encoder.set_depth(png::BitDepth::Eight);
        self.palette.into_iter().for_each(|palette| encoder.set_palette(palette));
        self.trns.into_iter().for_each(|trns| encoder.set_trns(trns));
        let mut writer = encoder.write_header().unwrap();
        self.chunks.iter().for_each(|(name, data)| writer.write_chunk(png::chunk::ChunkType(*name), data).unwrap());
        writer.write_image_data(values).unwrap();
        writer.finish().unwrap();
        file
    }
}

/// An EXIF block that holds orientation 6 alone (TIFF 6.0, tag 274).
pub fn exif() -> Vec<u8> {
    let mut block = b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0".to_vec();
    block.extend([0; 4]);
    block
}

pub fn jpeg(values: &[u8]) -> Vec<u8> {
    let mut file = Vec::new();
    let encoder = image::codecs::jpeg::JpegEncoder::new_with_quality(&mut file, 95);
    encoder.write_image(values, SIDE as u32, SIDE as u32, ExtendedColorType::L8).unwrap();
    file
}

/// Puts a segment behind the first marker of a JPEG file.
pub fn with_segment(mut file: Vec<u8>, marker: u8, data: &[u8]) -> Vec<u8> {
    let length = (data.len() as u16 + 2).to_be_bytes();
    file.splice(2..2, [&[0xff, marker], &length[..], data].concat());
    file
}

/// A page of a TIFF file with one uncompressed strip.
pub struct TiffPart {
    pub size: [u32; 2],
    pub bits: u32,
    pub samples: u32,
    pub photometric: u32,
    pub pixels: Vec<u8>,
    /// Further short tags.
    pub tags: Vec<(u16, Vec<u32>)>,
}

impl TiffPart {
    /// A grey page of 8 bits.
    pub fn grey(values: Vec<u8>) -> TiffPart {
        let size = [SIDE as u32; 2];
        TiffPart { size, bits: 8, samples: 1, photometric: 1, pixels: values, tags: Vec::new() }
    }

    /// Adds a tag, or replaces it.
    pub fn tag(mut self, tag: u16, values: &[u32]) -> TiffPart {
        self.tags.push((tag, values.to_vec()));
        self
    }

    fn entries(&self, strip: u32) -> Vec<(u16, u16, Vec<u32>)> {
        let [height, width] = self.size;
        let short = |tag, values: &[u32]| (tag, 3u16, values.to_vec());
        let mut all = vec![
            short(256, &[width]),
            short(257, &[height]),
            short(258, &vec![self.bits; self.samples as usize]),
            short(259, &[1]),
            short(262, &[self.photometric]),
            (273, 4, vec![strip]),
            short(277, &[self.samples]),
            short(278, &[height]),
            (279, 4, vec![self.pixels.len() as u32]),
        ];
        all.retain(|(tag, ..)| self.tags.iter().all(|(other, _)| other != tag));
        all.extend(self.tags.iter().map(|(tag, values)| short(*tag, values)));
        all.sort_by_key(|(tag, ..)| *tag);
        all
    }
}

/// A little-endian TIFF file of these pages.
pub fn tiff(pages: &[TiffPart]) -> Vec<u8> {
    let mut file = b"II*\0\0\0\0\0".to_vec();
    let mut link = 4;
    for page in pages {
        let strip = file.len() as u32;
        file.extend(&page.pixels);
        file.resize(file.len().next_multiple_of(4), 0);
        let mut fields = Vec::new();
        for (tag, kind, values) in page.entries(strip) {
            let mut data: Vec<u8> = match kind {
                3 => values.iter().flat_map(|v| (*v as u16).to_le_bytes()).collect(),
                _ => values.iter().flat_map(|v| v.to_le_bytes()).collect(),
            };
            if data.len() > 4 {
                let at = file.len() as u32;
                file.extend(&data);
                data = at.to_le_bytes().to_vec();
            }
            data.resize(4, 0);
            fields.extend(
                [&tag.to_le_bytes()[..], &kind.to_le_bytes(), &(values.len() as u32).to_le_bytes(), &data].concat(),
            );
        }
        let at = file.len() as u32;
        file[link..link + 4].copy_from_slice(&at.to_le_bytes());
        file.extend(((fields.len() / 12) as u16).to_le_bytes());
        file.extend(fields);
        link = file.len();
        file.extend([0; 4]);
    }
    file
}

/// A DICOM file of explicit little-endian elements.
#[derive(Default)]
pub struct DicomPart {
    elements: Vec<(u32, [u8; 2], Vec<u8>)>,
}

impl DicomPart {
    /// Sets an element; the tag is group and element.
    pub fn put(mut self, tag: u32, vr: &[u8; 2], value: &[u8]) -> DicomPart {
        self.elements.retain(|(other, ..)| *other != tag);
        let mut value = value.to_vec();
        if value.len() % 2 == 1 {
            value.push(if matches!(vr, b"UI" | b"OB" | b"OW") { 0 } else { b' ' });
        }
        self.elements.push((tag, *vr, value));
        self
    }

    pub fn short(self, tag: u32, value: u16) -> DicomPart {
        self.put(tag, b"US", &value.to_le_bytes())
    }

    pub fn text(self, tag: u32, vr: &[u8; 2], value: &str) -> DicomPart {
        self.put(tag, vr, value.as_bytes())
    }

    pub fn bytes(mut self) -> Vec<u8> {
        self.elements.sort_by_key(|(tag, ..)| *tag);
        let element = |(tag, vr, value): &(u32, [u8; 2], Vec<u8>)| {
            let mut bytes = [((*tag >> 16) as u16).to_le_bytes(), (*tag as u16).to_le_bytes(), *vr].concat();
            match vr {
                b"OB" | b"OW" | b"SQ" | b"UN" => {
                    bytes.extend([0; 2]);
                    bytes.extend((value.len() as u32).to_le_bytes());
                }
                _ => bytes.extend((value.len() as u16).to_le_bytes()),
            }
            bytes.extend(value);
            bytes
        };
        let meta: Vec<u8> = self.elements.iter().filter(|(tag, ..)| tag >> 16 == 2).flat_map(element).collect();
        let rest = self.elements.iter().filter(|(tag, ..)| tag >> 16 != 2).flat_map(element);
        let length = element(&(0x0002_0000, *b"UL", (meta.len() as u32).to_le_bytes().to_vec()));
        [vec![0; 128], b"DICM".to_vec(), length, meta, rest.collect()].concat()
    }
}
