//! `npc report`: a run as one HTML page, or as TensorBoard events.
//!
//! Gathers what the page shows; `run::report` knows how it looks. What cannot be had (data that is elsewhere, a build
//! without tensors) is said on the page, and the rest is shown.

mod gather;

use super::outcome::Done;
use super::terminal::print;
use crate::base::atomic::write_atomic;
use crate::base::number::bytes;
use crate::data::{Dataset, Role};
use crate::desk::{ResolvedRun, reopen};
use crate::learn::folder::Folder;
use crate::learn::history::History;
use crate::score::case_scores;
use crate::show::report::{Report, page, words};
use crate::show::tensorboard::Board;
use clap::Args;
use std::path::{Path, PathBuf};

/// Write a run as one HTML page
#[derive(Args)]
#[command(
    after_help = "The page holds the settings, learning curves, scores with their distribution, the worst and the median cases
with errors in colours, the model, its costs, the data and the commands to repeat the run. It is one file that asks
for nothing from outside. A run that is not scored yet is scored first, as `npc eval` does it.

With --tensorboard the epochs go into RUN_DIR/tensorboard instead; what is there already is not written twice.

Examples:
  npc report runs/npnet_lung
  npc report runs/npnet_lung --out lung.html --cases 12
  npc report runs/npnet_lung --tensorboard && tensorboard --logdir runs

Exit codes: 0 done, 1 problems found, 2 wrong usage, 130 interrupted"
)]
pub(super) struct Opts {
    /// Folder that `npc train` wrote
    run_dir: PathBuf,
    /// The page; RUN_DIR/report.html when not given
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// So many of the worst cases and as many around the median
    #[arg(long, value_name = "N", default_value = "6", value_parser = clap::value_parser!(u8).range(0..=60))]
    cases: u8,
    /// Write events for TensorBoard and no page
    #[arg(long, conflicts_with_all = ["out", "cases"])]
    tensorboard: bool,
    /// cpu, cuda or cuda:N
    #[arg(long)]
    device: Option<String>,
    /// Where the paths of the data block start; as in training when not given
    #[arg(long, value_name = "DIR")]
    data_root: Option<PathBuf>,
}

pub(super) fn run(opts: &Opts) -> Done {
    let (ready, folder) = reopen(&opts.run_dir, opts.data_root.as_deref(), opts.device.as_deref())?;
    if opts.tensorboard {
        return events(&ready, &folder);
    }
    let (role, split) = scored_split(&folder);
    let mut missing = Vec::new();
    if stale(&folder, split)
        && let Err(text) = score(opts, role)
    {
        missing.push(text);
    }
    let data = match Dataset::open(&ready.settings.data, Path::new(&ready.settings.data_root)) {
        Ok(data) => Some(data),
        Err(e) => {
            missing.push(format!("Without data, and so without pictures: {e}"));
            None
        }
    };
    let cases = case_scores::read(&folder.root().join(file("cases", split, "csv"))).ok();
    let ranked_by = ["dice", "iou"].into_iter().find(|c| cases.as_ref().is_some_and(|t| t.column(c).is_some()));
    let ranked_by = ranked_by.unwrap_or("dice");
    let ranked = cases.as_ref().map(|t| t.worst_first(ranked_by)).unwrap_or_default();
    let (worst, median) = match &data {
        Some(_) => pictures(&ready, &folder, role, &ranked, usize::from(opts.cases), &words(ranked_by), &mut missing),
        None => Default::default(),
    };
    let (balance, examples) = match data.as_ref().map(|data| gather::data(data, &ready)) {
        Some(Ok(found)) => found,
        Some(Err(e)) => {
            missing.push(format!("Without class balance and examples: {e}"));
            Default::default()
        }
        None => Default::default(),
    };
    let evaluation = gather::evaluation(&folder.root().join(file("eval", split, "json")));
    let history = History::read(&folder);
    let report = Report {
        title: ready.settings.train.name.clone(),
        subtitle: gather::subtitle(&ready, &folder),
        facts: gather::facts(&ready, &folder, evaluation.as_ref(), split, &history),
        scored_on: gather::scored_on(&folder),
        history,
        evaluation,
        cases,
        split: split.into(),
        ranked_by: (ranked_by.into(), words(ranked_by)),
        ranked,
        worst,
        median,
        checked: &ready.checked,
        costs: gather::costs(&ready, &folder),
        blocks: gather::blocks(&ready),
        classes: ready.settings.data.classes.clone(),
        balance,
        examples,
        settings: gather::settings(&ready),
        commands: gather::commands(folder.root()),
        missing,
    };
    let text = page(&report);
    let out = opts.out.clone().unwrap_or_else(|| folder.root().join("report.html"));
    write_atomic(&out, text.as_bytes())?;
    let notes: String = report.missing.iter().map(|text| format!("note: {text}\n")).collect();
    print(&format!("{notes}{} ({})\n", out.display(), bytes(text.len() as u64)))
}

/// The test split where there is one, else the validation split.
fn scored_split(folder: &Folder) -> (Role, &'static str) {
    let holds = |role| std::fs::read_to_string(folder.split(role)).is_ok_and(|text| !text.trim().is_empty());
    if holds(Role::Test) || !holds(Role::Val) { (Role::Test, "test") } else { (Role::Val, "val") }
}

/// `cases.csv` for the test images, `cases_val.csv` for others: as `npc eval` names them.
fn file(name: &str, split: &str, extension: &str) -> String {
    if split == "test" { format!("{name}.{extension}") } else { format!("{name}_{split}.{extension}") }
}

/// Whether the scores are missing or older than the weights.
fn stale(folder: &Folder, split: &str) -> bool {
    let time = |path: PathBuf| std::fs::metadata(path).and_then(|m| m.modified()).ok();
    let Some(weights) = folder.checkpoint().ok().and_then(time) else { return false };
    ["cases.csv", "eval.json"].iter().any(|name| {
        let (name, extension) = name.split_once('.').unwrap_or((name, ""));
        time(folder.root().join(file(name, split, extension))).is_none_or(|scored| scored < weights)
    })
}

/// Scores the run as `npc eval` does; the text says why there are no scores.
#[cfg(feature = "run")]
fn score(opts: &Opts, role: Role) -> Result<(), String> {
    use super::eval;
    use super::outcome::Stop;
    let opts = eval::Opts::of_role(&opts.run_dir, role, opts.device.clone(), opts.data_root.clone());
    eval::run(&opts).map_err(|stop| match stop {
        Stop::Message(text) | Stop::Usage(_, text) => format!("Not scored: {text}"),
        Stop::Problems => "Not scored: see the problems above".into(),
        Stop::Found(found) => {
            super::terminal::show(&found);
            "Not scored: see the problems above".into()
        }
        Stop::Interrupted => "Not scored: interrupted".into(),
    })
}

#[cfg(not(feature = "run"))]
fn score(_: &Opts, _: Role) -> Result<(), String> {
    Err("Not scored since the weights were written, and this npc is built without the feature `run`; `npc eval RUN` \
         of a full build does it"
        .into())
}

/// The worst cases and those around the median, as pictures.
#[cfg(feature = "run")]
fn pictures(
    ready: &ResolvedRun,
    folder: &Folder,
    role: Role,
    ranked: &[case_scores::Ranked],
    n: usize,
    metric: &str,
    missing: &mut Vec<String>,
) -> (Vec<crate::show::report::Picture>, Vec<crate::show::report::Picture>) {
    use crate::show::images::case_pictures::draw;
    use crate::show::report::{Picture, SIDE};
    let (worst, median) = case_scores::worst_and_median(ranked, n);
    let both = [worst, median].concat();
    let drawn = draw(ready.trained(folder), role, &both, metric).and_then(|shown| {
        shown.iter().map(|case| Picture::new(&case.stem, &case.score, &case.draw(SIDE)?)).collect::<Result<Vec<_>, _>>()
    });
    match drawn {
        Ok(mut pictures) => {
            let median = pictures.split_off(worst.len().min(pictures.len()));
            (pictures, median)
        }
        Err(e) => {
            missing.push(format!("Without pictures of cases: {e}"));
            Default::default()
        }
    }
}

#[cfg(not(feature = "run"))]
fn pictures(
    _: &ResolvedRun,
    _: &Folder,
    _: Role,
    _: &[case_scores::Ranked],
    _: usize,
    _: &str,
    missing: &mut Vec<String>,
) -> (Vec<crate::show::report::Picture>, Vec<crate::show::report::Picture>) {
    missing.push("Without pictures of cases: this npc is built without the feature `run`".into());
    Default::default()
}

fn events(ready: &ResolvedRun, folder: &Folder) -> Done {
    let mut board = Board::open(folder)?;
    let added = board.catch_up(folder)?;
    #[cfg(feature = "run")]
    crate::show::images::case_pictures::to_board(ready.trained(folder), &mut board)?;
    #[cfg(not(feature = "run"))]
    let _ = ready;
    let epochs = if added == 1 { "epoch" } else { "epochs" };
    print(&format!("{added} new {epochs} in {}\n", board.path().display()))
}
