//! Rows about DICOM series: three slices a case, with a grey PNG as the mask of each.

use super::MatrixRow;
use super::files::{CASES, DicomPart, SIDE, mask_png, values};
use crate::support::dicom_file::{element, item};
use std::fs;
use std::path::Path;

/// Number of slices of a series.
const SLICES: usize = 3;
/// Keys of the blocks.
const KEYS: &str = "window = [0, 1000]";

const SERIES: u32 = 0x0020_000e;
const FRAMES: u32 = 0x0028_0008;
const SPACING: u32 = 0x0028_0030;
const PHOTOMETRIC: u32 = 0x0028_0004;
const BITS_STORED: u32 = 0x0028_0101;
const HIGH_BIT: u32 = 0x0028_0102;
const PIXELS: u32 = 0x7fe0_0010;

/// Changes a slice of a case.
type SliceChange = fn(usize, usize, DicomPart) -> DicomPart;

fn row(field: &'static str, words: &'static str, write: fn(&Path), same_as: Option<fn(&Path)>) -> MatrixRow {
    MatrixRow { format: "DICOM", field, keys: KEYS, words, in_masks: false, write, plain, same_as }
}

/// Stored values of 12 bits, from 0 to 1004.
fn stored(case: usize, slice: usize) -> Vec<u16> {
    values(case + 5 * slice).into_iter().map(|v| 4 * u16::from(v)).collect()
}

fn pixels(part: DicomPart, values: impl IntoIterator<Item = u16>) -> DicomPart {
    let bytes: Vec<u8> = values.into_iter().flat_map(u16::to_le_bytes).collect();
    part.put(PIXELS, b"OW", &bytes)
}

fn slice(case: usize, slice: usize) -> DicomPart {
    let part = DicomPart::default()
        .text(0x0002_0002, b"UI", "1.2.840.10008.5.1.4.1.1.2")
        .text(0x0002_0003, b"UI", &format!("1.2.3.{case}.{slice}"))
        .text(0x0002_0010, b"UI", "1.2.840.10008.1.2.1")
        .text(0x0008_0016, b"UI", "1.2.840.10008.5.1.4.1.1.2")
        .text(0x0008_0018, b"UI", &format!("1.2.3.{case}.{slice}"))
        .text(0x0008_0060, b"CS", "CT")
        .text(SERIES, b"UI", &format!("1.2.4.{case}"))
        .text(0x0020_0013, b"IS", &format!("{}", slice + 1))
        .text(0x0020_0032, b"DS", &format!("0\\0\\{slice}"))
        .text(0x0020_0037, b"DS", "1\\0\\0\\0\\1\\0")
        .short(0x0028_0002, 1)
        .text(PHOTOMETRIC, b"CS", "MONOCHROME2")
        .short(0x0028_0010, SIDE as u16)
        .short(0x0028_0011, SIDE as u16)
        .text(SPACING, b"DS", "1\\1")
        .short(0x0028_0100, 16)
        .short(BITS_STORED, 12)
        .short(HIGH_BIT, 11)
        .short(0x0028_0103, 0);
    pixels(part, stored(case, slice))
}

/// Writes `images/p<i>/<n>.dcm`, changed, and `masks/p<i>/<n>.png`.
fn series(folder: &Path, change: SliceChange) {
    for case in 0..CASES {
        let [images, masks] = ["images", "masks"].map(|sub| folder.join(format!("{sub}/p{case}")));
        fs::create_dir_all(&images).unwrap();
        fs::create_dir_all(&masks).unwrap();
        for n in 0..SLICES {
            fs::write(images.join(format!("{n}.dcm")), change(case, n, slice(case, n)).bytes()).unwrap();
            fs::write(masks.join(format!("{n}.png")), mask_png(case + n)).unwrap();
        }
    }
}

fn plain(folder: &Path) {
    series(folder, |_, _, part| part);
}

/// Writes each series as one file of many frames, whose places are in functional groups.
fn enhanced(folder: &Path) {
    plain(folder);
    for case in 0..CASES {
        let sequence = |tag, content: &[u8]| element(tag, b"SQ", &item(content));
        let position = |n: usize| element([0x20, 0x32], b"DS", format!("0\\0\\{n} ").as_bytes());
        let frames: Vec<u8> = (0..SLICES).flat_map(|n| item(&sequence([0x20, 0x9113], &position(n)))).collect();
        let values: Vec<u16> = (0..SLICES).flat_map(|n| stored(case, n)).collect();
        let file =
            pixels(slice(case, 0).text(FRAMES, b"IS", &SLICES.to_string()), values).put(0x5200_9230, b"SQ", &frames);
        let images = folder.join(format!("images/p{case}"));
        fs::remove_dir_all(&images).unwrap();
        fs::create_dir_all(&images).unwrap();
        fs::write(images.join("0.dcm"), file.bytes()).unwrap();
    }
}

fn rescaled(part: DicomPart, slope: &str, intercept: &str) -> DicomPart {
    part.text(0x0028_1053, b"DS", slope).text(0x0028_1052, b"DS", intercept)
}

pub fn rows() -> Vec<MatrixRow> {
    vec![
        row(
            "RescaleSlope, RescaleIntercept",
            "RescaleSlope",
            |f| series(f, |_, _, part| rescaled(part, "0.5", "100")),
            Some(|f| {
                series(f, |case, n, part| pixels(part, stored(case, n).into_iter().map(|v| v / 2 + 100)));
            }),
        ),
        row(
            "ModalityLUTSequence",
            "ModalityLUTSequence",
            |f| {
                series(f, |_, _, part| {
                    // LUTDescriptor: four entries from 0, 16 bits; LUTData.
                    let descriptor = [&[0x28, 0x00, 0x02, 0x30], &b"US\x06\0"[..], &[4, 0, 0, 0, 16, 0]].concat();
                    let data = [&[0x28, 0x00, 0x06, 0x30], &b"US\x08\0"[..], &[9, 0, 8, 0, 7, 0, 6, 0]].concat();
                    part.put(0x0028_3000, b"SQ", &item(&[descriptor, data].concat()))
                });
            },
            None,
        ),
        row(
            "PhotometricInterpretation MONOCHROME1",
            "stored values are inverted",
            |f| {
                series(f, |_, _, part| part.text(PHOTOMETRIC, b"CS", "MONOCHROME1"));
            },
            Some(|f| {
                series(f, |case, n, part| pixels(part, stored(case, n).into_iter().map(|v| 4095 - v)));
            }),
        ),
        row(
            "PhotometricInterpretation MONOCHROME1 with a rescale",
            "it is open which is meant",
            |f| {
                series(f, |_, _, part| rescaled(part.text(PHOTOMETRIC, b"CS", "MONOCHROME1"), "2", "0"));
            },
            None,
        ),
        row(
            "PhotometricInterpretation RGB",
            "samples",
            |f| {
                series(f, |case, n, part| {
                    let bytes: Vec<u8> = values(case + n).iter().flat_map(|&v| [v; 3]).collect();
                    let part = part.short(0x0028_0002, 3).text(PHOTOMETRIC, b"CS", "RGB").short(0x0028_0006, 0);
                    part.short(0x0028_0100, 8).short(BITS_STORED, 8).short(HIGH_BIT, 7).put(PIXELS, b"OW", &bytes)
                });
            },
            None,
        ),
        row(
            "PresentationLUTShape INVERSE",
            "PresentationLUTShape",
            |f| {
                series(f, |_, _, part| part.text(0x2050_0020, b"CS", "INVERSE"));
            },
            None,
        ),
        row(
            "BitsStored, HighBit: bits above them are set",
            "BitsStored",
            |f| {
                series(f, |case, n, part| pixels(part, stored(case, n).into_iter().map(|v| v | 0xa000)));
            },
            Some(plain),
        ),
        row(
            "HighBit that is not BitsStored - 1",
            "HighBit",
            |f| series(f, |_, _, part| part.short(HIGH_BIT, 13)),
            None,
        ),
        row(
            "PixelPaddingValue",
            "PixelPaddingValue",
            |f| {
                series(f, |case, n, part| {
                    let padding = stored(case, n)[5];
                    part.short(0x0028_0120, padding)
                });
            },
            None,
        ),
        row(
            "WindowCenter, WindowWidth",
            "WindowCenter",
            |f| {
                series(f, |_, _, part| part.text(0x0028_1050, b"DS", "40").text(0x0028_1051, b"DS", "80"));
            },
            Some(plain),
        ),
        row(
            "NumberOfFrames above 1",
            "frames",
            |f| {
                series(f, |case, n, part| {
                    let twice = [stored(case, n), stored(case, n)].concat();
                    pixels(part.text(FRAMES, b"IS", "2"), twice)
                });
            },
            None,
        ),
        row("NumberOfFrames above 1, with the place of each frame", "frames", enhanced, Some(plain)),
        row(
            "SeriesInstanceUID: two series in a folder",
            "belong to different series",
            |f| {
                series(f, |_, n, part| part.text(SERIES, b"UI", if n == 0 { "1.2.5" } else { "1.2.6" }));
            },
            None,
        ),
        row(
            "PatientID, StudyInstanceUID: two in a series",
            "belong to different patients",
            |f| {
                series(f, |_, n, part| part.text(0x0010_0020, b"LO", if n == 0 { "A" } else { "B" }));
            },
            None,
        ),
        row(
            "FrameOfReferenceUID: two in a series",
            "frames of reference",
            |f| {
                series(f, |_, n, part| part.text(0x0020_0052, b"UI", if n == 0 { "1.2.7" } else { "1.2.8" }));
            },
            None,
        ),
        row(
            "SpacingBetweenSlices against the positions",
            "SpacingBetweenSlices",
            |f| {
                series(f, |_, _, part| part.text(0x0018_0088, b"DS", "5"));
            },
            Some(plain),
        ),
        row(
            "RealWorldValueMappingSequence",
            "RealWorldValueMappingSequence",
            |f| {
                series(f, |_, _, part| {
                    let number = |tag, value: f64| element(tag, b"FD", &value.to_le_bytes());
                    let mapping = [number([0x40, 0x9224], 7.0), number([0x40, 0x9225], 3.0)].concat();
                    part.put(0x0040_9096, b"SQ", &item(&mapping))
                });
            },
            Some(plain),
        ),
        row(
            "ImagePositionPatient: a slice is missing",
            "a slice is missing",
            |f| {
                series(f, |_, n, part| part.text(0x0020_0032, b"DS", ["0\\0\\0", "0\\0\\1", "0\\0\\5"][n]));
            },
            None,
        ),
        row(
            "ImagePositionPatient in the reverse order of the names",
            "ImagePositionPatient",
            |f| {
                series(f, |_, n, part| part.text(0x0020_0032, b"DS", ["0\\0\\2", "0\\0\\1", "0\\0\\0"][n]));
            },
            None,
        ),
        row(
            "ImageOrientationPatient: rows to the front",
            "ImageOrientationPatient",
            |f| {
                series(f, |_, _, part| part.text(0x0020_0037, b"DS", "1\\0\\0\\0\\-1\\0"));
            },
            None,
        ),
        row(
            "PixelSpacing against the block's `spacing`",
            "the file gives a spacing",
            |f| {
                series(f, |_, _, part| part.text(SPACING, b"DS", "2\\0.5"));
            },
            Some(plain),
        )
        .keys("window = [0, 1000] spacing = [1, 1]"),
        row(
            "PixelSpacing is missing",
            "PixelSpacing",
            |f| {
                series(f, |_, _, part| part.put(SPACING, b"DS", b""));
            },
            None,
        ),
    ]
}
