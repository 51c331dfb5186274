//! Resolves the data of a data block or of a run.

use super::arguments::arguments;
use super::error::WorkbenchError;
use super::model_file::{ModelFile, open};
use super::resolved_run::{RunRequest, is_settings, resolve_run};
use super::selection::{data_named, not_one};
use crate::base::problem::problem;
use crate::graph::elaborate::ModelArgument;
use crate::graph::resolve::resolve_bundle;
use crate::text::config::{DataSpec, TrainSpec, schema};
use crate::text::diag::Problems;
use crate::text::files::Files;
use crate::text::source::{SourceMap, Spanned};
use crate::text::syntax::ast::Entry;
use std::path::{Path, PathBuf};

/// Channels of a picture without a network: colour is unchanged, grey is repeated.
const CHANNELS: usize = 3;

/// The description of the data, with changes of settings.
#[derive(Debug, Clone, Copy)]
pub struct DataRequest<'a> {
    /// A model file, or the `settings.yaml` of a run.
    pub file: &'a Path,
    /// Name of a `data` block; by default that of the run, or the only one of the file.
    pub data: Option<&'a str>,
    /// Name of a `train` block whose data is used.
    pub run: Option<&'a str>,
    /// Changes of settings: `data.key=value`, and for a run all changes that runs allow.
    pub set: &'a [String],
    /// Hyper-parameters of the model of a run.
    pub with: &'a [String],
    /// Folder that the relative paths of the data block start from.
    pub data_root: Option<&'a Path>,
}

/// Data that is ready to be opened.
#[derive(Debug, Clone)]
pub struct ResolvedData {
    /// The data block with all its settings.
    pub data: DataSpec,
    /// Folder that the relative paths of the data block start from.
    pub root: PathBuf,
    /// Input channels of the network that uses the data.
    pub channels: usize,
    /// The run that trains on the data, where one was requested.
    pub train: Option<TrainSpec>,
}

/// Resolves a data block, either directly or as the data of a run. No file of the data is opened.
///
/// Errors: the file cannot be read or has an error, the data block does not exist or is not the only one where none is
/// named, a change of settings cannot be read or applied, the errors of [`resolve_run`] for a run, and a data block that is
/// not that of the run.
pub fn resolve_data(files: &dyn Files, request: &DataRequest<'_>) -> Result<ResolvedData, WorkbenchError> {
    if request.run.is_none() && !is_settings(request.file) {
        if !request.with.is_empty() {
            return Err(WorkbenchError::request(problem!(E0503, "a data block has no hyper-parameters of a model";
                help: "name a run with `--run`, or leave out `--with`")));
        }
        let data = data_block(files, request)?;
        let root = request.data_root.unwrap_or(Path::new(".")).to_path_buf();
        return Ok(ResolvedData { data, root, channels: CHANNELS, train: None });
    }
    let DataRequest { file, run, set, with, data_root, .. } = *request;
    let ready = resolve_run(files, &RunRequest { file, run, model: None, set, with, data_root, device: None })?;
    let settings = ready.settings;
    if let Some(name) = request.data.filter(|name| *name != settings.data.name) {
        let (run, data) = (&settings.train.name, &settings.data.name);
        return Err(problem!(E0501, "run `{run}` trains on data `{data}`, not on `{name}`";
            help: "leave out `{name}`, or name another run")
        .into());
    }
    Ok(ResolvedData {
        data: settings.data,
        root: settings.data_root.into(),
        channels: ready.checked.input().channels(),
        train: Some(settings.train),
    })
}

/// Reads a data block of a model file, with the changes of the request.
fn data_block(files: &dyn Files, request: &DataRequest<'_>) -> Result<DataSpec, WorkbenchError> {
    let ModelFile { mut sources, bundle, mut problems } = open(files, request.file)?;
    let made = parse_changes(&mut sources, request.set).and_then(|entries| {
        let (program, found) = resolve_bundle(&bundle);
        problems.extend(found);
        if problems.has_errors() {
            return Err(problems);
        }
        let spec = match request.data {
            Some(name) => data_named(&program, name)?,
            None => match program.data.values().collect::<Vec<_>>()[..] {
                [one] => schema::data_spec(one)?,
                _ => return Err(not_one("data block", program.data.keys().copied()).into()),
            },
        };
        schema::override_data(&spec, &entries)
    });
    made.map_err(|problems| WorkbenchError::problems(sources, problems))
}

fn parse_changes(sources: &mut SourceMap, set: &[String]) -> Result<Vec<Entry>, Problems> {
    let entry = |ModelArgument { name, value }| match name.node.strip_prefix("data.") {
        Some(key) => Ok(Entry { key: Spanned::new(key.to_string(), name.span), value }),
        None => Err(Problems::from(problem!(E0503, name.span, "`{name}` is not a setting of the data block";
                help: "write for example `data.size=[128, 128]`, or name a run with `--run`"))),
    };
    arguments(sources, "--set", set)?.into_iter().map(entry).collect()
}
