//! Formats of images, and the fields that are applied, refused or reported.

use crate::support::data_sets::{grey, jpeg, png, refused, spec, tif};
use crate::support::picture_files::{
    TagValue, TiffPage, add_jpeg_segment, tiff_page, with_jpeg_segment, write_gif, write_png, write_tiff, write_webp,
};
use image::ExtendedColorType;
use npc::internals::base::error::RunError;
use npc::internals::data::load_image;
use npc::text::config::DataSpec;
use png::{BitDepth, ColorType};
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::{TempDir, tempdir};
use tiff::encoder::colortype;

/// Returns the 8-bit values that a network of three channels gets, pixel by pixel, and the warnings.
fn colours(path: &Path, size: [usize; 2]) -> Result<(Vec<[u8; 3]>, Vec<String>), RunError> {
    load_image(&spec("", "", size), path, 3).map(|image| {
        let area = size[0] * size[1];
        let value = |c: usize, i: usize| (image.input[c * area + i] * 255.0).round() as u8;
        let warnings = image.warnings.iter().map(|w| w.text.clone()).collect();
        ((0..area).map(|i| [0, 1, 2].map(|c| value(c, i))).collect(), warnings)
    })
}

fn folder() -> (TempDir, impl Fn(&str) -> PathBuf) {
    let dir = tempdir().unwrap();
    let root = dir.path().to_path_buf();
    (dir, move |name: &str| root.join(name))
}

const RED: [u8; 3] = [255, 0, 0];
const DARK: [u8; 3] = [10, 20, 30];

#[test]
fn bmp_gif_and_webp_are_read() {
    let (_dir, at) = folder();
    let rgb = [RED, DARK, DARK, RED].concat();
    image::RgbImage::from_raw(2, 2, rgb.clone()).unwrap().save(at("x.bmp")).unwrap();
    write_webp(&at("x.webp"), [2, 2], 3, &rgb, None);
    let palette = [RED, DARK].concat();
    write_gif(&at("x.gif"), [2, 2], &palette, None, &[&[0, 1, 1, 0]]);
    write_png(
        &at("x.png"),
        [2, 2],
        ColorType::Indexed,
        BitDepth::One,
        &[(b"PLTE", &palette)],
        &[0b0100_0000, 0b1000_0000],
    );
    for name in ["x.bmp", "x.webp", "x.gif", "x.png"] {
        assert_eq!(colours(&at(name), [2, 2]).unwrap(), (vec![RED, DARK, DARK, RED], vec![]), "{name}");
    }
    // Grey files are grey.
    image::GrayImage::from_raw(2, 1, vec![9, 200]).unwrap().save(at("g.bmp")).unwrap();
    assert_eq!(colours(&at("g.bmp"), [1, 2]).unwrap().0, [[9; 3], [200; 3]]);
    // The first of several frames is used, and the others are counted.
    write_gif(&at("x.gif"), [2, 2], &palette, None, &[&[0, 1, 1, 0], &[1; 4], &[0; 4]]);
    let (pixels, warnings) = colours(&at("x.gif"), [2, 2]).unwrap();
    assert_eq!(pixels, [RED, DARK, DARK, RED]);
    assert_eq!(warnings, ["contains 3 frames of an animation; only the first is used"]);
    write_gif(&at("x.gif"), [2, 2], &palette, Some(1), &[&[0, 1, 1, 0]]);
    assert_eq!(colours(&at("x.gif"), [2, 2]).unwrap().1, ["alpha is ignored"]);
}

#[test]
fn cut_files_of_the_new_formats_are_refused_by_name() {
    let (_dir, at) = folder();
    let noise: Vec<u8> = (0..3 * 64u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    image::RgbImage::from_raw(8, 8, noise.clone()).unwrap().save(at("a.bmp")).unwrap();
    write_webp(&at("b.webp"), [8, 8], 3, &noise, None);
    let indices: Vec<u8> = noise.iter().take(64).map(|v| v % 4).collect();
    write_gif(&at("c.gif"), [8, 8], &[0, 0, 0, 9, 0, 0, 0, 9, 0, 0, 0, 9], None, &[&indices]);
    write_tiff(&at("d.tif"), false, vec![tiff_page([8, 8], 8, 3, 2, &noise)]);
    for name in ["a.bmp", "b.webp", "c.gif", "d.tif"] {
        let whole = fs::read(at(name)).unwrap();
        colours(&at(name), [8, 8]).unwrap();
        for part in [20, 40, whole.len() / 2, whole.len() * 3 / 4] {
            fs::write(at(name), &whole[..part]).unwrap();
            let text = refused(colours(&at(name), [8, 8]), &[name]);
            assert!(!text.contains(" may be "), "{text}");
        }
        // Any byte may be wrong: the file is refused or read, and never causes a panic.
        for place in 0..whole.len() {
            for flip in [0x5a, 0xff, 0x01] {
                let mut damaged = whole.clone();
                damaged[place] ^= flip;
                fs::write(at(name), &damaged).unwrap();
                if let Err(error) = colours(&at(name), [8, 8]) {
                    assert!(error.to_string().contains(name));
                }
            }
        }
    }
}

/// Two pixels of grey with these tags.
fn page(photometric: u16) -> TiffPage {
    tiff_page([1, 2], 8, 1, photometric, &[10, 200])
}

#[test]
fn tags_of_tiff_files() {
    let (_dir, at) = folder();
    let path = at("x.tif");
    let read = |pages: Vec<TiffPage>| {
        write_tiff(&path, true, pages.into_iter().collect());
        colours(&path, [1, 2]).map(|(pixels, warnings)| (pixels.iter().map(|p| p[0]).collect::<Vec<_>>(), warnings))
    };
    assert_eq!(read(vec![page(1)]).unwrap(), (vec![10, 200], vec![]));
    assert_eq!(read(vec![page(0)]).unwrap(), (vec![245, 55], vec![]));
    let two = |photometric| tiff_page([1, 2], 16, 1, photometric, &[0, 255, 255, 255]);
    assert_eq!(read(vec![two(0)]).unwrap().0, [254, 0]);
    // Reduced copies come before or behind the picture, and are no pages of their own.
    let copy = || tiff_page([1, 1], 8, 1, 1, &[99]).with(254, TagValue::Longs(vec![1]));
    assert_eq!(read(vec![copy(), page(1), copy()]).unwrap(), (vec![10, 200], vec![]));
    let pages = "contains 3 pages; only the first is used";
    assert_eq!(read(vec![page(1), page(0), page(0)]).unwrap(), (vec![10, 200], vec![pages.to_string()]));
    // Planes of one colour each.
    let planar = tiff_page([1, 2], 8, 3, 2, &[1, 2, 3, 4, 5, 6]).short(284, 2);
    let planar = planar.with(278, TagValue::Longs(vec![1]));
    write_planar(&path, planar);
    assert_eq!(colours(&path, [1, 2]).unwrap().0, [[1, 3, 5], [2, 4, 6]]);
    // Alpha, further samples, and kinds that are not read.
    let rgba = |extra| tiff_page([1, 2], 8, 4, 2, &[10, 0, 0, 7, 200, 0, 0, 9]).short(338, extra);
    assert_eq!(read(vec![rgba(2)]).unwrap(), (vec![10, 200], vec!["alpha is ignored".to_string()]));
    assert_eq!(read(vec![rgba(0)]).unwrap().1, ["a sample without a meaning is ignored"]);
    refused(read(vec![page(5)]), &["CMYK is not supported in TIFF files"]);
    refused(read(vec![page(1).short(266, 2)]), &["FillOrder 2"]);
    let tiles = tiff_page([1, 2], 8, 3, 2, &[0; 6]).short(284, 2).short(322, 16).short(323, 16);
    refused(read(vec![tiles]), &["tiles with one plane per colour"]);
    refused(read(vec![page(1).short(259, 34_925)]), &["LZMA compression is not supported"]);
    refused(read(vec![page(3)]), &["the TIFF file is damaged: its palette is missing"]);
    refused(read(vec![tiff_page([1, 2], 12, 1, 1, &[1, 2, 3])]), &["a sample of 12 bits is not supported"]);
    // Zstandard: a frame of one raw block.
    let zstd = [&[0x28, 0xb5, 0x2f, 0xfd, 0x20, 2, 0x11, 0, 0][..], &[10, 200]].concat();
    assert_eq!(read(vec![tiff_page([1, 2], 8, 1, 1, &zstd).short(259, 50_000)]).unwrap().0, [10, 200]);
}

/// Programs store a stack behind the directory of its first picture, and say so in a text or a tag of their own.
#[test]
fn stacks_behind_one_directory_are_counted() {
    let (_dir, at) = folder();
    let path = at("x.tif");
    let notices = |data: &[u8], tag: u16, value: TagValue| {
        write_tiff(&path, false, vec![tiff_page([2, 2], 8, 1, 1, data).with(tag, value)]);
        let (pixels, warnings) = colours(&path, [2, 2]).unwrap();
        assert_eq!(pixels, [[1; 3], [2; 3], [3; 3], [4; 3]]);
        warnings
    };
    let text = |data: &[u8], text: &str| notices(data, 270, TagValue::Text(text.into()));
    let (one, three) = ([1, 2, 3, 4], [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
    let imagej = ["contains 3 images of an ImageJ stack; only the first is used"];
    assert_eq!(text(&three, "ImageJ=1.11a\nimages=3\nslices=3\nhyperstack=true\n"), imagej);
    assert_eq!(text(&three, "ImageJ=1.53t\nchannels=3\nmode=composite\n"), imagej);
    let array = ["contains 3 pictures of an array; only the first is used"];
    assert_eq!(text(&three, "{\"shape\": [3, 2, 2], \"truncated\": true}"), array);
    assert_eq!(
        notices(&three, 33_629, TagValue::Longs(vec![0; 3])),
        ["contains 3 planes of a MetaMorph stack; only the first is used"]
    );
    assert_eq!(
        notices(&one, 32_997, TagValue::Longs(vec![5])),
        ["contains 5 slices of a volume; only the first is used"]
    );
    // One picture, and a description that a page took along from its stack.
    let long = format!("ImageJ=1.11a\nimages=3000\n{}", " ".repeat(100));
    for one_picture in
        ["ImageJ=1.11a\nimages=1\n", "ImageJ=1.53t\nunit=mm\n", &long, "{\"shape\": [2, 2]}", "{\"shape\": [2", "{}"]
    {
        assert_eq!(text(&one, one_picture), [""; 0], "{one_picture}");
    }
    assert_eq!(notices(&one, 33_629, TagValue::Longs(vec![0])), [""; 0]);
    // Each picture has a directory of its own.
    let page = || tiff_page([2, 2], 8, 1, 1, &one).with(270, TagValue::Text("ImageJ=1.11a\nimages=2\n".into()));
    write_tiff(&path, false, vec![page(), page()]);
    assert_eq!(colours(&path, [2, 2]).unwrap().1, ["contains 2 pages; only the first is used"]);
}

/// Cameras store further pictures behind the first (MPO), with or without an index.
#[test]
fn pictures_behind_a_jpeg_picture_are_counted() {
    let (_dir, at) = folder();
    let path = at("x.jpg");
    jpeg(&path, [8, 8], &(0..64).collect::<Vec<u8>>());
    let whole = fs::read(&path).unwrap();
    let notices = |bytes: &[u8]| {
        fs::write(&path, bytes).unwrap();
        colours(&path, [8, 8]).unwrap().1
    };
    let index = |pictures: u32, big: bool| {
        let short = |v: u16| if big { v.to_be_bytes() } else { v.to_le_bytes() };
        let long = |v: u32| if big { v.to_be_bytes() } else { v.to_le_bytes() };
        let start: &[u8] = if big { b"MPF\0MM\0*" } else { b"MPF\0II*\0" };
        let entry = [&short(0xb001)[..], &short(4), &long(1), &long(pictures)].concat();
        [start, &long(8), &short(1), &entry, &long(0)].concat()
    };
    let with_index = |content: &[u8]| notices(&with_jpeg_segment(&whole, 0xe2, content));
    for big in [false, true] {
        assert_eq!(with_index(&index(2, big)), ["contains 2 pictures (MPF); only the first is used"]);
        assert_eq!(with_index(&index(1, big)), [""; 0]);
    }
    assert_eq!(with_index(b"MPF\0II"), ["the index of its pictures (MPF) is damaged; only the first picture is used"]);
    let both = [&whole[..], &whole].concat();
    assert_eq!(notices(&both), ["a further JPEG picture follows the first; only the first is used"]);
    assert_eq!(notices(&[&whole[..], b"rest"].concat()), [""; 0]);
}

/// Writes a page of three planes of two bytes each.
fn write_planar(path: &Path, page: TiffPage) {
    let strips = TagValue::Longs(vec![8, 10, 12]);
    write_tiff(path, true, vec![page]);
    let mut file = fs::read(path).unwrap();
    let directory = u32::from_be_bytes(file[4..8].try_into().unwrap()) as usize;
    let TagValue::Longs(strips) = strips else { unreachable!() };
    for (tag, values) in [(273u16, strips), (279, vec![2, 2, 2])] {
        let at = (0..20).map(|i| directory + 2 + 12 * i).find(|at| file[*at..*at + 2] == tag.to_be_bytes()).unwrap();
        let place = file.len() as u32;
        file.extend(values.iter().flat_map(|v| v.to_be_bytes()));
        file[at + 4..at + 8].copy_from_slice(&3u32.to_be_bytes());
        file[at + 8..at + 12].copy_from_slice(&place.to_be_bytes());
    }
    fs::write(path, file).unwrap();
}

#[test]
fn colour_profiles_and_gamma_are_reported_for_images() {
    let (_dir, at) = folder();
    let path = at("x.png");
    let notices = |chunks: &[(&[u8; 4], &[u8])]| {
        write_png(&path, [1, 2], ColorType::Rgb, BitDepth::Eight, chunks, &[9, 8, 7, 1, 2, 3]);
        colours(&path, [1, 2]).unwrap().1
    };
    let gamma = |n: u32| n.to_be_bytes();
    assert_eq!(notices(&[(b"gAMA", &gamma(45_455))]), Vec::<String>::new());
    assert_eq!(notices(&[(b"gAMA", &gamma(100_000))]), ["the gamma 1 is not applied; the stored values are used"]);
    assert_eq!(notices(&[(b"gAMA", &gamma(100_000)), (b"sRGB", &[0])]), Vec::<String>::new());
    assert!(notices(&[(b"cICP", &[9, 16, 0, 1])])[0].contains("cICP 9/16"));
    let calibration = b"hu\0\0\0\0\0\0\0\0\xff\0\x02HU\0-1000\x003.9";
    assert_eq!(
        notices(&[(b"pCAL", calibration)]),
        ["the calibration of the file (pCAL) is not applied; the stored values are used"]
    );
    jpeg(&at("x.jpg"), [8, 8], &(0..64).collect::<Vec<u8>>());
    add_jpeg_segment(&at("x.jpg"), 0xe2, b"ICC_PROFILE\0\x01\x01 Display P3 ");
    assert!(colours(&at("x.jpg"), [8, 8]).unwrap().1[0].contains("the colour profile of the file is not applied"));
    jpeg(&at("y.jpg"), [8, 8], &(0..64).collect::<Vec<u8>>());
    add_jpeg_segment(&at("y.jpg"), 0xe2, b"ICC_PROFILE\0\x01\x01 sRGB IEC61966-2.1 ");
    assert_eq!(colours(&at("y.jpg"), [8, 8]).unwrap().1, Vec::<String>::new());
}

#[test]
fn kinds_of_jpeg_that_are_not_read_are_named() {
    let (_dir, at) = folder();
    let path = at("x.jpg");
    jpeg(&path, [8, 8], &[7; 64]);
    let whole = fs::read(&path).unwrap();
    let frame = whole.windows(2).position(|w| w == [0xff, 0xc0]).unwrap();
    let changed = |at: usize, value: u8| {
        let mut file = whole.clone();
        file[frame + at] = value;
        fs::write(&path, file).unwrap();
        colours(&path, [8, 8])
    };
    refused(changed(4, 12), &["a precision of 12 bits is not supported in JPEG files"]);
    refused(changed(1, 0xc3), &["lossless coding is not supported"]);
    refused(changed(1, 0xc9), &["arithmetic coding is not supported"]);
    refused(changed(9, 4), &["CMYK colours"]);
}

#[test]
fn spacing_of_a_file_that_differs_from_the_block_is_reported() {
    let (_dir, at) = folder();
    let path = at("x.tif");
    let block = DataSpec { spacing: Some([0.5, 0.5]), ..spec("", "", [1, 2]) };
    let notices = |page: TiffPage| {
        write_tiff(&path, false, vec![page]);
        load_image(&block, &path, 1).unwrap().warnings.iter().map(|w| w.text.clone()).collect::<Vec<_>>()
    };
    let with = |down: u32, across: u32, unit: u16| {
        page(1).with(282, TagValue::Fraction(across, 1)).with(283, TagValue::Fraction(down, 1)).short(296, unit)
    };
    assert_eq!(notices(with(20, 20, 3)), Vec::<String>::new());
    assert_eq!(notices(with(72, 72, 2)), Vec::<String>::new());
    assert_eq!(
        notices(with(10, 20, 3)),
        ["the file gives a spacing of 1.0000 x 0.5000 mm; the data block's 0.5 x 0.5 mm is used"]
    );
    let imagej = with(4, 4, 1).with(270, TagValue::Text("ImageJ=1.53\nunit=mm\n".into()));
    assert!(notices(imagej)[0].contains("0.2500 x 0.2500 mm"));
    write_png(
        &path,
        [1, 2],
        ColorType::Grayscale,
        BitDepth::Eight,
        &[(b"pHYs", &[0, 0, 3, 232, 0, 0, 3, 232, 1])],
        &[1, 9],
    );
    assert!(load_image(&block, &path, 1).unwrap().warnings[0].text.contains("1.0000 x 1.0000 mm"));
}

#[test]
fn sixteen_bits_that_use_little_of_their_range_are_reported() {
    let (_dir, at) = folder();
    let path = at("x.tif");
    tif::<colortype::Gray16>(&path, [1, 2], &[1000, 1200], false);
    let warnings = colours(&path, [1, 2]).unwrap().1;
    assert!(warnings[0].starts_with("the 16-bit values are scaled by 65535, and the largest is 1200 (1.8 % of it)"));
    let windowed = DataSpec { window: Some([1000.0, 1200.0]), ..spec("", "", [1, 2]) };
    assert_eq!(load_image(&windowed, &path, 1).unwrap().warnings, []);
    tif::<colortype::Gray16>(&path, [1, 2], &[0, 40_000], false);
    assert_eq!(colours(&path, [1, 2]).unwrap().1, Vec::<String>::new());
    png(&path, [1, 2], ExtendedColorType::La16, &[0, 128, 255, 255, 255, 255, 0, 0]);
    assert_eq!(colours(&path, [1, 2]).unwrap().1, ["alpha is ignored"]);
    grey(&path, [1, 2], &[1, 2]);
    assert_eq!(colours(&path, [1, 2]).unwrap().1, Vec::<String>::new());
}
