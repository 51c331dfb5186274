//! JPEG pixels of DICOM: the header is compared with that of the file before the decoder sees the data, and a decoder that fails
//! does not take the program with it.

use super::format::PixelFormat;
use crate::base::count::counted;
use crate::base::error::{Result, one_line};
use crate::base::foreign_code::quietly;
use crate::base::problem::problem;
use crate::data::jpeg_end::{last_end, with_guarded_end};
use dicom_dictionary_std::uids;
use dicom_object::from_reader;
use dicom_pixeldata::PixelDecoder;
use std::io::Cursor;
use std::path::Path;

/// Size, number of components and bits per sample in the header of a JPEG picture.
#[derive(Debug, PartialEq, Eq)]
struct JpegFrame {
    size: [usize; 2],
    components: u8,
    bits: u8,
}

impl JpegFrame {
    /// Reads the frame header (T.81, B.2.2); `None` if there is none.
    fn find(data: &[u8]) -> Option<JpegFrame> {
        let mut rest = data.strip_prefix(&[0xff, 0xd8])?;
        loop {
            rest = rest.strip_prefix(&[0xff])?;
            while let [0xff, more @ ..] = rest {
                rest = more;
            }
            let &[marker, high, low, ..] = rest else { return None };
            let length = usize::from(u16::from_be_bytes([high, low]));
            match marker {
                // Huffman tables, arithmetic conditioning and a reserved marker lie among the frame headers.
                0xc0..=0xcf if ![0xc4, 0xc8, 0xcc].contains(&marker) => {
                    let &[bits, h1, h0, w1, w0, components] = rest.get(3..9)? else { return None };
                    let size = [[h1, h0], [w1, w0]].map(|n| usize::from(u16::from_be_bytes(n)));
                    return Some(JpegFrame { size, components, bits });
                }
                _ => rest = rest.get(1 + length.max(2)..)?,
            }
        }
    }
}

/// Decodes one grey frame into little-endian values.
pub(super) fn decode(path: &Path, data: Vec<u8>, format: &PixelFormat, lossless: bool) -> Result<Vec<u8>> {
    let damaged = |what: &str| problem!(E0703, path, "cannot decode the JPEG pixels: {what}"; help: "copy or download the file again");
    let Some(frame) = JpegFrame::find(&data) else { return Err(damaged("they have no JPEG header")) };
    let [rows, columns] = format.size;
    if frame.size != format.size || frame.components != 1 {
        let [h, w] = frame.size;
        let n = frame.components;
        return Err(damaged(&format!(
            "their header declares {w} x {h} pixels of {}, the file {columns} x {rows} of 1",
            counted(n, "sample")
        )));
    }
    let wanted_bits = if format.bits_allocated == 8 { 2..=8 } else { 9..=16 };
    if !wanted_bits.contains(&u32::from(frame.bits)) {
        let message = format!(
            "their header declares {}, the file allocates {}",
            counted(frame.bits, "bit"),
            format.bits_allocated
        );
        return Err(damaged(&message));
    }
    // A lossless sample takes a bit at least, a block of 64 samples two bits.
    let area = rows * columns;
    if data.len().saturating_mul(if lossless { 8 } else { 256 }) < area {
        return Err(damaged("they are truncated"));
    }
    let guarded = match last_end(&data) {
        Some(end) => with_guarded_end(&data, end),
        None => return Err(damaged("they are truncated")),
    };
    drop(data);
    let file = single_frame(&guarded, format, lossless);
    drop(guarded);
    let decoded = quietly(|| {
        let object = from_reader(Cursor::new(file)).map_err(|e| one_line(&e))?;
        let decoded = object.decode_pixel_data().map_err(|e| with_root_cause(&e))?;
        Ok::<Vec<u8>, String>(decoded.data().to_vec())
    });
    let bytes = decoded.unwrap_or_else(|| Err("the decoder failed".to_string())).map_err(|text| damaged(&text))?;
    match bytes.len() as u64 == format.frame_bytes() {
        true => Ok(bytes),
        false => Err(damaged("the decoder gives another number of pixels")),
    }
}

/// Writes a DICOM file of one frame, for the decoder: only what it needs, and nothing of a file from elsewhere but the data.
fn single_frame(data: &[u8], format: &PixelFormat, lossless: bool) -> Vec<u8> {
    let mut file = vec![0; 128];
    file.extend_from_slice(b"DICM");
    let text = |uid: &str| {
        let mut bytes = uid.as_bytes().to_vec();
        if bytes.len() % 2 == 1 {
            bytes.push(0);
        }
        bytes
    };
    let syntax = text(if lossless { uids::JPEG_LOSSLESS } else { uids::JPEG_EXTENDED12_BIT });
    let mut meta = Vec::new();
    put(&mut meta, [2, 2], b"UI", &text(uids::SECONDARY_CAPTURE_IMAGE_STORAGE));
    put(&mut meta, [2, 3], b"UI", &text("1.2"));
    put(&mut meta, [2, 0x10], b"UI", &syntax);
    put(&mut file, [2, 0], b"UL", &(meta.len() as u32).to_le_bytes());
    file.extend_from_slice(&meta);
    let number = |n: u32| (n as u16).to_le_bytes();
    put(&mut file, [0x28, 2], b"US", &number(1));
    put(&mut file, [0x28, 4], b"CS", b"MONOCHROME2 ");
    put(&mut file, [0x28, 0x10], b"US", &number(format.size[0] as u32));
    put(&mut file, [0x28, 0x11], b"US", &number(format.size[1] as u32));
    put(&mut file, [0x28, 0x100], b"US", &number(format.bits_allocated));
    put(&mut file, [0x28, 0x101], b"US", &number(format.bits_allocated));
    put(&mut file, [0x28, 0x102], b"US", &number(format.bits_allocated - 1));
    put(&mut file, [0x28, 0x103], b"US", &number(0));
    // Pixels of undefined length: an empty table of offsets, one fragment, and the end.
    file.extend_from_slice(&[0xe0, 0x7f, 0x10, 0x00, b'O', b'B', 0, 0, 0xff, 0xff, 0xff, 0xff]);
    file.extend_from_slice(&[0xfe, 0xff, 0x00, 0xe0, 0, 0, 0, 0, 0xfe, 0xff, 0x00, 0xe0]);
    let padded = data.len() + data.len() % 2;
    file.extend_from_slice(&(padded as u32).to_le_bytes());
    file.extend_from_slice(data);
    file.resize(file.len() + data.len() % 2, 0);
    file.extend_from_slice(&[0xfe, 0xff, 0xdd, 0xe0, 0, 0, 0, 0]);
    file
}

/// Appends an element with a short length.
fn put(file: &mut Vec<u8>, [group, element]: [u16; 2], representation: &[u8; 2], value: &[u8]) {
    file.extend_from_slice(&group.to_le_bytes());
    file.extend_from_slice(&element.to_le_bytes());
    file.extend_from_slice(representation);
    file.extend_from_slice(&(value.len() as u16).to_le_bytes());
    file.extend_from_slice(value);
}

/// Formats an error with its root cause.
fn with_root_cause(error: &dyn std::error::Error) -> String {
    let text = one_line(&error);
    match std::iter::successors(error.source(), |e| e.source()).last() {
        Some(cause) => format!("{text}: {}", one_line(&cause)),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_frame_header_is_found_behind_other_segments() {
        let data = [
            0xff, 0xd8, 0xff, 0xe0, 0, 4, 1, 2, 0xff, 0xff, 0xc4, 0, 3, 9, 0xff, 0xc3, 0, 11, 16, 1, 2, 3, 4, 1, 1,
            0x11, 0,
        ];
        let frame = JpegFrame { size: [258, 772], components: 1, bits: 16 };
        assert_eq!(JpegFrame::find(&data), Some(frame));
        for part in 0..23 {
            assert_eq!(JpegFrame::find(&data[..part]), None);
        }
    }

    #[test]
    fn a_panic_of_a_decoder_is_caught() {
        assert_eq!(quietly(|| 1), Some(1));
        assert_eq!(quietly(|| -> i32 { panic!("not shown") }), None);
    }
}
