//! `eval.json`: the scores of an evaluation, with its run, split and checkpoint.

use super::{Calibration, Intervals, Summary};
use crate::base::error::{Result, RunError};
use crate::base::file;
use crate::base::problem::problem;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// Scores of a run on one split, as `eval.json` holds them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// Name of the train block.
    pub run: String,
    /// `train`, `val` or `test`.
    pub split: String,
    /// Path of the checkpoint, relative to the run folder if it lies in it.
    pub checkpoint: String,
    /// Whether probabilities were averaged over the image and its three flips.
    pub flips: bool,
    /// Whether the checkpoint was selected by its score on these images, which makes the scores optimistic.
    #[serde(default)]
    pub chosen_here: bool,
    /// Height and width in pixels at which scores were computed.
    pub size: [usize; 2],
    /// Means over the images.
    #[serde(flatten)]
    pub summary: Summary,
    /// 95 % bootstrap intervals of the scores; `None` for fewer than two images, or groups of images.
    pub intervals: Option<Intervals>,
    /// Calibration of the network's confidence.
    pub calibration: Calibration,
    /// Warnings about the files of the split, one for each topic.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub file_warnings: Vec<String>,
}

impl Evaluation {
    /// Reads `eval.json`. Errors: the file cannot be read, or an older npc wrote it in another format.
    pub fn read(path: &Path) -> Result<Evaluation> {
        let text = file::read_text(path, file::TABLE_BYTES).map_err(|e| RunError::read(path, e))?;
        serde_json::from_str(&text).map_err(|e| {
            problem!(E0721, path, "this version of npc cannot read the file: {e}"; help: "evaluate the run again with `npc eval RUN`")
        })
    }
}
