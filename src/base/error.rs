//! Problems of a run: everything that is about files, data, weights and devices rather than the text of a model.

use super::code::Code;
use super::path::without_dot;
use super::printable::printable_line;
use super::shorten::message_text;
use std::fmt;
use std::path::{Path, PathBuf};

/// The result of a step of a run.
pub type Result<T, E = RunError> = std::result::Result<T, E>;

/// A problem of a run: its code, one line that says what is wrong, the file it is about, and what to do about it.
/// The macro `problem!` makes it.
#[derive(Debug, Clone)]
pub struct RunError {
    /// Kind of the problem, which `npc explain` explains.
    pub code: Code,
    /// What is wrong, in one line without a full stop.
    pub message: String,
    /// The file or folder that the problem is about, if there is one.
    pub path: Option<PathBuf>,
    /// What to do about it, one line each.
    pub help: Vec<String>,
}

impl RunError {
    /// Returns a problem that is about no file.
    pub fn without_file(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message_text(message.into()), path: None, help: Vec::new() }
    }

    /// Returns a problem of a file or a folder.
    pub fn with_file(code: Code, path: &Path, message: impl Into<String>) -> Self {
        Self { path: Some(path.to_path_buf()), ..Self::without_file(code, message) }
    }

    /// Returns the problem of a file or folder that is missing, may not be read, or ends too early, with the reason `error`.
    pub fn read(path: &Path, error: impl fmt::Display) -> Self {
        Self::with_file(Code::E0701, path, format!("cannot be read: {error}"))
    }

    /// Returns the problem of a file that may not be written, or of a full disk, with the reason `error`.
    pub fn write(path: &Path, error: impl fmt::Display) -> Self {
        Self::with_file(Code::E0702, path, format!("cannot be written: {error}"))
    }

    /// Returns the problem of a folder that cannot be created, with the reason `error`.
    pub fn create_dir(path: &Path, error: impl fmt::Display) -> Self {
        Self::with_file(Code::E0702, path, format!("cannot create the folder: {error}"))
    }

    /// Adds a line that says what to do about the problem.
    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.help.push(message_text(text.into()));
        self
    }

    /// Returns the message with the file it is about: `masks/a.png: cannot be read: ...`. The current folder is left out.
    pub fn headline(&self) -> String {
        match &self.path {
            Some(path) if path != Path::new(".") => {
                // A line feed in a name would begin a line of its own.
                let path = without_dot(path).display().to_string();
                format!("{}: {}", printable_line(&path), self.message)
            }
            Some(_) | None => self.message.clone(),
        }
    }
}

impl fmt::Display for RunError {
    /// Writes the headline and a line for each help.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.headline())?;
        self.help.iter().try_for_each(|h| write!(f, "\n  help: {h}"))
    }
}

impl std::error::Error for RunError {}

/// Returns the text of a library's error on one line.
pub(crate) fn one_line(error: &dyn std::fmt::Display) -> String {
    error.to_string().split_whitespace().collect::<Vec<_>>().join(" ")
}
