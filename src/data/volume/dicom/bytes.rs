//! The bytes of a DICOM file one after the other, with a limit that no length may exceed.

use crate::base::error::{Result, RunError};
use crate::base::file;
use dicom_object::Tag;
use flate2::bufread::DeflateDecoder;
use std::fs::File;
use std::io::{self, BufReader, ErrorKind, Read};
use std::path::Path;

/// Maximum number of bytes that a deflated file may have.
const INFLATED: u64 = 1 << 30;

/// A file from its beginning, of which the rest may be deflated.
pub(super) struct DicomBytes {
    source: ByteSource,
    /// Number of bytes that are left, at most.
    left: u64,
    /// Whether numbers are big-endian.
    pub big_endian: bool,
}

enum ByteSource {
    File(BufReader<File>),
    Inflated(Box<DeflateDecoder<BufReader<File>>>),
}

impl DicomBytes {
    pub(super) fn open(path: &Path) -> Result<DicomBytes> {
        let fail = |e: io::Error| RunError::read(path, e);
        let file = file::open(path).map_err(fail)?;
        let left = file.metadata().map_err(fail)?.len();
        Ok(DicomBytes { source: ByteSource::File(BufReader::new(file)), left, big_endian: false })
    }

    /// Reads what follows as deflated.
    pub(super) fn inflate(mut self) -> DicomBytes {
        if let ByteSource::File(file) = self.source {
            self.source = ByteSource::Inflated(Box::new(DeflateDecoder::new(file)));
            self.left = INFLATED;
        }
        self
    }

    pub(super) fn is_inflated(&self) -> bool {
        matches!(self.source, ByteSource::Inflated(_))
    }

    pub(super) fn left(&self) -> u64 {
        self.left
    }

    pub(super) fn skip(&mut self, count: u64) -> io::Result<()> {
        if count > self.left {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        self.left -= count;
        match &mut self.source {
            ByteSource::File(file) => file.seek_relative(i64::try_from(count).map_err(io::Error::other)?),
            ByteSource::Inflated(stream) => match io::copy(&mut stream.by_ref().take(count), &mut io::sink())? == count
            {
                true => Ok(()),
                false => Err(ErrorKind::UnexpectedEof.into()),
            },
        }
    }

    /// Reads `count` bytes. Memory is taken as bytes arrive.
    pub(super) fn read(&mut self, count: u64) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let whole = match &mut self.source {
            _ if count > self.left => return Err(ErrorKind::UnexpectedEof.into()),
            ByteSource::File(file) => {
                bytes.reserve_exact(usize::try_from(count).map_err(io::Error::other)?);
                file.take(count).read_to_end(&mut bytes)?
            }
            ByteSource::Inflated(stream) => stream.take(count).read_to_end(&mut bytes)?,
        };
        self.left -= count;
        if whole as u64 == count { Ok(bytes) } else { Err(ErrorKind::UnexpectedEof.into()) }
    }

    fn array<const N: usize>(&mut self) -> io::Result<[u8; N]> {
        let mut bytes = [0; N];
        if N as u64 > self.left {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        match &mut self.source {
            ByteSource::File(file) => file.read_exact(&mut bytes)?,
            ByteSource::Inflated(stream) => stream.read_exact(&mut bytes)?,
        }
        self.left -= N as u64;
        Ok(bytes)
    }

    /// Reads two bytes as they are.
    pub(super) fn pair(&mut self) -> io::Result<[u8; 2]> {
        self.array()
    }

    pub(super) fn u16(&mut self) -> io::Result<u16> {
        let bytes = self.array()?;
        Ok(if self.big_endian { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) })
    }

    pub(super) fn u32(&mut self) -> io::Result<u32> {
        let bytes = self.array()?;
        Ok(if self.big_endian { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) })
    }

    /// Reads the tag of the next element; `None` at the end of the bytes.
    pub(super) fn tag(&mut self) -> io::Result<Option<Tag>> {
        match self.source {
            ByteSource::File(_) if self.left == 0 => return Ok(None),
            ByteSource::File(_) => {}
            ByteSource::Inflated(ref mut stream) => {
                // The end of the stream is known only when it is reached.
                let mut first = [0; 1];
                if stream.read(&mut first)? == 0 {
                    return Ok(None);
                }
                self.left = self.left.saturating_sub(1);
                let [second] = self.array()?;
                let group = [first[0], second];
                let group = if self.big_endian { u16::from_be_bytes(group) } else { u16::from_le_bytes(group) };
                return Ok(Some(Tag(group, self.u16()?)));
            }
        }
        Ok(Some(Tag(self.u16()?, self.u16()?)))
    }

    /// Reads the next bytes without moving on; `None` where fewer are left, or where they are deflated.
    pub(super) fn peek<const N: usize>(&mut self) -> io::Result<Option<[u8; N]>> {
        if self.left < N as u64 || matches!(self.source, ByteSource::Inflated(_)) {
            return Ok(None);
        }
        let bytes = self.array::<N>()?;
        if let ByteSource::File(file) = &mut self.source {
            file.seek_relative(-(N as i64))?;
        }
        self.left += N as u64;
        Ok(Some(bytes))
    }
}
