//! Loads two models for a comparison. Each is given as `FILE`, `FILE:NAME` or `FILE:NAME(key = value)`.

use super::error::WorkbenchError;
use super::image_size::ImageSize;
use super::model_entry::build;
use super::model_file::{ModelFile, open};
use super::model_reference::{ModelReference, exists, parse_reference};
use super::revision::Checkout;
use super::selection::{Selection, select};
use crate::base::problem::problem;
use crate::graph::check::CheckedGraph;
use crate::graph::ir::{CallChains, NodeId};
use crate::graph::resolve::resolve_bundle;
use crate::text::files::{Disk, Files};
use crate::text::source::SourceMap;
use std::path::Path;

/// A checked model with its source texts.
#[derive(Debug)]
pub struct ComparedModel {
    /// The model's graph, checked at the size of the comparison.
    pub checked: CheckedGraph,
    /// The texts of the model's file and its imports.
    pub sources: SourceMap,
    /// The model as it was requested, without the file.
    pub label: String,
}

/// What both references share: the image size of the comparison, as that of a data block or in pixels, and a model's name.
#[derive(Debug, Clone, Copy, Default)]
pub struct ComparedAt<'a> {
    /// Name of the data block whose image size is used.
    pub on: Option<&'a str>,
    /// Height and width in pixels.
    pub size: Option<ImageSize>,
    /// The model of a reference that names none; by default the first of its file.
    pub model: Option<&'a str>,
}

/// Loads both models. The second may be the name of a model alone, which is then searched in the file of the first. A
/// revision (`FILE@REVISION`) is read from git, everything else from `files`.
///
/// Errors: git does not give the revision, a file cannot be read or has an error, a reference names a model or `at` a data
/// block that does not exist, hyper-parameters cannot be read, a file holds no model, or a model cannot be built at this
/// size.
pub fn compared(
    files: &dyn Files,
    a: &str,
    b: &str,
    at: &ComparedAt<'_>,
) -> Result<[ComparedModel; 2], WorkbenchError> {
    let first = parse_reference(files, a);
    let second = parse_reference(files, b);
    let alone = second.model.is_none() && !exists(files, b) && !b.contains(['/', '.', '@']);
    let joined = format!("{}:{b}", first.file);
    let second = if alone { parse_reference(files, &joined) } else { second };
    if let (Some(model), Some(_), Some(_)) = (at.model, first.model, second.model) {
        return Err(WorkbenchError::request(problem!(E0503, "both models are named, and --model names `{model}`";
            help: "leave --model out; it is for files without a model's name")));
    }
    Ok([load_model(files, &first, at)?, load_model(files, &second, at)?])
}

/// Reads and builds the model of a reference.
fn load_model(
    files: &dyn Files,
    named: &ModelReference<'_>,
    at: &ComparedAt<'_>,
) -> Result<ComparedModel, WorkbenchError> {
    let earlier = named.revision.map(|revision| Checkout::new(Path::new(named.file), revision)).transpose()?;
    let opened = match &earlier {
        Some(checkout) => open(&Disk, &checkout.file),
        None => open(files, Path::new(named.file)),
    };
    let ModelFile { mut sources, bundle, mut problems } = opened?;
    let selection = Selection {
        model: named.model.or(at.model).map(str::to_string),
        with: Some(named.args.to_string()).filter(|a| !a.trim().is_empty()).into_iter().collect(),
        on: at.on.map(str::to_string).into_iter().collect(),
        size: at.size.into_iter().collect(),
        ..Selection::default()
    };
    let args = selection.arguments(&mut sources)?;
    let (program, found) = resolve_bundle(&bundle);
    problems.extend(found);
    let selected = select(&program, &selection).unwrap_or_else(|p| {
        problems.extend(p);
        Vec::new()
    });
    if problems.has_errors() {
        return Err(WorkbenchError::problems(sources, problems));
    }
    // Without a name, the first model of the file is used.
    let Some(selected) = selected.into_iter().next() else {
        return Err(problem!(E0501, Path::new(named.file), "the file holds no model").into());
    };
    match build(&program, &selected, &args) {
        Ok(entry) => {
            let args = if named.args.is_empty() { String::new() } else { format!("({})", named.args) };
            let at = named.revision.map_or(String::new(), |r| format!("@{r}"));
            let label = format!("{}{args}{at}", selected.name);
            Ok(ComparedModel { checked: entry.checked, sources, label })
        }
        Err(p) => Err(WorkbenchError::problems(sources, p)),
    }
}

impl ComparedModel {
    /// Returns the dotted path of a node.
    pub fn path(&self, id: NodeId) -> &str {
        &self.checked.graph().node(id).path
    }

    /// Returns the place of the call that created a node, and the place where the outermost block around it is called.
    pub fn location(&self, id: NodeId) -> String {
        let graph = self.checked.graph();
        let own = self.sources.place(graph.node(id).span);
        match CallChains::new(graph).of(id).first() {
            Some(outer) => format!("{}, by way of {own}", self.sources.place(*outer)),
            None => own,
        }
    }
}
