//! `npc reproduce`: a table of a paper, as a model file describes it.

use super::error::{CommandError, CommandResult};
use super::sweep::{SweepRunOptions, TableFormatOptions, run_sweep};
use crate::base::problem::problem;
use crate::desk::parse_size;
use crate::desk::sweep::SweepRequest;
use crate::study::cost::Convention;
use clap::Args;
use std::path::PathBuf;

/// Train the networks of a paper's table on one data set, and print the table beside the paper's
#[derive(Args)]
#[command(
    after_help = "TABLE is a `sweep` of the file, DATA a data block or a run of it; all networks get the settings of that run. What the
command line makes different from the file is said below the table, and so is what the file says about the paper's
protocol. A run folder for each network and seed, as in `npc sweep`; the same command goes on where it was stopped.
The table is written to OUT as text, Markdown, CSV and JSON.

Examples:
  npc reproduce table1/cvc --data-root ~/data
  npc reproduce table1/cvc --data-root ~/data --epochs 5 --limit 100 --size 96x128
  npc reproduce table1/phantoms --epochs 1 --limit 10 --size 32x32 --seeds 2
  npc reproduce table2/npnet_phantoms --file models/npnet.model --epochs 2 --size 64x64
  npc reproduce table1/cvc --data-root ~/data --seeds 3 --slurm table1.sh

Exit codes: 0 done, 1 problems found or a run failed, 2 wrong usage, 130 interrupted (the same command goes on)"
)]
pub(super) struct ReproduceOptions {
    /// A sweep, and a data block or run: table1/cvc, table1/npnet_cvc
    #[arg(value_name = "TABLE/DATA")]
    what: String,
    /// Model file that describes the paper's experiments
    #[arg(long, default_value = "models/paper.model")]
    file: PathBuf,
    /// In place of the run's
    #[arg(long, value_name = "N")]
    epochs: Option<usize>,
    /// At most about N images, of each part of the split its share
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    /// Height and width in place of the data block's
    #[arg(long, value_name = "HxW", value_parser = parse_size)]
    size: Option<[usize; 2]>,
    /// Show what is there, and train nothing
    #[arg(long, group = "action")]
    show: bool,
    #[command(flatten)]
    common: SweepRunOptions,
    #[command(flatten)]
    look: TableFormatOptions,
}

pub(super) fn run(opts: &ReproduceOptions) -> CommandResult {
    let Some((sweep, on)) = opts.what.split_once('/') else {
        return Err(CommandError::usage(problem!(
            E0503,
            "`{}` is not TABLE/DATA; write for example table1/cvc",
            opts.what
        )));
    };
    let mut common = opts.common.clone();
    let set = &mut common.set;
    opts.epochs.iter().for_each(|n| set.push(format!("epochs={n}")));
    opts.limit.iter().for_each(|n| set.push(format!("data.limit={n}")));
    opts.size.iter().for_each(|[h, w]| set.push(format!("data.size=[{h},{w}]")));
    let set = common.set.clone();
    let wanted = SweepRequest {
        file: &opts.file,
        sweep,
        run: None,
        on: Some(on),
        seeds: common.seeds,
        set: &set,
        data_root: common.data_root.as_deref(),
        device: common.device.as_deref(),
        out: common.out.as_deref(),
        beside: common.beside.as_deref(),
        // The paper's tool counted in this way.
        convention: opts.look.convention.unwrap_or(Convention::Thop),
    };
    run_sweep(&wanted, !opts.show && !common.collect, &common, opts.look.format)
}
