//! `npc sweep --static`: the models of a sweep counted, thinned out and compared.

use super::columns::columns;
use super::{Opts, picture, show};
use crate::cli::outcome::{Done, Stop};
use crate::cli::terminal::{print, report};
use crate::desk::{
    ArgumentTexts, ModelFile, Size, argument_texts, default_data, no_such, open, parse_size, sweep_run_size,
};
use crate::graph::check::Checked;
use crate::graph::resolve::{Program, resolve_bundle};
use crate::study::claim::Bound;
use crate::study::cost::Convention;
use crate::study::explore::{self, Asked, Key, LeftOut, Variant, counted, front, points, same_functions};
use crate::text::config::schema;
use crate::text::diag::Problems;
use crate::text::files::Disk;
use crate::text::source::{SourceMap, Spanned};
use crate::text::syntax::{self, ast};
use clap::Args;
use std::path::PathBuf;
use std::str::FromStr;

#[derive(Args)]
#[command(next_help_heading = "With --static")]
pub(super) struct TableOpts {
    /// Input height and width, for example 288x384; may be given several times
    #[arg(long, value_name = "HxW", value_parser = parse_size, requires = "counted", conflicts_with = "on")]
    size: Vec<Size>,
    /// Leave out what this does not hold for, for example 'macs <= 2.5G and params < 1M'
    #[arg(long, value_name = "BOUNDS", requires = "counted")]
    keep: Vec<String>,
    /// params, macs, inference or training (memory), field, or sweep for the order of the sweep
    #[arg(long, value_name = "KEY", requires = "counted", default_value = "params")]
    sort: Sort,
    /// Show the first N models
    #[arg(long, value_name = "N", requires = "counted")]
    top: Option<usize>,
    /// Two keys whose front is marked; less is better, but of the receptive field
    #[arg(long, value_name = "KEY,KEY", requires = "counted", default_value = "params,macs", value_parser = axes)]
    axes: [Key; 2],
    /// Draw the models along --axes
    #[arg(long, value_name = "FILE.svg", requires = "counted")]
    plot: Option<PathBuf>,
    /// Images in a batch, for the memory; without it, those of the first run of one of the models, else 1
    #[arg(long, value_name = "N", requires = "counted", value_parser = clap::value_parser!(u64).range(1..=1 << 32))]
    batch: Option<u64>,
}

#[derive(Debug, Clone, Copy)]
enum Sort {
    Sweep,
    By(Key),
}

impl FromStr for Sort {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "sweep" { Ok(Sort::Sweep) } else { text.parse().map(Sort::By).map_err(|e: String| e + " and sweep") }
    }
}

fn axes(text: &str) -> Result<[Key; 2], String> {
    let (x, y) = text.split_once(',').ok_or("write two keys with a comma between them, for example params,macs")?;
    let [x, y] = [x.trim().parse::<Key>()?, y.trim().parse()?];
    if x == y { Err(format!("`{x}` against itself is a line; name two keys")) } else { Ok([x, y]) }
}

/// A sweep that was counted, as it is shown.
pub(super) struct Counted {
    /// The name of the sweep; none for one of the command line.
    pub sweep: Option<String>,
    /// Models and variants that it is of.
    pub models: Vec<String>,
    pub convention: Convention,
    /// Points of the sweep, and those whose model cannot be built.
    pub tried: usize,
    pub broken: usize,
    /// Each as it was written, with what it leaves out.
    pub bounds: Vec<(String, LeftOut)>,
    /// In the order in which they are shown.
    pub rows: Vec<Row>,
    /// How many of them are shown in a table.
    pub top: usize,
    pub axes: [Key; 2],
    /// What tells the models apart: `model`, or names of hyper-parameters.
    pub columns: Vec<String>,
    /// Images in a batch, for the memory.
    pub batch: u64,
}

/// A function, as the first variant that computes it.
pub(super) struct Row {
    pub variant: Variant,
    pub args: ArgumentTexts,
    /// The others that compute it.
    pub same: Vec<(Variant, ArgumentTexts)>,
    /// On the front of the axes.
    pub front: bool,
}

pub(super) fn run(opts: &Opts) -> Done {
    let ModelFile { mut sources, bundle, mut problems } = open(&Disk, &opts.file)?;
    let (program, found) = resolve_bundle(&bundle);
    problems.extend(found);
    if problems.has_errors() {
        report(&sources, &problems.sorted());
        return Err(Stop::Problems);
    }
    let stop = |sources: &SourceMap, p: Problems| {
        report(sources, &p.sorted());
        Stop::Problems
    };
    let convention = opts.look.convention.unwrap_or(Convention::Conv);
    let sweep = sweep(&program, &mut sources, &opts.name)?;
    let (bounds, texts) = bounds(&mut sources, &sweep, &opts.table.keep, convention)?;
    let sizes = sizes(&program, &sweep, opts).map_err(|p| stop(&sources, p))?;
    let run = sweep_run_size(&program, &sweep);
    let batch = opts.table.batch.unwrap_or(run.batch as u64);
    let peaks = |checked: &Checked| run.peaks(checked, Some(batch));
    let asked = Asked { sizes: &sizes, bounds: &bounds, peaks: &peaks };
    let points = points(&sweep).map_err(|d| stop(&sources, d.into()))?;
    let thinned = counted(&program, &sweep, &asked, convention).map_err(|d| stop(&sources, d.into()))?;
    let rows = rows(&sources, thinned.kept, &opts.table);
    let table = Counted {
        sweep: program.sweeps.contains_key(opts.name.as_str()).then(|| opts.name.clone()),
        models: bases(&sweep),
        convention,
        tried: thinned.tried,
        broken: thinned.broken,
        bounds: texts.into_iter().zip(thinned.left_out).collect(),
        top: opts.table.top.unwrap_or(rows.len()).min(rows.len()),
        axes: opts.table.axes,
        columns: columns(&sources, &points),
        batch,
        rows,
    };
    print(&show::printed(&table, opts.look.format))?;
    if let Some(path) = &opts.table.plot {
        let svg = picture::svg(&table)
            .ok_or_else(|| Stop::Message(format!("{}: no model is left to draw", path.display())))?;
        crate::base::atomic::write(path, svg.as_bytes())
            .map_err(|e| Stop::Message(format!("{}: cannot be written: {e}", path.display())))?;
    }
    if table.broken == 0 {
        return Ok(());
    }
    broken(&sources, thinned.problems.sorted(), &table);
    Err(Stop::Problems)
}

/// The sweep of this name, or what the name says in place of one.
fn sweep(program: &Program<'_>, sources: &mut SourceMap, name: &str) -> Result<ast::Sweep, Stop> {
    if let Some(sweep) = program.sweeps.get(name) {
        return Ok((*sweep).clone());
    }
    let word = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if word && program.entry(name).is_none() {
        report(sources, &no_such("sweep", name, program.sweeps.keys().copied()).into());
        return Err(Stop::Problems);
    }
    let id = sources.add("sweep", name.to_string());
    let models = syntax::parse_models(sources, id).map_err(|p| {
        report(sources, &p);
        Stop::usage("the sweep cannot be read")
    })?;
    if let Some(grid) = models.grids.iter().find(|g| program.entry(&g.base.node).is_none()) {
        let known = program.models.keys().chain(program.variants.keys()).copied();
        report(sources, &no_such("model or variant", &grid.base.node, known).into());
        return Err(Stop::Problems);
    }
    let span = models.grids[0].base.span;
    Ok(ast::Sweep { name: Spanned::new(name.to_string(), span), models })
}

/// What the file and the command line ask of the models, with the texts. In the file `macs` are those of the convention
/// `conv`, as in claims; on the command line those that the table shows.
fn bounds(
    sources: &mut SourceMap,
    sweep: &ast::Sweep,
    keep: &[String],
    convention: Convention,
) -> Result<(Vec<Bound>, Vec<String>), Stop> {
    let mut bounds = explore::bounds(&sweep.models.keep, Convention::Conv).map_err(|p| {
        report(sources, &p);
        Stop::Problems
    })?;
    let here = bounds.len();
    for text in keep {
        let id = sources.add("--keep", text.clone());
        let read = syntax::parse_bounds(sources, id).and_then(|claims| explore::bounds(&claims, convention));
        bounds.extend(read.map_err(|p| {
            report(sources, &p);
            Stop::usage("the value of --keep cannot be read")
        })?);
    }
    let text = |(i, bound): (usize, &Bound)| {
        let claim = bound.claim();
        let written = sources.snippet(claim.span).split_whitespace().collect::<Vec<_>>().join(" ");
        let plain = matches!(&claim.quantity.kind, ast::ExprKind::Name(name) if name == "macs");
        if plain && i < here && convention != Convention::Conv {
            return written.replacen("macs", "macs(conv)", 1);
        }
        written
    };
    let texts = bounds.iter().enumerate().map(text).collect();
    Ok((bounds, texts))
}

/// Those of the command line, else of the first model's data.
fn sizes(program: &Program<'_>, sweep: &ast::Sweep, opts: &Opts) -> Result<Vec<Option<Size>>, Problems> {
    if !opts.table.size.is_empty() {
        return Ok(opts.table.size.iter().copied().map(Some).collect());
    }
    if opts.on.is_empty() {
        let data = default_data(program, &sweep.models.grids[0].base.node);
        return Ok(vec![data.map(|(_, spec)| spec.size)]);
    }
    let named = |on: &String| match program.data.get(on.as_str()) {
        Some(data) => Ok(Some(schema::data_spec(data)?.size)),
        None => Err(no_such("data block", on, program.data.keys().copied()).into()),
    };
    opts.on.iter().map(named).collect()
}

fn bases(sweep: &ast::Sweep) -> Vec<String> {
    let mut names = Vec::new();
    for grid in &sweep.models.grids {
        if !names.contains(&grid.base.node) {
            names.push(grid.base.node.clone());
        }
    }
    names
}

/// One row a function, in the order that is asked for.
fn rows(sources: &SourceMap, kept: Vec<Variant>, opts: &TableOpts) -> Vec<Row> {
    let groups = same_functions(&kept);
    let mut all: Vec<Option<Variant>> = kept.into_iter().map(Some).collect();
    let mut take = |i: usize| {
        let variant = all[i].take().expect("each is in one group");
        let args = argument_texts(sources, &variant.args);
        (variant, args)
    };
    let mut rows: Vec<Row> = groups
        .into_iter()
        .map(|group| {
            let (variant, args) = take(group[0]);
            Row { variant, args, same: group[1..].iter().map(|&i| take(i)).collect(), front: false }
        })
        .collect();
    let costs: Vec<[i128; 2]> = rows.iter().map(|r| opts.axes.map(|key| key.cost(&r.variant))).collect();
    for (row, on) in rows.iter_mut().zip(front(&costs)) {
        row.front = on;
    }
    match opts.sort {
        Sort::Sweep => {}
        Sort::By(key) => rows.sort_by_key(|r| key.cost(&r.variant)),
    }
    rows
}

/// Messages that are shown of models that cannot be built: a grid may have hundreds that miss the same requirement.
const TOLD: usize = 5;

fn broken(sources: &SourceMap, problems: Problems, table: &Counted) {
    let errors = problems.iter().filter(|d| d.is_error()).count();
    report(sources, &problems.into_iter().filter(|d| d.is_error()).take(TOLD).collect());
    let more = if errors > TOLD { format!("; {} messages more", errors - TOLD) } else { String::new() };
    tell!("{} of {} models cannot be built or measured{more}", table.broken, table.tried);
}
