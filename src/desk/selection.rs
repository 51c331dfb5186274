//! Selects models of a file, with hyper-parameters and sizes.

use super::arguments::{model_arguments, named_arguments};
use super::defaults::default_data;
use super::error::WorkbenchError;
use super::image_size::{ImageSize, MAX_SIDE};
use crate::base::problem::problem;
use crate::graph::elaborate::ModelArgument;
use crate::graph::resolve::ResolvedProgram;
use crate::text::config::{DataSpec, schema};
use crate::text::diag::{Code, Diagnostic, Problems, did_you_mean};
use crate::text::source::SourceMap;
use crate::text::syntax::ast;

/// A selection of models. The default is all models as written, each at the size of its data.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    /// A model or variant; by default all of them.
    pub model: Option<String>,
    /// Hyper-parameters as `key=value,key=value`.
    pub with: Vec<String>,
    /// The same as `model.key=value,model.key=value`.
    pub set: Vec<String>,
    /// Data blocks whose image sizes are used.
    pub on: Vec<String>,
    /// Image sizes. Ignored where `on` names data blocks.
    pub size: Vec<ImageSize>,
}

impl Selection {
    /// Returns whether the models have hyper-parameters that the file does not give them.
    pub fn has_arguments(&self) -> bool {
        !self.with.is_empty() || !self.set.is_empty()
    }

    /// Parses the hyper-parameters. Their texts are added to `sources` as `--with` and `--set`.
    ///
    /// Errors: a text is not `key=value`, or its value cannot be parsed; the request is then invalid.
    pub fn arguments(&self, sources: &mut SourceMap) -> Result<Vec<ModelArgument>, WorkbenchError> {
        model_arguments(sources, &self.with, &self.set).map_err(|p| {
            let option = if self.set.is_empty() { "--with" } else { "--with or --set" };
            WorkbenchError::invalid_text(sources.clone(), p, problem!(E0503, "the value of {option} cannot be read"))
        })
    }
}

/// One model at one size that is not built yet.
#[derive(Debug, Clone)]
pub struct SelectedModel {
    /// Name of the model or variant, with its place in the file.
    pub name: ast::Ident,
    /// Image size, or `None` where neither the selection nor the file defines one.
    pub size: Option<ImageSize>,
    /// The data block that defines the size.
    pub on: Option<(String, DataSpec)>,
    /// Whether the selection names the data block. Only then is the model checked against its classes.
    pub data_named: bool,
    /// Hyper-parameters of the run that trains it, where the model stands for a run of a file without models.
    pub run: Option<Vec<ast::Arg>>,
}

impl SelectedModel {
    /// Returns the hyper-parameters of its run, if it stands for one, replaced and followed by those that are given. Errors: one
    /// of the run has no name.
    pub fn arguments(&self, given: &[ModelArgument]) -> Result<Vec<ModelArgument>, Problems> {
        let mut all = self.run.as_deref().map(named_arguments).transpose()?.unwrap_or_default();
        all.retain(|arg| given.iter().all(|other| other.name.node != arg.name.node));
        all.extend_from_slice(given);
        Ok(all)
    }
}

/// Returns the selected models, each with its sizes. Of a file without models these are the models of its runs, one for each run.
///
/// Errors: unknown names, or a file with nothing in it.
pub fn select(program: &ResolvedProgram<'_>, selection: &Selection) -> Result<Vec<SelectedModel>, Problems> {
    let alone = |name| (name, None);
    let chosen: Vec<(&ast::Ident, Option<&ast::Train>)> = match &selection.model {
        Some(name) => vec![alone(model_named(program, name)?)],
        None if program.entries().is_empty() => trained_models(program),
        None => program.entries().into_iter().map(alone).collect(),
    };
    if chosen.is_empty() && program.items.is_empty() && program.file.broken.is_empty() {
        return Err(Diagnostic::from(problem!(E0501, "the file holds no model")).into());
    }
    let mut named = Vec::new();
    for on in &selection.on {
        named.push((on.clone(), data_of_option(program, on)?));
    }
    if let Some([h, w]) = selection.size.iter().find(|size| size.iter().any(|side| !(1..=MAX_SIDE).contains(side))) {
        return Err(Diagnostic::from(problem!(E0503, "the image size {h}x{w} is out of range";
            help: "height and width are 1 to {MAX_SIDE}"))
        .into());
    }
    let mut selected = Vec::new();
    for (name, train) in chosen {
        let run = train.map(|train| train.args.clone());
        let data_named = !named.is_empty();
        let at = |size, on| SelectedModel { name: name.clone(), size, on, data_named, run: run.clone() };
        if !named.is_empty() {
            selected.extend(named.iter().map(|on| at(Some(on.1.size), Some(on.clone()))));
        } else if !selection.size.is_empty() {
            selected.extend(selection.size.iter().map(|&size| at(Some(size), None)));
        } else {
            let on = match train {
                Some(train) => data_named_by(program, train),
                None => default_data(program, &name.node),
            };
            selected.push(at(on.as_ref().map(|(_, spec)| spec.size), on));
        }
    }
    Ok(selected)
}

/// Returns the model of each run of the file itself.
fn trained_models<'a>(program: &ResolvedProgram<'a>) -> Vec<(&'a ast::Ident, Option<&'a ast::Train>)> {
    let run = |item: &'a ast::FileItem| match &item.kind {
        ast::ItemKind::Train(train) => program.find(&train.model.node).map(|name| (name, Some(train))),
        _ => None,
    };
    program.file.items.iter().filter_map(run).collect()
}

/// Returns the data of a run. Errors of the block are reported with the block.
fn data_named_by(program: &ResolvedProgram<'_>, train: &ast::Train) -> Option<(String, DataSpec)> {
    let spec = program.data.get(train.data.node.as_str()).and_then(|data| schema::data_spec(data).ok())?;
    Some((train.data.node.clone(), spec))
}

/// Returns the model or variant of this name, of the file itself or imported.
pub(super) fn model_named<'a>(program: &ResolvedProgram<'a>, name: &str) -> Result<&'a ast::Ident, Diagnostic> {
    let known = program.names();
    program.find(name).ok_or_else(|| unknown_name("model or variant", name, known.iter().map(|e| e.node.as_str())))
}

/// Returns the data block of this name with its settings. Errors: the file does not have it, or the block has errors.
pub(super) fn data_named(program: &ResolvedProgram<'_>, name: &str) -> Result<DataSpec, Problems> {
    match program.data.get(name) {
        Some(data) => schema::data_spec(data),
        None => Err(unknown_name("data block", name, program.data.keys().copied()).into()),
    }
}

/// Returns the data block that an option such as `--on` names. Errors as [`data_named`]; an unknown name is a wrong command line.
pub(super) fn data_of_option(program: &ResolvedProgram<'_>, name: &str) -> Result<DataSpec, Problems> {
    match program.data.get(name) {
        Some(data) => schema::data_spec(data),
        None => Err(unknown_data_of_option(program, name).into()),
    }
}

/// Returns the error for an unknown data block in an option.
pub(super) fn unknown_data_of_option(program: &ResolvedProgram<'_>, name: &str) -> Diagnostic {
    Diagnostic { code: Code::E0503, ..unknown_name("data block", name, program.data.keys().copied()) }
}

/// Returns an error for an unknown name, which suggests a similar name or lists the known names.
pub(crate) fn unknown_name<'a>(what: &str, name: &str, known: impl Iterator<Item = &'a str> + Clone) -> Diagnostic {
    let problem = problem!(E0501, "the file has no {what} `{name}`");
    let problem = match did_you_mean(name, known.clone()) {
        Some(near) => problem.help(format!("did you mean `{near}`?")),
        None => {
            let list: Vec<_> = known.map(|k| format!("`{k}`")).collect();
            if list.is_empty() {
                problem.help(format!("it has no {what} at all"))
            } else {
                problem.help(format!("it has {}", list.join(", ")))
            }
        }
    };
    problem.into()
}

/// Returns the error of a file that does not have exactly one block of a kind, where no name was given.
#[cfg(feature = "data")]
pub(super) fn not_one<'a>(what: &str, names: impl Iterator<Item = &'a str>) -> Diagnostic {
    let names: Vec<_> = names.map(|name| format!("`{name}`")).collect();
    match names.is_empty() {
        true => problem!(E0501, "the file has no {what}").into(),
        false => problem!(E0501, "the file has several {what}s"; help: "name one of {}", names.join(", ")).into(),
    }
}
