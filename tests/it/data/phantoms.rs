//! Phantoms in memory and on disk, and the atomic replacement of files.

use crate::support::data_sets::{phantoms, refused, spec, stems};
use npc::internals::base::atomic::write_atomic;
use npc::internals::data::{Dataset, SplitRole, phantom};
use npc::text::config::{DataSpec, Split};
use std::fs;
use tempfile::tempdir;

#[test]
fn phantoms_are_the_same_everywhere() {
    let sum = |index| {
        let slice = phantom::draw(11, index, [64, 80]);
        slice.hu.iter().zip(&slice.lungs).fold(0u64, |hash, (&hu, &lung)| {
            (hash ^ (hu as u16 as u64) << 1 ^ u64::from(lung)).wrapping_mul(0x100_0000_01b3).rotate_left(23)
        })
    };
    assert_eq!([sum(0), sum(1), sum(1000)], [13513516900284385120, 3001293331914536176, 9682829307071180130]);
}

#[test]
fn phantoms_need_more_than_a_threshold() {
    let (mut best, mut share) = (0.0f64, Vec::new());
    let slices: Vec<_> = (0..24).map(|i| phantom::draw(5, i, [128, 128])).collect();
    for slice in &slices {
        let lung = slice.lungs.iter().filter(|&&v| v == 1).count() as f64 / slice.lungs.len() as f64;
        assert!((0.01..0.45).contains(&lung), "{lung}");
        share.push(lung);
        // Air that is not lung is inside the body or around it.
        assert!(slice.hu.iter().zip(&slice.lungs).any(|(&hu, &l)| hu < -900 && l == 0));
    }
    for threshold in (-1000..=-200).step_by(50) {
        let (mut both, mut either) = (0, 0);
        for (hu, lung) in slices.iter().flat_map(|s| s.hu.iter().zip(&s.lungs)) {
            let found = *hu < threshold && *hu > -980;
            both += u32::from(found && *lung == 1);
            either += u32::from(found || *lung == 1);
        }
        best = best.max(f64::from(both) / f64::from(either));
    }
    assert!(best < 0.6, "{best}");
    assert!(share.iter().fold(0.0f64, |a, &b| a.max(b)) > 2.0 * share.iter().fold(1.0f64, |a, &b| a.min(b)));
}

#[test]
fn phantoms_on_disk_are_those_in_memory() {
    let dir = tempdir().unwrap();
    phantom::write_phantoms(dir.path(), 10, 7, [48, 48]).unwrap();
    let lists = Split::Lists { train: "train.txt".into(), val: None, test: "test.txt".into() };
    let files = DataSpec {
        split: lists.clone(),
        window: Some(phantom::WINDOW),
        ..spec("images/*.tif", "masks/*.tif", [48, 48])
    };
    let files = Dataset::open(&files, dir.path()).unwrap();
    let made = Dataset::open(&DataSpec { split: lists, ..phantoms(10, [48, 48]) }, dir.path()).unwrap();
    assert_eq!((files.len(SplitRole::Train), files.len(SplitRole::Test)), (8, 2));
    for role in [SplitRole::Train, SplitRole::Test] {
        assert_eq!(stems(&files, role), stems(&made, role));
        for i in 0..files.len(role) {
            assert_eq!(files.load(role, i, 1).unwrap(), made.load(role, i, 1).unwrap());
            assert_eq!(files.truth(role, i).unwrap(), made.truth(role, i).unwrap());
            assert_eq!(files.picture(role, i, 3).unwrap(), made.picture(role, i, 3).unwrap());
        }
    }
    refused(phantom::write_phantoms(dir.path(), 1, 7, [8, 8]), &["1 phantom cannot"]);
    refused(Dataset::open(&phantoms(0, [8, 8]), dir.path()), &["0 phantoms"]);
}

#[test]
fn phantoms_of_any_size() {
    for size in [[1, 1], [1, 9], [7, 3], [33, 200]] {
        let slice = phantom::draw(1, 2, size);
        assert_eq!((slice.hu.len(), slice.lungs.len()), (size[0] * size[1], size[0] * size[1]));
    }
}

#[test]
fn writing_replaces_whole_files() {
    let dir = tempdir().unwrap();
    let path = dir.path().join("a.txt");
    write_atomic(&path, b"one").unwrap();
    write_atomic(&path, b"two").unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"two");
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    refused(write_atomic(&dir.path().join("no/where.txt"), b""), &["where.txt", "cannot be written"]);
}
