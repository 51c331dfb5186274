//! Predicts class probabilities of images, and class maps at the size of each image.
//!
//! Flips, tiles and resizing average softmax outputs. The predicted class is the one with the highest mean probability.

use super::sliding_window::SlidingWindow;
use crate::base::error::{Result, RunError};
use crate::base::problem::problem;
use crate::compute::network::Network;
use crate::data::{LoadedImage, load_full_image, load_scaled_image, resize};
use crate::learn::validate::{check_scores, host_values};
use crate::text::config::DataSpec;
use burn::tensor::{Tensor, TensorData, activation};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

/// Settings of a prediction.
#[derive(Debug, Clone)]
pub(crate) struct PredictionSettings<'a> {
    pub spec: &'a DataSpec,
    /// Number of input channels of the network.
    pub channels: usize,
    /// Sliding window at the file's resolution, instead of the whole image at the data block's size.
    pub window: Option<SlidingWindow>,
    /// Whether probabilities are averaged over the image and its three flips.
    pub flips: bool,
    /// Ends the prediction of an image between two batches of its tiles.
    pub stop: Option<&'a AtomicBool>,
}

/// Class probabilities of an image, `[k, height, width]`.
pub(crate) struct ProbabilityMaps {
    pub values: Vec<f32>,
    pub classes: usize,
    pub size: [usize; 2],
}

/// Returns the softmax of the first result, `[n, k, h, w]`. With `flips` it is the mean over the image and its three flips,
/// each flipped back.
pub fn probabilities(network: &Network, x: Tensor<4>, flips: bool) -> Result<Tensor<4>> {
    let whole = softmax_output(network, x.clone())?;
    if !flips {
        return Ok(whole);
    }
    let mirrored = [
        mirrored_probabilities(network, x.clone(), [3])?,
        mirrored_probabilities(network, x.clone(), [2])?,
        mirrored_probabilities(network, x, [2, 3])?,
    ];
    Ok(mirrored.into_iter().fold(whole, Tensor::add).div_scalar(4.0))
}

fn softmax_output(network: &Network, x: Tensor<4>) -> Result<Tensor<4>> {
    Ok(activation::softmax(network.compute(x)?.remove(0), 1))
}

/// Returns the probabilities of the flipped image, flipped back.
fn mirrored_probabilities<const N: usize>(network: &Network, x: Tensor<4>, axes: [usize; N]) -> Result<Tensor<4>> {
    Ok(softmax_output(network, x.flip(axes))?.flip(axes))
}

impl PredictionSettings<'_> {
    /// Checks whether the prediction was stopped.
    pub(crate) fn is_stopped(&self) -> bool {
        self.stop.is_some_and(|stop| stop.load(Ordering::Relaxed))
    }

    /// Reads one image at the size of the prediction; `drawn` says whether it is drawn later.
    pub(crate) fn load(&self, path: &Path, drawn: bool) -> Result<LoadedImage> {
        match self.window {
            None => load_scaled_image(self.spec, path, self.channels, drawn),
            Some(_) => load_full_image(self.spec, path, self.channels, drawn),
        }
    }

    /// Returns the probabilities of images read by [`PredictionSettings::load`], in their order. Without a sliding window all
    /// images go through the network in one batch.
    pub(crate) fn predict(&self, network: &Network, images: &[&LoadedImage]) -> Result<Vec<ProbabilityMaps>> {
        let classes = self.spec.classes.len();
        let forward = |values: Vec<f32>, n: usize, [h, w]: [usize; 2]| -> Result<Vec<f32>> {
            let data = TensorData::new(values, [n, self.channels, h, w]);
            host_values(probabilities(network, Tensor::from_data(data, network.device()), self.flips)?)
        };
        if let Some(window) = self.window {
            let mut tiles = |values: Vec<f32>, n: usize| match self.is_stopped() {
                true => Err(problem!(E0752, "the prediction was interrupted")),
                false => forward(values, n, window.tile),
            };
            let slide = |image: &&LoadedImage| {
                let values = window.slide(&image.input, self.channels, image.original, classes, &mut tiles)?;
                Ok(ProbabilityMaps { values, classes, size: image.original })
            };
            return images.iter().map(slide).collect();
        }
        let size = self.spec.size;
        let values: Vec<f32> = images.iter().flat_map(|image| image.input.iter().copied()).collect();
        let scores = forward(values, images.len(), size)?;
        let each = scores.chunks_exact(scores.len() / images.len().max(1));
        Ok(each.map(|values| ProbabilityMaps { values: values.to_vec(), classes, size }).collect())
    }
}

impl ProbabilityMaps {
    /// Returns the class of each pixel at another size: bilinear interpolation, then argmax. Errors: the network computed no
    /// numbers for `image`, a file or a name.
    pub(crate) fn classes_at(&self, size: [usize; 2], image: &Path) -> Result<Vec<u8>> {
        check_scores(&self.values).map_err(|error| RunError { path: Some(image.to_path_buf()), ..error })?;
        Ok(resize::argmax(&self.values, self.classes, self.size, size))
    }

    /// Returns the probabilities at another size, `[k, height, width]`, by bilinear interpolation.
    pub(crate) fn resized(&self, size: [usize; 2]) -> Vec<f32> {
        let planes = self.values.chunks_exact(self.size[0] * self.size[1]);
        planes.flat_map(|plane| resize::plane(plane, self.size, size)).collect()
    }
}
