//! Run folders at a glance: how far each run is, what it scored, and how much room it takes.

use super::evaluation_files::is_stale_of;
use crate::base::error::{Result, RunError};
use crate::base::file;
use crate::base::lock::is_locked;
use crate::base::problem::problem;
use crate::data::SplitRole;
use crate::learn::history::History;
use crate::learn::run_files::is_being_replaced;
use crate::learn::run_folder::{RunFolder, read_settings};
use crate::metric::Evaluation;
use crate::text::config::settings::Settings;
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// How many folders deep run folders are looked for.
const DEPTH: usize = 8;
/// Files of which a run folder has at least one.
const FILES_OF_A_RUN: [&str; 3] = ["settings.yaml", "metrics.jsonl", "last.safetensors"];

/// How far a run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RunProgress {
    /// All epochs are done.
    Finished,
    /// The scores had not improved for `patience` epochs.
    StoppedEarly,
    /// Epochs are missing, and no process trains them.
    Interrupted,
    /// A process trains in the folder.
    Training,
    /// The settings cannot be read.
    Damaged,
}

impl RunProgress {
    /// Returns the name, such as `stopped early`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            RunProgress::Finished => "finished",
            RunProgress::StoppedEarly => "stopped early",
            RunProgress::Interrupted => "interrupted",
            RunProgress::Training => "training now",
            RunProgress::Damaged => "damaged",
        }
    }
}

/// The Dice of the best epoch, 0 to 1, with the part of the split that it is of.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct BestEpoch {
    pub dice: f64,
    /// Counted from 1.
    pub epoch: u64,
    /// `val`, or `test` where the split has no validation images.
    pub scored_on: SplitRole,
}

/// The Dice on the test images, 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct TestDice {
    pub dice: f64,
    /// Whether the weights changed since then.
    pub stale: bool,
    /// Whether the probabilities were averaged over the image and its flips (test-time augmentation).
    pub flips: bool,
    /// Which weights were scored.
    pub weights: ScoredWeights,
}

/// The weights that an evaluation scored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ScoredWeights {
    /// Those that evaluation and prediction take by themselves.
    Usual,
    /// The last ones of a run that keeps its best.
    Last,
    /// Another file.
    Other,
}

impl ScoredWeights {
    /// Returns the name, such as `last`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            ScoredWeights::Usual => "best",
            ScoredWeights::Last => "last",
            ScoredWeights::Other => "other weights",
        }
    }

    fn of(folder: &RunFolder, evaluation: &Evaluation) -> ScoredWeights {
        let scored = folder.root().join(&evaluation.checkpoint);
        match folder.checkpoint() {
            Ok(usual) if usual == scored => ScoredWeights::Usual,
            Ok(_) | Err(_) if scored == folder.last() => ScoredWeights::Last,
            Ok(_) => ScoredWeights::Other,
            // Without weights nothing can be said.
            Err(_) => ScoredWeights::Usual,
        }
    }
}

/// A run folder at a glance. What a damaged file would say is missing, and `problems` names the file.
#[derive(Debug, Clone)]
pub(crate) struct RunOverview {
    pub folder: PathBuf,
    /// Settings, unless they cannot be read.
    pub settings: Option<Settings>,
    pub progress: RunProgress,
    /// Number of epochs that are done.
    pub epochs: u64,
    pub best: Option<BestEpoch>,
    pub test: Option<TestDice>,
    /// Wall-clock seconds of all epochs, evaluation included.
    pub seconds: Option<f64>,
    /// Bytes of all files of the folder.
    pub bytes: u64,
    pub problems: Vec<String>,
}

/// Reads all run folders below some folders, in the order of their paths. The second value names folders that cannot be read.
/// Links are followed, each folder is listed once, and a run folder is not searched for others.
///
/// Errors: one of the folders does not exist.
pub(crate) fn run_overviews(roots: &[PathBuf]) -> Result<(Vec<RunOverview>, Vec<RunError>)> {
    let mut search = RunSearch::default();
    for root in roots {
        if !root.is_dir() {
            let what = if root.exists() { "is not a folder" } else { "there is no such folder" };
            return Err(problem!(E0701, root, "{what}";
                help: "name the folder that holds the run folders: `npc runs DIR`; `npc train` writes them below `runs`"));
        }
        search.look_into(root, 0);
    }
    search.found.sort();
    Ok((search.found.into_iter().map(overview).collect(), search.unreadable))
}

/// A search for run folders.
#[derive(Default)]
struct RunSearch {
    found: Vec<PathBuf>,
    unreadable: Vec<RunError>,
    /// Folders that were seen, without links in their paths: a link may lead back.
    seen: BTreeSet<PathBuf>,
}

impl RunSearch {
    fn look_into(&mut self, folder: &Path, depth: usize) {
        if !folder.canonicalize().is_ok_and(|real| self.seen.insert(real)) {
            return;
        }
        if FILES_OF_A_RUN.iter().any(|name| folder.join(name).exists()) || is_being_replaced(folder) {
            return self.found.push(folder.to_path_buf());
        }
        let entries = match std::fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(e) => return self.unreadable.push(RunError::read(folder, e)),
        };
        let hidden = |path: &Path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        let mut below: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
        below.retain(|path| !hidden(path) && path.is_dir());
        below.sort();
        if depth < DEPTH {
            below.iter().for_each(|path| self.look_into(path, depth + 1));
        }
    }
}

/// Reads one run folder.
fn overview(path: PathBuf) -> RunOverview {
    let folder = RunFolder::new(&path);
    let mut problems: Vec<String> = History::problem(&folder).into_iter().collect();
    let settings = folder.check_is_run().and_then(|()| read_settings(&folder.settings()));
    let settings = settings.map_err(|e| problems.insert(0, e.message)).ok();
    let history = History::read(&folder);
    let summary = file::read_text(&folder.summary_file(), file::TABLE_BYTES).unwrap_or_default();
    let summary: Value = serde_json::from_str(&summary).unwrap_or(Value::Null);
    let epochs = history.epochs().len() as u64;
    let best = history.best("dice").and_then(|number| {
        let dice = history.epochs().iter().find(|epoch| epoch.number == number)?.get("dice")?;
        Some(BestEpoch { dice, epoch: number, scored_on: scored_on(&folder, &summary) })
    });
    let seconds = history.epochs().iter().filter_map(|epoch| epoch.get("seconds")).sum();
    let test = test_dice(&folder).unwrap_or_else(|problem| {
        problems.push(problem);
        None
    });
    RunOverview {
        progress: progress(&folder, settings.as_ref(), epochs, &summary),
        settings,
        epochs,
        best,
        test,
        seconds: summary["seconds"].as_f64().or((epochs > 0).then_some(seconds)),
        bytes: bytes_of(&path, 0),
        problems,
        folder: path,
    }
}

fn progress(folder: &RunFolder, settings: Option<&Settings>, epochs: u64, summary: &Value) -> RunProgress {
    let Some(settings) = settings else {
        return match (folder.waits_for_its_run(), is_locked(folder.root())) {
            (true, true) => RunProgress::Training,
            (true, false) => RunProgress::Interrupted,
            (false, _) => RunProgress::Damaged,
        };
    };
    if epochs >= settings.train.epochs as u64 {
        RunProgress::Finished
    } else if is_locked(folder.root()) {
        RunProgress::Training
    } else if summary["stopped_early"] == true {
        RunProgress::StoppedEarly
    } else {
        RunProgress::Interrupted
    }
}

/// Returns the part of the split that the epochs were scored on.
fn scored_on(folder: &RunFolder, summary: &Value) -> SplitRole {
    let has_val =
        || file::read_text(&folder.split(SplitRole::Val), file::TABLE_BYTES).is_ok_and(|list| !list.trim().is_empty());
    match summary["scored_on"].as_str() {
        Some("val") => SplitRole::Val,
        Some("test") => SplitRole::Test,
        Some(_) | None if has_val() => SplitRole::Val,
        Some(_) | None => SplitRole::Test,
    }
}

/// Reads the Dice on the test images, `None` if they were not scored.
fn test_dice(folder: &RunFolder) -> Result<Option<TestDice>, String> {
    let path = folder.evaluation(SplitRole::Test);
    if !path.exists() {
        return Ok(None);
    }
    // The text of the error may quote the file, which may be a link to one from elsewhere.
    let evaluation = Evaluation::read(&path).map_err(|_| {
        format!(
            "eval.json is damaged or of another version: evaluate again with `npc eval {}`",
            folder.root().display()
        )
    })?;
    let (stale, flips) = (is_stale_of(folder, SplitRole::Test, Some(&evaluation)), evaluation.flips);
    let weights = ScoredWeights::of(folder, &evaluation);
    Ok(evaluation.summary.dice.map(|dice| TestDice { dice, stale, flips, weights }))
}

/// Adds up the files of a folder. Links count nothing.
fn bytes_of(folder: &Path, depth: usize) -> u64 {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let size = |entry: std::fs::DirEntry| match entry.metadata() {
        Ok(metadata) if metadata.is_dir() && depth < DEPTH => bytes_of(&entry.path(), depth + 1),
        Ok(metadata) if metadata.is_file() => metadata.len(),
        Ok(_) | Err(_) => 0,
    };
    entries.map(size).sum()
}
