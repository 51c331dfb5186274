//! What `augment = [...]` says: how training images are changed from epoch to epoch.
//!
//! Plain data with its limits. What each kind does, in formulas, is in `docs/augmentation.md`; `run::data::augment` does it.

use serde::{Deserialize, Serialize};

/// One kind of change. A list holds each kind at most once; the order of the list does not matter, see
/// `docs/augmentation.md`. `p` is the probability that an image is changed so in an epoch. Pairs are `[low, high]`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Augmentation {
    /// Probabilities of a mirrored left and right, and of a mirrored top and bottom.
    Flip {
        /// Probability that left and right are exchanged.
        horizontal: f64,
        /// Probability that top and bottom are exchanged.
        vertical: f64,
    },
    /// A turn by 90, 180 or 270 degrees, each as likely. For square images.
    Rot90 {
        /// Probability that an image is turned in an epoch.
        p: f64,
    },
    /// About the centre; positive is counter-clockwise.
    Rotate {
        /// Range of the angle in degrees, within -180 to 180.
        degrees: [f64; 2],
        /// Probability that an image is rotated in an epoch.
        p: f64,
    },
    /// About the centre; above 1 enlarges what is seen.
    Scale {
        /// Range of the factor, within 0.1 to 10; its logarithm is uniform.
        factor: [f64; 2],
        /// Probability that an image is scaled in an epoch.
        p: f64,
    },
    /// Down and to the right, each as a share of height and width.
    Shift {
        /// Range of the shift as a share of height and of width, within -1 to 1; the two axes are drawn apart.
        limit: [f64; 2],
        /// Probability that an image is shifted in an epoch.
        p: f64,
    },
    /// A rectangle of the image's proportions with this share of its area, enlarged to the whole.
    Crop {
        /// Range of the rectangle's share of the image's area, within 0.01 to 1.
        area: [f64; 2],
        /// Probability that an image is cropped in an epoch.
        p: f64,
    },
    /// Simard, Steinkraus and Platt 2003. Pixels of the data block's size.
    Elastic {
        /// Range of the factor of the smoothed random field, in pixels, within 0 to 10,000.
        alpha: [f64; 2],
        /// Range of the standard deviation of the Gaussian that smooths the field, in pixels, within 1 to 100.
        sigma: [f64; 2],
        /// Probability that an image is deformed in an epoch.
        p: f64,
    },
    /// What happens to pixels that spatial changes bring in from outside.
    Border {
        /// How the image goes on outside.
        rule: BorderMode,
        /// Value outside the image under [`BorderMode::Constant`], in 0..1 as the window scales it.
        value: f64,
    },
    /// Gaussian, per value of the 0..1 range.
    Noise {
        /// Range of the standard deviation of the noise, within 0 to 1.
        std: [f64; 2],
        /// Probability that an image gets noise in an epoch.
        p: f64,
    },
    /// Gaussian, in pixels of the data block's size.
    Blur {
        /// Range of the standard deviation of the filter, in pixels, within 0 to 20.
        sigma: [f64; 2],
        /// Probability that an image is blurred in an epoch.
        p: f64,
    },
    /// Times `factor`, then plus `offset`.
    Brightness {
        /// Range of what is added to values in 0..1, within -1 to 1.
        offset: [f64; 2],
        /// Range of what values are multiplied by, within 0.1 to 10; its logarithm is uniform.
        factor: [f64; 2],
        /// Probability that an image's brightness changes in an epoch.
        p: f64,
    },
    /// Distances from each channel's mean times `factor`.
    Contrast {
        /// Range of the factor, within 0.1 to 10; its logarithm is uniform.
        factor: [f64; 2],
        /// Probability that an image's contrast changes in an epoch.
        p: f64,
    },
    /// Shrunk by `factor` and enlarged again.
    LowResolution {
        /// Range of the share of height and of width that is left, within 0.05 to 1; uniform.
        factor: [f64; 2],
        /// Probability that an image loses resolution in an epoch.
        p: f64,
    },
    /// Values to the power of `gamma`; with probability `invert` their distances from 1 instead.
    Gamma {
        /// Range of the exponent, within 0.1 to 10; its logarithm is uniform.
        gamma: [f64; 2],
        /// Probability that a changed image is inverted before the power and back after it: `1 - (1 - v)^gamma`.
        invert: f64,
        /// Probability that an image gets an exponent in an epoch.
        p: f64,
    },
}

/// What lies outside an image that is rotated, shifted, shrunk or deformed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BorderMode {
    /// The image goes on mirrored at its edge (d c b a | a b c d | d c b a), its mask with it.
    Reflect,
    /// One value outside, and background in the mask.
    Constant,
}

/// A key of an [`Augmentation`], and what it takes.
pub(super) type RefusedKey = (&'static str, &'static str);

impl Augmentation {
    /// As it is written in a model file.
    pub fn name(&self) -> &'static str {
        match self {
            Augmentation::Flip { .. } => "flip",
            Augmentation::Rot90 { .. } => "rot90",
            Augmentation::Rotate { .. } => "rotate",
            Augmentation::Scale { .. } => "scale",
            Augmentation::Shift { .. } => "shift",
            Augmentation::Crop { .. } => "crop",
            Augmentation::Elastic { .. } => "elastic",
            Augmentation::Border { .. } => "border",
            Augmentation::Noise { .. } => "noise",
            Augmentation::Blur { .. } => "blur",
            Augmentation::Brightness { .. } => "brightness",
            Augmentation::Contrast { .. } => "contrast",
            Augmentation::LowResolution { .. } => "low_resolution",
            Augmentation::Gamma { .. } => "gamma",
        }
    }

    /// Whether every value lies within its limits; settings files come past no schema.
    pub fn check(&self) -> Result<(), RefusedKey> {
        let chance = |key, p: f64| within(key, [p, p], [0.0, 1.0], "a probability between 0 and 1");
        match *self {
            Augmentation::Flip { horizontal, vertical } => {
                chance("horizontal", horizontal)?;
                chance("vertical", vertical)
            }
            Augmentation::Rot90 { p } => chance("p", p),
            Augmentation::Rotate { degrees, p } => {
                within("degrees", degrees, [-180.0, 180.0], "degrees between -180 and 180")?;
                chance("p", p)
            }
            Augmentation::Scale { factor, p } => {
                within("factor", factor, FACTOR, FACTORS)?;
                chance("p", p)
            }
            Augmentation::Shift { limit, p } => {
                within("limit", limit, [-1.0, 1.0], "a share of height and width between 0 and 1")?;
                chance("p", p)
            }
            Augmentation::Crop { area, p } => {
                within("area", area, [0.01, 1.0], "a share of the area between 0.01 and 1")?;
                chance("p", p)
            }
            Augmentation::Elastic { alpha, sigma, p } => {
                within("alpha", alpha, [0.0, 10_000.0], "pixels between 0 and 10000")?;
                within("sigma", sigma, [1.0, 100.0], "pixels between 1 and 100")?;
                chance("p", p)
            }
            Augmentation::Border { value, .. } => {
                within("value", [value, value], [0.0, 1.0], "a value between 0 and 1")
            }
            Augmentation::Noise { std, p } => {
                within("std", std, [0.0, 1.0], "a standard deviation between 0 and 1, of values in 0..1")?;
                chance("p", p)
            }
            Augmentation::Blur { sigma, p } => {
                within("sigma", sigma, [0.0, 20.0], "pixels between 0 and 20")?;
                chance("p", p)
            }
            Augmentation::Brightness { offset, factor, p } => {
                within("offset", offset, [-1.0, 1.0], "a number between 0 and 1, or a pair between -1 and 1")?;
                within("factor", factor, FACTOR, FACTORS)?;
                chance("p", p)
            }
            Augmentation::Contrast { factor, p } => {
                within("factor", factor, FACTOR, FACTORS)?;
                chance("p", p)
            }
            Augmentation::LowResolution { factor, p } => {
                within("factor", factor, [0.05, 1.0], "factors between 0.05 and 1, such as [0.5, 1]")?;
                chance("p", p)
            }
            Augmentation::Gamma { gamma, invert, p } => {
                within("gamma", gamma, FACTOR, "exponents between 0.1 and 10, such as [0.7, 1.5]")?;
                chance("invert", invert)?;
                chance("p", p)
            }
        }
    }
}

const FACTOR: [f64; 2] = [0.1, 10.0];
const FACTORS: &str = "factors between 0.1 and 10, such as [0.8, 1.25]";

/// NaN lies within nothing.
fn within(
    key: &'static str,
    [low, high]: [f64; 2],
    [least, most]: [f64; 2],
    wanted: &'static str,
) -> Result<(), RefusedKey> {
    if least <= low && low <= high && high <= most { Ok(()) } else { Err((key, wanted)) }
}

/// The default data augmentation of nnU-Net 2 for two dimensions (Isensee et al. 2021), as far as it can be said in the
/// terms above; `docs/augmentation.md` lists the differences.
pub fn nnunet_like() -> Vec<Augmentation> {
    vec![
        Augmentation::Flip { horizontal: 0.5, vertical: 0.5 },
        Augmentation::Rotate { degrees: [-180.0, 180.0], p: 0.2 },
        Augmentation::Scale { factor: [0.7, 1.4], p: 0.2 },
        Augmentation::Noise { std: [0.0, 0.06], p: 0.1 },
        Augmentation::Blur { sigma: [0.5, 1.0], p: 0.2 },
        Augmentation::Brightness { offset: [0.0, 0.0], factor: [0.75, 1.25], p: 0.15 },
        Augmentation::Contrast { factor: [0.75, 1.25], p: 0.15 },
        Augmentation::LowResolution { factor: [0.5, 1.0], p: 0.25 },
        Augmentation::Gamma { gamma: [0.7, 1.5], invert: 0.25, p: 0.4 },
    ]
}
