//! Resolves a run of a model file or of a settings file, with everything that training needs.

use super::arguments::{arguments, named_arguments};
use super::error::WorkbenchError;
use super::model_file::{ModelFile, open, resolve_file};
use super::selection::{data_named, model_named, not_one, unknown_name};
use crate::base::error::RunError;
use crate::base::path::{absolute, folder_of, leads_out};
use crate::base::problem::problem;
use crate::graph::check::{CheckedGraph, FrozenPaths, check};
use crate::graph::elaborate::{ModelArgument, elaborate};
use crate::graph::ir::CallChains;
use crate::graph::resolve::{ResolvedProgram, allows};
use crate::learn::run_folder::{RunFolder, read_settings};
use crate::learn::trained_run::TrainedRun;
use crate::study::lint::lints;
use crate::text::config::schema;
use crate::text::config::settings::{FORMAT, Settings};
use crate::text::config::{DataSpec, GroupBy, Grouping, TrainSpec};
use crate::text::diag::{Diagnostic, Problems, WarningFilter};
use crate::text::files::{Disk, Files};
use crate::text::source::{SourceMap, Span, Spanned};
use crate::text::syntax::ast::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};

/// A run with its checked model and all its settings.
pub struct ResolvedRun {
    /// The model's graph, checked at the image size of the run's data.
    pub checked: CheckedGraph,
    /// All settings of the run, as `settings.yaml` contains them.
    pub settings: Settings,
    /// The exact text of the model file.
    pub source: String,
    /// The imported files, each with its path relative to the model file and its text.
    pub imports: Vec<(String, String)>,
    /// Place of each node in the files, by the path of the node.
    pub places: BTreeMap<String, String>,
    /// Warnings about the network at the size of the data that no `@allow` of the file silences, as `npc check` gives them.
    pub warnings: Vec<String>,
}

impl ResolvedRun {
    /// Returns the run together with its folder.
    pub fn trained<'a>(&'a self, folder: &'a RunFolder) -> TrainedRun<'a> {
        TrainedRun { checked: &self.checked, settings: &self.settings, folder }
    }
}

/// Changes of settings on the command line: `key=value` for the run, `data.key=value`, `model.key=value`.
#[derive(Default)]
struct SettingChanges {
    train: Vec<Entry>,
    data: Vec<Entry>,
    model: BTreeMap<String, String>,
    /// What was typed before the value of each of `model`: `--with width` or `--set model.width`.
    origins: BTreeMap<String, String>,
}

/// Parses the changes of the command line.
fn parse_changes(sources: &mut SourceMap, set: &[String], with: &[String]) -> Result<SettingChanges, Problems> {
    let mut changes = SettingChanges::default();
    for ModelArgument { name, value } in arguments(sources, "--set", set)? {
        let (part, key) = name.node.split_once('.').unwrap_or(("train", &name.node));
        let key = Spanned::new(key.to_string(), name.span);
        match part {
            "train" => match schema::data_key(&key.node) {
                Some(data) => {
                    let whole = sources.snippet(value.span);
                    return Err(problem!(E0503, name.span, "`{name}` is a setting of the data block, not of the run";
                        help: "write `data.{data}={whole}`")
                    .into());
                }
                None => changes.train.push(Entry { key, value }),
            },
            "data" => changes.data.push(Entry { key, value }),
            "model" => {
                changes.origins.insert(key.node.clone(), format!("--set {name}"));
                changes.model.insert(key.node, sources.snippet(value.span).to_string());
            }
            _ => {
                return Err(problem!(E0503, name.span, "`{name}` is not a setting of a run";
                    help: "write for example `epochs=5`, `data.size=[128, 128]` or `model.attention=se`")
                .into());
            }
        }
    }
    for ModelArgument { name, value } in arguments(sources, "--with", with)? {
        changes.origins.insert(name.node.clone(), format!("--with {name}"));
        changes.model.insert(name.node, sources.snippet(value.span).to_string());
    }
    Ok(changes)
}

/// Fails if a change of a setting names no setting of a run, and a hyper-parameter of the model.
fn misplaced_hyper_parameter(
    program: &ResolvedProgram<'_>,
    model: &str,
    changes: &SettingChanges,
) -> Result<(), Diagnostic> {
    let Some((model, _)) = program.entry(model) else { return Ok(()) };
    let is_parameter = |entry: &&Entry| model.params.iter().any(|param| param.name.node == entry.key.node);
    let misplaced = changes.train.iter().filter(|entry| schema::train_key(&entry.key.node).is_none());
    match misplaced.into_iter().find(is_parameter) {
        None => Ok(()),
        Some(Entry { key: name, .. }) => {
            Err(problem!(E0503, name.span, "`{name}` is a hyper-parameter of the model, not a setting of the run";
            help: "write `--set model.{name}=VALUE`, or `--with {name}=VALUE`"))
        }
    }
}

/// The settings of a run before its model is built.
struct RunDraft {
    train: TrainSpec,
    data: DataSpec,
    data_root: String,
    device: String,
    threads: Option<usize>,
    /// The paths of `train.freeze` with their spans, for a run of a model file.
    freeze: Option<Vec<Spanned<String>>>,
    /// The groups of the split that the changes took away.
    dropped_group: Option<GroupBy>,
}

/// The run to resolve, with changes of settings.
pub struct RunRequest<'a> {
    /// A model file, or the `settings.yaml` of an earlier run.
    pub file: &'a Path,
    /// Name of a `train` block. Not needed where the file has only one, or for a settings file.
    pub run: Option<&'a str>,
    /// A model or variant that replaces the run's model and its hyper-parameters.
    pub model: Option<&'a str>,
    /// Changes of settings: `key=value` for the run, `data.key=value`, `model.key=value`.
    pub set: &'a [String],
    /// Hyper-parameters of the model: `key=value` is the same as `model.key=value` among the changes.
    pub with: &'a [String],
    /// Folder that the relative paths of the data block start from, instead of that of the run.
    pub data_root: Option<&'a Path>,
    /// `cpu`, `cuda` or `cuda:N`, instead of the device of the run.
    pub device: Option<&'a str>,
}

/// Checks by its extension (`yaml` or `yml`) whether a path is the settings file of a run rather than a model file.
pub fn is_settings(path: &Path) -> bool {
    path.extension().is_some_and(|e| e.eq_ignore_ascii_case("yaml") || e.eq_ignore_ascii_case("yml"))
}

/// Reads and checks the model of a run, and fills in the defaults of all settings. No file of the data is opened,
/// and no device.
///
/// Errors: the settings or the model file cannot be read or have an error, the run, its data block or its model does not
/// exist, the file has not exactly one run where none is named, a change of settings cannot be read or applied, the model
/// cannot be built at the image size of the data, or a path to freeze does not fit the model.
pub fn resolve_run(files: &dyn Files, request: &RunRequest<'_>) -> Result<ResolvedRun, WorkbenchError> {
    if is_settings(request.file) {
        let settings = read_settings(request.file)?;
        let model = model_of_settings(request.file, &settings.model_file)?;
        let draft = RunDraft {
            train: settings.train,
            data: settings.data,
            data_root: settings.data_root,
            device: settings.device,
            threads: settings.threads,
            freeze: None,
            dropped_group: None,
        };
        return build_run(files, &model, request, |_, _| Ok(draft));
    }
    build_run(files, request.file, request, |program, sources| {
        let train = match request.run {
            Some(name) => program
                .trains
                .get(name)
                .copied()
                .ok_or_else(|| Problems::from(unknown_name("run", name, program.trains.keys().copied())))?,
            None => match program.trains.values().collect::<Vec<_>>()[..] {
                [one] => *one,
                _ => return Err(not_one("run", program.trains.keys().copied()).into()),
            },
        };
        let text = |a: ModelArgument| (a.name.node.clone(), sources.snippet(a.value.span).to_string());
        let args = named_arguments(&train.args)?.into_iter().map(text).collect();
        let (spec, _) = schema::train_spec(train, args)?;
        let data = data_named(program, &train.data.node)?;
        let freeze = schema::freeze_paths(&train.entries);
        let (data_root, device) = (".".into(), "cpu".into());
        Ok(RunDraft { train: spec, data, data_root, device, threads: None, freeze, dropped_group: None })
    })
}

/// Returns the path of the model file of a run, which lies in the folder of its settings. Messages about a model show its lines, so no
/// file from elsewhere is read as one.
fn model_of_settings(settings: &Path, name: &str) -> Result<PathBuf, RunError> {
    let model = settings.with_file_name(name);
    if model.extension().is_none_or(|e| e != "model") {
        return Err(
            problem!(E0721, settings, "`model_file` is not the name of a model file"; help: "names of model files end in .model"),
        );
    }
    if Path::new(name).components().any(|part| !matches!(part, Component::Normal(_))) {
        return Err(
            problem!(E0721, settings, "`model_file` leads out of the run folder"; help: "copy the model file into the folder, and write its name"),
        );
    }
    match leads_out(folder_of(settings), &model) {
        true => Err(
            problem!(E0721, &model, "leads out of the run folder through a symbolic link"; help: "copy the model file into the folder"),
        ),
        false => Ok(model),
    }
}

impl RunDraft {
    /// Applies the model and the changes of the request.
    fn changed(mut self, model: Option<&str>, changes: SettingChanges) -> Result<RunDraft, Problems> {
        if let Some(model) = model.filter(|model| **model != self.train.model) {
            self.train.model = model.to_string();
            self.train.args.clear();
        }
        self.train.args.extend(changes.model);
        self.train = schema::override_train(self.train, &changes.train)?;
        let group = self.data.grouping.group.clone();
        self.data = schema::override_data(&self.data, &changes.data)?;
        self.dropped_group = group.filter(|_| self.data.grouping.group.is_none());
        self.freeze = schema::freeze_paths(&changes.train).or(self.freeze);
        Ok(self)
    }
}

/// Builds the model of a run from its draft and checks the paths that the run freezes.
fn build_run(
    files: &dyn Files,
    model: &Path,
    request: &RunRequest<'_>,
    draft: impl FnOnce(&ResolvedProgram<'_>, &SourceMap) -> Result<RunDraft, Problems>,
) -> Result<ResolvedRun, WorkbenchError> {
    let ModelFile { mut sources, bundle, problems } = open(files, model)?;
    let changes = match parse_changes(&mut sources, request.set, request.with) {
        Ok(changes) => changes,
        Err(p) => return Err(WorkbenchError::problems(sources, p)),
    };
    let program = resolve_file(&bundle, &sources, problems)?;
    let requested = changes.origins.clone();
    let made = draft(&program, &sources).and_then(|draft| {
        misplaced_hyper_parameter(&program, request.model.unwrap_or(&draft.train.model), &changes)?;
        draft.changed(request.model, changes)
    });
    let RunDraft { mut train, data, data_root, device, threads, freeze, dropped_group } = match made {
        Ok(draft) => draft,
        Err(p) => return Err(WorkbenchError::problems(sources, p)),
    };
    let checked = match build_model(&program, &mut sources, &train, &requested, data.size) {
        Ok(checked) => checked,
        Err(p) => return Err(WorkbenchError::problems(sources, p)),
    };
    let freeze = freeze.unwrap_or_else(|| {
        let mut place = |path: &str| Span::new(sources.add("freeze", path), 0, path.len());
        train.freeze.iter().map(|path| Spanned::new(path.clone(), place(path))).collect()
    });
    let wrong = FrozenPaths::problems(&checked, &freeze, &checked.supervised_results(&train.supervise));
    if wrong.has_errors() {
        return Err(WorkbenchError::problems(sources, wrong));
    }
    let data_root = request.data_root.map_or(data_root, |p| p.display().to_string());
    train.init = train.init.map(|path| absolute(&path).display().to_string());
    let settings = Settings {
        format: FORMAT,
        versions: versions(),
        model_file: "model.model".into(),
        // Paths are absolute, so that a run folder can be used from any working directory.
        data_root: absolute(&data_root).display().to_string(),
        device: request.device.map_or(device, str::to_string),
        threads,
        train,
        data,
    };
    let text = |id| sources.text(id).to_string();
    let imports = bundle.imported.iter().map(|i| (i.path.clone(), text(i.source))).collect();
    let places = node_locations(&checked, &sources);
    let mut warnings = warnings(&program, &sources, &settings.train.model, &checked);
    warnings.splice(0..0, dropped_group.map(|group| dropped_group_warning(&group, &settings.data)));
    Ok(ResolvedRun { checked, settings, source: text(bundle.source), imports, places, warnings })
}

/// Returns a warning about a split of the command line without the groups that the file's split has.
fn dropped_group_warning(group: &GroupBy, data: &DataSpec) -> String {
    let whole = DataSpec { grouping: Grouping { group: Some(group.clone()), ..data.grouping.clone() }, ..data.clone() };
    format!(
        "`--set data.split=` drops `{}` of the file's split, so images of one group may be in training and test: data leakage\n  \
         help: keep the groups: `--set data.split='{}'`",
        group.entry_text(),
        whole.split_text()
    )
}

/// Returns the lints of a run's network, each with its place and its help.
fn warnings(program: &ResolvedProgram<'_>, sources: &SourceMap, model: &str, checked: &CheckedGraph) -> Vec<String> {
    let filter = WarningFilter { allows: allows(program), allowed: BTreeSet::new(), denied: BTreeSet::new() };
    // An `@allow` above the model or variant applies to all its parts.
    let through: Vec<Span> = program.find(model).map(|entry| entry.span).into_iter().collect();
    let found: Problems = lints(checked).into_iter().map(|d| d.through(through.clone())).collect();
    let text = |d: &Diagnostic| {
        let place = d.primary.as_ref().map_or_else(String::new, |label| format!("{}: ", sources.place(label.span)));
        let first = format!("{place}{} ({})", d.message, d.code.id());
        d.help.iter().fold(first, |text, help| format!("{text}\n  help: {help}"))
    };
    filter.apply(found, &mut BTreeSet::new()).iter().map(text).collect()
}

/// Returns the place of each node and the place where the model calls the block around it: `std.model:12:5, called at
/// net.model:31:3`.
fn node_locations(checked: &CheckedGraph, sources: &SourceMap) -> BTreeMap<String, String> {
    let graph = checked.graph();
    let chains = CallChains::new(graph);
    let one = |id| {
        let node = graph.node(id);
        let place = sources.place(node.span);
        match chains.of(id).first() {
            Some(call) => (node.path.clone(), format!("{place}, called at {}", sources.place(*call))),
            None => (node.path.clone(), place),
        }
    };
    graph.order().into_iter().map(one).collect()
}

/// Builds the model of a run at the size of its data. Hyper-parameters that were `requested` on the command line are named so.
fn build_model(
    program: &ResolvedProgram<'_>,
    sources: &mut SourceMap,
    train: &TrainSpec,
    requested: &BTreeMap<String, String>,
    size: [usize; 2],
) -> Result<CheckedGraph, Problems> {
    let mut args = Vec::new();
    for (name, value) in &train.args {
        let origin = requested.get(name).map_or("model arguments", String::as_str);
        args.extend(arguments(sources, origin, &[format!("{name}={value}")])?);
    }
    let entry = model_named(program, &train.model)?;
    check(elaborate(program, entry, &args, Some(size))?)
}

/// Returns the versions of npc and Burn.
fn versions() -> BTreeMap<String, String> {
    let known = [("npc", env!("CARGO_PKG_VERSION")), ("burn", "0.22.1")];
    known.into_iter().map(|(k, v)| (k.to_string(), v.to_string())).collect()
}

/// Opens a finished or interrupted run of the folder `dir` on disk. Returns the run as its `settings.yaml` and its copy of the
/// model file describe it, and the folder. `data_root` and `device` replace those of the settings.
///
/// Errors: the folder has no `settings.yaml` (E0721), and those of [`resolve_run`].
pub fn reopen(
    dir: &Path,
    data_root: Option<&Path>,
    device: Option<&str>,
) -> Result<(ResolvedRun, RunFolder), WorkbenchError> {
    let folder = RunFolder::new(dir);
    folder.check_is_run()?;
    let settings: PathBuf = folder.settings();
    let run = resolve_run(
        &Disk,
        &RunRequest { file: &settings, run: None, model: None, set: &[], with: &[], data_root, device },
    )?;
    Ok((run, folder))
}
