//! Keeps the files that a command reads from being replaced by one that it writes.
//!
//! Files are compared by what they are and not by their names: a link, another spelling of the path and a second name of the file
//! are that file.

use super::error::Result;
#[cfg(any(feature = "cli", feature = "run"))]
use super::file;
use super::file::identity;
use super::path::folder_of;
use super::problem::problem;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Number of bytes of an existing file by which it is known.
#[cfg(any(feature = "cli", feature = "run"))]
const HEAD: u64 = 4096;

/// Files that a command reads or that its inputs name, each with what it is, such as `the model file`. A folder stands for the files
/// in it.
#[derive(Debug, Clone, Default)]
pub(crate) struct InputFiles(Vec<(&'static str, PathBuf)>);

impl InputFiles {
    pub(crate) fn add(&mut self, what: &'static str, path: impl Into<PathBuf>) {
        self.0.push((what, path.into()));
    }

    pub(crate) fn extend(&mut self, others: InputFiles) {
        self.0.extend(others.0);
    }
}

/// Checks that no file of `outputs` is an input. The inputs are asked for only where one of the outputs exists already.
///
/// Error: the first input that would be replaced (E0702).
pub(crate) fn check_outputs(
    outputs: impl IntoIterator<Item = PathBuf>,
    inputs: impl FnOnce() -> InputFiles,
) -> Result<()> {
    let outputs: Vec<PathBuf> = outputs.into_iter().filter(|path| path.is_file()).collect();
    if outputs.is_empty() {
        return Ok(());
    }
    let by = |place: fn(&Path) -> &Path| -> BTreeMap<_, &PathBuf> {
        outputs.iter().filter_map(|path| Some((identity(place(path))?, path))).collect()
    };
    let (files, folders) = (by(|path| path), by(folder_of));
    for (what, input) in inputs().0 {
        let Some(id) = identity(&input) else { continue };
        let output = if input.is_dir() { folders.get(&id) } else { files.get(&id) };
        if let Some(output) = output {
            return Err(problem!(E0702, *output, "this is {what}, and the command would replace it";
                help: "choose another file or folder for the output"));
        }
    }
    Ok(())
}

/// Checks that a file to write replaces no file but an earlier one of npc, which `is_own` knows by the beginning of its text. Links are
/// followed. `what` is written, such as `a manual page`.
///
/// Error: there is a file of someone else (E0702).
#[cfg(any(feature = "cli", feature = "run"))]
pub(crate) fn check_replaces_own(path: &Path, what: &str, is_own: impl FnOnce(&str) -> bool) -> Result<()> {
    let is_own = || {
        let head = file::read_head(path, HEAD).unwrap_or_default();
        head.is_empty() || is_own(&String::from_utf8_lossy(&head))
    };
    match std::fs::metadata(path) {
        Ok(found) if found.is_file() && !is_own() => {
            Err(problem!(E0702, path, "{what} would replace this file, and npc did not write it";
                help: "choose another place, or move the file elsewhere"))
        }
        // What is no plain file cannot be written, and the error says so.
        Ok(_) | Err(_) => Ok(()),
    }
}

/// Checks that pictures that a command writes into a folder do not come among inputs of the kinds `among`, such as `a mask`, where they
/// would be taken for others of them.
///
/// Error: the folder holds such an input, or is one (E0702).
#[cfg(feature = "data")]
pub(crate) fn check_output_folder(folder: &Path, among: &[&str], inputs: &InputFiles) -> Result<()> {
    let folder = super::path::or_working_folder(folder);
    let Some(id) = identity(folder) else { return Ok(()) };
    let is_it = |place: &Path| identity(place).as_ref() == Some(&id);
    // Many inputs share a folder, and it is looked at once.
    let mut asked = BTreeMap::new();
    let found = inputs.0.iter().filter(|(what, _)| among.contains(what)).find(|(_, input)| {
        let around = folder_of(input);
        *asked.entry(around).or_insert_with(|| is_it(around)) || input.is_dir() && is_it(input)
    });
    match found {
        Some((what, _)) => Err(
            problem!(E0702, folder, "this is the folder of {what}, and pictures among them would become part of the data";
            help: "choose another folder for the pictures"),
        ),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_input_is_no_output_under_any_name() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        ["series", "other"].iter().for_each(|name| std::fs::create_dir(at(name)).unwrap());
        for name in ["a.model", "b.svg", "series/1.png"] {
            std::fs::write(at(name), "text").unwrap();
        }
        let inputs = || {
            let mut inputs = InputFiles::default();
            inputs.add("the model file", at("a.model"));
            inputs.add("a mask", at("series"));
            inputs.add("a list", at("missing.txt"));
            inputs
        };
        let mut same = vec![at("a.model"), at("series/../a.model")];
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink("a.model", at("link")).unwrap();
            std::fs::hard_link(at("a.model"), at("twin")).unwrap();
            same.extend([at("link"), at("twin")]);
        }
        for output in same {
            let error = check_outputs([at("b.svg"), output.clone()], inputs).unwrap_err();
            assert_eq!(error.message, "this is the model file, and the command would replace it");
            assert_eq!(error.path, Some(output));
        }
        assert!(check_outputs([at("series/1.png")], inputs).is_err());
        check_outputs([at("b.svg"), at("new.svg"), at("missing.txt"), at("series/2.png")], inputs).unwrap();
        #[cfg(feature = "data")]
        for (folder, is_refused) in [("series", true), ("series/..", true), ("other", false), ("new", false)] {
            let checked = check_output_folder(&at(folder), &["a mask"], &inputs());
            assert_eq!(checked.is_err(), is_refused, "{folder}");
        }
        // Nothing is looked for where nothing is replaced.
        check_outputs([at("new.svg")], || panic!("inputs are not needed")).unwrap();
    }
}
