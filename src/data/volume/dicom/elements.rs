//! The elements of a DICOM file up to its pixels (PS3.5, 7): tags, lengths, sequences.
//!
//! Files come from anywhere, so a length is compared with the bytes that are left before memory is taken for it, sequences may be
//! nested only so deep, and values that are not used are skipped.

use super::bytes::DicomBytes;
use super::vocabulary::{BIG_ENDIAN, SEQUENCES, VALUES};
use crate::base::count::counted;
use crate::base::error::{Result, RunError, one_line};
use crate::base::problem::problem;
use dicom_dictionary_std::{tags, uids};
use dicom_object::Tag;
use std::collections::BTreeMap;
use std::io;
use std::path::Path;

/// Deepest nesting of sequences that is read.
const MAX_DEPTH: usize = 32;
/// Largest number of elements and items that are read; a series of a thousand frames has some ten thousand.
const MAX_ELEMENTS: usize = 1 << 21;
/// Largest value that is kept.
const MAX_VALUE: u32 = 1 << 16;
/// Length of sequences, items and pixels that end with a delimiter.
const UNDEFINED: u32 = u32::MAX;
/// Value representations (PS3.5, 6.2).
const REPRESENTATIONS: [&[u8; 2]; 34] = [
    b"AE", b"AS", b"AT", b"CS", b"DA", b"DS", b"DT", b"FD", b"FL", b"IS", b"LO", b"LT", b"OB", b"OD", b"OF", b"OL",
    b"OV", b"OW", b"PN", b"SH", b"SL", b"SQ", b"SS", b"ST", b"SV", b"TM", b"UC", b"UI", b"UL", b"UN", b"UR", b"US",
    b"UT", b"UV",
];
const ITEM: Tag = Tag(0xfffe, 0xe000);
const ITEM_END: Tag = Tag(0xfffe, 0xe00d);
const SEQUENCE_END: Tag = Tag(0xfffe, 0xe0dd);

/// Elements with the values that are used, by tag.
#[derive(Default)]
pub(super) struct DicomElements {
    values: BTreeMap<Tag, Vec<u8>>,
    sequences: BTreeMap<Tag, Vec<DicomElements>>,
    big_endian: bool,
}

impl DicomElements {
    pub(super) fn has(&self, tag: Tag) -> bool {
        self.values.contains_key(&tag) || self.sequences.contains_key(&tag)
    }

    pub(super) fn is_big_endian(&self) -> bool {
        self.big_endian
    }

    /// Returns the text of an element without padding.
    pub(super) fn text(&self, tag: Tag) -> Option<String> {
        let text = String::from_utf8_lossy(self.values.get(&tag)?);
        Some(text.trim_matches(['\0', ' ']).to_string())
    }

    /// Returns the first value of a multi-valued text.
    pub(super) fn first_text(&self, tag: Tag) -> Option<String> {
        self.text(tag).map(|text| text.split('\\').next().unwrap_or_default().trim().to_string())
    }

    /// Returns decimal numbers; `None` if one of them is none.
    pub(super) fn decimals(&self, tag: Tag) -> Option<Vec<f64>> {
        self.text(tag)?.split('\\').map(|part| part.trim().parse().ok()).collect()
    }

    /// Returns the bits of a number of 16 or 32 bits, or a whole number in decimal digits.
    pub(super) fn bits(&self, tag: Tag) -> Option<u32> {
        let bytes = self.values.get(&tag)?;
        match *bytes.as_slice() {
            [a, b] if self.big_endian => Some(u32::from(u16::from_be_bytes([a, b]))),
            [a, b] => Some(u32::from(u16::from_le_bytes([a, b]))),
            [a, b, c, d] if !bytes.iter().all(|b| b.is_ascii_digit() || *b == b' ') => {
                Some(if self.big_endian { u32::from_be_bytes([a, b, c, d]) } else { u32::from_le_bytes([a, b, c, d]) })
            }
            _ => self.text(tag)?.parse().ok(),
        }
    }

    /// Returns a floating-point number of 64 bits.
    pub(super) fn double(&self, tag: Tag) -> Option<f64> {
        let bytes = *self.values.get(&tag)?.first_chunk()?;
        Some(if self.big_endian { f64::from_be_bytes(bytes) } else { f64::from_le_bytes(bytes) })
    }

    /// Returns a count written in decimal digits.
    pub(super) fn count(&self, tag: Tag) -> Option<usize> {
        self.first_text(tag)?.parse().ok()
    }

    /// Returns the items of a sequence.
    pub(super) fn items(&self, tag: Tag) -> &[DicomElements] {
        self.sequences.get(&tag).map_or(&[], Vec::as_slice)
    }
}

/// How the pixels of a file are stored.
pub(super) enum PixelLength {
    /// Bytes without compression, and whether they are words of 16 bits.
    Native { bytes: u64, words: bool },
    /// Fragments.
    Encapsulated,
}

/// A file that is read up to its pixels.
pub(super) struct DicomReader {
    pub syntax: String,
    pub elements: DicomElements,
    pub pixels: Option<PixelLength>,
    bytes: DicomBytes,
}

/// Why a file cannot be read.
enum ElementFault {
    TooLong {
        tag: Tag,
        declared: u64,
    },
    TooDeep,
    TooMany,
    /// A tag that no data set has.
    NoDataSet {
        tag: Tag,
    },
    NoItem {
        tag: Tag,
    },
    NoEnd,
    Read(io::Error),
}

impl From<io::Error> for ElementFault {
    fn from(error: io::Error) -> Self {
        ElementFault::Read(error)
    }
}

type Parsed<T> = std::result::Result<T, ElementFault>;

/// Reads elements in one encoding.
struct ElementParser {
    bytes: DicomBytes,
    explicit: bool,
    /// Number of elements and items read.
    count: usize,
}

/// Tag, value representation if it is explicit, and length.
struct ElementHeader {
    tag: Tag,
    representation: Option<[u8; 2]>,
    length: u32,
}

impl DicomReader {
    /// Reads the elements of a file up to its pixels.
    pub(super) fn open(path: &Path) -> Result<DicomReader> {
        let mut parser = ElementParser { bytes: DicomBytes::open(path)?, explicit: true, count: 0 };
        let result = parser.bytes.skip(132).map_err(ElementFault::Read).and_then(|()| parser.meta());
        let syntax = result.map_err(|fault| fault_error(path, &parser.bytes, &fault))?;
        let Some(syntax) = syntax else {
            return Err(problem!(E0703, path, "the DICOM file does not say how it is encoded (TransferSyntaxUID)"));
        };
        match syntax.as_str() {
            uids::IMPLICIT_VR_LITTLE_ENDIAN => parser.explicit = false,
            BIG_ENDIAN => parser.bytes.big_endian = true,
            uids::DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN => parser.bytes = parser.bytes.inflate(),
            _ => {}
        }
        let result = parser.main();
        let (elements, pixels) = result.map_err(|fault| fault_error(path, &parser.bytes, &fault))?;
        Ok(DicomReader { syntax, elements, pixels, bytes: parser.bytes })
    }

    /// Reads bytes of native pixels.
    pub(super) fn read(&mut self, path: &Path, count: u64) -> Result<Vec<u8>> {
        self.bytes.read(count).map_err(|e| fault_error(path, &self.bytes, &ElementFault::Read(e)))
    }

    /// Reads the offset table and the fragments of encapsulated pixels.
    pub(super) fn fragments(&mut self, path: &Path) -> Result<(Vec<u32>, Vec<Vec<u8>>)> {
        let read = read_fragments(&mut self.bytes);
        read.map_err(|fault| fault_error(path, &self.bytes, &fault))
    }
}

fn read_fragments(bytes: &mut DicomBytes) -> Parsed<(Vec<u32>, Vec<Vec<u8>>)> {
    let mut items = Vec::new();
    loop {
        match bytes.tag()? {
            Some(ITEM) => {
                let declared = u64::from(bytes.u32()?);
                if items.len() == MAX_ELEMENTS {
                    return Err(ElementFault::TooMany);
                }
                if declared > bytes.left() {
                    return Err(ElementFault::TooLong { tag: tags::PIXEL_DATA, declared });
                }
                items.push(bytes.read(declared)?);
            }
            Some(SEQUENCE_END) => break,
            _ => return Err(ElementFault::NoEnd),
        }
    }
    if items.is_empty() {
        return Err(ElementFault::NoItem { tag: tags::PIXEL_DATA });
    }
    let table = items.remove(0);
    let table = table.chunks_exact(4).map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
    Ok((table, items))
}

impl ElementParser {
    /// Reads the file meta group and returns the transfer syntax. The group is little-endian with explicit representations.
    fn meta(&mut self) -> Parsed<Option<String>> {
        let mut elements = DicomElements::default();
        while self.bytes.peek()? == Some([2, 0]) {
            let tag = self.bytes.tag()?.ok_or(ElementFault::NoEnd)?;
            let header = self.header(tag)?;
            self.value(&header, Some(&mut elements), 0)?;
        }
        Ok(elements.text(tags::TRANSFER_SYNTAX_UID))
    }

    /// Reads the data set up to the pixels.
    fn main(&mut self) -> Parsed<(DicomElements, Option<PixelLength>)> {
        let mut elements = DicomElements { big_endian: self.bytes.big_endian, ..DicomElements::default() };
        // Some programs write the other kind of elements than they say; the first element shows which.
        if let Some([.., a, b]) = self.bytes.peek::<6>()?
            && !self.bytes.big_endian
        {
            self.explicit = REPRESENTATIONS.iter().any(|known| **known == [a, b]);
        }
        while let Some(tag) = self.bytes.tag()? {
            let header = self.header(tag)?;
            match tag {
                tags::PIXEL_DATA if header.length == UNDEFINED => {
                    return Ok((elements, Some(PixelLength::Encapsulated)));
                }
                tags::PIXEL_DATA => {
                    self.check_length(&header)?;
                    let words = header.representation != Some(*b"OB");
                    let pixels = PixelLength::Native { bytes: u64::from(header.length), words };
                    return Ok((elements, Some(pixels)));
                }
                _ => self.value(&header, Some(&mut elements), 0)?,
            }
        }
        Ok((elements, None))
    }

    /// Counts an element or an item. An item takes eight bytes, and a deflated file of a megabyte may hold a gigabyte of them.
    fn count_one(&mut self) -> Parsed<()> {
        self.count += 1;
        if self.count > MAX_ELEMENTS { Err(ElementFault::TooMany) } else { Ok(()) }
    }

    /// Reads representation and length of an element.
    fn header(&mut self, tag: Tag) -> Parsed<ElementHeader> {
        self.count_one()?;
        // Group 0 is of messages between programs.
        if tag.0 == 0 {
            return Err(ElementFault::NoDataSet { tag });
        }
        if !self.explicit || tag.0 == 0xfffe {
            return Ok(ElementHeader { tag, representation: None, length: self.bytes.u32()? });
        }
        let kind = self.bytes.pair()?;
        if !kind.iter().all(u8::is_ascii_uppercase) {
            // An element with an implicit representation among explicit ones, as some programs write: these bytes begin its length.
            let more = self.bytes.pair()?;
            let length = [kind[0], kind[1], more[0], more[1]];
            let length = if self.bytes.big_endian { u32::from_be_bytes(length) } else { u32::from_le_bytes(length) };
            return Ok(ElementHeader { tag, representation: None, length });
        }
        let length = match &kind {
            b"OB" | b"OD" | b"OF" | b"OL" | b"OV" | b"OW" | b"SQ" | b"SV" | b"UC" | b"UN" | b"UR" | b"UT" | b"UV" => {
                self.bytes.u16()?;
                self.bytes.u32()?
            }
            _ => u32::from(self.bytes.u16()?),
        };
        Ok(ElementHeader { tag, representation: Some(kind), length })
    }

    fn check_length(&self, header: &ElementHeader) -> Parsed<()> {
        let declared = u64::from(header.length);
        match declared > self.bytes.left() {
            true => Err(ElementFault::TooLong { tag: header.tag, declared }),
            false => Ok(()),
        }
    }

    /// Reads the value of an element, and keeps it in `elements` if it is used.
    fn value(&mut self, header: &ElementHeader, elements: Option<&mut DicomElements>, depth: usize) -> Parsed<()> {
        let &ElementHeader { tag, length, .. } = header;
        let elements = elements.filter(|_| VALUES.contains(&tag) || SEQUENCES.contains(&tag));
        if length == UNDEFINED || (elements.is_some() && SEQUENCES.contains(&tag)) {
            if length != UNDEFINED {
                self.check_length(header)?;
            }
            // The items of a sequence of unknown representation are implicit and little-endian (PS3.5, 6.2.2).
            let (explicit, big_endian) = (self.explicit, self.bytes.big_endian);
            if header.representation == Some(*b"UN") {
                (self.explicit, self.bytes.big_endian) = (false, false);
            }
            let items = self.items(header, elements.is_some(), depth + 1)?;
            (self.explicit, self.bytes.big_endian) = (explicit, big_endian);
            if let Some(elements) = elements {
                elements.sequences.insert(tag, items);
            }
            return Ok(());
        }
        self.check_length(header)?;
        match elements.filter(|_| length <= MAX_VALUE) {
            Some(elements) => drop(elements.values.insert(tag, self.bytes.read(u64::from(length))?)),
            None => self.bytes.skip(u64::from(length))?,
        }
        Ok(())
    }

    /// Reads the items of a sequence, and returns them if they are used.
    fn items(&mut self, sequence: &ElementHeader, keep: bool, depth: usize) -> Parsed<Vec<DicomElements>> {
        if depth > MAX_DEPTH {
            return Err(ElementFault::TooDeep);
        }
        let end = self.end_of(sequence.length);
        let mut items = Vec::new();
        while end.is_none_or(|end| self.bytes.left() > end) {
            let tag = self.bytes.tag()?.ok_or(ElementFault::NoEnd)?;
            self.count_one()?;
            let header = ElementHeader { tag, representation: None, length: self.bytes.u32()? };
            match tag {
                SEQUENCE_END => break,
                ITEM => {
                    if header.length != UNDEFINED {
                        self.check_length(&header)?;
                    }
                    items.extend(self.item(self.end_of(header.length), keep, depth)?);
                }
                _ => return Err(ElementFault::NoItem { tag: sequence.tag }),
            }
        }
        Ok(items)
    }

    /// Returns how many bytes are left after `length` more; `None` for an undefined length.
    fn end_of(&self, length: u32) -> Option<u64> {
        (length != UNDEFINED).then(|| self.bytes.left().saturating_sub(u64::from(length)))
    }

    /// Reads the elements of an item, up to `end` bytes before the end of the file or to a delimiter.
    fn item(&mut self, end: Option<u64>, keep: bool, depth: usize) -> Parsed<Option<DicomElements>> {
        let big_endian = self.bytes.big_endian;
        let mut elements = keep.then(|| DicomElements { big_endian, ..DicomElements::default() });
        while end.is_none_or(|end| self.bytes.left() > end) {
            let tag = self.bytes.tag()?.ok_or(ElementFault::NoEnd)?;
            let header = self.header(tag)?;
            if tag == ITEM_END {
                break;
            }
            self.value(&header, elements.as_mut(), depth)?;
        }
        Ok(elements)
    }
}

fn fault_error(path: &Path, bytes: &DicomBytes, fault: &ElementFault) -> RunError {
    let again = "copy or download the file again";
    match fault {
        ElementFault::TooLong { tag, declared } if bytes.is_inflated() => problem!(
            E0703,
            path,
            "the DICOM file is damaged: element ({:04x},{:04x}) declares {}, more than a deflated file may hold (1 GiB)",
            tag.0,
            tag.1,
            counted(*declared, "byte");
            help: "{again}"
        ),
        ElementFault::TooLong { tag, declared } => problem!(
            E0703,
            path,
            "the file is truncated: element ({:04x},{:04x}) declares {}, but only {} are left",
            tag.0,
            tag.1,
            counted(*declared, "byte"),
            bytes.left();
            help: "{again}"
        ),
        ElementFault::TooMany => {
            problem!(E0704, path, "the DICOM file holds more than {MAX_ELEMENTS} elements before its pixels")
        }
        ElementFault::NoDataSet { tag } => problem!(
            E0703,
            path,
            "the DICOM file is damaged: element ({:04x},{:04x}) belongs to no data set",
            tag.0,
            tag.1;
            help: "{again}"
        ),
        ElementFault::TooDeep => {
            problem!(E0704, path, "the sequences of the DICOM file are nested more than {MAX_DEPTH} deep")
        }
        ElementFault::NoItem { tag } => problem!(
            E0703,
            path,
            "the DICOM file is damaged: something that is not an item stands in the sequence ({:04x},{:04x})",
            tag.0,
            tag.1;
            help: "{again}"
        ),
        ElementFault::NoEnd => {
            problem!(E0703, path, "the file is truncated: a sequence or the pixels of the DICOM file do not end"; help: "{again}")
        }
        ElementFault::Read(e) if e.kind() == io::ErrorKind::UnexpectedEof => {
            problem!(E0703, path, "the file is truncated: it ends inside a DICOM element"; help: "{again}")
        }
        ElementFault::Read(e) => {
            problem!(E0703, path, "cannot read the DICOM file: {}", one_line(e); help: "{again}")
        }
    }
}
