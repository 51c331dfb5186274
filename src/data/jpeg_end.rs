//! Makes a JPEG decoder notice where the coded data of a picture end too early.
//!
//! A decoder that meets the end-of-image marker inside the picture goes on with zeros, which are valid codes: the rest becomes grey,
//! and nothing says so. No code consists of ones alone (ITU-T T.81, annex C), so ones before the marker stop the decoder there. A
//! picture that is whole ends before they are read.

/// Bits of ones, more than the longest code and its longest value take. A data byte of 255 is followed by a zero byte.
const NO_CODE: [u8; 16] = [0xff, 0, 0xff, 0, 0xff, 0, 0xff, 0, 0xff, 0, 0xff, 0, 0xff, 0, 0xff, 0];
const END_OF_IMAGE: [u8; 2] = [0xff, 0xd9];

/// Returns a JPEG file up to its end-of-image marker at `end`, with ones before the marker.
pub(super) fn with_guarded_end(file: &[u8], end: usize) -> Vec<u8> {
    let mut data = &file[..end];
    // Bytes of 255 may fill the room before a marker.
    while let [before @ .., 0xff] = data {
        data = before;
    }
    let mut guarded = Vec::with_capacity(data.len() + NO_CODE.len() + END_OF_IMAGE.len());
    guarded.extend_from_slice(data);
    guarded.extend_from_slice(&NO_CODE);
    guarded.extend_from_slice(&END_OF_IMAGE);
    guarded
}

/// Returns the place of the last end-of-image marker.
pub(super) fn last_end(file: &[u8]) -> Option<usize> {
    file.windows(2).rposition(|pair| pair == END_OF_IMAGE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ones_stand_before_the_marker() {
        let file = [1, 2, 0xff, 0xff, 0xff, 0xd9, 0];
        let end = last_end(&file).unwrap();
        let guarded = with_guarded_end(&file, end);
        assert_eq!((end, &guarded[..2]), (4, &file[..2]));
        assert_eq!(guarded[2..18], NO_CODE);
        assert_eq!(guarded[18..], END_OF_IMAGE);
        assert_eq!(last_end(&[0xff, 0xd8]), None);
    }
}
