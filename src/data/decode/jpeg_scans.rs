//! Do the scans of a JPEG file hold the whole picture?

use super::jpeg_header::JpegHeader;

/// Second byte of the marker of a progressive frame.
const PROGRESSIVE: u8 = 0xc2;
/// Coefficients of a block.
const BLOCK: usize = 64;
/// Stands for a coefficient that no scan has given.
const NONE: u8 = u8::MAX;

/// Checks that a scan holds each component, and in a progressive file all bits of each coefficient: a download that stops between two
/// scans lacks the last ones, and the picture is blurred or grey.
pub(super) fn are_complete(header: &JpegHeader<'_>) -> bool {
    if header.frame.is_none() {
        return false;
    }
    let names = header.component_names();
    // The number of lowest bits of each coefficient that are still missing.
    let mut missing = vec![[NONE; BLOCK]; names.len()];
    for scan in &header.scans {
        let components = usize::from(scan.content.first().copied().unwrap_or(0));
        let Some(&[start, end, bits]) = scan.content.get(1 + 2 * components..4 + 2 * components) else { return false };
        let (range, low) = match header.process {
            PROGRESSIVE => (usize::from(start)..=usize::from(end), bits & 0xf),
            _ => (0..=BLOCK - 1, 0),
        };
        for k in 0..components {
            let name = scan.content[1 + 2 * k];
            let of_name = names.iter().zip(&mut missing).filter(|(other, _)| **other == name);
            of_name.filter_map(|(_, block)| block.get_mut(range.clone())).for_each(|block| block.fill(low));
        }
    }
    missing.iter().flatten().all(|bits| *bits == 0)
}
