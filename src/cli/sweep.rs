//! `npc sweep`: the runs of a `sweep` declaration, and their table.

mod jobs;
mod paper;
mod plan;
mod state;
mod table;
mod work;

use super::compare::metric;
use super::job::stop_on_interrupt;
use super::scores::Format;
use super::{Done, Stop, print};
use crate::cost::Convention;
use crate::recipe::Metric;
use crate::run::folder::{Folder, RunSummary};
use crate::run::sweep::{PointScores, Scores, same_images};
use clap::Args;
pub use plan::Wanted;
use plan::{Plan, Run, plan};
use state::State;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use table::Table;
use work::{End, News, Task, work};

/// Train the models of a sweep with the same seeds and splits, and compare them
#[derive(Args)]
#[command(
    after_help = "Each point and seed is a run folder of its own: OUT/attention=se/seed=0. Seeds count up from that of the run; they
vary the weights and the order of the images, not the split. What is finished is not trained again, what was
interrupted goes on. Without --train or --collect the table shows what is there. docs/sweeps.md says what the intervals
are.

Examples:
  npc sweep models/npnet.model table2 --run npnet_phantoms
  npc sweep models/npnet.model table2 --run npnet_phantoms --train --seeds 3 --jobs 2 --set epochs=5
  npc sweep models/npnet.model table2 --run npnet_phantoms --seeds 3 --set epochs=5 --format markdown
  npc sweep models/npnet.model table2 --run npnet_phantoms --seeds 3 --print-jobs
  npc sweep models/npnet.model table2 --run npnet_phantoms --seeds 3 --slurm table2.sh
  npc sweep models/npnet.model table2 --run npnet_phantoms --seeds 3 --collect

Exit codes: 0 done, 1 problems found or a run failed, 2 wrong usage, 130 interrupted (the same command goes on)"
)]
pub struct Opts {
    /// Model file
    file: PathBuf,
    /// Name of a `sweep`
    name: String,
    /// Train what is not finished
    #[arg(long, group = "action")]
    train: bool,
    /// The `train` block whose settings all runs have
    #[arg(long, value_name = "NAME", conflicts_with = "on")]
    run: Option<String>,
    /// The run on this data block, where the file has one
    #[arg(long, value_name = "DATA")]
    on: Option<String>,
    #[command(flatten)]
    common: Common,
}

/// What sweeps and reproductions share.
#[derive(Args, Clone)]
pub struct Common {
    /// Score what others have trained, and fail where a run is not finished
    #[arg(long, group = "action")]
    pub collect: bool,
    /// Print one shell command a run, and train nothing
    #[arg(long, group = "action")]
    print_jobs: bool,
    /// Write an array script for sbatch, one task a run, and train nothing
    #[arg(long, group = "action", value_name = "FILE")]
    slurm: Option<PathBuf>,
    /// Runs of each point
    #[arg(long, value_name = "K", default_value = "1", value_parser = clap::value_parser!(u64).range(1..=1000))]
    pub seeds: u64,
    /// Runs at a time; the processors are divided among them
    #[arg(long, value_name = "N", default_value = "1", value_parser = clap::value_parser!(u16).range(1..=256))]
    jobs: u16,
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
    #[arg(long, value_name = "NAME,...", value_delimiter = ',', value_parser = metric, default_value = "dice,iou")]
    metrics: Vec<Metric>,
    /// The point that the others are held against, for example attention=none; the first when not given
    #[arg(long, value_name = "POINT")]
    to: Option<String>,
    /// Show the paper's figures for this data block; for that of the run when not given
    #[arg(long, value_name = "DATA")]
    pub beside: Option<String>,
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
    /// What counts as an operation: conv, thop, thop-0.1, fvcore, torchinfo, flop-counter
    #[arg(long, value_name = "NAME")]
    pub convention: Option<Convention>,
}

pub fn run(opts: &Opts) -> Done {
    let common = &opts.common;
    let wanted = Wanted {
        file: &opts.file,
        sweep: &opts.name,
        run: opts.run.as_deref(),
        on: opts.on.as_deref(),
        seeds: common.seeds,
        set: &common.set,
        data_root: common.data_root.as_deref(),
        device: common.device.as_deref(),
        out: common.out.as_deref(),
        beside: common.beside.as_deref(),
        convention: common.convention.unwrap_or(Convention::Conv),
    };
    act(&wanted, opts.train, common)
}

/// Does what is asked for with the runs of a sweep.
pub fn act(wanted: &Wanted<'_>, train: bool, common: &Common) -> Done {
    let mut plan = plan(wanted)?;
    if let Some(path) = &common.slurm {
        jobs::write_slurm(&plan, common.jobs, path)?;
        let n = plan.points.iter().map(|p| p.runs.len()).sum::<usize>();
        return print(&format!("{n} runs: sbatch {}; then the same command with --collect\n", path.display()));
    }
    if common.print_jobs {
        return print(&(jobs::lines(&plan)?.join("\n") + "\n"));
    }
    let to = reference(&plan, common.to.as_deref())?;
    no_other_runs(&plan)?;
    let mut failures = broken(&plan);
    if train {
        failures.extend(train_all(&mut plan, usize::from(common.jobs))?);
    }
    if train || common.collect {
        score(&plan, common, &mut failures)?;
    }
    if common.collect {
        let open = |r: &&Run| matches!(r.state, State::Absent | State::Started);
        let open = plan.points.iter().flat_map(|p| &p.runs).filter(open);
        failures.extend(open.map(|r| (r.label.clone(), "not finished".to_string())));
    }
    let scores = read(&plan)?;
    same_images(&scores)?;
    let mut table = Table::new(&plan, &scores, &common.metrics, to, wanted.convention);
    table.notes = notes(&table, &scores);
    if train || common.collect {
        table.keep(&plan.out)?;
    }
    print(&table.write(common.format))?;
    if failures.is_empty() {
        return Ok(());
    }
    eprintln!();
    for (label, message) in &failures {
        eprintln!("{label}: {message}");
    }
    Err(Stop::Problems)
}

/// The place of the point that is named, or of the first.
fn reference(plan: &Plan, name: Option<&str>) -> Result<usize, Stop> {
    let Some(name) = name else { return Ok(0) };
    let labels = || plan.points.iter().map(|p| p.label.as_str());
    labels().position(|label| label == name).ok_or_else(|| {
        let known: Vec<&str> = labels().collect();
        Stop::Usage(format!("`{}` has no point `{name}`; it has {}", plan.sweep, known.join(", ")))
    })
}

/// A folder that holds a run with other settings must not be taken for this sweep's, and is not overwritten.
fn no_other_runs(plan: &Plan) -> Done {
    let others: Vec<(&Run, &String)> = plan
        .points
        .iter()
        .flat_map(|p| &p.runs)
        .filter_map(|r| if let State::Other(what) = &r.state { Some((r, what)) } else { None })
        .collect();
    let Some((first, what)) = others.first() else { return Ok(()) };
    let more = match others.len() {
        1 => String::new(),
        n => format!(" ({} folders in all)", n),
    };
    let what = what.replace('\n', "\n  ");
    Err(Stop::Message(format!(
        "{}: holds a run with other settings{more}\n  {what}\n  help: give the settings it was trained with, another folder with --out DIR, or remove the folder",
        first.folder.root().display()
    )))
}

/// Points whose model cannot be built; what is wrong with it was printed.
fn broken(plan: &Plan) -> Vec<(String, String)> {
    let broken = plan.points.iter().filter(|p| p.runs.iter().any(|r| r.state == State::Broken));
    broken.map(|p| (p.label.clone(), "failed: the model cannot be built, see above".to_string())).collect()
}

/// Where the output of a run's commands goes.
fn log(folder: &Folder) -> PathBuf {
    folder.root().join("log.txt")
}

/// Trains what is not finished; the runs that failed with their messages.
fn train_all(plan: &mut Plan, jobs: usize) -> Result<Vec<(String, String)>, Stop> {
    // Seed by seed, so that whatever is there when it is stopped can be compared.
    let mut due: Vec<&mut Run> = plan.points.iter_mut().flat_map(|p| &mut p.runs).collect();
    let total = due.len();
    due.retain(|r| matches!(r.state, State::Absent | State::Started));
    due.sort_by_key(|r| r.seed);
    if due.len() < total {
        eprintln!("{} of {total} runs are to be trained", due.len());
    }
    let task = |r: &&mut Run| Task {
        label: r.label.clone(),
        args: r.train.iter().cloned().chain(["--stop-with-input".to_string()]).collect(),
        log: log(&r.folder),
        kill: false,
    };
    let tasks: Vec<Task> = due.iter().map(task).collect();
    let ends = all(&tasks, jobs)?;
    let mut failures = Vec::new();
    for (run, end) in due.iter_mut().zip(ends) {
        match end {
            End::Done => run.state = State::Finished,
            End::Failed(message) => failures.push((run.label.clone(), format!("failed: {message}"))),
            End::Stopped => {}
        }
    }
    Ok(failures)
}

/// Runs tasks and tells how far they are.
fn all(tasks: &[Task], jobs: usize) -> Result<Vec<End>, Stop> {
    let (mut done, began) = (0, Instant::now());
    let ends = work(tasks, jobs, &mut |k, news| {
        let label = &tasks[k].label;
        match news {
            News::Begun => eprintln!("{label}: {}", tasks[k].args[0]),
            News::Ended(end, took) => {
                done += 1;
                let left = began.elapsed().mul_f64((tasks.len() - done) as f64 / done as f64);
                let left = if done < tasks.len() { format!(", about {} left", clock(left)) } else { String::new() };
                let what = match end {
                    End::Done => "done",
                    End::Failed(_) => "failed",
                    End::Stopped => "stopped",
                };
                eprintln!("{label}: {what} in {} ({done} of {}{left})", clock(took), tasks.len());
            }
        }
    })?;
    if stop_on_interrupt().load(Ordering::Relaxed) {
        eprintln!("interrupted; the same command goes on");
        return Err(Stop::Interrupted);
    }
    Ok(ends)
}

fn clock(time: Duration) -> String {
    let s = time.as_secs_f64().round() as u64;
    match (s / 3600, s / 60 % 60, s % 60) {
        (0, m, s) => format!("{m}:{s:02}"),
        (h, m, s) => format!("{h}:{m:02}:{s:02}"),
    }
}

/// Scores the finished runs whose scores are missing or older than the weights.
fn score(plan: &Plan, common: &Common, failures: &mut Vec<(String, String)>) -> Done {
    let finished = plan.points.iter().flat_map(|p| &p.runs).filter(|r| r.state == State::Finished);
    let due: Vec<&Run> = finished.filter(|r| !scored(&r.folder)).collect();
    let task = |r: &&Run| {
        let mut args = vec!["eval".to_string(), r.folder.root().display().to_string()];
        common.device.iter().for_each(|d| args.extend(["--device".to_string(), d.clone()]));
        common.data_root.iter().for_each(|d| args.extend(["--data-root".to_string(), d.display().to_string()]));
        Task { label: r.label.clone(), args, log: log(&r.folder), kill: true }
    };
    let tasks: Vec<Task> = due.iter().map(task).collect();
    if tasks.is_empty() {
        return Ok(());
    }
    let ends = all(&tasks, usize::from(common.jobs))?;
    for (run, end) in due.iter().zip(ends) {
        if let End::Failed(message) = end {
            failures.push((run.label.clone(), format!("failed: {message}")));
        }
    }
    Ok(())
}

/// The scores that are there, in the order of the points.
fn read(plan: &Plan) -> Result<Vec<PointScores>, Stop> {
    let mut points = Vec::new();
    for point in &plan.points {
        let mut seeds = Vec::new();
        for run in point.runs.iter().filter(|r| r.state == State::Finished && scored(&r.folder)) {
            seeds.push((run.seed, Scores::read(&cases(&run.folder))?));
        }
        points.push(PointScores { seeds });
    }
    Ok(points)
}

fn cases(folder: &Folder) -> PathBuf {
    folder.root().join("cases.csv")
}

/// Whether the scores on the test images are of the weights that are there.
fn scored(folder: &Folder) -> bool {
    let time = |path: &Path| path.metadata().and_then(|m| m.modified()).ok();
    let weights = folder.checkpoint().ok().and_then(|path| time(&path));
    matches!((time(&cases(folder)), weights), (Some(scores), Some(weights)) if scores >= weights)
}

/// What the table does not say by itself.
fn notes(table: &Table<'_>, scores: &[PointScores]) -> Vec<String> {
    let mut notes: Vec<String> = table.plan.docs.iter().map(|d| d.trim().to_string()).collect();
    match table.plan.changed.as_deref() {
        None | Some([]) => {}
        Some(changed) => notes.push(format!("Not as `{}` is written: {}.", table.plan.run, changed.join("; "))),
    }
    if table.plan.points.iter().flat_map(|p| &p.paper).any(|f| f.refuted.is_some()) {
        notes.push("* a figure that the model file marks as known to be wrong".to_string());
    }
    let Some((_, first)) = scores.iter().flat_map(|p| &p.seeds).next() else {
        notes.push("No run is finished.".to_string());
        return notes;
    };
    let seeds = table.rows.iter().flat_map(|r| r.differences.first()?.map(|d| d.seeds)).max();
    notes.push(format!(
        "Means over {} test images, then over the seeds; ± is the standard deviation over the seeds.",
        first.cases.stems.len()
    ));
    match seeds {
        None => {}
        Some(1) => notes.push(
            "One seed: the intervals are about the images alone, and not about what another training would give."
                .to_string(),
        ),
        Some(n) => notes.push(format!(
            "Differences are paired by image and seed; their intervals are bootstrapped over images and {n} seeds."
        )),
    }
    let unclear: Vec<&str> = (table.plan.points.iter().zip(&table.rows))
        .filter(|(_, row)| row.differences.first().is_some_and(|d| d.is_some_and(|d| !d.distinguishable())))
        .map(|(point, _)| point.label.as_str())
        .collect();
    if !unclear.is_empty() {
        let n = first.cases.stems.len();
        notes.push(format!("Not distinguishable from {} with n = {n}: {}.", table.reference(), unclear.join(", ")));
    }
    let folders = table.plan.points.iter().flat_map(|p| &p.runs).filter(|r| r.state == State::Finished);
    if folders.into_iter().any(|r| chosen_on_test(&r.folder)) {
        notes.push(
            "The split has no val part: the epoch that is scored was chosen on the test images, so the means are too high."
                .to_string(),
        );
    }
    notes
}

/// Whether the epoch that is scored was looked for among scores on the test images.
fn chosen_on_test(folder: &Folder) -> bool {
    let text = std::fs::read_to_string(folder.root().join("summary.json")).unwrap_or_default();
    let on_test = serde_json::from_str::<RunSummary>(&text).is_ok_and(|s| s.scored_on == "test");
    on_test && folder.checkpoint().is_ok_and(|path| path != folder.last())
}
