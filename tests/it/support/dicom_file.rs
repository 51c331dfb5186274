//! DICOM files that tests write, element by element, so that a header may say anything.

use std::fs;
use std::path::Path;

/// An explicit little-endian file of one grey slice whose elements can be changed before it is written.
#[derive(Clone)]
pub struct DicomFile {
    pub syntax: String,
    /// Tag, value representation and value, in the order of writing.
    elements: Vec<([u16; 2], [u8; 2], Vec<u8>)>,
    /// Written as they are between the elements and the pixels.
    pub before_pixels: Vec<u8>,
    /// The pixels as they are, or fragments.
    pub pixels: Vec<u8>,
    pub fragments: Option<Vec<Vec<u8>>>,
}

pub const EXPLICIT: &str = "1.2.840.10008.1.2.1";
pub const BIG_ENDIAN: &str = "1.2.840.10008.1.2.2";
pub const RLE: &str = "1.2.840.10008.1.2.5";
pub const JPEG_LOSSLESS: &str = "1.2.840.10008.1.2.4.70";

impl DicomFile {
    /// Slice number `slice` of a series, with values of 16 bits, 12 of them stored.
    pub fn new(slice: usize, [rows, columns]: [u16; 2], values: &[u16]) -> DicomFile {
        let mut file = DicomFile {
            syntax: EXPLICIT.into(),
            elements: Vec::new(),
            before_pixels: Vec::new(),
            pixels: values.iter().flat_map(|v| v.to_le_bytes()).collect(),
            fragments: None,
        };
        file.text([0x08, 0x16], "UI", "1.2.840.10008.5.1.4.1.1.2")
            .text([0x20, 0x0e], "UI", "1.2.3")
            .text([0x20, 0x13], "IS", &(slice + 1).to_string())
            .text([0x20, 0x32], "DS", &format!("-30\\-20\\{}", 100 + 5 * slice))
            .text([0x20, 0x37], "DS", "1\\0\\0\\0\\1\\0")
            .number([0x28, 0x02], 1)
            .text([0x28, 0x04], "CS", "MONOCHROME2")
            .number([0x28, 0x10], rows)
            .number([0x28, 0x11], columns)
            .text([0x28, 0x30], "DS", "2\\1.5")
            .number([0x28, 0x100], 16)
            .number([0x28, 0x101], 12)
            .number([0x28, 0x102], 11)
            .number([0x28, 0x103], 0);
        file
    }

    /// Puts an element in the place of one with the same tag, or at its place in the order of tags.
    pub fn put(&mut self, tag: [u16; 2], kind: &str, value: &[u8]) -> &mut DicomFile {
        self.remove(tag);
        let at = self.elements.iter().position(|(other, ..)| *other > tag).unwrap_or(self.elements.len());
        let kind = kind.as_bytes().try_into().unwrap();
        self.elements.insert(at, (tag, kind, value.to_vec()));
        self
    }

    pub fn text(&mut self, tag: [u16; 2], kind: &str, text: &str) -> &mut DicomFile {
        let padding = if kind == "UI" { "\0" } else { " " };
        let text = if text.len() % 2 == 1 { format!("{text}{padding}") } else { text.to_string() };
        self.put(tag, kind, text.as_bytes())
    }

    pub fn number(&mut self, tag: [u16; 2], number: u16) -> &mut DicomFile {
        self.put(tag, "US", &number.to_le_bytes())
    }

    pub fn remove(&mut self, tag: [u16; 2]) -> &mut DicomFile {
        self.elements.retain(|(other, ..)| *other != tag);
        self
    }

    pub fn bytes(&self) -> Vec<u8> {
        let mut syntax = self.syntax.clone().into_bytes();
        syntax.resize(syntax.len() + syntax.len() % 2, 0);
        let mut file = vec![0; 128];
        file.extend(b"DICM");
        file.extend(element([2, 0x10], b"UI", &syntax));
        let mut content: Vec<u8> =
            self.elements.iter().flat_map(|(tag, kind, value)| element(*tag, kind, value)).collect();
        content.extend(&self.before_pixels);
        if self.syntax == BIG_ENDIAN {
            content.extend(element([0x7fe0, 0x10], b"OW", &self.pixels));
            return [file, big_endian(&content)].concat();
        }
        file.extend(content);
        match &self.fragments {
            None => file.extend(element([0x7fe0, 0x10], b"OW", &self.pixels)),
            Some(fragments) => {
                file.extend([0xe0, 0x7f, 0x10, 0x00, b'O', b'B', 0, 0, 0xff, 0xff, 0xff, 0xff]);
                file.extend(item(&[]));
                fragments.iter().for_each(|fragment| file.extend(item(fragment)));
                file.extend([0xfe, 0xff, 0xdd, 0xe0, 0, 0, 0, 0]);
            }
        }
        file
    }

    pub fn write(&self, path: &Path) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, self.bytes()).unwrap();
    }
}

/// The bytes of an element.
pub fn element([group, number]: [u16; 2], kind: &[u8; 2], value: &[u8]) -> Vec<u8> {
    let mut bytes = [group.to_le_bytes(), number.to_le_bytes(), *kind].concat();
    if [b"OB", b"OW", b"SQ", b"UN"].contains(&kind) {
        bytes.extend([0, 0]);
        bytes.extend((value.len() as u32).to_le_bytes());
    } else {
        bytes.extend((value.len() as u16).to_le_bytes());
    }
    bytes.extend(value);
    bytes
}

/// Turns explicit little-endian elements, or the items of a sequence, into big-endian ones.
fn big_endian(mut bytes: &[u8]) -> Vec<u8> {
    let mut turned = Vec::new();
    while let [a, b, c, d, rest @ ..] = bytes {
        turned.extend([b, a, d, c]);
        let is_item = [a, b] == [&0xfe, &0xff];
        let kind = if is_item { b"SQ" } else { &rest[..2] };
        let start = if is_item { 0 } else { 2 };
        turned.extend(&rest[..start]);
        let long = !is_item && [&b"OB"[..], b"OW", b"SQ", b"UN"].contains(&kind);
        let (skipped, width) = if is_item {
            (0, 4)
        } else if long {
            (2, 4)
        } else {
            (0, 2)
        };
        let at = start + skipped;
        let length = rest[at..at + width].iter().rev().fold(0, |sum, byte| sum << 8 | usize::from(*byte));
        turned.extend(vec![0; skipped]);
        turned.extend(rest[at..at + width].iter().rev());
        let (value, after) = rest[at + width..].split_at(length);
        match kind {
            b"SQ" => turned.extend(big_endian(value)),
            b"US" | b"OW" => turned.extend(value.chunks(2).flat_map(|pair| pair.iter().rev())),
            _ => turned.extend(value),
        }
        bytes = after;
    }
    turned
}

/// The bytes of an item with its length.
pub fn item(content: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0xfe, 0xff, 0x00, 0xe0];
    bytes.extend((content.len() as u32).to_le_bytes());
    bytes.extend(content);
    bytes
}
