//! Volumes against nibabel's and pydicom's own arrays: tests/reference/make_volumes.py wrote the files and their
//! expected contents.

use crate::support::data_sets::{grey, only, refused, spec, stems};
use crate::support::repository::repository;
use npc::internals::data::{Dataset, SplitRole};
use npc::text::config::{DataSource, DataSpec, MaskRule, SliceAxis, SliceSelection, Slicing};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};

fn volumes() -> PathBuf {
    repository("tests/reference/volumes")
}

fn expected() -> Value {
    serde_json::from_str(&fs::read_to_string(volumes().join("expected.json")).unwrap()).unwrap()
}

/// An intensity window in which one unit is one step of 16 bits, so that the output equals the stored values.
const WINDOW: Option<[f64; 2]> = Some([-32768.0, 32767.0]);

fn three_class_spec(images: &str, masks: &str, axis: SliceAxis, size: [usize; 2]) -> DataSpec {
    DataSpec {
        classes: vec!["rest".into(), "one".into(), "two".into()],
        labels: vec![0, 1, 2],
        mask_rule: MaskRule::Exact,
        window: WINDOW,
        slicing: Slicing { axis, slices: SliceSelection::All },
        ..only(spec(images, masks, size))
    }
}

fn pixel_values(picture: &Value) -> Vec<i64> {
    let pixel_values = picture.as_array().unwrap();
    pixel_values.iter().flat_map(|r| r.as_array().unwrap().iter().map(|v| v.as_f64().unwrap() as i64)).collect()
}

fn size(picture: &Value) -> [usize; 2] {
    let pixel_values = picture.as_array().unwrap();
    [pixel_values.len(), pixel_values[0].as_array().unwrap().len()]
}

/// Returns the stored values of a case.
fn stored(data: &Dataset, index: usize) -> Vec<i64> {
    let sample = data.load(SplitRole::Train, index, 1).unwrap();
    sample.image.iter().map(|v| (v * 65535.0).round() as i64 - 32768).collect()
}

#[test]
fn slices_agree_with_nibabel() {
    let expected = expected();
    for (axis, name) in
        [(SliceAxis::Axial, "axial"), (SliceAxis::Coronal, "coronal"), (SliceAxis::Sagittal, "sagittal")]
    {
        for codes in ["RAS", "LPS", "LPI", "SRA"] {
            let of = &expected[format!("imagesTr/{codes}_0000.nii.gz")];
            let pictures = of["slices"][name].as_array().unwrap();
            let spec = three_class_spec(
                &format!("imagesTr/{codes}*_0000.nii.gz"),
                &format!("labelsTr/{codes}*.nii.gz"),
                axis,
                size(&pictures[0]),
            );
            // The star has to match something.
            let refusal = Dataset::open(&spec, &volumes());
            assert!(refusal.is_err(), "a star matches nothing");
            let spec = three_class_spec("imagesTr/*_0000.nii.gz", "labelsTr/*.nii.gz", axis, size(&pictures[0]));
            let data = Dataset::open(&spec, &volumes()).unwrap();
            let all = stems(&data, SplitRole::Train);
            for (k, picture) in pictures.iter().enumerate() {
                let number = of["numbers"][name][k].as_u64().unwrap();
                let i = all.iter().position(|s| *s == format!("{codes}_z{number:04}")).unwrap();
                assert_eq!(stored(&data, i), pixel_values(picture), "{codes} {name} {k}");
                let (truth, shape, _) = data.truth(SplitRole::Train, i).unwrap();
                assert_eq!(shape, size(picture));
                let mask: Vec<i64> = truth.iter().map(|&v| i64::from(v)).collect();
                assert_eq!(mask, pixel_values(&of["masks"][name][k]), "mask of {codes} {name} {k}");
                assert_eq!(data.group(SplitRole::Train, i), Some(codes));
                let spacing = data.header_spacing(SplitRole::Train, i).unwrap().unwrap();
                for (got, wanted) in spacing.iter().zip(of["spacing"][name].as_array().unwrap()) {
                    assert!((got - wanted.as_f64().unwrap()).abs() < 1e-6, "{codes} {name}: {spacing:?}");
                }
            }
        }
    }
}

/// Every sample type, both byte orders, scaling, and a grid that only the qform defines.
#[test]
fn sample_types_are_read_as_nibabel_reads_them() {
    let dir = tempfile::tempdir().unwrap();
    for (name, of) in expected().as_object().unwrap().iter().filter(|(name, _)| name.starts_with("kinds/")) {
        let path = volumes().join(name).display().to_string();
        // A file is not its own mask.
        let mask = dir.path().join(Path::new(name).file_name().unwrap());
        fs::copy(&path, &mask).unwrap();
        fs::write(dir.path().join("list.csv"), format!("image,mask\n{path},{}\n", mask.display())).unwrap();
        let pictures = of["slices"]["axial"].as_array().unwrap();
        let source = DataSource::List { list: "list.csv".into() };
        let mask_rule = MaskRule::ThresholdAt(0);
        let spec = DataSpec { source, window: WINDOW, mask_rule, ..only(spec("", "", size(&pictures[0]))) };
        let data = Dataset::open(&spec, dir.path()).unwrap();
        assert_eq!(data.len(SplitRole::Train), pictures.len());
        // Cases are sorted by the number in the file's array.
        let down = of["codes"].as_str().unwrap().contains('I');
        for i in 0..pictures.len() {
            let k = if down { pictures.len() - 1 - i } else { i };
            assert_eq!(stored(&data, i), pixel_values(&pictures[k]), "{name} {i}");
        }
        let spacing = data.header_spacing(SplitRole::Train, 0).unwrap().unwrap();
        for (got, wanted) in spacing.iter().zip(of["spacing"]["axial"].as_array().unwrap()) {
            assert!((got - wanted.as_f64().unwrap()).abs() < 1e-5, "{name}: {spacing:?}");
        }
    }
}

#[test]
fn series_agree_with_pydicom() {
    let expected = expected();
    let spec = three_class_spec("series/*", "segmentations/*.nii.gz", SliceAxis::Axial, [7, 6]);
    let data = Dataset::open(&spec, &volumes()).unwrap();
    assert_eq!(data.len(SplitRole::Train), 10);
    for (s, name) in ["a", "b"].into_iter().enumerate() {
        let of = &expected[format!("series/{name}")];
        for k in 0..5 {
            let i = s * 5 + k;
            assert_eq!(data.cases(SplitRole::Train)[i].stem, format!("{name}_z{k:04}"));
            assert_eq!(stored(&data, i), pixel_values(&of["slices"]["axial"][k]), "{name} {k}");
            let truth: Vec<i64> = data.truth(SplitRole::Train, i).unwrap().0.iter().map(|&v| i64::from(v)).collect();
            assert_eq!(truth, pixel_values(&of["masks"]["axial"][k]), "mask of {name} {k}");
            assert_eq!(data.header_spacing(SplitRole::Train, i).unwrap(), Some([1.5, 0.75]));
        }
    }
}

/// Pictures belong to slices by name, or else in the order of InstanceNumber, which here runs from head to feet.
#[test]
fn pictures_are_masks_of_a_series() {
    let expected = expected();
    for names in [["001", "002", "003", "004", "005"], ["m1", "m2", "m9", "m10", "m11"]] {
        let dir = tempfile::tempdir().unwrap();
        for (n, name) in names.iter().enumerate() {
            let mask: Vec<u8> =
                pixel_values(&expected["series/a"]["masks"]["axial"][4 - n]).iter().map(|&v| v as u8).collect();
            grey(&dir.path().join(format!("masks/a/{name}.png")), [7, 6], &mask);
            fs::create_dir_all(dir.path().join("series/a")).unwrap();
            let from = volumes().join(format!("series/a/{:03}.dcm", n + 1));
            fs::copy(from, dir.path().join(format!("series/a/{:03}.dcm", n + 1))).unwrap();
        }
        let data =
            Dataset::open(&three_class_spec("series/*", "masks/*", SliceAxis::Axial, [7, 6]), dir.path()).unwrap();
        for k in 0..5 {
            let truth: Vec<i64> = data.truth(SplitRole::Train, k).unwrap().0.iter().map(|&v| i64::from(v)).collect();
            assert_eq!(truth, pixel_values(&expected["series/a"]["masks"]["axial"][k]), "{names:?} {k}");
        }
    }
}

#[test]
fn slices_are_chosen() {
    let chosen = |slices| {
        let spec = three_class_spec("imagesTr/*_0000.nii.gz", "labelsTr/*.nii.gz", SliceAxis::Axial, [7, 6]);
        let data = Dataset::open(&DataSpec { slicing: Slicing { axis: SliceAxis::Axial, slices }, ..spec }, &volumes())
            .unwrap();
        let of = |codes: &str| -> Vec<String> {
            let all = stems(&data, SplitRole::Train).into_iter().filter(|s| s.starts_with(codes));
            all.map(|s| s[s.len() - 1..].to_string()).collect()
        };
        [of("LPS"), of("LPI")].map(|s| s.concat())
    };
    assert_eq!(chosen(SliceSelection::All), ["01234", "01234"]);
    // The first two slices from the feet are empty; in the file, stored from head to feet, they are the last two.
    assert_eq!(chosen(SliceSelection::Labelled), ["234", "012"]);
    assert_eq!(chosen(SliceSelection::Every(2)), ["024", "024"]);
}

/// The slices of a volume share one read: after its file is removed, the other slices still load.
#[test]
fn a_volume_is_read_once() {
    let dir = tempfile::tempdir().unwrap();
    for (folder, name) in [("imagesTr", "LPS_0000.nii.gz"), ("labelsTr", "LPS.nii.gz")] {
        fs::create_dir_all(dir.path().join(folder)).unwrap();
        fs::copy(volumes().join(folder).join(name), dir.path().join(folder).join(name)).unwrap();
    }
    let spec = three_class_spec("imagesTr/*_0000.nii.gz", "labelsTr/*.nii.gz", SliceAxis::Axial, [7, 6]);
    let data = Dataset::open(&spec, dir.path()).unwrap();
    data.load(SplitRole::Train, 0, 1).unwrap();
    fs::remove_dir_all(dir.path().join("imagesTr")).unwrap();
    fs::remove_dir_all(dir.path().join("labelsTr")).unwrap();
    (1..5).for_each(|i| drop(data.load(SplitRole::Train, i, 1).unwrap()));
    // A bound of 0 bytes keeps only the volume used last: here the mask, so that the image is read again.
    let small = Dataset::open(
        &DataSpec {
            cache_mb: 0,
            ..three_class_spec("imagesTr/*_0000.nii.gz", "labelsTr/*.nii.gz", SliceAxis::Axial, [7, 6])
        },
        &volumes(),
    )
    .unwrap();
    let first = small.load(SplitRole::Train, 0, 1).unwrap();
    assert_eq!(small.load(SplitRole::Train, 0, 1).unwrap(), first);
}

#[test]
fn damaged_volumes_are_refused_by_name() {
    let step = if std::env::var_os("NPC_LONG").is_some() { 1 } else { 23 };
    let dir = tempfile::tempdir().unwrap();
    let whole = fs::read(volumes().join("imagesTr/LPS_0000.nii.gz")).unwrap();
    fs::create_dir_all(dir.path().join("m")).unwrap();
    fs::copy(volumes().join("labelsTr/LPS.nii.gz"), dir.path().join("m/a.nii.gz")).unwrap();
    let path = dir.path().join("i/a.nii.gz");
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let spec = three_class_spec("i/*.nii.gz", "m/*.nii.gz", SliceAxis::Axial, [7, 6]);
    let read = || Dataset::open(&spec, dir.path()).and_then(|data| data.load(SplitRole::Train, 0, 1));
    for part in [0, 1, 10, whole.len() / 2, whole.len() - 9, whole.len() - 1] {
        fs::write(&path, &whole[..part]).unwrap();
        refused(read(), &["a.nii.gz"]);
    }
    // Any byte after the gzip header may be wrong: the checksum detects it. The bits that fill the stream's last byte
    // have no meaning.
    for at in (10..whole.len()).step_by(step).filter(|at| *at != whole.len() - 9) {
        let mut damaged = whole.clone();
        damaged[at] ^= 0x10;
        fs::write(&path, &damaged).unwrap();
        refused(read(), &["a.nii.gz"]);
    }
    // Any byte of the header may be wrong: the file is refused or read, and never causes a panic.
    let plain = fs::read(volumes().join("kinds/uint16.nii")).unwrap();
    for at in (0..352).step_by(step / 3 + 1) {
        for bits in [0x80, 0x01] {
            let mut damaged = plain.clone();
            damaged[at] ^= bits;
            fs::write(dir.path().join("i/a.nii.gz"), &damaged).unwrap();
            if let Err(error) = read() {
                assert!(error.to_string().contains("a.nii.gz"), "{error}");
            }
        }
    }
    // The same holds for a DICOM file.
    let dicom = fs::read(volumes().join("series/b/003.dcm")).unwrap();
    fs::create_dir_all(dir.path().join("s/a")).unwrap();
    let spec = three_class_spec("s/*", "m/*.nii.gz", SliceAxis::Axial, [7, 6]);
    let path = dir.path().join("s/a/1.dcm");
    for at in (132..dicom.len()).step_by(step) {
        let mut damaged = dicom.clone();
        damaged[at] ^= 0x10;
        fs::write(&path, &damaged).unwrap();
        if let Err(error) = Dataset::open(&spec, dir.path()).and_then(|data| data.load(SplitRole::Train, 0, 1)) {
            assert!(error.to_string().contains(&dir.path().display().to_string()), "{error}");
        }
    }
}

#[test]
fn files_that_form_no_series_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let copy = |from: &str, to: &str| {
        let to: &Path = &dir.path().join(to);
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::copy(volumes().join(from), to).unwrap();
    };
    (1..=5).for_each(|n| copy(&format!("series/a/{n:03}.dcm"), &format!("s/a/study/{n}.dcm")));
    copy("segmentations/a.nii.gz", "m/a.nii.gz");
    let open = || Dataset::open(&three_class_spec("s/*", "m/*.nii.gz", SliceAxis::Axial, [7, 6]), dir.path());
    // The series is nested in the only folder, as in archives.
    assert_eq!(open().unwrap().len(SplitRole::Train), 5);
    copy("series/b/003.dcm", "s/a/study/6.dcm");
    refused(open(), &["s/a/study", "1.dcm and 6.dcm belong to different series", "a folder of its own"]);
    copy("series/a/003.dcm", "s/a/study/6.dcm");
    refused(open(), &["3.dcm and 6.dcm have the same position"]);
    fs::remove_file(dir.path().join("s/a/study/6.dcm")).unwrap();
    fs::remove_file(dir.path().join("s/a/study/3.dcm")).unwrap();
    refused(open(), &["a slice is missing: 4.dcm and 2.dcm are 5.00 mm apart, but other slices are 2.50 mm apart"]);
}
