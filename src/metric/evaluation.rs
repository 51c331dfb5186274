//! `eval.json`: what an evaluation found, and what it was an evaluation of.

use super::{Calibration, Intervals, Summary};
use crate::base::error::{Result, RunError};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// Scores of a run on one split, as `eval.json` holds them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// Name of the train block.
    pub run: String,
    /// `train`, `val` or `test`.
    pub split: String,
    /// The weights; within the run folder where they lie in it.
    pub checkpoint: String,
    /// Whether probabilities were averaged over the image and its three flips.
    pub flips: bool,
    /// Whether the weights are those of the epoch that scored best on these images: then the scores are optimistic.
    #[serde(default)]
    pub chosen_here: bool,
    /// Height and width in pixels that scores were computed at.
    pub size: [usize; 2],
    /// Means over the images.
    #[serde(flatten)]
    pub summary: Summary,
    /// 95 % bootstrap intervals of the scores; `None` for fewer than two images, or groups of images.
    pub intervals: Option<Intervals>,
    /// How far the network's confidence is from its accuracy.
    pub calibration: Calibration,
}

impl Evaluation {
    /// Reads `eval.json`. Errors: the file cannot be read, or an older npc wrote it in another form.
    pub fn read(path: &Path) -> Result<Evaluation> {
        let text = std::fs::read_to_string(path).map_err(|e| RunError::read(path, e))?;
        serde_json::from_str(&text).map_err(|e| {
            RunError::at(path, format!("not what `npc eval` writes now: {e}")).help("evaluate again: `npc eval RUN`")
        })
    }
}
