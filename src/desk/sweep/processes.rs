//! Runs npc commands in parallel as child processes.
//!
//! Each child has a pipe as standard input to which nothing is written. A child ends after its current step when the pipe
//! is closed. That happens on Ctrl-C, which only this process receives, and when this process is killed.

use crate::base::error::RunError;
use crate::base::file;
use crate::base::problem::problem;
use std::fs::{File, create_dir_all};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// A command to run.
pub struct ProcessTask {
    /// Name of the task in messages and errors.
    pub label: String,
    /// Arguments of `npc`, without the program's name.
    pub args: Vec<String>,
    /// File to which the output of the command is appended.
    pub log: PathBuf,
    /// Whether the command can be killed at any time without losing results.
    pub kill: bool,
}

/// How a task ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TaskEnd {
    /// The command has succeeded.
    Done,
    /// The command has failed with this message.
    Failed(String),
    /// The command was stopped on request, or never started.
    Stopped,
}

/// A change of the state of a task.
pub enum TaskEvent<'a> {
    /// The command has been started.
    Started,
    /// The command has ended after this time, which is zero if it could not be started.
    Ended(&'a TaskEnd, Duration),
}

/// A task with its child process.
struct RunningTask {
    task: usize,
    child: Child,
    input: Option<ChildStdin>,
    began: Instant,
    /// Length of the log in bytes before this command.
    log_start: u64,
}

/// Runs all tasks, at most `jobs` at a time, and returns how each ended.
pub fn run_tasks(
    tasks: &[ProcessTask],
    jobs: usize,
    stop: &AtomicBool,
    on_event: &mut dyn FnMut(usize, TaskEvent<'_>),
) -> Vec<TaskEnd> {
    let jobs = jobs.clamp(1, tasks.len().max(1));
    let mut ends = vec![TaskEnd::Stopped; tasks.len()];
    let mut running: Vec<RunningTask> = Vec::new();
    let mut next = 0;
    while next < tasks.len() || !running.is_empty() {
        let stopped = stop.load(Ordering::Relaxed);
        if stopped {
            next = tasks.len();
            for process in &mut running {
                drop(process.input.take());
                if tasks[process.task].kill {
                    // This fails if the process has already ended.
                    let _ = process.child.kill();
                }
            }
        }
        while running.len() < jobs && next < tasks.len() {
            match start(next, &tasks[next], jobs) {
                Ok(process) => {
                    on_event(next, TaskEvent::Started);
                    running.push(process);
                }
                Err(error) => {
                    ends[next] = TaskEnd::Failed(error.to_string());
                    on_event(next, TaskEvent::Ended(&ends[next], Duration::ZERO));
                }
            }
            next += 1;
        }
        let mut i = 0;
        while i < running.len() {
            let Some(end) = poll(&mut running[i], tasks) else {
                i += 1;
                continue;
            };
            let process = running.swap_remove(i);
            ends[process.task] = end;
            on_event(process.task, TaskEvent::Ended(&ends[process.task], process.began.elapsed()));
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    ends
}

/// Returns the path of the running program.
pub(super) fn npc_program() -> Result<PathBuf, RunError> {
    std::env::current_exe().map_err(|e| problem!(E0751, "the path of the npc program is not known: {e}"))
}

/// Starts a task. The processors are divided among the jobs, unless the environment sets the number of threads.
fn start(task: usize, ProcessTask { args, log, .. }: &ProcessTask, jobs: usize) -> Result<RunningTask, RunError> {
    if let Some(folder) = log.parent() {
        create_dir_all(folder).map_err(|e| RunError::create_dir(folder, e))?;
    }
    let output = file::append(log).map_err(|e| RunError::write(log, e))?;
    let log_start = output.metadata().map_or(0, |m| m.len());
    let copy = |file: &File| file.try_clone().map_err(|e| RunError::write(log, e));
    let mut command = Command::new(npc_program()?);
    command.args(args).stdin(Stdio::piped()).stdout(copy(&output)?).stderr(copy(&output)?);
    if std::env::var_os("RAYON_NUM_THREADS").is_none() {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        command.env("RAYON_NUM_THREADS", (cores / jobs).max(1).to_string());
    }
    // A Ctrl-C of the terminal reaches only the process group of this process.
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    let mut child = command.spawn().map_err(|e| problem!(E0750, "npc cannot be started: {e}"))?;
    let input = child.stdin.take();
    Ok(RunningTask { task, child, input, began: Instant::now(), log_start })
}

/// Returns how a task ended, or `None` while it is running.
fn poll(running: &mut RunningTask, tasks: &[ProcessTask]) -> Option<TaskEnd> {
    let task = &tasks[running.task];
    let status = match running.child.try_wait() {
        Ok(None) => return None,
        Ok(Some(status)) => status,
        Err(e) => return Some(TaskEnd::Failed(e.to_string())),
    };
    Some(match status.code() {
        Some(0) => TaskEnd::Done,
        Some(130) => TaskEnd::Stopped,
        _ => {
            let output = file::read(&task.log, file::TABLE_BYTES).unwrap_or_default();
            let output =
                String::from_utf8_lossy(&output[(running.log_start as usize).min(output.len())..]).into_owned();
            TaskEnd::Failed(
                last_error(&output).unwrap_or_else(|| format!("ended with {status}; see {}", task.log.display())),
            )
        }
    })
}

/// Returns the output of a command from its last error on.
fn last_error(output: &str) -> Option<String> {
    let lines: Vec<&str> = output.lines().collect();
    let starts = |l: &&str| l.starts_with("error") || l.contains("panicked at");
    let at = lines.iter().rposition(starts)?;
    Some(lines[at..].join("\n").trim_end().to_string())
}
