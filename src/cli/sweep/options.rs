//! Options of `npc sweep`; `npc reproduce` takes some of them.

#[cfg(feature = "run")]
use crate::cli::compare::parse_metric;
use crate::cli::option_words::{TABLES, format_parser};
use crate::desk::{ImageSize, ModelOrder, parse_size};
use crate::show::table::OutputFormat;
use crate::study::cost::Convention;
use crate::study::explore::Key;
#[cfg(feature = "run")]
use crate::text::config::Metric;
use clap::Args;
use std::path::PathBuf;

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
pub(crate) struct SweepOptions {
    /// Model file
    pub(super) file: PathBuf,
    /// Name of a `sweep`
    pub(super) name: String,
    /// Count the models, and train nothing
    #[arg(long = "static")]
    #[cfg_attr(feature = "run", arg(conflicts_with_all = ["action", "run"]))]
    pub(super) counted: bool,
    /// With --static: take the input size from this data block, several with commas. Without: the run on it, where the
    /// file has one
    #[arg(long, value_name = "DATA", value_delimiter = ',')]
    pub(super) on: Vec<String>,
    #[command(flatten)]
    pub(super) look: TableFormatOptions,
    #[cfg(feature = "run")]
    #[command(flatten)]
    pub(super) runs: TrainedSweepOptions,
    // Last, for its heading holds for all that comes after it.
    #[command(flatten)]
    pub(super) table: CountedTableOptions,
}

/// How a table of models looks.
#[derive(Args, Clone)]
pub(crate) struct TableFormatOptions {
    #[arg(long, value_parser = format_parser(TABLES), default_value = "text")]
    pub format: OutputFormat,
    /// What counts as an operation: conv, thop, thop-0.1, fvcore, torchinfo, flop-counter
    #[arg(long, value_name = "NAME")]
    pub convention: Option<Convention>,
}

/// Which runs a sweep takes.
#[cfg(feature = "run")]
#[derive(Args)]
pub(crate) struct TrainedSweepOptions {
    /// Train what is not finished
    #[arg(long, group = "action")]
    pub(super) train: bool,
    /// The `train` block whose settings all runs have
    #[arg(long, value_name = "NAME", conflicts_with = "on")]
    pub(super) run: Option<String>,
    #[command(flatten)]
    pub(super) common: SweepRunOptions,
}

/// What sweeps and reproductions share.
#[cfg(feature = "run")]
#[derive(Args, Clone)]
pub(crate) struct SweepRunOptions {
    /// Score what others have trained, and fail where a run is not finished
    #[arg(long, group = "action")]
    pub collect: bool,
    /// Print one shell command a run, and train nothing
    #[arg(long, group = "action")]
    pub(super) print_jobs: bool,
    /// Write an array script for sbatch, one task a run, and train nothing
    #[arg(long, group = "action", value_name = "FILE")]
    pub(super) slurm: Option<PathBuf>,
    /// Runs of each point
    #[arg(long, value_name = "K", default_value = "1", value_parser = clap::value_parser!(u64).range(1..=1000))]
    pub seeds: u64,
    /// Runs at a time; the processors are divided among them
    #[arg(long, value_name = "N", default_value = "1", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub jobs: u16,
    /// Change a setting of all runs: epochs=5, lr=1e-4, data.size=[128,128]
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// cpu, cuda or cuda:N
    #[arg(long)]
    pub device: Option<String>,
    /// Where the paths of the data block start
    #[arg(long, value_name = "DIR")]
    pub data_root: Option<PathBuf>,
    /// Folder of the run folders and of the table; runs/NAME-RUN when not given
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Of dice, iou, precision, recall, specificity, accuracy, boundary_iou, hd95, assd; differences are shown of the first
    #[arg(long, value_name = "NAME,...", value_delimiter = ',', value_parser = parse_metric, default_value = "dice,iou")]
    pub(super) metrics: Vec<Metric>,
    /// The point that the others are held against, for example attention=none; the first when not given
    #[arg(long, value_name = "POINT")]
    pub(super) to: Option<String>,
    /// Show the paper's figures for this data block; for that of the run when not given
    #[arg(long, value_name = "DATA")]
    pub beside: Option<String>,
}

#[derive(Args)]
#[command(next_help_heading = "With --static")]
pub(crate) struct CountedTableOptions {
    /// Input height and width, for example 288x384; may be given several times
    #[arg(long, value_name = "HxW", value_parser = parse_size, requires = "counted", conflicts_with = "on")]
    pub(super) size: Vec<ImageSize>,
    /// Leave out what this does not hold for, for example 'macs <= 2.5G and params < 1M'
    #[arg(long, value_name = "BOUNDS", requires = "counted")]
    pub(super) keep: Vec<String>,
    /// params, macs, inference or training (memory), field, or sweep for the order of the sweep
    #[arg(long, value_name = "KEY", requires = "counted", default_value = "params")]
    pub(super) sort: ModelOrder,
    /// Show the first N models
    #[arg(long, value_name = "N", requires = "counted")]
    pub(super) top: Option<usize>,
    /// Two keys whose front is marked; less is better, but of the receptive field
    #[arg(long, value_name = "KEY,KEY", requires = "counted", default_value = "params,macs", value_parser = parse_axes)]
    pub(super) axes: [Key; 2],
    /// Draw the models along --axes
    #[arg(long, value_name = "FILE.svg", requires = "counted")]
    pub(super) plot: Option<PathBuf>,
    /// Images in a batch, for the memory; without it, those of the first run of one of the models, else 1
    #[arg(long, value_name = "N", requires = "counted", value_parser = clap::value_parser!(u64).range(1..=1 << 32))]
    pub(super) batch: Option<u64>,
}

fn parse_axes(text: &str) -> Result<[Key; 2], String> {
    let (x, y) = text.split_once(',').ok_or("write two keys with a comma between them, for example params,macs")?;
    let [x, y] = [x.trim().parse::<Key>()?, y.trim().parse()?];
    if x == y { Err(format!("`{x}` against itself is a line; name two keys")) } else { Ok([x, y]) }
}
