//! Reads the directories (IFDs) of a TIFF or BigTIFF file: tags and small values, without pixels.

use std::borrow::Cow;

/// Tag of a text about a picture (ImageDescription).
pub(super) const DESCRIPTION: u16 = 270;
/// Number of pages that are counted.
const MAX_PAGES: usize = 100_000;

/// The structure of a TIFF file.
pub(super) struct TiffDirectories<'a> {
    bytes: &'a [u8],
    big_endian: bool,
    /// BigTIFF has offsets of 64 bits.
    big: bool,
}

/// An entry of a directory.
#[derive(Debug, Clone, Copy)]
pub(super) struct TiffEntry {
    kind: u16,
    count: u64,
    /// Offset of the first value in the file.
    at: usize,
}

impl TiffEntry {
    /// Returns the number of values.
    pub(super) fn count(self) -> u64 {
        self.count
    }
}

impl<'a> TiffDirectories<'a> {
    /// Reads the header; `None` if the file is too short.
    pub(super) fn open(bytes: &'a [u8]) -> Option<TiffDirectories<'a>> {
        let big_endian = bytes.get(..2)? == b"MM";
        let mut file = TiffDirectories { bytes, big_endian, big: false };
        file.big = file.unsigned(2, 2)? == 43;
        Some(file)
    }

    /// Returns the number of bytes of the file.
    pub(super) fn length(&self) -> usize {
        self.bytes.len()
    }

    /// Returns the offset of the pointer to the first directory, and its number of bytes.
    pub(super) fn first_pointer(&self) -> (usize, usize) {
        let width = self.offset_bytes();
        (width, width)
    }

    /// Returns the number of bytes of an offset.
    pub(super) fn offset_bytes(&self) -> usize {
        if self.big { 8 } else { 4 }
    }

    /// Returns a number in the byte order of the file.
    pub(super) fn to_bytes(&self, value: u64, width: usize) -> Vec<u8> {
        let big = value.to_be_bytes()[8 - width..].to_vec();
        if self.big_endian { big } else { big.into_iter().rev().collect() }
    }

    /// Returns the offsets of all directories in the order of the file. A chain that is cut off or runs in a circle ends there.
    pub(super) fn pages(&self) -> Vec<usize> {
        let (pointer, width) = self.first_pointer();
        let mut pages: Vec<usize> = Vec::new();
        let mut seen = std::collections::BTreeSet::new();
        let mut next = self.unsigned(pointer, width);
        while let Some(at) = next.filter(|&at| at != 0).and_then(|at| usize::try_from(at).ok()) {
            if pages.len() == MAX_PAGES || at >= self.bytes.len() || !seen.insert(at) {
                break;
            }
            pages.push(at);
            next = self.entry_count(at).and_then(|entries| {
                let end = at.checked_add(self.count_bytes())?.checked_add(entries.checked_mul(self.entry_bytes())?)?;
                self.unsigned(end, width)
            });
        }
        pages
    }

    /// Returns the offset of the entry of a tag in the directory at this offset.
    pub(super) fn place(&self, directory: usize, tag: u16) -> Option<usize> {
        let entries = self.entry_count(directory)?;
        let first = directory + self.count_bytes();
        (0..entries).map(|i| first + i * self.entry_bytes()).find(|&at| self.unsigned(at, 2) == Some(u64::from(tag)))
    }

    /// Returns the entry of a tag in the directory at this offset.
    pub(super) fn entry(&self, directory: usize, tag: u16) -> Option<TiffEntry> {
        let at = self.place(directory, tag)?;
        let kind = self.unsigned(at + 2, 2)? as u16;
        let width = self.offset_bytes();
        let count = self.unsigned(at + 4, width)?;
        let inside = count.checked_mul(bytes_of(kind)? as u64)? <= width as u64;
        let value = at + 4 + width;
        let at = if inside { value } else { usize::try_from(self.unsigned(value, width)?).ok()? };
        Some(TiffEntry { kind, count, at })
    }

    /// Returns a value of an entry as an unsigned integer.
    pub(super) fn value(&self, entry: TiffEntry, index: usize) -> Option<u64> {
        if index as u64 >= entry.count || matches!(entry.kind, 5 | 10 | 11 | 12) {
            return None;
        }
        let width = bytes_of(entry.kind)?;
        self.unsigned(entry.at.checked_add(index.checked_mul(width)?)?, width)
    }

    /// Returns the first value of a tag as an unsigned integer.
    pub(super) fn number(&self, directory: usize, tag: u16) -> Option<u64> {
        self.value(self.entry(directory, tag)?, 0)
    }

    /// Returns all values of a tag as unsigned integers, as far as the file holds them.
    pub(super) fn numbers(&self, directory: usize, tag: u16) -> Vec<u64> {
        let Some(entry) = self.entry(directory, tag) else { return Vec::new() };
        (0..).map_while(|i| self.value(entry, i)).collect()
    }

    /// Returns the first value of a tag that is a fraction.
    pub(super) fn fraction(&self, directory: usize, tag: u16) -> Option<f64> {
        let entry = self.entry(directory, tag).filter(|entry| entry.kind == 5 && entry.count > 0)?;
        let (above, below) = (self.unsigned(entry.at, 4)?, self.unsigned(entry.at.checked_add(4)?, 4)?);
        (below > 0).then(|| above as f64 / below as f64)
    }

    /// Returns the bytes of a tag, such as a text or a profile.
    pub(super) fn bytes_of_tag(&self, directory: usize, tag: u16) -> Option<&'a [u8]> {
        let entry = self.entry(directory, tag).filter(|entry| bytes_of(entry.kind) == Some(1))?;
        self.bytes.get(entry.at..entry.at.checked_add(usize::try_from(entry.count).ok()?)?)
    }

    /// Returns the bytes of a tag as text; empty where the directory lacks it.
    pub(super) fn text(&self, directory: usize, tag: u16) -> Cow<'a, str> {
        self.bytes_of_tag(directory, tag).map(String::from_utf8_lossy).unwrap_or_default()
    }

    /// Returns the offset of the first value of a tag, if it is of the type SHORT.
    pub(super) fn short_place(&self, directory: usize, tag: u16) -> Option<usize> {
        self.entry(directory, tag).filter(|entry| entry.kind == 3 && entry.count > 0).map(|entry| entry.at)
    }

    fn count_bytes(&self) -> usize {
        if self.big { 8 } else { 2 }
    }

    fn entry_bytes(&self) -> usize {
        if self.big { 20 } else { 12 }
    }

    /// Returns the number of entries of a directory, as many as the file has room for.
    fn entry_count(&self, directory: usize) -> Option<usize> {
        let entries = usize::try_from(self.unsigned(directory, self.count_bytes())?).ok()?;
        Some(entries.min(self.bytes.len() / self.entry_bytes()))
    }

    fn unsigned(&self, at: usize, width: usize) -> Option<u64> {
        let bytes = self.bytes.get(at..at.checked_add(width)?)?;
        let join = |value: u64, byte: &u8| value << 8 | u64::from(*byte);
        Some(if self.big_endian { bytes.iter().fold(0, join) } else { bytes.iter().rev().fold(0, join) })
    }
}

/// Returns the number of bytes of a value of this type (TIFF 6.0, section 2, and BigTIFF).
fn bytes_of(kind: u16) -> Option<usize> {
    match kind {
        1 | 2 | 6 | 7 => Some(1),
        3 | 8 => Some(2),
        4 | 9 | 11 | 13 => Some(4),
        5 | 10 | 12 | 16 | 17 | 18 => Some(8),
        _ => None,
    }
}
