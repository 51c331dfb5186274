//! The figures of a run, read from its files.

use crate::base::file;
use crate::base::number::{duration, thousands, with_prefix};
use crate::data::SplitRole;
use crate::learn::history::History;
use crate::learn::run_folder::RunFolder;
use crate::learn::trained_run::TrainedRun;
use crate::metric::{Evaluation, RunHint};
use crate::show::report::content::HeadlineFigure;
use crate::show::score_remarks::all_remarks;
use crate::study::cost::{Convention, count};
use serde::Deserialize;
use serde_json::Value;
use std::path::Path;

/// Reads a JSON file, or returns `None` where it cannot be read.
fn json(path: &Path) -> Option<Value> {
    serde_json::from_str(&file::read_text(path, file::TABLE_BYTES).ok()?).ok()
}

/// Reads `eval.json` as it is stored.
pub(super) fn stored_evaluation(run: TrainedRun<'_>, role: SplitRole) -> Option<Value> {
    json(&run.folder.evaluation(role))
}

/// Moves the entries of `eval.json` below `summary`, if there are any, to the top level.
pub(super) fn with_flat_summary(mut value: Value) -> Option<Value> {
    if let Some(Value::Object(summary)) = value.get_mut("summary").map(Value::take) {
        value.as_object_mut()?.extend(summary);
    }
    Some(value)
}

/// Returns the remarks on the scores of `eval.json`; none where it cannot be read in full, as that of an older npc.
pub(super) fn remarks(run: TrainedRun<'_>, stored: &Value) -> Vec<String> {
    let evaluation = Evaluation::deserialize(stored);
    let foreground = run.settings.data.classes.len().saturating_sub(1);
    evaluation.map_or_else(|_| Vec::new(), |e| all_remarks(&e, foreground))
}

/// Returns the hints on the epochs; none for a run that is not finished, or that an older npc trained.
pub(super) fn hints(run: TrainedRun<'_>) -> Vec<RunHint> {
    let summary = json(&run.folder.summary_file()).unwrap_or_default();
    Vec::deserialize(&summary["hints"]).unwrap_or_default()
}

/// Returns the split that each epoch was scored on.
pub(super) fn scored_on(run: TrainedRun<'_>) -> String {
    let summary = json(&run.folder.summary_file());
    summary.and_then(|s| s["scored_on"].as_str().map(str::to_string)).unwrap_or_else(|| "test".into())
}

/// Returns the number of images of a split.
fn images(folder: &RunFolder, role: SplitRole) -> usize {
    file::read_text(&folder.split(role), file::TABLE_BYTES).map_or(0, |text| text.lines().count())
}

/// Returns the subtitle: `NPNet on lungs at 128x128: 48 train, 12 test images; cpu, seed 0`.
pub(super) fn subtitle(run: TrainedRun<'_>) -> String {
    let settings = run.settings;
    let [h, w] = settings.data.size;
    let sizes = SplitRole::ALL.map(|role| (images(run.folder, role), role.name()));
    let sizes: Vec<_> =
        sizes.iter().filter(|(n, _)| *n > 0).map(|(n, name)| format!("{} {name}", thousands(*n))).collect();
    format!(
        "{} on {} at {h}x{w}: {} images; {}, seed {}",
        settings.train.model,
        settings.data.name,
        sizes.join(", "),
        settings.device,
        settings.train.seed
    )
}

/// Returns the figures at the top of the page.
pub(super) fn facts(
    run: TrainedRun<'_>,
    evaluation: Option<&Value>,
    role: SplitRole,
    history: &History,
) -> Vec<HeadlineFigure> {
    let summary = json(&run.folder.summary_file());
    let mut facts = Vec::new();
    for (key, label) in [("dice", "Dice"), ("iou", "IoU")] {
        if let Some(value) = evaluation.and_then(|e| e[key].as_f64()) {
            let interval = evaluation.map(|e| &e["intervals"]["mean"][key]);
            let ends = interval.and_then(|i| i["low"].as_f64().zip(i["high"].as_f64()));
            let mut note = ends.map_or_else(String::new, |(low, high)| format!("95 %: {low:.4} to {high:.4}"));
            if evaluation.is_some_and(|e| e["chosen_here"] == true) {
                let sep = if note.is_empty() { "" } else { "; " };
                note += &format!("{sep}optimistic, the weights were chosen on these images");
            }
            facts.push(HeadlineFigure::new(&format!("{label}, {}", role.name()), format!("{value:.4}"), note));
        } else if let Some(value) = summary.as_ref().and_then(|s| s[key].as_f64()) {
            let split = scored_on(run);
            facts.push(HeadlineFigure::new(&format!("{label}, {split}"), format!("{value:.4}"), "of the best epoch"));
        }
    }
    let report = count(run.checked, Convention::Conv);
    facts.push(HeadlineFigure::new("Parameters", with_prefix(report.params), thousands(report.params)));
    let [h, w] = run.settings.data.size;
    facts.push(HeadlineFigure::new("MACs", with_prefix(report.macs), format!("convolutions, one image of {h}x{w}")));
    let epochs = history.epochs().len();
    if let Some(best) = history.best("dice") {
        facts.push(HeadlineFigure::new(
            "Best epoch",
            best.to_string(),
            format!("of {epochs} done, {} planned", run.settings.train.epochs),
        ));
    }
    if let Some(seconds) = summary.as_ref().and_then(|s| s["seconds"].as_f64()) {
        let per_second = history.epochs().last().and_then(|e| e.get("images_per_second"));
        let note = per_second.map_or_else(String::new, |n| format!("{n:.1} images/s in the last epoch"));
        facts.push(HeadlineFigure::new("Time", duration(seconds), note));
    }
    facts
}
