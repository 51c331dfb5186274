//! Keeps the files that a model file or a run stands on from being replaced by an output of a command.

use super::model_file::open;
#[cfg(feature = "data")]
use super::resolved_run::is_settings;
#[cfg(feature = "run")]
use super::sweep::SweepPlan;
use crate::base::error::Result;
use crate::base::input_files::{InputFiles, check_outputs};
#[cfg(feature = "data")]
use crate::base::path::folder_of;
#[cfg(feature = "data")]
use crate::data::named_files::named_files;
#[cfg(feature = "data")]
use crate::graph::resolve::resolve_bundle;
#[cfg(feature = "data")]
use crate::learn::run_folder::{RunFolder, read_settings};
#[cfg(feature = "data")]
use crate::text::config::schema;
use crate::text::files::Disk;
use std::path::{Path, PathBuf};

/// Checks that no output of a command on a model file is that file, one that it imports, or one that its data blocks name, their
/// paths starting at `data_root`. For the `settings.yaml` of a run the files of the run count.
pub(crate) fn check_outputs_of_model(
    outputs: impl IntoIterator<Item = PathBuf>,
    file: &Path,
    data_root: Option<&Path>,
) -> Result<()> {
    check_outputs(outputs, || inputs_of_model(file, data_root))
}

/// Checks that no output of a command on runs is a file of one of them, or one that their data blocks name. `data_root` replaces those
/// of the runs.
#[cfg(feature = "data")]
pub(crate) fn check_outputs_of_runs(
    outputs: impl IntoIterator<Item = PathBuf>,
    runs: &[PathBuf],
    data_root: Option<&Path>,
) -> Result<()> {
    check_outputs(outputs, || {
        let mut inputs = InputFiles::default();
        runs.iter().for_each(|run| inputs.extend(inputs_of_run(run, data_root)));
        inputs
    })
}

/// Checks that a file of weights is neither an input of the model file nor `from`, a file or a run whose weights are read.
#[cfg(feature = "run")]
pub(crate) fn check_output_of_weights(output: &Path, file: &Path, from: Option<&Path>) -> Result<()> {
    check_outputs([output.to_path_buf()], || {
        let mut inputs = inputs_of_model(file, None);
        match from {
            Some(from) if from.is_dir() => inputs.extend(inputs_of_run(from, None)),
            Some(from) => inputs.add("the file of `--from`", from),
            None => {}
        }
        inputs
    })
}

/// Checks that no output of a sweep is an input of its model file, or a file of one of its runs.
#[cfg(feature = "run")]
pub(crate) fn check_outputs_of_sweep(
    outputs: impl IntoIterator<Item = PathBuf>,
    plan: &SweepPlan,
    file: &Path,
    data_root: Option<&Path>,
) -> Result<()> {
    check_outputs(outputs, || {
        let mut inputs = inputs_of_model(file, data_root);
        for run in plan.points.iter().flat_map(|point| &point.runs) {
            run.folder.own_files().unwrap_or_default().into_iter().for_each(|path| inputs.add("a file of a run", path));
        }
        inputs
    })
}

/// Returns the inputs of a model file; of a file with errors these are the ones that can be read.
fn inputs_of_model(file: &Path, data_root: Option<&Path>) -> InputFiles {
    let mut inputs = InputFiles::default();
    #[cfg(feature = "data")]
    if is_settings(file) {
        return inputs_of_run(folder_of(file), data_root);
    }
    inputs.add("the model file", file);
    let Ok(model) = open(&Disk, file) else { return inputs };
    let folder = file.parent().unwrap_or(Path::new(""));
    for import in &model.bundle.imported {
        inputs.add("a file that the model file imports", folder.join(&import.path));
    }
    #[cfg(feature = "data")]
    for block in resolve_bundle(&model.bundle).0.data.values() {
        if let Ok(spec) = schema::data_spec(block) {
            inputs.extend(named_files(&spec, data_root.unwrap_or(Path::new("."))));
        }
    }
    #[cfg(not(feature = "data"))]
    let _ = data_root;
    inputs
}

/// Returns the files of a run but its report, and those that its data blocks name.
#[cfg(feature = "data")]
fn inputs_of_run(run: &Path, data_root: Option<&Path>) -> InputFiles {
    let folder = RunFolder::new(run);
    let mut inputs = InputFiles::default();
    let settings = read_settings(&folder.settings()).ok();
    let root = settings.as_ref().map(|settings| Path::new(&settings.data_root));
    let root = data_root.or(root);
    inputs.extend(inputs_of_model(&folder.model(), root));
    for path in folder.own_files().unwrap_or_default() {
        if !path.ends_with("report.html") {
            inputs.add("a file of the run", path);
        }
    }
    if let Some(settings) = &settings {
        inputs.extend(named_files(&settings.data, root.unwrap_or(Path::new("."))));
    }
    inputs
}
