//! References to a model: `FILE`, `FILE:NAME`, `FILE:NAME(key = value)`, `FILE@REVISION`; and `FILE` with the name apart.

use super::error::WorkbenchError;
use crate::base::problem::problem;
use crate::text::files::Files;
use std::path::{Path, PathBuf};

/// A parsed reference to a model of a file.
pub(super) struct ModelReference<'a> {
    pub file: &'a str,
    /// Revision of the git repository that contains the file.
    pub revision: Option<&'a str>,
    pub model: Option<&'a str>,
    pub args: &'a str,
}

/// Splits a reference into its parts. The name of an existing file may contain a colon or an at sign.
pub(super) fn parse_reference<'t>(files: &dyn Files, text: &'t str) -> ModelReference<'t> {
    let whole = |file| ModelReference { file, revision: None, model: None, args: "" };
    if exists(files, text) {
        return whole(text);
    }
    // A colon at the second position belongs to a drive letter.
    let cut = text.match_indices(':').map(|(at, _)| at).find(|&at| at > 1);
    let (file, model) = cut.map_or((text, None), |at| (&text[..at], Some(&text[at + 1..])));
    let (file, revision) = match file.split_once('@') {
        Some((name, revision)) if !exists(files, file) => (name, Some(revision)),
        _ => (file, None),
    };
    let (model, args) = match model.and_then(|m| m.strip_suffix(')')).and_then(|m| m.split_once('(')) {
        Some((model, args)) => (Some(model), args),
        None => (model, ""),
    };
    ModelReference { file, revision, model: model.map(str::trim).filter(|m| !m.is_empty()), args }
}

/// Checks whether a path exists on disk or as a text of the workbench.
pub(super) fn exists(files: &dyn Files, path: &str) -> bool {
    Path::new(path).exists() || files.read(Path::new(path)).is_ok()
}

/// A model file, with the model and the hyper-parameters that its reference names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedModel {
    /// The model file.
    pub file: PathBuf,
    /// Name of a model or variant.
    pub model: Option<String>,
    /// Hyper-parameters as `key=value,key=value`.
    pub with: Vec<String>,
}

/// Reads `FILE`, `FILE:NAME` or `FILE:NAME(key = value)`. `model` is the name of `--model`, which chooses as `:NAME` does.
///
/// Errors: both name a model, and not the same one.
pub fn named_model(files: &dyn Files, reference: &Path, model: Option<&str>) -> Result<NamedModel, WorkbenchError> {
    let option = model.map(str::to_string);
    let Some(parsed) =
        reference.to_str().map(|text| parse_reference(files, text)).filter(|parsed| parsed.model.is_some())
    else {
        return Ok(NamedModel { file: reference.to_path_buf(), model: option, with: Vec::new() });
    };
    let named = parsed.model.map(str::to_string);
    if let (Some(option), Some(named)) = (&option, &named)
        && option != named
    {
        return Err(WorkbenchError::request(
            problem!(E0503, "`{}` names the model `{named}`, and --model names `{option}`", reference.display();
                help: "name one of them"),
        ));
    }
    let with = Some(parsed.args).filter(|args| !args.trim().is_empty()).map(str::to_string).into_iter().collect();
    // A revision is part of the file's name here, since only a comparison reads git.
    let end = parsed.revision.map_or(parsed.file.len(), |revision| parsed.file.len() + 1 + revision.len());
    let file = reference.to_str().and_then(|text| text.get(..end)).unwrap_or(parsed.file);
    Ok(NamedModel { file: file.into(), model: named, with })
}
