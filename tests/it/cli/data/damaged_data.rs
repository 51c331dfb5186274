//! DamagedCase data of many kinds, and the report of `npc data check` on each. docs/data.md has the list.

use crate::support::data_sets::{grey, jpeg, png, tif};
use crate::support::picture_files::{add_jpeg_segment, exif, write_png};
use crate::support::program::npc;
use crate::support::repository::repository;
use image::ExtendedColorType::{L16, La8, Rgb8};
use npc::internals::data::phantom;
use std::ffi::OsStr;
use std::fmt::Write;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use tiff::encoder::colortype;

const SIDE: usize = 48;

/// Returns a data block in which a case replaces some of the keys.
fn model(replaced: &str) -> String {
    let usual = "images = \"images/*\"
        masks = \"masks/*\"
        size = [48, 48]
        classes = [\"background\", \"lung\"]
        labels = [0, 255]
        split = lists(train = \"train.txt\", test = \"test.txt\")";
    let key = |line: &str| line.split('=').next().unwrap_or_default().trim().to_string();
    let new: Vec<String> = replaced.lines().map(key).collect();
    // A list replaces both patterns.
    let gone =
        |k: &String| new.contains(k) || (new.contains(&"list".into()) && ["images", "masks"].contains(&k.as_str()));
    let kept: Vec<&str> = usual.lines().filter(|line| !gone(&key(line))).collect();
    format!(
        "npc 1\nmodel Net(x: [1, H, W]) -> [2, H, W] {{\n  let y = x |> conv(2)\n  return (y ++ (y |> maxpool(2) |> up(2))) |> conv(2, k = 1)\n}}\n\
         data d {{\n{}\nempty = one\n{replaced}\n}}\ntrain t = Net on d {{ epochs = 1 }}\n",
        kept.join("\n")
    )
}

/// Eight pairs `p0` to `p7`, 8-bit pictures of phantoms and masks of 0 and 255; the last two are for the test.
fn write_valid_data(dir: &Path) {
    for i in 0..8 {
        let slice = phantom::draw(i, i, [SIDE, SIDE]);
        // Pictures are mirrored and rotated, so that no two look alike.
        let at = |p: usize| {
            let (y, x) = (p / SIDE, p % SIDE);
            let (y, x) = if i & 1 == 0 { (y, x) } else { (x, y) };
            let y = if i & 2 == 0 { y } else { SIDE - 1 - y };
            y * SIDE + if i & 4 == 0 { x } else { SIDE - 1 - x }
        };
        let area = 0..SIDE * SIDE;
        let image: Vec<u8> =
            area.clone().map(|p| ((i32::from(slice.hu[at(p)]) + 1000).clamp(0, 1400) * 255 / 1400) as u8).collect();
        let mask: Vec<u8> = area.map(|p| slice.lungs[at(p)] * 255).collect();
        grey(&dir.join(format!("images/p{i}.png")), [SIDE, SIDE], &image);
        grey(&dir.join(format!("masks/p{i}.png")), [SIDE, SIDE], &mask);
    }
    fs::write(dir.join("train.txt"), "p0\np1\np2\np3\np4\np5\n").unwrap();
    fs::write(dir.join("test.txt"), "p6\np7\n").unwrap();
}

fn write_volumes(dir: &Path) {
    let from = repository("tests/reference/volumes");
    for (a, b) in [("imagesTr/LPS_0000.nii.gz", "v/i/a.nii.gz"), ("labelsTr/LPS.nii.gz", "v/m/a.nii.gz")] {
        fs::create_dir_all(dir.join(b).parent().unwrap()).unwrap();
        fs::copy(from.join(a), dir.join(b)).unwrap();
    }
    fs::create_dir_all(dir.join("s/i/a")).unwrap();
    fs::create_dir_all(dir.join("s/m")).unwrap();
    for n in 1..=5 {
        let name = format!("{n:03}.dcm");
        fs::copy(from.join("series/a").join(&name), dir.join("s/i/a").join(&name)).unwrap();
    }
    fs::copy(from.join("segmentations/a.nii.gz"), dir.join("s/m/a.nii.gz")).unwrap();
}

/// Returns a data block with patterns for the volumes, all for training.
fn volume_block(folder: &str) -> String {
    let images = if folder == "s" { "s/i/*" } else { "v/i/*.nii.gz" };
    format!(
        "images = \"{images}\"\nmasks = \"{folder}/m/*.nii.gz\"\nclasses = [\"rest\", \"one\", \"two\"]\nlabels = [0, 1, 2]\n\
         window = [-1000, 400]\nsplit = random(test = 0)"
    )
}

fn truncate(path: &Path, part: impl Fn(usize) -> usize) {
    let whole = fs::read(path).unwrap();
    fs::write(path, &whole[..part(whole.len())]).unwrap();
}

fn mask_bytes(dir: &Path, i: usize) -> Vec<u8> {
    image::open(dir.join(format!("masks/p{i}.png"))).unwrap().into_luma8().into_raw()
}

/// A fault: its name, the keys that replace the usual ones of the data block, and the function that damages the data.
type DamagedCase = (&'static str, String, fn(&Path));

fn damaged_data() -> Vec<DamagedCase> {
    let no_keys = String::new;
    let with_keys = |text: &str| text.to_string();
    vec![
        ("nothing", no_keys(), |_| {}),
        ("a PNG file that ends early", no_keys(), |d| truncate(&d.join("images/p1.png"), |n| n / 2)),
        ("an empty file", no_keys(), |d| fs::write(d.join("images/p1.png"), "").unwrap()),
        ("text called .png", no_keys(), |d| fs::write(d.join("masks/p1.png"), "404 not found\n").unwrap()),
        ("a JPEG file that ends early", no_keys(), |d| {
            let image = image::open(d.join("images/p1.png")).unwrap();
            image.save_with_format(d.join("images/p1.jpg"), image::ImageFormat::Jpeg).unwrap();
            fs::remove_file(d.join("images/p1.png")).unwrap();
            truncate(&d.join("images/p1.jpg"), |n| n - 2);
        }),
        ("a mask of another size", no_keys(), |d| grey(&d.join("masks/p2.png"), [24, 48], &[0; 24 * 48])),
        ("an image without mask", no_keys(), |d| fs::remove_file(d.join("masks/p3.png")).unwrap()),
        ("a mask without image", no_keys(), |d| grey(&d.join("masks/p9.png"), [8, 8], &[0; 64])),
        ("two masks for one image", no_keys(), |d| grey(&d.join("masks/P2.png"), [8, 8], &[0; 64])),
        ("a value that is no label", with_keys("mask = exact"), |d| {
            let mut mask = mask_bytes(d, 4);
            mask[100..103].fill(254);
            grey(&d.join("masks/p4.png"), [SIDE, SIDE], &mask);
        }),
        ("a mask in colours where grey is expected", with_keys("mask = exact"), |d| {
            let rgb: Vec<u8> = mask_bytes(d, 4).iter().flat_map(|&v| [v, 0, 0]).collect();
            png(&d.join("masks/p4.png"), [SIDE, SIDE], Rgb8, &rgb);
        }),
        ("a colour that is no label", with_keys("labels = [\"#000000\", \"#ffffff\"]"), |d| {
            let rgb: Vec<u8> = mask_bytes(d, 4).iter().flat_map(|&v| [v, v, v.saturating_sub(3)]).collect();
            png(&d.join("masks/p4.png"), [SIDE, SIDE], Rgb8, &rgb);
        }),
        ("three classes under a threshold", with_keys("mask = threshold"), |d| {
            let thirds: Vec<u8> = (0..SIDE * SIDE).map(|p| [0, 128, 255][p % SIDE * 3 / SIDE]).collect();
            grey(&d.join("masks/p0.png"), [SIDE, SIDE], &thirds);
            let numbers: Vec<u8> = thirds.iter().map(|v| v / 127).collect();
            grey(&d.join("masks/p6.png"), [SIDE, SIDE], &numbers);
        }),
        ("a mask whose shape is in its alpha", no_keys(), |d| {
            let alpha: Vec<u8> = mask_bytes(d, 4).iter().flat_map(|&v| [255, v]).collect();
            png(&d.join("masks/p4.png"), [SIDE, SIDE], La8, &alpha);
        }),
        ("a palette whose indices are no labels", no_keys(), |d| {
            let indices: Vec<u8> = mask_bytes(d, 4).iter().map(|v| v / 255).collect();
            let palette: &[(&[u8; 4], &[u8])] = &[(b"PLTE", &[0, 0, 0, 128, 0, 0])];
            write_png(
                &d.join("masks/p4.png"),
                [SIDE; 2],
                png::ColorType::Indexed,
                png::BitDepth::Eight,
                palette,
                &indices,
            );
        }),
        ("a JPEG mask of class numbers", with_keys("labels = [0, 1]\nmask = threshold"), |d| {
            for i in 0..8 {
                let ones: Vec<u8> = mask_bytes(d, i).iter().map(|v| v / 255).collect();
                grey(&d.join(format!("masks/p{i}.png")), [SIDE, SIDE], &ones);
            }
            fs::remove_file(d.join("masks/p4.png")).unwrap();
            jpeg(&d.join("masks/p4.jpg"), [SIDE, SIDE], &[0; SIDE * SIDE]);
        }),
        ("an image that viewers turn", no_keys(), |d| {
            let image = image::open(d.join("images/p5.png")).unwrap().into_luma8().into_raw();
            fs::remove_file(d.join("images/p5.png")).unwrap();
            jpeg(&d.join("images/p5.jpg"), [SIDE, SIDE], &image);
            let block = [b"Exif\0\0", &exif(6, true)[..]].concat();
            add_jpeg_segment(&d.join("images/p5.jpg"), 0xe1, &block);
        }),
        ("images with alpha", no_keys(), |d| {
            for i in [3, 5] {
                let path = d.join(format!("images/p{i}.png"));
                let image = image::open(&path).unwrap().into_luma8().into_raw();
                let alpha: Vec<u8> = image.iter().flat_map(|&v| [v, v / 2]).collect();
                png(&path, [SIDE, SIDE], La8, &alpha);
            }
        }),
        ("images of 8 and of 16 bits", no_keys(), |d| {
            let image = image::open(d.join("images/p3.png")).unwrap().into_luma8().into_raw();
            let deep: Vec<u8> = image.iter().flat_map(|&v| (u16::from(v) * 4).to_ne_bytes()).collect();
            png(&d.join("images/p3.png"), [SIDE, SIDE], L16, &deep);
        }),
        ("empty masks", no_keys(), |d| {
            [1, 6, 7].iter().for_each(|i| grey(&d.join(format!("masks/p{i}.png")), [SIDE, SIDE], &[0; SIDE * SIDE]));
        }),
        ("an unknown stem in a list", no_keys(), |d| fs::write(d.join("test.txt"), "p6\np7.png\np99\n").unwrap()),
        ("a stem in two lists", no_keys(), |d| fs::write(d.join("test.txt"), "p6\np7\np0\n").unwrap()),
        (
            "a group in two lists",
            with_keys("split = lists(train = \"train.txt\", test = \"test.txt\", group = \"{group}_*\")"),
            |d| {
                for i in 0..8 {
                    let (from, to) = (format!("p{i}.png"), format!("c{}_{i}.png", i / 3));
                    ["images", "masks"]
                        .iter()
                        .for_each(|f| fs::rename(d.join(f).join(&from), d.join(f).join(&to)).unwrap());
                }
                fs::write(d.join("train.txt"), "c0\nc1_3\nc1_4\n").unwrap();
                fs::write(d.join("test.txt"), "c1_5\nc2\n").unwrap();
            },
        ),
        ("an empty split", with_keys("split = random(test = 0.2, group = \"{group}*\")"), |d| {
            // All images are in one group.
            for i in 0..8 {
                let name = format!("p{i}.png");
                ["images", "masks"].iter().for_each(|f| fs::remove_file(d.join(f).join(&name)).unwrap());
            }
            grey(&d.join("images/only.png"), [8, 8], &(0..64).collect::<Vec<u8>>());
            grey(&d.join("masks/only.png"), [8, 8], &[255; 64]);
        }),
        ("float values without a window", no_keys(), |d| {
            fs::remove_file(d.join("images/p5.png")).unwrap();
            let values: Vec<f32> = (0..SIDE * SIDE).map(|p| p as f32 - 1000.0).collect();
            tif::<colortype::Gray32Float>(&d.join("images/p5.tif"), [SIDE, SIDE], &values, false);
        }),
        ("a window in other units", with_keys("window = [-1000, 4000]"), |_| {}),
        ("a constant image", no_keys(), |d| grey(&d.join("images/p5.png"), [SIDE, SIDE], &[7; SIDE * SIDE])),
        ("nearly the same image in train and test", no_keys(), |d| {
            let brighter = |v: u8| (f32::from(v) * 0.9 + 20.0) as u8;
            let image = image::open(d.join("images/p0.png")).unwrap().into_luma8();
            let copy: Vec<u8> = image.into_raw().into_iter().map(brighter).collect();
            grey(&d.join("images/p6.png"), [SIDE, SIDE], &copy);
        }),
        ("an image too large", no_keys(), |d| {
            let mut bytes = fs::read(d.join("images/p2.png")).unwrap();
            bytes[16..24].copy_from_slice(&[0, 1, 0, 0, 0, 1, 0, 0]);
            let crc = !bytes[12..29].iter().fold(!0u32, |crc, &b| {
                (0..8).fold(crc ^ u32::from(b), |c, _| if c & 1 == 1 { (c >> 1) ^ 0xedb8_8320 } else { c >> 1 })
            });
            bytes[29..33].copy_from_slice(&crc.to_be_bytes());
            fs::write(d.join("images/p2.png"), bytes).unwrap();
        }),
        ("a name that is not UTF-8", no_keys(), |d| {
            fs::write(d.join("images").join(OsStr::from_bytes(b"p\xff8.png")), "").unwrap();
        }),
        ("a folder that is not there", with_keys("masks = \"labels/*\""), |_| {}),
        ("a size that the model does not take", with_keys("size = [45, 48]"), |_| {}),
        ("a pair in colours among grey ones", no_keys(), |d| {
            let mut image = image::open(d.join("images/p3.png")).unwrap().into_rgb8();
            image.get_pixel_mut(5, 9)[0] ^= 0x80;
            png(&d.join("images/p3.png"), [SIDE, SIDE], Rgb8, &image.into_raw());
        }),
        ("a NIfTI file with damaged gzip", volume_block("v"), |d| {
            let path = d.join("v/i/a.nii.gz");
            let mut bytes = fs::read(&path).unwrap();
            let middle = bytes.len() / 2;
            bytes[middle] ^= 0xff;
            fs::write(path, bytes).unwrap();
        }),
        ("a NIfTI mask of another shape", volume_block("v"), |d| {
            let from = repository("tests/reference/volumes/kinds/uint8.nii");
            fs::remove_file(d.join("v/m/a.nii.gz")).unwrap();
            fs::copy(from, d.join("v/m/a.nii.gz")).unwrap();
        }),
        ("a DICOM series with a slice missing", volume_block("s"), |d| {
            fs::remove_file(d.join("s/i/a/003.dcm")).unwrap()
        }),
        ("a DICOM file cut off", volume_block("s"), |d| truncate(&d.join("s/i/a/002.dcm"), |n| n - 40)),
        ("a CSV list without a column", with_keys("list = \"c.csv\"\nsplit = random(test = 0)"), |d| {
            fs::write(d.join("c.csv"), "image,masks\nimages/p0.png,masks/p0.png\n").unwrap();
        }),
        ("a CSV list with files that are not there", with_keys("list = \"c.csv\"\nsplit = random(test = 0)"), |d| {
            fs::write(
                d.join("c.csv"),
                "image,mask\nimages/p0.png,masks/p0.png\nimages/q.png,masks/q.png\nimages/p1.png,\n",
            )
            .unwrap();
        }),
    ]
}

#[test]
fn broken_data_is_reported() {
    let mut all = String::new();
    for (what, keys, damage) in damaged_data() {
        let folder = tempfile::tempdir().unwrap();
        write_valid_data(folder.path());
        write_volumes(folder.path());
        damage(folder.path());
        fs::write(folder.path().join("d.model"), model(&keys)).unwrap();
        let output = npc(folder.path(), &["data", "check", "d.model"]);
        let _ = writeln!(all, "## {what}");
        let problem_lines =
            output.stdout.lines().filter(|l| l.contains("error") || l.contains("warning") || l.starts_with("  "));
        for line in problem_lines.chain(output.stderr.lines()) {
            let _ = writeln!(all, "{}", line.replace(&folder.path().display().to_string(), "DATA").replace("./", ""));
        }
        let _ = writeln!(all, "exit code {}\n", output.code);
        assert_eq!(output.code == 1, output.stdout.contains("error["), "{what}: {}{}", output.stdout, output.stderr);
    }
    assert_snapshot!("it", "it__broken_data__broken_data", all);
}
