//! `npc runs`: lists run folders with their scores.

use super::error::CommandResult;
use super::option_words::{TABLES, format_parser, word_parser};
use super::terminal::print;
use crate::score::run_order::RunOrder;
use crate::score::run_overview::run_overviews;
use crate::show::runs::{notes, table};
use crate::show::table::OutputFormat;
use clap::Args;
use std::path::PathBuf;

/// List run folders with their progress and scores
#[derive(Args)]
#[command(
    after_help = "The best Dice is that of the best epoch, on the validation images (val), or on the test images where
the split has no others. The test Dice is that of `npc eval`; it is marked as stale if the weights
have changed since then, with last if `npc eval --checkpoint last` scored it, and with flips if `npc eval --flips` averaged over mirror images. Folders that cannot be read are named, and the others are listed. Nothing
is changed.

Examples:
  npc runs
  npc runs runs/table2-npnet_lung --sort dice
  npc runs runs ~/old/runs --format csv > runs.csv

Exit codes: 0 success, 1 a folder does not exist, 2 wrong usage"
)]
pub(super) struct RunsOptions {
    /// Folders that hold run folders, at any depth up to 8
    #[arg(value_name = "DIR", default_value = "runs")]
    dirs: Vec<PathBuf>,
    /// Order of the runs
    #[arg(long, value_name = "KEY", value_parser = word_parser(ORDERS, RunOrder::name), default_value = "name")]
    sort: RunOrder,
    #[arg(long, value_name = "FORMAT", value_parser = format_parser(TABLES), default_value = "text")]
    format: OutputFormat,
}

const ORDERS: &[(RunOrder, &str)] = &[
    (RunOrder::Name, "By path"),
    (RunOrder::Dice, "By best Dice, the highest first"),
    (RunOrder::Test, "By test Dice, the highest first; stale ones last"),
];

pub(super) fn run(opts: &RunsOptions) -> CommandResult {
    let (mut runs, unreadable) = run_overviews(&opts.dirs)?;
    opts.sort.sort(&mut runs);
    unreadable.iter().for_each(|error| notice!("warning: {}", error.headline()));
    for run in &runs {
        run.problems.iter().for_each(|problem| notice!("warning: {}: {problem}", run.folder.display()));
    }
    if runs.is_empty() && opts.format == OutputFormat::Text {
        let dirs: Vec<String> = opts.dirs.iter().map(|dir| dir.display().to_string()).collect();
        return print(&format!("no run folders in {}\n", dirs.join(", ")));
    }
    print(&(table(&runs).print(opts.format) + &opts.format.notes(&notes(&runs))))
}
