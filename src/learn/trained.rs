//! A run that was trained, as it is scored, drawn and reported.

use super::folder::Folder;
use crate::graph::check::Checked;
use crate::text::config::settings::Settings;

/// A network, the settings it was trained with, and the folder that holds its weights and scores.
#[derive(Clone, Copy)]
pub struct Trained<'a> {
    pub checked: &'a Checked,
    pub settings: &'a Settings,
    pub folder: &'a Folder,
}
