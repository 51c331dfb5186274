//! Commands that read images and scores and train nothing.

mod check;
mod compare;
#[cfg(unix)]
mod damaged_data;
mod foreign_files;
#[cfg(unix)]
mod hostile_files;
mod run_list;
mod setting_changes;
mod show;
mod training_needs;
