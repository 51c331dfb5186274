//! `npc train`: trains a run of a model file, or repeats a run from its settings.

use super::error::{CommandError, CommandResult};
use super::progress::bar;
use super::terminal::{print, stop_on_interrupt, stop_with_input};
use crate::base::lock::{WhenBusy, WhenMissing, lock_run_folder};
use crate::base::number::clock;
use crate::base::path::absolute;
use crate::base::printable::printable;
use crate::base::problem::problem;
use crate::compute::device::set_threads;
use crate::desk::{self, ResolvedRun, RunRequest, named_model, resolve_run};
use crate::learn::run_folder::{EpochRecord, RunFolder};
use crate::learn::train::{TrainingJob, TrainingObserver, TrainingOutcome, TrainingProgress, dry_run, train};
use crate::show::images::case_pictures::add_to_tensorboard;
use crate::show::tensorboard::EventFile;
use crate::text::config::check::MAX_THREADS;
use crate::text::config::settings::Settings;
use crate::text::files::Disk;
use clap::{Args, ValueEnum};
use indicatif::ProgressBar;
use std::io::{IsTerminal, Write};
use std::path::PathBuf;

/// Train a run of a model file
#[derive(Args)]
#[command(
    after_help = "The run folder holds the model source, the resolved settings, the split, metrics.jsonl with one
line per epoch, the best and the last checkpoint, and summary.json.

Examples:
  npc train models/npnet.model npnet_phantoms
  npc train models/npnet.model npnet_lung --data-root ~/data --set epochs=5,lr=3e-4
  npc train models/npnet.model npnet_lung --set model.attention=se --out runs/lung_se
  npc train models/npnet.model npnet_lung --resume
  npc train models/npnet.model npnet_lung --dry-run
  npc train models/npnet.model npnet_lung --init runs/npnet_skin
  npc train models/npnet.model npnet_lung --tensorboard && tensorboard --logdir runs
  npc train models/npnet.model npnet_lung --model NPNet_SE --out runs/lung_se --resume=auto
  npc train runs/npnet_lung/settings.yaml --out runs/again

Exit codes: 0 success, 1 problems found, 2 wrong usage, 130 interrupted (continue with --resume)"
)]
pub(super) struct TrainOptions {
    /// Model file, or the settings.yaml of an earlier run; FILE:NAME is the same as FILE --model NAME
    file: PathBuf,
    /// Name of a `train` block
    run: Option<String>,
    /// Another model or variant of the file instead of the run's, without the run's hyper-parameters
    #[arg(long, value_name = "NAME")]
    model: Option<String>,
    /// cpu, cuda or cuda:N
    #[arg(long)]
    device: Option<String>,
    /// Folder that the paths of the data block are relative to
    #[arg(long, value_name = "DIR")]
    data_root: Option<PathBuf>,
    /// Override a setting: epochs=5, lr=1e-4, data.size=[128,128], model.attention=se
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Run folder [default: runs/NAME]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Continue from the last checkpoint of the run folder. --resume=auto starts a new run if there is none, and leaves a
    /// finished run unchanged
    #[arg(long, value_enum, value_name = "WHEN", num_args = 0..=1, require_equals = true, default_missing_value = "always")]
    resume: Option<ResumeMode>,
    /// Stop after the current step, as on Ctrl-C, once standard input ends
    #[arg(long, hide = true)]
    stop_with_input: bool,
    /// Initialize with the matching weights of a file (safetensors, .pt, .pth) or run folder
    #[arg(long, value_name = "PATH")]
    init: Option<PathBuf>,
    /// Number of compute threads [default: all cores]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=MAX_THREADS as i64))]
    threads: Option<u16>,
    /// Check everything and time a step without training
    #[arg(long)]
    dry_run: bool,
    /// Start even if the memory seems insufficient
    #[arg(long)]
    ignore_memory: bool,
    /// Also write events for TensorBoard into RUN/tensorboard
    #[arg(long)]
    tensorboard: bool,
}

#[derive(Clone, Copy, PartialEq, ValueEnum)]
enum ResumeMode {
    Always,
    Auto,
}

pub(super) fn run(opts: &TrainOptions) -> CommandResult {
    let named = named_model(&Disk, &opts.file, opts.model.as_deref())?;
    if !named.with.is_empty() {
        return Err(CommandError::usage(
            problem!(E0503, "train takes no hyper-parameters after the name of the model";
            help: "write `--set model.width=[16,32]`, one for each of them"),
        ));
    }
    let request = RunRequest {
        file: &named.file,
        run: opts.run.as_deref(),
        model: named.model.as_deref(),
        set: &opts.set,
        data_root: opts.data_root.as_deref(),
        device: opts.device.as_deref(),
    };
    let mut resolved = resolve_run(&Disk, &request)?;
    let folder =
        RunFolder::new(opts.out.clone().unwrap_or_else(|| PathBuf::from("runs").join(&resolved.settings.train.name)));
    if opts.stop_with_input {
        stop_with_input();
    }
    if let Some(path) = &opts.init {
        resolved.settings.train.init = Some(absolute(path).display().to_string());
    }
    if let Some(threads) = opts.threads {
        resolved.settings.threads = Some(usize::from(threads));
    }
    // Made and locked before any file is read, so that no other process writes to the folder, or begins a run there.
    let busy = if opts.resume == Some(ResumeMode::Auto) { WhenBusy::Wait } else { WhenBusy::Fail };
    let missing = if opts.dry_run { WhenMissing::Leave } else { WhenMissing::Make };
    let _held = lock_run_folder(folder.root(), busy, missing)?;
    let resume = match opts.resume {
        None => false,
        Some(ResumeMode::Always) => true,
        Some(ResumeMode::Auto) => folder.settings().exists(),
    };
    if resume {
        desk::resume(&mut resolved, &folder)?;
    }
    if opts.resume == Some(ResumeMode::Auto) && folder.finished(&resolved.settings) {
        return print(&format!("{}: finished already\n", folder.root().display()));
    }
    let start = StartOptions { resume, ignore_memory: opts.ignore_memory };
    if opts.dry_run {
        return print_dry_run(&resolved, &folder, start);
    }
    let done = train_and_report(&resolved, &folder, start, opts.tensorboard.then_some(&folder));
    if opts.tensorboard && done.is_ok() {
        add_to_tensorboard(resolved.trained(&folder), &mut EventFile::open(&folder)?)?;
    }
    done
}

/// Options of the start of a run.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct StartOptions {
    pub resume: bool,
    pub ignore_memory: bool,
}

/// Trains a new run with a progress bar on a terminal, or plain lines otherwise.
pub(super) fn train_with_progress(resolved: &ResolvedRun, folder: &RunFolder) -> CommandResult {
    train_and_report(resolved, folder, StartOptions::default(), None)
}

fn training_job<'a>(
    resolved: &'a ResolvedRun,
    folder: &'a RunFolder,
    start: StartOptions,
) -> Result<TrainingJob<'a>, CommandError> {
    let ResolvedRun { checked, settings, source, imports, places, warnings: _ } = resolved;
    if let Some(threads) = settings.threads {
        set_threads(threads)?;
    }
    let StartOptions { resume, ignore_memory } = start;
    let stop = stop_on_interrupt();
    Ok(TrainingJob { checked, settings, source, imports, folder, resume, places, ignore_memory, stop })
}

fn run_headline(resolved: &ResolvedRun, folder: &RunFolder) -> String {
    let Settings { train, data, device, .. } = &resolved.settings;
    let [h, w] = data.size;
    let (name, model, folder) = (&train.name, &resolved.checked.graph().name, folder.root().display());
    format!("{name} ({model}) on {} at {h}x{w}, {device}, into {folder}\n", data.name)
}

fn training_images(n: usize) -> String {
    format!("{n} training image{}", if n == 1 { "" } else { "s" })
}

/// Prints the result of a dry run.
fn print_dry_run(resolved: &ResolvedRun, folder: &RunFolder, start: StartOptions) -> CommandResult {
    let found = dry_run(&training_job(resolved, folder, start)?)?;
    let mut text = run_headline(resolved, folder);
    let mut line = |name: &str, what: String| text.push_str(&format!("{name:<9}{what}\n"));
    let images = training_images(found.n_train);
    line("data", format!("{images}, {} of {} scored", found.n_scored, found.scored_on));
    let steps = found.steps_per_epoch * found.epochs;
    line("steps", format!("{} an epoch, {steps} in {} epochs", found.steps_per_epoch, found.epochs));
    let whole = clock(found.seconds_per_step * steps as f64);
    line("time", format!("{:.3} s a step, about {whole} without scoring", found.seconds_per_step));
    for note in &found.notes {
        let (name, what) = note.split_once(": ").unwrap_or(("masks", note));
        line(name, what.to_string());
    }
    if let Some(init) = &found.init {
        line("init", init.summary());
        init.doubts().into_iter().for_each(|doubt| line("warning", doubt));
    }
    for warning in resolved.warnings.iter().chain(&found.warnings) {
        line("warning", warning.clone());
    }
    print(&text)
}

/// Trains and prints the result. If `events` is a run folder, TensorBoard events are written to it after each epoch.
fn train_and_report(
    resolved: &ResolvedRun,
    folder: &RunFolder,
    start: StartOptions,
    events: Option<&RunFolder>,
) -> CommandResult {
    let job = training_job(resolved, folder, start)?;
    print(&run_headline(resolved, folder))?;
    let mut screen = ProgressDisplay { events: events.cloned(), ..ProgressDisplay::new() };
    resolved.warnings.iter().for_each(|warning| screen.warn(warning));
    let outcome = train(&job, &mut screen);
    screen.bar.finish_and_clear();
    match outcome? {
        TrainingOutcome::Done(s) => {
            if s.stopped_early {
                let patience = resolved.settings.train.patience.unwrap_or(0);
                print(&format!("stopped after epoch {}: no better score in {patience} epochs\n", s.epochs))?;
            }
            let folder = folder.root().display();
            if s.epoch == 0 {
                let why = match s.epochs_without_foreground == s.epochs {
                    true => "no prediction of any epoch has any foreground",
                    false => "no epoch scored above 0",
                };
                print(&format!(
                    "{why} on {} {} images ({:.0} s), so none is the best; the last is kept in {folder}\n",
                    s.n_test, s.scored_on, s.seconds
                ))?;
            } else {
                print(&format!(
                    "best epoch {}: Dice {:.4}, IoU {:.4} on {} {} images ({:.0} s); npc eval {folder}\n",
                    s.epoch, s.dice, s.iou, s.n_test, s.scored_on, s.seconds
                ))?;
            }
            s.hints.iter().try_for_each(|hint| print(&format!("hint: {hint}\n")))
        }
        TrainingOutcome::Interrupted { epochs } => {
            eprintln_lossy!(
                "interrupted after {epochs} epochs; the checkpoint {} is complete, continue with --resume",
                folder.last().display()
            );
            Err(CommandError::Interrupted)
        }
    }
}

/// Prints the progress of a run.
struct ProgressDisplay {
    bar: ProgressBar,
    terminal: bool,
    /// Dice of the last scored epoch.
    dice: Option<f64>,
    /// Run folder for TensorBoard events; `None` without events.
    events: Option<RunFolder>,
}

impl ProgressDisplay {
    fn new() -> Self {
        let terminal = std::io::stderr().is_terminal();
        let bar = bar("{prefix} {bar:30} {pos}/{len} {msg}", 10);
        Self { bar, terminal, dice: None, events: None }
    }

    /// Writes TensorBoard events. An error is printed and disables further events, but does not stop the run.
    fn write_events(&mut self) {
        let Some(folder) = &self.events else { return };
        if let Err(e) = EventFile::open(folder).and_then(|mut board| board.add_new_epochs(folder)) {
            self.line(&format!("warning: no more TensorBoard events: {e}"));
            self.events = None;
        }
    }

    fn line(&self, text: &str) {
        let text = printable(text);
        if self.terminal {
            self.bar.println(text);
        } else {
            // A closed pipe does not stop the run.
            let _ = writeln!(std::io::stdout(), "{text}");
        }
    }
}

impl TrainingObserver for ProgressDisplay {
    fn start(&mut self, n_train: usize, n_test: usize, done: usize, epochs: usize) {
        let resumed = if done > 0 { format!(", from epoch {}", done + 1) } else { String::new() };
        let when = if epochs == 1 { "1 epoch".to_string() } else { format!("each of {epochs} epochs") };
        self.line(&format!("{}, {n_test} scored after {when}{resumed}", training_images(n_train)));
    }

    fn step(&mut self, p: &TrainingProgress) {
        self.bar.set_length(p.steps as u64);
        self.bar.set_position(p.step as u64);
        self.bar.set_prefix(format!("epoch {}/{}", p.epoch, p.epochs));
        let left = clock(p.seconds_left);
        let dice = self.dice.map_or(String::new(), |dice| format!("Dice {dice:.4}  "));
        self.bar.set_message(format!("loss {:.4}  {dice}{:.1} images/s  {left} left", p.loss, p.images_per_second));
    }

    fn epoch(&mut self, r: &EpochRecord, best: bool) {
        self.dice = Some(r.dice);
        let mark = match (best, r.found_nothing, r.only_foreground) {
            (true, _, false) => "  best",
            (true, _, true) => "  best, all foreground",
            (false, true, _) => "  no foreground",
            (false, false, true) => "  all foreground",
            (false, false, false) => "",
        };
        self.line(&format!(
            "epoch {:>3}  loss {:.4}  Dice {:.4}  IoU {:.4}  {:.1} images/s  {}{mark}",
            r.epoch,
            r.loss,
            r.dice,
            r.iou,
            r.images_per_second,
            clock(r.seconds)
        ));
        self.write_events();
    }

    fn note(&mut self, message: &str) {
        self.line(message);
    }

    fn warn(&mut self, message: &str) {
        self.line(&format!("warning: {message}"));
    }
}
