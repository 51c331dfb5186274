//! Checks before the first batch: errors are found before anything is written.
//!
//! [`check_model_fits_data`](super::prepare::check_model_fits_data) compares model and data; here the split, a sample of the masks,
//! memory and disk space are checked. Doubtful findings are warnings.

use crate::base::error::{Result, RunError};
use crate::base::machine::{self, FreeMemory};
use crate::base::number::rough_bytes;
use crate::base::path::absolute;
use crate::data::{Dataset, SplitRole};
use crate::graph::check::{CheckedGraph, FrozenPaths};
use crate::study::cost::memory::{TrainingSetup, memory_for, memory_frozen};
use crate::text::config::settings::Settings;
use crate::text::config::{KeptCheckpoint, TrainSpec};
use rayon::prelude::*;
use std::path::Path;

/// Number of masks of each role that are read before training, evenly spread.
const MASKS: usize = 16;
/// Number of batches that a loader prefetches.
const WAITING: u64 = 2;

/// Notes and warnings for the user.
#[derive(Debug, Clone, Default)]
pub struct Preflight {
    pub notes: Vec<String>,
    pub warnings: Vec<String>,
}

/// Runs all cheap checks. `free` is the device's free memory, `None` if unknown.
pub fn preflight(
    checked: &CheckedGraph,
    settings: &Settings,
    data: &Dataset,
    frozen: &FrozenPaths,
    free: Option<FreeMemory>,
    folder: &Path,
) -> Result<Preflight> {
    let mut found = Preflight::default();
    check_splits(&settings.train, data)?;
    check_masks(data, &mut found)?;
    check_memory(checked, settings, data, frozen, free, &mut found)?;
    check_writable(folder)?;
    check_disk(checked, settings, frozen, machine::free_disk_space(folder), folder, &mut found)?;
    check_average(&settings.train, data, &mut found);
    Ok(found)
}

fn check_splits(spec: &TrainSpec, data: &Dataset) -> Result<()> {
    if data.is_empty(SplitRole::Train) {
        return Err(RunError::new("the split leaves no image to train on"));
    }
    let scored = spec.keep.iter().any(|keep| matches!(keep, KeptCheckpoint::Best(_))) || spec.patience.is_some();
    if scored && data.is_empty(SplitRole::Val) && data.is_empty(SplitRole::Test) {
        return Err(RunError::new("the split leaves no image to score, so that no epoch can be the best")
            .help("give `val` or `test` a share")
            .help("or keep the last epoch alone: `keep = [last]`"));
    }
    Ok(())
}

/// Reads some masks of each role: all values must be labels, and every class should occur.
fn check_masks(data: &Dataset, found: &mut Preflight) -> Result<()> {
    let looked: Vec<(SplitRole, usize)> = [SplitRole::Train, SplitRole::Val, SplitRole::Test]
        .into_iter()
        .flat_map(|role| {
            let n = data.len(role);
            let some = n.min(MASKS);
            (0..some).map(move |i| (role, i * n / some))
        })
        .collect();
    let classes = data.spec().classes.len();
    let one = |&(role, index): &(SplitRole, usize)| -> Result<Vec<bool>> {
        let (mask, _, _) = data.truth(role, index)?;
        let mut seen = vec![false; classes];
        mask.iter().filter_map(|&class| seen.get_mut(usize::from(class)).map(|s| *s = true)).for_each(drop);
        Ok(seen)
    };
    // In order, so that the reported mask is always the same.
    let each: Vec<Result<Vec<bool>>> = looked.par_iter().map(one).collect();
    let mut seen = vec![false; classes];
    for mask in each {
        seen.iter_mut().zip(mask?).for_each(|(all, one)| *all |= one);
    }
    let all: usize = [SplitRole::Train, SplitRole::Val, SplitRole::Test].map(|role| data.len(role)).iter().sum();
    let n = looked.len();
    found.notes.push(match n == all {
        true => format!("all {n} masks hold the labels and nothing else"),
        false => format!("{n} of {all} masks were read and hold the labels alone; `npc data check` reads all"),
    });
    for (class, _) in data.spec().classes.iter().zip(seen).filter(|(_, seen)| !seen) {
        let of = if n == all { format!("all {n} masks") } else { format!("{n} of {all} masks that were looked at") };
        found.warnings.push(format!("no pixel is `{class}` in {of}; are `labels` those of the files?"));
    }
    Ok(())
}

/// Memory of one training step, and of the loader's batches and cache and the average of the weights, in bytes.
struct MemoryNeed {
    fixed: u64,
    per_image: u64,
    step: u64,
}

fn check_memory(
    checked: &CheckedGraph,
    settings: &Settings,
    data: &Dataset,
    frozen: &FrozenPaths,
    free: Option<FreeMemory>,
    found: &mut Preflight,
) -> Result<()> {
    let spec = &settings.train;
    let batch = spec.batch.min(data.len(SplitRole::Train)).max(1) as u64;
    let threads = rayon::current_num_threads() as u64;
    let loss_words = spec.loss.extra_words_per_pixel(settings.data.classes.len() as u64);
    let run = TrainingSetup { moments: spec.optimizer.moment_count(), loss_words, threads };
    let memory = memory_for(checked, frozen, &run);
    let pixels = (settings.data.size[0] * settings.data.size[1]) as u64;
    let channels = checked.input().channels() as u64;
    // Prefetched images are 32-bit floats, cached ones 16-bit integers; classes are bytes.
    let per_image = (WAITING + 1) * pixels * (4 * channels + 1);
    let cases: usize = [SplitRole::Train, SplitRole::Val, SplitRole::Test].map(|role| data.len(role)).iter().sum();
    let cache = (cases as u64).saturating_mul(pixels * (2 * channels + 1));
    let cache = cache.min((settings.data.cache_mb as u64) << 20);
    let sums = if spec.accumulate > 1 { memory.gradients } else { 0 };
    let average = if spec.ema.is_some() { memory.weights + memory.buffers } else { 0 };
    let need = MemoryNeed { fixed: cache + average + sums, per_image, step: memory.training.peak(batch).bytes };
    let total = need.step.saturating_add(need.fixed).saturating_add(need.per_image.saturating_mul(batch));
    let parts = format!(
        "{} for a step of {batch}, {} of it beside the network",
        rough_bytes(total),
        rough_bytes(total - need.step)
    );
    let Some(FreeMemory { bytes, limited }) = free else {
        found.notes.push(format!("memory: about {parts}; what `{}` has was not looked at", settings.device));
        return Ok(());
    };
    let whose = if limited { "the limit of this container or job leaves" } else { "the machine has" };
    if total <= bytes {
        found.notes.push(format!("memory: about {parts}; {whose} {}", rough_bytes(bytes)));
        return Ok(());
    }
    let room = bytes.saturating_sub(need.fixed);
    // Each image also needs memory in the loader.
    let fits = (1..=batch)
        .rev()
        .find(|&n| memory.training.peak(n).bytes.saturating_add(need.per_image.saturating_mul(n)) <= room);
    let message = format!(
        "a training step of `{}` at batch {batch} needs about {} of memory, {whose} {}",
        checked.graph().name,
        rough_bytes(total),
        rough_bytes(bytes)
    );
    let error = match fits {
        Some(n) if batch.is_multiple_of(n) && n < batch => RunError::new(message)
            .help(format!("batch {n} fits: `--set batch={n}`; with accumulate={} a step is as large", batch / n)),
        Some(n) => RunError::new(message).help(format!("batch {n} fits: `--set batch={n}`")),
        None if need.fixed > bytes => RunError::new(message)
            .help(format!("the cache of images takes {}: `--set data.cache_mb=256`", rough_bytes(cache))),
        None => RunError::new(message).help("not even one image fits: `--set data.size=[..]` makes them smaller"),
    };
    Err(error.help("`--ignore-memory` tries all the same"))
}

/// Checks that the folder, or its nearest existing parent, is a folder and is not read-only. Nothing is created here; the run does
/// that next.
fn check_writable(folder: &Path) -> Result<()> {
    let whole = absolute(folder);
    let Some(there) = whole.ancestors().find(|p| p.exists()) else { return Ok(()) };
    let why = if !there.is_dir() {
        format!("{} is a file", there.display())
    } else if there.metadata().is_ok_and(|m| m.permissions().readonly()) {
        format!("{} may not be written to", there.display())
    } else {
        return Ok(());
    };
    let message = format!("cannot make the run folder: {why}");
    Err(RunError::at(folder, message).help("choose another folder: `--out DIR`"))
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
    let one = memory.weights + memory.buffers + average + spec.optimizer.moment_count() * memory.gradients;
    let bests = spec.keep.iter().filter(|keep| matches!(keep, KeptCheckpoint::Best(_))).count() as u64;
    // The last one, the best ones, and one that is being written while the old file still exists.
    let total = one.saturating_mul(bests + 2);
    match room {
        Some(room) if room < total => {
            let message = format!("checkpoints need {} here, the disk has {}", rough_bytes(total), rough_bytes(room));
            Err(RunError::at(folder, message).help("choose another place: `--out DIR`"))
        }
        Some(room) => {
            found.notes.push(format!("disk: {} for checkpoints; {} are free", rough_bytes(total), rough_bytes(room)));
            Ok(())
        }
        None => Ok(()),
    }
}

/// Warns if the average of the weights reaches over more steps than the run has, since the first weights then dominate.
fn check_average(spec: &TrainSpec, data: &Dataset, found: &mut Preflight) {
    let Some(decay) = spec.ema else { return };
    let steps =
        data.len(SplitRole::Train).div_ceil(spec.batch.saturating_mul(spec.accumulate)).saturating_mul(spec.epochs);
    let reach = 1.0 / (1.0 - decay);
    if reach > steps as f64 {
        found.warnings.push(format!(
            "`ema = {decay}` averages over about {reach:.0} steps, and the run has {steps}: its first weights weigh most"
        ));
    }
}
