//! Settings of a run, for run folders that tests write without training.

/// `settings.yaml` of 3 epochs of a model `Net` on files that do not exist, as an earlier npc wrote it: fields that were added since
/// then have defaults.
pub const SETTINGS: &str = include_str!("run_settings.yaml");
