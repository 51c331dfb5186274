//! Published data sets as they are downloaded, where they are available.

use crate::support::data_sets::{only, real, spec};
use crate::support::repository::repository;
use npc::desk::{DataRequest, ResolvedData, resolve_data};
use npc::internals::data::{Dataset, SplitRole};
use npc::text::config::{DataSpec, Split};
use npc::text::files::Disk;
use std::collections::BTreeSet;
use std::fs;

#[test]
fn real_lungs_agree_with_their_table() {
    let Some(root) = real("lung_ct_lctsc") else { return };
    // In this intensity window one HU is one step of 16 bits: the output equals the stored values.
    let window = Some([-32768.0, 32767.0]);
    let spec = DataSpec { window, ..only(spec("images/*.tif", "masks/*.tif", [512, 512])) };
    let data = Dataset::open(&spec, &root).unwrap();
    assert_eq!(data.len(SplitRole::Train), 100);
    let table = fs::read_to_string(root.join("metadata.csv")).unwrap();
    for line in table.lines().skip(1) {
        let cells: Vec<&str> = line.split(',').collect();
        let index = data.cases(SplitRole::Train).iter().position(|c| c.stem == cells[0]).unwrap();
        let sample = data.load(SplitRole::Train, index, 1).unwrap();
        assert_eq!(sample.original, [512, 512]);
        let hu = |v: f32| (v * 65535.0).round() as i32 - 32768;
        let least = sample.image.iter().copied().fold(f32::INFINITY, f32::min);
        let most = sample.image.iter().copied().fold(0.0, f32::max);
        assert_eq!([hu(least), hu(most)], [cells[3], cells[4]].map(|c| c.parse::<i32>().unwrap()), "{}", cells[0]);
        let lungs = sample.mask.iter().filter(|&&v| v == 1).count();
        assert_eq!(lungs, cells[5].parse::<usize>().unwrap(), "{}", cells[0]);
        assert_eq!(sample.warnings, []);
    }
}

#[test]
fn real_official_layouts() {
    let Some(root) = real("official_layouts") else { return };
    let ct = Some([-1000.0, 400.0]);
    for (images, masks, window, count) in [
        ("finding-lungs-in-ct-data/2d_images/*.tif", "finding-lungs-in-ct-data/2d_masks/*.tif", ct, 2),
        (
            "ISIC2018/ISIC2018_Task1-2_Training_Input/*.jpg",
            "ISIC2018/ISIC2018_Task1_Training_GroundTruth/*_segmentation.png",
            None,
            4,
        ),
        ("CVC-ClinicDB/Original/*.tif", "CVC-ClinicDB/Ground Truth/*.tif", None, 3),
        ("cvc-clinicdb/png/original/*.PNG", "cvc-clinicdb/png/ground truth/*.png", None, 3),
        ("Kvasir-SEG/images/*.jpg", "Kvasir-SEG/masks/*.jpg", None, 5),
    ] {
        let spec = DataSpec { window, ..only(spec(images, masks, [96, 128])) };
        let data = Dataset::open(&spec, &root).unwrap();
        assert_eq!(data.len(SplitRole::Train), count, "{images}");
        for i in 0..count {
            let sample = data.load(SplitRole::Train, i, 3).unwrap();
            assert_eq!(sample.warnings, []);
            let share = |mask: &[u8]| mask.iter().filter(|&&v| v == 1).count() as f64 / mask.len() as f64;
            let (truth, size, _) = data.truth(SplitRole::Train, i).unwrap();
            assert_eq!(size, sample.original);
            assert!(share(&truth) > 0.005 && share(&truth) < 0.99, "{images} {i}");
            assert!((share(&truth) - share(&sample.mask)).abs() < 0.01);
            assert!(sample.image.iter().all(|v| (0.0..=1.0).contains(v)));
        }
    }
    // The two kinds of files of one data set agree.
    let cvc = |images: &str, masks: &str| {
        Dataset::open(&only(spec(images, masks, [288, 384])), &root.join("CVC-ClinicDB")).unwrap()
    };
    let (tif, png) = (cvc("Original/*.tif", "Ground Truth/*.tif"), cvc("PNG/Original/*.png", "PNG/Ground Truth/*.png"));
    for i in 0..3 {
        assert_eq!(tif.load(SplitRole::Train, i, 3).unwrap(), png.load(SplitRole::Train, i, 3).unwrap());
    }
}

#[test]
fn real_lists() {
    for (name, ext, train, test) in [("lung_ct_lctsc", "tif", 80, 20), ("polyp_kvasir_256", "png", 490, 122)] {
        let Some(root) = real(name) else { return };
        let split = Split::Lists { train: "train.txt".into(), val: None, test: "test.txt".into() };
        let images = if ext == "tif" { "images/*.tif" } else { "images/*.jpg" };
        let data =
            Dataset::open(&DataSpec { split, ..spec(images, &format!("masks/*.{ext}"), [64, 64]) }, &root).unwrap();
        assert_eq!((data.len(SplitRole::Train), data.len(SplitRole::Test)), (train, test));
    }
}

/// The block for the lungs tests on several patients, who do not train.
#[test]
fn real_lungs_are_split_by_patient() {
    let Some(root) = real("lung_ct_lctsc") else { return };
    for (fold, train, test) in [(0, 48, 52), (1, 52, 48)] {
        let set = [format!("data.split=kfold(k = 2, fold = {fold}, seed = 0, group = \"{{group}}_z*\")")];
        let file = repository("models/data.model");
        let resolved = |set| {
            let data = Some("lung_ct_lctsc");
            resolve_data(&Disk, &DataRequest { file: &file, data, run: None, set, with: &[], data_root: root.parent() })
                .unwrap()
        };
        let ResolvedData { data, root, .. } = resolved(if fold == 0 { &[] } else { &set });
        let data = Dataset::open(&data, &root).unwrap();
        let patients = |role| data.cases(role).iter().map(|case| case.group.clone().unwrap()).collect::<BTreeSet<_>>();
        // The block itself has one of the three training patients choose the best epoch.
        let validating = usize::from(fold == 0);
        assert_eq!(data.len(SplitRole::Train) + data.len(SplitRole::Val), train);
        assert_eq!(data.len(SplitRole::Test), test);
        let [trained, chosen, tested] = [SplitRole::Train, SplitRole::Val, SplitRole::Test].map(patients);
        assert_eq!([trained.len(), chosen.len(), tested.len()], [3 - validating, validating, 3]);
        assert!(trained.is_disjoint(&tested) && chosen.is_disjoint(&tested) && trained.is_disjoint(&chosen));
    }
}

#[test]
fn real_layouts_by_name() {
    let Some(root) = real("official_layouts") else { return };
    for (layout, count) in [("isic2018", 4), ("cvc_clinicdb", 3), ("luna_2d", 2), ("kvasir_seg", 5)] {
        let layout = npc::internals::text::config::dataset_layouts::LAYOUTS.iter().find(|l| l.name == layout).unwrap();
        let [images, masks] = layout.patterns(None);
        let spec = DataSpec {
            classes: layout.classes.map(String::from).to_vec(),
            labels: layout.labels.to_vec(),
            mask_rule: layout.mask,
            window: layout.window,
            ..only(spec(&images, &masks, [64, 64]))
        };
        let data = Dataset::open(&spec, &root).unwrap();
        assert_eq!(data.len(SplitRole::Train), count, "{}", layout.name);
        for i in 0..count {
            let sample = data.load(SplitRole::Train, i, 3).unwrap();
            assert_eq!(sample.warnings, []);
            assert!(sample.mask.contains(&0) && sample.mask.contains(&1), "{}", layout.name);
        }
    }
}
