//! A run that was trained, as it is scored, drawn and reported.

use super::run_folder::RunFolder;
use crate::graph::check::CheckedGraph;
use crate::text::config::settings::Settings;

/// A network, the settings it was trained with, and the folder that holds its weights and scores.
#[derive(Clone, Copy)]
pub struct TrainedRun<'a> {
    /// The checked model.
    pub checked: &'a CheckedGraph,
    /// The settings that it was trained with.
    pub settings: &'a Settings,
    /// The run folder with weights and scores.
    pub folder: &'a RunFolder,
}
