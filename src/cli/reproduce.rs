//! `npc reproduce`: trains the networks of a paper's table as described in a model file.

use super::error::{CommandError, CommandResult};
use super::sweep::{SweepRunOptions, TableFormatOptions, run_sweep};
use crate::base::problem::problem;
use crate::desk::parse_size;
use crate::desk::sweep::SweepRequest;
use crate::study::cost::Convention;
use clap::Args;
use std::path::PathBuf;

/// Train the networks of a paper's table on one data set, and compare the results with the paper
#[derive(Args)]
#[command(
    after_help = "TABLE is a `sweep` of the file, DATA one of its data blocks or runs; all networks are trained with
the settings of that run. Notes below the table list the settings that the command line changes,
and the remarks of the file on the paper's protocol. Each network and seed has its own run folder,
as in `npc sweep`; the same command continues an interrupted reproduction. The table is written to
OUT as text, Markdown, LaTeX, CSV and JSON.

Examples:
  npc reproduce table1/cvc --data-root ~/data
  npc reproduce table1/cvc --data-root ~/data --epochs 5 --limit 100 --size 96x128
  npc reproduce table1/phantoms --epochs 1 --limit 10 --size 32x32 --seeds 2
  npc reproduce table2/npnet_phantoms --file models/npnet.model --epochs 2 --size 64x64
  npc reproduce table1/cvc --data-root ~/data --seeds 3 --slurm table1.sh

Exit codes: 0 success, 1 problems found or a run failed, 2 wrong usage, 130 interrupted (repeat
the command to continue)"
)]
pub(super) struct ReproduceOptions {
    /// A sweep and a data block or run: table1/cvc, table1/npnet_cvc
    #[arg(value_name = "TABLE/DATA")]
    what: String,
    /// Model file that describes the paper's experiments
    #[arg(long, default_value = "models/paper.model")]
    file: PathBuf,
    /// Number of epochs, instead of that of the run
    #[arg(long, value_name = "N")]
    epochs: Option<usize>,
    /// At most about N images, distributed in proportion over the parts of the split
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    /// Height and width, instead of those of the data block
    #[arg(long, value_name = "HxW", value_parser = parse_size)]
    size: Option<[usize; 2]>,
    /// Show existing results without training
    #[arg(long, group = "action", conflicts_with = "overwrite")]
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
    let set = &mut common.settings.set;
    opts.epochs.iter().for_each(|n| set.push(format!("epochs={n}")));
    opts.limit.iter().for_each(|n| set.push(format!("data.limit={n}")));
    opts.size.iter().for_each(|[h, w]| set.push(format!("data.size=[{h},{w}]")));
    let set = common.settings.set.clone();
    let wanted = SweepRequest {
        file: &opts.file,
        sweep,
        run: None,
        on: Some(on),
        seeds: common.seeds,
        set: &set,
        with: &common.settings.with,
        data_root: common.data_root.as_deref(),
        device: common.device.as_deref(),
        out: common.out.as_deref(),
        figures_for: common.beside.as_deref(),
        // The figures of the paper were counted with thop.
        convention: opts.look.convention.unwrap_or(Convention::Thop),
    };
    run_sweep(&wanted, !opts.show && !common.collect, &common, opts.look.format, None)
}
