//! From a `sweep` declaration and a `train` block to the runs that it takes: one for each point and seed.

use super::paper::figures;
use crate::claim::Figure;
use super::state::{State, state};
use crate::cli::explored::{Spelled, spelled};
use crate::cli::job::{Ready, Request, ready};
use crate::cli::load::{self, no_such};
use crate::cli::{Stop, report};
use crate::cost::{Convention, count};
use crate::diag::{Code, Diagnostic, Problems};
use crate::explore::{Point, points};
use crate::recipe::settings::Settings;
use crate::resolve::{Program, resolve_bundle};
use crate::run::folder::Folder;
use crate::source::SourceMap;
use crate::syntax::ast;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// What the command line says.
pub struct Wanted<'a> {
    pub file: &'a Path,
    pub sweep: &'a str,
    pub run: Option<&'a str>,
    pub on: Option<&'a str>,
    pub seeds: u64,
    pub set: &'a [String],
    pub data_root: Option<&'a Path>,
    pub device: Option<&'a str>,
    pub out: Option<&'a Path>,
    /// The data block whose figures stand in the table; that of the run when not given.
    pub beside: Option<&'a str>,
    pub convention: Convention,
}

pub struct Plan {
    pub sweep: String,
    pub run: String,
    pub data: String,
    pub out: PathBuf,
    /// What tells the points apart: `model`, or names of hyper-parameters.
    pub axes: Vec<String>,
    pub points: Vec<Planned>,
    /// Settings of the first run, for what is said about all.
    pub settings: Option<Settings>,
}

/// A point of the sweep.
pub struct Planned {
    /// `attention=se`
    pub label: String,
    /// One for each axis.
    pub cells: Vec<String>,
    pub model: String,
    pub args: Spelled,
    /// Parameters and MACs; none where the model cannot be built.
    pub cost: Option<(u64, u64)>,
    /// As a source reports them.
    pub paper: Vec<Figure>,
    pub runs: Vec<Run>,
}

/// A point with a seed.
pub struct Run {
    /// `attention=se/seed=0`
    pub label: String,
    pub seed: u64,
    pub folder: Folder,
    /// Arguments of `npc` that train it.
    pub train: Vec<String>,
    pub state: State,
}

/// Decides on everything; problems are printed here.
pub fn plan(wanted: &Wanted<'_>) -> Result<Plan, Stop> {
    let load::Source { sources, bundle, problems } = load::read(wanted.file)?;
    let stop = |problems: Problems| {
        report(&sources, &problems.sorted());
        Stop::Problems
    };
    let (program, found) = resolve_bundle(&bundle);
    if problems.has_errors() || found.has_errors() {
        return Err(stop(problems.into_iter().chain(found).collect()));
    }
    let chosen = choose(&program, wanted).map_err(|d| stop(d.into()))?;
    let (sweep, train) = chosen;
    let grid = points(sweep).map_err(|d| stop(d.into()))?;
    let axes = axes(&grid);
    let out = match wanted.out {
        Some(out) => out.to_path_buf(),
        None => PathBuf::from("runs").join(format!("{}-{}", sweep.name, train.name)),
    };
    let beside = wanted.beside.unwrap_or(&train.data.node);
    let mut plan = Plan {
        sweep: sweep.name.node.clone(),
        run: train.name.node.clone(),
        data: train.data.node.clone(),
        out,
        axes,
        points: Vec::new(),
        settings: None,
    };
    let mut labels = BTreeSet::new();
    for point in &grid {
        let mut planned = name(&sources, point, &plan.axes);
        while !labels.insert(planned.label.clone()) {
            // Values that differ only in what a folder's name cannot hold.
            planned.label.push('~');
        }
        planned.paper = figures(&program, &sources, point, beside);
        runs(&mut planned, wanted, train, &mut plan)?;
        plan.points.push(planned);
    }
    Ok(plan)
}

/// The sweep and the run that are named.
fn choose<'a>(program: &Program<'a>, wanted: &Wanted<'_>) -> Result<(&'a ast::Sweep, &'a ast::Train), Diagnostic> {
    let sweep = program.sweeps.get(wanted.sweep).copied();
    let sweep = sweep.ok_or_else(|| no_such("sweep", wanted.sweep, program.sweeps.keys().copied()))?;
    if let Some(name) = wanted.run {
        let train = program.trains.get(name).copied();
        return Ok((sweep, train.ok_or_else(|| no_such("run", name, program.trains.keys().copied()))?));
    }
    if let Some(on) = wanted.on.filter(|on| !program.data.contains_key(on)) {
        return Err(no_such("data block", on, program.data.keys().copied()));
    }
    let fits = |t: &&&ast::Train| wanted.on.is_none_or(|on| t.data.node == on);
    let all: Vec<&ast::Train> = program.trains.values().filter(fits).copied().collect();
    let model = |name: &str| program.entry(name).map(|(model, _)| model.name.node.clone());
    let bases: Vec<_> = sweep.grids.iter().map(|g| model(&g.base.node)).collect();
    let own: Vec<&ast::Train> = all.iter().filter(|t| bases.contains(&model(&t.model.node))).copied().collect();
    match (&own[..], &all[..]) {
        ([one], _) | ([], [one]) => Ok((sweep, one)),
        ([], []) => {
            let on = wanted.on.map_or(String::new(), |on| format!(" on `{on}`"));
            let d = Diagnostic::bare(Code::E0501, format!("the file has no run{on} to train `{}` with", sweep.name));
            Err(d.help("write a `train` block, or name one of another model with --run"))
        }
        ([], many) | (many, _) => {
            let names: Vec<_> = many.iter().map(|t| format!("`{}`", t.name)).collect();
            let d =
                Diagnostic::bare(Code::E0501, format!("name the run whose settings `{}` is trained with", sweep.name));
            Err(d.help(format!("`--run NAME` with one of {}", names.join(", "))))
        }
    }
}

/// What tells the points apart.
fn axes(points: &[Point<'_>]) -> Vec<String> {
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

fn name(sources: &SourceMap, point: &Point<'_>, axes: &[String]) -> Planned {
    let args = spelled(sources, &point.args);
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
    let parts: Vec<String> = axes.iter().zip(&cells).filter(|(_, v)| !v.is_empty()).map(part).collect();
    Planned {
        label: file_name(&parts.join(",")),
        cells,
        model: point.model.node.clone(),
        args,
        cost: None,
        paper: Vec::new(),
        runs: Vec::new(),
    }
}

/// What every file system takes as the name of a folder: `width=[16, 32]` becomes `width=16-32`.
fn file_name(text: &str) -> String {
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

/// Fills in what the point costs and the runs that it takes. A point that cannot be built keeps the others from nothing.
fn runs(point: &mut Planned, wanted: &Wanted<'_>, train: &ast::Train, plan: &mut Plan) -> Result<(), Stop> {
    let text = |(name, value): &(String, String)| format!("model.{name}={value}");
    let mut set = wanted.set.to_vec();
    set.extend(point.args.iter().map(text));
    let model = (point.model != train.model.node).then_some(point.model.as_str());
    let request = Request {
        file: wanted.file,
        run: Some(&train.name.node),
        model,
        set: &set,
        data_root: wanted.data_root,
        device: wanted.device,
    };
    let ready = match ready(&request) {
        Ok(ready) => Some(ready),
        Err(Stop::Problems) => None,
        Err(Stop::Message(message)) => {
            eprintln!("error: {message}");
            None
        }
        Err(stop) => return Err(stop),
    };
    let first = ready.as_ref().map_or(0, |r| r.settings.train.seed);
    if let Some(Ready { checked, settings, .. }) = &ready {
        let report = count(checked, wanted.convention);
        point.cost = Some((report.params, report.macs));
        plan.settings.get_or_insert_with(|| settings.clone());
    }
    for seed in first..first.saturating_add(wanted.seeds) {
        let folder = Folder::new(plan.out.join(&point.label).join(format!("seed={seed}")));
        let mut args: Vec<String> = vec!["train".into(), wanted.file.display().to_string(), train.name.node.clone()];
        let mut option = |name: &str, value: String| args.extend([name.to_string(), value]);
        model.into_iter().for_each(|m| option("--model", m.to_string()));
        set.iter().for_each(|s| option("--set", s.clone()));
        option("--set", format!("seed={seed}"));
        wanted.data_root.into_iter().for_each(|r| option("--data-root", r.display().to_string()));
        wanted.device.into_iter().for_each(|d| option("--device", d.to_string()));
        option("--out", folder.root().display().to_string());
        args.push("--resume=auto".into());
        let state = match &ready {
            None => State::Broken,
            Some(ready) => {
                let mut settings = ready.settings.clone();
                settings.train.seed = seed;
                state(&folder, ready, &settings)
            }
        };
        let label = format!("{}/seed={seed}", point.label);
        point.runs.push(Run { label, seed, folder, train: args, state });
    }
    Ok(())
}
