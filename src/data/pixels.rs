//! Decoded pictures, and limits on their size.

use super::notice::FileNotice;
use crate::base::count::counted;
use crate::base::error::Result;
use crate::base::problem::problem;
use std::path::Path;

/// Longest side of an image that is read.
pub(crate) const MAX_SIDE: usize = 16_384;
/// Largest number of bytes of one decoded image.
pub(crate) const MAX_BYTES: u64 = 1 << 29;
/// Largest number of pixels of an image. A file of a few kilobytes may declare them all, and reading, scoring and drawing take up
/// to 20 bytes for each.
const MAX_PIXELS: u64 = 1 << 27;

/// A decoded picture: `values` holds height x width x channels in that order.
pub(crate) struct Pixels {
    /// Height, width.
    pub size: [usize; 2],
    /// 1 or 3.
    pub channels: usize,
    pub values: SampleValues,
    /// Name of the compression if it is lossy, which changes values by some units.
    pub lossy: Option<&'static str>,
    /// Colours of the palette of a mask; `values` are the indices. Images have their colours in `values`.
    pub palette: Option<Vec<[u8; 3]>>,
    /// Alpha of each pixel of a mask, if it is not opaque everywhere. Images have none.
    pub alpha: Option<AlphaPlane>,
    /// Whether a mask has alpha that is opaque everywhere.
    pub opaque_alpha: bool,
    /// Number of bits of the samples of a grey mask, if they are fewer than 8. `values` are as stored, from 0 to `2^bits - 1`.
    pub bits: Option<u32>,
    pub warnings: Vec<FileNotice>,
}

impl Pixels {
    /// Returns a picture without anything but its values.
    pub(crate) fn new(size: [usize; 2], channels: usize, values: SampleValues) -> Pixels {
        Pixels {
            size,
            channels,
            values,
            lossy: None,
            palette: None,
            alpha: None,
            opaque_alpha: false,
            bits: None,
            warnings: Vec::new(),
        }
    }
}

/// The alpha channel of a mask, or another sample whose meaning the file does not give.
pub(crate) struct AlphaPlane {
    /// One value for each pixel.
    pub values: SampleValues,
    /// The value of an opaque pixel.
    pub opaque: f64,
    /// Whether the file says that the sample is alpha.
    pub named: bool,
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

    /// Returns the name of the sample type.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            SampleValues::U8(_) => "8-bit",
            SampleValues::U16(_) => "16-bit",
            SampleValues::I16(_) => "signed 16-bit",
            SampleValues::Wide(_, kind) => kind,
        }
    }

    /// Spreads samples of fewer than 8 bits over 0..255.
    pub(super) fn spread(&mut self, bits: u32) {
        if let SampleValues::U8(values) = self
            && bits < 8
        {
            let step = 255 / ((1u16 << bits) - 1) as u8;
            values.iter_mut().for_each(|v| *v *= step);
        }
    }

    /// Moves the last of every `step` samples into values of their own.
    pub(super) fn split_last(&mut self, step: usize) -> SampleValues {
        match self {
            SampleValues::U8(v) => SampleValues::U8(split_last(v, step)),
            SampleValues::U16(v) => SampleValues::U16(split_last(v, step)),
            SampleValues::I16(v) => SampleValues::I16(split_last(v, step)),
            SampleValues::Wide(v, kind) => SampleValues::Wide(split_last(v, step), kind),
        }
    }

    /// Keeps the first `kept` of every `step` samples, in place.
    pub(super) fn keep_channels(&mut self, step: usize, kept: usize) {
        match self {
            SampleValues::U8(v) => keep_channels(v, step, kept),
            SampleValues::U16(v) => keep_channels(v, step, kept),
            SampleValues::I16(v) => keep_channels(v, step, kept),
            SampleValues::Wide(v, _) => keep_channels(v, step, kept),
        }
    }

    /// Returns the values in another order of pixels: `source(i)` is the old index of the new pixel `i`.
    pub(super) fn reordered(&self, channels: usize, source: impl Fn(usize) -> usize) -> SampleValues {
        match self {
            SampleValues::U8(v) => SampleValues::U8(reordered(v, channels, source)),
            SampleValues::U16(v) => SampleValues::U16(reordered(v, channels, source)),
            SampleValues::I16(v) => SampleValues::I16(reordered(v, channels, source)),
            SampleValues::Wide(v, kind) => SampleValues::Wide(reordered(v, channels, source), kind),
        }
    }
}

fn split_last<T: Copy>(values: &mut Vec<T>, step: usize) -> Vec<T> {
    let last = values.chunks_exact(step).map(|pixel| pixel[step - 1]).collect();
    keep_channels(values, step, step - 1);
    last
}

fn keep_channels<T: Copy>(values: &mut Vec<T>, step: usize, kept: usize) {
    let pixels = values.len() / step;
    for i in 1..pixels {
        values.copy_within(i * step..i * step + kept, i * kept);
    }
    values.truncate(pixels * kept);
}

fn reordered<T: Copy>(values: &[T], channels: usize, source: impl Fn(usize) -> usize) -> Vec<T> {
    let mut output = Vec::with_capacity(values.len());
    for i in 0..values.len() / channels {
        let at = source(i) * channels;
        output.extend_from_slice(&values[at..at + channels]);
    }
    output
}

/// Rejects implausible sizes before memory is allocated for them.
pub(super) fn check_size(path: &Path, height: u64, width: u64, bytes_per_pixel: u64) -> Result<[usize; 2]> {
    if height == 0 || width == 0 {
        return Err(problem!(E0703, path, "the picture is empty: its header declares {width} x {height} pixels"));
    }
    let side = MAX_SIDE as u64;
    let too_long = height > side || width > side;
    if too_long || height * width > MAX_PIXELS || height * width * bytes_per_pixel > MAX_BYTES {
        return Err(problem!(
            E0704,
            path,
            "the picture is too large: {width} x {height} pixels; the limits are {} a side, 2^27 pixels and 512 MiB decoded",
            counted(side, "pixel");
            help: "cut the picture into tiles or store it smaller"
        ));
    }
    Ok([height as usize, width as usize])
}

/// Unpacks samples of `bits` (1, 2, 4 or 8) bits to one byte each; every row starts on a byte boundary.
pub(super) fn unpack_bits(packed: Vec<u8>, [height, width]: [usize; 2], bits: u32) -> Vec<u8> {
    if bits == 8 {
        return packed;
    }
    let bits = bits as usize;
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
