//! Files that are cut off, or claim absurd sizes, are refused by name.

use crate::support::data_sets::{grey, jpeg, refused, row, spec, tif};
use crate::support::nifti_file::NiftiFile;
use npc::internals::data::{load_image, load_mask};
use npc::text::config::DataSpec;
use std::fs;
use tempfile::tempdir;
use tiff::encoder::colortype;

#[test]
fn files_cut_off_anywhere_are_refused_by_name() {
    let dir = tempdir().unwrap();
    let noise: Vec<u8> = (0..4096u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let signed: Vec<i16> = noise.iter().map(|&v| i16::from(v) - 1000).collect();
    grey(&dir.path().join("a.png"), [64, 64], &noise);
    jpeg(&dir.path().join("b.jpg"), [64, 64], &noise);
    tif::<colortype::GrayI16>(&dir.path().join("c.tif"), [64, 64], &signed, true);
    tif::<colortype::GrayI16>(&dir.path().join("d.tif"), [64, 64], &signed, false);
    let spec = DataSpec { window: Some([-1000.0, 0.0]), ..spec("", "", [8, 8]) };
    for name in ["a.png", "b.jpg", "c.tif", "d.tif"] {
        let path = dir.path().join(name);
        let whole = fs::read(&path).unwrap();
        load_image(&spec, &path, 1).unwrap();
        for part in [0, 1, 3, 8, 20, whole.len() / 4, whole.len() / 2, whole.len() * 9 / 10] {
            fs::write(&path, &whole[..part]).unwrap();
            refused(load_image(&spec, &path, 1), &[name]);
        }
        // Any byte may be wrong: the file is refused or read, and never causes a panic.
        for at in (0..whole.len()).step_by(whole.len() / 60) {
            let mut damaged = whole.clone();
            damaged[at] ^= 0x5a;
            fs::write(&path, &damaged).unwrap();
            if let Err(error) = load_image(&spec, &path, 1) {
                assert!(error.to_string().contains(name));
            }
        }
    }
    refused(load_image(&spec, &dir.path().join("none.png"), 1), &["none.png", "cannot be read"]);
}

#[test]
fn jpeg_end_marker_in_a_thumbnail_does_not_count() {
    let dir = tempdir().unwrap();
    let path = dir.path().join("a.jpg");
    jpeg(&path, [16, 16], &[77; 256]);
    let whole = fs::read(&path).unwrap();
    let mut with_app = vec![0xff, 0xd8, 0xff, 0xe1, 0, 6, 0xff, 0xd9, 0xff, 0xd9];
    with_app.extend_from_slice(&whole[2..]);
    fs::write(&path, &with_app).unwrap();
    load_image(&row(), &path, 1).unwrap();
    fs::write(&path, &with_app[..with_app.len() - 2]).unwrap();
    refused(load_image(&row(), &path, 1), &["a.jpg", "the JPEG file is truncated"]);
    with_app.extend_from_slice(b"added by a camera");
    fs::write(&path, &with_app).unwrap();
    load_image(&row(), &path, 1).unwrap();
}

/// Pillow refuses such a file, and libpng reports an error.
#[test]
fn png_data_that_do_not_match_their_checksum_are_refused() {
    let dir = tempdir().unwrap();
    let path = dir.path().join("a.png");
    let noise: Vec<u8> = (0..4096u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    grey(&path, [64, 64], &noise);
    let mut file = fs::read(&path).unwrap();
    // The last four bytes of the data are their checksum; four bytes behind them is that of the chunk.
    let end = file.windows(4).position(|w| w == b"IEND").unwrap() - 8;
    file[end - 1] ^= 1;
    let start = file.windows(4).rposition(|w| w == b"IDAT").unwrap();
    let crc = crc32(&file[start..end]);
    file[end..end + 4].copy_from_slice(&crc.to_be_bytes());
    fs::write(&path, &file).unwrap();
    refused(load_image(&row(), &path, 1), &["a.png", "the PNG file is damaged"]);
}

#[test]
fn volumes_in_the_place_of_pictures_have_a_help_of_their_own() {
    let dir = tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    let volume = NiftiFile::new([4, 1, 1], [[1.0, 0.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0]], &[0; 4]);
    let help = |name: &str| match load_mask(&row(), &at(name)) {
        Ok(_) => panic!("{name} is read"),
        Err(error) => error.help.join(" "),
    };
    volume.write(&at("2.nii.gz"));
    fs::copy(at("2.nii.gz"), at("2.gz")).unwrap();
    assert!(help("2.nii.gz").contains("write the slice that belongs to the picture as PNG"), "{}", help("2.nii.gz"));
    assert!(help("2.gz").contains("rename it to NAME.nii.gz"));
    // Two files, of NIfTI or Analyze: the header alone, and the voxels beside it.
    fs::write(at("a.hdr"), &volume.header).unwrap();
    fs::write(at("a.img"), [1, 2, 3, 4, 5, 6, 7, 8]).unwrap();
    fs::write(at("b.img"), [1, 2, 3, 4, 5, 6, 7, 8]).unwrap();
    for name in ["a.hdr", "a.img"] {
        assert!(help(name).contains("convert the pair to one .nii file"), "{name}: {}", help(name));
    }
    assert!(help("b.img").contains("convert it to PNG or TIFF"));
}

/// The checksum of PNG chunks.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0u32, |crc, &b| {
        (0..8).fold(crc ^ u32::from(b), |c, _| if c & 1 == 1 { (c >> 1) ^ 0xedb8_8320 } else { c >> 1 })
    })
}

#[test]
fn absurd_sizes_are_refused_before_memory_is_taken() {
    let dir = tempdir().unwrap();
    let path = dir.path().join("bomb.png");
    grey(&path, [1, 1], &[0]);
    let mut bytes = fs::read(&path).unwrap();
    bytes[16..24].copy_from_slice(&[0, 1, 0, 0, 0, 1, 0, 0]);
    let crc = crc32(&bytes[12..29]);
    bytes[29..33].copy_from_slice(&crc.to_be_bytes());
    fs::write(&path, &bytes).unwrap();
    refused(load_image(&row(), &path, 1), &["bomb.png", "65536 x 65536", "16,384 pixels a side"]);
    let path = dir.path().join("bomb.tif");
    tif::<colortype::Gray8>(&path, [1, 1], &[0], false);
    let mut bytes = fs::read(&path).unwrap();
    // The entries for width and length: tags 256 and 257.
    for tag in [0u8, 1] {
        let at = bytes
            .windows(3)
            .position(|w| w == [tag, 1, 4])
            .or_else(|| bytes.windows(3).position(|w| w == [tag, 1, 3]))
            .unwrap();
        bytes[at + 2] = 4;
        bytes[at + 8..at + 12].copy_from_slice(&100_000u32.to_le_bytes());
    }
    fs::write(&path, &bytes).unwrap();
    refused(load_image(&row(), &path, 1), &["bomb.tif", "100000 x 100000"]);
}
