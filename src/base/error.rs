//! What can go wrong once files are read and tensors move.

use std::fmt;
use std::path::{Path, PathBuf};

pub type Result<T, E = RunError> = std::result::Result<T, E>;

/// A failure of a run: one line that says what is wrong, the file it is about, and what would help.
#[derive(Debug, Clone)]
pub struct RunError {
    pub message: String,
    pub path: Option<PathBuf>,
    pub help: Vec<String>,
}

impl RunError {
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), path: None, help: Vec::new() }
    }

    pub fn at(path: &Path, message: impl Into<String>) -> Self {
        Self { message: message.into(), path: Some(path.to_path_buf()), help: Vec::new() }
    }

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
