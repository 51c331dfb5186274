//! Folders of DICOM series: which files are slices, and what becomes of the others.

use crate::support::data_sets::{only, refused, spec};
use crate::support::dicom_file::DicomFile;
use crate::support::nifti_file::NiftiFile;
use npc::internals::base::error::RunError;
use npc::internals::data::notice::FileNotice;
use npc::internals::data::prediction_inputs::{OutputEndings, find_inputs};
use npc::internals::data::survey::survey;
use npc::internals::data::{Dataset, SplitRole};
use npc::text::config::{DataSpec, MaskRule};
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::{TempDir, tempdir};

const SIZE: [usize; 2] = [4, 6];
const SLICES: usize = 3;

fn block() -> DataSpec {
    let window = Some([0.0, 1000.0]);
    DataSpec { labels: vec![0, 1], mask_rule: MaskRule::Exact, window, ..only(spec("i/*", "m/*.nii", SIZE)) }
}

fn slice(n: usize) -> DicomFile {
    let values: Vec<u16> = (0..24).map(|i| (100 * n + 3 * i) as u16).collect();
    DicomFile::new(n, SIZE.map(|side| side as u16), &values)
}

/// Writes a series of three slices under these names, and a mask at its place.
fn series(names: [&str; SLICES]) -> TempDir {
    let dir = tempdir().unwrap();
    names.iter().enumerate().for_each(|(n, name)| slice(n).write(&dir.path().join("i/a").join(name)));
    let place = [[-1.5, 0.0, 0.0, 30.0], [0.0, -2.0, 0.0, 20.0], [0.0, 0.0, 5.0, 100.0]];
    NiftiFile::new([6, 4, 3], place, &[0; 72]).write(&dir.path().join("m/a.nii"));
    dir
}

/// Returns the notices about the first slice.
fn notices(dir: &Path) -> Result<Vec<String>, RunError> {
    let data = Dataset::open(&block(), dir)?;
    assert_eq!(data.len(SplitRole::Train), SLICES);
    Ok(data.load(SplitRole::Train, 0, 1)?.warnings.into_iter().map(|notice: FileNotice| notice.text).collect())
}

/// Returns the number of inputs of a prediction below `i`, and what is skipped there.
fn inputs(dir: &Path) -> (usize, Vec<PathBuf>) {
    let ends = |end: &str| vec![end.to_string()];
    let ends = OutputEndings { picture: ends(".png"), volume: ends(".nii.gz") };
    let inputs = find_inputs(&[dir.join("i")], &dir.join("out"), &ends).unwrap();
    (inputs.found.len(), inputs.skipped)
}

/// Names of the slices, and of a further file that is named like them.
const KINDS: [([&str; SLICES], &str); 5] = [
    (["1.dcm", "2.dcm", "3.dcm"], "4.DCM"),
    (["1.IMA", "2.IMA", "3.IMA"], "4.ima"),
    (["I1", "I2", "I3"], "I4"),
    (["1.2.840.1", "1.2.840.2", "1.2.840.13"], "1.2.840.104"),
    (["I1", "I2", "I3"], "I4.dicom"),
];

#[test]
fn a_file_named_like_a_slice_that_is_none_is_refused() {
    let page = b"<!DOCTYPE html><html>404</html>".repeat(9);
    let whole = slice(3).bytes();
    let contents: [(&[u8], &str); 6] = [
        (b"", "the file is empty"),
        (&whole[..100], "the file is truncated: it has 100 bytes"),
        (&[0; 900], "not a DICOM file"),
        (&page, "the file contains text"),
        (b"404", "the file contains text"),
        (&whole[1..], "not a DICOM file"),
    ];
    for (names, other) in KINDS {
        for (content, cause) in contents {
            let dir = series(names);
            assert_eq!(notices(dir.path()).unwrap(), [""; 0]);
            fs::write(dir.path().join("i/a").join(other), content).unwrap();
            refused(notices(dir.path()), &[other, cause, "move it out of the folder"]);
            let found = survey(&block(), dir.path(), None, &|_, _| {});
            assert!(found.has_errors(), "{other}: {cause}");
            // The series stays an input of a prediction, whose reading fails.
            assert_eq!(inputs(dir.path()).0, 1);
        }
    }
}

/// A series of one file that is no DICOM file is a series still, and its error names the file.
#[test]
fn a_folder_of_broken_slices_is_a_series() {
    let dir = series(["1.dcm", "2.dcm", "3.dcm"]);
    for name in ["1.dcm", "2.dcm", "3.dcm"] {
        fs::write(dir.path().join("i/a").join(name), b"").unwrap();
    }
    refused(notices(dir.path()), &["i/a/1.dcm", "the file is empty"]);
    // Nested, with a broken slice above.
    let dir = series(["1.dcm", "2.dcm", "3.dcm"]);
    fs::rename(dir.path().join("i/a"), dir.path().join("inner")).unwrap();
    fs::create_dir(dir.path().join("i/a")).unwrap();
    fs::rename(dir.path().join("inner"), dir.path().join("i/a/inner")).unwrap();
    assert_eq!(notices(dir.path()).unwrap(), [""; 0]);
    fs::write(dir.path().join("i/a/0.dcm"), b"").unwrap();
    refused(notices(dir.path()), &["i/a/0.dcm", "the file is empty"]);
}

#[cfg(unix)]
#[test]
fn links_and_pipes_named_like_slices_are_refused() {
    let dir = series(["1.dcm", "2.dcm", "3.dcm"]);
    let at = |name: &str| dir.path().join("i/a").join(name);
    std::os::unix::fs::symlink("gone.dcm", at("4.dcm")).unwrap();
    refused(notices(dir.path()), &["4.dcm", "the symbolic link leads to `gone.dcm`"]);
    fs::remove_file(at("4.dcm")).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(at("4.dcm")).status().unwrap().success());
    refused(notices(dir.path()), &["4.dcm", "it is not a plain file"]);
    fs::remove_file(at("4.dcm")).unwrap();
    // A link to a slice is a slice.
    fs::rename(at("3.dcm"), dir.path().join("third")).unwrap();
    std::os::unix::fs::symlink(dir.path().join("third"), at("3.dcm")).unwrap();
    assert_eq!(notices(dir.path()).unwrap(), [""; 0]);
}

#[test]
fn what_is_left_out_of_a_series_is_told() {
    let dir = series(["1.dcm", "2.dcm", "3.dcm"]);
    let at = |name: &str| dir.path().join("i/a").join(name);
    // What systems and archives leave, and texts.
    let attributes = b"\0\x05\x16\x07\0\x02\0\0Mac OS X        ";
    for name in [".DS_Store", "Thumbs.db", "desktop.ini", "._1.dcm", "._4.dcm", ".gitignore", "notes.txt", "a.json"] {
        fs::write(at(name), attributes).unwrap();
    }
    slice(3).write(&at("DICOMDIR"));
    assert_eq!(notices(dir.path()).unwrap(), [""; 0]);
    assert_eq!(inputs(dir.path()), (1, vec![]));
    slice(3).write(&at("4.dcm.part"));
    let one = "1 file of its folder is no slice of the series and is left out: 4.dcm.part";
    assert_eq!(notices(dir.path()).unwrap(), [one]);
    // Once, with the series, and not a second time among the files that are not predicted.
    assert_eq!(inputs(dir.path()), (1, vec![]));
    let names = [".5.dcm", "0.dcm.crdownload", "4.dcm.bak", "4.dcm.tmp", "4.dcm~", "I5.partial", "a.download", "x.jpg"];
    for name in names {
        slice(3).write(&at(name));
    }
    fs::write(at(".6.dcm"), b"").unwrap();
    slice(3).write(&at("more/1.dcm"));
    fs::write(at("x.jpg"), [0xff, 0xd8, 0xff, 0xe0]).unwrap();
    let told = notices(dir.path()).unwrap();
    assert!(told[0].starts_with("11 files of its folder are no slices of the series and are left out: "), "{told:?}");
    for name in names.into_iter().filter(|name| *name != "x.jpg").chain([".6.dcm", "4.dcm.part"]) {
        assert!(told[0].contains(name) || told[0].contains("and 1 more"), "{name}: {told:?}");
    }
}

/// A folder with an unfinished file alone is no series, wherever it is met.
#[test]
fn unfinished_files_are_no_series_and_no_pictures() {
    let dir = series(["1.dcm", "2.dcm", "3.dcm"]);
    slice(0).write(&dir.path().join("i/b/1.dcm.part"));
    assert_eq!(inputs(dir.path()), (1, vec![dir.path().join("i/b/1.dcm.part")]));
    // Nothing of these has the first bytes of a picture yet.
    for name in ["a.png.part", "b.tif.crdownload", "c.nii.gz.partial", "d.png.txt", "e.part"] {
        fs::write(dir.path().join("i/b").join(name), [0; 40]).unwrap();
    }
    let names = ["1.dcm.part", "a.png.part", "b.tif.crdownload", "c.nii.gz.partial"];
    assert_eq!(inputs(dir.path()).1, names.map(|name| dir.path().join("i/b").join(name)));
    fs::copy(dir.path().join("i/b/a.png.part"), dir.path().join("i/a.png.part")).unwrap();
    let data = Dataset::open(&block(), dir.path()).unwrap();
    assert!(data.doubts().iter().any(|doubt| doubt.contains("i/a.png.part")), "{:?}", data.doubts());
}
