//! What a decoded image holds: size, channels, sample type and range of its values.

use super::central_range::central_range;
use super::pixels::{Pixels, SampleValues};

/// Largest difference between red, green and blue of a grey pixel after lossy compression.
const LOSSY_DIFFERENCE: f64 = 3.0;

/// Properties of an image.
#[derive(Debug, Clone, PartialEq)]
pub struct ImageFacts {
    /// Height, width.
    pub size: [usize; 2],
    /// 1 for grey, 3 for colours. Grey is grey where it is stored as red, green and blue, as in formats that have nothing else.
    pub channels: usize,
    /// Name of the sample type.
    pub samples: &'static str,
    pub least: f64,
    pub most: f64,
    /// The range in which all but 1 % of the values lie.
    pub central: [f64; 2],
    /// Fractions of the values below and above the window.
    pub outside: [f64; 2],
    pub constant: bool,
}

/// Least and largest value, and the number of values below and above a window.
struct ValueRange {
    least: f64,
    most: f64,
    below: usize,
    above: usize,
}

impl ValueRange {
    fn of(values: impl Iterator<Item = f64>, [low, high]: [f64; 2]) -> ValueRange {
        let none = ValueRange { least: f64::INFINITY, most: f64::NEG_INFINITY, below: 0, above: 0 };
        values.fold(none, |range, value| ValueRange {
            least: range.least.min(value),
            most: range.most.max(value),
            below: range.below + usize::from(value < low),
            above: range.above + usize::from(value > high),
        })
    }
}

/// Checks whether red, green and blue are equal in every pixel. Lossy compression changes each by some units.
fn is_grey(pixels: &Pixels) -> bool {
    let most = if pixels.lossy.is_some() { LOSSY_DIFFERENCE } else { 0.0 };
    let values = &pixels.values;
    let is_grey = |pixel: usize| {
        let [r, g, b] = [0, 1, 2].map(|c| values.at(3 * pixel + c));
        (r - g).abs() <= most && (g - b).abs() <= most
    };
    pixels.channels == 3 && (0..values.len() / 3).all(is_grey)
}

impl ImageFacts {
    /// Looks at every value once.
    pub(super) fn of(pixels: &Pixels, window: Option<[f64; 2]>) -> ImageFacts {
        let window = window.unwrap_or([f64::NEG_INFINITY, f64::INFINITY]);
        let range = match &pixels.values {
            SampleValues::U8(v) => ValueRange::of(v.iter().map(|&x| f64::from(x)), window),
            SampleValues::U16(v) => ValueRange::of(v.iter().map(|&x| f64::from(x)), window),
            SampleValues::I16(v) => ValueRange::of(v.iter().map(|&x| f64::from(x)), window),
            SampleValues::Wide(v, _) => ValueRange::of(v.iter().copied(), window),
        };
        let samples = pixels.values.kind();
        let ValueRange { least, most, below, above } = range;
        let n = pixels.values.len().max(1) as f64;
        let outside = [below, above].map(|count| count as f64 / n);
        let constant = least == most;
        // A black frame says nothing about the others of its set.
        let channels = if !constant && is_grey(pixels) { 1 } else { pixels.channels };
        let central = central_range(&pixels.values);
        ImageFacts { size: pixels.size, channels, samples, least, most, central, outside, constant }
    }

    /// Returns the properties of a volume: those of its slices, which have one size and sample type. `None` for no slices.
    pub(crate) fn of_volume(slices: &[ImageFacts]) -> Option<ImageFacts> {
        let first = slices.first()?;
        let least = slices.iter().map(|slice| slice.least).fold(f64::INFINITY, f64::min);
        let most = slices.iter().map(|slice| slice.most).fold(f64::NEG_INFINITY, f64::max);
        let share = |side: usize| slices.iter().map(|slice| slice.outside[side]).sum::<f64>() / slices.len() as f64;
        let central = [
            slices.iter().map(|slice| slice.central[0]).fold(f64::INFINITY, f64::min),
            slices.iter().map(|slice| slice.central[1]).fold(f64::NEG_INFINITY, f64::max),
        ];
        let outside = [share(0), share(1)];
        Some(ImageFacts { least, most, central, outside, constant: least == most, ..first.clone() })
    }
}
