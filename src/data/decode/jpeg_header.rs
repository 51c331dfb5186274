//! Reads the segments of a JPEG file without decoding it (ITU-T T.81, annex B), and detects truncated files, which decoders accept.

use super::raw_picture::FileFields;
use super::tiff_directory::TiffDirectories;
use crate::base::count::counted;
use crate::data::notice::NoticeTopic;

/// Tag with the number of pictures in the index of a Multi-Picture file (CIPA DC-007).
const NUMBER_OF_IMAGES: u16 = 0xb001;

/// What the segments of a JPEG file say.
#[derive(Default)]
pub(super) struct JpegHeader<'a> {
    /// Second byte of the marker of the frame, which gives the coding process; 0 if the file has none.
    pub process: u8,
    /// Bits per sample.
    pub precision: u8,
    pub height: u16,
    pub width: u16,
    /// 1 for grey, 3 for colours.
    pub components: u8,
    /// Place of the end-of-image marker; `None` if the file ends before it.
    pub end: Option<usize>,
    pub frame: Option<JpegSegment<'a>>,
    /// The headers of the scans.
    pub scans: Vec<JpegSegment<'a>>,
    pub jfif: bool,
    /// Place and value of the colour transform of the Adobe segment.
    pub adobe: Option<(usize, u8)>,
    /// Whether bytes that belong to no segment stand before the first scan.
    pub stray: bool,
    exif: Option<&'a [u8]>,
    xmp: Option<&'a [u8]>,
    profile: Option<&'a [u8]>,
    /// Index of a file of several pictures: a TIFF structure without pictures.
    pictures: Option<&'a [u8]>,
    /// Whether another JPEG file begins right behind the picture.
    followed: bool,
    /// Unit, and density across and down, of the JFIF segment.
    density: Option<(u8, u16, u16)>,
}

/// The content of a segment without its length.
pub(super) struct JpegSegment<'a> {
    /// Its place in the file.
    pub at: usize,
    pub content: &'a [u8],
}

impl<'a> JpegHeader<'a> {
    /// Walks over all segments. Bytes after the end-of-image marker are ignored, and so are markers inside a segment, such as
    /// those of an embedded thumbnail.
    pub(super) fn read(bytes: &'a [u8]) -> JpegHeader<'a> {
        let mut found = JpegHeader::default();
        let mut at = 2;
        while let Some(&first) = bytes.get(at) {
            if first != 0xff {
                // Between segments, or in the coded data after a scan header: search for the next marker.
                at += 1;
                found.stray |= found.scans.is_empty();
                continue;
            }
            let Some(&marker) = bytes.get(at + 1) else { return found };
            match marker {
                0xd9 => {
                    found.end = Some(at);
                    found.followed = bytes[at + 2..].starts_with(&[0xff, 0xd8, 0xff]);
                    return found;
                }
                // Fill bytes.
                0xff => at += 1,
                // A data byte of 255, restart markers, markers without a length.
                0x00 | 0x01 | 0xd0..=0xd8 => at += 2,
                _ => {
                    let Some(length) = bytes.get(at + 2..at + 4) else { return found };
                    let end = at + 2 + usize::from(u16::from_be_bytes([length[0], length[1]])).max(2);
                    if let Some(content) = bytes.get(at + 4..end) {
                        found.add(marker, JpegSegment { at: at + 4, content });
                    }
                    at = end;
                }
            }
        }
        found
    }

    fn add(&mut self, marker: u8, segment: JpegSegment<'a>) {
        let JpegSegment { at, content } = segment;
        let short = |at: usize| content.get(at..at + 2).map(|b| u16::from_be_bytes([b[0], b[1]]));
        match marker {
            // DHT, JPG and DAC are no frames.
            0xc4 | 0xc8 | 0xcc => {}
            0xc0..=0xcf if self.process == 0 && content.len() >= 6 => {
                self.process = marker;
                self.precision = content[0];
                self.components = content[5];
                (self.height, self.width) = (short(1).unwrap_or(0), short(3).unwrap_or(0));
                self.frame = Some(segment);
            }
            0xda => self.scans.push(segment),
            0xee if content.starts_with(b"Adobe") && content.len() >= 12 && self.scans.is_empty() => {
                self.adobe = Some((at + 11, content[11]));
            }
            0xe0 if content.starts_with(b"JFIF\0") => {
                self.jfif |= content.len() >= 14 && self.scans.is_empty();
                self.density = short(8).zip(short(10)).map(|(x, y)| (content[7], x, y));
            }
            0xe1 if content.starts_with(b"Exif\0") => self.exif = self.exif.or(Some(content)),
            0xe1 if content.starts_with(b"http://ns.adobe.com/xap/1.0/\0") => self.xmp = self.xmp.or(Some(content)),
            0xe2 if content.starts_with(b"MPF\0") => self.pictures = self.pictures.or(content.get(4..)),
            0xe2 if content.starts_with(b"ICC_PROFILE\0") => self.profile = self.profile.or(Some(content)),
            _ => {}
        }
    }

    /// Returns the identifiers of the components in the frame.
    pub(super) fn component_names(&self) -> Vec<u8> {
        let content = self.frame.as_ref().map_or(&[][..], |frame| frame.content);
        self.component_places().filter_map(|at| content.get(at).copied()).collect()
    }

    /// Returns the places of these identifiers in the content of the frame.
    pub(super) fn component_places(&self) -> impl Iterator<Item = usize> + use<> {
        (0..usize::from(self.components)).map(|i| 6 + 3 * i)
    }

    /// Returns the name of the coding process; `None` if the decoder supports it.
    pub(super) fn unsupported_process(&self) -> Option<String> {
        let name = match self.process {
            0xc0..=0xc2 if self.precision == 8 => return None,
            0xc0..=0xc2 => return Some(format!("a precision of {}", counted(self.precision, "bit"))),
            0xc3 | 0xc7 | 0xcb | 0xcf => "lossless coding",
            0xc9 | 0xca | 0xcd | 0xce => "arithmetic coding",
            _ => "hierarchical coding",
        };
        Some(name.into())
    }

    pub(super) fn fields(&self) -> FileFields {
        let mut fields = FileFields::default();
        fields.read_orientation(self.exif, self.xmp);
        if let Some(profile) = self.profile {
            fields.read_profile(profile);
        }
        match self.pictures.map(count_pictures) {
            Some(Some(pictures)) => fields.read_frames(pictures, "pictures (MPF)"),
            Some(None) => {
                let text = "the index of its pictures (MPF) is damaged; only the first picture is used";
                fields.notices.push((NoticeTopic::Pages, text.into()));
            }
            None if self.followed => {
                let text = "a further JPEG picture follows the first; only the first is used";
                fields.notices.push((NoticeTopic::Pages, text.into()));
            }
            None => {}
        }
        let per_mm = match self.density {
            Some((1, x, y)) => [f64::from(y) / 25.4, f64::from(x) / 25.4],
            Some((2, x, y)) => [f64::from(y) / 10.0, f64::from(x) / 10.0],
            _ => [0.0; 2],
        };
        fields.read_resolution(per_mm);
        fields
    }
}

/// Returns the number of pictures in the index of a Multi-Picture file.
fn count_pictures(index: &[u8]) -> Option<usize> {
    let index = TiffDirectories::open(index)?;
    usize::try_from(index.number(*index.pages().first()?, NUMBER_OF_IMAGES)?).ok()
}
