//! Gzip files of one member or more, with or without zeros behind them.

use flate2::bufread::GzDecoder;
use std::fmt;
use std::io::{self, BufRead, Read};

/// Decompresses all members of a gzip file, each to its checksum. Zeros behind a member are padding, as in gzip and in Python's module
/// `gzip`. Errors: a member is damaged, or other bytes follow ([`BytesBehindMember`]).
pub(super) struct GzipReader<R> {
    state: ReaderState<R>,
}

enum ReaderState<R> {
    /// Boxed, since the window of a decoder is large.
    Inside(Box<GzDecoder<R>>),
    Between(R),
    /// After an error, or while the reader changes hands.
    Ended,
}

/// What follows a gzip member is neither zeros nor another member.
#[derive(Debug)]
pub(super) struct BytesBehindMember;

impl fmt::Display for BytesBehindMember {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the gzip data end before the file does, and what follows is neither zeros nor gzip data")
    }
}

impl std::error::Error for BytesBehindMember {}

impl<R: BufRead> GzipReader<R> {
    /// Reads from the beginning of a member.
    pub(super) fn new(file: R) -> GzipReader<R> {
        GzipReader { state: ReaderState::Inside(Box::new(GzDecoder::new(file))) }
    }
}

impl<R: BufRead> Read for GzipReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        loop {
            match std::mem::replace(&mut self.state, ReaderState::Ended) {
                ReaderState::Inside(mut member) => match member.read(buffer)? {
                    0 => self.state = ReaderState::Between(member.into_inner()),
                    n => {
                        self.state = ReaderState::Inside(member);
                        return Ok(n);
                    }
                },
                ReaderState::Between(mut file) => match first_after_zeros(&mut file)? {
                    None => return Ok(0),
                    Some(0x1f) => self.state = ReaderState::Inside(Box::new(GzDecoder::new(file))),
                    Some(_) => return Err(io::Error::new(io::ErrorKind::InvalidData, BytesBehindMember)),
                },
                ReaderState::Ended => return Ok(0),
            }
        }
    }
}

/// Skips zeros and returns the byte behind them, which stays unread; `None` at the end of the file.
fn first_after_zeros(file: &mut impl BufRead) -> io::Result<Option<u8>> {
    loop {
        let held = file.fill_buf()?;
        if held.is_empty() {
            return Ok(None);
        }
        match held.iter().position(|&byte| byte != 0) {
            Some(zeros) => {
                let first = held[zeros];
                file.consume(zeros);
                return Ok(Some(first));
            }
            None => {
                let zeros = held.len();
                file.consume(zeros);
            }
        }
    }
}
