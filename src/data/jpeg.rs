//! Whether a JPEG file holds its whole picture: the decoder accepts files that were cut off.

/// Walks the segments (ITU-T T.81, annex B) to the end-of-image marker. Bytes after it do not matter; bytes that look
/// like it inside a segment, such as those of an embedded thumbnail, are passed over.
pub(super) fn is_complete(bytes: &[u8]) -> bool {
    let mut at = 2;
    while let Some(&first) = bytes.get(at) {
        if first != 0xff {
            // Between segments, and in the coded data that follows a scan header: look for the next marker.
            at += 1;
            continue;
        }
        let Some(&marker) = bytes.get(at + 1) else { return false };
        match marker {
            0xd9 => return true,
            // Fill bytes.
            0xff => at += 1,
            // A data byte of 255, restart markers, markers without a length.
            0x00 | 0x01 | 0xd0..=0xd8 => at += 2,
            _ => match bytes.get(at + 2..at + 4) {
                Some(length) => at += 2 + usize::from(u16::from_be_bytes([length[0], length[1]])).max(2),
                None => return false,
            },
        }
    }
    false
}
