//! Names of classes: those of a `dataset.json` beside the images, and else names that stand for nothing.

use super::data_guess::DataGuess;
use crate::base::file;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Returns a name for each label, in the order of the classes, and whether a file says it.
pub(super) fn name_classes(labels: &[u32], images: &Path) -> (Vec<String>, bool, DataGuess) {
    if let Some((path, names)) = names_beside(images) {
        let named: Option<Vec<String>> = labels.iter().map(|label| names.get(label).cloned()).collect();
        if let Some(named) = named {
            return (
                named,
                true,
                DataGuess { key: "classes", why: format!("the names are those of {}", path.display()) },
            );
        }
    }
    let names = match labels.len() {
        2 => vec!["background".to_string(), "foreground".to_string()],
        n => (0..n).map(|i| if i == 0 { "background".into() } else { format!("class_{i}") }).collect(),
    };
    (
        names,
        false,
        DataGuess {
            key: "classes",
            why: "masks hold no names; write those of your classes, the background first".into(),
        },
    )
}

/// Reads the names of labels in the format of nnU-Net or of the Medical Segmentation Decathlon: `"labels": {"liver": 1}` or
/// `{"1": "liver"}`.
fn names_beside(images: &Path) -> Option<(PathBuf, BTreeMap<u32, String>)> {
    let places = images.ancestors().take(2).map(|folder| folder.join("dataset.json"));
    let path = places.into_iter().find(|path| path.is_file())?;
    let text = file::read_text(&path, file::SETTINGS_BYTES).ok()?;
    let json: Value = serde_json::from_str(&text).ok()?;
    let entry = |(key, value): (&String, &Value)| match (key.parse::<u32>(), value) {
        (Ok(label), Value::String(name)) => Some((label, name.clone())),
        (Err(_), Value::Number(label)) => Some((u32::try_from(label.as_u64()?).ok()?, key.clone())),
        (Err(_), Value::String(label)) => Some((label.parse().ok()?, key.clone())),
        _ => None,
    };
    let names: Option<BTreeMap<u32, String>> = json.get("labels")?.as_object()?.iter().map(entry).collect();
    Some((path, names.filter(|names| names.values().all(|name| !name.chars().any(char::is_control)))?))
}
