//! `npc report`: writes a run as one HTML page, or as TensorBoard events.

use super::error::CommandResult;
use super::file_format::check_ending;
use super::global_options::quiet;
use super::opened_run::open_run;
use super::option_words::device_text_parser;
use super::terminal::print;
use crate::base::atomic::{write_atomic, write_named_file};
use crate::base::count::counted;
use crate::base::number::bytes;
use crate::data::SplitRole;
use crate::desk::{check_folders_of_run, check_outputs_of_runs, check_report};
use crate::learn::history::History;
use crate::learn::trained_run::TrainedRun;
use crate::score::evaluation_files::{is_stale, role_to_score};
use crate::show::report::{gather, page};
use crate::show::tensorboard::EventFile;
use clap::Args;
use std::path::PathBuf;

/// Write a run as one HTML page
#[derive(Args)]
#[command(after_help = "The page contains settings, learning curves, scores and their distribution, the worst and the
median cases with coloured errors, the model and its costs, the data, and the commands that repeat
the run. It is one self-contained file. A run without scores is evaluated first, as with `npc
eval`.

--figures writes the figures of the scores as files as well: confusion matrix, precision-recall
curves and reliability diagram.

With --tensorboard the epochs are written to RUN_DIR/tensorboard instead; existing events are not
repeated.

Examples:
  npc report runs/npnet_lung
  npc report runs/npnet_lung --out lung.html --cases 12
  npc report runs/npnet_lung --figures figures --theme dark
  npc report runs/npnet_lung --tensorboard && tensorboard --logdir runs

Exit codes: 0 success, 1 problems found, 2 wrong usage, 130 interrupted")]
pub(super) struct ReportOptions {
    /// Folder that `npc train` wrote
    run_dir: PathBuf,
    /// HTML file to write [default: RUN_DIR/report.html]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Number of worst cases, and of cases around the median; all are shown where the worst would be more than half
    #[arg(long, value_name = "N", default_value = "6", value_parser = clap::value_parser!(u8).range(0..=60))]
    cases: u8,
    /// Write TensorBoard events instead of a page
    #[arg(long, conflicts_with_all = ["out", "cases", "figures"])]
    tensorboard: bool,
    /// cpu, cuda or cuda:N
    #[arg(long, value_parser = device_text_parser(), hide_possible_values = true)]
    device: Option<String>,
    /// Folder that the paths of the data block are relative to [default: as in training]
    #[arg(long, value_name = "DIR")]
    data_root: Option<PathBuf>,
    #[command(flatten)]
    figures: super::figures::FigureOptions,
}

pub(super) fn run(opts: &ReportOptions) -> CommandResult {
    if let Some(out) = &opts.out {
        check_ending(out, &["html", "htm"])?;
    }
    let (resolved, folder) = open_run(&opts.run_dir, opts.data_root.as_deref(), opts.device.as_deref())?;
    let outputs = opts.out.iter().cloned().chain(opts.figures.files());
    check_outputs_of_runs(outputs, std::slice::from_ref(&opts.run_dir), opts.data_root.as_deref())?;
    check_folders_of_run(opts.figures.dir(), &opts.run_dir, opts.data_root.as_deref())?;
    let page_of_run = folder.root().join("report.html");
    if opts.out.is_none() && !opts.tensorboard {
        check_report(&page_of_run)?;
    }
    if opts.tensorboard {
        return write_events(resolved.trained(&folder));
    }
    let role = role_to_score(&folder);
    let unscored = if is_stale(&folder, role) { score_run(opts, role).err() } else { None };
    let missing = unscored.into_iter().collect();
    let report = gather(resolved.trained(&folder), role, usize::from(opts.cases), missing);
    let text = page(&report);
    let out = match &opts.out {
        Some(out) => {
            write_named_file(out, text.as_bytes())?;
            out.clone()
        }
        None => {
            write_atomic(&page_of_run, text.as_bytes())?;
            page_of_run
        }
    };
    let missing = report.missing.iter().filter(|_| !quiet());
    let notes: String = missing.map(|text| format!("note: {text}\n")).collect();
    print(&format!("{notes}{} ({})\n", out.display(), bytes(text.len() as u64)))?;
    opts.figures.write(&report.figures)
}

/// Evaluates the run as `npc eval` does. The error is the reason why there are no scores.
#[cfg(feature = "run")]
fn score_run(opts: &ReportOptions, role: SplitRole) -> Result<(), String> {
    use super::error::CommandError;
    use super::eval;
    let opts = eval::EvalOptions::of_role(&opts.run_dir, role, opts.device.clone(), opts.data_root.clone());
    eval::run(&opts).map_err(|error| match &error {
        CommandError::Problems(report) | CommandError::Usage(report) => match report.problems.iter().next() {
            Some(d) if d.primary.is_none() => format!("Not scored: {}", d.message),
            Some(_) | None => {
                super::terminal::print_error(&error);
                "Not scored: see the problems above".into()
            }
        },
        CommandError::AlreadyReported | CommandError::UsageReported => "Not scored: see the problems above".into(),
        CommandError::Interrupted => "Not scored: interrupted".into(),
    })
}

#[cfg(not(feature = "run"))]
fn score_run(_: &ReportOptions, _: SplitRole) -> Result<(), String> {
    Err("Not scored since the weights were written, and this npc is built without the feature `run`; `npc eval RUN` \
         of a full build does it"
        .into())
}

fn write_events(run: TrainedRun<'_>) -> CommandResult {
    let mut board = EventFile::open(run.folder)?;
    let added = board.add_new_epochs(run.folder)?;
    #[cfg(feature = "run")]
    crate::show::images::case_pictures::add_to_tensorboard(run, &mut board)?;
    History::problem(run.folder).into_iter().for_each(|problem| notice!("warning: {problem}"));
    print(&format!("{} in {}\n", counted(added, "new epoch"), board.path().display()))
}
