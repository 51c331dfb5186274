//! Detects truncated JPEG files, which the decoder accepts.

/// Checks whether a JPEG file has an end-of-image marker, by walking its segments (ITU-T T.81, annex B). Bytes after the marker
/// are ignored, and so are markers inside a segment, such as those of an embedded thumbnail.
pub(super) fn is_complete(bytes: &[u8]) -> bool {
    let mut at = 2;
    while let Some(&first) = bytes.get(at) {
        if first != 0xff {
            // Between segments, or in the coded data after a scan header: search for the next marker.
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
