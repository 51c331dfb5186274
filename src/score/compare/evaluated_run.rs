//! Reads evaluated runs, checks that they are comparable, and groups them by seed.

use crate::base::error::Result;
use crate::base::file;
use crate::base::path::absolute;
use crate::base::problem::problem;
use crate::data::SplitRole;
use crate::learn::run_folder::{RunFolder, read_settings};
use crate::metric::{CaseTable, Evaluation};
use crate::score::evaluation_files::later_weights;
use crate::text::config::settings::Settings;
use crate::text::files::MAX_FILE_BYTES;
use serde::Serialize;
use std::collections::BTreeMap;
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
        if let Some(weights) = later_weights(&folder, &evaluation) {
            let [scores, weights] = [&evaluation_file, &weights].map(|path| name_of(path));
            return Err(
                problem!(E0741, dir, "{scores} is of other weights than {weights} has now: the run went on since";
                help: "evaluate it again with `{command}`"),
            );
        }
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
            let [cases, evaluation] = [&cases_file, &evaluation_file].map(|path| name_of(path));
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
        let mut same = self.settings.clone().with_plain_arguments();
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

/// Returns the name of a file of a run folder.
fn name_of(file: &Path) -> String {
    file.file_name().unwrap_or_default().display().to_string()
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

/// Returns the folder of all seeds for a folder such as `attention=se/seed=0`, which a sweep writes, and else the folder itself.
fn variant_folder(folder: &Path) -> &Path {
    let name = folder.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let number = ["seed=", "seed_", "seed-", "seed"].iter().find_map(|start| name.strip_prefix(start));
    let is_seed = number.is_some_and(|n| !n.is_empty() && n.chars().all(|c| c.is_ascii_digit()));
    let above = folder.parent().filter(|above| is_seed && above.file_name().is_some());
    above.unwrap_or(folder)
}

/// Returns a name for each group: the name of the folder, or of the folder above `seed=0`, the common prefix of the folders of its seeds, or the whole path
/// if the names are not unique.
pub(super) fn group_names(entrants: &[Vec<EvaluatedRun>]) -> Vec<String> {
    let last = |run: &EvaluatedRun| {
        let path = variant_folder(&absolute(&run.folder)).to_path_buf();
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
    let whole = |runs: &[EvaluatedRun]| match runs.len() {
        1 => runs[0].folder.display().to_string(),
        _ => variant_folder(&runs[0].folder).display().to_string(),
    };
    (short.iter().zip(entrants))
        .map(|(name, runs)| if short.iter().filter(|n| *n == name).count() > 1 { whole(runs) } else { name.clone() })
        .collect()
}
