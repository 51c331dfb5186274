//! Trains and evaluates the runs of a sweep, and reads their scores.

use super::options::SweepRunOptions;
use crate::base::count::counted_of;
use crate::base::number::clock;
use crate::base::shell::quoted;
use crate::cli::details::detail;
use crate::cli::error::{CommandError, CommandResult};
use crate::cli::terminal::stop_on_interrupt;
use crate::data::SplitRole;
use crate::desk::sweep::{PlannedRun, ProcessTask, RunState, SweepPlan, TaskEnd, TaskEvent, run_tasks};
use crate::learn::run_folder::RunFolder;
use crate::score::evaluation_files::is_scored;
use crate::score::sweep_scores::{PointScores, RunScores};
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::time::Instant;

/// Returns the log file for the output of a run's commands.
fn log_path(folder: &RunFolder) -> PathBuf {
    folder.root().join("log.txt")
}

/// Trains the unfinished runs. Returns label and message of each failed run.
pub(super) fn train_runs(
    plan: &mut SweepPlan,
    jobs: usize,
    overwrite: bool,
) -> Result<Vec<(String, String)>, CommandError> {
    // Seed by seed, so that an interrupted sweep has comparable points.
    let mut due: Vec<&mut PlannedRun> = plan.points.iter_mut().flat_map(|p| &mut p.runs).collect();
    let total = due.len();
    due.retain(|r| match &r.state {
        RunState::Absent | RunState::Started => true,
        RunState::Other(_) => overwrite,
        RunState::Finished | RunState::Broken => false,
    });
    due.sort_by_key(|r| r.seed);
    if due.len() < total {
        notice!("{} to train", counted_of(due.len(), total, "run"));
    }
    let task = |r: &&mut PlannedRun| ProcessTask {
        label: r.label.clone(),
        args: command_of(r).into_iter().chain(["--stop-with-input".to_string()]).collect(),
        log: log_path(&r.folder),
        kill: false,
    };
    let tasks: Vec<ProcessTask> = due.iter().map(task).collect();
    let ends = run_all(&tasks, jobs)?;
    let mut failures = Vec::new();
    for (run, end) in due.iter_mut().zip(ends) {
        match end {
            TaskEnd::Done => run.state = RunState::Finished,
            TaskEnd::Failed(message) => failures.push((run.label.clone(), format!("failed: {message}"))),
            TaskEnd::Stopped => {}
        }
    }
    Ok(failures)
}

/// Returns the arguments that train a run. A folder with a run of other settings is replaced, and all others continue.
fn command_of(run: &PlannedRun) -> Vec<String> {
    let mut args = run.train.clone();
    if matches!(run.state, RunState::Other(_)) {
        args.retain(|arg| arg != "--resume=auto");
        args.push("--overwrite".into());
    }
    args
}

/// Runs processes and prints their progress.
fn run_all(tasks: &[ProcessTask], jobs: usize) -> Result<Vec<TaskEnd>, CommandError> {
    let (mut done, began) = (0, Instant::now());
    let ends = run_tasks(tasks, jobs, stop_on_interrupt(), &mut |k, news| {
        let label = &tasks[k].label;
        match news {
            TaskEvent::Started => {
                detail("command", || {
                    format!("npc {}", tasks[k].args.iter().map(|arg| quoted(arg)).collect::<Vec<_>>().join(" "))
                });
                notice!("{label}: {}", tasks[k].args[0])
            }
            TaskEvent::Ended(end, took) => {
                done += 1;
                let left = began.elapsed().mul_f64((tasks.len() - done) as f64 / done as f64);
                let left = if done < tasks.len() {
                    format!(", about {} left", clock(left.as_secs_f64()))
                } else {
                    String::new()
                };
                let what = match end {
                    TaskEnd::Done => "done",
                    TaskEnd::Failed(_) => "failed",
                    TaskEnd::Stopped => "stopped",
                };
                notice!("{label}: {what} in {} ({done} of {}{left})", clock(took.as_secs_f64()), tasks.len());
            }
        }
    });
    if stop_on_interrupt().load(Ordering::Relaxed) {
        eprintln_lossy!("interrupted; repeat the command to continue");
        return Err(CommandError::Interrupted);
    }
    Ok(ends)
}

/// Evaluates the finished runs whose scores are missing or older than the weights.
pub(super) fn score_runs(
    plan: &SweepPlan,
    common: &SweepRunOptions,
    failures: &mut Vec<(String, String)>,
) -> CommandResult {
    let finished = plan.points.iter().flat_map(|p| &p.runs).filter(|r| r.state == RunState::Finished);
    let due: Vec<&PlannedRun> = finished.filter(|r| !is_scored(&r.folder, SplitRole::Test)).collect();
    let task = |r: &&PlannedRun| {
        let mut args = vec!["eval".to_string(), r.folder.root().display().to_string()];
        common.device.iter().for_each(|d| args.extend(["--device".to_string(), d.clone()]));
        common.data_root.iter().for_each(|d| args.extend(["--data-root".to_string(), d.display().to_string()]));
        ProcessTask { label: r.label.clone(), args, log: log_path(&r.folder), kill: true }
    };
    let tasks: Vec<ProcessTask> = due.iter().map(task).collect();
    if tasks.is_empty() {
        return Ok(());
    }
    let ends = run_all(&tasks, usize::from(common.jobs))?;
    for (run, end) in due.iter().zip(ends) {
        if let TaskEnd::Failed(message) = end {
            failures.push((run.label.clone(), format!("failed: {message}")));
        }
    }
    Ok(())
}

/// Reads the existing scores, in the order of the points.
pub(super) fn read_scores(plan: &SweepPlan) -> Result<Vec<PointScores>, CommandError> {
    let mut points = Vec::new();
    for point in &plan.points {
        let mut seeds = Vec::new();
        for run in point.runs.iter().filter(|r| r.state == RunState::Finished && is_scored(&r.folder, SplitRole::Test))
        {
            seeds.push((run.seed, RunScores::read(&run.folder.cases(SplitRole::Test))?));
        }
        points.push(PointScores { seeds });
    }
    Ok(points)
}
