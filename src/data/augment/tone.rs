//! Changes of intensity: noise, blur, brightness, contrast, resolution and gamma, in this order.
//!
//! Input and output are planes of values in 0..1.

use super::gaussian::{EdgeMode, gaussian};
use super::random_stream::RandomStream;
use crate::data::resize;
use std::fmt;

/// Drawn intensity changes; `None` where a change was not drawn.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Tone {
    /// Standard deviation of the noise.
    pub noise: Option<f64>,
    /// Standard deviation of the blur in pixels.
    pub blur: Option<f64>,
    /// Factor and offset.
    pub brightness: Option<(f64, f64)>,
    pub contrast: Option<f64>,
    pub low_resolution: Option<f64>,
    pub gamma: Option<Gamma>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Gamma {
    pub exponent: f64,
    /// Whether the exponent is applied to `1 - value` instead of `value`.
    pub inverted: bool,
}

impl Tone {
    pub(super) fn apply(&self, planes: &mut [f32], size: [usize; 2], noise: &mut RandomStream) {
        let area = size[0] * size[1];
        if let Some(std) = self.noise {
            noise.add_normals(std as f32, planes);
            clamp(planes);
        }
        for plane in planes.chunks_exact_mut(area.max(1)) {
            if let Some(sigma) = self.blur {
                gaussian(plane, size, sigma, EdgeMode::Reflect);
            }
            if let Some((factor, offset)) = self.brightness {
                linear(plane, factor as f32, offset as f32);
            }
            if let Some(factor) = self.contrast {
                let mean = plane.iter().map(|&v| f64::from(v)).sum::<f64>() / area as f64;
                linear(plane, factor as f32, ((1.0 - factor) * mean) as f32);
            }
            if let Some(factor) = self.low_resolution {
                let small = size.map(|n| ((n as f64 * factor).round() as usize).max(1));
                plane.copy_from_slice(&resize::plane(&resize::plane(plane, size, small), small, size));
            }
            // The filters' weights sum to 1 only up to rounding.
            clamp(plane);
            match self.gamma {
                Some(Gamma { exponent, inverted: false }) => {
                    plane.iter_mut().for_each(|v| *v = v.powf(exponent as f32));
                }
                Some(Gamma { exponent, inverted: true }) => {
                    plane.iter_mut().for_each(|v| *v = 1.0 - (1.0 - *v).powf(exponent as f32));
                }
                None => {}
            }
        }
    }
}

fn linear(values: &mut [f32], factor: f32, offset: f32) {
    values.iter_mut().for_each(|v| *v = (factor * *v + offset).clamp(0.0, 1.0));
}

fn clamp(values: &mut [f32]) {
    values.iter_mut().for_each(|v| *v = v.clamp(0.0, 1.0));
}

impl fmt::Display for Tone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let brightness = |(factor, offset): (f64, f64)| match (factor == 1.0, offset == 0.0) {
            (true, _) => format!("brightness {offset:+.2}"),
            (false, true) => format!("brightness x{factor:.2}"),
            (false, false) => format!("brightness x{factor:.2} {offset:+.2}"),
        };
        let gamma = |g: Gamma| format!("gamma {:.2}{}", g.exponent, if g.inverted { " inverted" } else { "" });
        let words = [
            self.noise.map(|std| format!("noise {std:.3}")),
            self.blur.map(|sigma| format!("blur {sigma:.1}")),
            self.brightness.map(brightness),
            self.contrast.map(|factor| format!("contrast x{factor:.2}")),
            self.low_resolution.map(|factor| format!("low resolution {factor:.2}")),
            self.gamma.map(gamma),
        ];
        f.write_str(&words.into_iter().flatten().collect::<Vec<_>>().join(", "))
    }
}
