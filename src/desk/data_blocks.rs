//! Checks data blocks of a file against the models that use them, and surveys their files.

use super::arguments::named_arguments;
use super::error::WorkbenchError;
use super::model_file::{ModelFile, open, resolve_file};
use super::selection::{data_named, model_named, unknown_name};
use super::size_suggestions::with_size_suggestions;
use crate::base::error::RunError;
use crate::data::SplitRole;
use crate::data::survey::{Survey, SurveyFinding, SurveyTopic, survey};
use crate::data::training_needs::{check_channels, nothing_to_score};
use crate::graph::check::{check, class_warning};
use crate::graph::elaborate::elaborate;
use crate::graph::resolve::ResolvedProgram;
use crate::text::config::{DataSpec, schema};
use crate::text::diag::{Code, Diagnostic, Problems};
use crate::text::files::Files;
use crate::text::syntax::ast::{self, ItemKind};
use std::collections::BTreeMap;
use std::path::Path;

/// A data block with the findings of its models.
#[derive(Debug, Clone)]
pub struct DataBlock {
    /// The data block with all its settings.
    pub spec: DataSpec,
    /// Input channels of the first model that could be built.
    channels: Option<usize>,
    /// Sizes, channels and classes that do not fit the models.
    findings: Vec<SurveyFinding>,
    /// Whether a run on the data needs images to score its epochs on.
    scored: bool,
}

impl DataBlock {
    /// Reads every file of the data below `root`. `progress` is called with the numbers of cases read and of all cases.
    ///
    /// Returns what was found in the files, followed by the models that do not fit the data. A file that cannot be read is a
    /// finding.
    pub fn survey(&self, root: &Path, progress: &(dyn Fn(usize, usize) + Sync)) -> Survey {
        let mut found = survey(&self.spec, root, self.channels, progress);
        found.extend(self.findings.iter().cloned());
        let unscored = found.data.as_ref().is_some_and(|data| {
            !data.is_empty(SplitRole::Train) && data.is_empty(SplitRole::Val) && data.is_empty(SplitRole::Test)
        });
        if self.scored && unscored && !found.has_errors() {
            found.extend([SurveyFinding::error(SurveyTopic::Files, &nothing_to_score())]);
        }
        found
    }
}

/// Returns the data blocks with these names. Without names these are the blocks of the file itself, or else those that it
/// imports. Each is checked against `model`, or by default against the models of the runs that train on it. A model that
/// does not fit is a finding of [`DataBlock::survey`].
///
/// Errors: the file cannot be read or has an error, a data block or `model` does not exist, the file has no data block, a
/// data block has an error, or a run names no hyper-parameter for a value (E0204).
pub fn data_blocks(
    files: &dyn Files,
    path: &Path,
    names: &[String],
    model: Option<&str>,
) -> Result<Vec<DataBlock>, WorkbenchError> {
    let ModelFile { sources, bundle, problems } = open(files, path)?;
    let program = resolve_file(&bundle, &sources, problems)?;
    let blocks = choose_data(&program, names)
        .and_then(|specs| specs.into_iter().map(|spec| with_models(&program, spec, model)).collect());
    blocks.map_err(|problems| WorkbenchError::problems(sources, problems))
}

/// Returns the data blocks of these names, or else those of the file.
fn choose_data(program: &ResolvedProgram<'_>, names: &[String]) -> Result<Vec<DataSpec>, Problems> {
    let names: Vec<&str> = match names.is_empty() {
        false => names.iter().map(String::as_str).collect(),
        true => {
            let blocks = program.file.items.iter().filter_map(|item| match &item.kind {
                ItemKind::Data(data) => Some(data.name.node.as_str()),
                _ => None,
            });
            let here: Vec<&str> = blocks.collect();
            if here.is_empty() { program.data.keys().copied().collect() } else { here }
        }
    };
    let specs: Vec<DataSpec> = names.into_iter().map(|name| data_named(program, name)).collect::<Result<_, _>>()?;
    if specs.is_empty() {
        return Err(unknown_name("data block", "", std::iter::empty()).into());
    }
    Ok(specs)
}

/// Checks a data block against its models.
fn with_models(program: &ResolvedProgram<'_>, spec: DataSpec, model: Option<&str>) -> Result<DataBlock, Problems> {
    let (mut channels, mut findings) = (None, Vec::new());
    for (entry, args) in models_for(program, &spec, model)? {
        let args = named_arguments(args)?;
        let built = elaborate(program, entry, &args, Some(spec.size)).and_then(check);
        match built.map_err(|p| with_size_suggestions(program, entry, &args, Some(spec.size), p)) {
            Ok(checked) => {
                channels = channels.or(Some(checked.input().channels()));
                let fits = check_channels(&spec, &entry.node, checked.input().channels());
                findings.extend(fits.err().map(|error| SurveyFinding::error(SurveyTopic::Model, &error)));
                // For the model this is a warning, but training refuses it.
                let d = class_warning(&checked, entry, &spec.name, spec.classes.len());
                findings.extend(d.map(|d| model_error(Code::E0716, d.message, d.help.to_vec())));
            }
            Err(problems) => {
                let [h, w] = spec.size;
                let to_finding = |d: &Diagnostic| {
                    let message = format!("`{entry}` does not take {h} x {w} (height x width): {}", d.message);
                    model_error(d.code, message, d.notes.iter().chain(&d.help).cloned().collect())
                };
                findings.extend(problems.iter().find(|d| d.is_error()).map(to_finding));
            }
        }
    }
    let scored = model.is_none() && scores_epochs(program, &spec);
    Ok(DataBlock { spec, channels, findings, scored })
}

/// Returns an error about a model as a finding of its data.
fn model_error(code: Code, message: String, help: Vec<String>) -> SurveyFinding {
    SurveyFinding::error(SurveyTopic::Model, &RunError { code, message, path: None, help })
}

/// Checks whether a run on the data keeps its best epoch, or stops when scores no longer improve.
fn scores_epochs(program: &ResolvedProgram<'_>, spec: &DataSpec) -> bool {
    let runs = program.trains.values().filter(|train| train.data.node == spec.name);
    let specs = runs.filter_map(|train| schema::train_spec(train, BTreeMap::new()).ok());
    specs.into_iter().any(|(train, _)| train.scores_epochs())
}

/// Returns the models that are trained on the data, with their hyper-parameters.
fn models_for<'a>(
    program: &ResolvedProgram<'a>,
    spec: &DataSpec,
    model: Option<&str>,
) -> Result<Vec<(&'a ast::Ident, &'a [ast::Arg])>, Problems> {
    if let Some(name) = model {
        return Ok(vec![(model_named(program, name)?, &[])]);
    }
    let mut wanted: Vec<(&ast::Ident, &[ast::Arg])> = Vec::new();
    for train in program.trains.values().filter(|train| train.data.node == spec.name) {
        let known =
            |entry: &ast::Ident| wanted.iter().any(|(e, args)| e.node == entry.node && args.len() == train.args.len());
        match program.find(&train.model.node) {
            Some(entry) if !known(entry) => wanted.push((entry, &train.args)),
            _ => {}
        }
    }
    Ok(wanted)
}
