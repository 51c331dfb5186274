//! RLE compression of DICOM (PS3.5, annex G): one segment for each byte of the values, the highest first.

/// Unpacks a frame of `area` values of `width` bytes into little-endian values. Returns `None` if a segment is missing, lies outside
/// of the fragment or holds too few bytes.
pub(super) fn unpack(fragment: &[u8], area: usize, width: usize) -> Option<Vec<u8>> {
    let header = fragment.first_chunk::<64>()?;
    let number = |i: usize| {
        u32::from_le_bytes([header[4 * i], header[4 * i + 1], header[4 * i + 2], header[4 * i + 3]]) as usize
    };
    if number(0) != width {
        return None;
    }
    let segments: Vec<Vec<u8>> = (0..width)
        .map(|i| {
            let end = if i + 1 < width { number(i + 2) } else { fragment.len() };
            unpack_segment(fragment.get(number(i + 1)..end)?, area)
        })
        .collect::<Option<_>>()?;
    Some((0..area).flat_map(|p| segments.iter().rev().map(move |segment| segment[p])).collect())
}

/// Unpacks runs and literals (PackBits) until `area` bytes are there.
fn unpack_segment(mut packed: &[u8], area: usize) -> Option<Vec<u8>> {
    // A run of 128 bytes takes 2.
    if packed.len().saturating_mul(64) < area {
        return None;
    }
    let mut bytes = Vec::with_capacity(area);
    while bytes.len() < area {
        let (&count, rest) = packed.split_first()?;
        packed = match count {
            0..=127 => {
                let (literal, rest) = rest.split_at_checked(usize::from(count) + 1)?;
                bytes.extend_from_slice(literal);
                rest
            }
            128 => rest,
            129..=255 => {
                let (&value, rest) = rest.split_first()?;
                bytes.resize(bytes.len() + 257 - usize::from(count), value);
                rest
            }
        };
    }
    bytes.truncate(area);
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_and_literals_are_unpacked() {
        // The example of PS3.5, G.3.1 in the form of Apple's technical note 1023.
        let packed = [0xfe, 0xaa, 0x02, 0x80, 0x00, 0x2a, 0xfd, 0xaa, 0x03, 0x80, 0x00, 0x2a, 0x22, 0xf7, 0xaa];
        let wanted = [
            0xaa, 0xaa, 0xaa, 0x80, 0x00, 0x2a, 0xaa, 0xaa, 0xaa, 0xaa, 0x80, 0x00, 0x2a, 0x22, 0xaa, 0xaa, 0xaa, 0xaa,
            0xaa, 0xaa, 0xaa, 0xaa, 0xaa, 0xaa,
        ];
        assert_eq!(unpack_segment(&packed, 24).unwrap(), wanted);
        assert_eq!(unpack_segment(&packed, 25), None);
        for part in 0..packed.len() {
            assert_eq!(unpack_segment(&packed[..part], 24), None);
        }
        assert_eq!(unpack_segment(&[0x81, 7], 1 << 40), None);
    }
}
