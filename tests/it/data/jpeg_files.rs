//! JPEG files whose coded data stop early, and files whose segments contradict each other about colours.

use crate::support::data_sets::{refused, spec};
use crate::support::picture_files::with_jpeg_segment;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use image::{ExtendedColorType, ImageEncoder};
use npc::internals::base::error::RunError;
use npc::internals::data::load_image;
use std::fs;
use std::path::PathBuf;
use tempfile::{TempDir, tempdir};

/// Height and width of every picture.
const SIDE: usize = 16;

/// A progressive file of ten scans, which no encoder here writes: red grows to the right, green downwards, blue with both.
const PROGRESSIVE: &str = concat!(
    "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDABALDA4MChAODQ4SERATGCgaGBYWGDEjJR0oOjM9PDkzODdASFxOQERXRTc4UG1RV19iZ2hn",
    "Pk1xeXBkeFxlZ2P/2wBDARESEhgVGC8aGi9jQjhCY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2Nj",
    "Y2P/wgARCAAQABADASIAAhEBAxEB/8QAFQABAQAAAAAAAAAAAAAAAAAABAX/xAAUAQEAAAAAAAAAAAAAAAAAAAAA/9oADAMBAAIQAxAA",
    "AAGatLD/xAAWEAADAAAAAAAAAAAAAAAAAAAAAgP/2gAIAQEAAQUCWYsxZizP/8QAFREBAQAAAAAAAAAAAAAAAAAAAwD/2gAIAQMBAT8B",
    "B7//xAAVEQEBAAAAAAAAAAAAAAAAAAABAP/aAAgBAgEBPwEb/8QAFBABAAAAAAAAAAAAAAAAAAAAIP/aAAgBAQAGPwIf/8QAFBABAAAA",
    "AAAAAAAAAAAAAAAAIP/aAAgBAQABPyEAH//aAAwDAQACAAMAAAAQY//EABYRAAMAAAAAAAAAAAAAAAAAAAAhMf/aAAgBAwEBPxCbP//E",
    "ABQRAQAAAAAAAAAAAAAAAAAAAAD/2gAIAQIBAT8Qf//EABYQAAMAAAAAAAAAAAAAAAAAAAAhMf/aAAgBAQABPxCSJIkiSP/Z",
);

/// The same picture with a restart marker behind each block.
const RESTARTS: &str = concat!(
    "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDABALDA4MChAODQ4SERATGCgaGBYWGDEjJR0oOjM9PDkzODdASFxOQERXRTc4UG1RV19iZ2hn",
    "Pk1xeXBkeFxlZ2P/2wBDARESEhgVGC8aGi9jQjhCY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2Nj",
    "Y2P/wAARCAAQABADAREAAhEBAxEB/8QAFwAAAwEAAAAAAAAAAAAAAAAAAwQFBv/EABgQAAIDAAAAAAAAAAAAAAAAAAAEBSEx/8QAFgEB",
    "AQEAAAAAAAAAAAAAAAAAAAMF/8QAFhEAAwAAAAAAAAAAAAAAAAAAAAED/90ABAAB/9oADAMBAAIRAxEAPwDNrR+UExC5/9BJaPyiqZuQ",
    "uf/RKtH5RJMw4XP/0ri0flBMQuf/2Q==",
);

/// Noise in colours.
fn noise() -> Vec<u8> {
    (0..3 * SIDE * SIDE).map(|i| ((i as u32).wrapping_mul(2_654_435_761) >> 24) as u8).collect()
}

/// A file of one scan with a JFIF segment and components 1, 2 and 3.
fn baseline() -> Vec<u8> {
    let mut file = Vec::new();
    let encoder = image::codecs::jpeg::JpegEncoder::new_with_quality(&mut file, 90);
    encoder.write_image(&noise(), SIDE as u32, SIDE as u32, ExtendedColorType::Rgb8).unwrap();
    file
}

/// A file with a scan for each component, made of three grey files: their tables and their coded data are those of a scan.
fn three_scans() -> Vec<u8> {
    let grey = |c: usize| {
        let values: Vec<u8> = noise().into_iter().skip(c).step_by(3).collect();
        let mut file = Vec::new();
        let encoder = image::codecs::jpeg::JpegEncoder::new_with_quality(&mut file, 90);
        encoder.write_image(&values, SIDE as u32, SIDE as u32, ExtendedColorType::L8).unwrap();
        file
    };
    let first = grey(0);
    let (frame, scan) = (markers(&first, 0xc0)[0], markers(&first, 0xda)[0]);
    // The frame has three components with the same tables of quantization.
    let mut file = first[..frame].to_vec();
    file.extend([&[0xff, 0xc0, 0, 17], &first[frame + 4..frame + 9], &[3]].concat());
    (1..4).for_each(|name| file.extend([name, 0x11, first[frame + 12]]));
    file.extend(&first[frame + 13..scan]);
    for c in 0..3 {
        let grey = grey(c);
        let scan = markers(&grey, 0xda)[0];
        file.extend([&grey[scan..scan + 5], &[c as u8 + 1], &grey[scan + 6..grey.len() - 2]].concat());
    }
    file.extend([0xff, 0xd9]);
    file
}

/// The colours of a file as a network of three channels gets them.
struct Reader {
    _folder: TempDir,
    path: PathBuf,
}

impl Reader {
    fn new() -> Reader {
        let folder = tempdir().unwrap();
        let path = folder.path().join("a.jpg");
        Reader { _folder: folder, path }
    }

    fn read(&self, bytes: &[u8]) -> Result<Vec<u8>, RunError> {
        fs::write(&self.path, bytes).unwrap();
        let image = load_image(&spec("", "", [SIDE, SIDE]), &self.path, 3)?;
        Ok(image.input.iter().map(|v| (v * 255.0).round() as u8).collect())
    }
}

/// Largest difference between two pictures.
fn difference(a: &[u8], b: &[u8]) -> u8 {
    a.iter().zip(b).map(|(a, b)| a.abs_diff(*b)).max().unwrap_or(0)
}

/// Places of a marker that is in no data.
fn markers(file: &[u8], marker: u8) -> Vec<usize> {
    (0..file.len() - 1).filter(|at| file[*at..*at + 2] == [0xff, marker]).collect()
}

#[test]
fn coded_data_that_stop_early_are_refused_though_the_end_is_marked() {
    let reader = Reader::new();
    for whole in [baseline(), three_scans(), STANDARD.decode(RESTARTS).unwrap(), STANDARD.decode(PROGRESSIVE).unwrap()]
    {
        reader.read(&whole).unwrap();
        let scan = *markers(&whole, 0xda).last().unwrap();
        let start = scan + 2 + usize::from(whole[scan + 3]);
        for cut in start..whole.len() - 2 {
            let file = [&whole[..cut], &[0xff, 0xd9]].concat();
            refused(reader.read(&file), &["a.jpg", "the JPEG file is truncated"]);
        }
        // More rows than the data hold.
        let frame = whole.windows(2).position(|w| [0xc0, 0xc2].contains(&w[1]) && w[0] == 0xff).unwrap();
        let mut taller = whole.clone();
        taller[frame + 6] = 2 * SIDE as u8;
        refused(reader.read(&taller), &["a.jpg", "the JPEG file is"]);
    }
}

#[test]
fn scans_that_are_missing_are_refused() {
    let reader = Reader::new();
    let whole = STANDARD.decode(PROGRESSIVE).unwrap();
    for (whole, count) in [(&whole, 10), (&three_scans(), 3)] {
        let scans = markers(whole, 0xda);
        assert_eq!(scans.len(), count);
        for at in &scans[1..] {
            let file = [&whole[..*at], &[0xff, 0xd9]].concat();
            refused(reader.read(&file), &["a.jpg", "the JPEG file is truncated"]);
        }
    }
    let [red, green] = [0, 1].map(|c| reader.read(&whole).unwrap()[c * SIDE * SIDE..][..SIDE].to_vec());
    assert!(red[0] < 40 && red[SIDE - 1] > 200 && green[SIDE - 1] < 60, "{red:?} {green:?}");
}

#[test]
fn codes_that_do_not_exist_are_damage() {
    let reader = Reader::new();
    let mut file = baseline();
    let start = markers(&file, 0xda)[0] + 14;
    (0..8).for_each(|i| drop(file.splice(start + 40 + i..start + 41 + i, [0xff - (i % 2) as u8 * 0xff])));
    refused(reader.read(&file), &["a.jpg", "the JPEG file is damaged: Bad Huffman Code"]);
    // What stands behind the picture, and fill bytes before a marker, are no damage.
    let whole = baseline();
    let wanted = reader.read(&whole).unwrap();
    let end = whole.len() - 2;
    assert_eq!(reader.read(&[&whole[..end], &[0xff, 0xff, 0xff, 0xd9], b"more"].concat()).unwrap(), wanted);
    let stray = with_jpeg_segment(&whole, 0xe5, b"x");
    let stray = [&stray[..7], &[0; 9], &stray[7..]].concat();
    assert_eq!(reader.read(&stray).unwrap(), wanted);
}

/// An Adobe segment with this colour transform.
fn adobe(transform: u8) -> Vec<u8> {
    [&b"Adobe\0\x64\0\0\0\0"[..], &[transform]].concat()
}

/// The file with other names of its components.
fn named(file: &[u8], names: [u8; 3]) -> Vec<u8> {
    let mut file = file.to_vec();
    let (frame, scan) = (markers(&file, 0xc0)[0], markers(&file, 0xda)[0]);
    for (i, name) in names.into_iter().enumerate() {
        (file[frame + 10 + 3 * i], file[scan + 5 + 2 * i]) = (name, name);
    }
    file
}

/// The file without its JFIF segment.
fn without_jfif(file: &[u8]) -> Vec<u8> {
    assert_eq!(&file[2..4], &[0xff, 0xe0]);
    let length = usize::from(u16::from_be_bytes([file[4], file[5]]));
    [&file[..2], &file[4 + length..]].concat()
}

/// The rules of libjpeg: JFIF means YCbCr; else the transform of Adobe counts; else components R, G and B are RGB.
#[test]
fn colours_follow_libjpeg() {
    let reader = Reader::new();
    let file = baseline();
    let bare = without_jfif(&file);
    let with_adobe = |file: &[u8], transform| with_jpeg_segment(file, 0xee, &adobe(transform));
    let ycbcr = reader.read(&file).unwrap();
    let rgb = reader.read(&with_adobe(&bare, 0)).unwrap();
    assert!(difference(&ycbcr, &rgb) > 100);
    let as_ycbcr = [
        ("JFIF, Adobe 0", with_adobe(&file, 0)),
        ("JFIF, Adobe 2", with_adobe(&file, 2)),
        ("JFIF, R G B", named(&file, *b"RGB")),
        ("JFIF, R G B, Adobe 0", with_adobe(&named(&file, *b"RGB"), 0)),
        ("no marker", bare.clone()),
        ("names 0 1 2", named(&bare, [0, 1, 2])),
        ("names r g b", named(&bare, *b"rgb")),
        ("Adobe 1", with_adobe(&bare, 1)),
        ("Adobe 2", with_adobe(&bare, 2)),
        ("Adobe 1, R G B", with_adobe(&named(&bare, *b"RGB"), 1)),
    ];
    for (what, bytes) in as_ycbcr {
        assert_eq!(difference(&reader.read(&bytes).unwrap(), &ycbcr), 0, "{what}");
    }
    let as_rgb = [
        ("R G B", named(&bare, *b"RGB")),
        ("R G B, Adobe 0", with_adobe(&named(&bare, *b"RGB"), 0)),
        ("names 0 1 2, Adobe 0", with_adobe(&named(&bare, [0, 1, 2]), 0)),
    ];
    for (what, bytes) in as_rgb {
        assert_eq!(difference(&reader.read(&bytes).unwrap(), &rgb), 0, "{what}");
    }
}
