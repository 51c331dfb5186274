//! Sliding windows against MONAI and against a network that reads one pixel; selection of the images of a prediction;
//! and probabilities on disk.

use crate::support::repository::repository;
use npc::internals::base::error::RunError;
use npc::internals::data::prediction_inputs::{OutputEndings, find_inputs};
use npc::internals::score::probability;
use npc::internals::score::probability::ProbabilityFormat;
use npc::internals::score::sliding_window::{SlidingWindow, gaussian_weights, tile_starts};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::tempdir;

/// Returns `wave` of `tests/reference/monai_window.py`.
fn wave(n: usize, phase: f64) -> Vec<f32> {
    (0..n).map(|i| (phase + 0.7 * i as f64 + 0.013 * (i * i) as f64).sin() as f32).collect()
}

const CHANNELS: usize = 2;
const CLASSES: usize = 3;

/// Computes a 3 x 3 convolution with zeros around the tile.
fn convolved(weight: &[f32], tiles: &[f32], n: usize, [h, w]: [usize; 2]) -> Vec<f32> {
    let mut out = Vec::with_capacity(n * CLASSES * h * w);
    for tile in tiles.chunks_exact(CHANNELS * h * w) {
        for k in 0..CLASSES {
            for (y, x) in (0..h).flat_map(|y| (0..w).map(move |x| (y, x))) {
                let mut sum = 0f64;
                for (c, dy, dx) in (0..CHANNELS).flat_map(|c| (0..9).map(move |i| (c, i / 3, i % 3))) {
                    let (sy, sx) = ((y + dy).wrapping_sub(1), (x + dx).wrapping_sub(1));
                    if sy < h && sx < w {
                        let weight = weight[(k * CHANNELS + c) * 9 + dy * 3 + dx];
                        sum += f64::from(weight) * f64::from(tile[(c * h + sy) * w + sx]);
                    }
                }
                out.push(sum as f32);
            }
        }
    }
    out
}

#[test]
fn tiles_are_blended_as_monai_does() {
    let text = fs::read_to_string(repository("tests/reference/window.json")).unwrap();
    let reference: Value = serde_json::from_str(&text).unwrap();
    let pair = |v: &Value| [0, 1].map(|i| v[i].as_u64().unwrap() as usize);
    let weight = wave(CLASSES * CHANNELS * 9, 0.3);
    let cases = reference["cases"].as_array().unwrap();
    assert!(cases.len() >= 7);
    for case in cases {
        let (size, tile) = (pair(&case["size"]), pair(&case["tile"]));
        let window =
            SlidingWindow::new(tile, case["overlap"].as_f64().unwrap(), case["batch"].as_u64().unwrap() as usize);
        let image = wave(CHANNELS * size[0] * size[1], 1.1);
        let mut forward = |tiles: Vec<f32>, n: usize| Ok::<_, RunError>(convolved(&weight, &tiles, n, tile));
        let got = window.unwrap().slide(&image, CHANNELS, size, CLASSES, &mut forward).unwrap();
        let wanted: Vec<f64> = case["out"].as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect();
        assert_eq!(got.len(), wanted.len());
        for (i, (got, wanted)) in got.iter().zip(&wanted).enumerate() {
            assert!((f64::from(*got) - wanted).abs() < 2e-6, "{size:?} in {tile:?}, value {i}: {got}, MONAI {wanted}");
        }
    }
}

#[test]
fn a_network_that_looks_at_one_pixel_does_not_see_the_tiles() {
    let size = [37, 53];
    let image = wave(size[0] * size[1], 0.2);
    for (tile, overlap, batch) in [([16, 16], 0.5, 4), ([64, 20], 0.0, 1), ([37, 53], 0.9, 2), ([5, 80], 0.75, 3)] {
        let mut seen = 0;
        let mut forward = |tiles: Vec<f32>, n: usize| {
            assert!(n <= batch && tiles.len() == n * tile[0] * tile[1]);
            seen += n;
            // The two classes are in the order of tile, class, pixel.
            let each = tiles.chunks_exact(tile[0] * tile[1]);
            Ok(each.flat_map(|t| t.iter().map(|v| v * v).chain(t.iter().map(|v| 1.0 - v))).collect())
        };
        let window = SlidingWindow::new(tile, overlap, batch).unwrap();
        let got = window.slide(&image, 1, size, 2, &mut forward).unwrap();
        let padded = [0, 1].map(|a| size[a].max(tile[a]));
        assert_eq!(seen, window.corners(padded).len(), "each tile once");
        let wanted = image.iter().map(|v| v * v).chain(image.iter().map(|v| 1.0 - v));
        for (got, wanted) in got.iter().zip(wanted) {
            assert!((got - wanted).abs() < 1e-6, "{tile:?} at {overlap}: {got} is not {wanted}");
        }
    }
}

#[test]
fn tiles_cover_an_image_to_its_end() {
    assert_eq!(tile_starts(10, 4, 0.5), [0, 2, 4, 6]);
    assert_eq!(tile_starts(11, 4, 0.5), [0, 2, 4, 6, 7]);
    assert_eq!(tile_starts(4, 4, 0.5), [0]);
    assert_eq!(tile_starts(3, 4, 0.5), [0]);
    assert_eq!(tile_starts(9, 4, 0.0), [0, 4, 5]);
    assert_eq!(tile_starts(4, 2, 0.99), [0, 1, 2], "a step is a pixel at least");
    let map = gaussian_weights([9, 15]);
    let middle = map[4 * 15 + 7];
    assert!(middle == 1.0 && map.iter().all(|&w| w > 0.0 && w <= middle));
    // One and a half sigma from the middle: 0.125 * 15 * 1.6 = 3 pixels.
    assert!((f64::from(map[4 * 15 + 10]) - (-0.5f64 * 1.6 * 1.6).exp()).abs() < 1e-6);
    for overlap in [1.0, -0.1, f64::NAN, 2.0] {
        assert!(SlidingWindow::new([4, 4], overlap, 1).unwrap_err().to_string().contains("overlap"));
    }
    let short =
        SlidingWindow::new([4, 4], 0.5, 1).unwrap().slide(&[0.0; 25], 1, [5, 5], 2, &mut |_, _| Ok(vec![0.0; 3]));
    assert!(short.unwrap_err().message.contains("2 a pixel"));
}

/// Creates empty files of these names.
fn place(names: &[&str]) -> tempfile::TempDir {
    let dir = tempdir().unwrap();
    for name in names {
        let path = dir.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, b"").unwrap();
    }
    dir
}

/// Returns the endings of outputs: these for pictures, `.nii.gz` and the same others for volumes.
fn endings(picture: &[&str]) -> OutputEndings {
    let picture: Vec<String> = picture.iter().map(|end| end.to_string()).collect();
    OutputEndings { volume: std::iter::once(".nii.gz".into()).chain(picture[1..].iter().cloned()).collect(), picture }
}

#[track_caller]
fn assert_stems(dir: &Path, given: &[&str], wanted: &[&str]) {
    let given: Vec<PathBuf> = given.iter().map(|g| dir.join(g)).collect();
    let found = find_inputs(&given, &dir.join("out"), &endings(&[".png"])).unwrap().found;
    let assert_stems: Vec<_> = found.iter().map(|i| i.stem.to_string_lossy().replace('\\', "/")).collect();
    assert_eq!(assert_stems, wanted);
}

#[test]
fn files_folders_and_patterns_select_images() {
    let dir = place(&["s/a10.png", "s/a2.PNG", "s/deep/er/b.tif", "s/notes.txt", "s/.hidden.png", "t/c.jpeg", "t/d.x"]);
    assert_stems(dir.path(), &["s"], &["a2", "a10", "deep/er/b"]);
    assert_stems(dir.path(), &["t/c.jpeg", "s/deep"], &["c", "er/b"]);
    // A file that is named is accepted with any ending.
    assert_stems(dir.path(), &["t/d.x"], &["d"]);
    assert_stems(dir.path(), &["s/*"], &["a2", "a10"]);
    assert_stems(dir.path(), &["**/[bc].*"], &["b", "c"]);
    let ends = endings(&[".png", "_overlay.png"]);
    let refused = |given: &[&str], words: &[&str]| {
        let given: Vec<PathBuf> = given.iter().map(|g| dir.path().join(g)).collect();
        let text = find_inputs(&given, &dir.path().join("s"), &ends).unwrap_err().to_string();
        words.iter().for_each(|w| assert!(text.contains(w), "`{w}` is not in: {text}"));
    };
    refused(&["none.png"], &["none.png", "no such"]);
    refused(&["s/*.gif"], &["matches no image", "png"]);
    refused(&["s/[*.png"], &["pattern"]);
    refused(&["t/c.jpeg", "t"], &["two images have the same name `c`"]);
    refused(&["s/a10.png"], &["the predicted mask of", "a10.png would overwrite this image", "--out"]);
    fs::write(dir.path().join("s/c_overlay.png"), b"").unwrap();
    refused(&["t/c.jpeg", "s/c_overlay.png"], &["two images have the same output file `c_overlay.png`"]);
    fs::create_dir(dir.path().join("s/other")).unwrap();
    fs::rename(dir.path().join("s/c_overlay.png"), dir.path().join("s/other/c_overlay.png")).unwrap();
    // Outputs of an earlier run below a folder of images are no images of it.
    let inside = find_inputs(&[dir.path().join("s")], &dir.path().join("s/other"), &ends).unwrap().found;
    assert!(inside.len() == 3 && inside.iter().all(|i| !i.stem.starts_with("other")), "{inside:?}");
    fs::create_dir(dir.path().join("empty")).unwrap();
    refused(&["empty"], &["no image in this folder"]);
}

/// A mask often has the stem of its image: a folder of both is refused, and so is the image alone.
#[test]
fn what_is_beside_an_image_is_not_replaced() {
    let dir = place(&["s/a.jpg", "s/a.png", "s/b.jpg", "s/b_overlay.png", "t/a.png"]);
    let at = |name: &str| dir.path().join(name);
    let find = |given: &str, out: &str| find_inputs(&[at(given)], &at(out), &endings(&[".png", "_overlay.png"]));
    for (given, taken) in [("s/a.jpg", "a.png"), ("s/b.jpg", "b_overlay.png")] {
        let error = find(given, "s").unwrap_err();
        assert!(error.message.starts_with("this file is beside the image"), "{error}");
        assert!(error.path.as_ref().is_some_and(|path| path.ends_with(taken)), "{error}");
        assert!(error.help.iter().any(|help| help.contains("--out DIR")), "{error}");
    }
    // An earlier prediction in a folder of its own is replaced.
    find("s/a.jpg", "t").unwrap();
}

#[test]
fn files_that_look_like_images_and_are_not_predicted_are_named() {
    let dir = place(&["s/a.png", "s/b.heic", "s/deep/c.svs", "s/notes.txt", "s/.DS_Store", "s/._a.png", "t/d.jp2"]);
    let at = |name: &str| dir.path().join(name);
    fs::write(at("s/scan"), b"\x89PNG\r\n\x1a\n").unwrap();
    fs::write(at("s/.mine.png"), b"\x89PNG\r\n\x1a\n").unwrap();
    let find = |given: &str| find_inputs(&[at(given)], &at("out"), &endings(&[".png"]));
    let inputs = find("s").unwrap();
    assert_eq!(inputs.found.len(), 1);
    assert_eq!(inputs.skipped, ["s/.mine.png", "s/b.heic", "s/deep/c.svs", "s/scan"].map(at));
    assert_eq!(find("s/*").unwrap().skipped, ["s/.mine.png", "s/b.heic", "s/scan"].map(at));
    let text = find("t").unwrap_err().to_string();
    assert!(text.contains("no image in this folder") && text.contains("d.jp2"), "{text}");
}

#[test]
fn probabilities_read_back() {
    let dir = tempdir().unwrap();
    let base = dir.path().join("scan.1");
    let (size, classes) = ([2, 3], ["back ground".to_string(), "lung".into()]);
    let values = [1.0, 0.75, 0.5, 0.25, 0.0, f32::NAN, 0.0, 0.25, 0.5, 0.75, 1.0, 2.0];
    let files = probability::write_probabilities(&base, &values, &classes, size, ProbabilityFormat::Png16).unwrap();
    let names: Vec<_> = files.iter().map(|f| f.file_name().unwrap().to_str().unwrap()).collect();
    assert_eq!(names, ["scan.1_back_ground.png", "scan.1_lung.png"]);
    let image::DynamicImage::ImageLuma16(lung) = image::open(&files[1]).unwrap() else { panic!("16 bits of grey") };
    assert_eq!(lung.dimensions(), (3, 2));
    assert_eq!(lung.into_raw(), [0, 16384, 32768, 49151, 65535, 65535]);
    let image::DynamicImage::ImageLuma16(ground) = image::open(&files[0]).unwrap() else { panic!("16 bits of grey") };
    assert_eq!(ground.into_raw()[5], 0, "NaN");

    let files = probability::write_probabilities(&base, &values, &classes, size, ProbabilityFormat::Npy).unwrap();
    let bytes = fs::read(&files[0]).unwrap();
    assert_eq!(files[0].file_name().unwrap(), "scan.1.npy");
    // `numpy.save` wrote the file from the same numbers; its header may be padded further.
    let numpy = fs::read(repository("tests/reference/probabilities.npy")).unwrap();
    let parts = |bytes: &[u8]| {
        assert_eq!(&bytes[..8], b"\x93NUMPY\x01\x00");
        let end = 10 + usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
        assert!(end % 64 == 0 && bytes[end - 1] == b'\n', "the values start on 64 bytes");
        (String::from_utf8(bytes[10..end].to_vec()).unwrap().trim_end().to_string(), bytes[end..].to_vec())
    };
    assert_eq!(parts(&bytes).0, parts(&numpy).0);
    let bits = |values: &[u8]| -> Vec<Option<u32>> {
        let values = values.chunks_exact(4).map(|v| f32::from_le_bytes(v.try_into().unwrap()));
        values.map(|v| (!v.is_nan()).then_some(v.to_bits())).collect()
    };
    assert_eq!(bits(&parts(&bytes).1), bits(&parts(&numpy).1));

    // Classes whose names become equal keep separate files.
    let twins = ["a b".to_string(), "a_b".into()];
    let files = probability::write_probabilities(&base, &values, &twins, size, ProbabilityFormat::Png16).unwrap();
    assert_ne!(files[0], files[1]);
    assert!(probability::write_probabilities(&base, &values[1..], &classes, size, ProbabilityFormat::Npy).is_err());
}
