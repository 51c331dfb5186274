//! `npc train`: trains a run of a model file, or repeats a run from its settings.

use super::details::{ModelFiles, StageClock, detail};
use super::error::{CommandError, CommandResult};
use super::global_options::quiet;
use super::option_words::device_text_parser;
use super::options::SettingOptions;
use super::progress::bar;
use super::terminal::{print, print_progress, stop_on_interrupt, stop_with_input};
use crate::base::count::counted;
use crate::base::lock::{WhenBusy, lock_run_folder};
use crate::base::number::{clock, thousands};
use crate::base::path::{absolute, folder_of};
use crate::base::printable::printable;
use crate::base::problem::problem;
use crate::compute::device::set_threads;
use crate::desk::{self, ResolvedRun, RunRequest, is_settings, named_model, resolve_run};
use crate::learn::replaced_run::settle;
use crate::learn::run_files::is_being_replaced;
use crate::learn::run_folder::{EpochRecord, RunFolder};
use crate::learn::train::{
    ExistingRun, TrainingJob, TrainingObserver, TrainingOutcome, TrainingProgress, dry_run, train,
};
use crate::show::dry_run::dry_run_text;
use crate::show::epoch_text::{epoch_details, epoch_line};
use crate::show::images::case_pictures::add_to_tensorboard;
use crate::show::tensorboard::EventFile;
use crate::show::training_end::{TrainingEnd, nothing_to_train, training_end};
use crate::text::config::check::MAX_THREADS;
use crate::text::config::settings::{self, Settings};
use clap::{Args, ValueEnum};
use indicatif::ProgressBar;
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Train a run of a model file
#[derive(Args)]
#[command(
    after_help = "A folder that holds a run is not touched without --resume or --overwrite, and no folder gets a number: commands
that read a run name its folder. The run folder holds the model source, the resolved settings, the split, metrics.jsonl with one
line per epoch, the best and the last checkpoint, and summary.json.

Examples:
  npc train models/npnet.model npnet_phantoms
  npc train models/npnet.model npnet_lung --data-root ~/data --set epochs=5,lr=3e-4
  npc train models/npnet.model npnet_lung --with attention=se --out runs/lung_se
  npc train models/npnet.model npnet_lung --resume
  npc train runs/lung_se --resume
  npc train models/npnet.model npnet_lung --overwrite
  npc train models/npnet.model npnet_lung --dry-run
  npc train models/npnet.model npnet_lung --init runs/npnet_skin
  npc train models/npnet.model npnet_lung --tensorboard && tensorboard --logdir runs
  npc train models/npnet.model npnet_lung --model NPNet_SE --out runs/lung_se --resume=auto
  npc train runs/npnet_lung/settings.yaml --out runs/again

Exit codes: 0 success, 1 problems found, 2 wrong usage, 130 interrupted (continue with --resume)"
)]
pub(super) struct TrainOptions {
    /// Model file, a run folder, or the settings.yaml of one; FILE:NAME is the same as FILE --model NAME
    file: PathBuf,
    /// Name of a `train` block
    run: Option<String>,
    /// Another model or variant of the file instead of the run's, without the run's hyper-parameters
    #[arg(long, value_name = "NAME")]
    model: Option<String>,
    /// cpu, cuda or cuda:N
    #[arg(long, value_parser = device_text_parser(), hide_possible_values = true)]
    device: Option<String>,
    /// Folder that the paths of the data block are relative to
    #[arg(long, value_name = "DIR")]
    data_root: Option<PathBuf>,
    #[command(flatten)]
    changes: SettingOptions,
    /// Run folder [default: runs/NAME; of a run folder or its settings.yaml with --resume or --overwrite: that folder]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Continue from the last checkpoint of the run folder. --resume=auto starts a new run if there is none, and leaves a
    /// finished run unchanged
    #[arg(long, value_enum, value_name = "WHEN", num_args = 0..=1, require_equals = true, default_missing_value = "always")]
    resume: Option<ResumeMode>,
    /// Replace the run of the run folder, once the new run has its first checkpoint
    #[arg(long, conflicts_with = "resume")]
    overwrite: bool,
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
    let mut clock = StageClock::start();
    let named = named_model(&ModelFiles, &opts.file, opts.model.as_deref())?;
    let (file, own) = settings_of_run(named.file, opts)?;
    let request = RunRequest {
        file: &file,
        run: opts.run.as_deref(),
        model: named.model.as_deref(),
        set: &opts.changes.set,
        with: &[&named.with[..], &opts.changes.with].concat(),
        data_root: opts.data_root.as_deref(),
        device: opts.device.as_deref(),
    };
    let mut resolved = resolve_run(&ModelFiles, &request)?;
    if let (Some(_), Some(name)) = (&own, &opts.run)
        && *name != resolved.settings.train.name
    {
        return Err(CommandError::usage(
            problem!(E0503, "the folder holds the run `{}`, and not `{name}`", resolved.settings.train.name;
            help: "leave the name out"),
        ));
    }
    let named_by_run = || PathBuf::from("runs").join(&resolved.settings.train.name);
    let folder = RunFolder::new(opts.out.clone().or(own).unwrap_or_else(named_by_run));
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
    let busy = if opts.resume == Some(ResumeMode::Auto) { WhenBusy::Wait(report_waiting) } else { WhenBusy::Fail };
    // A dry run writes nothing, and may look at a folder that another process trains in.
    let _held = if opts.dry_run { None } else { Some(lock_run_folder(folder.root(), busy)?) };
    if !opts.dry_run {
        settle(folder.root())?;
    }
    let existing = match opts.resume {
        None if opts.overwrite => ExistingRun::Replace,
        None => ExistingRun::Refuse,
        Some(ResumeMode::Auto) if !folder.settings().exists() => ExistingRun::Refuse,
        Some(ResumeMode::Always | ResumeMode::Auto) => ExistingRun::Resume,
    };
    if existing == ExistingRun::Resume {
        if let Some(note) = desk::keep_epochs(&mut resolved, &folder, &opts.changes.set) {
            notice!("note: {note}");
        }
        desk::resume(&mut resolved, &folder)?;
    }
    let length = folder.length(resolved.settings.train.epochs);
    match opts.resume {
        Some(ResumeMode::Auto) if length.is_finished() => {
            let (root, how_far) = (folder.root().display(), length.to_text());
            let epochs = how_far.strip_prefix("finished, ").unwrap_or(&how_far);
            return print_progress(&format!("{root}: finished already ({epochs})\n"));
        }
        Some(ResumeMode::Always) => folder.check_not_shorter(length)?,
        Some(ResumeMode::Auto) | None => {}
    }
    // Training would find a lost checkpoint, and write lines of `metrics.jsonl` again that are lost.
    let is_whole = || folder.last().exists() && folder.records().len() == length.done;
    let is_done = existing == ExistingRun::Resume && length.is_finished() && is_whole();
    clock.lap("read the files, and built and checked the model");
    detail("settings", || settings::to_yaml(&resolved.settings).unwrap_or_default());
    let start = StartOptions { existing, ignore_memory: opts.ignore_memory };
    if opts.dry_run {
        return print_dry_run(&resolved, &folder, start);
    }
    let done = match is_done {
        true => print_end(&nothing_to_train(&resolved.settings.train, &folder, length)),
        false => train_and_report(&resolved, &folder, start, opts.tensorboard.then_some(&folder)),
    };
    if opts.tensorboard && done.is_ok() {
        add_to_tensorboard(resolved.trained(&folder), &mut EventFile::open(&folder)?)?;
    }
    done
}

fn report_waiting(folder: &Path) {
    notice!("{}: waiting for the process that trains here", folder.display());
}

/// Returns the settings file if `file` is a run folder, and the run folder that a settings file is of where the run goes on or is
/// replaced there.
fn settings_of_run(file: PathBuf, opts: &TrainOptions) -> Result<(PathBuf, Option<PathBuf>), CommandError> {
    let stays = opts.resume.is_some() || opts.overwrite;
    let root = if file.is_dir() { &file } else { folder_of(&file) };
    if stays && is_being_replaced(root) {
        let _held = lock_run_folder(root, WhenBusy::Fail)?;
        settle(root)?;
    }
    if file.is_dir() {
        let folder = RunFolder::new(&file);
        folder.check_is_run()?;
        if !stays && opts.out.is_none() && !opts.dry_run {
            return Err(folder.occupied().into());
        }
        return Ok((folder.settings(), Some(file)));
    }
    let own = (is_settings(&file) && stays).then(|| folder_of(&file).to_path_buf());
    Ok((file, own))
}

/// Options of the start of a run.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct StartOptions {
    pub existing: ExistingRun,
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
    let StartOptions { existing, ignore_memory } = start;
    let stop = stop_on_interrupt();
    Ok(TrainingJob { checked, settings, source, imports, folder, existing, places, ignore_memory, stop })
}

fn run_headline(resolved: &ResolvedRun, folder: &RunFolder) -> String {
    let Settings { train, data, device, .. } = &resolved.settings;
    let [h, w] = data.size;
    let (name, model, folder) = (&train.name, &resolved.checked.graph().name, folder.root().display());
    format!("{name} ({model}) on {} at {h}x{w}, {device}, into {folder}\n", data.name)
}

/// Prints the result of a dry run.
fn print_dry_run(resolved: &ResolvedRun, folder: &RunFolder, start: StartOptions) -> CommandResult {
    let found = dry_run(&training_job(resolved, folder, start)?)?;
    let mut text = run_headline(resolved, folder);
    if start.existing == ExistingRun::Refuse && folder.holds_run() {
        text += "folder   holds a run already: train with `--resume`, `--overwrite` or `--out DIR`\n";
    }
    text += &dry_run_text(&found);
    for warning in resolved.warnings.iter().chain(&found.warnings) {
        text += &format!("{:<9}{warning}\n", "warning");
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
    print_progress(&run_headline(resolved, folder))?;
    let mut screen = ProgressDisplay { events: events.cloned(), ..ProgressDisplay::new() };
    resolved.warnings.iter().for_each(|warning| screen.warn(warning));
    let outcome = train(&job, &mut screen);
    screen.bar.finish_and_clear();
    match outcome? {
        TrainingOutcome::Done(summary) => print_end(&training_end(&summary, &resolved.settings.train, folder)),
        TrainingOutcome::Interrupted { epochs } => {
            eprintln_lossy!(
                "interrupted after {}; the checkpoint {} is complete, continue with --resume: npc train {} --resume",
                counted(epochs, "epoch"),
                folder.last().display(),
                folder.root().display()
            );
            Err(CommandError::Interrupted)
        }
    }
}

fn print_end(end: &TrainingEnd) -> CommandResult {
    print_progress(&end.above)?;
    print(&end.result)?;
    print_progress(&end.below)
}

/// Prints the progress of a run.
struct ProgressDisplay {
    bar: ProgressBar,
    terminal: bool,
    /// Dice of the last scored epoch.
    dice: Option<f64>,
    /// Run folder for TensorBoard events; `None` without events.
    events: Option<RunFolder>,
    clock: StageClock,
    /// When the last step ended.
    stepped: Instant,
}

impl ProgressDisplay {
    fn new() -> Self {
        let terminal = std::io::stderr().is_terminal();
        let bar = bar("{prefix} {bar:30} {human_pos}/{human_len} {msg}", 10);
        Self { bar, terminal, dice: None, events: None, clock: StageClock::start(), stepped: Instant::now() }
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
        if quiet() {
            return;
        }
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
        self.clock.lap("checked data, memory and disk, and made the network");
        let resumed = if done > 0 { format!(", from epoch {}", done + 1) } else { String::new() };
        let when = if epochs == 1 { "1 epoch".to_string() } else { format!("each of {}", counted(epochs, "epoch")) };
        self.line(&format!(
            "{}, {} scored after {when}{resumed}",
            counted(n_train, "training image"),
            thousands(n_test)
        ));
    }

    fn step(&mut self, p: &TrainingProgress) {
        self.stepped = Instant::now();
        self.bar.set_length(p.steps as u64);
        self.bar.set_position(p.step as u64);
        self.bar.set_prefix(format!("epoch {}/{}", p.epoch, p.epochs));
        let left = clock(p.seconds_left);
        let dice = self.dice.map_or(String::new(), |dice| format!("Dice {dice:.4}  "));
        self.bar.set_message(format!("loss {:.4}  {dice}{:.1} images/s  {left} left", p.loss, p.images_per_second));
    }

    fn epoch(&mut self, r: &EpochRecord, best: bool) {
        self.dice = Some(r.dice);
        self.line(&epoch_line(r, best));
        detail("epoch", || epoch_details(r, self.stepped.elapsed().as_secs_f64()));
        self.write_events();
    }

    fn detail(&mut self, message: &str) {
        let (name, what) = message.split_once(": ").unwrap_or(("masks", message));
        detail(name, || what.to_string());
    }

    fn note(&mut self, message: &str) {
        self.line(message);
    }

    fn warn(&mut self, message: &str) {
        self.line(&format!("warning: {message}"));
    }
}
