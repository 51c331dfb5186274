//! What can go wrong once files are read and tensors move.

use std::fmt;
use std::path::{Path, PathBuf};

/// What a step of a run gives back.
pub type Result<T, E = RunError> = std::result::Result<T, E>;

/// A failure of a run: one line that says what is wrong, the file it is about, and what would help.
#[derive(Debug, Clone)]
pub struct RunError {
    /// What is wrong, in one line without a full stop.
    pub message: String,
    /// The file or folder that the failure is about, if there is one.
    pub path: Option<PathBuf>,
    /// What would help, one line each.
    pub help: Vec<String>,
}

impl RunError {
    /// A failure that is about no file.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), path: None, help: Vec::new() }
    }

    /// A failure that is about a file or a folder.
    pub fn at(path: &Path, message: impl Into<String>) -> Self {
        Self { message: message.into(), path: Some(path.to_path_buf()), help: Vec::new() }
    }

    /// The file or folder is not there, or may not be read, or its content is damaged, as `error` says.
    pub fn read(path: &Path, error: impl fmt::Display) -> Self {
        Self::at(path, format!("cannot be read: {error}"))
    }

    /// The file may not be written, or the disk is full, as `error` says.
    pub fn write(path: &Path, error: impl fmt::Display) -> Self {
        Self::at(path, format!("cannot be written: {error}"))
    }

    /// The folder cannot be made, as `error` says.
    pub fn create_dir(path: &Path, error: impl fmt::Display) -> Self {
        Self::at(path, format!("cannot make the folder: {error}"))
    }

    /// Adds a line that says what would help.
    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.help.push(text.into());
        self
    }
}

impl fmt::Display for RunError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.path {
            Some(path) => write!(f, "{}: {}", path.display(), self.message)?,
            None => f.write_str(&self.message)?,
        }
        self.help.iter().try_for_each(|h| write!(f, "\n  help: {h}"))
    }
}

impl std::error::Error for RunError {}

/// The text of an error of a library on one line.
pub(crate) fn one_line(error: &dyn std::fmt::Display) -> String {
    error.to_string().split_whitespace().collect::<Vec<_>>().join(" ")
}
