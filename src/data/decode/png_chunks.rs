//! Reads the fields of a PNG file from its chunks, without decoding pixels (PNG specification, third edition).

use super::raw_picture::FileFields;
use crate::data::notice::NoticeTopic;
use flate2::read::ZlibDecoder;
use std::io::Read;

/// Largest number of bytes of a compressed text that is read.
const MAX_TEXT: u64 = 1 << 20;

/// What the chunks of a PNG file say.
pub(super) struct PngChunks<'a> {
    pub width: u32,
    pub height: u32,
    /// Number of pictures of an animation; 1 without one.
    pub frames: usize,
    exif: Option<&'a [u8]>,
    /// EXIF in the text form of older programs.
    raw_exif: Option<Vec<u8>>,
    xmp: Option<&'a [u8]>,
    /// Gamma times 100,000.
    gamma: Option<u32>,
    srgb: bool,
    /// Colour primaries and transfer function.
    cicp: Option<[u8; 2]>,
    /// Pixels per metre, height and width.
    per_metre: Option<[u32; 2]>,
    profile: bool,
    /// Whether a calibration says which values the samples stand for.
    calibrated: bool,
}

impl<'a> PngChunks<'a> {
    /// Walks over all chunks; `None` if the first one is no header. A file that ends early gives what was read.
    pub(super) fn read(bytes: &'a [u8]) -> Option<PngChunks<'a>> {
        let mut rest = bytes.get(8..)?;
        let header = next_chunk(&mut rest).filter(|(name, data)| *name == *b"IHDR" && data.len() == 13)?.1;
        let mut found = PngChunks {
            width: number(header, 0)?,
            height: number(header, 4)?,
            frames: 1,
            exif: None,
            raw_exif: None,
            xmp: None,
            gamma: None,
            srgb: false,
            cicp: None,
            per_metre: None,
            profile: false,
            calibrated: false,
        };
        while let Some((name, data)) = next_chunk(&mut rest) {
            found.add(name, data);
        }
        Some(found)
    }

    fn add(&mut self, name: [u8; 4], data: &'a [u8]) {
        match &name {
            b"acTL" => self.frames = number(data, 0).map_or(1, |n| n as usize),
            b"eXIf" => self.exif = self.exif.or(Some(data)),
            b"gAMA" => self.gamma = number(data, 0),
            b"sRGB" => self.srgb = true,
            b"iCCP" => self.profile = true,
            b"pCAL" => self.calibrated = true,
            b"cICP" => self.cicp = data.get(..2).map(|d| [d[0], d[1]]),
            b"iTXt" if data.starts_with(b"XML:com.adobe.xmp\0") => self.xmp = Some(data),
            b"zTXt" if data.starts_with(b"Raw profile type exif\0") => self.raw_exif = raw_profile(data),
            b"pHYs" if data.get(8) == Some(&1) => {
                self.per_metre = number(data, 4).zip(number(data, 0)).map(|(y, x)| [y, x]);
            }
            _ => {}
        }
    }

    /// Returns the fields. `profile` is the ICC profile, which the decoder decompresses.
    pub(super) fn fields(&self, profile: Option<&[u8]>) -> FileFields {
        let mut fields = FileFields::default();
        fields.read_orientation(self.exif.or(self.raw_exif.as_deref()), self.xmp);
        fields.read_frames(self.frames, "frames of an animation");
        if let Some([y, x]) = self.per_metre {
            fields.read_resolution([f64::from(y) / 1000.0, f64::from(x) / 1000.0]);
        }
        if self.calibrated {
            let text = "the calibration of the file (pCAL) is not applied; the stored values are used";
            fields.notices.push((NoticeTopic::ValueScale, text.into()));
        }
        let mut note = |text: String| fields.image_notices.push((NoticeTopic::ColourProfile, text));
        // A later entry of this list has priority over an earlier one (PNG specification, 4.3).
        match (self.cicp, profile, self.srgb, self.gamma) {
            // BT.709 primaries with the transfer function of sRGB or BT.709.
            (Some([1, 13 | 1 | 6]), ..) => {}
            (Some([primaries, transfer]), ..) => {
                note(format!(
                    "the colours of cICP {primaries}/{transfer} are not converted; the stored values are used"
                ));
            }
            (None, Some(profile), ..) => fields.read_profile(profile),
            (None, None, true, _) => {}
            // 1 / 2.2 is what sRGB pictures declare.
            (None, None, false, Some(gamma)) if !(44_000..47_000).contains(&gamma) => {
                note(format!("the gamma {} is not applied; the stored values are used", f64::from(gamma) / 100_000.0));
            }
            _ => {}
        }
        fields
    }
}

/// Returns name and content of the first chunk, and removes it.
fn next_chunk<'a>(rest: &mut &'a [u8]) -> Option<([u8; 4], &'a [u8])> {
    let length = number(rest, 0)? as usize;
    let name = rest.get(4..8)?.try_into().ok()?;
    let data = rest.get(8..length.checked_add(8)?)?;
    *rest = rest.get(length + 12..).unwrap_or_default();
    Some((name, data))
}

fn number(data: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(data.get(at..at + 4)?.try_into().ok()?))
}

/// Decodes a profile that ImageMagick stores as compressed text: a name, its number of bytes, and the bytes in hexadecimal.
fn raw_profile(data: &[u8]) -> Option<Vec<u8>> {
    let start = data.iter().position(|&byte| byte == 0)? + 2;
    let mut text = Vec::new();
    ZlibDecoder::new(data.get(start..)?).take(MAX_TEXT).read_to_end(&mut text).ok()?;
    let text = String::from_utf8(text).ok()?;
    let mut words = text.split_whitespace();
    words.next()?;
    words.next()?.parse::<usize>().ok()?;
    let digits: Vec<u8> =
        words.flat_map(str::bytes).map(|c| (c as char).to_digit(16).map(|d| d as u8)).collect::<Option<_>>()?;
    Some(digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect())
}
