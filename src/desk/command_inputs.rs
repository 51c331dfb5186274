//! Keeps the files that a model file or a run stands on from being replaced by an output of a command.

use super::model_file::open;
#[cfg(feature = "data")]
use super::resolved_run::is_settings;
#[cfg(feature = "run")]
use super::sweep::SweepPlan;
#[cfg(feature = "run")]
use crate::base::atomic::named_target;
use crate::base::error::Result;
#[cfg(feature = "data")]
use crate::base::input_files::check_output_folder;
use crate::base::input_files::{InputFiles, check_outputs};
#[cfg(feature = "data")]
use crate::base::path::{folder_of, or_working_folder};
#[cfg(feature = "data")]
use crate::base::problem::problem;
#[cfg(feature = "data")]
use crate::data::named_files::{IMAGE, MASK, named_files};
#[cfg(feature = "data")]
use crate::graph::resolve::resolve_bundle;
#[cfg(feature = "data")]
use crate::learn::own_content::is_own_report;
#[cfg(feature = "run")]
use crate::learn::run_files::{is_being_replaced, is_own_name};
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

/// Checks that a folder for pictures is not one of the images or masks that the data block of a run names. `data_root` replaces that of
/// the run.
#[cfg(feature = "data")]
pub(crate) fn check_folders_of_run<'a>(
    folders: impl IntoIterator<Item = &'a Path>,
    run: &Path,
    data_root: Option<&Path>,
) -> Result<()> {
    let Ok(settings) = read_settings(&RunFolder::new(run).settings()) else { return Ok(()) };
    let root = data_root.unwrap_or(Path::new(&settings.data_root));
    let existing = folders.into_iter().filter(|folder| or_working_folder(folder).is_dir());
    let mut inputs = None;
    for folder in existing {
        let inputs = inputs.get_or_insert_with(|| named_files(&settings.data, root));
        check_output_folder(folder, &[IMAGE, MASK], inputs)?;
    }
    Ok(())
}

/// Checks that a report replaces no page that npc did not write.
#[cfg(feature = "data")]
pub(crate) fn check_report(path: &Path) -> Result<()> {
    if std::fs::symlink_metadata(path).is_err() || path.is_file() && is_own_report(path) {
        return Ok(());
    }
    Err(problem!(E0702, path, "the report would replace this file, and npc did not write it";
        help: "move it elsewhere, or write the report into another file: `--out FILE`"))
}

/// Checks that a file that a command writes is no checkpoint of a run, whether or not there is one of its name.
#[cfg(feature = "run")]
fn check_no_checkpoint(output: &Path) -> Result<()> {
    let target = named_target(output)?;
    let name = target.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let folder = RunFolder::new(folder_of(&target));
    let of_run = || folder.holds_run() || folder.was_starting() || is_being_replaced(folder.root());
    if name.to_lowercase().ends_with(".safetensors") && is_own_name(&name.to_lowercase()) && of_run() {
        return Err(
            problem!(E0702, output, "in a run folder this is the name of a checkpoint, which `npc train` alone writes";
            help: "choose another file for the weights"),
        );
    }
    Ok(())
}

/// Checks that a file of weights is neither an input of the model file, nor `from`, a file or a run whose weights are read, nor a checkpoint of
/// a run.
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
    })?;
    check_no_checkpoint(output)
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

#[cfg(all(test, feature = "data"))]
mod tests {
    use super::*;

    #[test]
    fn a_report_replaces_reports_alone() {
        let dir = tempfile::tempdir().unwrap();
        let page = dir.path().join("report.html");
        check_report(&page).unwrap();
        for (text, is_own) in [("<meta name=\"generator\" content=\"npc 0.1.0\">", true), ("<p>mine</p>", false)] {
            std::fs::write(&page, text).unwrap();
            assert_eq!(check_report(&page).is_ok(), is_own, "{text}");
        }
        std::fs::remove_file(&page).unwrap();
        std::fs::create_dir(&page).unwrap();
        check_report(&page).unwrap_err();
    }

    #[cfg(feature = "run")]
    #[test]
    fn weights_are_no_checkpoint_of_a_run() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        check_no_checkpoint(&at("last.safetensors")).unwrap();
        std::fs::write(at("metrics.jsonl"), "").unwrap();
        for name in ["last.safetensors", "best_dice.safetensors", "best_iou.safetensors", "Last.safetensors"] {
            let error = check_no_checkpoint(&at(name)).unwrap_err();
            assert!(error.message.contains("the name of a checkpoint"), "{}", error.message);
        }
        check_no_checkpoint(&at("initial.safetensors")).unwrap();
    }
}
