//! Counts and filters the models of a sweep without training, for `npc sweep --static`.

use super::arguments::{ArgumentTexts, argument_texts};
use super::defaults::{default_data, sweep_memory_settings};
use super::error::{ProblemReport, WorkbenchError};
use super::image_size::ImageSize;
use super::model_file::{ModelFile, open, resolve_file};
use super::selection::{data_of_option, unknown_name};
use super::sweep_axes::axis_names;
use crate::base::problem::problem;
use crate::graph::check::CheckedGraph;
use crate::graph::resolve::ResolvedProgram;
use crate::study::claim::SweepBound;
use crate::study::cost::Convention;
use crate::study::explore::{
    self, BoundRejections, CountedVariant, FilterQuery, MeasureKey, count_variants, group_same_functions, pareto_front,
    sweep_models,
};
use crate::text::diag::Problems;
use crate::text::files::Files;
use crate::text::source::{SourceMap, Spanned};
use crate::text::syntax::{self, ast};
use std::path::Path;
use std::str::FromStr;

/// The sweep to count, with sizes, bounds and order.
pub struct CountRequest<'a> {
    /// The model file that declares the sweep or the models that it varies.
    pub file: &'a Path,
    /// Name of a `sweep`, or the text after the `=` of a sweep.
    pub sweep: &'a str,
    /// Data blocks whose image sizes are used. Ignored where `size` is given.
    pub on: &'a [String],
    /// Image sizes, height and width in pixels.
    pub size: &'a [ImageSize],
    /// Bounds in addition to those of the file, such as `macs <= 2.5G and params < 1M`.
    pub keep: &'a [String],
    /// The order of the models.
    pub sort: ModelOrder,
    /// Number of models that are shown; by default all of them.
    pub top: Option<usize>,
    /// The two keys whose Pareto front is marked.
    pub axes: [MeasureKey; 2],
    /// The counting rule of MACs in the table and in bounds that do not name one.
    pub convention: Convention,
    /// Batch size for the memory; by default that of the first run of one of the models.
    pub batch: Option<u64>,
}

/// The order of the models.
#[derive(Debug, Clone, Copy)]
pub enum ModelOrder {
    /// In the order of the sweep.
    Sweep,
    /// By increasing cost.
    By(MeasureKey),
}

impl ModelOrder {
    /// Returns the name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            ModelOrder::Sweep => "sweep",
            ModelOrder::By(key) => key.name(),
        }
    }
}

impl FromStr for ModelOrder {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "sweep" {
            Ok(ModelOrder::Sweep)
        } else {
            text.parse().map(ModelOrder::By).map_err(|e: String| e + " and sweep")
        }
    }
}

/// A counted sweep with the models that satisfy all bounds.
pub struct CountedSweep {
    /// Name of the sweep, or `None` for a sweep of the command line.
    pub sweep: Option<String>,
    /// Models and variants that the sweep varies.
    pub models: Vec<String>,
    /// The counting rule of the MACs.
    pub convention: Convention,
    /// Number of points of the sweep.
    pub tried: usize,
    /// Number of points whose model cannot be built or measured.
    pub broken: usize,
    /// Each bound as written, with the numbers of models that it rejects.
    pub bounds: Vec<(String, BoundRejections)>,
    /// The models in the requested order.
    pub rows: Vec<CountedFunction>,
    /// Number of models that are shown.
    pub top: usize,
    /// The two keys whose Pareto front is marked.
    pub axes: [MeasureKey; 2],
    /// The properties that distinguish the models: `model`, or names of hyper-parameters.
    pub columns: Vec<String>,
    /// Batch size for the memory.
    pub batch: u64,
    /// The problems of models that cannot be built or measured, sorted by place.
    pub failures: ProblemReport,
}

/// A group of variants that compute the same function, represented by the first.
pub struct CountedFunction {
    /// The variant with its counts at each size.
    pub variant: CountedVariant,
    /// The variant's hyper-parameters with their values as written.
    pub args: ArgumentTexts,
    /// The other variants of the group.
    pub same: Vec<(CountedVariant, ArgumentTexts)>,
    /// Whether the variant lies on the Pareto front of the axes.
    pub front: bool,
}

/// Counts the models of a sweep. Errors: the file or the sweep cannot be read, or a bound or a size refers to an unknown
/// name. A model that cannot be built is counted in `broken`, and its problems are in `failures`.
pub fn count_models(files: &dyn Files, request: &CountRequest<'_>) -> Result<CountedSweep, WorkbenchError> {
    let ModelFile { mut sources, bundle, problems } = open(files, request.file)?;
    let program = resolve_file(&bundle, &sources, problems)?;
    let sweep = find_sweep(&program, &mut sources, request.sweep)?;
    let (bounds, texts) = all_bounds(&mut sources, &sweep, request.keep, request.convention)?;
    let sizes = match image_sizes(&program, &sweep, request) {
        Ok(sizes) => sizes,
        Err(p) => return Err(WorkbenchError::problems(sources, p)),
    };
    let run = sweep_memory_settings(&program, &sweep);
    let batch = request.batch.unwrap_or(run.batch as u64);
    let peaks = |checked: &CheckedGraph| run.peaks(checked, Some(batch));
    let asked = FilterQuery { sizes: &sizes, bounds: &bounds, peaks: &peaks };
    let counted = sweep_models(&sweep)
        .and_then(|points| Ok((points, count_variants(&program, &sweep, &asked, request.convention)?)));
    let (points, thinned) = match counted {
        Ok(counted) => counted,
        Err(d) => return Err(WorkbenchError::problems(sources, d)),
    };
    let rows = functions(&sources, thinned.kept, request);
    Ok(CountedSweep {
        sweep: program.sweeps.contains_key(request.sweep).then(|| request.sweep.to_string()),
        models: base_models(&sweep),
        convention: request.convention,
        tried: thinned.tried,
        broken: thinned.broken,
        bounds: texts.into_iter().zip(thinned.rejections).collect(),
        top: request.top.unwrap_or(rows.len()).min(rows.len()),
        axes: request.axes,
        columns: axis_names(&sources, &points),
        batch,
        rows,
        failures: ProblemReport { problems: thinned.problems.sorted(), sources },
    })
}

/// Returns the sweep of this name, or parses the text as a sweep.
fn find_sweep(
    program: &ResolvedProgram<'_>,
    sources: &mut SourceMap,
    name: &str,
) -> Result<ast::Sweep, WorkbenchError> {
    if let Some(sweep) = program.sweeps.get(name) {
        return Ok((*sweep).clone());
    }
    let word = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if word && program.entry(name).is_none() {
        return Err(WorkbenchError::problems(
            sources.clone(),
            unknown_name("sweep", name, program.sweeps.keys().copied()),
        ));
    }
    let id = sources.add("sweep", name.to_string());
    let models = syntax::parse_models(sources, id)
        .map_err(|p| WorkbenchError::invalid_text(sources.clone(), p, problem!(E0503, "the sweep cannot be read")))?;
    if let Some(grid) = models.grids.iter().find(|g| program.entry(&g.base.node).is_none()) {
        let known = program.models.keys().chain(program.variants.keys()).copied();
        return Err(WorkbenchError::problems(
            sources.clone(),
            unknown_name("model or variant", &grid.base.node, known),
        ));
    }
    let span = models.grids[0].base.span;
    Ok(ast::Sweep { name: Spanned::new(name.to_string(), span), models })
}

/// Returns the bounds of the file and of the command line with their texts. In the file `macs` counts by the convention
/// `conv`, as in claims. On the command line it counts by the convention of the table.
fn all_bounds(
    sources: &mut SourceMap,
    sweep: &ast::Sweep,
    keep: &[String],
    convention: Convention,
) -> Result<(Vec<SweepBound>, Vec<String>), WorkbenchError> {
    let mut bounds = explore::sweep_bounds(&sweep.models.keep, Convention::Conv)
        .map_err(|p| WorkbenchError::problems(sources.clone(), p))?;
    let here = bounds.len();
    for text in keep {
        let id = sources.add("--keep", text.clone());
        let read = syntax::parse_bounds(sources, id).and_then(|claims| explore::sweep_bounds(&claims, convention));
        bounds.extend(read.map_err(|p| {
            WorkbenchError::invalid_text(sources.clone(), p, problem!(E0503, "the value of --keep cannot be read"))
        })?);
    }
    let text = |(i, bound): (usize, &SweepBound)| {
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

/// Returns the sizes of the request, or else that of the first model's data.
fn image_sizes(
    program: &ResolvedProgram<'_>,
    sweep: &ast::Sweep,
    request: &CountRequest<'_>,
) -> Result<Vec<Option<ImageSize>>, Problems> {
    if !request.size.is_empty() {
        return Ok(request.size.iter().copied().map(Some).collect());
    }
    if request.on.is_empty() {
        let data = default_data(program, &sweep.models.grids[0].base.node);
        return Ok(vec![data.map(|(_, spec)| spec.size)]);
    }
    request.on.iter().map(|on| Ok(Some(data_of_option(program, on)?.size))).collect()
}

/// Returns the distinct models and variants that a sweep varies.
fn base_models(sweep: &ast::Sweep) -> Vec<String> {
    let mut names = Vec::new();
    for grid in &sweep.models.grids {
        if !names.contains(&grid.base.node) {
            names.push(grid.base.node.clone());
        }
    }
    names
}

/// Groups variants that compute the same function, in the requested order.
fn functions(sources: &SourceMap, kept: Vec<CountedVariant>, request: &CountRequest<'_>) -> Vec<CountedFunction> {
    let groups = group_same_functions(&kept);
    let mut all: Vec<Option<CountedVariant>> = kept.into_iter().map(Some).collect();
    let mut take = |i: usize| {
        let variant = all[i].take().expect("each is in one group");
        let args = argument_texts(sources, &variant.args);
        (variant, args)
    };
    let mut rows: Vec<CountedFunction> = groups
        .into_iter()
        .map(|group| {
            let (variant, args) = take(group[0]);
            CountedFunction { variant, args, same: group[1..].iter().map(|&i| take(i)).collect(), front: false }
        })
        .collect();
    let costs: Vec<[i128; 2]> = rows.iter().map(|r| request.axes.map(|key| key.cost(&r.variant))).collect();
    for (row, on) in rows.iter_mut().zip(pareto_front(&costs)) {
        row.front = on;
    }
    match request.sort {
        ModelOrder::Sweep => {}
        ModelOrder::By(key) => rows.sort_by_key(|r| key.cost(&r.variant)),
    }
    rows
}
