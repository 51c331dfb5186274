//! `npc diff`: changes between two models, and their effect on shapes, costs and weights.

use super::details::ModelFiles;
use super::error::CommandResult;
use super::option_words::{TEXT_OR_JSON, format_parser};
use super::options::InputSizeOptions;
use super::terminal::print;
use crate::desk::{DifferenceView, ModelDifference, compared};
use crate::graph::canon::diff_graphs;
use crate::show::table::OutputFormat;
use clap::Args;

/// Show what changed between two models, by block and node
#[derive(Args)]
#[command(
    after_help = "Nodes are matched by path, then by their neighbours in the graph, so that renaming is reported as
renaming and comments do not matter. Nothing is printed for models that compute the same function
(see npc equal).

A model is FILE, FILE:NAME, FILE:NAME(key = value) or FILE@REVISION of a git repository; the
second may also be a name in the first file. Signs: - removed, + added, ~ changed, > reads another
input.

Examples:
  npc diff models/npnet.model:NPNet NPNet_Plain --on cvc
  npc diff models/unet.model models/attention_unet.model
  npc diff models/npnet.model@HEAD~1 models/npnet.model --format json

Exit codes: 0 success, with or without changes; 1 problems found, 2 wrong usage"
)]
pub(super) struct DiffOptions {
    /// A model: FILE, FILE:NAME, FILE:NAME(key = value), FILE@REVISION
    a: String,
    /// Another model, or a name in the same file
    b: String,
    #[command(flatten)]
    at: InputSizeOptions,
    /// List every changed, renamed and reshaped node
    #[arg(long)]
    all: bool,
    #[arg(long, value_parser = format_parser(TEXT_OR_JSON), default_value = "text")]
    format: OutputFormat,
}

pub(super) fn run(opts: &DiffOptions) -> CommandResult {
    let [a, b] = compared(&ModelFiles, &opts.a, &opts.b, &opts.at.compared_at())?;
    let found = diff_graphs(a.checked.graph(), b.checked.graph());
    let view = DifferenceView(ModelDifference::new(&a, &b));
    match (opts.format, found) {
        (OutputFormat::Json, found) => print(&format!("{:#}\n", view.to_json(found.as_ref()))),
        (_, None) => Ok(()),
        (_, Some(delta)) => print(&view.to_text(&delta, opts.all)),
    }
}
