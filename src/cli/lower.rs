//! `npc lower`: prints the execution plan of a model in a canonical form.

use super::error::CommandResult;
use super::options::ModelOptions;
use super::terminal::print;
use crate::desk::build_models;
use crate::text::files::Disk;
use clap::Args;

/// Print the execution plan of a model: steps, kernels, weights, and when memory is freed
#[derive(Args)]
#[command(after_help = "Example:
  npc lower models/npnet.model --model NPNet --size 64x64

Exit codes: 0 success, 1 problems found, 2 wrong usage")]
pub(super) struct LowerOptions {
    #[command(flatten)]
    select: ModelOptions,
}

pub(super) fn run(opts: &LowerOptions) -> CommandResult {
    let (file, selection) = opts.select.chosen()?;
    let (checked, _) = build_models(&Disk, &file, &selection)?;
    print(&checked.iter().map(|c| crate::graph::plan::plan(c).to_text()).collect::<Vec<_>>().join("\n"))
}
