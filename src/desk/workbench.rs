//! The workbench: model files on disk or in memory, with the analyses of them.

use super::analysis::{AnalysisRequest, FileAnalysis, analyze_file};
use super::error::WorkbenchError;
use super::fixed_file::{FixedFile, fix_file};
use crate::base::problem::problem;
use crate::text::files::{Disk, Files, Overlay};
use std::path::Path;

/// Stack size in bytes for deeply nested files. Unused memory is not allocated by the operating system.
const STACK_BYTES: usize = 256 << 20;

/// Model files on disk, of which some may be replaced by texts in memory, such as those of an editor.
///
/// Its methods run on a thread whose stack is large enough for the deepest nesting that files may have, so they can be
/// called from a thread with a small stack.
#[derive(Debug, Clone, Default)]
pub struct Workbench<F = Disk> {
    files: Overlay<F>,
}

impl Workbench<Disk> {
    /// Creates a workbench over the files on disk.
    pub fn new() -> Self {
        Self::default()
    }
}

impl<F: Files + Sync> Workbench<F> {
    /// Creates a workbench over other files.
    pub fn over(files: F) -> Self {
        Self { files: Overlay::new(files) }
    }

    /// Replaces the content of `path` by `text`, also for files that import it. The file does not need to exist.
    pub fn set_text(&mut self, path: impl AsRef<Path>, text: impl Into<String>) {
        self.files.set(path, text);
    }

    /// Removes the replacement text of `path`, so that the file on disk is used again.
    pub fn remove_text(&mut self, path: impl AsRef<Path>) {
        self.files.remove(path);
    }

    /// Returns the files that the workbench reads, including replacement texts.
    pub fn files(&self) -> &dyn Files {
        &self.files
    }

    /// Analyses a file: problems, models with their costs, claims, and sweeps.
    ///
    /// Errors: hyper-parameters or lint names of the request cannot be read, or no thread can be started. A file that cannot
    /// be read is a problem of the analysis.
    pub fn analyze(&self, path: impl AsRef<Path>, request: &AnalysisRequest) -> Result<FileAnalysis, WorkbenchError> {
        let path = path.as_ref();
        with_large_stack(|| analyze_file(&self.files, path, request))
    }

    /// Returns the text of a file after the edits that its problems suggest; see [`fix_file`]. The file is not written.
    ///
    /// Errors: the file, or hyper-parameters or lint names of the request, cannot be read, or no thread can be started.
    pub fn fix(
        &self,
        path: impl AsRef<Path>,
        request: &AnalysisRequest,
        likely: bool,
    ) -> Result<FixedFile, WorkbenchError> {
        let path = path.as_ref();
        with_large_stack(|| fix_file(&self.files, path, request, likely))
    }
}

/// Runs `work` on a thread with a large stack.
fn with_large_stack<T: Send>(work: impl FnOnce() -> Result<T, WorkbenchError> + Send) -> Result<T, WorkbenchError> {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(STACK_BYTES).spawn_scoped(scope, work);
        let thread = thread.map_err(|e| problem!(E0751, "cannot start a thread: {e}"))?;
        // A panic is passed on with its message.
        thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}
