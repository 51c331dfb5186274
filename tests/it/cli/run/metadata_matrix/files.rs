//! Files with metadata, written field by field.

use crate::support::dicom_file;
use crate::support::picture_files::{self, TiffPage, png_bytes, tiff_bytes, tiff_page};
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
    png_with(&[], &values(i))
}

pub fn mask_png(i: usize) -> Vec<u8> {
    png_with(&[], &marks(i))
}

/// A PNG file of 8 bits with these chunks.
pub fn png_of(colour: png::ColorType, chunks: &[(&[u8; 4], &[u8])], values: &[u8]) -> Vec<u8> {
    png_bytes([SIDE; 2], colour, png::BitDepth::Eight, chunks, values)
}

/// A grey PNG file of 8 bits with these chunks.
pub fn png_with(chunks: &[(&[u8; 4], &[u8])], values: &[u8]) -> Vec<u8> {
    png_of(png::ColorType::Grayscale, chunks, values)
}

/// An EXIF block that holds orientation 6 alone.
pub fn exif() -> Vec<u8> {
    picture_files::exif(6, true)
}

pub fn jpeg(values: &[u8]) -> Vec<u8> {
    let mut file = Vec::new();
    let encoder = image::codecs::jpeg::JpegEncoder::new_with_quality(&mut file, 95);
    encoder.write_image(values, SIDE as u32, SIDE as u32, ExtendedColorType::L8).unwrap();
    file
}

/// A grey page of a TIFF file of 8 bits.
pub fn grey_page(values: &[u8]) -> TiffPage {
    tiff_page([SIDE; 2], 8, 1, 1, values)
}

/// A page of a grey and a further sample: 255 in the left half, 40 in the right one. `meaning` is its kind.
pub fn page_with_sample(values: &[u8], meaning: u16) -> TiffPage {
    tiff_page([SIDE; 2], 8, 2, 1, &with_sample(values, 1)).short(338, meaning)
}

/// A little-endian TIFF file of these pages.
pub fn tiff(pages: impl Into<Vec<TiffPage>>) -> Vec<u8> {
    tiff_bytes(false, pages.into())
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
            dicom_file::element([(tag >> 16) as u16, *tag as u16], vr, value)
        };
        let meta: Vec<u8> = self.elements.iter().filter(|(tag, ..)| tag >> 16 == 2).flat_map(element).collect();
        let rest = self.elements.iter().filter(|(tag, ..)| tag >> 16 != 2).flat_map(element);
        let length = element(&(0x0002_0000, *b"UL", (meta.len() as u32).to_le_bytes().to_vec()));
        [vec![0; 128], b"DICM".to_vec(), length, meta, rest.collect()].concat()
    }
}
