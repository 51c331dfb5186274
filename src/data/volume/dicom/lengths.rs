//! Checks that the lengths declared in a DICOM file end within the file. The parser allocates memory for a declared length before
//! it reads, and a damaged length may be 4 GiB.

use crate::base::error::{Result, RunError};
use crate::base::file;
use crate::base::problem::problem;
use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::Path;

const UNDEFINED: u32 = u32::MAX;
const TRANSFER_SYNTAX: (u16, u16) = (0x0002, 0x0010);
const PIXEL_DATA: (u16, u16) = (0x7fe0, 0x0010);
const ITEM: (u16, u16) = (0xfffe, 0xe000);

/// Walks the data elements of a file.
struct ElementWalker {
    file: BufReader<File>,
    at: u64,
    length: u64,
}

/// Checks the lengths of the elements of a file (PS3.5, 7.1). Deflated and big-endian data, and items of sequences of undefined
/// length, are left to the parser.
pub(super) fn check_lengths(path: &Path) -> Result<()> {
    let fail = |e: std::io::Error| RunError::read(path, e);
    let opened = file::open(path).map_err(fail)?;
    let length = opened.metadata().map_err(fail)?.len();
    let mut walk = ElementWalker { file: BufReader::new(opened), at: 0, length };
    walk.skip(132).map_err(fail)?;
    match walk.elements() {
        Ok(None) => Ok(()),
        Ok(Some((tag, declared))) => Err(problem!(
            E0703,
            path,
            "the file is truncated: element ({:04x},{:04x}) declares {declared} bytes, but only {} are left",
            tag.0,
            tag.1,
            walk.length.saturating_sub(walk.at);
            help: "copy or download the file again"
        )),
        // An element header is truncated; the parser reports it.
        Err(_) => Ok(()),
    }
}

impl ElementWalker {
    /// Returns the first element that extends beyond the end of the file, with its declared length.
    fn elements(&mut self) -> std::io::Result<Option<((u16, u16), u32)>> {
        let mut explicit = true;
        while self.at < self.length {
            let tag = (self.u16()?, self.u16()?);
            // The file meta group is always explicit.
            let declared = if tag.0 == 2 || explicit { self.explicit()? } else { self.u32()? };
            if declared == UNDEFINED {
                return if tag == PIXEL_DATA { self.fragments() } else { Ok(None) };
            }
            if self.at + u64::from(declared) > self.length {
                return Ok(Some((tag, declared)));
            }
            if tag == TRANSFER_SYNTAX && declared <= 64 {
                let mut uid = vec![0; declared as usize];
                self.file.read_exact(&mut uid)?;
                self.at += u64::from(declared);
                match String::from_utf8_lossy(&uid).trim_end_matches(['\0', ' ']) {
                    "1.2.840.10008.1.2" => explicit = false,
                    // Deflated or big-endian.
                    "1.2.840.10008.1.2.1.99" | "1.2.840.10008.1.2.2" => return Ok(None),
                    _ => {}
                }
            } else {
                self.skip(u64::from(declared))?;
            }
        }
        Ok(None)
    }

    /// Checks the fragments of compressed pixels.
    fn fragments(&mut self) -> std::io::Result<Option<((u16, u16), u32)>> {
        while self.at < self.length {
            let tag = (self.u16()?, self.u16()?);
            let declared = self.u32()?;
            if tag != ITEM {
                break;
            }
            if self.at + u64::from(declared) > self.length {
                return Ok(Some((PIXEL_DATA, declared)));
            }
            self.skip(u64::from(declared))?;
        }
        Ok(None)
    }

    /// Reads the length after a value representation: four bytes for those that may be long, else two.
    fn explicit(&mut self) -> std::io::Result<u32> {
        let kind = self.u16()?.to_le_bytes();
        match &kind {
            b"OB" | b"OD" | b"OF" | b"OL" | b"OV" | b"OW" | b"SQ" | b"SV" | b"UC" | b"UN" | b"UR" | b"UT" | b"UV" => {
                self.u16()?;
                self.u32()
            }
            _ => self.u16().map(u32::from),
        }
    }

    fn skip(&mut self, bytes: u64) -> std::io::Result<()> {
        self.file.seek(SeekFrom::Current(i64::try_from(bytes).unwrap_or(i64::MAX)))?;
        self.at += bytes;
        Ok(())
    }

    fn u16(&mut self) -> std::io::Result<u16> {
        let mut bytes = [0; 2];
        self.file.read_exact(&mut bytes)?;
        self.at += 2;
        Ok(u16::from_le_bytes(bytes))
    }

    fn u32(&mut self) -> std::io::Result<u32> {
        let mut bytes = [0; 4];
        self.file.read_exact(&mut bytes)?;
        self.at += 4;
        Ok(u32::from_le_bytes(bytes))
    }
}
