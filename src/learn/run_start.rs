//! The start of a run: which folders it may begin in, and the first files that it writes there.
//!
//! The model is written before the settings, which make a run of the folder. A process that is killed in between leaves a model and
//! a mark beside it, so that the model counts as a file of npc. Without the mark a file with the name of a run's is of someone else.

use super::own_content::is_own;
use super::run_files::STARTING;
use super::run_folder::RunFolder;
use crate::base::atomic::write_atomic;
use crate::base::error::{Result, RunError};
use crate::base::file;
use crate::base::problem::problem;
use crate::data::SplitRole;
use crate::text::config::settings::Settings;
use crate::text::files::MAX_FILE_BYTES;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

impl RunFolder {
    /// Checks that the folder does not hold a run or files with the names of a run, so that nothing is overwritten. A run without
    /// a checkpoint does not count, and neither does the model of one that was killed before its settings were written.
    pub fn check_vacant(&self) -> Result<()> {
        if self.metrics_file().exists() || self.last().exists() {
            return Err(self.occupied());
        }
        if self.root().is_dir() {
            // Without settings of a run, no name of a run's file is npc's.
            let of_run = self.has_own_settings();
            let named_so = self.own_files()?;
            let mut foreign: BTreeSet<PathBuf> = named_so.into_iter().filter(|path| !of_run || !is_own(path)).collect();
            if foreign.remove(&self.starting_mark()) {
                foreign.remove(&self.model());
            }
            let names: Vec<String> =
                foreign.iter().map(|path| path.file_name().unwrap_or_default().display().to_string()).collect();
            if !names.is_empty() {
                return Err(problem!(E0722, self.root(),
                    "this folder holds files that the run would replace, and they are of no run: {}", names.join(", ");
                    help: "choose another folder: `--out DIR`"));
            }
        }
        Ok(())
    }

    /// Creates the folder, which must pass [`Self::check_vacant`].
    pub fn create(&self) -> Result<()> {
        self.check_vacant()?;
        std::fs::create_dir_all(self.root()).map_err(|e| RunError::create_dir(self.root(), e))?;
        for role in SplitRole::ALL {
            // Removes lists of a run that never started; the lists of this run are written next.
            let _ = std::fs::remove_file(self.split(role));
        }
        Ok(())
    }

    /// Writes the first files of a run into its folder: the model with its imports, then the settings. A process that is killed
    /// in between leaves a folder in which a run can be started.
    ///
    /// Errors: an imported file has the name of a file of the run, or of a file of someone else in the folder, or a file cannot be
    /// written. The files that were written before the error are removed.
    pub fn begin(&self, source: &str, imports: &[(String, String)], settings: &Settings) -> Result<()> {
        let mark = self.starting_mark();
        if !mark.exists() && !self.has_own_settings() {
            self.check_imports(imports)?;
        }
        let marked_before = mark.exists();
        let absent = self.absent_before(imports);
        write_atomic(&mark, b"")?;
        let written = self.write_model(source, imports).and_then(|()| self.write_settings(settings));
        match &written {
            Ok(()) => std::fs::remove_file(&mark).map_err(|e| RunError::write(&mark, e))?,
            // The first error is the one to report. While the model stays, the mark says whose it is.
            Err(_) if remove_all(&absent) && !marked_before => drop(std::fs::remove_file(&mark)),
            Err(_) => {}
        }
        written
    }

    /// Returns the files that [`Self::write_model`] will add to the folder, each followed by the folders that it will make for it,
    /// the innermost first.
    fn absent_before(&self, imports: &[(String, String)]) -> Vec<PathBuf> {
        let files = imports.iter().map(|(name, _)| self.root().join(name)).chain([self.model()]);
        let with_folders = |file: PathBuf| {
            let inside = file.ancestors().take_while(|path| *path != self.root());
            inside.filter(|path| path.symlink_metadata().is_err()).map(Path::to_path_buf).collect::<Vec<_>>()
        };
        files.flat_map(with_folders).collect()
    }

    /// Checks that no file of someone else has the path of an imported file, with another text.
    fn check_imports(&self, imports: &[(String, String)]) -> Result<()> {
        let is_other = |(name, text): &&(String, String)| {
            let path = self.root().join(name);
            path.exists() && file::read_text(&path, MAX_FILE_BYTES).is_ok_and(|there| there != *text)
        };
        match imports.iter().find(is_other) {
            Some((name, _)) => Err(problem!(E0722, &self.root().join(name),
                "the run would replace this file by the imported file of the same name, and their texts differ";
                help: "choose another folder: `--out DIR`")),
            None => Ok(()),
        }
    }

    /// Whether a process was killed before it had written the settings of a run.
    pub(crate) fn was_starting(&self) -> bool {
        self.starting_mark().exists()
    }

    fn starting_mark(&self) -> PathBuf {
        self.root().join(STARTING)
    }
}

/// Removes files, and folders that are empty then. Returns whether none is left.
fn remove_all(paths: &[PathBuf]) -> bool {
    for path in paths {
        let _ = if path.is_dir() { std::fs::remove_dir(path) } else { std::fs::remove_file(path) };
    }
    paths.iter().all(|path| path.symlink_metadata().is_err())
}

/// The settings of a run for tests.
#[cfg(test)]
pub(super) const SETTINGS: &str = include_str!("../../tests/it/support/run_settings.yaml");

/// Settings of a run for tests, with other texts in their YAML.
#[cfg(test)]
pub(super) fn settings_for_tests(changes: &[(&str, &str)]) -> Settings {
    let yaml = changes.iter().fold(SETTINGS.to_string(), |yaml, (from, to)| yaml.replace(from, to));
    crate::text::config::settings::from_yaml(&yaml).unwrap()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_another_program_keep_a_run_away() {
        let dir = tempfile::tempdir().unwrap();
        let folder = RunFolder::new(dir.path());
        folder.check_vacant().unwrap();
        std::fs::write(folder.root().join("mine.model"), "npc 1").unwrap();
        folder.check_vacant().unwrap();
        for name in ["train.txt", "settings.yaml", "model.model"] {
            std::fs::write(folder.root().join(name), "a: list of names").unwrap();
            let error = folder.check_vacant().unwrap_err();
            assert!(error.message.contains("holds files that the run would replace"), "{}", error.message);
            assert!(error.message.contains(name) && !folder.holds_run(), "{}", error.message);
        }
    }

    /// What a process leaves that is killed after each of the first files, and what keeps a run away all the same.
    #[test]
    fn a_start_that_was_killed_can_be_repeated() {
        let dir = tempfile::tempdir().unwrap();
        let folder = RunFolder::new(dir.path());
        std::fs::write(folder.starting_mark(), "").unwrap();
        folder.check_vacant().unwrap();
        folder.write_model("npc 1\n", &[("part.model".into(), "npc 1\n".into())]).unwrap();
        folder.check_vacant().unwrap();
        folder.create().unwrap();
        std::fs::write(folder.root().join("train.txt"), "a list of mine").unwrap();
        let error = folder.create().unwrap_err();
        assert!(error.message.ends_with("they are of no run: train.txt"), "{}", error.message);
        assert!(folder.split(SplitRole::Train).exists());
    }

    #[test]
    fn a_start_that_fails_can_be_repeated_and_one_that_succeeds_leaves_no_mark() {
        let dir = tempfile::tempdir().unwrap();
        let folder = RunFolder::new(dir.path());
        let settings = settings_for_tests(&[]);
        // The settings cannot be written, since a folder has their name.
        std::fs::create_dir(folder.settings()).unwrap();
        std::fs::create_dir(folder.root().join("mine")).unwrap();
        std::fs::write(folder.root().join("mine/a.model"), "npc 1\n").unwrap();
        let paths = ["mine/a.model", "mine/b.model", "made/deep/c.model", "made/d.model"];
        let imports = paths.map(|name| (name.to_string(), "npc 1\n".to_string()));
        folder.begin("npc 1\n", &imports, &settings).unwrap_err();
        assert_eq!(names(folder.root()), ["mine", "settings.yaml"]);
        assert_eq!(names(&folder.root().join("mine")), ["a.model"]);
        // The mark of an earlier process stays with its model.
        std::fs::write(folder.starting_mark(), "").unwrap();
        std::fs::write(folder.model(), "npc 1\n").unwrap();
        folder.begin("npc 1\n", &[], &settings).unwrap_err();
        assert!(folder.was_starting() && folder.model().exists());
        std::fs::remove_dir(folder.settings()).unwrap();
        folder.check_vacant().unwrap();
        folder.begin("npc 1\n", &[], &settings).unwrap();
        assert!(!folder.starting_mark().exists() && folder.holds_run());
        folder.check_vacant().unwrap();
    }

    #[test]
    fn an_imported_file_replaces_no_file_of_someone_else() {
        let dir = tempfile::tempdir().unwrap();
        let folder = RunFolder::new(dir.path());
        let settings = settings_for_tests(&[]);
        let part = folder.root().join("part.model");
        std::fs::write(&part, "npc 1\n// mine\n").unwrap();
        let imports = |text: &str| [("part.model".to_string(), text.to_string())];
        let error = folder.begin("npc 1\n", &imports("npc 1\n"), &settings).unwrap_err();
        assert!(error.message.contains("their texts differ") && !folder.was_starting(), "{}", error.message);
        assert_eq!(std::fs::read_to_string(&part).unwrap(), "npc 1\n// mine\n");
        folder.begin("npc 1\n", &imports("npc 1\n// mine\n"), &settings).unwrap();
        // The folder is that of a run now.
        folder.begin("npc 1\n", &imports("npc 1\n"), &settings).unwrap();
        assert_eq!(std::fs::read_to_string(&part).unwrap(), "npc 1\n");
    }

    /// Returns the names in a folder, in order.
    fn names(folder: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(folder).unwrap();
        let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}
