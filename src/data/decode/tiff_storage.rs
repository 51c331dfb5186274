//! How the samples of a TIFF page are stored, as far as readers disagree about it: sparse files, predictors, sample formats, and what
//! GDAL writes about values.

use super::failure::{damaged, unsupported};
use super::tiff_directory::TiffDirectories;
use super::tiff_page::TiffPage;
use crate::base::count::{counted, counted_of, verb_for};
use crate::base::error::Result;
use crate::base::problem::problem;
use crate::data::notice::NoticeTopic;
use crate::data::pixels::SampleValues;
use std::path::Path;

const FORMAT: &str = "TIFF";
/// Tags of offsets and numbers of bytes.
const STRIPS: [u16; 2] = [273, 279];
pub(super) const TILES: [u16; 2] = [324, 325];
const PREDICTOR: u16 = 317;
const SAMPLE_FORMAT: u16 = 339;
const GDAL_METADATA: u16 = 42_112;
const GDAL_NODATA: u16 = 42_113;

/// A remark about a file.
type TiffNote = (NoticeTopic, String);

/// Checks that readers agree about the samples of a page.
///
/// Errors: strips or tiles are left out, a predictor without a compression that has one, or samples that are no plain numbers.
pub(super) fn check(path: &Path, file: &TiffDirectories<'_>, page: &TiffPage) -> Result<()> {
    check_samples(path, file, page)?;
    check_predictor(path, file, page)?;
    check_parts(path, file, page)
}

fn check_samples(path: &Path, file: &TiffDirectories<'_>, page: &TiffPage) -> Result<()> {
    let formats = file.numbers(page.directory, SAMPLE_FORMAT);
    let Some(&format) = formats.first() else { return Ok(()) };
    let what = match (format, page.bits) {
        _ if formats.iter().any(|other| *other != format) => "a mixture of sample formats".into(),
        (1, _) | (2, 8..) | (3, 16..) => return Ok(()),
        (2, bits) => format!("a signed sample of {}", counted(bits, "bit")),
        (3, bits) => format!("a float sample of {}", counted(bits, "bit")),
        (4, _) => "a sample without a format (SampleFormat 4)".into(),
        (5 | 6, _) => "a complex number as sample".into(),
        (other, _) => format!("SampleFormat {other}"),
    };
    Err(unsupported(path, FORMAT, &what))
}

/// libtiff undoes predictors of some compressions and ignores those of others; other readers do not ask for the compression.
fn check_predictor(path: &Path, file: &TiffDirectories<'_>, page: &TiffPage) -> Result<()> {
    let predictor = file.number(page.directory, PREDICTOR).unwrap_or(1);
    let compression = match page.compression {
        _ if predictor == 1 => return Ok(()),
        5 | 8 | 32_946 | 50_000 => return Ok(()),
        1 => "no compression",
        4 => "fax compression",
        7 => "JPEG compression",
        32_773 => "PackBits compression",
        50_001 => "WebP compression",
        _ => "this compression",
    };
    Err(problem!(
        E0704,
        path,
        "the file has Predictor {predictor} with {compression}: some readers undo it, and others ignore it";
        help: "save the picture again with Deflate or LZW compression, or without a predictor"
    ))
}

/// Checks that each strip or tile is in the file. Some readers take what a sparse file leaves out for zeros, others for damage, and
/// the decoder would read the beginning of the file.
fn check_parts(path: &Path, file: &TiffDirectories<'_>, page: &TiffPage) -> Result<()> {
    let (tags, name) = if page.tiled { (TILES, "tile") } else { (STRIPS, "strip") };
    let [offsets, lengths] = tags.map(|tag| file.numbers(page.directory, tag));
    let all = offsets.len();
    let absent = offsets.iter().zip(&lengths).filter(|(offset, length)| [**offset, **length] == [0, 0]).count();
    if absent > 0 {
        let parts = counted_of(absent, all, name);
        let verb = verb_for(absent, "is", "are");
        return Err(problem!(
            E0704,
            path,
            "{parts} {verb} left out of the file (a sparse file), so a part of the picture has no values";
            help: "write the whole picture, for example with `gdal_translate -co SPARSE_OK=FALSE in.tif out.tif`"
        ));
    }
    let (pointer, width) = file.first_pointer();
    let inside_header = |at: u64| at < (pointer + width) as u64;
    match offsets.iter().zip(&lengths).position(|(offset, length)| inside_header(*offset) || *length == 0) {
        Some(bad) => {
            let what =
                format!("{name} {} of {all} has {} at byte {}", bad + 1, counted(lengths[bad], "byte"), offsets[bad]);
            Err(damaged(path, FORMAT, &what))
        }
        None => Ok(()),
    }
}

/// What GDAL says about the values of a page, and npc does not apply.
pub(super) struct GdalFields {
    scale: f64,
    offset: f64,
    /// The value of pixels without data.
    absent: Option<f64>,
}

impl GdalFields {
    pub(super) fn read(file: &TiffDirectories<'_>, page: &TiffPage) -> GdalFields {
        let text = |tag| file.text(page.directory, tag);
        let metadata = text(GDAL_METADATA);
        GdalFields {
            scale: item(&metadata, "scale").unwrap_or(1.0),
            offset: item(&metadata, "offset").unwrap_or(0.0),
            absent: text(GDAL_NODATA).trim_matches(['\0', ' ', '\n']).parse().ok(),
        }
    }

    /// Returns remarks on the stored values. Of the `samples` of a pixel the first `colours` are no alpha.
    pub(super) fn notes(&self, values: &SampleValues, [samples, colours]: [usize; 2]) -> Vec<TiffNote> {
        let GdalFields { scale, offset, absent } = *self;
        let mut notes = Vec::new();
        if [scale, offset] != [1.0, 0.0] {
            let text = format!(
                "the scale {scale} and the offset {offset} of GDAL are not applied; the stored values are used"
            );
            notes.push((NoticeTopic::ValueScale, text));
        }
        if let Some(value) = absent {
            let is_absent = |pixel: usize| (0..colours).all(|c| values.at(pixel * samples + c) == value);
            if (0..values.len() / samples).any(is_absent) {
                let text = format!(
                    "pixels of the stored value {value} stand for no data (GDAL_NODATA); they are read as values"
                );
                notes.push((NoticeTopic::Padding, text));
            }
        }
        notes
    }
}

/// Returns the number of the first item with a role in the metadata of GDAL, which are XML.
fn item(metadata: &str, role: &str) -> Option<f64> {
    let wanted = format!("role=\"{role}\"");
    let items = metadata.split("<Item").filter_map(|item| item.split_once('>'));
    let (_, content) = items.into_iter().find(|(head, _)| head.contains(&wanted))?;
    content.split('<').next()?.trim().parse().ok()
}
