//! What the images of a run were: `data.json` of its folder. Predictions are held against it.

use super::image_facts::ImageFacts;
use super::survey::CaseFacts;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Kinds and values of the images that were read before training began.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct DataProfile {
    /// Number of images that were read, evenly spread over the splits.
    pub images: usize,
    /// Number of channels of the files: 1, 3 or both.
    pub channels: BTreeSet<usize>,
    /// Sample types of the files, such as `8-bit`.
    pub samples: BTreeSet<String>,
    /// Least and largest stored value.
    pub values: [f64; 2],
    /// Least and largest height, in pixels.
    pub heights: [usize; 2],
    /// Least and largest width, in pixels.
    pub widths: [usize; 2],
}

impl DataProfile {
    /// Summarises the images of a survey; `None` if it has none.
    pub(crate) fn of(facts: &[CaseFacts]) -> Option<DataProfile> {
        let images: Vec<&ImageFacts> = facts.iter().filter_map(|f| f.image.as_ref()).collect();
        let sides = |axis: usize| -> Option<[usize; 2]> {
            let of_axis = || images.iter().map(|image| image.size[axis]);
            Some([of_axis().min()?, of_axis().max()?])
        };
        Some(DataProfile {
            images: images.len(),
            channels: images.iter().map(|image| image.channels).collect(),
            samples: images.iter().map(|image| image.samples.to_string()).collect(),
            values: [
                images.iter().map(|image| image.least).fold(f64::INFINITY, f64::min),
                images.iter().map(|image| image.most).fold(f64::NEG_INFINITY, f64::max),
            ],
            heights: sides(0)?,
            widths: sides(1)?,
        })
    }
}
