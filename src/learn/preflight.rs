//! Checks before the first batch: errors are found before anything is written.
//!
//! [`check_model_fits_data`](super::prepare::check_model_fits_data) compares model and data; here the split, a sample of the masks,
//! memory and disk space are checked. Doubtful findings are warnings.

use super::epoch_plan::EpochPlan;
use super::non_finite::NodeLocations;
use crate::base::count::{counted, counted_of};
use crate::base::error::Result;
use crate::base::machine::{self, FreeMemory};
use crate::base::number::{rough_bytes, thousands};
use crate::base::problem::problem;
use crate::data::data_profile::DataProfile;
use crate::data::notice::{FileRole, NoticeTopic};
use crate::data::survey::{QuickSurvey, SurveyFinding, quick_survey};
use crate::data::training_needs::nothing_to_score;
use crate::data::{Dataset, SplitRole};
use crate::graph::check::{CheckedGraph, FrozenPaths};
use crate::study::cost::memory::{MemoryReport, TrainingSetup, memory_for, memory_frozen};
use crate::text::config::settings::Settings;
use crate::text::config::{KeptCheckpoint, TrainSpec};
use std::collections::BTreeSet;
use std::path::Path;

/// Number of cases of each role that are read before training, evenly spread.
const CASES_PER_ROLE: usize = 16;
/// Number of batches that a loader prefetches.
const PREFETCHED_BATCHES: u64 = 2;

/// Notes and warnings for the user.
#[derive(Debug, Clone, Default)]
pub struct Preflight {
    pub notes: Vec<String>,
    pub warnings: Vec<String>,
    /// The estimated memory.
    pub memory: MemoryNote,
    /// A note on a last batch of one image that is joined to the one before.
    pub joined: Option<String>,
    /// Topics of the notices about files among the warnings.
    pub(crate) topics: BTreeSet<(FileRole, NoticeTopic)>,
    /// What the images are; `None` without images.
    pub(crate) profile: Option<DataProfile>,
}

/// The memory of a run as estimated, and what is free for it.
#[derive(Debug, Clone, Default)]
pub struct MemoryNote {
    /// `39 MB for a step of 2, 8 MB of it outside the network`.
    pub estimate: String,
    /// `the machine has 12 GB`.
    pub free: String,
    /// Bytes of the estimate that the images of the cache take.
    pub cache: u64,
    /// Bytes of the last checkpoint.
    pub checkpoint: u64,
}

impl MemoryNote {
    /// Returns `memory: about 39 MB for a step of 2, ...; the machine has 12 GB`.
    pub fn to_text(&self) -> String {
        format!("memory: about {}; {}", self.estimate, self.free)
    }
}

/// What is checked before training.
#[derive(Clone, Copy)]
pub struct PreflightInput<'a> {
    pub checked: &'a CheckedGraph,
    pub settings: &'a Settings,
    pub data: &'a Dataset,
    pub frozen: &'a FrozenPaths,
    /// Source location of each node, for messages.
    pub places: &'a NodeLocations,
    /// Free memory of the device, `None` if unknown.
    pub free: Option<FreeMemory>,
    /// The run folder, which need not exist.
    pub folder: &'a Path,
}

/// Runs all cheap checks.
pub fn preflight(input: PreflightInput<'_>) -> Result<Preflight> {
    let PreflightInput { checked, settings, data, frozen, places, free: _, folder } = input;
    let mut found = Preflight::default();
    let plan = EpochPlan::new(&settings.train, data.len(SplitRole::Train), checked);
    check_splits(&settings.train, data)?;
    check_norms(checked, &plan, places)?;
    check_data(checked, data, &mut found)?;
    check_memory(&input, &plan, &mut found)?;
    check_writable(folder)?;
    check_disk(checked, settings, frozen, machine::free_disk_space(folder), folder, &mut found)?;
    check_average(&settings.train, &plan, &mut found);
    found.joined = joined_batch(checked, &plan);
    Ok(found)
}

fn check_splits(spec: &TrainSpec, data: &Dataset) -> Result<()> {
    if data.is_empty(SplitRole::Train) {
        return Err(problem!(E0715, "the training split is empty"));
    }
    if spec.scores_epochs() && data.is_empty(SplitRole::Val) && data.is_empty(SplitRole::Test) {
        return Err(nothing_to_score());
    }
    Ok(())
}

/// Returns the number of cases of all roles.
fn case_count(data: &Dataset) -> usize {
    SplitRole::ALL.map(|role| data.len(role)).iter().sum()
}

/// Looks at headers and at some cases of each role, as `npc data check` looks at all of them.
fn check_data(checked: &CheckedGraph, data: &Dataset, found: &mut Preflight) -> Result<()> {
    let QuickSurvey { facts, warnings, topics } = quick_survey(data, checked.input().channels(), CASES_PER_ROLE)?;
    let (n, all) = (facts.len(), case_count(data));
    found.notes.push(match n == all {
        true => format!("all {} contain only valid labels", counted(n, "mask")),
        false => format!(
            "{} were read and contain only valid labels; `npc data check` reads all",
            counted_of(n, all, "mask")
        ),
    });
    found.warnings.extend(warnings.iter().map(SurveyFinding::to_text));
    found.topics = topics;
    found.profile = DataProfile::of(&facts);
    Ok(())
}

/// Checks that no batch norm sees a single value for each channel: such a value minus its mean is 0, whatever the image, so what
/// is before the norm has no effect and cannot be trained, while the running statistics suggest otherwise when the network is
/// scored.
fn check_norms(checked: &CheckedGraph, plan: &EpochPlan, places: &NodeLocations) -> Result<()> {
    let Some(norm) = checked.norms_of_one().next() else { return Ok(()) };
    if plan.batch > 1 && plan.images > 1 {
        return Ok(());
    }
    let path = &checked.graph().node(norm).path;
    let place = places.get(path).map_or_else(String::new, |place| format!(" at {place}"));
    let of = if plan.batch == 1 { "`batch = 1`".to_string() } else { "1 training image".to_string() };
    let error = problem!(
        E0717,
        "with {of} the batch norm `{path}`{place} sees one value a channel, so nothing before it can be trained"
    );
    let error = match plan.batch {
        1 => error.help("train with batches of 2 or more: `--set batch=2`; `accumulate` does not help, since each batch is normalised alone"),
        _ => error.help("give the training split more images"),
    };
    Err(error.help("or leave the norm out after a global pool, or use `group_norm` or `layer_norm` there"))
}

/// Memory of a training step in bytes.
struct MemoryNeed {
    /// Network, activations and gradients by batch size.
    memory: MemoryReport,
    /// Cache, average of the weights and accumulated gradients.
    fixed: u64,
    /// Image cache, which is part of `fixed`.
    cache: u64,
    /// Prefetched batches per image.
    per_image: u64,
}

impl MemoryNeed {
    fn of(checked: &CheckedGraph, settings: &Settings, data: &Dataset, frozen: &FrozenPaths) -> Self {
        let spec = &settings.train;
        let threads = rayon::current_num_threads() as u64;
        let classes = settings.data.classes.len() as u64;
        let ignored = if settings.data.ignore.is_empty() { 0 } else { spec.loss.ignored_words_per_pixel(classes) };
        let loss_words = spec.loss.extra_words_per_pixel(classes).saturating_add(ignored);
        let run = TrainingSetup { moments: spec.optimizer.moment_count(), loss_words, threads };
        let memory = memory_for(checked, frozen, &run);
        let pixels = (settings.data.size[0] * settings.data.size[1]) as u64;
        let channels = checked.input().channels() as u64;
        // Prefetched images are 32-bit floats, cached ones 16-bit integers; classes are bytes.
        let per_image = (PREFETCHED_BATCHES + 1) * pixels * (4 * channels + 1);
        let cache = (case_count(data) as u64).saturating_mul(pixels * (2 * channels + 1));
        let cache = cache.min((settings.data.cache_mb as u64) << 20);
        let sums = if spec.accumulate > 1 { memory.gradients } else { 0 };
        let average = if spec.ema.is_some() { memory.weights + memory.buffers } else { 0 };
        Self { fixed: cache + average + sums, cache, per_image, memory }
    }

    /// Bytes of the network in a step of `batch` images.
    fn step(&self, batch: u64) -> u64 {
        self.memory.training.peak(batch).bytes
    }

    /// All bytes for a step of `batch` images.
    fn total(&self, batch: u64) -> u64 {
        self.step(batch).saturating_add(self.fixed).saturating_add(self.per_image.saturating_mul(batch))
    }

    /// Returns the largest batch below that of `plan` whose steps fit into `bytes`, with a joined image. A network whose single last
    /// images are joined does not train on batches of one image.
    fn largest_batch(&self, plan: &EpochPlan, bytes: u64) -> Option<usize> {
        let fits = |batch: &usize| {
            let smaller = EpochPlan { batch: *batch, ..*plan };
            self.total(smaller.largest_batch() as u64) <= bytes
        };
        (least_batch(plan)..plan.batch.min(plan.images)).rev().find(fits)
    }
}

/// Returns the smallest batch that the network trains on.
fn least_batch(plan: &EpochPlan) -> usize {
    if plan.joins_single { 2 } else { 1 }
}

fn check_memory(input: &PreflightInput<'_>, plan: &EpochPlan, found: &mut Preflight) -> Result<()> {
    let PreflightInput { checked, settings, data, frozen, free, .. } = *input;
    let need = MemoryNeed::of(checked, settings, data, frozen);
    let (batch, most) = (plan.batch.min(plan.images), plan.largest_batch() as u64);
    let total = need.total(most);
    let (all, other) = (rough_bytes(total), rough_bytes(total - need.step(most)));
    let parts = format!("{all} for a step of {most}, {other} of it outside the network");
    let Some(FreeMemory { bytes, limited }) = free else {
        let free = format!("the free memory of `{}` was not checked", settings.device);
        found.memory = MemoryNote { estimate: parts, free, cache: need.cache, checkpoint: 0 };
        return Ok(());
    };
    let whose = if limited { "the limit of this container or job leaves" } else { "the machine has" };
    if total <= bytes {
        let free = format!("{whose} {}", rough_bytes(bytes));
        found.memory = MemoryNote { estimate: parts, free, cache: need.cache, checkpoint: 0 };
        return Ok(());
    }
    let error = problem!(
        E0731,
        "not enough memory: training `{}` at batch {most} needs about {all}, but {whose} {}",
        checked.graph().name,
        rough_bytes(bytes)
    );
    let error = match need.largest_batch(plan, bytes) {
        Some(n) if batch.is_multiple_of(n) => error.help(format!(
            "batch {n} fits: `--set batch={n}`; with accumulate={} a step still has {}",
            batch / n,
            counted(batch, "image")
        )),
        Some(n) => error.help(format!("batch {n} fits: `--set batch={n}`")),
        None if need.fixed > bytes => {
            error.help(format!("the image cache needs {}: `--set data.cache_mb=256`", rough_bytes(need.cache)))
        }
        None => {
            let least = if plan.joins_single { "a smaller batch" } else { "one image" };
            error.help(format!(
                "not even {least} fits: use a smaller network, or smaller images with `--set data.size=[..]`"
            ))
        }
    };
    Err(error.help("the figure is an estimate: `--dry-run --ignore-memory` measures two steps instead; `--ignore-memory` starts the run anyway"))
}

/// Checks that the folder, or its nearest existing parent, is a folder and is not read-only. Nothing is created here; the run does
/// that next.
fn check_writable(folder: &Path) -> Result<()> {
    let here = Path::new(".");
    let there = folder.ancestors().find(|p| !p.as_os_str().is_empty() && p.exists()).unwrap_or(here);
    let why = if !there.is_dir() {
        format!("{} is a file", there.display())
    } else if there.metadata().is_ok_and(|m| m.permissions().readonly()) {
        format!("{} is read-only", there.display())
    } else {
        return Ok(());
    };
    Err(problem!(E0702, folder, "cannot create the run folder: {why}"; help: "choose another folder: `--out DIR`"))
}

fn check_disk(
    checked: &CheckedGraph,
    settings: &Settings,
    frozen: &FrozenPaths,
    room: Option<u64>,
    folder: &Path,
    found: &mut Preflight,
) -> Result<()> {
    let memory = memory_frozen(checked, frozen, 0, 1);
    let spec = &settings.train;
    let average = if spec.ema.is_some() { memory.weights + memory.buffers } else { 0 };
    let best = memory.weights + memory.buffers;
    let last = best + average + spec.optimizer.moment_count() * memory.gradients;
    found.memory.checkpoint = last;
    let bests = spec.keep.iter().filter(|keep| matches!(keep, KeptCheckpoint::Best(_))).count() as u64;
    // The last one, one that is being written while the old file still exists, and the best ones, which are weights alone.
    let total = last.saturating_mul(2).saturating_add(best.saturating_mul(bests));
    match room {
        Some(room) if room < total => {
            let (total, room) = (rough_bytes(total), rough_bytes(room));
            Err(problem!(
                E0702,
                folder,
                "not enough disk space: checkpoints need {total}, and {room} are free";
                help: "choose another place: `--out DIR`"
            ))
        }
        Some(room) => {
            found.notes.push(format!("disk: {} for checkpoints; {} are free", rough_bytes(total), rough_bytes(room)));
            Ok(())
        }
        None => Ok(()),
    }
}

/// Warns if the average of the weights reaches over more steps than the run has, since the first weights then dominate.
fn check_average(spec: &TrainSpec, plan: &EpochPlan, found: &mut Preflight) {
    let Some(decay) = spec.ema else { return };
    let steps = plan.steps().saturating_mul(spec.epochs);
    let reach = 1.0 / (1.0 - decay);
    if reach > steps as f64 {
        found.warnings.push(format!(
            "`ema = {decay}` averages over about {}, and the run has {}: the first weights dominate the average",
            counted(reach.round() as u64, "step"),
            thousands(steps)
        ));
    }
}

/// Returns the note on a last batch of one image that is joined to the one before.
fn joined_batch(checked: &CheckedGraph, plan: &EpochPlan) -> Option<String> {
    let (largest, batch) = (plan.largest_batch(), plan.batch);
    let norm = checked.norms_of_one().next().filter(|_| largest > batch)?;
    Some(format!(
        "batch: the last of an epoch has {} instead of {batch} and 1, since the batch norm `{}` cannot be trained on one image",
        counted(largest, "image"),
        checked.graph().node(norm).path
    ))
}
