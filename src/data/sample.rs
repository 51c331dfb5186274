//! One image with its classes: normalised for batches, as cached, and for display.

use super::notice::FileNotice;
use super::{augment, intensity};
use crate::base::error::Result;
use crate::text::config::DataSpec;
use std::path::PathBuf;

/// One image and its classes at the size of the data block.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// Channels x height x width, scaled and normalised.
    pub image: Vec<f32>,
    /// Height x width, class indices.
    pub mask: Vec<u8>,
    /// Height and width of the image file.
    pub original: [usize; 2],
    pub warnings: Vec<FileNotice>,
}

/// A sample without augmentation, and augmented by each plan.
pub struct SampleVersions {
    /// The unchanged sample first.
    pub pictures: Vec<DisplaySample>,
    pub warnings: Vec<FileNotice>,
}

/// A sample for display.
pub struct DisplaySample {
    /// One plane or three, each height x width, in 0..1.
    pub planes: Vec<f32>,
    /// Height x width, class indices.
    pub mask: Vec<u8>,
}

impl DisplaySample {
    /// Returns 8-bit RGB, height x width x 3.
    pub fn rgb(&self, size: [usize; 2]) -> Vec<u8> {
        let area = size[0] * size[1];
        let byte = |v: f32| (v.clamp(0.0, 1.0) * 255.0).round() as u8;
        let plane = |c: usize| if self.planes.len() == 3 * area { c * area } else { 0 };
        (0..area).flat_map(|i| [0, 1, 2].map(|c| byte(self.planes[plane(c) + i]))).collect()
    }
}

/// A sample as it is cached; [`intensity`] describes the 16-bit values.
pub(super) struct CachedSample {
    pub(super) image: Vec<u16>,
    pub(super) mask: Vec<u8>,
    pub(super) original: [usize; 2],
    /// Path of the image and its sample type, if its values are scaled by the range of the type.
    pub(super) unscaled: Option<(&'static str, PathBuf)>,
    pub(super) warnings: Vec<FileNotice>,
}

impl CachedSample {
    pub(super) fn bytes(&self) -> usize {
        size_of::<Self>() + 2 * self.image.len() + self.mask.len()
    }

    pub(super) fn normalise(&self, spec: &DataSpec, channels: usize, output: &mut [f32]) -> Result<()> {
        intensity::normalise(&self.image, intensity::unit, spec, channels, output)
    }

    pub(super) fn units(&self) -> Vec<f32> {
        self.image.iter().map(|&v| intensity::unit(v)).collect()
    }

    /// Returns planes of values in 0..1 and the mask, augmented by a plan.
    pub(super) fn changed(&self, plan: &augment::AugmentPlan) -> (Vec<f32>, Vec<u8>) {
        let mut planes = self.units();
        let mut mask = self.mask.clone();
        plan.apply(&mut planes, &mut mask);
        (planes, mask)
    }
}
