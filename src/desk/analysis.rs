//! Analyses a model file completely, without computing tensors.

use super::claims::{JudgedClaim, judge_claims};
use super::config_problems::{run_problems, schema_problems};
use super::defaults::has_hole;
use super::error::WorkbenchError;
use super::exploration::{Exploration, explore};
use super::lint_levels::LintLevels;
use super::located::LocatedDiagnostic;
use super::model_entry::{ModelEntry, build, freeze};
use super::selection::{SelectedModel, Selection, select};
use crate::base::problem::problem;
use crate::graph::elaborate::{ModelArgument, check_unused_blocks};
use crate::graph::resolve::{ResolvedProgram, lint, resolve_bundle};
use crate::study::cost::{Convention, CostReport, count};
use crate::study::explore::warn_duplicate_variants;
use crate::study::lint::lints;
use crate::text::config::{DataSpec, schema};
use crate::text::diag::{Diagnostic, Problems};
use crate::text::files::Files;
use crate::text::import;
use crate::text::source::{SourceId, SourceMap};
use crate::text::syntax::ast;
use std::path::Path;

/// The most nodes of the models of one analysis. Each model counts as [`NODES_PER_MODEL`] additional nodes.
const MAX_NODES: usize = 60_000;
const NODES_PER_MODEL: usize = 40;

/// The options of an analysis. The default analyses every model as written, and counts by [`Convention::Conv`].
#[derive(Debug, Clone, Default)]
pub struct AnalysisRequest {
    /// The models to analyse, with hyper-parameters and sizes.
    pub selection: Selection,
    /// Nodes and blocks whose parameters are not trained, instead of those that the model's run freezes.
    pub freeze: Vec<String>,
    /// Warnings that are suppressed, and warnings that become errors.
    pub levels: LintLevels,
    /// The counting rule of the cost reports.
    pub convention: Convention,
}

/// The analysis of one file.
#[derive(Debug, Default)]
pub struct FileAnalysis {
    /// Texts that the spans of the problems refer to.
    pub sources: SourceMap,
    /// The text of the file itself.
    pub root: SourceId,
    /// Errors and warnings, sorted by place.
    pub problems: Problems,
    /// Models that passed all checks, in the order of the file, each with its costs.
    pub entries: Vec<(ModelEntry, CostReport)>,
    /// The claims of the file's `expect` blocks that could be evaluated and are not an error. Failed claims are among the
    /// problems.
    pub claims: Vec<JudgedClaim>,
    /// Counts of the file's sweeps, and the values that fit its holes.
    pub exploration: Exploration,
    /// The data blocks of a file without models, in the order of the file, unless a model is selected.
    pub data: Vec<DataSpec>,
}

impl FileAnalysis {
    /// Returns the problems with files, lines and columns.
    pub fn findings(&self) -> Vec<LocatedDiagnostic> {
        LocatedDiagnostic::all(&self.sources, &self.problems)
    }
}

/// Analyses a file and its imports. A file that cannot be read is a problem of the analysis. Only hyper-parameters or lint
/// names of the request that cannot be read are a failure.
pub fn analyze_file(files: &dyn Files, path: &Path, request: &AnalysisRequest) -> Result<FileAnalysis, WorkbenchError> {
    let selection = &request.selection;
    let mut sources = SourceMap::new();
    let (bundle, mut problems) = match import::load(files, &mut sources, path) {
        Ok(loaded) => loaded,
        Err(d) => {
            // An empty text represents the file, so that `root` is valid.
            let root = sources.add(path.display().to_string(), "");
            return Ok(FileAnalysis { sources, root, problems: d.into(), ..FileAnalysis::default() });
        }
    };
    request.levels.check_names()?;
    let args = selection.arguments(&mut sources)?;
    let (program, found) = resolve_bundle(&bundle);
    problems.extend(found);
    problems.extend(schema_problems(&program));
    let selected = select(&program, selection).unwrap_or_else(|p| {
        problems.extend(p);
        Vec::new()
    });
    let (entries, found) = build_all(&program, &mut sources, &selected, &args, request);
    problems.extend(found);
    if selection.model.is_none() {
        problems.extend(run_problems(&program));
    }
    // Claims apply to the models as written.
    let mut claims = Vec::new();
    if !selection.has_arguments() {
        let (judged, claim_problems) = judge_claims(&program, &sources, selection.model.as_deref());
        problems.extend(claim_problems);
        claims = judged;
    }
    let (exploration, found) = explore(&program, &sources, selection, request.convention);
    problems.extend(found);
    // If one model is chosen, the blocks of the others would seem unused.
    if selection.model.is_none() && !problems.has_errors() {
        problems.extend(check_unused_blocks(&program));
    }
    if !problems.has_errors() {
        problems.extend(lint(&program));
        // Hyper-parameters of the command line replace those of the variants, which are then as equal as they make them.
        if !selection.has_arguments() {
            let checked: Vec<_> = entries.iter().map(|(entry, _)| &entry.checked).collect();
            problems.extend(warn_duplicate_variants(&program, &checked));
        }
    }
    let problems = request.levels.apply(&program, selection, problems).sorted();
    let listed = program.entries().is_empty() && selection.model.is_none();
    let data = if listed { data_of_file(&program) } else { Vec::new() };
    Ok(FileAnalysis { sources, root: bundle.source, problems, entries, claims, exploration, data })
}

/// Returns the data blocks of the root file that have no errors.
fn data_of_file(program: &ResolvedProgram<'_>) -> Vec<DataSpec> {
    let spec = |item: &ast::FileItem| match &item.kind {
        ast::ItemKind::Data(data) => schema::data_spec(data).ok(),
        _ => None,
    };
    program.file.items.iter().filter_map(spec).collect()
}

/// Builds, lints and counts the selected models until they have too many nodes together.
fn build_all(
    program: &ResolvedProgram<'_>,
    sources: &mut SourceMap,
    selected: &[SelectedModel],
    args: &[ModelArgument],
    request: &AnalysisRequest,
) -> (Vec<(ModelEntry, CostReport)>, Problems) {
    let (mut entries, mut problems): (Vec<(ModelEntry, CostReport)>, _) = (Vec::new(), Problems::new());
    let mut kept = 0;
    let Selection { on, size, .. } = &request.selection;
    let at_data_size = args.is_empty() && on.is_empty() && size.is_empty();
    for one in selected.iter().filter(|s| !program.is_broken(&s.name.node)) {
        // Models with holes are handled by `explore`.
        if one.arguments(args).is_ok_and(|args| has_hole(program, &one.name.node, &args)) {
            continue;
        }
        let mut entry = match build(program, one, args) {
            // Several runs may train one model.
            Ok(entry) if one.run.is_some() && entries.iter().any(|(earlier, _)| entry.repeats(earlier)) => continue,
            Ok(entry) => entry,
            // `run_problems` reports what is wrong at the size of a run's data.
            Err(_) if one.run.is_some() && at_data_size => continue,
            Err(p) => {
                problems.extend(p);
                continue;
            }
        };
        problems.extend(freeze(sources, &mut entry, &request.freeze));
        // An `@allow` above the model or variant applies to all its parts.
        let named = |d: Diagnostic| d.through(vec![one.name.span]);
        problems.extend(entry.checked.warnings().iter().cloned().map(named).collect());
        problems.extend(lints(&entry.checked).into_iter().map(named).collect());
        entry.class_warning.iter().for_each(|d| problems.push(d.clone()));
        let report = count(&entry.checked, request.convention).with_frozen(&entry.frozen);
        kept += NODES_PER_MODEL + report.nodes.len();
        if kept > MAX_NODES && !entries.is_empty() {
            problems.push(problem!(E0311, one.name.span,
                "the models up to `{}` have more than {MAX_NODES} nodes together", one.name;
                label: "the first that is not shown"; help: "choose models with --model"));
            break;
        }
        entries.push((entry, report));
    }
    (entries, problems)
}
