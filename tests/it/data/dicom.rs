//! DICOM headers that change what stored values mean, and files that are damaged or hostile.

use crate::support::data_sets::{only, refused, spec};
use crate::support::dicom_file::{BIG_ENDIAN, DicomFile, JPEG_LOSSLESS, RLE, element, item};
use crate::support::nifti_file::NiftiFile;
use npc::internals::base::error::RunError;
use npc::internals::data::{Dataset, SplitRole};
use npc::text::config::{DataSource, DataSpec, MaskRule};
use std::path::Path;
use tempfile::{TempDir, tempdir};

const ROWS: usize = 4;
const COLUMNS: usize = 6;
const SLICES: usize = 3;

/// The values of a slice, which differ everywhere.
fn values(slice: usize) -> Vec<u16> {
    (0..ROWS * COLUMNS).map(|i| (100 * slice + 37 * i + 5) as u16).collect()
}

fn slice(n: usize) -> DicomFile {
    DicomFile::new(n, [ROWS as u16, COLUMNS as u16], &values(n))
}

/// A window in which a unit is one step of 16 bits, so that the input of a network gives back the values.
fn block() -> DataSpec {
    DataSpec {
        labels: vec![0, 1],
        mask_rule: MaskRule::Exact,
        window: Some([-32768.0, 32767.0]),
        ..only(spec("i/*", "m/*.nii", [ROWS, COLUMNS]))
    }
}

/// Writes a series and a mask at its place.
fn series(files: &[DicomFile]) -> TempDir {
    let dir = tempdir().unwrap();
    files.iter().enumerate().for_each(|(n, file)| file.write(&dir.path().join(format!("i/a/{n}.dcm"))));
    let place = [[-1.5, 0.0, 0.0, 30.0], [0.0, -2.0, 0.0, 20.0], [0.0, 0.0, 5.0, 100.0]];
    let dims = [COLUMNS, ROWS, SLICES].map(|n| n as i16);
    NiftiFile::new(dims, place, &[0; ROWS * COLUMNS * SLICES]).write(&dir.path().join("m/a.nii"));
    dir
}

/// The values of a slice, and its warnings.
type SliceValues = (Vec<i64>, Vec<String>);

fn load(dir: &Path) -> Result<Vec<SliceValues>, RunError> {
    let data = Dataset::open(&block(), dir)?;
    (0..data.len(SplitRole::Train))
        .map(|i| {
            let sample = data.load(SplitRole::Train, i, 1)?;
            let values = sample.image.iter().map(|v| (v * 65535.0).round() as i64 - 32768).collect();
            Ok((values, sample.warnings.into_iter().map(|notice| notice.text).collect()))
        })
        .collect()
}

/// Checks the values of all slices, and returns the notices of the first.
#[track_caller]
fn accepted(files: &[DicomFile], wanted: impl Fn(usize) -> Vec<i64>) -> Vec<String> {
    let dir = series(files);
    let mut slices = load(dir.path()).unwrap();
    assert_eq!(slices.len(), SLICES);
    for (n, (found, _)) in slices.iter().enumerate() {
        assert_eq!(*found, wanted(n), "slice {n}");
    }
    slices.swap_remove(0).1
}

#[track_caller]
fn refusal(files: &[DicomFile], words: &[&str]) {
    let dir = series(files);
    refused(load(dir.path()), words);
}

/// Three slices, each changed.
fn changed(change: impl Fn(usize, &mut DicomFile)) -> Vec<DicomFile> {
    (0..SLICES)
        .map(|n| {
            let mut file = slice(n);
            change(n, &mut file);
            file
        })
        .collect()
}

fn as_wide(slice: usize, value: impl Fn(i64) -> i64) -> Vec<i64> {
    values(slice).into_iter().map(|v| value(i64::from(v))).collect()
}

#[test]
fn values_are_rescaled_slice_by_slice() {
    assert_eq!(accepted(&changed(|_, _| ()), |n| as_wide(n, |v| v)), [""; 0]);
    let files = changed(|n, file| {
        file.text([0x28, 0x1052], "DS", "-1024").text([0x28, 0x1053], "DS", &format!("{}", n + 1));
    });
    accepted(&files, |n| as_wide(n, |v| v * (n as i64 + 1) - 1024));
    let rescaled = |slope: &'static str, intercept: &'static str| {
        changed(move |_, file| {
            [([0x28, 0x1053], slope), ([0x28, 0x1052], intercept)]
                .into_iter()
                .filter(|(_, text)| !text.is_empty())
                .for_each(|(tag, text)| {
                    file.text(tag, "DS", text);
                });
        })
    };
    refusal(&rescaled("0", "-1024"), &["RescaleSlope of the DICOM file is 0"]);
    refusal(&rescaled("1", ""), &["has RescaleSlope and no RescaleIntercept"]);
    refusal(&rescaled("one", "0"), &["is no number"]);
}

#[test]
fn bits_above_the_stored_ones_are_no_values() {
    let rubbish = |n: usize| if n.is_multiple_of(2) { 0xa000 } else { 0x5000 };
    let files =
        changed(|n, file| file.pixels = values(n).iter().flat_map(|v| (v | rubbish(n)).to_le_bytes()).collect());
    accepted(&files, |n| as_wide(n, |v| v));
    // Signed values of 12 bits: the sign is the twelfth bit.
    let files = changed(|n, file| {
        file.number([0x28, 0x103], 1);
        file.pixels = values(n).iter().flat_map(|v| ((2048 + v) & 0xfff | rubbish(n)).to_le_bytes()).collect();
    });
    accepted(&files, |n| as_wide(n, |v| v - 2048));
    refusal(
        &changed(|_, file| {
            file.number([0x28, 0x102], 15).number([0x28, 0x101], 12);
        }),
        &["HighBit 15"],
    );
    refusal(
        &changed(|_, file| {
            file.number([0x28, 0x101], 17);
        }),
        &["contradicts itself", "BitsStored 17"],
    );
    refusal(
        &changed(|_, file| {
            file.number([0x28, 0x100], 12);
        }),
        &["pixels of 12 bits"],
    );
}

#[test]
fn inverted_values_are_turned_round() {
    let files = changed(|_, file| {
        file.text([0x28, 0x04], "CS", "MONOCHROME1");
    });
    let notices = accepted(&files, |n| as_wide(n, |v| 4095 - v));
    assert!(notices[0].contains("stored values are inverted"), "{notices:?}");
    let signed = changed(|_, file| {
        file.text([0x28, 0x04], "CS", "MONOCHROME1").number([0x28, 0x103], 1);
    });
    accepted(&signed, |n| as_wide(n, |v| -1 - v));
    let rescaled = changed(|_, file| {
        file.text([0x28, 0x04], "CS", "MONOCHROME1").text([0x28, 0x1052], "DS", "-1024").text(
            [0x28, 0x1053],
            "DS",
            "1",
        );
    });
    refusal(&rescaled, &["MONOCHROME1 with a rescale of 1 and -1024", "save the series as MONOCHROME2"]);
    let mixed = changed(|n, file| {
        if n == 1 {
            file.text([0x28, 0x04], "CS", "MONOCHROME1");
        }
    });
    refusal(&mixed, &["differ in PhotometricInterpretation"]);
    let both = changed(|_, file| {
        file.text([0x2050, 0x20], "CS", "INVERSE");
    });
    refusal(&both, &["PresentationLUTShape INVERSE"]);
}

#[test]
fn what_is_no_grey_value_is_refused() {
    let with = |tag: [u16; 2], kind: &'static str, value: &'static str| {
        changed(move |_, file| {
            file.text(tag, kind, value);
        })
    };
    refusal(&with([0x28, 0x04], "CS", "PALETTE COLOR"), &["the pixels are PALETTE COLOR"]);
    refusal(
        &changed(|_, file| {
            file.remove([0x28, 0x04]);
        }),
        &["no PhotometricInterpretation"],
    );
    refusal(
        &changed(|_, file| {
            file.number([0x28, 0x02], 3);
        }),
        &["the pixels have 3 samples"],
    );
    refusal(&with([0x08, 0x16], "UI", "1.2.840.10008.5.1.4.1.1.66.4"), &["a DICOM segmentation (SEG)"]);
    refusal(&with([0x28, 0x08], "IS", "3"), &["the file contains 3 frames and does not say where each of them is"]);
    let table = item(&element([0x28, 0x3002], b"US", &[0; 6]));
    let files = changed(|_, file| {
        file.put([0x28, 0x3000], "SQ", &table);
    });
    refusal(&files, &["ModalityLUTSequence"]);
    for (syntax, name) in
        [("4.80", "JPEG-LS"), ("4.90", "JPEG 2000"), ("4.201", "high-throughput JPEG 2000"), ("9.9", "1.2.9.9")]
    {
        let files = changed(|_, file| file.syntax = format!("1.2.840.10008.1.2.{syntax}"));
        refusal(&files, &["i/a/0.dcm", "the pixels are compressed by", name, "gdcmconv"]);
    }
}

#[test]
fn padding_is_told_where_it_occurs() {
    let files = changed(|_, file| {
        file.number([0x28, 0x120], 5);
    });
    let notices = accepted(&files, |n| as_wide(n, |v| v));
    assert_eq!(
        notices,
        ["pixels of the stored value 5 stand for no measurement (PixelPaddingValue); they are read as 5"]
    );
    let files = changed(|_, file| {
        file.number([0x28, 0x120], 4000);
    });
    assert_eq!(accepted(&files, |n| as_wide(n, |v| v)), [""; 0]);
    // The tag is about stored values, and the notice about the values that are read.
    let inverted = changed(|_, file| {
        file.text([0x28, 0x04], "CS", "MONOCHROME1").number([0x28, 0x120], 5);
    });
    let notices = accepted(&inverted, |n| as_wide(n, |v| 4095 - v));
    assert!(
        notices.iter().any(|notice| notice.contains("stored value 5") && notice.contains("read as 4090")),
        "{notices:?}"
    );
}

#[test]
fn the_place_of_slices_is_checked() {
    let without = |tag: [u16; 2]| {
        changed(move |_, file| {
            file.remove(tag);
        })
    };
    refusal(&without([0x28, 0x30]), &["no pixel spacing (PixelSpacing)"]);
    refusal(&without([0x20, 0x32]), &["no position (ImagePositionPatient)"]);
    refusal(&without([0x20, 0x37]), &["no orientation (ImageOrientationPatient)"]);
    let beside = changed(|n, file| {
        if n == 1 {
            file.text([0x20, 0x32], "DS", "-20\\-20\\105");
        }
    });
    refusal(&beside, &["shifted against each other: 1.dcm"]);
    // A gantry tilted by 21.8 degrees: each slice is 2 mm higher than the one before.
    let dir = series(&changed(|n, file| {
        file.text([0x20, 0x32], "DS", &format!("-30\\{}\\{}", -20 + 2 * n as i64, 100 + 5 * n));
    }));
    let place = [[-1.5, 0.0, 0.0, 30.0], [0.0, -2.0, -2.0, 20.0], [0.0, 0.0, 5.0, 100.0]];
    NiftiFile::new([6, 4, 3], place, &[0; ROWS * COLUMNS * SLICES]).write(&dir.path().join("m/a.nii"));
    let notices = &load(dir.path()).unwrap()[0].1;
    assert!(notices[0].contains("not perpendicular, 21.8 degrees off, as with a tilted gantry"), "{notices:?}");
    // The distances differ by less than a missing slice would make them.
    let dir = series(&changed(|n, file| {
        file.text([0x20, 0x32], "DS", &format!("-30\\-20\\{}", [100, 104, 110][n]));
    }));
    let notices = &load(dir.path()).unwrap()[0].1;
    assert!(notices[0].contains("slices are 4.00 to 6.00 mm apart"), "{notices:?}");
}

/// An enhanced file: the place of each frame is in its functional groups, the rest is shared. The frames are stored from head to
/// feet.
fn enhanced([rows, columns]: [usize; 2], rescale: [&str; 2]) -> DicomFile {
    let sequence = |tag: [u16; 2], content: &[u8]| element(tag, b"SQ", &item(content));
    let mut file = DicomFile::new(0, [rows as u16, columns as u16], &[]);
    [[0x20, 0x32], [0x20, 0x37], [0x28, 0x30]].into_iter().for_each(|tag| {
        file.remove(tag);
    });
    file.text([0x28, 0x08], "IS", "3");
    let [slope, intercept] = rescale.map(|text| format!("{text:2}"));
    let rescale = [([0x28, 0x1052], intercept), ([0x28, 0x1053], slope)];
    let rescale: Vec<u8> = rescale.iter().flat_map(|(tag, text)| element(*tag, b"DS", text.as_bytes())).collect();
    let shared = [
        sequence([0x20, 0x9116], &element([0x20, 0x37], b"DS", b"1\\0\\0\\0\\1\\0 ")),
        sequence([0x28, 0x9110], &element([0x28, 0x30], b"DS", b"2\\1.5 ")),
        sequence([0x28, 0x9145], &rescale),
    ];
    let frames: Vec<u8> = (0..SLICES)
        .flat_map(|n| {
            let position = format!("-30\\-20\\{} ", 110 - 5 * n);
            item(&sequence([0x20, 0x9113], &element([0x20, 0x32], b"DS", position.as_bytes())))
        })
        .collect();
    file.before_pixels =
        [sequence([0x5200, 0x9229], &shared.concat()), element([0x5200, 0x9230], b"SQ", &frames)].concat();
    file
}

#[test]
fn frames_with_places_are_slices() {
    let mut file = enhanced([ROWS, COLUMNS], ["2", "10"]);
    file.pixels = (0..SLICES).rev().flat_map(values).flat_map(u16::to_le_bytes).collect();
    let dir = series(&[file.clone()]);
    let slices = load(dir.path()).unwrap();
    for (n, (found, _)) in slices.iter().enumerate() {
        assert_eq!(*found, as_wide(n, |v| 2 * v + 10), "slice {n}");
    }
    // The same with a fragment for each frame.
    file.syntax = RLE.into();
    file.fragments = Some((0..SLICES).rev().map(|n| rle(&values(n))).collect());
    let dir = series(&[file]);
    assert_eq!(load(dir.path()).unwrap(), slices);
}

/// Frames of 3 x 5 values of 8 bits in big-endian words: a word holds the last value of one frame and the first of the next.
#[test]
fn frames_of_odd_size_are_read_from_big_endian_words() {
    let value = |n: usize, i: usize| (40 * n + 2 * i + 1) as u8;
    let mut file = enhanced([3, 5], ["1", "0"]);
    file.syntax = BIG_ENDIAN.into();
    file.number([0x28, 0x100], 8).number([0x28, 0x101], 8).number([0x28, 0x102], 7);
    file.pixels = (0..SLICES).rev().flat_map(|n| (0..15).map(move |i| value(n, i))).chain([0]).collect();
    let dir = tempdir().unwrap();
    file.write(&dir.path().join("i/a/0.dcm"));
    let place = [[-1.5, 0.0, 0.0, 30.0], [0.0, -2.0, 0.0, 20.0], [0.0, 0.0, 5.0, 100.0]];
    NiftiFile::new([5, 3, 3], place, &[0; 45]).write(&dir.path().join("m/a.nii"));
    let data = Dataset::open(&DataSpec { size: [3, 5], ..block() }, dir.path()).unwrap();
    for n in 0..SLICES {
        let sample = data.load(SplitRole::Train, n, 1).unwrap();
        let found: Vec<i64> = sample.image.iter().map(|v| (v * 65535.0).round() as i64 - 32768).collect();
        assert_eq!(found, (0..15).map(|i| i64::from(value(n, i))).collect::<Vec<_>>(), "slice {n}");
    }
}

/// Folders of series are often called by their UIDs, whose last part is no extension.
#[test]
fn listed_series_keep_the_whole_names_of_their_folders() {
    let dir = tempdir().unwrap();
    let place = [[-1.5, 0.0, 0.0, 30.0], [0.0, -2.0, 0.0, 20.0], [0.0, 0.0, 5.0, 100.0]];
    let dims = [COLUMNS, ROWS, SLICES].map(|n| n as i16);
    let mut list = String::from("image,mask\n");
    for name in ["1.2.840.1", "1.2.840.2"] {
        (0..SLICES).for_each(|n| slice(n).write(&dir.path().join(format!("i/{name}/{n}.dcm"))));
        NiftiFile::new(dims, place, &[0; ROWS * COLUMNS * SLICES]).write(&dir.path().join(format!("m/{name}.nii")));
        list += &format!("i/{name},m/{name}.nii\n");
    }
    std::fs::write(dir.path().join("cases.csv"), list).unwrap();
    let source = DataSource::List { list: "cases.csv".into() };
    let data = Dataset::open(&DataSpec { source, ..block() }, dir.path()).unwrap();
    let stems: Vec<&str> = data.cases(SplitRole::Train).iter().map(|case| case.stem.as_str()).collect();
    let wanted: Vec<String> =
        ["1", "2"].iter().flat_map(|n| (0..SLICES).map(move |z| format!("1.2.840.{n}_z{z:04}"))).collect();
    assert_eq!(stems, wanted);
}

/// Compresses values of 16 bits by literals alone.
fn rle(values: &[u16]) -> Vec<u8> {
    let segment = |shift: u32| -> Vec<u8> {
        let bytes: Vec<u8> = values.iter().map(|v| (v >> shift) as u8).collect();
        bytes.chunks(100).flat_map(|part| [&[part.len() as u8 - 1], part].concat()).collect()
    };
    let (high, low) = (segment(8), segment(0));
    let header = [2, 64, 64 + high.len() as u32];
    let mut fragment: Vec<u8> = header.iter().flat_map(|n| n.to_le_bytes()).collect();
    fragment.resize(64, 0);
    [fragment, high, low].concat()
}

#[test]
fn compressed_pixels_are_checked_before_they_are_decoded() {
    let packed = |change: &dyn Fn(&mut Vec<u8>)| {
        changed(|n, file| {
            let mut fragment = rle(&values(n));
            change(&mut fragment);
            file.syntax = RLE.into();
            file.fragments = Some(vec![fragment]);
        })
    };
    accepted(&packed(&|_| ()), |n| as_wide(n, |v| v));
    refusal(&packed(&|fragment| fragment[..64].fill(0xff)), &["the RLE pixels are damaged"]);
    refusal(&packed(&|fragment| fragment.truncate(70)), &["the RLE pixels are damaged"]);
    // A frame header of 16000 x 16000 pixels in a picture of 4 x 6.
    let jpeg = [0xff, 0xd8, 0xff, 0xc3, 0, 11, 16, 0x3e, 0x80, 0x3e, 0x80, 1, 1, 0x11, 0, 0xff, 0xd9, 0];
    let files = changed(|_, file| {
        file.syntax = JPEG_LOSSLESS.into();
        file.fragments = Some(vec![jpeg.to_vec()]);
    });
    refusal(&files, &["their header declares 16000 x 16000 pixels of 1 sample, the file 6 x 4 of 1"]);
}

#[test]
fn hostile_structures_are_refused() {
    let with = |bytes: Vec<u8>| changed(move |_, file| file.before_pixels = bytes.clone());
    let open = [
        0x40, 0x00, 0x75, 0x02, b'S', b'Q', 0, 0, 0xff, 0xff, 0xff, 0xff, 0xfe, 0xff, 0x00, 0xe0, 0xff, 0xff, 0xff,
        0xff,
    ];
    refusal(&with(open.repeat(20_000)), &["0.dcm", "nested more than 32 deep"]);
    refusal(&with(open.to_vec()), &["0.dcm", "do not end"]);
    let mut long = open.to_vec();
    long.extend([0x40, 0x00, 0x75, 0x02, b'O', b'B', 0, 0, 0xf0, 0xff, 0xff, 0xff]);
    refusal(&with(long), &["element (0040,0275) declares 4,294,967,280 bytes"]);
    let shorter = changed(|_, file| {
        file.pixels.pop();
    });
    refusal(&shorter, &["contains 47 bytes of pixels, but its header declares 48"]);
    let rows = |n: u16| {
        changed(move |_, file| {
            file.number([0x28, 0x10], n);
        })
    };
    refusal(&rows(5), &["contains 48 bytes of pixels, but its header declares 60"]);
    refusal(&rows(0), &["unsupported picture of 6 x 0 pixels"]);
}

/// Files with a few wrong bytes are read or refused by name; nothing panics.
#[test]
fn damaged_files_are_read_or_refused() {
    let rounds = if std::env::var_os("NPC_LONG").is_some() { 20_000 } else { 400 };
    let mut packed = slice(1);
    packed.syntax = RLE.into();
    packed.fragments = Some(vec![rle(&values(1))]);
    packed.before_pixels = element([0x28, 0x3010], b"SQ", &item(&element([0x28, 0x3002], b"US", &[1, 2, 3, 4])));
    let originals = [slice(1).bytes(), packed.bytes()];
    let dir = series(&[slice(1)]);
    let mut state = 1u64;
    let mut random = |limit: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % limit
    };
    for round in 0..rounds {
        let mut bytes = originals[round % 2].clone();
        for _ in 0..1 + random(3) {
            let at = 132 + random(bytes.len() - 132);
            match random(4) {
                0 => bytes[at] = 0xff,
                1 => bytes[at] ^= 1 << random(8),
                2 => bytes.truncate(at.max(140)),
                _ => drop(bytes.splice(at..at, [0xfe, 0xff, 0x00, 0xe0])),
            }
        }
        std::fs::write(dir.path().join("i/a/0.dcm"), &bytes).unwrap();
        if let Err(error) = load(dir.path()) {
            assert!(error.to_string().contains(&dir.path().display().to_string()), "{error}");
        }
    }
}
