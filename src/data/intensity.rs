//! Intensities: converts stored pixels to network input by window, resizing, channels, mean and standard deviation, in that
//! order.
//!
//! Scaling comes before resizing, so that padding far below the window (a scanner's circle at -2000) counts no more than air.
//! After resizing a sample is stored in 16 bits, `round(65535 x)` for `x` in 0..1: 8-bit and 16-bit values are exact, and a
//! window of 1400 HU is resolved to 0.01 HU.

use super::central_range::central_range;
use super::notice::{FileNotice, FileRole, NoticeTopic};
use super::pixels::{Pixels, SampleValues};
use super::resize;
use crate::base::count::counted;
use crate::base::error::{Result, RunError};
use crate::base::problem::problem;
use crate::text::config::{DataSpec, DecodeRule};
use std::path::Path;

/// Part of the range of 16-bit values that pictures without a window should reach, and the part that they should fill.
const MIN_REACHED: f64 = 0.25;
const MIN_FILLED: f64 = 0.05;
/// Largest stored value of a cached sample.
const STEPS: f32 = 65_535.0;

/// Linear map from a stored value to 0..1, clamped.
struct IntensityScale {
    low: f64,
    range: f64,
    view: SampleInterpretation,
}

/// How the stored bits of a sample are interpreted.
#[derive(Clone, Copy)]
enum SampleInterpretation {
    /// As the file declares.
    Stored,
    /// The high byte of 16 bits.
    HighByte,
    /// Samples declared as unsigned 16-bit, read as signed.
    Signed,
}

impl IntensityScale {
    fn of(pixels: &Pixels, spec: &DataSpec, path: &Path, warnings: &mut Vec<FileNotice>) -> Result<Self> {
        let view = match (&pixels.values, spec.decode) {
            (SampleValues::U16(_) | SampleValues::I16(_), DecodeRule::HiByte) => SampleInterpretation::HighByte,
            (SampleValues::Wide(_, kind), DecodeRule::HiByte) => {
                return Err(problem!(
                    E0711,
                    path,
                    "contains {kind} values, which have no high byte";
                    help: "remove `decode = hi_byte` from the data block"
                ));
            }
            (SampleValues::U16(v), DecodeRule::Value)
                if spec.window.is_some_and(|[low, _]| low < 0.0) && v.iter().any(|&v| v > 0x7fff) =>
            {
                let text = "some 16-bit values declared as unsigned are above 32767 and the window starts below 0, so the \
                     values are read as signed";
                warnings.push(FileNotice::new(NoticeTopic::SampleType, FileRole::Image, path, text));
                SampleInterpretation::Signed
            }
            _ => SampleInterpretation::Stored,
        };
        let [low, high] = match (spec.window, &pixels.values, view) {
            (Some(window), ..) => window,
            (None, SampleValues::U8(_), _) | (None, _, SampleInterpretation::HighByte) => [0.0, 255.0],
            (None, SampleValues::U16(_), _) => [0.0, 65_535.0],
            (None, SampleValues::I16(_), _) => return Err(no_window(path, "signed 16-bit")),
            (None, SampleValues::Wide(_, kind), _) => return Err(no_window(path, kind)),
        };
        if !(low.is_finite() && high.is_finite() && low < high) {
            return Err(problem!(
                E0716,
                "the window [{low}, {high}] of data `{}` is empty",
                spec.name;
                help: "the first number must be below the second"
            ));
        }
        Ok(Self { low, range: high - low, view })
    }

    fn unit(&self, values: &SampleValues, index: usize) -> f32 {
        let value = match (values, self.view) {
            (SampleValues::U16(v), SampleInterpretation::HighByte) => f64::from(v[index] >> 8),
            (SampleValues::I16(v), SampleInterpretation::HighByte) => f64::from(v[index] as u16 >> 8),
            (SampleValues::U16(v), SampleInterpretation::Signed) => f64::from(v[index] as i16),
            _ => values.at(index),
        };
        ((value - self.low) / self.range).clamp(0.0, 1.0) as f32
    }
}

fn no_window(path: &Path, kind: &str) -> RunError {
    problem!(
        E0711,
        path,
        "contains {kind} values, but the data block has no `window` to scale them";
        help: "for CT in Hounsfield units: window = [-1000, 400]"
    )
}

/// Returns the name of the sample type if its range scales the values, because the data block has no window.
pub(super) fn unscaled_kind(pixels: &Pixels, spec: &DataSpec) -> Option<&'static str> {
    let has_range = matches!(pixels.values, SampleValues::U8(_) | SampleValues::U16(_));
    (has_range && spec.window.is_none() && spec.decode == DecodeRule::Value).then(|| pixels.values.kind())
}

/// Luma of ITU-R BT.601, as in Pillow's `convert("L")` and OpenCV's grey conversion.
fn luma([r, g, b]: [f32; 3]) -> f32 {
    0.299 * r + 0.587 * g + 0.114 * b
}

/// Scales and resizes a picture to planes of 16-bit values: one plane if the file is grey or the network has one input
/// channel, else three.
pub(super) fn prepare(
    pixels: &Pixels,
    spec: &DataSpec,
    channels: usize,
    path: &Path,
    warnings: &mut Vec<FileNotice>,
) -> Result<Vec<u16>> {
    if pixels.channels == 3 && channels != 1 && channels != 3 {
        return Err(problem!(
            E0711,
            path,
            "a colour picture does not fit the network, which has {}",
            counted(channels, "input channel");
            help: "colour pictures need a network with 1 or 3 input channels"
        ));
    }
    let scale = IntensityScale::of(pixels, spec, path, warnings)?;
    let width = pixels.size[1];
    let values = &pixels.values;
    let (mut least, mut most) = (f32::INFINITY, f32::NEG_INFINITY);
    let mut track = |v: f32| {
        least = least.min(v);
        most = most.max(v);
        v
    };
    let planes = if pixels.channels == 1 || channels == 1 { 1 } else { 3 };
    let mut fill = |y: usize, row: &mut [f32]| {
        for x in 0..width {
            let at = y * width + x;
            if pixels.channels == 1 {
                row[x] = track(scale.unit(values, at));
            } else {
                let rgb = [0, 1, 2].map(|c| scale.unit(values, at * 3 + c));
                if planes == 1 {
                    row[x] = track(luma(rgb));
                } else {
                    rgb.iter().enumerate().for_each(|(c, &v)| row[c * width + x] = track(v));
                }
            }
        }
    };
    let prepared = if pixels.size == spec.size {
        unresized(planes, pixels.size, fill)
    } else {
        resize::planes(planes, pixels.size, spec.size, &mut fill).into_iter().map(to_step).collect()
    };
    if let Some(text) = small_range(pixels, spec, [least, most]) {
        warnings.push(FileNotice::new(NoticeTopic::Range, FileRole::Image, path, text));
    }
    if least == most {
        let text = "every pixel has the same value after scaling";
        warnings.push(FileNotice::new(NoticeTopic::Constant, FileRole::Image, path, text));
    }
    Ok(prepared)
}

/// Converts 0..1 to a 16-bit value.
fn to_step(value: f32) -> u16 {
    (value.clamp(0.0, 1.0) * STEPS).round() as u16
}

/// Returns planes of 16-bit values of a picture that keeps its size, without a copy of it in floats.
fn unresized(planes: usize, [height, width]: [usize; 2], mut fill: impl FnMut(usize, &mut [f32])) -> Vec<u16> {
    let mut prepared = vec![0; planes * height * width];
    let mut row = vec![0.0; planes * width];
    for y in 0..height {
        fill(y, &mut row);
        for (plane, values) in row.chunks_exact(width).enumerate() {
            let output = &mut prepared[(plane * height + y) * width..][..width];
            output.iter_mut().zip(values).for_each(|(output, &v)| *output = to_step(v));
        }
    }
    prepared
}

/// Returns a notice about 16-bit values of which all but a few reach or fill only a small part of the range to which they are scaled
/// without a window. `least` and `most` are the ends of all scaled values.
fn small_range(pixels: &Pixels, spec: &DataSpec, [least, most]: [f32; 2]) -> Option<String> {
    let scaled = spec.window.is_none() && spec.decode == DecodeRule::Value;
    if !scaled || !matches!(pixels.values, SampleValues::U16(_)) || most == 0.0 {
        return None;
    }
    let range = f64::from(STEPS);
    let [low, high] = central_range(&pixels.values);
    let unfilled = most > least && high - low < MIN_FILLED * range;
    if high >= MIN_REACHED * range && !unfilled {
        return None;
    }
    let largest = f64::from(most) * range;
    let what = match largest < MIN_REACHED * range {
        true => format!("the largest is {} ({:.1} % of it)", largest.round(), 100.0 * largest / range),
        false => {
            let percent = 100.0 * (high - low) / range;
            format!("all but 1 % of them lie between {low} and {high} ({percent:.1} % of it)")
        }
    };
    Some(format!(
        "the 16-bit values are scaled by 65535, and {what}; write the range of the values as `window = [low, high]`"
    ))
}

/// Converts a 16-bit value to 0..1.
pub(super) fn unit(step: u16) -> f32 {
    f32::from(step) / STEPS
}

/// Writes normalised channels x height x width to `output`; `unit` converts the elements of `prepared` to 0..1.
pub(super) fn normalise<T: Copy>(
    prepared: &[T],
    unit: impl Fn(T) -> f32,
    spec: &DataSpec,
    channels: usize,
    output: &mut [f32],
) -> Result<()> {
    let area = spec.size[0] * spec.size[1];
    for (channel, output) in output.chunks_exact_mut(area).enumerate() {
        let mean = channel_value(&spec.mean, channel, channels, "mean", 0.0, spec)?;
        let std = channel_value(&spec.std, channel, channels, "std", 1.0, spec)?;
        if std == 0.0 {
            return Err(problem!(E0716, "`std` of data `{}` contains 0, but images cannot be divided by 0", spec.name));
        }
        let plane = if prepared.len() == area { prepared } else { &prepared[channel * area..(channel + 1) * area] };
        let values = output.iter_mut().zip(plane);
        if mean == 0.0 && std == 1.0 {
            values.for_each(|(output, &v)| *output = unit(v));
        } else {
            let (mean, std) = (mean as f32, std as f32);
            values.for_each(|(output, &v)| *output = (unit(v) - mean) / std);
        }
    }
    Ok(())
}

/// Returns the value of a key for one channel; a single value holds for all channels, and `none` replaces an empty list.
fn channel_value(
    values: &[f64],
    channel: usize,
    channels: usize,
    key: &str,
    none: f64,
    spec: &DataSpec,
) -> Result<f64> {
    match values {
        [] => Ok(none),
        [one] => Ok(*one),
        many if many.len() == channels => Ok(many[channel]),
        many => Err(problem!(
            E0716,
            "`{key}` of data `{}` has {}, but the network has {}",
            spec.name,
            counted(many.len(), "value"),
            counted(channels, "input channel");
            help: "give one value for all channels, or {channels}"
        )),
    }
}

/// Returns the picture for display: 8-bit RGB at its own size, windowed as for the network.
pub(super) fn rgb(pixels: &Pixels, spec: &DataSpec, path: &Path) -> Result<Vec<u8>> {
    let scale = IntensityScale::of(pixels, spec, path, &mut Vec::new())?;
    let byte = |index| (scale.unit(&pixels.values, index) * 255.0).round() as u8;
    let area = pixels.size[0] * pixels.size[1];
    if pixels.channels == 3 {
        return Ok((0..area * 3).map(byte).collect());
    }
    // An iterator over repeated values has no known length, and memory would grow by doubling.
    let mut rgb = Vec::with_capacity(3 * area);
    (0..area).for_each(|i| rgb.extend([byte(i); 3]));
    Ok(rgb)
}
