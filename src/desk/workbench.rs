//! Files with texts laid over them, and what can be asked about them.

use super::analysis::{AnalysisRequest, FileAnalysis, analyze_file};
use super::error::WorkbenchError;
use super::fixed_file::{FixedFile, fix_file};
use crate::base::problem::problem;
use crate::text::files::{Disk, Files, Overlay};
use std::path::Path;

/// Stack in bytes for deeply nested files. The memory is only touched when it is needed.
const STACK_BYTES: usize = 256 << 20;

/// Model files, as they lie on the disk or as an editor holds them.
///
/// Its methods work on a thread with a stack that is large enough for the deepest file that is allowed, so they may be
/// called from a thread with a small one.
#[derive(Debug, Clone, Default)]
pub struct Workbench<F = Disk> {
    files: Overlay<F>,
}

impl Workbench<Disk> {
    /// Over the files on the disk.
    pub fn new() -> Self {
        Self::default()
    }
}

impl<F: Files + Sync> Workbench<F> {
    /// Over other files.
    pub fn over(files: F) -> Self {
        Self { files: Overlay::new(files) }
    }

    /// Lets `path` hold `text` from now on, for itself and for files that import it. No such file needs to exist.
    pub fn set_text(&mut self, path: impl AsRef<Path>, text: impl Into<String>) {
        self.files.set(path, text);
    }

    /// Takes the text of `path` away, so that the file on the disk is seen again.
    pub fn remove_text(&mut self, path: impl AsRef<Path>) {
        self.files.remove(path);
    }

    /// What the methods of the workbench read from.
    pub fn files(&self) -> &dyn Files {
        &self.files
    }

    /// Everything that is known of a file before a tensor exists: problems, models with their costs, claims, sweeps.
    ///
    /// Errors: the request's hyper-parameters cannot be read. A file that cannot be read is a problem of the analysis.
    pub fn analyze(&self, path: impl AsRef<Path>, request: &AnalysisRequest) -> Result<FileAnalysis, WorkbenchError> {
        let path = path.as_ref();
        with_large_stack(|| analyze_file(&self.files, path, request))
    }

    /// The text of a file after the edits that its problems suggest; see [`fix_file`].
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
        // A panic stays one, with its message.
        thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}
