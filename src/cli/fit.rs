//! `npc fit`: finds the settings of a model that reproduce printed figures.

use super::details::ModelFiles;
use super::error::{CommandError, CommandResult};
use super::option_words::{TEXT_OR_JSON, convention_parser, format_parser};
use super::options::ParameterOptions;
use super::terminal::print;
use crate::desk::{FitRequest, fit_json, fit_model, fit_text, named_model};
use crate::show::table::OutputFormat;
use crate::study::cost::Convention;
use clap::Args;
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
    #[command(flatten)]
    parameters: ParameterOptions,
    /// Printed number of parameters, for example 0.71M
    #[arg(long, value_name = "NUMBER")]
    params: Vec<String>,
    /// Printed number of MACs and the image: 2.17G@288x384, or 2.17G@cvc with the name of a data block
    #[arg(long, value_name = "NUMBER@SIZE")]
    macs: Vec<String>,
    /// Counting convention of the figures
    #[arg(long, value_name = "NAME", value_parser = convention_parser(), default_value = "conv")]
    convention: Convention,
    #[arg(long, value_parser = format_parser(TEXT_OR_JSON), default_value = "text")]
    format: OutputFormat,
}

pub(super) fn run(opts: &FitOptions) -> CommandResult {
    let named = named_model(&ModelFiles, &opts.file, opts.model.as_deref())?;
    let with = [&named.with[..], &opts.parameters.with].concat();
    let request = FitRequest {
        file: &named.file,
        model: named.model.as_deref(),
        holes: &opts.hole,
        with: &with,
        set: &opts.parameters.set,
        params: &opts.params,
        macs: &opts.macs,
        convention: opts.convention,
    };
    let fit = fit_model(&ModelFiles, &request)?;
    print(&match opts.format {
        OutputFormat::Json => format!("{:#}\n", fit_json(&fit)),
        _ => fit_text(&fit, opts.convention),
    })?;
    if fit.outcome.matching.is_empty() { Err(CommandError::AlreadyReported) } else { Ok(()) }
}
