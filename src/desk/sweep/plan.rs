//! Plans the runs of a sweep: one for each point and seed, with the settings of a `train` block.

use super::data_changes::SweepDataSets;
use super::reported_figures::reported_figures;
use super::run_state::{RunState, differences, run_state};
use crate::base::count::counted;
use crate::base::path::absolute;
use crate::base::problem::problem;
use crate::desk::arguments::{ArgumentTexts, argument_texts, split_commas};
use crate::desk::error::WorkbenchError;
use crate::desk::memory_settings::MemorySettings;
use crate::desk::model_file::{ModelFile, open, resolve_file};
use crate::desk::resolved_run::{ResolvedRun, RunRequest, resolve_run};
use crate::desk::selection::{unknown_data_of_option, unknown_name};
use crate::graph::resolve::ResolvedProgram;
use crate::learn::run_folder::RunFolder;
use crate::study::claim::{MeasuredModel, PeakBytes, ReportedFigure, SweepBound};
use crate::study::cost::{Convention, count};
use crate::study::explore::{SweepModel, sweep_bounds, sweep_models};
use crate::text::diag::Diagnostic;
use crate::text::files::Files;
use crate::text::source::SourceMap;
use crate::text::syntax::ast;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// The sweep and the run whose settings its points get.
pub struct SweepRequest<'a> {
    /// The model file that declares the sweep.
    pub file: &'a Path,
    /// Name of the sweep.
    pub sweep: &'a str,
    /// Name of the `train` block whose settings all points get; by default chosen by `on`, or else by the models of the
    /// sweep.
    pub run: Option<&'a str>,
    /// Name of a data block or a run that determines the `train` block.
    pub on: Option<&'a str>,
    /// Number of runs for each point. Their seeds count up from that of the `train` block.
    pub seeds: u64,
    /// Changes of settings for all runs: `key=value`, `data.key=value`, `model.key=value`.
    pub set: &'a [String],
    /// Hyper-parameters of all models: `key=value`.
    pub with: &'a [String],
    /// Folder that the relative paths of the data block start from.
    pub data_root: Option<&'a Path>,
    /// `cpu`, `cuda` or `cuda:N` for all runs.
    pub device: Option<&'a str>,
    /// Folder for the run folders; by default `runs/SWEEP-RUN`.
    pub out: Option<&'a Path>,
    /// The data block whose reported figures are shown in the table; by default that of the run.
    pub figures_for: Option<&'a str>,
    /// The counting rule of MACs.
    pub convention: Convention,
}

/// A sweep with all its runs and their states.
pub struct SweepPlan {
    /// Name of the sweep.
    pub sweep: String,
    /// Name of the `train` block whose settings all points get.
    pub run: String,
    /// Name of the data block that the runs train on.
    pub data: String,
    /// Name of the data block that the reported figures are for.
    pub figures_for: String,
    /// Folder that the run folders are in: `OUT/POINT/seed=N`.
    pub out: PathBuf,
    /// The properties that distinguish the points: `model`, or names of hyper-parameters.
    pub axes: Vec<String>,
    /// The points that `keep where` keeps, in the order of the sweep.
    pub points: Vec<PlannedPoint>,
    /// Number of points that `keep where` rejects.
    pub left_out: usize,
    /// The doc comment of the sweep in the file.
    pub docs: Vec<String>,
    /// Settings that the request changes in the run as written, or `None` before the first point is planned.
    pub changed: Option<Vec<String>>,
}

/// A point of the sweep.
pub struct PlannedPoint {
    /// Name of the point: `attention=se`.
    pub label: String,
    /// Value of the point on each axis.
    pub cells: Vec<String>,
    /// Name of the model or variant.
    pub model: String,
    /// The hyper-parameters that the sweep sets, with their values as written.
    pub args: ArgumentTexts,
    /// Trainable parameters, and MACs of one image by the request's convention; `None` where the model cannot be built.
    pub cost: Option<(u64, u64)>,
    /// Most memory at once with the settings of the run; `None` where the model cannot be built.
    pub peaks: Option<PeakBytes>,
    /// The failure to build its model.
    pub failure: Option<WorkbenchError>,
    /// The figures that a paper reports for the point.
    pub paper: Vec<ReportedFigure>,
    /// One run for each seed.
    pub runs: Vec<PlannedRun>,
}

/// One run: a point with a seed.
pub struct PlannedRun {
    /// Name of the run: `attention=se/seed=0`.
    pub label: String,
    /// Seed of the weights, of the order of images and of augmentation.
    pub seed: u64,
    /// The run folder, which may not exist yet.
    pub folder: RunFolder,
    /// Arguments of `npc` that train it.
    pub train: Vec<String>,
    /// State of the run in that folder.
    pub state: RunState,
}

/// Plans a sweep: its points, their runs, and the states of the runs. Errors: the file, the sweep or the run cannot be
/// used. A point whose model cannot be built is part of the plan, with its failure.
pub fn plan_sweep(files: &dyn Files, request: &SweepRequest<'_>) -> Result<SweepPlan, WorkbenchError> {
    let ModelFile { sources, bundle, problems } = open(files, request.file)?;
    let program = resolve_file(&bundle, &sources, problems)?;
    let chosen =
        choose_sweep_and_run(&program, request).and_then(|(sweep, train)| Ok((sweep, train, sweep_models(sweep)?)));
    let (sweep, train, mut grid) = match chosen {
        Ok(chosen) => chosen,
        Err(d) => return Err(WorkbenchError::problems(sources, d)),
    };
    let bounds = match sweep_bounds(&sweep.models.keep, Convention::Conv) {
        Ok(bounds) => bounds,
        Err(p) => return Err(WorkbenchError::problems(sources, p)),
    };
    distinguish_points(&sources, &mut grid);
    let axes = varied_axes(&grid);
    let out = match request.out {
        Some(out) => out.to_path_buf(),
        None => PathBuf::from("runs").join(format!("{}-{}", sweep.name, train.name)),
    };
    let figures_for = request.figures_for.unwrap_or(&train.data.node);
    let mut plan = SweepPlan {
        sweep: sweep.name.node.clone(),
        run: train.name.node.clone(),
        data: train.data.node.clone(),
        figures_for: figures_for.to_string(),
        out,
        axes,
        points: Vec::new(),
        left_out: 0,
        docs: sweep_docs(&program, sweep),
        changed: None,
    };
    let mut labels = BTreeSet::new();
    for point in &grid {
        let mut planned = plan_point(&sources, point, &plan.axes);
        while !labels.insert(planned.label.clone()) {
            // These values differ only in characters that a folder name cannot contain.
            planned.label.push('~');
        }
        planned.paper = reported_figures(&program, &sources, point, figures_for);
        let resolved = plan_runs(files, &mut planned, request, train, &mut plan)?;
        match resolved.map_or(Ok(true), |resolved| satisfies(&bounds, &resolved)) {
            Ok(true) => plan.points.push(planned),
            Ok(false) => plan.left_out += 1,
            Err(d) => return Err(WorkbenchError::problems(sources, *d)),
        }
    }
    let mut sets = SweepDataSets::default();
    let finished = plan.points.iter_mut().flat_map(|p| &mut p.runs).filter(|run| run.state == RunState::Finished);
    for run in finished {
        if let Some(changed) = sets.changed_parts(&run.folder, request.data_root) {
            run.state = RunState::Other(changed);
        }
    }
    if plan.points.is_empty() {
        return Err(problem!(
            E0501,
            "`keep where` leaves out all {} of `{}`",
            counted(plan.left_out, "model"),
            plan.sweep
        )
        .into());
    }
    Ok(plan)
}

/// Returns the most memory that a run needs at once.
fn peaks(resolved: &ResolvedRun) -> PeakBytes {
    MemorySettings::from(resolved.settings.train.clone()).peaks(&resolved.checked, None)
}

/// Checks whether a model satisfies all bounds with the batch and the image size of the run.
fn satisfies(bounds: &[SweepBound], resolved: &ResolvedRun) -> Result<bool, Box<Diagnostic>> {
    let peaks = || peaks(resolved);
    let model = MeasuredModel::new(&resolved.checked, &peaks);
    for bound in bounds {
        if !bound.holds(&model)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Returns the sweep and the run of the request.
fn choose_sweep_and_run<'a>(
    program: &ResolvedProgram<'a>,
    request: &SweepRequest<'_>,
) -> Result<(&'a ast::Sweep, &'a ast::Train), Diagnostic> {
    let sweep = program.sweeps.get(request.sweep).copied();
    let sweep = sweep.ok_or_else(|| unknown_name("sweep", request.sweep, program.sweeps.keys().copied()))?;
    let named = request.run.or(request.on.filter(|on| program.trains.contains_key(on)));
    if let Some(name) = named {
        let train = program.trains.get(name).copied();
        return Ok((sweep, train.ok_or_else(|| unknown_name("run", name, program.trains.keys().copied()))?));
    }
    if let Some(on) = request.on.filter(|on| !program.data.contains_key(on)) {
        return Err(unknown_data_of_option(program, on));
    }
    let fits = |t: &&&ast::Train| request.on.is_none_or(|on| t.data.node == on);
    let all: Vec<&ast::Train> = program.trains.values().filter(fits).copied().collect();
    // Runs of the file itself have precedence over imported ones, and runs of the sweep's models over others.
    let root: Vec<&ast::Train> = (program.file.items.iter())
        .filter_map(|item| if let ast::ItemKind::Train(train) = &item.kind { Some(train) } else { None })
        .filter(|t| fits(&t))
        .collect();
    let model = |name: &str| program.entry(name).map(|(model, _)| model.name.node.clone());
    let bases: Vec<_> = sweep.models.grids.iter().map(|g| model(&g.base.node)).collect();
    let own = |trains: &[&'a ast::Train]| -> Vec<&'a ast::Train> {
        trains.iter().filter(|t| bases.contains(&model(&t.model.node))).copied().collect()
    };
    let choices = [own(&root), root, own(&all), all];
    match choices.iter().find(|c| !c.is_empty()).map(Vec::as_slice) {
        Some([one]) => Ok((sweep, one)),
        None => {
            let on = request.on.map_or(String::new(), |on| format!(" on `{on}`"));
            Err(problem!(E0501, "the file has no run{on} to train `{}` with", sweep.name;
                help: "write a `train` block whose settings all models get")
            .into())
        }
        Some(many) => {
            let names: Vec<_> = many.iter().map(|t| format!("`{}`", t.name)).collect();
            Err(problem!(E0501, "several runs could train `{}`", sweep.name;
                help: "choose one with `--run`: {}", names.join(", "))
            .into())
        }
    }
}

/// Makes arguments count as varied that alone distinguish points of one model, as in `Net(width = 8) | Net(width = 16)`.
fn distinguish_points(sources: &SourceMap, points: &mut [SweepModel<'_>]) {
    let texts: Vec<ArgumentTexts> = points.iter().map(|point| argument_texts(sources, &point.args)).collect();
    let mut alike: BTreeMap<(String, ArgumentTexts), Vec<usize>> = BTreeMap::new();
    for (k, point) in points.iter().enumerate() {
        let shown = texts[k].iter().zip(&point.varied).filter(|(_, varied)| **varied).map(|(text, _)| text.clone());
        alike.entry((point.model.node.clone(), shown.collect())).or_default().push(k);
    }
    for same in alike.into_values().filter(|same| same.len() > 1) {
        let value = |k: usize, name: &str| texts[k].iter().find(|(n, _)| n == name).map(|(_, value)| value);
        for &k in &same {
            for (i, (name, text)) in texts[k].iter().enumerate() {
                points[k].varied[i] |= same.iter().any(|&other| value(other, name) != Some(text));
            }
        }
    }
}

/// Returns the properties that distinguish the points.
fn varied_axes(points: &[SweepModel<'_>]) -> Vec<String> {
    let mut axes = Vec::new();
    if points.iter().any(|p| p.model.node != points[0].model.node) {
        axes.push("model".to_string());
    }
    for point in points {
        for (arg, varied) in point.args.iter().zip(&point.varied) {
            if *varied && !axes.contains(&arg.name.node) {
                axes.push(arg.name.node.clone());
            }
        }
    }
    if axes.is_empty() {
        axes.push("model".to_string());
    }
    axes
}

/// Returns a point with its names, without costs and runs.
fn plan_point(sources: &SourceMap, point: &SweepModel<'_>, axes: &[String]) -> PlannedPoint {
    let args = argument_texts(sources, &point.args);
    let cell = |axis: &String| {
        let value = args.iter().zip(&point.varied).find(|((name, _), varied)| **varied && name == axis);
        match value {
            Some(((_, value), _)) => value.clone(),
            None if axis == "model" => point.model.node.clone(),
            None => String::new(),
        }
    };
    let cells: Vec<String> = axes.iter().map(cell).collect();
    let part = |(axis, value): (&String, &String)| match axis.as_str() {
        "model" => value.clone(),
        _ => format!("{axis}={value}"),
    };
    let mut parts: Vec<String> = axes.iter().zip(&cells).filter(|(_, v)| !v.is_empty()).map(part).collect();
    if parts.is_empty() {
        // Its arguments are the defaults, and the other points set them.
        parts.push(point.model.node.clone());
    }
    PlannedPoint {
        label: folder_name(&parts.join(",")),
        cells,
        model: point.model.node.clone(),
        args,
        cost: None,
        peaks: None,
        failure: None,
        paper: Vec::new(),
        runs: Vec::new(),
    }
}

/// Returns a folder name that every file system accepts: `width=[16, 32]` becomes `width=16-32`.
fn folder_name(text: &str) -> String {
    let mut out = String::new();
    let mut depth = 0;
    for c in text.chars() {
        match c {
            '[' => depth += 1,
            ']' => depth -= 1,
            ',' if depth > 0 => out.push('-'),
            ' ' | '"' => {}
            c if c.is_ascii_alphanumeric() || "_.=,+-".contains(c) => out.push(c),
            _ => out.push('_'),
        }
    }
    out
}

/// Returns the doc comment of a sweep.
fn sweep_docs(program: &ResolvedProgram<'_>, sweep: &ast::Sweep) -> Vec<String> {
    let is = |item: &&&ast::FileItem| matches!(&item.kind, ast::ItemKind::Sweep(s) if s.name.node == sweep.name.node);
    program.items.iter().find(is).map_or_else(Vec::new, |item| item.docs.clone())
}

/// Adds the costs and the runs of a point, and returns its resolved run. A point that cannot be built does not affect the
/// others.
fn plan_runs(
    files: &dyn Files,
    point: &mut PlannedPoint,
    request: &SweepRequest<'_>,
    train: &ast::Train,
    plan: &mut SweepPlan,
) -> Result<Option<ResolvedRun>, WorkbenchError> {
    let text = |(name, value): &(String, String)| format!("model.{name}={value}");
    let mut set = request.set.to_vec();
    set.extend(point.args.iter().map(text));
    let model = (point.model != train.model.node).then_some(point.model.as_str());
    let run = RunRequest {
        file: request.file,
        run: Some(&train.name.node),
        model,
        set: &set,
        with: request.with,
        data_root: request.data_root,
        device: request.device,
    };
    let resolved = match resolve_run(files, &run) {
        Ok(resolved) => Some(resolved),
        Err(failure @ WorkbenchError::Problems(_)) => {
            point.failure = Some(failure);
            None
        }
        Err(failure @ WorkbenchError::InvalidRequest(_)) => return Err(failure),
    };
    let first = resolved.as_ref().map_or(0, |r| r.settings.train.seed);
    if let Some(planned @ ResolvedRun { checked, settings, .. }) = &resolved {
        let report = count(checked, request.convention);
        point.cost = Some((report.params, report.macs));
        point.peaks = Some(peaks(planned));
        if plan.changed.is_none() {
            let set: Vec<String> = point.args.iter().map(text).collect();
            let written = resolve_run(files, &RunRequest { set: &set, device: None, ..run });
            plan.changed = written.ok().map(|w| differences(&w.settings, settings, ["in the file", "here"]));
        }
    }
    for seed in first..first.saturating_add(request.seeds) {
        let folder = RunFolder::new(plan.out.join(&point.label).join(format!("seed={seed}")));
        let args = train_arguments(&run, &train.name.node, seed, folder.root());
        let state = match &resolved {
            None => RunState::Broken,
            Some(resolved) => {
                let mut settings = resolved.settings.clone();
                settings.train.seed = seed;
                run_state(&folder, resolved, &settings)
            }
        };
        let label = format!("{}/seed={seed}", point.label);
        point.runs.push(PlannedRun { label, seed, folder, train: args, state });
    }
    Ok(resolved)
}

/// Returns the arguments of `npc` that train one run. Paths are absolute, because a scheduler may start the command in any
/// folder.
fn train_arguments(run: &RunRequest<'_>, name: &str, seed: u64, out: &Path) -> Vec<String> {
    let absolute = |path: &Path| absolute(path).display().to_string();
    let mut args = vec!["train".to_string(), absolute(run.file), name.to_string()];
    let mut option = |name: &str, value: String| args.extend([name.to_string(), value]);
    run.model.into_iter().for_each(|model| option("--model", model.to_string()));
    // The seed of the run, given behind, is counted up from one that the changes set.
    let sets_seed = |change: &String| change.split_once('=').is_some_and(|(key, _)| key.trim() == "seed");
    for change in run.set {
        let parts = split_commas(change);
        match parts.iter().any(sets_seed) {
            true => parts.into_iter().filter(|part| !sets_seed(part)).for_each(|part| option("--set", part)),
            false => option("--set", change.clone()),
        }
    }
    run.with.iter().for_each(|with| option("--with", with.clone()));
    option("--set", format!("seed={seed}"));
    option("--data-root", absolute(run.data_root.unwrap_or(Path::new("."))));
    run.device.into_iter().for_each(|device| option("--device", device.to_string()));
    option("--out", absolute(out));
    args.push("--resume=auto".into());
    args
}
