//! Decoded pictures, and limits on their size.

use super::notice::FileNotice;
use crate::base::error::Result;
use crate::base::problem::problem;
use std::path::Path;

/// Longest side of an image that is read.
pub(crate) const MAX_SIDE: usize = 16_384;
/// Largest number of bytes of one decoded image.
pub(crate) const MAX_BYTES: u64 = 1 << 30;

/// A decoded picture: `values` holds height x width x channels in that order.
pub(crate) struct Pixels {
    /// Height, width.
    pub size: [usize; 2],
    /// 1 or 3.
    pub channels: usize,
    pub values: SampleValues,
    /// Whether compression was lossy: flat areas may be off by some units.
    pub lossy: bool,
    pub warnings: Vec<FileNotice>,
}

/// Samples in their type in the file.
pub(crate) enum SampleValues {
    U8(Vec<u8>),
    U16(Vec<u16>),
    I16(Vec<i16>),
    /// Every other sample type, with its name. All values are finite.
    Wide(Vec<f64>, &'static str),
}

impl SampleValues {
    pub(crate) fn len(&self) -> usize {
        match self {
            SampleValues::U8(v) => v.len(),
            SampleValues::U16(v) => v.len(),
            SampleValues::I16(v) => v.len(),
            SampleValues::Wide(v, _) => v.len(),
        }
    }

    pub(crate) fn at(&self, index: usize) -> f64 {
        match self {
            SampleValues::U8(v) => f64::from(v[index]),
            SampleValues::U16(v) => f64::from(v[index]),
            SampleValues::I16(v) => f64::from(v[index]),
            SampleValues::Wide(v, _) => v[index],
        }
    }
}

/// Rejects implausible sizes before memory is allocated for them.
pub(super) fn check_size(path: &Path, height: u64, width: u64, bytes_per_pixel: u64) -> Result<[usize; 2]> {
    if height == 0 || width == 0 {
        return Err(problem!(E0703, path, "the picture is empty: its header declares {width} x {height} pixels"));
    }
    let side = MAX_SIDE as u64;
    if height > side || width > side || height * width * bytes_per_pixel > MAX_BYTES {
        return Err(problem!(
            E0704,
            path,
            "the picture is too large: {width} x {height} pixels; the limits are {side} x {side} and 1 GiB";
            help: "cut the picture into tiles or store it smaller"
        ));
    }
    Ok([height as usize, width as usize])
}

/// Keeps the first `kept` of every `step` samples.
pub(super) fn keep_channels<T: Copy>(values: &[T], step: usize, kept: usize) -> Vec<T> {
    values.chunks_exact(step).flat_map(|pixel| pixel[..kept].iter().copied()).collect()
}

/// Unpacks samples of `bits` (1, 2, 4 or 8) bits to one byte each; every row starts on a byte boundary.
pub(super) fn unpack_bits(packed: &[u8], [height, width]: [usize; 2], bits: usize) -> Vec<u8> {
    let row = (width * bits).div_ceil(8).max(1);
    let last = ((1u16 << bits) - 1) as u8;
    let mut values = Vec::with_capacity(height * width);
    for line in packed.chunks_exact(row).take(height) {
        values.extend((0..width).map(|x| {
            let bit = x * bits;
            (line[bit / 8] >> (8 - bits - bit % 8)) & last
        }));
    }
    values
}
