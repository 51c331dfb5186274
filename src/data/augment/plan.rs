//! The changes of one image in one epoch: drawn first, applied later.

use super::gaussian::{EdgeMode, gaussian};
use super::random_stream::RandomStream;
use super::tone::{Gamma, Tone};
use super::warp::{AffineMap, DisplacementField, OutsideFill, warp};
use crate::text::config::{Augmentation, BorderMode};
use std::fmt;

/// The drawn changes of one image and its mask.
#[derive(Debug, Clone, PartialEq)]
pub struct AugmentPlan {
    size: [usize; 2],
    key: AugmentKey,
    /// Top-bottom and left-right.
    pub flip: [bool; 2],
    /// Number of quarter turns, counter-clockwise.
    pub quarters: u8,
    /// Angle of rotation, counter-clockwise.
    pub degrees: f64,
    pub scale: f64,
    /// Shift downwards and to the right, in pixels.
    pub shift: [f64; 2],
    /// Side and top-left corner of the cropped rectangle, as fractions of the image's height and width.
    pub crop: Option<(f64, [f64; 2])>,
    pub elastic: Option<Elastic>,
    pub outside: OutsideFill,
    pub tone: Tone,
}

/// Strength and smoothness of a displacement field, in pixels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Elastic {
    pub alpha: f64,
    pub sigma: f64,
}

/// Key of the random fields. A plan holds no images, so `apply` draws the fields again from this key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct AugmentKey {
    seed: u64,
    epoch: u64,
    case: u64,
}

impl AugmentKey {
    fn stream(self, number: u64) -> RandomStream {
        RandomStream::new(self.seed, self.epoch, self.case, number)
    }
}

/// Stream numbers. Renumbering them would change the augmented images of every run.
mod stream {
    pub(super) const FLIP: u64 = 1;
    pub(super) const ROT90: u64 = 2;
    pub(super) const ROTATE: u64 = 3;
    pub(super) const SCALE: u64 = 4;
    pub(super) const SHIFT: u64 = 5;
    pub(super) const CROP: u64 = 6;
    pub(super) const ELASTIC: u64 = 7;
    pub(super) const ELASTIC_FIELD: u64 = 8;
    pub(super) const NOISE: u64 = 9;
    pub(super) const NOISE_FIELD: u64 = 10;
    pub(super) const BLUR: u64 = 11;
    pub(super) const BRIGHTNESS: u64 = 12;
    pub(super) const CONTRAST: u64 = 13;
    pub(super) const LOW_RESOLUTION: u64 = 14;
    pub(super) const GAMMA: u64 = 15;
}

impl AugmentPlan {
    pub(super) fn draw(kinds: &[Augmentation], size: [usize; 2], seed: u64, epoch: u64, case: u64) -> AugmentPlan {
        let key = AugmentKey { seed, epoch, case };
        let outside = OutsideFill { rule: BorderMode::Reflect, value: 0.0 };
        let mut plan = AugmentPlan {
            size,
            key,
            flip: [false; 2],
            quarters: 0,
            degrees: 0.0,
            scale: 1.0,
            shift: [0.0; 2],
            crop: None,
            elastic: None,
            outside,
            tone: Tone::default(),
        };
        kinds.iter().for_each(|kind| plan.add(kind));
        plan
    }

    fn add(&mut self, kind: &Augmentation) {
        let key = self.key;
        // Returns the stream of a kind of augmentation if the kind is drawn with probability `p`.
        let stream_if_drawn = |number, p| {
            let mut draws = key.stream(number);
            draws.chance(p).then_some(draws)
        };
        match *kind {
            Augmentation::Flip { horizontal, vertical } => {
                let mut draws = key.stream(stream::FLIP);
                let horizontal = draws.chance(horizontal);
                self.flip = [draws.chance(vertical), horizontal];
            }
            Augmentation::Rot90 { p } => {
                if let Some(mut draws) = stream_if_drawn(stream::ROT90, p) {
                    self.quarters = 1 + draws.below(3) as u8;
                }
            }
            Augmentation::Rotate { degrees, p } => {
                if let Some(mut draws) = stream_if_drawn(stream::ROTATE, p) {
                    self.degrees = draws.uniform(degrees);
                }
            }
            Augmentation::Scale { factor, p } => {
                if let Some(mut draws) = stream_if_drawn(stream::SCALE, p) {
                    self.scale = draws.log_uniform(factor);
                }
            }
            Augmentation::Shift { limit, p } => {
                if let Some(mut draws) = stream_if_drawn(stream::SHIFT, p) {
                    self.shift = self.size.map(|n| n as f64 * draws.uniform(limit));
                }
            }
            Augmentation::Crop { area, p } => {
                if let Some(mut draws) = stream_if_drawn(stream::CROP, p) {
                    let side = draws.uniform(area).sqrt();
                    self.crop = Some((side, [(); 2].map(|()| draws.uniform([0.0, 1.0 - side]))));
                }
            }
            Augmentation::Elastic { alpha, sigma, p } => {
                if let Some(mut draws) = stream_if_drawn(stream::ELASTIC, p) {
                    self.elastic = Some(Elastic { alpha: draws.uniform(alpha), sigma: draws.uniform(sigma) });
                }
            }
            Augmentation::Border { rule, value } => self.outside = OutsideFill { rule, value: value as f32 },
            Augmentation::Noise { std, p } => {
                self.tone.noise = stream_if_drawn(stream::NOISE, p).map(|mut d| d.uniform(std));
            }
            Augmentation::Blur { sigma, p } => {
                self.tone.blur = stream_if_drawn(stream::BLUR, p).map(|mut d| d.uniform(sigma));
            }
            Augmentation::Brightness { offset, factor, p } => {
                let draw = |mut d: RandomStream| (d.log_uniform(factor), d.uniform(offset));
                self.tone.brightness = stream_if_drawn(stream::BRIGHTNESS, p).map(draw);
            }
            Augmentation::Contrast { factor, p } => {
                self.tone.contrast = stream_if_drawn(stream::CONTRAST, p).map(|mut d| d.log_uniform(factor));
            }
            Augmentation::LowResolution { factor, p } => {
                self.tone.low_resolution = stream_if_drawn(stream::LOW_RESOLUTION, p).map(|mut d| d.uniform(factor));
            }
            Augmentation::Gamma { gamma, invert, p } => {
                let draw = |mut d: RandomStream| Gamma { exponent: d.log_uniform(gamma), inverted: d.chance(invert) };
                self.tone.gamma = stream_if_drawn(stream::GAMMA, p).map(draw);
            }
        }
    }

    /// Applies the changes to the planes (each height x width, values in 0..1) and to the mask. Sizes stay the same and values
    /// stay in 0..1.
    pub fn apply(&self, planes: &mut Vec<f32>, mask: &mut Vec<u8>) {
        let affine = self.affine();
        let field = self.field();
        if field.is_some() || affine != AffineMap::IDENTITY {
            (*planes, *mask) = warp(planes, mask, self.size, &affine, field.as_ref(), self.outside);
            // By rounding, a weighted mean of two equal numbers may differ from them.
            planes.iter_mut().for_each(|v| *v = v.clamp(0.0, 1.0));
        }
        self.tone.apply(planes, self.size, &mut self.key.stream(stream::NOISE_FIELD));
    }

    /// Returns crop, flip, quarter turns, scale, rotation and shift, in this order, as one map from output to source.
    pub fn affine(&self) -> AffineMap {
        let [height, width] = self.size.map(|n| n as f64);
        let (side, start) = self.crop.unwrap_or((1.0, [0.0; 2]));
        let sign = |flipped| if flipped { -1.0 } else { 1.0 };
        let [vertical, horizontal] = self.flip.map(sign);
        // The inverses in reverse order, in rows and columns relative to the centre.
        let rotation = inverse_rotation(self.degrees);
        let quarter = inverse_rotation(f64::from(self.quarters) * 90.0);
        let mut matrix = matrix_product(quarter, rotation);
        for (row, sign) in matrix.iter_mut().zip([vertical, horizontal]) {
            row.iter_mut().for_each(|v| *v *= sign * side / self.scale);
        }
        // The central output pixel shows the centre of the cropped rectangle, moved back by the shift.
        let middle = [0.5 * (height - 1.0) + self.shift[0], 0.5 * (width - 1.0) + self.shift[1]];
        let shown = [height * (start[0] + 0.5 * side) - 0.5, width * (start[1] + 0.5 * side) - 0.5];
        let offset = [0, 1].map(|i| shown[i] - (matrix[i][0] * middle[0] + matrix[i][1] * middle[1]));
        AffineMap { matrix, offset }
    }

    /// Returns the elastic displacement field: uniform numbers in (-1, 1), smoothed and multiplied by `alpha`. Smoothing wraps
    /// around the edges, so the field is equally strong everywhere.
    pub fn field(&self) -> Option<DisplacementField> {
        let Elastic { alpha, sigma } = self.elastic?;
        let mut draws = self.key.stream(stream::ELASTIC_FIELD);
        let mut plane = || {
            let mut values = vec![0.0; self.size[0] * self.size[1]];
            draws.fill_symmetric(&mut values);
            gaussian(&mut values, self.size, sigma, EdgeMode::Wrap);
            values.iter_mut().for_each(|v| *v *= alpha as f32);
            values
        };
        Some(DisplacementField { rows: plane(), columns: plane() })
    }
}

/// Returns the inverse of a counter-clockwise rotation, for rows (downwards) and columns. Multiples of 90° are exact.
fn inverse_rotation(degrees: f64) -> [[f64; 2]; 2] {
    let (sin, cos) = match degrees.rem_euclid(360.0) {
        0.0 => (0.0, 1.0),
        90.0 => (1.0, 0.0),
        180.0 => (0.0, -1.0),
        270.0 => (-1.0, 0.0),
        d => d.to_radians().sin_cos(),
    };
    [[cos, sin], [-sin, cos]]
}

fn matrix_product(a: [[f64; 2]; 2], b: [[f64; 2]; 2]) -> [[f64; 2]; 2] {
    [0, 1].map(|i| [0, 1].map(|j| a[i][0] * b[0][j] + a[i][1] * b[1][j]))
}

/// Lists the changes: `flip left-right, rotate -12°, gamma 0.81`.
impl fmt::Display for AugmentPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Adding 0 turns -0 into 0.
        let whole = |x: f64| x.round() + 0.0;
        let mut words = Vec::new();
        let [vertical, horizontal] = self.flip;
        let mut push = |happens: bool, text: String| words.extend(happens.then_some(text));
        if let Some((side, _)) = self.crop {
            push(true, format!("crop {:.2}", side * side));
        }
        push(horizontal, "flip left-right".into());
        push(vertical, "flip top-bottom".into());
        push(self.quarters > 0, format!("rot90 {}°", 90 * u32::from(self.quarters)));
        push(self.scale != 1.0, format!("scale {:.2}", self.scale));
        push(self.degrees != 0.0, format!("rotate {:.0}°", whole(self.degrees)));
        push(self.shift != [0.0; 2], format!("shift {} {}", whole(self.shift[0]), whole(self.shift[1])));
        if let Some(Elastic { alpha, sigma }) = self.elastic {
            push(true, format!("elastic {alpha:.0} {sigma:.0}"));
        }
        write!(f, "{}", words.join(", "))?;
        let tone = self.tone.to_string();
        match (words.is_empty(), tone.is_empty()) {
            (true, true) => f.write_str("as it is"),
            (false, false) => write!(f, ", {tone}"),
            _ => f.write_str(&tone),
        }
    }
}
