//! Parses a model file with its imports.

use super::error::WorkbenchError;
use crate::graph::resolve::{ResolvedProgram, resolve_bundle};
use crate::text::diag::Problems;
use crate::text::files::Files;
use crate::text::import::{self, Bundle};
use crate::text::source::SourceMap;
use std::path::Path;

/// A model file with its imports, before name resolution.
#[derive(Debug, Clone)]
pub struct ModelFile {
    /// The texts of the file and of its imports.
    pub sources: SourceMap,
    /// Syntax trees of the file and of its imports.
    pub bundle: Bundle,
    /// Errors of syntax and of imports.
    pub problems: Problems,
}

/// Reads and parses a model file with its imports. Fails only if the file itself cannot be read.
pub fn open(files: &dyn Files, path: &Path) -> Result<ModelFile, WorkbenchError> {
    let mut sources = SourceMap::new();
    match import::load(files, &mut sources, path) {
        Ok((bundle, problems)) => Ok(ModelFile { sources, bundle, problems }),
        Err(problem) => Err(WorkbenchError::problems(sources, problem)),
    }
}

/// Resolves all names. Errors: any error of the files, including those in `problems`.
pub(super) fn resolve_file<'a>(
    bundle: &'a Bundle,
    sources: &SourceMap,
    mut problems: Problems,
) -> Result<ResolvedProgram<'a>, WorkbenchError> {
    let (program, found) = resolve_bundle(bundle);
    problems.extend(found);
    if problems.has_errors() { Err(WorkbenchError::problems(sources.clone(), problems)) } else { Ok(program) }
}
