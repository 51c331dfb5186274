//! Headers of DICOM series that contradict each other or the positions of the slices, and data sets without an end.

use crate::support::data_sets::{only, refused, spec};
use crate::support::dicom_file::{DicomFile, element, item};
use crate::support::nifti_file::NiftiFile;
use flate2::Compression;
use flate2::write::DeflateEncoder;
use npc::internals::base::error::RunError;
use npc::internals::data::{Dataset, SplitRole};
use npc::text::config::{DataSpec, MaskRule};
use std::fs;
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};
use tempfile::{TempDir, tempdir};

const SIZE: [usize; 2] = [4, 6];
const SLICES: usize = 3;
const DEFLATED: &str = "1.2.840.10008.1.2.1.99";

/// A series of three slices, each changed, with a mask at its place.
fn series(change: impl Fn(usize, &mut DicomFile)) -> TempDir {
    let dir = tempdir().unwrap();
    for n in 0..SLICES {
        let values: Vec<u16> = (0..24).map(|i| 100 * n as u16 + 7 * i).collect();
        let mut file = DicomFile::new(n, SIZE.map(|side| side as u16), &values);
        change(n, &mut file);
        file.write(&dir.path().join(format!("i/a/{n}.dcm")));
    }
    let place = [[-1.5, 0.0, 0.0, 30.0], [0.0, -2.0, 0.0, 20.0], [0.0, 0.0, 5.0, 100.0]];
    NiftiFile::new([6, 4, 3], place, &[0; 72]).write(&dir.path().join("m/a.nii"));
    dir
}

/// Reads the first slice and returns the notices about it.
fn load(dir: &Path) -> Result<Vec<String>, RunError> {
    let block = DataSpec {
        labels: vec![0, 1],
        mask_rule: MaskRule::Exact,
        window: Some([0.0, 400.0]),
        ..only(spec("i/*", "m/*.nii", SIZE))
    };
    let sample = Dataset::open(&block, dir)?.load(SplitRole::Train, 0, 1)?;
    Ok(sample.warnings.into_iter().map(|notice| notice.text).collect())
}

fn notices(change: impl Fn(usize, &mut DicomFile)) -> Vec<String> {
    load(series(change).path()).unwrap()
}

#[test]
fn slices_of_two_patients_studies_or_frames_are_refused() {
    let owners = [
        ([0x10, 0x20], "LO", "0.dcm and 1.dcm belong to different patients (PatientID)"),
        ([0x20, 0x0d], "UI", "0.dcm and 1.dcm belong to different studies (StudyInstanceUID)"),
        ([0x20, 0x52], "UI", "0.dcm and 1.dcm have different frames of reference (FrameOfReferenceUID)"),
    ];
    for (tag, kind, words) in owners {
        let with = |other: &'static str| {
            series(move |n, file| {
                file.text(tag, kind, if n == 1 { other } else { "1.2.345" });
            })
        };
        let text = refused(load(with("1.2.346").path()), &[words, "put each series into a folder of its own"]);
        assert!(!text.contains("1.2.34"), "identifiers of patients are shown: {text}");
        // A slice without the field says nothing.
        for same in ["1.2.345", ""] {
            assert_eq!(load(with(same).path()).unwrap(), Vec::<String>::new());
        }
    }
}

#[test]
fn a_spacing_between_slices_that_the_positions_do_not_have_is_told() {
    let declared = |mm: &'static str| {
        notices(move |_, file| {
            file.text([0x18, 0x88], "DS", mm);
        })
    };
    assert_eq!(declared("5"), Vec::<String>::new());
    assert_eq!(declared("-5.0"), Vec::<String>::new());
    assert_eq!(
        declared("2.5"),
        ["SpacingBetweenSlices says 2.50 mm, the positions of the slices 5.00 mm; the positions are used"]
    );
}

#[test]
fn real_world_values_that_are_not_applied_are_told() {
    let mapped = |slope: f64, intercept: f64, rescale: &'static str| {
        notices(move |_, file| {
            let numbers = [([0x40, 0x9224], intercept), ([0x40, 0x9225], slope)];
            let content: Vec<u8> =
                numbers.iter().flat_map(|(tag, number)| element(*tag, b"FD", &number.to_le_bytes())).collect();
            file.put([0x40, 0x9096], "SQ", &item(&content));
            file.text([0x28, 0x1053], "DS", rescale).text([0x28, 0x1052], "DS", "0");
        })
    };
    let text = "the real-world values (RealWorldValueMappingSequence, slope 3, intercept 7) are not applied; \
                RescaleSlope and RescaleIntercept are";
    assert_eq!(mapped(3.0, 7.0, "1"), [text]);
    assert_eq!(mapped(3.0, 0.0, "3"), Vec::<String>::new());
    let table = notices(|_, file| {
        file.put([0x40, 0x9096], "SQ", &item(&element([0x40, 0x9210], b"SH", b"T1")));
    });
    assert!(table[0].contains("(RealWorldValueMappingSequence, a table) are not applied"), "{table:?}");
}

/// A file whose deflated data set is `content`, repeated.
fn deflated(content: &[u8], times: usize) -> Vec<u8> {
    let mut file = [&[0; 128][..], b"DICM"].concat();
    file.extend(element([2, 0x10], b"UI", DEFLATED.as_bytes()));
    let mut stream = DeflateEncoder::new(file, Compression::best());
    (0..times).for_each(|_| stream.write_all(content).unwrap());
    stream.finish().unwrap()
}

/// A file of a megabyte may unpack to a gigabyte of elements: reading ends long before.
#[test]
fn data_sets_without_an_end_are_refused_in_bounded_time() {
    let dir = series(|_, _| {});
    let empty = [0x09, 0x00, 0x10, 0x00, b'U', b'S', 0, 0];
    let open = [0x40, 0x00, 0x75, 0x02, b'S', b'Q', 0, 0, 0xff, 0xff, 0xff, 0xff];
    let items = [0xfe, 0xff, 0x00, 0xe0, 0, 0, 0, 0];
    let endless = [
        (deflated(&[0; 1 << 16], 4096), "element (0000,0000) belongs to no data set"),
        (deflated(&empty.repeat(1 << 13), 1024), "holds more than 2097152 elements before its pixels"),
        (deflated(&[&open[..], &items.repeat(1 << 22)].concat(), 1), "holds more than 2097152 elements"),
        (
            deflated(&[0x42, 0x00, 0x11, 0x00, b'O', b'B', 0, 0, 0xf0, 0xff, 0xff, 0xff, 1, 2, 3], 1),
            "element (0042,0011) declares 4,294,967,280 bytes, more than a deflated file may hold (1 GiB)",
        ),
    ];
    for (bytes, words) in endless {
        fs::write(dir.path().join("i/a/1.dcm"), &bytes).unwrap();
        let start = Instant::now();
        refused(load(dir.path()), &["1.dcm", words]);
        assert!(start.elapsed() < Duration::from_secs(60), "{words}: {:?}", start.elapsed());
    }
}
