//! The run folder: names of its files, and how they are written.
//!
//! | file | what it holds |
//! |---|---|
//! | `model.model` | the exact model source; imported files are in the same folder |
//! | `settings.yaml` | resolved settings |
//! | `train.txt`, `val.txt`, `test.txt` | the split, one stem per line |
//! | `groups.csv` | stem, group and split, if cases have groups |
//! | `metrics.jsonl` | one line per epoch |
//! | `best_dice.safetensors` | the weights of the best epoch |
//! | `last.safetensors` | the last checkpoint, with the state of the optimiser, from which `--resume` goes on |
//! | `summary.json` | the best epoch and its scores |
//! | `cases.csv`, `eval.json` | scores on the test images; `cases_val.csv`, `eval_val.json` on the validation images, and so on |
//! | `volumes.csv` | scores of whole volumes, where the test images are slices |
//! | `data.json` | what the images of training are: channels, sample types, values and sizes of those that were read before |
//! | `init.json` | for each tensor, whether it was loaded from the file of initial weights |
//!
//! Invariant: every file is written to a temporary file and renamed, so a reader sees the old or the new file, complete.

use super::run_files::{MOVING, REPLACED, is_being_replaced, is_own_name};
use crate::base::atomic::{remove_leftovers, write_atomic};
use crate::base::error::{Result, RunError};
use crate::base::file;
use crate::base::path::{folder_of, leads_out};
use crate::base::problem::problem;
use crate::data::SplitRole;
use crate::metric::{MetricScores, RunHint};
use crate::text::config::Metric;
use crate::text::config::settings::{self, Settings};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// A run folder, which need not exist yet. Its methods return the path of each file, and read and write the files.
#[derive(Debug, Clone)]
pub struct RunFolder {
    root: PathBuf,
}

/// One line of `metrics.jsonl`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EpochRecord {
    /// Counted from 1.
    pub epoch: usize,
    /// Mean training loss over the images of the epoch.
    pub loss: f64,
    /// Mean Dice over images and foreground classes, 0 to 1, on the validation split, or on the test split if there is none.
    pub dice: f64,
    /// Mean IoU of the same images, 0 to 1.
    pub iou: f64,
    /// Every metric of the epoch, as mean over the foreground classes.
    #[serde(default)]
    pub scores: MetricScores,
    /// Learning rate of the epoch's last step.
    #[serde(default)]
    pub lr: f64,
    /// Norm of the gradient before clipping, mean over the steps of the epoch.
    #[serde(default)]
    pub gradient_norm: f64,
    /// Wall-clock seconds of training, without evaluation.
    pub seconds: f64,
    /// Training images per second of `seconds`.
    pub images_per_second: f64,
    /// Seconds, since the epoch was last resumed, that training waited for images.
    #[serde(default)]
    pub waited_seconds: f64,
    /// Whether no prediction had a pixel of a foreground class. Such an epoch is never the best.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub found_nothing: bool,
    /// Whether nearly every pixel of the predictions is of a foreground class, and the masks are not so.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub only_foreground: bool,
    /// Whether no mask that the epoch was trained on has a pixel of a foreground class.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub trained_without_foreground: bool,
    /// Whether no mask that the epoch was scored on has a pixel of a foreground class.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub scored_without_foreground: bool,
}

/// `summary.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunSummary {
    /// Mean Dice over images and foreground classes at the best epoch, 0 to 1.
    pub dice: f64,
    /// Mean IoU at the best epoch, 0 to 1.
    pub iou: f64,
    /// The best epoch by Dice, which these scores belong to. 0 if no epoch scored above 0, or none predicted any foreground.
    pub epoch: usize,
    /// Wall-clock seconds of all epochs, evaluation included.
    pub seconds: f64,
    /// Number of training images.
    pub n_train: usize,
    /// Number of images of the split that was scored.
    pub n_test: usize,
    /// The split that was scored: `val` or `test`.
    pub scored_on: String,
    /// Number of finished epochs.
    #[serde(default)]
    pub epochs: usize,
    /// Whether the run ended before its last epoch because the scores had not improved for `patience` epochs.
    #[serde(default)]
    pub stopped_early: bool,
    /// Whether the scores have not improved for `patience` epochs, also at the last of the epochs. Such a run trains no more.
    #[serde(default)]
    pub out_of_patience: bool,
    /// Number of epochs in which no prediction had a pixel of a foreground class.
    #[serde(default)]
    pub epochs_without_foreground: usize,
    /// What the epochs show of a run that went wrong; empty before the run is finished.
    #[serde(default)]
    pub hints: Vec<RunHint>,
}

impl RunFolder {
    /// The run folder at this path. Nothing is read or created.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// The path of the folder itself.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// `model.model`: the exact model source.
    pub fn model(&self) -> PathBuf {
        self.root.join("model.model")
    }

    /// `settings.yaml`: the resolved settings.
    pub fn settings(&self) -> PathBuf {
        self.root.join("settings.yaml")
    }

    /// `data.json`: what the images of training are.
    pub fn data_profile(&self) -> PathBuf {
        self.root.join("data.json")
    }

    /// `last.safetensors`: the latest checkpoint, with the state of the optimiser.
    pub fn last(&self) -> PathBuf {
        self.root.join("last.safetensors")
    }

    /// `best_METRIC.safetensors`: the weights of the epoch that scored best by this metric.
    pub fn best(&self, metric: Metric) -> PathBuf {
        self.root.join(format!("best_{}.safetensors", metric.name()))
    }

    /// The list of the stems of one role.
    pub fn split(&self, role: SplitRole) -> PathBuf {
        self.root.join(match role {
            SplitRole::Train => "train.txt",
            SplitRole::Val => "val.txt",
            SplitRole::Test => "test.txt",
        })
    }

    /// The scores of each image of one role.
    pub fn cases(&self, role: SplitRole) -> PathBuf {
        self.role_file("cases", role, "csv")
    }

    /// The scores of each volume of one role, where the images are slices of volumes.
    pub fn volumes(&self, role: SplitRole) -> PathBuf {
        self.role_file("volumes", role, "csv")
    }

    /// All other results of an evaluation of one role.
    pub fn evaluation(&self, role: SplitRole) -> PathBuf {
        self.role_file("eval", role, "json")
    }

    /// A file with results of one role; results of the test have the plain name.
    fn role_file(&self, name: &str, role: SplitRole, extension: &str) -> PathBuf {
        self.root.join(match role {
            SplitRole::Test => format!("{name}.{extension}"),
            SplitRole::Train | SplitRole::Val => format!("{name}_{}.{extension}", role.name()),
        })
    }

    /// Reads `summary.json`; `None` where it is missing or unreadable.
    pub(crate) fn summary(&self) -> Option<RunSummary> {
        let text = file::read_text(&self.summary_file(), file::TABLE_BYTES).ok()?;
        serde_json::from_str(&text).ok()
    }

    /// `summary.json`: the best epoch and its scores.
    pub(crate) fn summary_file(&self) -> PathBuf {
        self.root.join("summary.json")
    }

    /// `metrics.jsonl`: one line per epoch.
    pub(crate) fn metrics_file(&self) -> PathBuf {
        self.root.join("metrics.jsonl")
    }

    /// Finds the checkpoint for evaluation and prediction: the best by Dice, else by IoU or the next metric that has one, else the
    /// last.
    pub fn checkpoint(&self) -> Result<PathBuf> {
        let mut kept = Metric::ALL.into_iter().map(|metric| self.best(metric)).chain([self.last()]);
        kept.find(|p| p.exists()).ok_or_else(|| {
            problem!(E0721, &self.root, "no checkpoint in this run folder"; help: "`npc train` writes one after each epoch")
        })
    }

    /// Returns whether the folder holds a run, finished or not, whole or damaged.
    pub(crate) fn holds_run(&self) -> bool {
        self.has_own_settings() || self.metrics_file().exists() || self.last().exists()
    }

    /// Returns whether `settings.yaml` is that of a run, rather than a file of another program.
    pub(super) fn has_own_settings(&self) -> bool {
        let text = file::read_text(&self.settings(), file::SETTINGS_BYTES);
        text.is_ok_and(|text| settings::from_yaml(&text).is_ok())
    }

    /// Returns the files and folders of the folder that npc writes for a run.
    pub(crate) fn own_files(&self) -> Result<Vec<PathBuf>> {
        let entries = std::fs::read_dir(&self.root).map_err(|e| RunError::read(&self.root, e))?;
        let own = entries.flatten().filter(|entry| entry.file_name().to_str().is_some_and(is_own_name));
        Ok(own.map(|entry| entry.path()).collect())
    }

    /// Checks that the folder holds a run.
    pub fn check_is_run(&self) -> Result<()> {
        if self.waits_for_its_run() {
            return Err(problem!(E0721, &self.root,
                "the run of this folder is being replaced, or a command that replaced it was killed before the new run began; \
                 the old run is whole, in {}", inner_of(&self.root);
                help: "`npc train {} --resume` puts the old run back, and continues it if epochs are left", self.root.display()));
        }
        if !self.settings().exists() {
            return Err(problem!(E0721, &self.root, "not a run folder: it has no settings.yaml";
                help: "give a folder that `npc train` wrote, for example runs/npnet_lung"));
        }
        Ok(())
    }

    /// Returns whether the run of the folder lies in an inner folder, since a new one is to replace it and has no checkpoint yet.
    pub(crate) fn waits_for_its_run(&self) -> bool {
        is_being_replaced(&self.root) && !self.last().exists()
    }

    /// Checks that a run was started in the folder.
    pub fn check_started(&self) -> Result<()> {
        if !self.settings().exists() {
            return Err(
                problem!(E0721, &self.root, "no run to resume in this folder"; help: "start it without `--resume`"),
            );
        }
        Ok(())
    }

    /// Prepares to resume: removes temporary files of a killed process.
    pub fn reopen(&self) -> Result<()> {
        self.check_started()?;
        remove_leftovers(&self.root);
        Ok(())
    }

    /// Writes `settings.yaml`.
    pub fn write_settings(&self, settings: &Settings) -> Result<()> {
        let path = self.settings();
        let yaml = settings::to_yaml(settings).map_err(|e| problem!(E0799, &path, "{e}"))?;
        write_atomic(&path, yaml.as_bytes())
    }

    /// Writes the model source, and the files that it imports under their relative paths.
    pub fn write_model(&self, source: &str, imports: &[(String, String)]) -> Result<()> {
        if let Some((name, _)) = imports.iter().find(|(name, _)| !may_hold_import(name)) {
            return Err(problem!(
                E0702,
                &self.root.join(name),
                "the imported file `{name}` may have the same name as a file of the run folder";
                help: "give imported files names that end in .model, other than model.model"
            ));
        }
        for (name, text) in imports {
            let path = self.root.join(name);
            if let Some(parent) = path.parent() {
                std::fs::create_dir_all(parent).map_err(|e| RunError::create_dir(parent, e))?;
            }
            write_atomic(&path, text.as_bytes())?;
        }
        write_atomic(&self.model(), source.as_bytes())
    }

    /// Reads the records of `metrics.jsonl`, up to a truncated line.
    pub fn records(&self) -> Vec<EpochRecord> {
        let text = file::read_text(&self.metrics_file(), file::TABLE_BYTES).unwrap_or_default();
        text.lines().map_while(|line| serde_json::from_str(line).ok()).collect()
    }

    /// Rewrites `metrics.jsonl`, one line per epoch.
    pub fn write_records(&self, records: &[EpochRecord]) -> Result<()> {
        let path = self.metrics_file();
        let mut text = String::new();
        for record in records {
            text.push_str(&serde_json::to_string(record).map_err(|e| problem!(E0799, &path, "{e}"))?);
            text.push('\n');
        }
        write_atomic(&path, text.as_bytes())
    }

    /// Writes `summary.json`.
    pub fn write_summary(&self, summary: &RunSummary) -> Result<()> {
        self.write_json("summary.json", summary)
    }

    /// Writes a value as JSON to the file of this name, atomically.
    pub fn write_json(&self, name: &str, value: &impl Serialize) -> Result<()> {
        write_json(&self.root.join(name), value)
    }
}

/// Writes a value as JSON, atomically.
pub(crate) fn write_json(path: &Path, value: &impl Serialize) -> Result<()> {
    let text = serde_json::to_string_pretty(value).map_err(|e| problem!(E0799, path, "{e}"))?;
    write_atomic(path, (text + "\n").as_bytes())
}

/// Reads the file `settings.yaml` of a run folder.
pub fn read_settings(path: &Path) -> Result<Settings> {
    let text = file::read_text(path, file::SETTINGS_BYTES).map_err(|e| {
        problem!(
            E0721,
            path,
            "cannot read the settings: {e}";
            help: "a run folder is written by `npc train`, for example runs/npnet_lung"
        )
    })?;
    settings::from_yaml(&text).map_err(|e| match leads_out(folder_of(path), path) {
        // The message would show a part of a file from elsewhere.
        true => problem!(E0721, path, "leads out of the run folder, to a file that is not the settings of a run"; help: "copy the settings of the run into the folder"),
        false => problem!(E0721, path, "not the settings of a run: {e}"; help: "the file is cut off or was edited: restore it from a copy, or train the run again"),
    })
}

/// Returns the name of the inner folder that holds the run while it is replaced.
fn inner_of(root: &Path) -> &'static str {
    if root.join(REPLACED).is_dir() { REPLACED } else { MOVING }
}

/// Checks whether an imported file may have this path in a run folder. All other files of a run have other endings, which the
/// name of a folder may not have either.
fn may_hold_import(path: &str) -> bool {
    const ENDINGS: [&str; 9] = ["model", "yaml", "txt", "csv", "jsonl", "json", "safetensors", "html", "png"];
    let path = path.to_lowercase();
    let folder = path.split_once('/').and_then(|(folder, _)| folder.rsplit_once('.'));
    path.ends_with(".model") && path != "model.model" && folder.is_none_or(|(_, ending)| !ENDINGS.contains(&ending))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_whose_run_is_being_replaced_says_where_the_run_is() {
        let dir = tempfile::tempdir().unwrap();
        let folder = RunFolder::new(dir.path());
        std::fs::write(folder.settings(), "the settings of the new run").unwrap();
        folder.check_is_run().unwrap();
        for inner in [REPLACED, MOVING] {
            std::fs::create_dir(dir.path().join(inner)).unwrap();
            let error = folder.check_is_run().unwrap_err();
            assert!(error.message.ends_with(&format!("the old run is whole, in {inner}")), "{}", error.message);
            assert!(error.help[0].contains("--resume` puts the old run back"), "{:?}", error.help);
            std::fs::write(folder.last(), "the new run").unwrap();
            folder.check_is_run().unwrap();
            std::fs::remove_file(folder.last()).unwrap();
            std::fs::remove_dir(dir.path().join(inner)).unwrap();
        }
    }

    #[test]
    fn imported_files_never_have_the_names_of_a_run() {
        let dir = tempfile::tempdir().unwrap();
        let folder = RunFolder::new(dir.path().join("r"));
        for name in
            ["settings.yaml", "LAST.safetensors", "train.txt", "model.model", "Model.Model", "report.html/a.model"]
        {
            let error = folder.write_model("npc 1\n", &[(name.into(), "npc 1\n".into())]).unwrap_err();
            assert!(error.message.contains("may have the same name as a file of the run folder"), "{}", error.message);
            assert!(!folder.root().join(name).exists());
        }
        for name in ["a.model", "v1.2/model.model", "blocks/b.model"] {
            folder.write_model("npc 1\n", &[(name.into(), "npc 1\n".into())]).unwrap();
            assert!(folder.root().join(name).exists());
        }
    }
}
