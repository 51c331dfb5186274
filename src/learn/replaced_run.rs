//! Replaces the run of a folder: the old run stays until the new one has begun.
//!
//! The files of the old run are moved to a folder inside, and are removed after the first checkpoint of the new run. Whatever ends
//! the process before, an error or a kill, the old run is back at the latest when the next command opens the folder. Files that
//! npc did not write into the folder stay where they are.

use super::own_content::is_own;
use super::run_files::{MOVING, REPLACED};
use super::run_folder::RunFolder;
use crate::base::atomic::remove_leftovers;
use crate::base::error::{Result, RunError};
use crate::base::file;
use crate::base::path::folder_of;
use crate::base::problem::problem;
use crate::text::files::MAX_FILE_BYTES;
use std::fs;
use std::path::{Path, PathBuf};

/// Name of the folder, inside of the moved files, with those that npc did not write.
const KEPT: &str = ".kept-files";

/// The old run of a folder in which a new one begins. It is put back when this is dropped, unless the new run has begun.
#[derive(Debug)]
pub(super) struct ReplacedRun {
    root: PathBuf,
    /// Whether the old run is put back at the end.
    returns: bool,
    /// Files with the names of a run's that npc did not write, relative to the folder. They stay under another name.
    foreign: Vec<PathBuf>,
}

impl ReplacedRun {
    /// Sets the run of a folder aside, with the files of the names that the new run imports. Returns `None` where the folder
    /// does not exist or is empty.
    ///
    /// Errors: the folder holds files and no run (E0722), or a file cannot be moved; then all are where they were.
    pub(super) fn set_aside(folder: &RunFolder, imports: &[(String, String)]) -> Result<Option<ReplacedRun>> {
        let root = folder.root();
        if !check_replaceable(folder)? {
            return Ok(None);
        }
        let relative = |path: &Path| path.strip_prefix(root).unwrap_or(path).to_path_buf();
        let (mut own, mut foreign): (Vec<PathBuf>, Vec<PathBuf>) =
            folder.own_files()?.iter().map(|path| relative(path)).partition(|name| is_own(&root.join(name)));
        for (name, text) in imports.iter().filter(|(name, _)| root.join(name).is_file()) {
            match is_own_import(folder, name, text, imports) {
                true => own.push(PathBuf::from(name)),
                false => foreign.push(PathBuf::from(name)),
            }
        }
        let moving = root.join(MOVING);
        fs::create_dir_all(&moving).map_err(|e| RunError::create_dir(&moving, e))?;
        let set_aside = move_all(&own, root, &moving)
            .and_then(|()| move_all(&foreign, root, &moving.join(KEPT)))
            .and_then(|()| rename(&moving, &root.join(REPLACED)));
        if let Err(error) = set_aside {
            settle(root)?;
            return Err(error);
        }
        Ok(Some(ReplacedRun { root: root.to_path_buf(), returns: true, foreign }))
    }

    /// Returns what becomes of files of someone else with the names of a run's; `None` without one.
    pub(super) fn warning(&self) -> Option<String> {
        let renamed = |name: &PathBuf| {
            let kept = name_beside(&self.root.join(name));
            format!("{} as {}", name.display(), kept.file_name().unwrap_or_default().display())
        };
        let names: Vec<String> = self.foreign.iter().map(renamed).collect();
        (!names.is_empty()).then(|| {
            format!(
                "{}: npc did not write some files with the names of a run's, and keeps {}",
                self.root.display(),
                names.join(", ")
            )
        })
    }

    /// Removes the old run: the new one has begun.
    pub(super) fn remove(mut self) {
        self.returns = false;
        // What cannot be removed now is removed when the folder is next opened.
        let _ = discard(&self.root);
    }
}

impl Drop for ReplacedRun {
    fn drop(&mut self) {
        if self.returns {
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

/// Returns whether a file of the folder is an imported file of the old run, or what the new run would write there anyway: a model file
/// of the old run names it.
fn is_own_import(folder: &RunFolder, name: &str, new: &str, imports: &[(String, String)]) -> bool {
    let root = folder.root();
    let text = |path: &Path| file::read_text(path, MAX_FILE_BYTES).unwrap_or_default();
    let last = name.rsplit('/').next().unwrap_or(name);
    let [alone, below] = [format!("\"{last}\""), format!("/{last}\"")];
    let others = imports.iter().map(|(other, _)| root.join(other)).filter(|path| *path != root.join(name));
    text(&root.join(name)) == new
        || std::iter::once(folder.model()).chain(others).any(|path| {
            let text = text(&path);
            text.contains(&alone) || text.contains(&below)
        })
}

/// Puts a folder in order whose run was being replaced when a process was killed: the old run is put back, unless the new one
/// has begun. Call it only while the folder is locked.
pub(crate) fn settle(root: &Path) -> Result<()> {
    let moving = root.join(MOVING);
    if moving.is_dir() {
        return move_back(&moving, root);
    }
    if !root.join(REPLACED).is_dir() {
        return Ok(());
    }
    if RunFolder::new(root).last().exists() { discard(root) } else { put_back(root) }
}

/// Removes the old run for good. Files that npc did not write come back under names that no run has.
fn discard(root: &Path) -> Result<()> {
    let replaced = root.join(REPLACED);
    let kept = replaced.join(KEPT);
    for path in files_below(&kept) {
        let name = path.strip_prefix(&kept).unwrap_or(&path);
        rename(&path, &name_beside(&root.join(name)))?;
    }
    fs::remove_dir_all(&replaced).map_err(|e| RunError::write(&replaced, e))
}

/// Returns the files below a folder, and the folders in it that have the name of a run's file.
fn files_below(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .flat_map(|entry| {
            let path = entry.path();
            let is_parent = entry.file_type().is_ok_and(|kind| kind.is_dir())
                && !entry.file_name().to_str().is_some_and(super::run_files::is_own_name);
            if is_parent { files_below(&path) } else { vec![path] }
        })
        .collect()
}

/// Returns a free name beside a file: `groups.csv.kept`, then `groups.csv.kept2`.
fn name_beside(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_os_string();
    let named = |end: String| {
        let mut name = name.clone();
        name.push(end);
        path.with_file_name(name)
    };
    let ends = std::iter::once(".kept".to_string()).chain((2..).map(|n| format!(".kept{n}")));
    ends.map(named).find(|path| fs::symlink_metadata(path).is_err()).unwrap_or_default()
}

/// Removes what the new run has written, and puts the old run back.
fn put_back(root: &Path) -> Result<()> {
    for path in RunFolder::new(root).own_files()?.into_iter().filter(|path| is_own(path)) {
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
    let kept = moving.join(KEPT);
    if kept.is_dir() {
        merge(&kept, root)?;
    }
    merge(moving, root)
}

/// Moves what a folder holds into another one, folder by folder where both have it, and removes the first.
fn merge(from: &Path, to: &Path) -> Result<()> {
    for entry in fs::read_dir(from).map_err(|e| RunError::read(from, e))?.flatten() {
        let (path, there) = (entry.path(), to.join(entry.file_name()));
        let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
        if is_folder && there.is_dir() { merge(&path, &there)? } else { rename(&path, &there)? }
    }
    fs::remove_dir(from).map_err(|e| RunError::write(from, e))
}

/// Moves files by their names from one folder to another.
fn move_all(names: &[PathBuf], from: &Path, to: &Path) -> Result<()> {
    for name in names {
        let there = to.join(name);
        let parent = folder_of(&there);
        fs::create_dir_all(parent).map_err(|e| RunError::create_dir(parent, e))?;
        rename(&from.join(name), &there)?;
    }
    Ok(())
}

fn rename(from: &Path, to: &Path) -> Result<()> {
    fs::rename(from, to).map_err(|e| RunError::write(to, e))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learn::run_files::EVENTS;
    use crate::learn::run_start::{SETTINGS, settings_for_tests};

    /// Returns a file as npc writes it, with a word that tells it from others of its kind.
    fn content(name: &str, word: &str) -> Vec<u8> {
        let text = match name {
            "last.safetensors" => {
                let header = format!(r#"{{"__metadata__":{{"npc":"{{\"step\":3}}","word":"{word}"}}}}"#);
                return [&(header.len() as u64).to_le_bytes()[..], header.as_bytes()].concat();
            }
            "metrics.jsonl" => format!("{{\"epoch\":1,\"loss\":0.5,\"word\":\"{word}\"}}\n"),
            "settings.yaml" => format!("# {word}\n{SETTINGS}"),
            ".starting-run" => String::new(),
            "model.model" => format!("npc 1\n// {word}\nimport \"parts/own.model\"\n"),
            _ => format!("{word} {name}"),
        };
        text.into_bytes()
    }

    fn write(folder: &RunFolder, name: &str, word: &str) {
        let path = folder.root().join(name);
        fs::create_dir_all(folder_of(&path)).unwrap();
        fs::write(path, content(name, word)).unwrap();
    }

    #[track_caller]
    fn check(folder: &RunFolder, name: &str, word: &str) {
        assert!(fs::read(folder.root().join(name)).unwrap() == content(name, word), "{name} is not {word}");
    }

    fn folder_with(files: &[&str]) -> (tempfile::TempDir, RunFolder) {
        let dir = tempfile::tempdir().unwrap();
        let folder = RunFolder::new(dir.path().join("r"));
        fs::create_dir(folder.root()).unwrap();
        files.iter().for_each(|name| write(&folder, name, "old"));
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
        assert_eq!(replaced.warning(), None);
        assert_eq!(names(&folder), [".replaced-run", "notes.md"]);
        write(&folder, "settings.yaml", "new");
        replaced.remove();
        assert_eq!(names(&folder), ["notes.md", "settings.yaml"]);
        check(&folder, "settings.yaml", "new");
    }

    #[test]
    fn the_old_run_is_back_if_the_new_one_does_not_begin() {
        let (_dir, folder) = folder_with(&RUN);
        let replaced = ReplacedRun::set_aside(&folder, &[]).unwrap().unwrap();
        write(&folder, "settings.yaml", "new");
        write(&folder, "model.model", "new");
        drop(replaced);
        assert_eq!(names(&folder), RUN);
        check(&folder, "settings.yaml", "old");
    }

    /// Files of someone else with the names of a run's, and a folder of events with a picture of someone else.
    const FOREIGN: [&str; 6] =
        ["best_dice.safetensors", "cases.csv", "groups.csv", "init.json", "report.html", "tensorboard/mine.png"];

    #[test]
    fn files_that_npc_did_not_write_are_kept_under_other_names() {
        let (_dir, folder) = folder_with(&[&RUN[..], &FOREIGN, &["groups.csv.kept"]].concat());
        let replaced = ReplacedRun::set_aside(&folder, &[]).unwrap().unwrap();
        let warning = replaced.warning().unwrap();
        assert!(warning.contains("groups.csv as groups.csv.kept2"), "{warning}");
        folder.create().unwrap();
        write(&folder, "last.safetensors", "new");
        replaced.remove();
        assert!(!folder.root().join(REPLACED).exists() && !folder.settings().exists());
        for name in ["best_dice.safetensors", "cases.csv", "init.json", "report.html"] {
            assert_eq!(fs::read(folder.root().join(format!("{name}.kept"))).unwrap(), content(name, "old"));
        }
        assert_eq!(fs::read_to_string(folder.root().join("groups.csv.kept2")).unwrap(), "old groups.csv");
        assert!(folder.root().join("tensorboard.kept/mine.png").exists() && !folder.root().join(EVENTS).exists());
        check(&folder, "last.safetensors", "new");
    }

    #[test]
    fn files_that_npc_did_not_write_are_back_if_the_new_run_does_not_begin() {
        let (_dir, folder) = folder_with(&[&RUN[..], &FOREIGN].concat());
        let before = names(&folder);
        let replaced = ReplacedRun::set_aside(&folder, &[]).unwrap().unwrap();
        folder.create().unwrap();
        write(&folder, "last.safetensors", "new");
        drop(replaced);
        assert_eq!(names(&folder), before);
        [&RUN[..], &FOREIGN].concat().iter().for_each(|name| check(&folder, name, "old"));
    }

    #[test]
    fn imported_files_go_with_their_run_and_others_stay() {
        let own = ["best_of_all.safetensors", "cases_of_patients.csv", "net.model"];
        let files = [&RUN[..], &own, &["model.model", "parts/own.model", "extra.model"]].concat();
        let imports = ["parts/own.model", "extra.model"].map(|name| (name.to_string(), format!("new {name}")));
        let (_dir, folder) = folder_with(&files);
        let before = names(&folder);
        let begin = || {
            let replaced = ReplacedRun::set_aside(&folder, &imports).unwrap().unwrap();
            assert!(!folder.root().join("parts/own.model").exists() && !folder.root().join("extra.model").exists());
            // The texts differ from those of the old run, which no longer lie in the way.
            folder.begin("npc 1\n", &imports, &settings_for_tests(&[])).unwrap();
            replaced
        };
        drop(begin());
        assert_eq!(names(&folder), before);
        files.iter().for_each(|name| check(&folder, name, "old"));
        let replaced = begin();
        assert!(replaced.warning().unwrap().ends_with("keeps extra.model as extra.model.kept"));
        write(&folder, "last.safetensors", "new");
        replaced.remove();
        ["parts/own.model", "extra.model"].iter().for_each(|name| check(&folder, name, "new"));
        own.iter().for_each(|name| check(&folder, name, "old"));
        assert_eq!(fs::read_to_string(folder.root().join("extra.model.kept")).unwrap(), "old extra.model");
        assert!(!folder.root().join("parts/own.model.kept").exists());
    }

    #[test]
    fn a_killed_process_leaves_one_of_the_two_runs() {
        // Killed after the first files of the new run.
        let (_dir, folder) = folder_with(&[&RUN[..], &["groups.csv"]].concat());
        let before = names(&folder);
        std::mem::forget(ReplacedRun::set_aside(&folder, &[]).unwrap());
        write(&folder, "settings.yaml", "new");
        settle(folder.root()).unwrap();
        assert_eq!(names(&folder), before);
        check(&folder, "settings.yaml", "old");
        // Killed while the old files were moved.
        fs::create_dir_all(folder.root().join(MOVING).join(KEPT)).unwrap();
        fs::rename(folder.last(), folder.root().join(MOVING).join("last.safetensors")).unwrap();
        fs::rename(folder.root().join("groups.csv"), folder.root().join(MOVING).join(KEPT).join("groups.csv")).unwrap();
        settle(folder.root()).unwrap();
        assert_eq!(names(&folder), before);
        // Killed after the first checkpoint of the new run.
        std::mem::forget(ReplacedRun::set_aside(&folder, &[]).unwrap());
        write(&folder, "last.safetensors", "new");
        settle(folder.root()).unwrap();
        assert_eq!(names(&folder), ["groups.csv.kept", "last.safetensors", "notes.md"]);
        settle(folder.root()).unwrap();
        check(&folder, "last.safetensors", "new");
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
