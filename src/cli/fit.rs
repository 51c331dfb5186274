//! `npc fit`: finds the settings of a model that reproduce printed figures.

use super::error::{CommandError, CommandResult};
use super::option_words::{TEXT_OR_JSON, format_parser};
use super::terminal::print;
use crate::base::number::thousands;
use crate::desk::{FitRequest, FittedModel, fit_model, named_model, value_text};
use crate::graph::elaborate::ModelArgument;
use crate::show::table::{Cell, Column, OutputFormat, Table};
use crate::study::cost::Convention;
use crate::study::explore::{FigureFit, FigureKind, PrintedFigure};
use crate::text::files::Disk;
use crate::text::source::SourceMap;
use clap::Args;
use serde_json::{Value, json};
use std::path::PathBuf;

/// Find the settings of a model that reproduce printed params and MACs
#[derive(Args)]
#[command(
    after_help = "Every combination of values of the model's holes (`fem_out: int = ? in [64, 80, 96]`) is tried. A
printed number matches all numbers that round to it: 0.71M matches 705,000 to 714,999. Matching
settings are listed with the roundest numbers first. If none matches, the output names the figure
that excludes the last candidates.

Examples:
  npc fit models/npnet.model --model NPNet --hole fem_out=[64,72,80,88,96] \\
    --hole fem_last=[16,24,32,40,48] --hole reduction=[1,2,4,8] --convention thop \\
    --params 0.71M --macs 2.17G@288x384 --macs 0.99G@224x224 --macs 5.15G@512x512
  npc fit net.model --params 7.9M --macs 14.2G@cvc --format json

Exit codes: 0 settings found, 1 none or problems found, 2 wrong usage"
)]
pub(super) struct FitOptions {
    /// Model file; FILE:NAME is the same as FILE --model NAME
    file: PathBuf,
    /// Model or variant of the file or its imports [default: the first model with a hole]
    #[arg(long, value_name = "NAME")]
    model: Option<String>,
    /// Values to try: NAME=[a,b,c] or NAME=16..256
    #[arg(long, value_name = "NAME=VALUES")]
    hole: Vec<String>,
    /// Other hyper-parameters
    #[arg(long, value_name = "KEY=VALUE,...")]
    with: Vec<String>,
    /// Printed number of parameters, for example 0.71M
    #[arg(long, value_name = "NUMBER")]
    params: Vec<String>,
    /// Printed number of MACs and the image: 2.17G@288x384, or 2.17G@cvc with the name of a data block
    #[arg(long, value_name = "NUMBER@SIZE")]
    macs: Vec<String>,
    /// Counting convention of the figures
    #[arg(long, default_value = "conv")]
    convention: Convention,
    #[arg(long, value_parser = format_parser(TEXT_OR_JSON), default_value = "text")]
    format: OutputFormat,
}

/// Number of settings that the text lists.
const SHOWN: usize = 40;

pub(super) fn run(opts: &FitOptions) -> CommandResult {
    let named = named_model(&Disk, &opts.file, opts.model.as_deref())?;
    let with = [&named.with[..], &opts.with].concat();
    let request = FitRequest {
        file: &named.file,
        model: named.model.as_deref(),
        holes: &opts.hole,
        with: &with,
        params: &opts.params,
        macs: &opts.macs,
        convention: opts.convention,
    };
    let fit = fit_model(&Disk, &request)?;
    let FittedModel { model, sources, figures, outcome } = &fit;
    print(&match opts.format {
        OutputFormat::Json => format!("{:#}\n", fit_json(model, sources, figures, outcome)),
        _ => fit_text(model, sources, opts.convention, figures, outcome),
    })?;
    if outcome.matching.is_empty() { Err(CommandError::AlreadyReported) } else { Ok(()) }
}

fn figure_label(figure: &PrintedFigure) -> String {
    match (figure.kind, figure.size) {
        (FigureKind::Params, _) => format!("params {}", figure.text),
        (FigureKind::Macs, Some([h, w])) => format!("MACs {} at {h}x{w}", figure.text),
        (FigureKind::Macs, None) => format!("MACs {}", figure.text),
    }
}

fn fit_text(
    model: &str,
    sources: &SourceMap,
    convention: Convention,
    figures: &[PrintedFigure],
    outcome: &FigureFit,
) -> String {
    let mut out = format!("{model}: {} settings tried, convention {convention}\n\n", thousands(outcome.tried as u64));
    let steps = figures.iter().zip(&outcome.remaining);
    let rows: Vec<Vec<Cell>> =
        steps.map(|(figure, leaves)| vec![figure_label(figure).into(), Cell::Count(leaves.count as u64)]).collect();
    let left = rows.len();
    out += &Table::new(vec![Column::words("figure"), Column::numbers("settings left")], rows).to_text();
    if let (Some(last), Some(figure)) = (outcome.remaining.last().filter(|l| l.count == 0), figures.get(left - 1)) {
        out += &format!("\n{} excludes what was left; nearest to it:\n", figure_label(figure));
        for (n, args) in &last.nearest {
            let args: Vec<String> = args.iter().map(|a| format!("{} = {}", a.name, value_text(sources, a))).collect();
            out += &format!("  {:>15}  {}\n", thousands(*n), args.join(", "));
        }
        return out;
    }
    let Some(first) = outcome.matching.first() else { return out };
    let arguments = first.args.iter().map(|a| a.name.node.clone());
    let columns = arguments.chain(figures.iter().map(figure_label)).map(Column::numbers).collect();
    let rows = outcome.matching.iter().take(SHOWN).map(|kept| {
        let values = kept.args.iter().map(|a| Cell::from(value_text(sources, a)));
        values.chain(kept.counts.iter().map(|n| Cell::Count(*n))).collect()
    });
    let rows = rows.collect();
    out += &format!("\n{}", Table::new(columns, rows).to_text());
    if outcome.matching.len() > SHOWN {
        out += &format!("and {} more; --format json has them all\n", outcome.matching.len() - SHOWN);
    }
    out
}

fn fit_json(model: &str, sources: &SourceMap, figures: &[PrintedFigure], outcome: &FigureFit) -> Value {
    let object = |args: &[ModelArgument]| {
        Value::Object(args.iter().map(|a| (a.name.node.clone(), Value::String(value_text(sources, a)))).collect())
    };
    let steps: Vec<Value> = figures
        .iter()
        .zip(&outcome.remaining)
        .map(|(figure, leaves)| {
            let nearest: Vec<Value> =
                leaves.nearest.iter().map(|(n, args)| json!({"found": n, "args": object(args)})).collect();
            json!({"figure": figure_label(figure), "left": leaves.count, "nearest": nearest})
        })
        .collect();
    let fitting: Vec<Value> =
        outcome.matching.iter().map(|k| json!({"args": object(&k.args), "found": k.counts})).collect();
    json!({"schema": 1, "model": model, "tried": outcome.tried, "figures": steps, "fitting": fitting})
}
