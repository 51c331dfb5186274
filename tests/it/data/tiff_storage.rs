//! TIFF files about whose samples readers disagree, and remarks of GDAL about values.

use crate::support::data_sets::{refused, spec};
use crate::support::picture_files::{TagValue, TiffPage, tiff_bytes, tiff_page};
use crate::support::tiled_tiff::TiledTiff;
use npc::internals::base::error::RunError;
use npc::internals::data::load_image;
use npc::text::config::DataSpec;
use std::fs;
use tempfile::tempdir;
use weezl::BitOrder;
use weezl::encode::Encoder;

/// The values of a file and the warnings about it. The window makes a value of 8 bits a number of its own.
fn read(bytes: &[u8], size: [usize; 2]) -> Result<(Vec<i64>, Vec<String>), RunError> {
    let folder = tempdir().unwrap();
    let path = folder.path().join("a.tif");
    fs::write(&path, bytes).unwrap();
    let block = DataSpec { window: Some([0.0, 65535.0]), ..spec("", "", size) };
    let image = load_image(&block, &path, 1)?;
    let values = image.input.iter().map(|v| (v * 65535.0).round() as i64).collect();
    Ok((values, image.warnings.into_iter().map(|w| w.text).collect()))
}

/// Reads pages in both byte orders, which must agree.
fn read_page(page: impl Fn() -> TiffPage) -> Result<(Vec<i64>, Vec<String>), RunError> {
    let [little, big] = [false, true].map(|big| read(&tiff_bytes(big, vec![page()]), [2, 4]));
    let (little, big) = (little?, big?);
    assert_eq!(little, big);
    Ok(little)
}

/// Two rows of four pixels of 8 bits.
fn page() -> TiffPage {
    tiff_page([2, 4], 8, 1, 1, &[1, 2, 3, 4, 5, 6, 7, 8])
}

/// The file with other values for a tag of one LONG.
fn patched(file: &[u8], tag: u16, value: u32) -> Vec<u8> {
    let mut file = file.to_vec();
    let directory = u32::from_le_bytes(file[4..8].try_into().unwrap()) as usize;
    let at = (0..20).map(|i| directory + 2 + 12 * i).find(|at| file[*at..*at + 2] == tag.to_le_bytes()).unwrap();
    file[at + 8..at + 12].copy_from_slice(&value.to_le_bytes());
    file
}

#[test]
fn strips_that_are_not_in_the_file_are_refused() {
    let whole = tiff_bytes(false, vec![page()]);
    assert_eq!(read(&whole, [2, 4]).unwrap().0, [1, 2, 3, 4, 5, 6, 7, 8]);
    let sparse = patched(&patched(&whole, 273, 0), 279, 0);
    refused(read(&sparse, [2, 4]), &["1 of 1 strip is left out of the file (a sparse file)"]);
    // The header of the file is no picture, and no bytes are none.
    refused(read(&patched(&whole, 273, 0), [2, 4]), &["the TIFF file is damaged: strip 1 of 1 has 8 bytes at byte 0"]);
    refused(read(&patched(&whole, 273, 7), [2, 4]), &["strip 1 of 1 has 8 bytes at byte 7"]);
    refused(read(&patched(&whole, 279, 0), [2, 4]), &["strip 1 of 1 has 0 bytes at byte 8"]);
    // One of two strips, compressed or not, and tiles.
    for compression in [1, 8, 5, 32_773] {
        let file =
            TiledTiff { compression, ..TiledTiff::of(&[&[1, 2, 3, 4], &[]], 2, [2, 4]) }.bytes(&[[8, 4], [0, 0]]);
        refused(read(&file, [2, 4]), &["1 of 2 tiles is left out of the file"]);
    }
}

#[test]
fn predictors_without_their_compressions_are_refused() {
    let predicted = |compression: u16| page().short(259, compression).short(317, 2);
    refused(read_page(|| predicted(1)), &["the file has Predictor 2 with no compression"]);
    refused(read_page(|| predicted(32_773)), &["Predictor 2 with PackBits compression"]);
    assert_eq!(read_page(|| page().short(317, 1)).unwrap().0, [1, 2, 3, 4, 5, 6, 7, 8]);
    // LZW has one.
    let data = Encoder::with_tiff_size_switch(BitOrder::Msb, 8).encode(&[1, 1, 1, 1, 9, 1, 1, 1]).unwrap();
    let page = || tiff_page([2, 4], 8, 1, 1, &data).short(259, 5).short(317, 2);
    assert_eq!(read_page(page).unwrap().0, [1, 2, 3, 4, 9, 10, 11, 12]);
}

#[test]
fn samples_that_are_no_plain_numbers_are_named() {
    let format = |format: u16| page().short(339, format);
    assert_eq!(read_page(|| format(1)).unwrap().0, [1, 2, 3, 4, 5, 6, 7, 8]);
    assert_eq!(read_page(|| format(2)).unwrap().0, [1, 2, 3, 4, 5, 6, 7, 8]);
    refused(read_page(|| format(3)), &["a float sample of 8 bits is not supported in TIFF files"]);
    refused(read_page(|| format(4)), &["a sample without a format (SampleFormat 4) is not supported"]);
    refused(read_page(|| format(6)), &["a complex number as sample is not supported"]);
    let mixed = || tiff_page([2, 4], 8, 3, 2, &[7; 24]).with(339, TagValue::Shorts(vec![1, 1, 2]));
    refused(read_page(mixed), &["a mixture of sample formats is not supported"]);
    let bits = || tiff_page([2, 4], 4, 1, 1, &[0x12, 0x34, 0x56, 0x78]).short(339, 2);
    refused(read_page(bits), &["a signed sample of 4 bits is not supported"]);
}

#[test]
fn what_gdal_says_about_values_is_told() {
    let metadata = |text: &str| {
        let text = format!("<GDALMetadata>\n  <Item name=\"A\">7</Item>\n{text}</GDALMetadata>");
        read_page(|| page().with(42_112, TagValue::Text(text.clone()))).unwrap()
    };
    let scale = "  <Item name=\"SCALE\" sample=\"0\" role=\"scale\">0.5</Item>\n";
    let offset = "  <Item name=\"OFFSET\" sample=\"0\" role=\"offset\">-3</Item>\n";
    let text = |scale: &str, offset: &str| {
        vec![format!("the scale {scale} and the offset {offset} of GDAL are not applied; the stored values are used")]
    };
    assert_eq!(metadata(""), (vec![1, 2, 3, 4, 5, 6, 7, 8], vec![]));
    assert_eq!(metadata(&format!("{scale}{offset}")), (vec![1, 2, 3, 4, 5, 6, 7, 8], text("0.5", "-3")));
    assert_eq!(metadata(offset).1, text("1", "-3"));
    assert_eq!(metadata("  <Item role=\"scale\">1.0</Item>\n").1, Vec::<String>::new());
    let absent = |text: &str| read_page(|| page().with(42_113, TagValue::Text(text.into()))).unwrap().1;
    let told = ["pixels of the stored value 8 stand for no data (GDAL_NODATA); they are read as values"];
    assert_eq!(absent("8"), told);
    assert_eq!(absent(" 8.0 "), told);
    assert_eq!(absent("9"), Vec::<String>::new());
    assert_eq!(absent("nan"), Vec::<String>::new());
    // The value is that in the file, before WhiteIsZero is inverted.
    let white =
        tiff_bytes(false, vec![tiff_page([1, 2], 8, 1, 0, &[255, 3]).with(42_113, TagValue::Text("255".into()))]);
    let (values, warnings) = read(&white, [1, 2]).unwrap();
    assert_eq!(values, [0, 252]);
    assert!(warnings.iter().any(|text| text.contains("GDAL_NODATA")), "{warnings:?}");
}
