//! Reads evaluated runs, checks that they are comparable, and groups them by seed.

use crate::base::error::Result;
use crate::base::file;
use crate::base::path::absolute;
use crate::base::problem::problem;
use crate::data::SplitRole;
use crate::learn::run_folder::{RunFolder, read_settings};
use crate::metric::{CaseTable, DistanceUnit, Evaluation};
use crate::text::config::settings::Settings;
use crate::text::files::MAX_FILE_BYTES;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// What has a score of its own in a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ScoredUnit {
    Images,
    /// Whole volumes.
    Volumes,
}

impl ScoredUnit {
    /// Returns `images` or `volumes`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            ScoredUnit::Images => "images",
            ScoredUnit::Volumes => "volumes",
        }
    }

    /// Returns `image` or `volume`.
    pub(crate) fn one(self) -> &'static str {
        match self {
            ScoredUnit::Images => "image",
            ScoredUnit::Volumes => "volume",
        }
    }

    /// Returns `an image` or `a volume`.
    pub(crate) fn with_article(self) -> &'static str {
        match self {
            ScoredUnit::Images => "an image",
            ScoredUnit::Volumes => "a volume",
        }
    }
}

/// A run with the scores of its images, or of its volumes.
#[derive(Debug, Clone)]
pub(crate) struct EvaluatedRun {
    pub folder: PathBuf,
    pub settings: Settings,
    /// The evaluation; its summary is that of the volumes if these are compared.
    pub evaluation: Evaluation,
    pub cases: CaseTable,
    /// What the cases are.
    pub of: ScoredUnit,
    /// Text of every model file of the run, by its path in the run folder.
    models: BTreeMap<PathBuf, String>,
}

impl EvaluatedRun {
    /// Reads the evaluation of one role from a run folder.
    pub(crate) fn open(dir: &Path, role: SplitRole, of: ScoredUnit) -> Result<EvaluatedRun> {
        let folder = RunFolder::new(dir);
        folder.check_is_run()?;
        let (evaluation_file, cases_file) = match of {
            ScoredUnit::Images => (folder.evaluation(role), folder.cases(role)),
            ScoredUnit::Volumes => (folder.evaluation(role), folder.volumes(role)),
        };
        let split = match role {
            SplitRole::Test => String::new(),
            SplitRole::Train | SplitRole::Val => format!(" --split {}", role.name()),
        };
        let command = format!("npc eval {}{split}", dir.display());
        let not_evaluated =
            || problem!(E0741, dir, "the run is not evaluated yet"; help: "evaluate it with `{command}`");
        if !evaluation_file.exists() {
            return Err(not_evaluated());
        }
        let mut evaluation = Evaluation::read(&evaluation_file)?;
        match (of, &evaluation.volumes) {
            (ScoredUnit::Images, _) if !cases_file.exists() => return Err(not_evaluated()),
            (ScoredUnit::Images, _) => {}
            (ScoredUnit::Volumes, Some(volumes)) if cases_file.exists() => evaluation.summary = volumes.summary.clone(),
            // The file of an earlier evaluation may be left over where `eval.json` has no volumes.
            (ScoredUnit::Volumes, _) => {
                return Err(
                    problem!(E0741, dir, "the run has no scores of volumes: its images are no slices, or an older npc evaluated it";
                    help: "evaluate it again with `{command}`, or leave out `--volumes`"),
                );
            }
        }
        let cases = CaseTable::read(&cases_file)?;
        if evaluation.summary.n != cases.stems.len() {
            let (n_cases, n) = (cases.stems.len(), evaluation.summary.n);
            let [cases, evaluation] =
                [&cases_file, &evaluation_file].map(|path| path.file_name().unwrap_or_default().display().to_string());
            let of = of.name();
            return Err(
                problem!(E0721, dir, "{cases} has {n_cases} {of}, but {evaluation} has {n}: the files come from different evaluations";
                help: "evaluate the run again with `{command}`"),
            );
        }
        let mut models = BTreeMap::new();
        read_models(dir, dir, 0, &mut models);
        Ok(EvaluatedRun {
            folder: dir.to_path_buf(),
            settings: read_settings(&folder.settings())?,
            evaluation,
            cases,
            of,
            models,
        })
    }

    /// Returns the settings that determine a run's weights, without the seed. Names and paths are blanked.
    fn experiment(&self) -> Settings {
        let mut same = self.settings.clone();
        same.train.seed = 0;
        same.train.name.clear();
        same.versions.clear();
        (same.data_root, same.device) = (String::new(), String::new());
        same.data.cache_mb = 0;
        same
    }

    fn same_but_seed(&self, other: &EvaluatedRun) -> bool {
        self.models == other.models && self.experiment() == other.experiment()
    }
}

/// Reads the model files of a run folder; imported files keep the paths of their imports.
fn read_models(root: &Path, dir: &Path, depth: usize, into: &mut BTreeMap<PathBuf, String>) {
    for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() && depth < 4 {
            read_models(root, &path, depth + 1, into);
        } else if path.extension().is_some_and(|e| e == "model") {
            let name = path.strip_prefix(root).unwrap_or(&path).to_path_buf();
            into.extend(file::read_text(&path, MAX_FILE_BYTES).ok().map(|text| (name, text)));
        }
    }
}

/// Returns the first five names, and the number of the others.
fn abbreviated_list(names: &[&str]) -> String {
    let shown = names[..names.len().min(5)].join(", ");
    if names.len() > 5 { format!("{shown} and {} more", names.len() - 5) } else { shown }
}

/// Fails if the scores of two runs are not comparable. The error names the difference.
pub(super) fn check_comparable(a: &EvaluatedRun, b: &EvaluatedRun) -> Result<()> {
    check_same_images(a, b)?;
    let (first, second) = (a.folder.display(), b.folder.display());
    let (left, right) = (&a.evaluation.summary, &b.evaluation.summary);
    if a.cases.classes != b.cases.classes {
        let (here, there) = (a.cases.classes.join(", "), b.cases.classes.join(", "));
        return Err(problem!(E0740, "{first} and {second} have different classes: {here} and {there}";
            help: "compare runs that segment the same classes"));
    }
    let (here, there) = (&a.settings.data, &b.settings.data);
    if here.source == there.source && here.labels != there.labels {
        return Err(
            problem!(E0740, "{first} and {second} give the classes different labels in the same masks: {:?} and {:?}",
                here.labels, there.labels;
                help: "compare runs whose classes mean the same pixels"),
        );
    }
    if left.empty_rule != right.empty_rule {
        let (here, there) = (left.empty_rule.name(), right.empty_rule.name());
        return Err(
            problem!(E0740, "{first} and {second} score empty masks differently: `empty = {here}` and `empty = {there}`";
            help: "set the same `empty` in the data blocks' settings and evaluate again"),
        );
    }
    let same_size = a.evaluation.size == b.evaluation.size;
    let [here, there] = [left.ignored_pixels, right.ignored_pixels];
    if here != there && (same_size || here == 0 || there == 0) {
        return Err(
            problem!(E0740, "{first} and {second} were not scored on the same pixels: {here} and {there} pixels are ignored";
            help: "write the same `ignore` in the data blocks, and evaluate again"),
        );
    }
    if a.cases.groups.is_some() != b.cases.groups.is_some() {
        return Err(
            problem!(E0740, "only one of {first} and {second} has groups of images"; help: "evaluate both runs again"),
        );
    }
    Ok(())
}

/// Fails if two runs were evaluated on different images. The error lists images of only one run.
fn check_same_images(a: &EvaluatedRun, b: &EvaluatedRun) -> Result<()> {
    let stems = |run: &EvaluatedRun| -> BTreeSet<String> { run.cases.stems.iter().cloned().collect() };
    let (here, there) = (stems(a), stems(b));
    if here == there {
        return Ok(());
    }
    let only = |x: &BTreeSet<String>, y: &BTreeSet<String>| -> String {
        let only: Vec<&str> = x.difference(y).map(String::as_str).collect();
        if only.is_empty() { "none".into() } else { format!("{} ({})", only.len(), abbreviated_list(&only)) }
    };
    let (first, second) = (a.folder.display(), b.folder.display());
    let (in_first, in_second) = (only(&here, &there), only(&there, &here));
    Err(
        problem!(E0740, "{first} and {second} were not scored on the same images; only in the first: {in_first}, only in the second: {in_second}";
        help: "a paired comparison needs the same split: use `split = lists(..)`, or the same seed for both runs"),
    )
}

/// Returns why distances of these runs cannot be compared: they are in two units, in pixels of two sizes, or in millimetres by two
/// spacings. `None` if they can.
pub(super) fn distance_obstacle(runs: &[EvaluatedRun]) -> Option<String> {
    let first = runs.first()?;
    runs[1..].iter().find_map(|other| {
        let (left, right) = (&first.evaluation, &other.evaluation);
        let (here, there) = (left.summary.unit, right.summary.unit);
        if here != there {
            return Some(format!(
                "they are in {} and in {}; write `spacing` in both data blocks and evaluate again",
                here.name(),
                there.name()
            ));
        }
        let size = |e: &Evaluation| format!("{}x{}", e.size[0], e.size[1]);
        let spacings = [first.settings.data.spacing, other.settings.data.spacing];
        match here {
            DistanceUnit::Px if left.size != right.size => Some(format!(
                "they are in pixels at {} and at {}; `spacing` in the data blocks gives millimetres",
                size(left),
                size(right)
            )),
            DistanceUnit::Mm if spacings[0] != spacings[1] => Some("the data blocks give different `spacing`".into()),
            DistanceUnit::Px | DistanceUnit::Mm => None,
        }
    })
}

/// Returns remarks on differences between the runs that weaken the comparison.
pub(super) fn comparison_notes(runs: &[EvaluatedRun], group_seeds: bool) -> Vec<String> {
    let mut notes = Vec::new();
    let mut differ = |what: &str, of: &dyn Fn(&EvaluatedRun) -> String| {
        let values: BTreeSet<String> = runs.iter().map(of).collect();
        if values.len() > 1 {
            let list: Vec<&str> = values.iter().map(String::as_str).collect();
            notes.push(format!("the runs differ in {what}: {}", list.join("; ")));
        }
    };
    let images = runs.iter().all(|run| run.of == ScoredUnit::Images);
    // Volumes are scored on the grid of their files.
    let what = if images { "the size at which they were scored" } else { "the size of the data block" };
    differ(what, &|r| format!("{}x{}", r.evaluation.size[0], r.evaluation.size[1]));
    differ("test-time flips", &|r| if r.evaluation.flips { "with" } else { "without" }.into());
    differ("the weights that were scored", &|r| r.evaluation.checkpoint.clone());
    let chosen = runs.iter().filter(|r| r.evaluation.chosen_here).count();
    if chosen > 0 {
        let of = if chosen == runs.len() { "all".into() } else { chosen.to_string() };
        notes.push(format!(
            "the weights of {of} runs were chosen by their score on these images: their means are optimistic"
        ));
    }
    if !group_seeds {
        notes.push(
            "intervals cover the variation of the images: training with another seed may change a mean by more (`--group-seeds`)"
                .into(),
        );
    }
    notes
}

/// Groups runs of one experiment, in the order of their first run. Fails if two runs of a group have the same seed.
pub(super) fn group_by_seed(runs: Vec<EvaluatedRun>) -> Result<Vec<Vec<EvaluatedRun>>> {
    let mut experiments: Vec<Vec<EvaluatedRun>> = Vec::new();
    for run in runs {
        let Some(of) = experiments.iter_mut().find(|e| e[0].same_but_seed(&run)) else {
            experiments.push(vec![run]);
            continue;
        };
        if let Some(twin) = of.iter().find(|r| r.settings.train.seed == run.settings.train.seed) {
            let (first, second) = (twin.folder.display(), run.folder.display());
            return Err(
                problem!(E0740, "{first} and {second} are the same run with the same seed {}", run.settings.train.seed;
                help: "leave one of them out: a repeated run adds nothing to the spread over seeds"),
            );
        }
        of.push(run);
    }
    Ok(experiments)
}

/// Returns a name for each group: the name of the folder, the common prefix of the folders of its seeds, or the whole path
/// if the names are not unique.
pub(super) fn group_names(entrants: &[Vec<EvaluatedRun>]) -> Vec<String> {
    let last = |run: &EvaluatedRun| {
        let path = absolute(&run.folder);
        path.file_name().map_or_else(|| run.folder.display().to_string(), |n| n.to_string_lossy().into_owned())
    };
    let short: Vec<String> = entrants
        .iter()
        .map(|runs| {
            let common = runs
                .iter()
                .map(&last)
                .reduce(|a, b| a.chars().zip(b.chars()).take_while(|(a, b)| a == b).map(|(a, _)| a).collect());
            let common = common.unwrap_or_default();
            if runs.len() < 2 {
                return common;
            }
            // `se` from `se_seed0` or `se_s1`.
            let stem = ["seed", "s"].iter().find_map(|end| {
                let stem = common.strip_suffix(end)?;
                stem.ends_with(['_', '-', '.']).then_some(stem)
            });
            let stem = stem.unwrap_or(&common).trim_end_matches(['_', '-', '.']);
            if stem.is_empty() { last(&runs[0]) } else { stem.to_string() }
        })
        .collect();
    let whole = |runs: &[EvaluatedRun]| runs[0].folder.display().to_string();
    (short.iter().zip(entrants))
        .map(|(name, runs)| if short.iter().filter(|n| *n == name).count() > 1 { whole(runs) } else { name.clone() })
        .collect()
}
