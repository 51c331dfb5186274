//! Finds the settings of a model that reproduce the figures printed in a paper.

use super::arguments::{arguments, model_arguments};
use super::defaults::default_data;
use super::error::WorkbenchError;
use super::image_size::{ImageSize, parse_size};
use super::model_file::{ModelFile, open, resolve_file};
use super::selection::{model_named, unknown_name};
use crate::base::problem::problem;
use crate::graph::elaborate::ModelArgument;
use crate::graph::resolve::ResolvedProgram;
use crate::study::claim::PrintedNumber;
use crate::study::cost::Convention;
use crate::study::explore::{FigureFit, FigureKind, PrintedFigure, fit_figures, open_holes};
use crate::text::config::schema;
use crate::text::diag::{Code, Diagnostic, Problems};
use crate::text::files::Files;
use crate::text::source::SourceMap;
use crate::text::syntax::ast;
use std::path::Path;

/// The model and the printed figures to fit it to.
#[derive(Debug, Clone, Copy)]
pub struct FitRequest<'a> {
    /// The model file.
    pub file: &'a Path,
    /// A model or variant; by default the first with a hole.
    pub model: Option<&'a str>,
    /// Candidate values for hyper-parameters as `name=values`, instead of the holes of the file.
    pub holes: &'a [String],
    /// Other hyper-parameters as `key=value,key=value`.
    pub with: &'a [String],
    /// The same as `model.key=value,model.key=value`.
    pub set: &'a [String],
    /// Printed numbers of parameters, such as `0.71M`.
    pub params: &'a [String],
    /// Printed numbers of multiply-accumulates with the image: `2.17G@288x384`, or `2.17G@cvc` with a data block.
    pub macs: &'a [String],
    /// The rules by which the figures were counted.
    pub convention: Convention,
}

/// The result of a fit.
pub struct FittedModel {
    /// Name of the model.
    pub model: String,
    /// Texts that the spans of the values refer to.
    pub sources: SourceMap,
    /// The figures in the order in which they are applied.
    pub figures: Vec<PrintedFigure>,
    /// The number of settings that are left after each figure, and the settings that fit all figures.
    pub outcome: FigureFit,
}

/// Tries every combination of values of a model's holes. Errors: no figure is given, the file or the request cannot be
/// read, the model has no hole, or there are too many combinations.
pub fn fit_model(files: &dyn Files, request: &FitRequest<'_>) -> Result<FittedModel, WorkbenchError> {
    if request.params.is_empty() && request.macs.is_empty() {
        return Err(WorkbenchError::request(problem!(
            E0503, "no figure to fit is given"; help: "add `--params 0.71M` or `--macs 2.17G@288x384`"
        )));
    }
    let ModelFile { mut sources, bundle, problems } = open(files, request.file)?;
    let read = (model_arguments(&mut sources, request.with, request.set), parse_ranges(&mut sources, request.holes));
    let (given, ranges) = match read {
        (Ok(given), Ok(ranges)) => (given, ranges),
        (Err(p), _) | (_, Err(p)) => {
            return Err(WorkbenchError::invalid_text(
                sources,
                p,
                problem!(E0503, "a value of --with, --set or --hole cannot be read"),
            ));
        }
    };
    let program = resolve_file(&bundle, &sources, problems)?;
    let mut figures = parse_figures(request, &program)?;
    let fitted = choose_model(request, &program, &given, &ranges).map_err(Problems::from).and_then(|name| {
        // Without MACs no size is given, and a network without a size of its own has parameters at any that it takes.
        let of_data = default_data(&program, &name.node).map(|(_, spec)| spec.size);
        figures.iter_mut().for_each(|figure| figure.size = figure.size.or(of_data));
        let outcome = fit_figures(&program, name, &given, &ranges, &figures, request.convention)?;
        Ok((name.node.clone(), outcome))
    });
    match fitted {
        Ok((model, outcome)) => Ok(FittedModel { model, sources, figures, outcome }),
        Err(problems) => {
            let problems: Problems = problems.iter().cloned().map(without_other_options).collect();
            Err(WorkbenchError::problems(sources, problems))
        }
    }
}

/// Returns the problem with help that names options of `npc fit`, where it lacks a size.
fn without_other_options(mut problem: Diagnostic) -> Diagnostic {
    if problem.code == Code::E0502 {
        problem.help = vec![
            "the size is that of `--macs 2.17G@256x256`, or else of the first `data` block of the file: give one of them"
                .into(),
        ];
    }
    problem
}

/// Parses `--hole NAME=VALUES`.
fn parse_ranges(sources: &mut SourceMap, texts: &[String]) -> Result<Vec<(ast::Ident, ast::Expr)>, Problems> {
    // A range has no comma and a list has brackets, so one option may hold several.
    Ok(arguments(sources, "--hole", texts)?.into_iter().map(|a| (a.name, a.value)).collect())
}

/// Returns the model of the request, or else the first with a hole.
fn choose_model<'p>(
    request: &FitRequest<'_>,
    program: &ResolvedProgram<'p>,
    given: &[ModelArgument],
    ranges: &[(ast::Ident, ast::Expr)],
) -> Result<&'p ast::Ident, Diagnostic> {
    let entries = program.entries();
    match request.model {
        Some(name) => model_named(program, name),
        None => {
            let open = |e: &&&ast::Ident| !ranges.is_empty() || !open_holes(program, &e.node, given).is_empty();
            entries
                .iter()
                .find(open)
                .or(entries.first())
                .copied()
                .ok_or_else(|| unknown_name("model or variant", "with a hole", entries.iter().map(|e| e.node.as_str())))
        }
    }
}

/// Parses the printed figures. Parameters come first.
fn parse_figures(
    request: &FitRequest<'_>,
    program: &ResolvedProgram<'_>,
) -> Result<Vec<PrintedFigure>, WorkbenchError> {
    let invalid = |message: String| WorkbenchError::request(problem!(E0503, "{message}"));
    let printed = |text: &str| text.parse::<PrintedNumber>().map_err(invalid);
    let mut figures = Vec::new();
    let mut sizes: Vec<ImageSize> = Vec::new();
    let mut macs = Vec::new();
    for text in request.macs {
        let Some((number, at)) = text.split_once('@') else {
            return Err(WorkbenchError::request(problem!(
                E0503, "`{text}` has no image size"; help: "write for example `{text}@288x384`"
            )));
        };
        let size = match program.data.get(at).map(|d| schema::data_spec(d)) {
            Some(Ok(spec)) => spec.size,
            Some(Err(_)) => {
                return Err(WorkbenchError::request(problem!(
                    E0503, "data block `{at}` has errors"; help: "`npc check` lists them"
                )));
            }
            None => parse_size(at).map_err(invalid)?,
        };
        sizes.push(size);
        macs.push(PrintedFigure {
            text: number.into(),
            printed: printed(number)?,
            kind: FigureKind::Macs,
            size: Some(size),
        });
    }
    for text in request.params {
        // The number of parameters does not depend on the size, and the model supports the sizes of the MACs.
        let size = sizes.first().copied();
        figures.push(PrintedFigure { text: text.clone(), printed: printed(text)?, kind: FigureKind::Params, size });
    }
    figures.extend(macs);
    Ok(figures)
}
