//! `npc compare`: compares evaluated runs.

use super::error::{CommandError, CommandResult};
use super::file_format::check_ending;
use super::option_words::{TABLES, THEMES, format_parser, metric_parser, word_parser};
use super::split_option::SplitPart;
use super::terminal::{print, say_written};
use crate::base::problem::problem;
use crate::desk::check_outputs_of_runs;
use crate::score::compare::{ComparisonOptions, EvaluatedRun, ScoredUnit, compare};
use crate::show::chart::{CHART_ENDINGS, ChartTheme};
use crate::show::comparison_plot::comparison_plot;
use crate::show::comparison_tables::{comparison_json, comparison_notes, comparison_tables, long_table};
use crate::show::table::OutputFormat;
use crate::text::config::Metric;
use clap::Args;
use std::path::PathBuf;

/// Compare evaluated runs on the same test images
#[derive(Args)]
#[command(after_help = "npc compare prints the mean of each run with its 95 % bootstrap interval and the paired
difference to the first run over the images. Each difference has its interval, the p-value of the
sign-flip permutation test, and whether the two are distinguishable (the interval excludes 0).
Runs evaluated on different images or with different rules for empty masks are refused.
--group-seeds treats runs that differ only in the seed as one: means and differences are over
images and seeds, as in `npc sweep`, and the standard deviation over seeds is shown. There is no p
then. The command reads the files of `npc eval`.

Examples:
  npc compare runs/unet runs/npnet
  npc compare runs/none_s* runs/se_s* runs/cam_s* --group-seeds --metrics dice,hd95
  npc compare runs/unet runs/npnet --format latex > table.tex
  npc compare runs/unet runs/npnet --volumes
  npc compare runs/unet runs/npnet --metrics dice,hd95 --plot boxes.svg

Exit codes: 0 success, 1 problems found, 2 wrong usage")]
pub(super) struct CompareOptions {
    /// Run folders evaluated by `npc eval`
    #[arg(required = true, num_args = 2.., value_name = "RUN_DIR")]
    runs: Vec<PathBuf>,
    /// Part of the data split
    #[arg(long, value_enum, default_value = "test")]
    split: SplitPart,
    #[arg(long, value_parser = format_parser(TABLES), default_value = "text")]
    format: OutputFormat,
    /// Metrics to compare
    #[arg(long, value_name = "NAME,...", value_delimiter = ',', value_parser = metric_parser(), default_value = "dice,iou,hd95")]
    metrics: Vec<Metric>,
    /// Class to compare, instead of the mean over the foreground classes
    #[arg(long)]
    class: Option<String>,
    /// Treat runs that differ only in the seed as one
    #[arg(long)]
    group_seeds: bool,
    /// Compare whole volumes instead of their slices
    #[arg(long)]
    volumes: bool,
    /// Draw a box plot of the scores of single images, as .svg or .png
    #[arg(long, value_name = "FILE")]
    plot: Option<PathBuf>,
    /// Colours of the plot
    #[arg(long, value_name = "THEME", value_parser = word_parser(THEMES, ChartTheme::name), default_value = "auto", requires = "plot")]
    theme: ChartTheme,
}

pub(super) fn run(opts: &CompareOptions) -> CommandResult {
    if opts.runs.len() < 2 {
        return Err(CommandError::usage(problem!(E0503, "a comparison takes two runs or more")));
    }
    if let Some(path) = &opts.plot {
        check_ending(path, CHART_ENDINGS)?;
    }
    check_outputs_of_runs(opts.plot.clone(), &opts.runs, None)?;
    let role = opts.split.role();
    let of = if opts.volumes { ScoredUnit::Volumes } else { ScoredUnit::Images };
    let runs = opts.runs.iter().map(|dir| EvaluatedRun::open(dir, role, of)).collect::<Result<Vec<_>, _>>()?;
    let (metrics, class) = (opts.metrics.clone(), opts.class.clone());
    let options = ComparisonOptions { metrics, class, group_seeds: opts.group_seeds, seed: 0 };
    let comparison = compare(runs, &options)?;
    let format = opts.format;
    match format {
        OutputFormat::Json => print(&comparison_json(&comparison)),
        OutputFormat::Csv => print(&long_table(&comparison).to_csv()),
        _ => print(&comparison_tables(&comparison, format)),
    }?;
    let Some(path) = &opts.plot else { return Ok(()) };
    let chart = comparison_plot(&comparison, comparison_notes(&comparison))
        .ok_or_else(|| problem!(E0741, path, "no score is left to draw"))?;
    say_written(path, chart.write(path, opts.theme)?);
    Ok(())
}
