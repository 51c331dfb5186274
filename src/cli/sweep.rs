//! `npc sweep`: the models of a `sweep` declaration, counted or trained.

mod columns;
mod counted;
#[cfg(feature = "run")]
mod notes;
mod picture;
mod show;
#[cfg(feature = "run")]
mod steps;
#[cfg(feature = "run")]
mod table;
#[cfg(feature = "run")]
mod trained;

use super::format::{TABLES, one_of};
use super::outcome::Done;
use crate::show::table::OutputFormat;
use crate::study::cost::Convention;
use clap::Args;
use std::path::PathBuf;
#[cfg(feature = "run")]
pub(super) use trained::{Common, act};

/// Count the models of a sweep, or train them with the same seeds and splits, and compare them
#[derive(Args)]
#[command(
    after_help = "With --static nothing is trained. The models are counted; those for which `keep where` or --keep does not hold are left
out, those that compute the same function are listed once, and those on the Pareto front of --axes are marked. NAME may
also be what follows the `=` of a sweep.

Without it, each point and seed is a run folder of its own: OUT/attention=se/seed=0. Seeds count up from that of the run;
they vary the weights and the order of the images, not the split. What is finished is not trained again, what was
interrupted goes on. Without --train or --collect the table shows what is there. docs/sweeps.md says what the intervals
are.

Examples:
  npc sweep models/npnet.model ablation --static --on cvc
  npc sweep models/npnet.model ablation --static --on cvc --keep 'macs <= 2.2G and memory(training) <= 1GB'
  npc sweep models/npnet.model 'NPNet(attention = none | se, fem_out = 32..97 step 16)' --static --plot front.svg
  npc sweep models/unet.model 'UNet(width = [16, 32, 64] | [32, 64, 128])' --static --size 256x256 --format markdown
  npc sweep models/npnet.model table2 --run npnet_phantoms
  npc sweep models/npnet.model table2 --run npnet_phantoms --train --seeds 3 --jobs 2 --set epochs=5
  npc sweep models/npnet.model table2 --run npnet_phantoms --seeds 3 --set epochs=5 --format markdown
  npc sweep models/npnet.model table2 --run npnet_phantoms --seeds 3 --print-jobs
  npc sweep models/npnet.model table2 --run npnet_phantoms --seeds 3 --slurm table2.sh
  npc sweep models/npnet.model table2 --run npnet_phantoms --seeds 3 --collect

Exit codes: 0 done, 1 problems found or a run failed, 2 wrong usage, 130 interrupted (the same command goes on)"
)]
pub(super) struct Opts {
    /// Model file
    file: PathBuf,
    /// Name of a `sweep`
    name: String,
    /// Count the models, and train nothing
    #[arg(long = "static")]
    #[cfg_attr(feature = "run", arg(conflicts_with_all = ["action", "run"]))]
    counted: bool,
    /// With --static: take the input size from this data block, several with commas. Without: the run on it, where the
    /// file has one
    #[arg(long, value_name = "DATA", value_delimiter = ',')]
    on: Vec<String>,
    #[command(flatten)]
    look: Look,
    #[cfg(feature = "run")]
    #[command(flatten)]
    runs: trained::Runs,
    // Last, for its heading holds for all that comes after it.
    #[command(flatten)]
    table: counted::TableOpts,
}

/// How a table of models looks.
#[derive(Args, Clone)]
pub(super) struct Look {
    #[arg(long, value_parser = one_of(TABLES), default_value = "text")]
    pub format: OutputFormat,
    /// What counts as an operation: conv, thop, thop-0.1, fvcore, torchinfo, flop-counter
    #[arg(long, value_name = "NAME")]
    pub convention: Option<Convention>,
}

pub(super) fn run(opts: &Opts) -> Done {
    if opts.counted {
        return counted::run(opts);
    }
    #[cfg(feature = "run")]
    return trained::run(opts, &opts.runs);
    #[cfg(not(feature = "run"))]
    Err(super::outcome::Stop::usage("this npc was built without training: add --static to count the models"))
}
