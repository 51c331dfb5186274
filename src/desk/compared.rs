//! Two models that are compared, each written as: a model of a file, `FILE`, `FILE:NAME` or `FILE:NAME(key = value)`.

use super::error::WorkbenchError;
use super::model_entry::build;
use super::model_file::{ModelFile, open};
use super::revision::Checkout;
use super::selection::{ImageSize, Selection, select};
use crate::base::problem::problem;
use crate::graph::check::CheckedGraph;
use crate::graph::ir::{CallChains, NodeId};
use crate::graph::resolve::resolve_bundle;
use crate::text::files::{Disk, Files};
use crate::text::source::SourceMap;
use std::path::Path;

/// A model, checked, with the texts it came from.
#[derive(Debug)]
pub struct ComparedModel {
    /// The model's graph, checked at the size of the comparison.
    pub checked: CheckedGraph,
    /// The texts of the model's file and its imports.
    pub sources: SourceMap,
    /// As it was asked for, without the file.
    pub label: String,
}

/// The size at which both are compared: that of a data block, or one in pixels.
#[derive(Debug, Clone, Copy, Default)]
pub struct ComparedAt<'a> {
    /// Name of a data block whose image size is taken.
    pub on: Option<&'a str>,
    /// Height and width in pixels.
    pub size: Option<ImageSize>,
}

/// A file, a name in it, and arguments of the model.
struct ModelReference<'a> {
    file: &'a str,
    /// Of the git repository that the file is in.
    revision: Option<&'a str>,
    model: Option<&'a str>,
    args: &'a str,
}

/// A file that has a colon or an at sign in its name is taken whole.
fn parse_reference<'t>(files: &dyn Files, text: &'t str) -> ModelReference<'t> {
    let whole = |file| ModelReference { file, revision: None, model: None, args: "" };
    if exists(files, text) {
        return whole(text);
    }
    // A drive letter is no file.
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

/// A file of the workbench, or anything else on the disk.
fn exists(files: &dyn Files, path: &str) -> bool {
    Path::new(path).exists() || files.read(Path::new(path)).is_ok()
}

/// Both models; the second may be the name of a model alone, which is looked for in the first one's file. A revision
/// (`FILE@REVISION`) is read from git, everything else from `files`.
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
    Ok([load_model(files, &first, at)?, load_model(files, &second, at)?])
}

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
        model: named.model.map(str::to_string),
        with: Some(named.args.to_string()).filter(|a| !a.trim().is_empty()).into_iter().collect(),
        on: at.on.map(str::to_string).into_iter().collect(),
        size: at.size.into_iter().collect(),
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
    // A file's first model stands for it; its variants are chosen by name.
    let Some(selected) = selected.into_iter().next() else {
        return Err(problem!(E0501, "{}: the file holds no model", named.file).into());
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
    /// The dotted path of a node.
    pub fn path(&self, id: NodeId) -> &str {
        &self.checked.graph().node(id).path
    }

    /// Where the call that made a node is written, and where the outermost block around it is called.
    pub fn location(&self, id: NodeId) -> String {
        let graph = self.checked.graph();
        let own = self.sources.place(graph.node(id).span);
        match CallChains::new(graph).of(id).first() {
            Some(outer) => format!("{}, by way of {own}", self.sources.place(*outer)),
            None => own,
        }
    }
}
