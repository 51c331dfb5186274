//! Chooses the page of a TIFF file that is read, and interprets its tags (TIFF 6.0 and its supplements).

use super::orientation::Orientation;
use super::raw_picture::FileFields;
use super::tiff_directory::{DESCRIPTION, TiffDirectories};
use super::tiff_stack::stacked_pictures;
use crate::data::notice::NoticeTopic;

const NEW_SUBFILE_TYPE: u16 = 254;
const SUBFILE_TYPE: u16 = 255;
const WIDTH: u16 = 256;
const HEIGHT: u16 = 257;
const BITS: u16 = 258;
pub(super) const COMPRESSION: u16 = 259;
pub(super) const PHOTOMETRIC: u16 = 262;
const FILL_ORDER: u16 = 266;
const ORIENTATION: u16 = 274;
const SAMPLES: u16 = 277;
const X_RESOLUTION: u16 = 282;
const Y_RESOLUTION: u16 = 283;
const PLANAR_CONFIGURATION: u16 = 284;
const RESOLUTION_UNIT: u16 = 296;
const COLOUR_MAP: u16 = 320;
pub(super) const TILE_WIDTH: u16 = 322;
const EXTRA_SAMPLES: u16 = 338;
const PROFILE: u16 = 34_675;

/// A page of a TIFF file.
pub(super) struct TiffPage {
    /// Offset of its directory.
    pub directory: usize,
    /// Height and width as declared.
    pub size: [u64; 2],
    pub bits: u64,
    /// Samples per pixel, extra samples included.
    pub samples: u64,
    pub compression: u64,
    pub photometric: u64,
    pub fill_order: u64,
    /// Whether samples are stored in planes of their own, and in tiles.
    pub planar: bool,
    pub tiled: bool,
    /// First value of ExtraSamples: 1 and 2 are alpha.
    pub extra: Option<u64>,
    /// Number of other pages with pictures, and whether a page is the mask of another.
    others: Vec<PageKind>,
}

#[derive(Clone, Copy, PartialEq)]
enum PageKind {
    Picture,
    /// A copy of another page at a lower resolution.
    Reduced,
    /// Shows which pixels of another page are transparent.
    Transparency,
}

impl TiffPage {
    /// Returns the first page that is a picture and no copy or mask of another; `None` if the file has no page.
    pub(super) fn choose(file: &TiffDirectories<'_>) -> Option<TiffPage> {
        let pages = file.pages();
        let kinds: Vec<PageKind> = pages.iter().map(|&directory| kind(file, directory)).collect();
        let chosen = kinds.iter().position(|kind| *kind == PageKind::Picture).unwrap_or(0);
        let directory = *pages.get(chosen)?;
        let number = |tag, otherwise| file.number(directory, tag).unwrap_or(otherwise);
        let others = kinds.iter().enumerate().filter(|(i, _)| *i != chosen).map(|(_, kind)| *kind).collect();
        Some(TiffPage {
            directory,
            size: [number(HEIGHT, 0), number(WIDTH, 0)],
            bits: number(BITS, 1),
            samples: number(SAMPLES, 1),
            compression: number(COMPRESSION, 1),
            photometric: number(PHOTOMETRIC, u64::MAX),
            fill_order: number(FILL_ORDER, 1),
            planar: number(PLANAR_CONFIGURATION, 1) == 2,
            tiled: file.entry(directory, TILE_WIDTH).is_some(),
            extra: file.number(directory, EXTRA_SAMPLES),
            others,
        })
    }

    /// Checks whether another page shows which pixels are transparent.
    pub(super) fn has_transparency_page(&self) -> bool {
        self.others.contains(&PageKind::Transparency)
    }

    /// Returns the number of samples that the colours take; `None` if the colours are not supported, with their name.
    pub(super) fn colour_samples(&self) -> Result<u64, String> {
        match self.photometric {
            0 | 1 | 3 => Ok(1),
            2 => Ok(3),
            4 => Err("a transparency mask".into()),
            5 => Err("CMYK".into()),
            6 => Err("YCbCr".into()),
            8..=10 => Err("Lab".into()),
            32_803 | 34_892 => Err("raw camera data".into()),
            u64::MAX => Err("a picture without PhotometricInterpretation".into()),
            other => Err(format!("PhotometricInterpretation {other}")),
        }
    }

    /// Returns the name of the compression if it is lossy.
    pub(super) fn lossy(&self) -> Option<&'static str> {
        match self.compression {
            6 | 7 => Some("JPEG in TIFF"),
            // Lossless WebP is possible, but the file does not say it outside of its data.
            50_001 => Some("WebP in TIFF"),
            34_712 | 33_003..=33_005 => Some("JPEG 2000 in TIFF"),
            _ => None,
        }
    }

    /// Returns the name of a compression that is not read.
    pub(super) fn unread_compression(&self) -> Option<String> {
        Some(match self.compression {
            1 | 4 | 5 | 7 | 8 | 32_773 | 32_946 | 50_000 | 50_001 => return None,
            2 | 3 => "fax compression of group 3".into(),
            6 => "JPEG compression of the old kind".into(),
            34_712 | 33_003..=33_005 => "JPEG 2000 compression".into(),
            34_925 => "LZMA compression".into(),
            34_887 => "LERC compression".into(),
            50_002 | 52_546 => "JPEG XL compression".into(),
            other => format!("compression {other}"),
        })
    }

    /// Returns the palette with 2^bits entries; `None` if it is missing.
    pub(super) fn palette(&self, file: &TiffDirectories<'_>) -> Option<Vec<[u8; 4]>> {
        let entries = 1usize << self.bits.min(8);
        let map = file.entry(self.directory, COLOUR_MAP)?;
        let values: Vec<u64> = (0..3 * entries).map(|i| file.value(map, i)).collect::<Option<_>>()?;
        // Some programs store 8 bits in the 16 of an entry; libtiff reads them in the same way.
        let wide = values.iter().any(|&v| v > 255);
        let byte = |i: usize| if wide { (values[i] >> 8) as u8 } else { values[i] as u8 };
        Some((0..entries).map(|i| [byte(i), byte(entries + i), byte(2 * entries + i), 255]).collect())
    }

    /// Returns the fields that change the meaning of the pixels.
    pub(super) fn fields(&self, file: &TiffDirectories<'_>) -> FileFields {
        let mut fields = FileFields::default();
        match file.number(self.directory, ORIENTATION) {
            None | Some(0) => {}
            Some(number) => match Orientation::new(number) {
                Some(orientation) => fields.orientation = orientation,
                None => fields.notices.push((
                    NoticeTopic::Metadata,
                    format!("the orientation tag is {number}, not 1 to 8, so the orientation is unknown"),
                )),
            },
        }
        let pictures = 1 + self.others.iter().filter(|kind| **kind == PageKind::Picture).count();
        let samples = self.size.iter().fold(self.samples, |n, side| n.saturating_mul(*side));
        let bytes = samples.saturating_mul(self.bits) / 8;
        match stacked_pictures(file, self.directory, bytes, samples) {
            Some((stacked, what)) if stacked > pictures => fields.read_frames(stacked, what),
            _ => fields.read_frames(pictures, "pages"),
        }
        if let Some(profile) = file.bytes_of_tag(self.directory, PROFILE) {
            fields.read_profile(profile);
        }
        if let Some(per_mm) = self.pixels_per_mm(file) {
            fields.read_resolution(per_mm);
        }
        fields
    }

    /// Returns the resolution down and across.
    fn pixels_per_mm(&self, file: &TiffDirectories<'_>) -> Option<[f64; 2]> {
        let resolution = [Y_RESOLUTION, X_RESOLUTION].map(|tag| file.fraction(self.directory, tag));
        let [Some(down), Some(across)] = resolution else { return None };
        let unit = match imagej_unit(file.bytes_of_tag(self.directory, DESCRIPTION)) {
            Some(unit) => unit?,
            None => match file.number(self.directory, RESOLUTION_UNIT).unwrap_or(2) {
                2 => 25.4,
                3 => 10.0,
                _ => return None,
            },
        };
        Some([down / unit, across / unit])
    }
}

fn kind(file: &TiffDirectories<'_>, directory: usize) -> PageKind {
    let flags = file.number(directory, NEW_SUBFILE_TYPE).unwrap_or(0);
    let old = file.number(directory, SUBFILE_TYPE).unwrap_or(1);
    if flags & 4 != 0 || file.number(directory, PHOTOMETRIC) == Some(4) {
        PageKind::Transparency
    } else if flags & 1 != 0 || old == 2 {
        PageKind::Reduced
    } else {
        PageKind::Picture
    }
}

/// Returns the millimetres of the unit that ImageJ writes into the description: `Some(None)` for an unknown one, and `None` if
/// ImageJ did not write the file.
fn imagej_unit(description: Option<&[u8]>) -> Option<Option<f64>> {
    let text = String::from_utf8_lossy(description?);
    text.starts_with("ImageJ=").then(|| {
        let unit = text.lines().find_map(|line| line.strip_prefix("unit="))?;
        match unit.trim_end_matches('\0').trim() {
            "mm" => Some(1.0),
            "cm" => Some(10.0),
            "inch" => Some(25.4),
            "micron" | "um" | "µm" | "\\u00B5m" => Some(0.001),
            "nm" => Some(1e-6),
            _ => None,
        }
    })
}
