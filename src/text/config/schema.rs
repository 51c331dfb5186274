//! The schema of `data` and `train` blocks: keys, types, defaults and checks.
//!
//! `--set key=value` on the command line is read by the same functions as the entries of the file. An override is read on
//! top of a complete spec, so a spec from a settings file can be changed in the same way.

mod augment;
mod data;
mod loss;
mod mask_labels;
mod optimizer;
mod reader;
mod schedule;
mod split;
mod train;
mod value;

pub use data::{data_spec, override_data};
pub use loss::loss_problem;
pub use train::{freeze_paths, override_train, train_spec};

/// Returns npc's name of a setting of a `train` block.
pub fn train_key(key: &str) -> Option<&str> {
    let key = reader::known_alias(key).unwrap_or(key);
    train::KEYS.contains(&key).then_some(key)
}

/// Returns npc's name of a setting that a `data` block has and a `train` block has not.
pub fn data_key(key: &str) -> Option<&str> {
    let key = reader::known_alias(key).unwrap_or(key);
    (data::KEYS.contains(&key) && !train::KEYS.contains(&key)).then_some(key)
}
