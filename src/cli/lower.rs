//! `npc lower`: prints the execution plan of a model in a canonical form, or the kernels that a GPU would run.

use super::details::ModelFiles;
use super::error::CommandResult;
use super::options::ModelOptions;
use super::terminal::print;
use crate::desk::build_models;
use crate::graph::plan::plan;
use clap::Args;
#[cfg(feature = "data")]
use cuda::CudaListingOptions;

#[cfg(feature = "data")]
mod cuda;

#[cfg(feature = "data")]
const EXAMPLES: &str = "Examples:
  npc lower models/npnet.model --model NPNet --size 64x64
  npc lower models/npnet.model --model NPNet --size 224x224 --cuda --training --batch 4

Exit codes: 0 success, 1 problems found, 2 wrong usage";
#[cfg(not(feature = "data"))]
const EXAMPLES: &str = "Example:
  npc lower models/npnet.model --model NPNet --size 64x64

Exit codes: 0 success, 1 problems found, 2 wrong usage";

/// Print the execution plan of a model: steps, kernels, weights, and when memory is freed
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct LowerOptions {
    #[command(flatten)]
    select: ModelOptions,
    #[cfg(feature = "data")]
    #[command(flatten)]
    gpu: CudaListingOptions,
}

pub(super) fn run(opts: &LowerOptions) -> CommandResult {
    let (file, selection) = opts.select.chosen()?;
    let (checked, _) = build_models(&ModelFiles, &file, &selection)?;
    #[cfg(feature = "data")]
    if opts.gpu.cuda {
        return checked.iter().try_for_each(|checked| cuda::run(&opts.gpu, &file, checked));
    }
    print(&checked.iter().map(|c| plan(c).to_text()).collect::<Vec<_>>().join("\n"))
}
