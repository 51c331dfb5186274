//! `eval.json`: the scores of an evaluation, with its run, split and checkpoint.

use super::{Calibration, CaseScore, ConfusionMatrix, Intervals, PrecisionRecallCurve, Summary};
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
    /// Whether the run keeps a best checkpoint but has none, so that the last one was evaluated instead.
    #[serde(default)]
    pub without_best: bool,
    /// Number of steps of the optimiser after which the checkpoint was written, if it says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<u64>,
    /// Digest of the checkpoint file. `None` in files of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weights: Option<String>,
    /// Warnings that settings or files are not those of the training of the weights.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub origin_warnings: Vec<String>,
    /// Height and width in pixels at which scores were computed.
    pub size: [usize; 2],
    /// Means over the images.
    #[serde(flatten)]
    pub summary: Summary,
    /// 95 % bootstrap intervals of the scores; `None` for fewer than three images, or groups of images.
    pub intervals: Option<Intervals>,
    /// Calibration of the network's confidence.
    pub calibration: Calibration,
    /// Pixels by true and predicted class. `None` in files of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confusion: Option<ConfusionMatrix>,
    /// Precision and recall of each foreground class. Empty in files of earlier versions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub precision_recall: Vec<PrecisionRecallCurve>,
    /// Warnings about the files of the split, one for each topic.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub file_warnings: Vec<String>,
    /// Scores of whole volumes; `None` if no image is a slice of a volume.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub volumes: Option<VolumeEvaluation>,
}

/// Scores of whole volumes, on the grid of each file and in millimetres.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct VolumeEvaluation {
    /// Number of slices of all volumes.
    pub slices: usize,
    /// Number of these slices that are no images of the evaluation, and were predicted to complete their volumes.
    pub added_slices: usize,
    /// Volumes without a score, because some of their slices are in other parts of the split.
    pub left_out: Vec<String>,
    /// Means over the volumes.
    #[serde(flatten)]
    pub summary: Summary,
    /// 95 % bootstrap intervals of the scores; `None` for fewer than three volumes, or groups of volumes.
    pub intervals: Option<Intervals>,
    /// Voxels by true and predicted class. `None` in files of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confusion: Option<ConfusionMatrix>,
    /// Scores of each volume, which `volumes.csv` holds.
    #[serde(skip)]
    pub cases: Vec<CaseScore>,
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
