//! Scoring: what a run needs before its first batch, and predictions against ground truth.
//!
//! Scores are computed at the data block's size, where the network works; `docs/metrics.md` says why.

use super::predict::probabilities;
use crate::base::error::{Result, RunError};
use crate::compute::device::{self, DeviceChoice};
use crate::compute::lower::lower;
use crate::compute::network::Network;
use crate::data::{Batch, Dataset, Loader, Role};
use crate::graph::check::Checked;
use crate::graph::ty::Shape;
use crate::learn::checkpoint;
use crate::learn::folder::Folder;
use crate::learn::train::{images, scored_role};
use crate::metric::calibration::Tally;
use crate::metric::{CaseScore, Evaluation, Intervals, Pair, Summary, measure};
use crate::text::recipe::settings::Settings;
use crate::text::recipe::{DataSpec, Metric};
use burn::module::Module;
use burn::tensor::{Device, Tensor};
use rayon::prelude::*;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A device and a data set that fit a model.
pub struct Prepared {
    pub device: Device,
    pub data: Arc<Dataset>,
}

/// Opens device and data, and refuses what cannot work before the first batch.
pub fn prepare(checked: &Checked, settings: &Settings) -> Result<Prepared> {
    fits(checked, settings)?;
    let choice: DeviceChoice = settings.device.parse().map_err(RunError::new)?;
    let device = device::open(choice)?;
    let data = Dataset::open(&settings.data, Path::new(&settings.data_root))?;
    Ok(Prepared { device, data: Arc::new(data) })
}

/// Model and data block against each other.
pub fn fits(checked: &Checked, settings: &Settings) -> Result<()> {
    let name = &checked.graph().name;
    let weights = &settings.train.supervise;
    let data = &settings.data;
    if let Some(unknown) = weights.keys().find(|w| checked.results().all(|(n, _)| n != *w)) {
        let known: Vec<_> = checked.results().map(|(n, _)| n).collect();
        return Err(RunError::new(format!("`{name}` has no result `{unknown}` to supervise"))
            .help(format!("it gives {}", known.join(", "))));
    }
    if !weights.is_empty() && weights.values().all(|&w| w <= 0.0) {
        return Err(RunError::new(format!("no result of `{name}` has a weight above 0 in `supervise`")));
    }
    // The first result is what is scored and predicted.
    for (i, (result, shape)) in checked.results().enumerate() {
        if i == 0 || weights.contains_key(result) {
            result_fits(name, (checked.graph().results.len() > 1).then_some(result), shape, data)?;
        }
    }
    if !matches!(checked.input().channels(), 1 | 3) {
        let message = format!("`{name}` takes {} channels; images have 1 or 3", checked.input().channels());
        return Err(RunError::new(message));
    }
    Ok(())
}

/// One class a channel, one score a pixel.
fn result_fits(model: &str, result: Option<&str>, output: &Shape, data: &DataSpec) -> Result<()> {
    let what = result.map_or(format!("`{model}`"), |name| format!("result `{name}` of `{model}`"));
    let classes = data.classes.len();
    if output.channels() != classes {
        let message =
            format!("{what} gives {} channels, data `{}` has {classes} classes", output.channels(), data.name);
        return Err(
            RunError::new(message).help(format!("set the model's class count: `--set model.classes={classes}`"))
        );
    }
    if output.spatial() != Some(data.size) {
        let message = format!("{what} gives a map {output} for images of {:?}", data.size);
        let help = match result {
            None => "end the model with `|> resize(to = x)`",
            Some(_) => "end this result with `|> resize(to = x)`",
        };
        return Err(RunError::new(message).help(help));
    }
    Ok(())
}

/// Refuses data whose split is not the one that the run folder holds: with other files a random split is dealt anew, and
/// images that were trained on would be scored.
pub fn same_split(data: &Dataset, folder: &Folder) -> Result<()> {
    for role in [Role::Train, Role::Val, Role::Test] {
        let path = folder.split(role);
        let Ok(text) = std::fs::read_to_string(&path) else { continue };
        let stems = data.cases(role).iter().map(|case| case.stem.as_str());
        if !text.lines().eq(stems) {
            let error = RunError::at(&path, "the split of the run is not the one that these images give");
            return Err(error.help("were images added or taken away, or is --data-root another folder?"));
        }
    }
    Ok(())
}

/// Weights to score or predict with.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Weights {
    /// The best by Dice, or by the first metric that one was kept for.
    #[default]
    Best,
    Last,
    File(PathBuf),
}

impl Weights {
    pub fn path(&self, folder: &Folder) -> Result<PathBuf> {
        match self {
            Weights::Best => folder.checkpoint(),
            Weights::Last => Ok(folder.last()),
            Weights::File(path) => Ok(path.clone()),
        }
    }
}

/// The network of a run folder with its best weights, ready to predict.
pub fn load(checked: &Checked, folder: &Folder, device: &Device) -> Result<Network> {
    let path = folder.checkpoint()?;
    checkpoint::load_weights(&path, lower(checked, device, 0))
}

/// Class of each pixel: `[n, k, h, w]` scores to `n * h * w` indices.
pub fn classes(scores: Tensor<4>) -> Result<Vec<u8>> {
    let data = scores.argmax(1).into_data().convert::<i64>();
    let values = data.try_into_vec::<i64>().map_err(|e| RunError::new(format!("the device gave no numbers: {e:?}")))?;
    Ok(values.into_iter().map(|k| k as u8).collect())
}

/// Scores of every case of a role in order, by the class with the highest score. `None` when stopped.
pub fn score_all(
    network: &Network,
    loader: &Loader,
    data: &Dataset,
    role: Role,
    batch: usize,
    metrics: &[Metric],
    stop: &AtomicBool,
) -> Result<Option<Vec<CaseScore>>> {
    each_batch(loader, data, role, batch, metrics, stop, |batch| {
        classes(network.forward(images(batch, network.device())).remove(0))
    })
}

/// Scores every case of a role by what `predict` makes of its batch: the class of each pixel.
fn each_batch(
    loader: &Loader,
    data: &Dataset,
    role: Role,
    batch: usize,
    metrics: &[Metric],
    stop: &AtomicBool,
    mut predict: impl FnMut(&Batch) -> Result<Vec<u8>>,
) -> Result<Option<Vec<CaseScore>>> {
    let cases = data.cases(role);
    let distances = metrics.iter().any(|m| m.is_distance());
    let mut scores = Vec::with_capacity(cases.len());
    for batch in loader.batches((0..cases.len()).collect(), batch, false) {
        let batch = batch?;
        let predicted = predict(&batch)?;
        let size = [batch.shape[2], batch.shape[3]];
        let pixels = size[0] * size[1];
        let one = |(i, &case): (usize, &usize)| {
            let at = i * pixels..(i + 1) * pixels;
            let spacing = if distances { data.spacing(role, case)? } else { None };
            let pair = Pair { pred: &predicted[at.clone()], truth: &batch.targets[at], size, spacing };
            let mut score = measure(&cases[case].stem, &pair, data.spec().classes.len(), metrics)?;
            score.group = data.group(role, case).map(str::to_string);
            Ok(score)
        };
        let scored: Result<Vec<CaseScore>> = batch.cases.par_iter().enumerate().map(one).collect();
        scores.extend(scored?);
        if stop.load(Ordering::Relaxed) {
            return Ok(None);
        }
    }
    Ok(Some(scores))
}

/// The most probable class of each pixel, the first of equal ones; every pixel's probability goes into `tally`.
fn choose(probabilities: Tensor<4>, batch: &Batch, tally: &mut Tally) -> Result<Vec<u8>> {
    let [n, k, h, w] = probabilities.dims();
    let area = h * w;
    let values = probabilities.into_data().convert::<f32>();
    let values =
        values.try_into_vec::<f32>().map_err(|e| RunError::new(format!("the device gave no numbers: {e:?}")))?;
    let mut chosen = vec![0u8; n * area];
    let mut confidence = vec![f32::NEG_INFINITY; area];
    for (i, image) in values.chunks_exact(k * area).enumerate() {
        confidence.fill(f32::NEG_INFINITY);
        let classes = &mut chosen[i * area..(i + 1) * area];
        for (class, plane) in image.chunks_exact(area).enumerate() {
            for ((p, best), chosen) in plane.iter().zip(&mut confidence).zip(classes.iter_mut()) {
                if p > best {
                    (*best, *chosen) = (*p, class as u8);
                }
            }
        }
        let truth = &batch.targets[i * area..(i + 1) * area];
        confidence.iter().zip(classes.iter().zip(truth)).for_each(|(&p, (c, t))| tally.add(p, c == t));
    }
    Ok(chosen)
}

/// How a run is evaluated.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct How {
    pub weights: Weights,
    /// Average over the image and its flips.
    pub flips: bool,
}

/// Scores a run on one split by every metric there is.
pub fn evaluate(
    checked: &Checked,
    settings: &Settings,
    folder: &Folder,
    role: Role,
    how: &How,
    stop: &AtomicBool,
) -> Result<(Evaluation, Vec<CaseScore>)> {
    let Prepared { device, data } = prepare(checked, settings)?;
    same_split(&data, folder)?;
    if data.is_empty(role) {
        return Err(RunError::new(format!("the split has no {role:?} images")));
    }
    let path = how.weights.path(folder)?;
    let network = checkpoint::load_weights(&path, lower(checked, &device, 0))?.valid();
    let loader = Loader::new(Arc::clone(&data), role, checked.input().channels());
    let mut tally = Tally::default();
    let batch = settings.train.batch;
    let cases = each_batch(&loader, &data, role, batch, &Metric::ALL, stop, |batch| {
        let x = images(batch, network.device());
        choose(probabilities(&network, x, how.flips), batch, &mut tally)
    })?;
    let cases = cases.ok_or_else(|| RunError::new("interrupted"))?;
    let spec = data.spec();
    let evaluation = Evaluation {
        run: settings.train.name.clone(),
        split: match role {
            Role::Train => "train",
            Role::Val => "val",
            Role::Test => "test",
        }
        .into(),
        checkpoint: path.strip_prefix(folder.root()).unwrap_or(&path).display().to_string(),
        flips: how.flips,
        chosen_here: how.weights == Weights::Best && path != folder.last() && role == scored_role(&data),
        size: spec.size,
        summary: Summary::new(&cases, &spec.classes, spec.empty)?,
        intervals: Intervals::new(&cases, &spec.classes, spec.empty, 0),
        calibration: tally.finish(),
    };
    Ok((evaluation, cases))
}
