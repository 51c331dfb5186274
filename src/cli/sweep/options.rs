//! Options of `npc sweep`, some of which `npc reproduce` shares.

use crate::cli::option_words::{TABLES, THEMES, convention_parser, format_parser, word_parser};
#[cfg(feature = "run")]
use crate::cli::option_words::{device_text_parser, metric_parser};
#[cfg(feature = "run")]
use crate::cli::options::SettingOptions;
use crate::desk::{ImageSize, ModelOrder, parse_size};
use crate::show::chart::ChartTheme;
#[cfg(feature = "run")]
use crate::show::sweep_cost::CostKey;
use crate::show::table::OutputFormat;
use crate::study::cost::Convention;
use crate::study::explore::MeasureKey;
#[cfg(feature = "run")]
use crate::text::config::Metric;
use clap::Args;
use std::path::PathBuf;

/// Count the models of a sweep, or train them with the same seeds and splits, and compare them
#[derive(Args)]
#[command(
    after_help = "With --static models are counted but not trained. Models that violate `keep where` or --keep are
left out, models that compute the same function are listed once, and models on the Pareto front of
--axes are marked. NAME may also be the right-hand side of a sweep declaration.

Without --static each point and seed has its own run folder, such as OUT/attention=se/seed=0.
Seeds count up from the seed of the run; they change the initial weights and the order of the
images, but not the split. Finished runs are not trained again, and interrupted runs continue.
Without --train or --collect the table shows the existing results. docs/sweeps.md describes the
intervals.

Examples:
  npc sweep models/npnet.model ablation --static --on cvc
  npc sweep models/npnet.model ablation --static --on cvc \\
    --keep 'macs <= 2.2G and memory(training) <= 1GB'
  npc sweep models/npnet.model 'NPNet(attention = none | se, fem_out = 32..97 step 16)' \\
    --static --plot front.svg
  npc sweep models/unet.model 'UNet(width = [16, 32, 64] | [32, 64, 128])' \\
    --static --size 256x256 --format markdown
  npc sweep models/npnet.model table2 --run npnet_phantoms
  npc sweep models/npnet.model table2 --run npnet_phantoms --train --seeds 3 --jobs 2 \\
    --set epochs=5
  npc sweep models/npnet.model table2 --run npnet_phantoms --seeds 3 --set epochs=5 \\
    --format markdown
  npc sweep models/npnet.model table2 --run npnet_phantoms --seeds 3 --set epochs=5 \\
    --plot table2.svg --cost params
  npc sweep models/npnet.model table2 --run npnet_phantoms --seeds 3 --print-jobs
  npc sweep models/npnet.model table2 --run npnet_phantoms --seeds 3 --slurm table2.sh
  npc sweep models/npnet.model table2 --run npnet_phantoms --seeds 3 --collect

Exit codes: 0 success, 1 problems found or a run failed, 2 wrong usage, 130 interrupted (repeat
the command to continue)"
)]
pub(crate) struct SweepOptions {
    /// Model file
    pub(super) file: PathBuf,
    /// Name of a `sweep` declaration
    pub(super) name: String,
    /// Count the models without training
    #[arg(long = "static")]
    #[cfg_attr(feature = "run", arg(conflicts_with_all = ["action", "run"]))]
    pub(super) counted: bool,
    /// With --static: use the input size of this data block; separate several by commas. Without --static: use the run on
    /// this data block
    #[arg(long, value_name = "DATA", value_delimiter = ',')]
    pub(super) on: Vec<String>,
    #[command(flatten)]
    pub(super) look: TableFormatOptions,
    /// Draw a chart, as .svg or .png: with --static the models along --axes, otherwise the score of each point, with its
    /// interval, against its --cost
    #[arg(long, value_name = "FILE")]
    pub(super) plot: Option<PathBuf>,
    /// Colours of the chart
    #[arg(long, value_name = "THEME", value_parser = word_parser(THEMES, ChartTheme::name), default_value = "auto", requires = "plot")]
    pub(super) theme: ChartTheme,
    #[cfg(feature = "run")]
    #[command(flatten)]
    pub(super) runs: TrainedSweepOptions,
    // Last, since its heading applies to all options after it.
    #[command(flatten)]
    pub(super) table: CountedTableOptions,
}

/// Format and counting convention of a table of models.
#[derive(Args, Clone)]
pub(crate) struct TableFormatOptions {
    #[arg(long, value_parser = format_parser(TABLES), default_value = "text")]
    pub format: OutputFormat,
    /// Counting convention [default: conv]
    #[arg(long, value_name = "NAME", value_parser = convention_parser())]
    pub convention: Option<Convention>,
}

/// Options for the runs of a sweep.
#[cfg(feature = "run")]
#[derive(Args)]
pub(crate) struct TrainedSweepOptions {
    /// Train unfinished runs
    #[arg(long, group = "action")]
    pub(super) train: bool,
    /// Name of the `train` block whose settings all runs use
    #[arg(long, value_name = "NAME", conflicts_with = "on")]
    pub(super) run: Option<String>,
    /// What --plot has along x [default: macs]
    #[arg(long, value_name = "KEY", value_parser = word_parser(COSTS, CostKey::name), requires = "plot", conflicts_with = "counted")]
    pub(super) cost: Option<CostKey>,
    #[command(flatten)]
    pub(super) common: SweepRunOptions,
}

/// Options shared by `npc sweep` and `npc reproduce`.
#[cfg(feature = "run")]
#[derive(Args, Clone)]
pub(crate) struct SweepRunOptions {
    /// Evaluate runs that other processes trained; fail if a run is not finished
    #[arg(long, group = "action")]
    pub collect: bool,
    /// Print one shell command per run without training
    #[arg(long, group = "action")]
    pub(super) print_jobs: bool,
    /// Write an array script for sbatch with one task per run, without training
    #[arg(long, group = "action", value_name = "FILE")]
    pub(super) slurm: Option<PathBuf>,
    /// Number of seeds of each point
    #[arg(long, value_name = "K", default_value = "1", value_parser = clap::value_parser!(u64).range(1..=1000))]
    pub seeds: u64,
    /// Number of parallel runs; the CPU cores are divided among them
    #[arg(long, value_name = "N", default_value = "1", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub jobs: u16,
    #[command(flatten)]
    pub settings: SettingOptions,
    /// Replace run folders that hold runs with other settings, once their new runs begin; runs with these settings are kept
    #[arg(long, conflicts_with_all = ["collect", "print_jobs", "slurm"])]
    pub overwrite: bool,
    /// cpu, cuda or cuda:N
    #[arg(long, value_parser = device_text_parser(), hide_possible_values = true)]
    pub device: Option<String>,
    /// Folder that the paths of the data block are relative to
    #[arg(long, value_name = "DIR")]
    pub data_root: Option<PathBuf>,
    /// Folder for the run folders and the table [default: runs/NAME-RUN]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Metrics of the table; differences are shown for the first
    #[arg(long, value_name = "NAME,...", value_delimiter = ',', value_parser = metric_parser(), default_value = "dice,iou")]
    pub(super) metrics: Vec<Metric>,
    /// Reference point of the differences, for example attention=none [default: the first]
    #[arg(long, value_name = "POINT")]
    pub(super) to: Option<String>,
    /// Show the paper's figures for this data block [default: that of the run]
    #[arg(long, value_name = "DATA")]
    pub beside: Option<String>,
}

#[derive(Args)]
#[command(next_help_heading = "With --static")]
pub(crate) struct CountedTableOptions {
    /// Input height and width, for example 288x384; may be repeated
    #[arg(long, value_name = "HxW", value_parser = parse_size, conflicts_with = "on")]
    pub(super) size: Vec<ImageSize>,
    /// Keep only models within these bounds, for example 'macs <= 2.5G and params < 1M'
    #[arg(long, value_name = "BOUNDS")]
    pub(super) keep: Vec<String>,
    /// Order of the models [default: params]
    #[arg(long, value_name = "KEY", value_parser = word_parser(ORDERS, ModelOrder::name))]
    pub(super) sort: Option<ModelOrder>,
    /// Show only the first N models
    #[arg(long, value_name = "N")]
    pub(super) top: Option<usize>,
    /// Two keys whose Pareto front is marked; less is better, except for the receptive field [default: params,macs]
    #[arg(long, value_name = "KEY,KEY", value_delimiter = ',', value_parser = word_parser(MEASURES, MeasureKey::name))]
    pub(super) axes: Vec<MeasureKey>,
    /// Batch size for memory figures [default: that of the first run of one of the models, else 1]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1 << 32))]
    pub(super) batch: Option<u64>,
}

impl CountedTableOptions {
    /// Returns the options that were given.
    pub(super) fn given(&self) -> Vec<&'static str> {
        // Every field is named, so that a new option cannot be left out.
        let CountedTableOptions { size, keep, sort, top, axes, batch } = self;
        let options = [
            ("--size", !size.is_empty()),
            ("--keep", !keep.is_empty()),
            ("--sort", sort.is_some()),
            ("--top", top.is_some()),
            ("--axes", !axes.is_empty()),
            ("--batch", batch.is_some()),
        ];
        options.into_iter().filter_map(|(name, given)| given.then_some(name)).collect()
    }
}

const MEASURES: &[(MeasureKey, &str)] = &[
    (MeasureKey::Params, ""),
    (MeasureKey::Macs, ""),
    (MeasureKey::Inference, "Memory of a forward pass"),
    (MeasureKey::Training, "Memory of a training step"),
    (MeasureKey::Field, "Receptive field"),
];

const ORDERS: &[(ModelOrder, &str)] = &[
    (ModelOrder::By(MeasureKey::Params), ""),
    (ModelOrder::By(MeasureKey::Macs), ""),
    (ModelOrder::By(MeasureKey::Inference), "Memory of a forward pass"),
    (ModelOrder::By(MeasureKey::Training), "Memory of a training step"),
    (ModelOrder::By(MeasureKey::Field), "Receptive field"),
    (ModelOrder::Sweep, "The order of the sweep"),
];

#[cfg(feature = "run")]
const COSTS: &[(CostKey, &str)] = &[
    (CostKey::Macs, ""),
    (CostKey::Params, ""),
    (CostKey::Inference, "Memory of a forward pass"),
    (CostKey::Training, "Memory of a training step"),
    (CostKey::Time, "Time of training"),
];
