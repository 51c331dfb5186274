//! The settings of a run, and the commands that repeat it.

use crate::base::shell::quoted;
use crate::learn::trained_run::TrainedRun;
use crate::show::report::value_text::value_text;
use serde_json::Value;
use std::path::Path;

/// Returns the settings of model, training, data and machine with all defaults filled in.
pub(super) fn settings(run: TrainedRun<'_>) -> Vec<(String, Vec<(String, String)>)> {
    let graph = run.checked.graph();
    let settings = run.settings;
    let mut model = vec![("model".to_string(), settings.train.model.clone())];
    model.extend(graph.settings.iter().map(|s| (s.name.clone(), s.value.clone())));
    let fields = |value: Result<Value, serde_json::Error>, without: &[&str]| -> Vec<(String, String)> {
        let Ok(Value::Object(fields)) = value else { return Vec::new() };
        let kept = fields.into_iter().filter(|(name, _)| !without.contains(&name.as_str()));
        kept.map(|(name, value)| (name.replace('_', " "), value_text(&value))).collect()
    };
    let mut machine =
        vec![("device".to_string(), settings.device.clone()), ("data root".into(), settings.data_root.clone())];
    machine.extend(settings.versions.iter().map(|(name, version)| (name.clone(), version.clone())));
    vec![
        ("Model".into(), model),
        ("Training".into(), fields(serde_json::to_value(&settings.train), &["model", "args"])),
        ("Data".into(), fields(serde_json::to_value(&settings.data), &[])),
        ("Machine and versions".into(), machine),
    ]
}

/// Returns the commands that repeat the run, score it, write its page, and predict masks of other images.
pub(super) fn commands(root: &Path) -> String {
    let run = quoted(&root.display().to_string());
    let settings = quoted(&root.join("settings.yaml").display().to_string());
    format!(
        "# the same run again, its scores and its page; on the CPU the same bits\n\
         npc train {settings} --out runs/again\n\
         npc eval runs/again\n\
         npc report runs/again\n\n\
         # masks for other images\n\
         npc predict {run} FOLDER --out masks --overlay\n"
    )
}
