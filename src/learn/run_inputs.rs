//! Keeps what a run reads from being removed or replaced by the run itself: its lists, images and initial weights may lie in the
//! folder of the run that it replaces.

use super::run_files::is_own_name;
use super::run_folder::RunFolder;
use crate::base::error::Result;
use crate::base::input_files::check_outputs;
use crate::base::path::{folder_of, leads_out};
use crate::base::problem::problem;
use crate::data::named_files::named_files;
use crate::text::config::settings::Settings;
use std::fs;
use std::path::{Path, PathBuf};

/// Checks that a new run in the folder neither replaces nor removes a file that it reads. `imports` are the names of its imported files.
///
/// Errors: a file that the data block names, or the initial weights, are among the files of the folder that a run writes (E0702).
pub(super) fn check_inputs_stay(folder: &RunFolder, settings: &Settings, imports: &[(String, String)]) -> Result<()> {
    let root = folder.root();
    if !root.is_dir() {
        return Ok(());
    }
    if let Some(init) = &settings.train.init {
        check_initial_weights(root, Path::new(init))?;
    }
    let mut outputs = Vec::new();
    folder.own_files()?.into_iter().for_each(|path| add_files(path, &mut outputs));
    outputs.extend(imports.iter().map(|(name, _)| root.join(name)));
    check_outputs(outputs, || named_files(&settings.data, Path::new(&settings.data_root)))
}

/// Adds a file, or all files below a folder; links are files.
fn add_files(path: PathBuf, files: &mut Vec<PathBuf>) {
    if fs::symlink_metadata(&path).is_ok_and(|found| found.is_dir()) {
        let below = fs::read_dir(&path).into_iter().flatten().flatten();
        below.for_each(|entry| add_files(entry.path(), files));
    } else {
        files.push(path);
    }
}

/// Checks that the file or run of the initial weights is not the run of the folder.
fn check_initial_weights(root: &Path, init: &Path) -> Result<()> {
    let real = |path: &Path| path.canonicalize().ok();
    let is_run = real(init).is_some_and(|init| real(root) == Some(init));
    let is_named_so = init.file_name().and_then(|name| name.to_str()).is_some_and(is_own_name);
    if is_run || is_named_so && real(folder_of(init)).is_some() && !leads_out(root, init) && init.exists() {
        return Err(problem!(E0702, init, "the initial weights are of the run that the new run would replace";
            help: "train into another folder: `--out DIR`";
            help: "or copy the file of weights elsewhere first, and give the copy: `--init FILE`"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learn::run_files::EVENTS;
    use crate::learn::run_start::settings_for_tests;

    fn run_with(files: &[&str]) -> (tempfile::TempDir, RunFolder) {
        let dir = tempfile::tempdir().unwrap();
        let folder = RunFolder::new(dir.path().join("runs/first"));
        fs::create_dir_all(folder.root().join(EVENTS)).unwrap();
        files.iter().for_each(|name| fs::write(folder.root().join(name), "a\nb\n").unwrap());
        (dir, folder)
    }

    fn settings(root: &Path, source: &str, split: &str) -> Settings {
        let mut settings = settings_for_tests(&[
            ("{files: {images: 'i/*.png', masks: 'm/*.png'}}", source),
            ("{random: {train: 0.8, val: 0.0, test: 0.2, seed: 0}}", split),
        ]);
        settings.data_root = root.display().to_string();
        settings
    }

    #[test]
    fn lists_that_the_run_reads_keep_it_away() {
        let (dir, folder) = run_with(&["train.txt", "test.txt", "groups.csv", "tensorboard/list.csv"]);
        let files = "{files: {images: 'i/*.png', masks: 'm/*.png'}}";
        let random = "{random: {train: 0.8, val: 0.0, test: 0.2, seed: 0}}";
        for (source, split, what, name) in [
            (
                files,
                "{lists: {train: runs/first/train.txt, val: null, test: other.txt}}",
                "a list of a data block",
                "train.txt",
            ),
            ("{list: {list: runs/first/groups.csv}}", random, "the list of a data block", "groups.csv"),
            (
                "{list: {list: runs/first/tensorboard/list.csv}}",
                random,
                "the list of a data block",
                "tensorboard/list.csv",
            ),
        ] {
            let error = check_inputs_stay(&folder, &settings(dir.path(), source, split), &[]).unwrap_err();
            assert_eq!(error.message, format!("this is {what}, and the command would replace it"));
            assert_eq!(error.path, Some(folder.root().join(name)));
        }
        let elsewhere = "{lists: {train: train.txt, val: null, test: test.txt}}";
        fs::write(dir.path().join("train.txt"), "a\n").unwrap();
        check_inputs_stay(&folder, &settings(dir.path(), files, elsewhere), &[]).unwrap();
    }

    #[test]
    fn initial_weights_of_the_replaced_run_keep_the_new_one_away() {
        let (dir, folder) = run_with(&["last.safetensors", "mine.safetensors"]);
        let mut settings = settings_for_tests(&[]);
        let mut check = |init: PathBuf| {
            settings.train.init = Some(init.display().to_string());
            check_inputs_stay(&folder, &settings, &[])
        };
        for init in [folder.root().to_path_buf(), folder.last(), folder.root().join("../first/last.safetensors")] {
            let error = check(init).unwrap_err();
            assert!(error.message.contains("of the run that the new run would replace"), "{}", error.message);
        }
        check(folder.root().join("mine.safetensors")).unwrap();
        check(dir.path().join("none.safetensors")).unwrap();
    }
}
