//! What a training is asked to do.

use crate::graph::check::CheckedGraph;
use crate::learn::non_finite::NodeLocations;
use crate::learn::run_folder::RunFolder;
use crate::text::config::settings::Settings;
use std::sync::atomic::AtomicBool;

/// A training run: model, settings and run folder.
pub struct TrainingJob<'a> {
    /// The checked model.
    pub checked: &'a CheckedGraph,
    /// Every setting of the run.
    pub settings: &'a Settings,
    /// The exact text of the model file.
    pub source: &'a str,
    /// Files that the model file imports: paths relative to it, and texts.
    pub imports: &'a [(String, String)],
    /// The run folder that is written to.
    pub folder: &'a RunFolder,
    /// What happens to a run that the folder holds.
    pub existing: ExistingRun,
    /// Source location of each node, for messages.
    pub places: &'a NodeLocations,
    /// Whether to start even if the machine has less free memory than the estimate for the run.
    pub ignore_memory: bool,
    /// Set by the caller to end the run after the current step. The run can be resumed.
    pub stop: &'a AtomicBool,
}

/// What happens to a run that the folder of a new one holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ExistingRun {
    /// It is an error.
    #[default]
    Refuse,
    /// It goes on from its last checkpoint. Without a run in the folder this is an error.
    Resume,
    /// It is removed once the new one has its first checkpoint. A folder with other files and no run is an error.
    Replace,
}
