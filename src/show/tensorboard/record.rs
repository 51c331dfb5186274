//! TFRecord framing: length, checksum of the length, data, checksum of the data. Numbers are in little-endian order.
//!
//! A checksum is CRC-32C, rotated right by 15 bits, plus a constant (tensorflow/core/lib/hash/crc32c.h, `Mask`).

/// Number of bytes before the data of a record.
pub(crate) const HEAD: usize = 12;
const TAIL: usize = 4;

/// Returns the masked checksum of some bytes.
pub fn masked(data: &[u8]) -> u32 {
    crc32c::crc32c(data).rotate_right(15).wrapping_add(0xa282_ead8)
}

/// Returns a record with this data.
pub fn frame(data: &[u8]) -> Vec<u8> {
    let head = (data.len() as u64).to_le_bytes();
    let mut record = Vec::with_capacity(length(data.len()));
    record.extend(head);
    record.extend(masked(&head).to_le_bytes());
    record.extend(data);
    record.extend(masked(data).to_le_bytes());
    record
}

/// Returns the number of bytes of a record with this many bytes of data.
pub(crate) fn length(data: usize) -> usize {
    HEAD + data + TAIL
}

/// The reason why a record cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecordError {
    /// The file ends before the record does.
    Cut,
    /// A checksum does not match.
    Damaged,
}

/// Returns the data of each record. An invalid record ends the iteration with its error.
pub fn records(mut bytes: &[u8]) -> impl Iterator<Item = Result<&[u8], RecordError>> {
    std::iter::from_fn(move || {
        if bytes.is_empty() {
            return None;
        }
        let read = read_record(bytes);
        bytes = read.map_or(&[], |(_, rest)| rest);
        Some(read.map(|(data, _)| data))
    })
}

/// Reads the first record, and returns its data and the remaining bytes.
fn read_record(bytes: &[u8]) -> Result<(&[u8], &[u8]), RecordError> {
    let (length, rest) = bytes.split_first_chunk::<8>().ok_or(RecordError::Cut)?;
    let (of_length, rest) = rest.split_first_chunk::<4>().ok_or(RecordError::Cut)?;
    if u32::from_le_bytes(*of_length) != masked(length) {
        return Err(RecordError::Damaged);
    }
    let length = usize::try_from(u64::from_le_bytes(*length)).map_err(|_| RecordError::Damaged)?;
    let (data, rest) = rest.split_at_checked(length).ok_or(RecordError::Cut)?;
    let (of_data, rest) = rest.split_first_chunk::<4>().ok_or(RecordError::Cut)?;
    if u32::from_le_bytes(*of_data) != masked(data) {
        return Err(RecordError::Damaged);
    }
    Ok((data, rest))
}
