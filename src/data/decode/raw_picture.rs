//! What a reader of one format returns: samples as stored, and the fields of the file that change what they mean.

use super::orientation::{self, Orientation};
use crate::data::notice::NoticeTopic;
use crate::data::pixels::SampleValues;

/// Samples as they are stored, before alpha, palette and orientation are dealt with.
pub(crate) struct RawPicture {
    /// Height and width as stored.
    pub size: [usize; 2],
    /// Samples per pixel: 1 or 3, and one more for alpha.
    pub samples: usize,
    pub values: SampleValues,
    /// Bits per sample; samples of fewer than 8 bits are stored in one byte each.
    pub bits: u32,
    /// Red, green, blue and alpha of each entry; the only sample is the index.
    pub palette: Option<Vec<[u8; 4]>>,
    pub extra: ExtraSample,
    /// Name of the compression if it is lossy.
    pub lossy: Option<&'static str>,
    pub fields: FileFields,
}

/// What follows the grey value or the colour of a pixel.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum ExtraSample {
    None,
    /// Alpha is the last sample of each pixel.
    Alpha,
    /// The last sample of each pixel, whose meaning the file does not give.
    Unnamed,
    /// Pixels of this value (each sample) are transparent.
    TransparentValue([u16; 3]),
}

/// Fields of a file that change what its pixels mean.
pub(crate) struct FileFields {
    pub orientation: Orientation,
    /// Height and width of a stored pixel in millimetres, if the file gives a plausible one.
    pub spacing: Option<[f64; 2]>,
    /// What its user should know about the file, whether it is an image or a mask.
    pub notices: Vec<(NoticeTopic, String)>,
    /// The same for images only: colour profiles change the colours that are shown, and no label.
    pub image_notices: Vec<(NoticeTopic, String)>,
}

impl Default for FileFields {
    fn default() -> FileFields {
        FileFields { orientation: Orientation::UPRIGHT, spacing: None, notices: Vec::new(), image_notices: Vec::new() }
    }
}

impl FileFields {
    /// Takes the orientation from an EXIF block or, if that has none, from an XMP packet.
    pub(super) fn read_orientation(&mut self, exif: Option<&[u8]>, xmp: Option<&[u8]>) {
        let of_exif = match exif.map(orientation::of_exif) {
            Some(Ok(found)) => found,
            Some(Err(cause)) => {
                let text = format!("the EXIF block is damaged ({cause}), so the orientation is unknown");
                self.notices.push((NoticeTopic::Metadata, text));
                None
            }
            None => None,
        };
        let found = of_exif.or_else(|| xmp.and_then(orientation::of_xmp));
        self.orientation = found.unwrap_or(Orientation::UPRIGHT);
    }

    /// Notes an ICC profile, unless it is that of sRGB.
    pub(super) fn read_profile(&mut self, profile: &[u8]) {
        let wide: Vec<u8> = b"sRGB".iter().flat_map(|&byte| [0, byte]).collect();
        let holds = |name: &[u8]| profile.windows(name.len()).any(|window| window == name);
        if !holds(b"sRGB") && !holds(&wide) {
            let text = "the colour profile of the file is not applied; the stored values are used";
            self.image_notices.push((NoticeTopic::ColourProfile, text.into()));
        }
    }

    /// Notes pictures of the file that are not read.
    pub(super) fn read_frames(&mut self, frames: usize, what: &str) {
        if frames > 1 {
            let text = format!("contains {frames} {what}; only the first is used");
            self.notices.push((NoticeTopic::Pages, text));
        }
    }

    /// Takes the spacing from a resolution in pixels per millimetre, height and width. Resolutions of screens and printers are
    /// the defaults of programs and say nothing about what a picture shows.
    pub(super) fn read_resolution(&mut self, per_mm: [f64; 2]) {
        const DEFAULTS: [f64; 6] = [1.0, 72.0, 96.0, 150.0, 300.0, 600.0];
        let is_default = |per_mm: f64| DEFAULTS.iter().any(|dpi| (per_mm * 25.4 / dpi - 1.0).abs() < 0.01);
        if per_mm.iter().all(|r| r.is_finite() && *r > 0.0) && !per_mm.iter().all(|r| is_default(*r)) {
            self.spacing = Some(per_mm.map(|r| 1.0 / r));
        }
    }
}
