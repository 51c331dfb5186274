//! `npc equal`: checks whether two models compute the same function.

use super::details::ModelFiles;
use super::error::{CommandError, CommandResult};
use super::option_words::{TEXT_OR_JSON, format_parser};
use super::options::InputSizeOptions;
use super::terminal::print;
use crate::desk::{compared, comparison_json, comparison_text};
use crate::graph::canon::{CanonicalGraph, GraphComparison, compare};
use crate::show::table::OutputFormat;
use clap::Args;

/// Prove that two models compute the same function, or show the first difference
#[derive(Args)]
#[command(after_help = "Both models are rewritten into a canonical form by rules that preserve the function: nested
concatenations are flattened, operands of sums and products are unordered, a linear layer is a 1x1
convolution of one pixel, operators without effect are removed, and sizes are formulas. Then
weights are paired one to one. \"The same\" holds in exact arithmetic for every image and all
weights, in training and evaluation. \"Not shown to be the same\" means that the rules could not
prove equality.

A model is FILE, FILE:NAME or FILE:NAME(key = value); the second may also be a name in the first
file.

Examples:
  npc equal models/npnet.model:NPNet_SE NPNet --on cvc
  npc equal models/npnet.model:NPNet NPNet_Plain
  npc equal old.model new.model --size 256x256 --format json

Exit codes: 0 the same function, 1 not shown to be the same or problems found, 2 wrong usage")]
pub(super) struct EqualOptions {
    /// A model: FILE, FILE:NAME or FILE:NAME(key = value)
    a: String,
    /// Another model, or a name in the same file
    b: String,
    #[command(flatten)]
    at: InputSizeOptions,
    #[arg(long, value_parser = format_parser(TEXT_OR_JSON), default_value = "text")]
    format: OutputFormat,
}

pub(super) fn run(opts: &EqualOptions) -> CommandResult {
    let [a, b] = compared(&ModelFiles, &opts.a, &opts.b, &opts.at.compared_at())?;
    let found = compare(&CanonicalGraph::new(a.checked.graph()), &CanonicalGraph::new(b.checked.graph()));
    print(&match opts.format {
        OutputFormat::Json => format!("{:#}\n", comparison_json(&a, &b, &found)),
        _ => comparison_text(&a, &b, &found),
    })?;
    match found {
        GraphComparison::Equal { .. } => Ok(()),
        GraphComparison::Different(_) | GraphComparison::Undecided => Err(CommandError::AlreadyReported),
    }
}
