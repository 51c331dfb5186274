//! Volumes from training to prediction and scores: files that a test writes, and a network whose classes are a threshold.

use crate::support::nifti_file::{Affine, NiftiFile};
use crate::support::program::{ProgramOutput, npc};
use crate::support::repository::repository;
use npc::internals::compute::weights::{NamedTensor, write_safetensors};
use npc::internals::metric::{VolumePair, measure_volume};
use npc::text::config::{EmptyClassRule, Metric};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::{TempDir, tempdir};

/// Values above this are of the foreground class.
const LIMIT: i16 = 600;
/// Numbers of voxels from left to right, back to front and feet to head, and their sizes in mm.
const WORLD: [usize; 3] = [6, 7, 5];
const SPACING: [f32; 3] = [0.75, 1.5, 4.0];

/// A folder with volumes in several orders of their voxels, and a run on them.
pub(super) struct VolumeFolder(TempDir);

/// The order of a file's voxels: the world axis of each array axis, and whether the array runs along it.
pub(super) type VoxelOrder = ([usize; 3], [bool; 3]);

pub(super) const ORDERS: [VoxelOrder; 5] = [
    ([0, 1, 2], [true, true, true]),
    ([0, 1, 2], [false, false, true]),
    ([2, 0, 1], [false, true, true]),
    ([1, 2, 0], [true, false, false]),
    ([0, 1, 2], [false, true, false]),
];

/// The value at a place of the body: no axis is like another.
pub(super) fn value(volume: usize, [x, y, z]: [usize; 3]) -> i16 {
    (61 * x + 17 * y * y + 101 * z + 13 * volume + (x * y + z) % 7) as i16
}

fn dims((world, _): VoxelOrder) -> [usize; 3] {
    world.map(|w| WORLD[w])
}

/// Returns what `at` says of each voxel, in the order of the file.
pub(super) fn in_order<T>((world, along): VoxelOrder, at: impl Fn([usize; 3]) -> T) -> Vec<T> {
    let d = dims((world, along));
    let place = |i: usize| {
        let index = [i % d[0], i / d[0] % d[1], i / (d[0] * d[1])];
        let mut place = [0; 3];
        for a in 0..3 {
            place[world[a]] = if along[a] { index[a] } else { d[a] - 1 - index[a] };
        }
        place
    };
    (0..d.iter().product()).map(|i| at(place(i))).collect()
}

fn affine((world, along): VoxelOrder) -> Affine {
    let mut rows = [[0.0; 4]; 3];
    for (w, row) in rows.iter_mut().enumerate() {
        row[3] = [-30.0, 12.5, 100.0][w];
    }
    for a in 0..3 {
        let w = world[a];
        rows[w][a] = if along[a] { SPACING[w] } else { -SPACING[w] };
        if !along[a] {
            rows[w][3] += SPACING[w] * (WORLD[w] - 1) as f32;
        }
    }
    rows
}

/// A file with the code 2 of its sform, and without a unit.
pub(super) fn volume(order: VoxelOrder, values: &[i16]) -> NiftiFile {
    assert_eq!(values.len(), dims(order).iter().product::<usize>());
    let mut file = NiftiFile::new(dims(order).map(|n| n as i16), affine(order), values);
    file.sform(2, affine(order)).put(123, &[0]);
    file
}

pub(super) const MODEL: &str = r#"npc 1

model Id(x: [1, H, W]) -> [2, H, W] = x |> conv(2, k = 1)

data d {
  images = "i/*.nii.gz"
  masks = "m/*.nii.gz"
  size = SIZE
  classes = ["background", "organ"]
  labels = LABELS
  empty = one
  window = [0, 1500]
  split = lists(train = "train.txt", test = "test.txt")
  MORE
}

train id = Id on d {
  epochs = 1
  optimizer = sgd(lr = 1e-30)
  keep = [last]
}
"#;

impl VolumeFolder {
    /// Writes five volumes and trains on two of them. The network finds values above `LIMIT + shift`; the masks are those above
    /// `LIMIT`.
    pub(super) fn new(size: &str, labels: &str, more: &str, shift: f32) -> VolumeFolder {
        let folder = VolumeFolder(tempdir().unwrap());
        let label: i16 = labels.trim_matches(['[', ']']).split(',').nth(1).unwrap().trim().parse().unwrap();
        for (n, order) in ORDERS.into_iter().enumerate() {
            let image = volume(order, &in_order(order, |at| value(n, at)));
            image.write(&folder.path(&format!("i/v{n}.nii.gz")));
            let mask = in_order(order, |at| if value(n, at) > LIMIT { label } else { 0 });
            volume(order, &mask).write(&folder.path(&format!("m/v{n}.nii.gz")));
        }
        fs::write(folder.path("train.txt"), "v0\nv1\n").unwrap();
        fs::write(folder.path("test.txt"), "v2\nv3\nv4\n").unwrap();
        let model = MODEL.replace("SIZE", size).replace("LABELS", labels).replace("MORE", more);
        fs::write(folder.path("id.model"), model).unwrap();
        folder.train(shift);
        folder
    }

    pub(super) fn train(&self, shift: f32) {
        let limit = (f32::from(LIMIT) + 0.5 + shift) / 1500.0;
        let tensor = |name: &str, shape: &[usize], values: [f32; 2]| NamedTensor {
            name: name.into(),
            shape: shape.to_vec(),
            values: values.to_vec(),
        };
        let weights =
            [tensor("conv.weight", &[2, 1, 1, 1], [0.0, 64.0]), tensor("conv.bias", &[2], [0.0, -64.0 * limit])];
        write_safetensors(&self.path("id.safetensors"), &weights, &BTreeMap::new()).unwrap();
        self.ok(&["train", "id.model", "id", "--init", "id.safetensors", "--out", "run"]);
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    #[track_caller]
    pub(super) fn ok(&self, args: &[&str]) -> ProgramOutput {
        let output = npc(self.0.path(), args);
        assert_eq!(output.code, 0, "{args:?}\n{}\n{}", output.stdout, output.stderr);
        output
    }

    /// Asserts that the files of a command are refused.
    #[track_caller]
    pub(super) fn refused(&self, args: &[&str], words: &[&str]) {
        self.fails(1, args, words);
    }

    #[track_caller]
    fn fails(&self, code: i32, args: &[&str], words: &[&str]) {
        let output = npc(self.0.path(), args);
        assert_eq!(output.code, code, "{args:?}\n{}\n{}", output.stdout, output.stderr);
        words.iter().for_each(|w| assert!(output.stderr.contains(w), "`{w}` is not in: {}", output.stderr));
    }

    pub(super) fn json(&self, name: &str) -> Value {
        serde_json::from_str(&fs::read_to_string(self.path(name)).unwrap()).unwrap()
    }
}

/// The bytes of a header that say where voxels are: pixdim, units, codes, quaternion, offsets, rows.
fn place(file: &NiftiFile) -> Vec<u8> {
    let h = &file.header;
    [&h[40..48], &h[76..92], &h[123..124], &h[252..328]].concat()
}

fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(dir).unwrap().map(|e| e.unwrap().file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// The mask lies on its volume voxel by voxel, in whichever order the file has them, and along each axis.
#[test]
fn masks_have_the_grid_and_the_labels_of_their_volumes() {
    for (axis, size) in [("axial", "[7, 6]"), ("coronal", "[5, 6]"), ("sagittal", "[5, 7]")] {
        let folder = VolumeFolder::new(size, "[0, 3]", &format!("axis = {axis}"), 0.0);
        // The codes and the qform of the input are kept, whatever they are.
        let mut turned = NiftiFile::read(&folder.path("i/v4.nii.gz"));
        turned.qform(3, [0.0, 1.0, 0.0], [-26.25, 12.5, 116.0], 1.0).put(123, &[10]);
        turned.write(&folder.path("turned.nii"));
        let printed = folder.ok(&["predict", "run", "i", "turned.nii", "--out", "out"]).stdout;
        assert!(printed.contains("6 volumes of"), "{printed}");
        assert_eq!(names(&folder.path("out")).len(), 6);
        for (n, order) in ORDERS.into_iter().enumerate() {
            let mask = NiftiFile::read(&folder.path(&format!("out/v{n}.nii.gz")));
            let image = NiftiFile::read(&folder.path(&format!("i/v{n}.nii.gz")));
            assert_eq!(mask.voxels, in_order(order, |at| if value(n, at) > LIMIT { 3u8 } else { 0 }), "{axis} v{n}");
            assert_eq!([mask.short(70), mask.short(72)], [2, 8]);
            assert_eq!(mask.float(112), 1.0);
            assert_eq!(place(&mask), place(&image), "{axis} v{n}");
        }
        let mask = NiftiFile::read(&folder.path("out/turned.nii.gz"));
        assert_eq!(place(&mask), place(&turned));
        assert_eq!(mask.voxels, in_order(ORDERS[4], |at| if value(4, at) > LIMIT { 3u8 } else { 0 }));
    }
}

/// With tiles a slice keeps its resolution; without, its classes are resized back to its own size.
#[test]
fn slices_are_predicted_at_the_size_of_the_block_or_in_tiles() {
    let folder = VolumeFolder::new("[4, 4]", "[0, 300]", "", 0.0);
    folder.ok(&["predict", "run", "i/v3.nii.gz", "--out", "tiles", "--tiles", "--overlap", "0.25", "--flips"]);
    let mask = NiftiFile::read(&folder.path("tiles/v3.nii.gz"));
    let wanted: Vec<u8> = in_order(ORDERS[3], |at| if value(3, at) > LIMIT { 300u16 } else { 0 })
        .iter()
        .flat_map(|v| v.to_le_bytes())
        .collect();
    assert_eq!((mask.short(70), mask.short(72), &mask.voxels), (512, 16, &wanted));
    let printed = folder.ok(&["predict", "run", "i/v3.nii.gz", "--out", "small", "--format", "json"]).stdout;
    let json: Value = serde_json::from_str(&printed).unwrap();
    let image = &json["images"][0];
    assert_eq!(image["volume"], serde_json::json!({"slices": 5, "axis": "axial", "dims": [7, 5, 6]}));
    assert_eq!(image["size"], serde_json::json!([7, 6]));
    let small = NiftiFile::read(&folder.path("small/v3.nii.gz"));
    let shared = small.voxels.iter().zip(&wanted).filter(|(a, b)| a == b).count();
    assert!(small.dims() == [7, 5, 6] && shared > wanted.len() * 7 / 10, "{shared} of {}", wanted.len());
}

#[test]
fn overlays_and_probabilities_of_volumes() {
    let folder = VolumeFolder::new("[7, 6]", "[0, 3]", "", 0.0);
    folder.ok(&["predict", "run", "i/v2.nii.gz", "--out", "n", "--probabilities", "nifti", "--overlay"]);
    folder.ok(&["predict", "run", "i/v2.nii.gz", "--out", "p", "--probabilities", "npy"]);
    assert_eq!(names(&folder.path("n")), ["v2.nii.gz", "v2_overlay.png", "v2_probabilities.nii.gz"]);
    assert_eq!(names(&folder.path("p")), ["v2.nii.gz", "v2.npy"]);
    let order = ORDERS[2];
    let all = NiftiFile::read(&folder.path("n/v2_probabilities.nii.gz"));
    assert_eq!((all.dims(), all.short(70), all.short(72)), ([&dims(order)[..], &[2]].concat(), 16, 32));
    assert_eq!(all.header[252..328], NiftiFile::read(&folder.path("i/v2.nii.gz")).header[252..328]);
    let limit = f64::from(LIMIT) + 0.5;
    let organ = in_order(order, |at| 1.0 / (1.0 + (-64.0 * (f64::from(value(2, at)) - limit) / 1500.0).exp()));
    let found = all.floats();
    let (background, foreground) = found.split_at(organ.len());
    for ((wanted, one), other) in organ.iter().zip(foreground).zip(background) {
        assert!((wanted - f64::from(*one)).abs() < 1e-3 && (one + other - 1.0).abs() < 1e-6, "{wanted} {one} {other}");
    }
    // The array of NumPy has the axes of the file: [classes, x, y, z], the last contiguous.
    let npy = fs::read(folder.path("p/v2.npy")).unwrap();
    let header = String::from_utf8_lossy(&npy[..128]).into_owned();
    let [x, y, z] = dims(order);
    assert!(header.contains(&format!("(2, {x}, {y}, {z})")), "{header}");
    let values: Vec<f32> = npy[128..].chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect();
    for (i, j, k) in [(0, 0, 0), (x - 1, 0, 1), (1, y - 1, z - 1), (2, 3, 0)] {
        assert_eq!(values[((x + i) * y + j) * z + k], foreground[i + x * (j + y * k)]);
    }
    folder.fails(
        2,
        &["predict", "run", "i/v2.nii.gz", "--out", "q", "--probabilities", "png16"],
        &["i/v2.nii.gz", "png16", "--probabilities nifti"],
    );
    assert!(!folder.path("q").exists());
}

/// Outputs replace no input and no other output; a volume that cannot be read leaves nothing behind.
#[test]
fn what_cannot_be_written_or_read_is_refused() {
    let folder = VolumeFolder::new("[7, 6]", "[0, 3]", "", 0.0);
    let before = fs::read(folder.path("i/v0.nii.gz")).unwrap();
    folder.refused(&["predict", "run", "i", "--out", "i"], &["the predicted mask of", "would overwrite this image"]);
    assert_eq!(fs::read(folder.path("i/v0.nii.gz")).unwrap(), before);
    NiftiFile::read(&folder.path("i/v0.nii.gz")).write(&folder.path("two/v0.nii"));
    fs::copy(folder.path("i/v0.nii.gz"), folder.path("two/v0.nii.gz")).unwrap();
    folder.refused(&["predict", "run", "two", "--out", "out"], &["two images have the same name `v0`"]);
    let mut broken = NiftiFile::read(&folder.path("i/v1.nii.gz"));
    broken.voxels.truncate(100);
    broken.write(&folder.path("bad/b.nii.gz"));
    fs::copy(folder.path("i/v0.nii.gz"), folder.path("bad/a.nii.gz")).unwrap();
    folder.refused(&["predict", "run", "bad", "--out", "out"], &["truncated", "1 of 2 images not predicted"]);
    assert_eq!(names(&folder.path("out")), ["a.nii.gz"]);
    fs::create_dir_all(folder.path("dicom")).unwrap();
    let slice = repository("tests/reference/volumes/series/a/001.dcm");
    fs::copy(slice, folder.path("dicom/001.dcm")).unwrap();
    folder.refused(
        &["predict", "run", "dicom/001.dcm", "--out", "out"],
        &["001.dcm", "predicted with its series", "give the folder of its series: dicom"],
    );
}

/// Pictures for a run on volumes, and volumes for a run on pictures, are predicted with a note.
#[test]
fn inputs_of_another_kind_than_those_of_training_are_told() {
    let folder = VolumeFolder::new("[7, 6]", "[0, 3]", "", 0.0);
    crate::support::data_sets::grey(&folder.path("p/a.png"), [7, 6], &[200; 42]);
    let printed = folder.ok(&["predict", "run", "p", "--out", "out"]).stdout;
    assert!(printed.contains("note: the run was trained on axial slices of volumes"), "{printed}");
    let printed = folder.ok(&["predict", "run", "i/v0.nii.gz", "--out", "out"]).stdout;
    assert!(!printed.contains("note:"), "{printed}");
    // A run on pictures, in colours.
    for i in 0..4 {
        crate::support::data_sets::grey(&folder.path(&format!("pi/{i}.png")), [7, 6], &[10 * i as u8; 42]);
        let mask: Vec<u8> = (0..42).flat_map(|p| if p > 20 { [255, 0, 0] } else { [0, 0, 0] }).collect();
        let path = folder.path(&format!("pm/{i}.png"));
        crate::support::data_sets::png(&path, [7, 6], image::ExtendedColorType::Rgb8, &mask);
    }
    let model = MODEL
        .replace("SIZE", "[7, 6]")
        .replace("LABELS", "[\"#000000\", \"#ff0000\"]")
        .replace("\"i/*.nii.gz\"", "\"pi/*.png\"")
        .replace("\"m/*.nii.gz\"", "\"pm/*.png\"")
        .replace("  split = lists(train = \"train.txt\", test = \"test.txt\")\n", "")
        .replace("MORE", "");
    fs::write(folder.path("id.model"), model).unwrap();
    fs::remove_dir_all(folder.path("run")).unwrap();
    folder.train(0.0);
    let printed = folder.ok(&["predict", "run", "i/v1.nii.gz", "--out", "coloured"]).stdout;
    assert!(printed.contains("note: the run was trained on pictures"), "{printed}");
    assert!(printed.contains("hold the numbers of the classes: 0 background, 1 organ"), "{printed}");
    let mask = NiftiFile::read(&folder.path("coloured/v1.nii.gz"));
    assert_eq!(mask.voxels, in_order(ORDERS[1], |at| u8::from(value(1, at) > LIMIT)));
}

/// A DICOM series gets a NIfTI mask in the coordinates of the patient.
#[test]
fn a_series_is_predicted_in_the_place_of_its_slices() {
    let folder = VolumeFolder::new("[7, 6]", "[0, 3]", "", 0.0);
    let text = fs::read_to_string(repository("tests/reference/volumes/expected.json")).unwrap();
    let expected: Value = serde_json::from_str(&text).unwrap();
    let slices = expected["series/a"]["slices"]["axial"].as_array().unwrap().clone();
    for n in 1..=5 {
        let from = repository(&format!("tests/reference/volumes/series/a/{n:03}.dcm"));
        fs::create_dir_all(folder.path("scans/p1/ct")).unwrap();
        fs::copy(from, folder.path(&format!("scans/p1/ct/{n}"))).unwrap();
    }
    // The window of the run starts at 0, and the values of the series at -900.
    for (given, stem) in [("scans", "p1/ct"), ("scans/p1/ct", "ct"), ("scans/*/*", "ct")] {
        folder.ok(&["predict", "run", given, "--out", "out"]);
        let mask = NiftiFile::read(&folder.path(&format!("out/{stem}.nii.gz")));
        fs::remove_dir_all(folder.path("out")).unwrap();
        assert_eq!(mask.dims(), [6, 7, 5]);
        // DICOM runs to the left and the back, NIfTI to the right and the front.
        let wanted = [[-0.75, 0.0, 0.0, 10.0], [0.0, -1.5, 0.0, 20.0], [0.0, 0.0, 2.5, 100.0]];
        assert_eq!(mask.sform_rows(), wanted);
        assert_eq!([mask.short(252), mask.short(254)], [1, 1]);
        // Half a turn about the third axis: b = c = 0, d = 1.
        let quaternion: Vec<f32> = (0..6).map(|i| mask.float(256 + 4 * i).abs()).collect();
        assert_eq!(quaternion, [0.0, 0.0, 1.0, 10.0, 20.0, 100.0]);
        assert_eq!([76, 80, 84, 88].map(|at| mask.float(at)), [1.0, 0.75, 1.5, 2.5]);
        let rows = slices.iter().flat_map(|slice| slice.as_array().unwrap().iter());
        let values = rows.flat_map(|row| row.as_array().unwrap().iter().map(|v| v.as_f64().unwrap()));
        let wanted: Vec<u8> = values.map(|v| if v > f64::from(LIMIT) { 3 } else { 0 }).collect();
        assert_eq!(mask.voxels, wanted, "{given}");
    }
}

/// The scores of a volume are those of the file that a prediction writes against the file of the mask, whichever slices are
/// cases.
#[test]
fn volumes_are_scored_as_their_files() {
    for (more, added) in [("", 0), ("slices = every(2)", 6), ("slices = labelled", 0), ("axis = coronal", 0)] {
        let size = if more.contains("coronal") { "[5, 6]" } else { "[7, 6]" };
        let folder = VolumeFolder::new(size, "[0, 3]", more, 90.0);
        let printed = folder.ok(&["eval", "run"]).stdout;
        assert!(printed.contains("3 whole volumes of") && printed.contains("volumes.csv"), "{printed}");
        folder.ok(&["predict", "run", "i", "--out", "out"]);
        let eval = folder.json("run/eval.json");
        if more.contains("every") {
            assert_eq!(eval["volumes"]["added_slices"], added, "{more}");
            assert!(printed.contains("every slice counts"), "{printed}");
        }
        let csv = fs::read_to_string(folder.path("run/volumes.csv")).unwrap();
        let header: Vec<&str> = csv.lines().next().unwrap().split(',').collect();
        assert!(!header.contains(&"boundary_iou"), "{header:?}");
        let mut sums = [0.0; 4];
        for (line, n) in csv.lines().skip(1).zip(2..) {
            let cells: Vec<&str> = line.split(',').collect();
            let cell = |name: &str| cells[header.iter().position(|h| *h == name).unwrap()];
            assert_eq!((cell("stem"), cell("class"), cell("group")), (&*format!("v{n}"), "organ", ""));
            let pred = NiftiFile::read(&folder.path(&format!("out/v{n}.nii.gz"))).voxels;
            let truth = NiftiFile::read(&folder.path(&format!("m/v{n}.nii.gz"))).voxels;
            let truth: Vec<u8> = truth.chunks_exact(2).map(|v| u8::from(v[0] == 3)).collect();
            let pred: Vec<u8> = pred.iter().map(|&v| u8::from(v == 3)).collect();
            // The first axis of a file is contiguous.
            let [x, y, z] = dims(ORDERS[n]);
            let [sx, sy, sz] = ORDERS[n].0.map(|w| f64::from(SPACING[w]));
            let pair = VolumePair { pred: &pred, truth: &truth, size: [z, y, x], spacing: [sz, sy, sx] };
            let wanted = measure_volume("v", &pair, 2).unwrap().per_class[1];
            assert!(wanted.counts.fn_ > 0 && wanted.counts.tp > 0, "{wanted:?}");
            for (i, metric) in [Metric::Dice, Metric::Iou, Metric::Hd95, Metric::Assd].into_iter().enumerate() {
                let wanted = wanted.get(metric, EmptyClassRule::One).unwrap();
                let found: f64 = cell(metric.name()).parse().unwrap();
                assert!((found - wanted).abs() < 2e-6, "{more} v{n} {}: {found} {wanted}", metric.name());
                sums[i] += wanted;
            }
        }
        for (metric, sum) in ["dice", "iou", "hd95", "assd"].into_iter().zip(sums) {
            let mean = eval["volumes"]["mean"][metric].as_f64().unwrap();
            assert!((mean - sum / 3.0).abs() < 1e-6, "{metric}: {mean}");
        }
        let voxel =
            |truth: usize, predicted: usize| eval["volumes"]["confusion"]["counts"][truth][predicted].as_f64().unwrap();
        let recall = voxel(1, 1) / (voxel(1, 1) + voxel(1, 0));
        assert_eq!(eval["volumes"]["pooled"]["per_class"]["organ"]["recall"].as_f64(), Some(recall));
        let all: usize = (2..5).map(|n| dims(ORDERS[n]).iter().product::<usize>()).sum();
        assert_eq!(voxel(0, 0) + voxel(0, 1) + voxel(1, 0) + voxel(1, 1), all as f64);
        assert_eq!(eval["volumes"]["unit"], "mm");
        assert_eq!(eval["volumes"]["intervals"]["units"], 3);
        let table = folder.ok(&["eval", "run", "--format", "csv"]).stdout;
        assert!(table.lines().any(|l| l.starts_with("organ,hd95,mm") && l.ends_with(",volumes")), "{table}");
        let report = folder.ok(&["report", "run", "--out", "report.html"]);
        assert_eq!(report.code, 0);
        assert!(fs::read_to_string(folder.path("report.html")).unwrap().contains("Means over whole volumes"));
    }
}
