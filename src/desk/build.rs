//! Builds the selected models of a file, or fails if one has a problem.

use super::error::WorkbenchError;
use super::model_entry::{ModelEntry, build};
use super::model_file::{ModelFile, open};
use super::selection::{Selection, select};
use crate::base::problem::problem;
use crate::graph::check::CheckedGraph;
use crate::graph::resolve::resolve_bundle;
use crate::text::files::Files;
use crate::text::source::SourceMap;
use std::path::Path;

/// Builds every selected model of a file. Returns the models in the order of the file, each at the sizes of the selection,
/// with the texts that the spans of their nodes refer to. A file with blocks alone gives no model.
///
/// Errors: the file cannot be read, the file or a selected model has an error, the selection names a model or data block
/// that does not exist, or its hyper-parameters cannot be read.
pub fn build_models(
    files: &dyn Files,
    path: &Path,
    selection: &Selection,
) -> Result<(Vec<CheckedGraph>, SourceMap), WorkbenchError> {
    let ModelFile { mut sources, bundle, mut problems } = open(files, path)?;
    let args = selection.arguments(&mut sources)?;
    let (program, found) = resolve_bundle(&bundle);
    problems.extend(found);
    let selected = select(&program, selection).unwrap_or_else(|p| {
        problems.extend(p);
        Vec::new()
    });
    let mut models: Vec<ModelEntry> = Vec::new();
    for one in selected.iter().filter(|s| !program.is_broken(&s.name.node)) {
        match build(&program, one, &args) {
            // Several runs may train one model.
            Ok(entry) if one.run.is_some() && models.iter().any(|earlier| entry.repeats(earlier)) => {}
            Ok(entry) => models.push(entry),
            Err(p) => problems.extend(p),
        }
    }
    if problems.has_errors() {
        return Err(WorkbenchError::problems(sources, problems));
    }
    Ok((models.into_iter().map(|entry| entry.checked).collect(), sources))
}

/// Builds the one model that is selected. Errors: those of [`build_models`], no model
/// (E0501), and several (E0503).
pub fn build_one(files: &dyn Files, path: &Path, selection: &Selection) -> Result<CheckedGraph, WorkbenchError> {
    let (mut models, _) = build_models(files, path, selection)?;
    match models.len() {
        0 => Err(problem!(E0501, path, "the file holds no model").into()),
        1 => Ok(models.remove(0)),
        _ => Err(WorkbenchError::request(
            problem!(E0503, "the file has several models"; help: "choose one with `--model`"),
        )),
    }
}
