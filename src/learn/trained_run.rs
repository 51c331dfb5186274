//! A trained run, for evaluation, figures and reports.

use super::run_folder::RunFolder;
use crate::graph::check::CheckedGraph;
use crate::text::config::settings::Settings;

/// A model, the settings of its training, and the folder with its weights and scores.
#[derive(Clone, Copy)]
pub struct TrainedRun<'a> {
    /// The checked model.
    pub checked: &'a CheckedGraph,
    /// The settings that it was trained with.
    pub settings: &'a Settings,
    /// The run folder with weights and scores.
    pub folder: &'a RunFolder,
}
