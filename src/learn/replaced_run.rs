//! Replaces the run of a folder: the old run stays until the new one has begun.
//!
//! The files of the old run are moved to a folder inside, and are removed after the first checkpoint of the new run. Whatever ends
//! the process before, an error or a kill, the old run is back at the latest when the next command opens the folder. Files that
//! npc did not write into the folder stay where they are.

use super::run_files::{EVENT_FILES, EVENTS, MOVING, REPLACED, is_foreign_evaluation};
use super::run_folder::RunFolder;
use crate::base::atomic::remove_leftovers;
use crate::base::error::{Result, RunError};
use crate::base::path::folder_of;
use crate::base::problem::problem;
use std::fs;
use std::path::{Path, PathBuf};

/// The old run of a folder in which a new one begins. It is put back when this is dropped, unless the new run has begun.
pub(super) struct ReplacedRun {
    root: PathBuf,
    kept: bool,
}

impl ReplacedRun {
    /// Sets the run of a folder aside, with the files of the names that the new run imports. Returns `None` where the folder
    /// does not exist or is empty.
    ///
    /// Errors: the folder holds files and no run, or foreign files among the events of TensorBoard (E0722), or a file cannot be
    /// moved; then all are where they were.
    pub(super) fn set_aside(folder: &RunFolder, imports: &[(String, String)]) -> Result<Option<ReplacedRun>> {
        let root = folder.root();
        if !check_replaceable(folder)? {
            return Ok(None);
        }
        check_events(&root.join(EVENTS))?;
        // What has the name of an evaluation and is of someone else stays, and keeps the new run away.
        let mut files = folder.own_files()?;
        files.retain(|path| !is_evaluation_of_others(path));
        files.extend(
            imports.iter().map(|(name, _)| root.join(name)).filter(|path| path.is_file() && folder_of(path) == root),
        );
        let moving = root.join(MOVING);
        fs::create_dir_all(&moving).map_err(|e| RunError::create_dir(&moving, e))?;
        let set_aside = move_all(files, &moving).and_then(|()| rename(&moving, &root.join(REPLACED)));
        if let Err(error) = set_aside {
            settle(root)?;
            return Err(error);
        }
        Ok(Some(ReplacedRun { root: root.to_path_buf(), kept: true }))
    }

    /// Removes the old run: the new one has begun.
    pub(super) fn remove(mut self) {
        self.kept = false;
        // What cannot be removed now is removed when the folder is next opened.
        let _ = fs::remove_dir_all(self.root.join(REPLACED));
    }
}

impl Drop for ReplacedRun {
    fn drop(&mut self) {
        if self.kept {
            let _ = put_back(&self.root);
        }
    }
}

/// Checks that a folder holds a run that may be replaced. Returns `false` if there is nothing to replace.
///
/// Errors: the folder holds files, and none of them is of a run (E0722).
pub(crate) fn check_replaceable(folder: &RunFolder) -> Result<bool> {
    let root = folder.root();
    let Ok(entries) = fs::read_dir(root) else { return Ok(false) };
    if entries.count() == 0 {
        return Ok(false);
    }
    if folder.holds_run() || folder.was_starting() {
        return Ok(true);
    }
    Err(problem!(E0722, root, "`--overwrite` replaces run folders alone, and this folder holds other files and no run";
        help: "choose another folder: `--out DIR`"))
}

/// Returns whether a file has the name of an evaluation's, and npc did not write it.
fn is_evaluation_of_others(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    ["cases", "volumes", "eval"].iter().any(|begin| name.starts_with(begin)) && is_foreign_evaluation(path)
}

/// Checks that a folder of TensorBoard holds events alone, so that nothing else is lost with them.
fn check_events(folder: &Path) -> Result<()> {
    let Ok(entries) = fs::read_dir(folder) else { return Ok(()) };
    let names = entries.flatten().map(|entry| entry.file_name().display().to_string());
    match names.into_iter().find(|name| !name.starts_with(EVENT_FILES)) {
        Some(name) => {
            Err(problem!(E0722, folder, "`--overwrite` removes this folder, and npc did not write {name} in it";
            help: "move it elsewhere, or choose another folder: `--out DIR`"))
        }
        None => Ok(()),
    }
}

/// Puts a folder in order whose run was being replaced when a process was killed: the old run is put back, unless the new one
/// has begun. Call it only while the folder is locked.
pub(crate) fn settle(root: &Path) -> Result<()> {
    let moving = root.join(MOVING);
    if moving.is_dir() {
        return move_back(&moving, root);
    }
    let replaced = root.join(REPLACED);
    if !replaced.is_dir() {
        return Ok(());
    }
    let folder = RunFolder::new(root);
    if folder.last().exists() {
        return fs::remove_dir_all(&replaced).map_err(|e| RunError::write(&replaced, e));
    }
    put_back(root)
}

/// Removes what the new run has written, and puts the old run back.
fn put_back(root: &Path) -> Result<()> {
    for path in RunFolder::new(root).own_files()?.into_iter().filter(|path| !is_evaluation_of_others(path)) {
        let removed = if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
        removed.map_err(|e| RunError::write(&path, e))?;
    }
    remove_leftovers(root);
    let moving = root.join(MOVING);
    rename(&root.join(REPLACED), &moving)?;
    move_back(&moving, root)
}

/// Moves everything in the inner folder to the folder around it, and removes the inner one.
fn move_back(moving: &Path, root: &Path) -> Result<()> {
    let entries = fs::read_dir(moving).map_err(|e| RunError::read(moving, e))?;
    move_all(entries.flatten().map(|entry| entry.path()).collect(), root)?;
    fs::remove_dir(moving).map_err(|e| RunError::write(moving, e))
}

fn move_all(paths: Vec<PathBuf>, to: &Path) -> Result<()> {
    for path in paths {
        rename(&path, &to.join(path.file_name().unwrap_or_default()))?;
    }
    Ok(())
}

fn rename(from: &Path, to: &Path) -> Result<()> {
    fs::rename(from, to).map_err(|e| RunError::write(to, e))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder_with(files: &[&str]) -> (tempfile::TempDir, RunFolder) {
        let dir = tempfile::tempdir().unwrap();
        let folder = RunFolder::new(dir.path().join("r"));
        fs::create_dir(folder.root()).unwrap();
        files.iter().for_each(|name| fs::write(folder.root().join(name), format!("old {name}")).unwrap());
        (dir, folder)
    }

    fn names(folder: &RunFolder) -> Vec<String> {
        let entries = fs::read_dir(folder.root()).unwrap().flatten();
        let mut names: Vec<String> = entries.map(|e| e.file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    const RUN: [&str; 4] = ["last.safetensors", "metrics.jsonl", "notes.md", "settings.yaml"];

    #[test]
    fn the_old_run_is_gone_once_the_new_one_has_begun() {
        let (_dir, folder) = folder_with(&RUN);
        let replaced = ReplacedRun::set_aside(&folder, &[]).unwrap().unwrap();
        assert_eq!(names(&folder), [".replaced-run", "notes.md"]);
        fs::write(folder.settings(), "new").unwrap();
        replaced.remove();
        assert_eq!(names(&folder), ["notes.md", "settings.yaml"]);
        assert_eq!(fs::read_to_string(folder.settings()).unwrap(), "new");
    }

    #[test]
    fn the_old_run_is_back_if_the_new_one_does_not_begin() {
        let (_dir, folder) = folder_with(&RUN);
        let replaced = ReplacedRun::set_aside(&folder, &[]).unwrap().unwrap();
        fs::write(folder.settings(), "new").unwrap();
        fs::write(folder.model(), "new").unwrap();
        drop(replaced);
        assert_eq!(names(&folder), RUN);
        assert_eq!(fs::read_to_string(folder.settings()).unwrap(), "old settings.yaml");
    }

    #[test]
    fn files_that_no_run_writes_stay() {
        let own = ["best_of_all.safetensors", "cases_of_patients.csv", "net.model"];
        let (_dir, folder) = folder_with(&[&RUN[..], &own].concat());
        let imports = [("part.model".to_string(), String::new())];
        fs::write(folder.root().join("part.model"), "old part").unwrap();
        let replaced = ReplacedRun::set_aside(&folder, &imports).unwrap().unwrap();
        fs::write(folder.root().join("part.model"), "new part").unwrap();
        assert_eq!(names(&folder), [".replaced-run", own[0], own[1], "net.model", "notes.md", "part.model"]);
        drop(replaced);
        assert_eq!(fs::read_to_string(folder.root().join("part.model")).unwrap(), "old part");
        let events = folder.root().join(EVENTS);
        fs::create_dir(&events).unwrap();
        fs::write(events.join("mine.png"), "mine").unwrap();
        let Err(error) = ReplacedRun::set_aside(&folder, &imports) else { panic!("the picture would be lost") };
        assert!(error.message.contains("npc did not write mine.png"), "{}", error.message);
        assert!(folder.last().exists());
    }

    #[test]
    fn a_list_with_the_name_of_an_evaluation_stays() {
        let (_dir, folder) = folder_with(&[&RUN[..], &["cases.csv"]].concat());
        let replaced = ReplacedRun::set_aside(&folder, &[]).unwrap().unwrap();
        let error = folder.create().unwrap_err();
        assert!(error.message.ends_with("of no run: cases.csv"), "{}", error.message);
        drop(replaced);
        assert_eq!(fs::read_to_string(folder.root().join("cases.csv")).unwrap(), "old cases.csv");
        assert!(folder.last().exists());
    }

    #[test]
    fn a_killed_process_leaves_one_of_the_two_runs() {
        // Killed after the first files of the new run.
        let (_dir, folder) = folder_with(&RUN);
        std::mem::forget(ReplacedRun::set_aside(&folder, &[]).unwrap());
        fs::write(folder.settings(), "new").unwrap();
        settle(folder.root()).unwrap();
        assert_eq!(names(&folder), RUN);
        assert_eq!(fs::read_to_string(folder.settings()).unwrap(), "old settings.yaml");
        // Killed while the old files were moved.
        fs::create_dir(folder.root().join(MOVING)).unwrap();
        fs::rename(folder.last(), folder.root().join(MOVING).join("last.safetensors")).unwrap();
        settle(folder.root()).unwrap();
        assert_eq!(names(&folder), RUN);
        // Killed after the first checkpoint of the new run.
        std::mem::forget(ReplacedRun::set_aside(&folder, &[]).unwrap());
        fs::write(folder.last(), "new").unwrap();
        settle(folder.root()).unwrap();
        assert_eq!(names(&folder), ["last.safetensors", "notes.md"]);
        settle(folder.root()).unwrap();
        assert_eq!(fs::read_to_string(folder.last()).unwrap(), "new");
    }

    #[test]
    fn only_the_folder_of_a_run_is_replaced() {
        let (_dir, folder) = folder_with(&["photo.png"]);
        let error = check_replaceable(&folder).unwrap_err();
        assert!(error.message.contains("holds other files and no run"), "{}", error.message);
        assert_eq!(names(&folder), ["photo.png"]);
        // A process was killed before it had written the settings of a run.
        let (_dir, started) = folder_with(&["model.model", ".starting-run"]);
        ReplacedRun::set_aside(&started, &[]).unwrap().unwrap().remove();
        assert_eq!(names(&started), [""; 0]);
        let (_dir, folder) = folder_with(&[]);
        assert!(!check_replaceable(&folder).unwrap());
        assert!(!check_replaceable(&RunFolder::new(folder.root().join("none"))).unwrap());
    }
}
