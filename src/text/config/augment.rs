//! The augmentations of `augment = [...]`: random changes of training images, drawn anew in each epoch.
//!
//! Plain data and its limits. `docs/augmentation.md` has the formulas of each kind, `data::augment` computes them.

use serde::{Deserialize, Serialize};

/// One kind of augmentation. A list contains each kind at most once, and its order has no effect (see
/// `docs/augmentation.md`). `p` is the probability that an image is changed in an epoch. Pairs are `[low, high]`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Augmentation {
    /// Mirrors the image, with one probability per axis.
    Flip {
        /// Probability of exchanging left and right.
        horizontal: f64,
        /// Probability of exchanging top and bottom.
        vertical: f64,
    },
    /// Rotates by 90, 180 or 270 degrees with equal probability. Only for square images.
    Rot90 {
        /// Probability that an image is rotated in an epoch.
        p: f64,
    },
    /// Rotates about the centre; positive angles are counter-clockwise.
    Rotate {
        /// Range of the angle in degrees, within -180 to 180.
        degrees: [f64; 2],
        /// Probability that an image is rotated in an epoch.
        p: f64,
    },
    /// Scales about the centre; factors above 1 enlarge the content.
    Scale {
        /// Range of the factor, within 0.1 to 10; its logarithm is uniform.
        factor: [f64; 2],
        /// Probability that an image is scaled in an epoch.
        p: f64,
    },
    /// Shifts down and to the right by fractions of height and width.
    Shift {
        /// Range of the shift as a fraction of height and width, within -1 to 1; each axis is drawn separately.
        limit: [f64; 2],
        /// Probability that an image is shifted in an epoch.
        p: f64,
    },
    /// Crops a rectangle with the aspect ratio of the image and enlarges it to the full size.
    Crop {
        /// Range of the area of the rectangle as a fraction of the image, within 0.01 to 1.
        area: [f64; 2],
        /// Probability that an image is cropped in an epoch.
        p: f64,
    },
    /// Elastic deformation (Simard, Steinkraus and Platt 2003). Pixels are those of the data block's size.
    Elastic {
        /// Range of the factor of the smoothed random field, in pixels, within 0 to 10,000.
        alpha: [f64; 2],
        /// Range of the standard deviation of the Gaussian that smooths the field, in pixels, within 1 to 100.
        sigma: [f64; 2],
        /// Probability that an image is deformed in an epoch.
        p: f64,
    },
    /// How spatial augmentations fill pixels from outside the image.
    Border {
        /// How the image is extended.
        rule: BorderMode,
        /// Value outside the image under [`BorderMode::Constant`], in 0..1 after the window.
        value: f64,
    },
    /// Adds Gaussian noise to values in 0..1.
    Noise {
        /// Range of the standard deviation of the noise, within 0 to 1.
        std: [f64; 2],
        /// Probability that an image gets noise in an epoch.
        p: f64,
    },
    /// Applies a Gaussian filter, in pixels of the data block's size.
    Blur {
        /// Range of the standard deviation of the filter, in pixels, within 0 to 20.
        sigma: [f64; 2],
        /// Probability that an image is blurred in an epoch.
        p: f64,
    },
    /// Multiplies by `factor`, then adds `offset`.
    Brightness {
        /// Range of the offset of values in 0..1, within -1 to 1.
        offset: [f64; 2],
        /// Range of the factor of values, within 0.1 to 10; its logarithm is uniform.
        factor: [f64; 2],
        /// Probability that an image's brightness changes in an epoch.
        p: f64,
    },
    /// Multiplies the distance of values from the mean of their channel by `factor`.
    Contrast {
        /// Range of the factor, within 0.1 to 10; its logarithm is uniform.
        factor: [f64; 2],
        /// Probability that an image's contrast changes in an epoch.
        p: f64,
    },
    /// Shrinks the image by `factor` and enlarges it again.
    LowResolution {
        /// Range of the remaining fraction of height and width, within 0.05 to 1; uniform.
        factor: [f64; 2],
        /// Probability that an image loses resolution in an epoch.
        p: f64,
    },
    /// Raises values to the power `gamma`; with probability `invert`, their distances from 1 instead.
    Gamma {
        /// Range of the exponent, within 0.1 to 10; its logarithm is uniform.
        gamma: [f64; 2],
        /// Probability that a changed image is inverted before the power and again after it: `1 - (1 - v)^gamma`.
        invert: f64,
        /// Probability that an image is changed in an epoch.
        p: f64,
    },
}

/// How an image that is rotated, shifted, shrunk or deformed is extended beyond its border.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BorderMode {
    /// The image and its mask are mirrored at the edge (d c b a | a b c d | d c b a).
    Reflect,
    /// A constant value, and background in the mask.
    Constant,
}

/// A key of an [`Augmentation`] that is out of range, and a description of the accepted values.
pub(super) type RefusedKey = (&'static str, &'static str);

impl Augmentation {
    /// Returns the name in model files.
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

    /// Checks that every value is within its limits. Settings files are not checked against the schema, so values are checked
    /// here.
    pub fn check(&self) -> Result<(), RefusedKey> {
        let probability = |key, p: f64| within(key, [p, p], [0.0, 1.0], "a probability between 0 and 1");
        match *self {
            Augmentation::Flip { horizontal, vertical } => {
                probability("horizontal", horizontal)?;
                probability("vertical", vertical)
            }
            Augmentation::Rot90 { p } => probability("p", p),
            Augmentation::Rotate { degrees, p } => {
                within("degrees", degrees, [-180.0, 180.0], "degrees between -180 and 180")?;
                probability("p", p)
            }
            Augmentation::Scale { factor, p } => {
                within("factor", factor, FACTOR, FACTOR_TEXT)?;
                probability("p", p)
            }
            Augmentation::Shift { limit, p } => {
                within("limit", limit, [-1.0, 1.0], "a share of height and width between 0 and 1")?;
                probability("p", p)
            }
            Augmentation::Crop { area, p } => {
                within("area", area, [0.01, 1.0], "a share of the area between 0.01 and 1")?;
                probability("p", p)
            }
            Augmentation::Elastic { alpha, sigma, p } => {
                within("alpha", alpha, [0.0, 10_000.0], "pixels between 0 and 10000")?;
                within("sigma", sigma, [1.0, 100.0], "pixels between 1 and 100")?;
                probability("p", p)
            }
            Augmentation::Border { value, .. } => {
                within("value", [value, value], [0.0, 1.0], "a value between 0 and 1")
            }
            Augmentation::Noise { std, p } => {
                within("std", std, [0.0, 1.0], "a standard deviation between 0 and 1, of values in 0..1")?;
                probability("p", p)
            }
            Augmentation::Blur { sigma, p } => {
                within("sigma", sigma, [0.0, 20.0], "pixels between 0 and 20")?;
                probability("p", p)
            }
            Augmentation::Brightness { offset, factor, p } => {
                within("offset", offset, [-1.0, 1.0], "a number between 0 and 1, or a pair between -1 and 1")?;
                within("factor", factor, FACTOR, FACTOR_TEXT)?;
                probability("p", p)
            }
            Augmentation::Contrast { factor, p } => {
                within("factor", factor, FACTOR, FACTOR_TEXT)?;
                probability("p", p)
            }
            Augmentation::LowResolution { factor, p } => {
                within("factor", factor, [0.05, 1.0], "factors between 0.05 and 1, such as [0.5, 1]")?;
                probability("p", p)
            }
            Augmentation::Gamma { gamma, invert, p } => {
                within("gamma", gamma, FACTOR, "exponents between 0.1 and 10, such as [0.7, 1.5]")?;
                probability("invert", invert)?;
                probability("p", p)
            }
        }
    }
}

const FACTOR: [f64; 2] = [0.1, 10.0];
const FACTOR_TEXT: &str = "factors between 0.1 and 10, such as [0.8, 1.25]";

/// Checks that a range lies within limits; NaN never does.
fn within(
    key: &'static str,
    [low, high]: [f64; 2],
    [least, most]: [f64; 2],
    expected: &'static str,
) -> Result<(), RefusedKey> {
    if least <= low && low <= high && high <= most { Ok(()) } else { Err((key, expected)) }
}

/// Returns the default augmentation of nnU-Net 2 for two dimensions (Isensee et al. 2021), as far as the kinds above can
/// express it; `docs/augmentation.md` lists the differences.
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
