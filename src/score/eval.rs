//! Evaluates the predictions of a run against the ground truth.
//!
//! Scores are computed at the data block's size, which is the network's resolution; `docs/metrics.md` explains why.

use super::predict::{PredictionSettings, probabilities};
use super::volume_scores::VolumeScorer;
use crate::base::error::Result;
use crate::base::problem::problem;
use crate::compute::device::ComputeDevice;
use crate::compute::lower::lower;
use crate::compute::network::Network;
use crate::data::survey::leakage_warnings;
use crate::data::{BatchLoader, Dataset, SplitRole};
use crate::graph::check::CheckedGraph;
use crate::learn::checkpoint;
use crate::learn::prepare::{RunInputs, check_same_split, prepare};
use crate::learn::run_folder::RunFolder;
use crate::learn::validate::{highest_classes, host_values, image_tensor, score_batches, scored_role};
use crate::learn::weights_origin::{CheckpointProgress, WeightsOrigin, weights_digest};
use crate::metric::score_hints::{for_loss, overfitting_hint};
use crate::metric::{CaseScore, Evaluation, Intervals, PixelFigures, PixelTally, RunHint, Summary};
use crate::text::config::Metric;
use crate::text::config::settings::Settings;
use burn::module::Module;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// Choice of the checkpoint to evaluate or predict with.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum CheckpointChoice {
    /// The best checkpoint by Dice, or by the first metric that a checkpoint was kept for.
    #[default]
    Best,
    /// The last saved checkpoint.
    Last,
    /// This checkpoint file.
    File(PathBuf),
}

impl CheckpointChoice {
    /// Returns the checkpoint file in this run folder. Fails for `Best` if the folder holds no checkpoint.
    pub fn path(&self, folder: &RunFolder) -> Result<PathBuf> {
        match self {
            CheckpointChoice::Best => folder.checkpoint(),
            CheckpointChoice::Last => Ok(folder.last()),
            CheckpointChoice::File(path) => Ok(path.clone()),
        }
    }
}

/// Loads the network of a run folder with its best weights, in evaluation mode.
pub(crate) fn load_best_network(checked: &CheckedGraph, folder: &RunFolder, device: &ComputeDevice) -> Result<Network> {
    load_network(&folder.checkpoint()?, checked, device)
}

/// Loads the network with the weights of a file, in evaluation mode.
pub(crate) fn load_network(path: &Path, checked: &CheckedGraph, device: &ComputeDevice) -> Result<Network> {
    let network = checkpoint::load_weights(path, lower(checked, &device.tensors, 0))?;
    Ok(network.valid().placed_on(device.gpu.as_ref()))
}

/// Options of [`evaluate`].
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EvaluateOptions {
    /// Checkpoint to evaluate.
    pub weights: CheckpointChoice,
    /// Whether probabilities are averaged over the image and its three flips.
    pub flips: bool,
}

/// Evaluates a run on one split by every metric. Returns the summary and the scores of each image. Where images are slices of
/// volumes, the summary holds the scores of whole volumes as well.
///
/// Errors: the device or the data cannot be opened, the split is empty or differs from the split of the training run, the
/// weights do not fit the network, or `stop` was set.
pub fn evaluate(
    checked: &CheckedGraph,
    settings: &Settings,
    folder: &RunFolder,
    role: SplitRole,
    options: &EvaluateOptions,
    stop: &AtomicBool,
) -> Result<(Evaluation, Vec<CaseScore>)> {
    let RunInputs { device, data } = prepare(checked, settings)?;
    check_same_split(&data, folder)?;
    if data.is_empty(role) {
        return Err(
            problem!(E0741, "the split has no {} images", role.name(); help: "evaluate another part of the split with `--split`"),
        );
    }
    let path = options.weights.path(folder)?;
    let network = load_network(&path, checked, &device)?;
    let progress = CheckpointProgress::read(&path);
    let files = [(role.name().to_string(), data.file_digest(role))].into();
    let origin_warnings = progress.as_ref().map(|p| p.origin.warnings_of_use(&WeightsOrigin::new(settings, files)));
    let loader = BatchLoader::new(Arc::clone(&data), role, checked.input().channels());
    let batch = settings.train.batch;
    let spec = data.spec();
    let mut tally = PixelTally::new(spec.classes.len());
    let how = PredictionSettings {
        spec,
        channels: checked.input().channels(),
        window: None,
        flips: options.flips,
        stop: None,
    };
    let mut volumes = VolumeScorer::new(&data, role, &network, how, batch, stop);
    let cases = score_batches(&loader, &data, role, batch, &Metric::ALL, stop, |batch| {
        let x = image_tensor(batch, network.device());
        let probabilities = probabilities(&network, x, options.flips)?;
        let dims @ [_, k, h, w] = probabilities.dims();
        let values = host_values(probabilities)?;
        let name = |i: usize| data.cases(role)[batch.cases[i]].stem.as_str();
        let classes = highest_classes(&values, dims, name)?;
        let maps = classes.chunks_exact(h * w).zip(batch.targets.chunks_exact(h * w));
        values
            .chunks_exact(k * h * w)
            .zip(maps)
            .for_each(|(values, (classes, truth))| tally.add(values, classes, truth));
        volumes.add(batch, &values)?;
        Ok(classes)
    })?;
    let cases = cases.ok_or_else(|| problem!(E0752, "the evaluation was interrupted; no scores were written"))?;
    let PixelFigures { calibration, confusion, precision_recall } = tally.finish(&spec.classes);
    let mut evaluation = Evaluation {
        run: settings.train.name.clone(),
        split: role.name().into(),
        checkpoint: path.strip_prefix(folder.root()).unwrap_or(&path).display().to_string(),
        flips: options.flips,
        chosen_here: options.weights == CheckpointChoice::Best && path != folder.last() && role == scored_role(&data),
        without_best: options.weights == CheckpointChoice::Best
            && path == folder.last()
            && settings.train.keeps_a_best(),
        step: progress.map(|p| p.step),
        weights: weights_digest(&path),
        origin_warnings: origin_warnings.unwrap_or_default(),
        size: spec.size,
        summary: Summary::new(&cases, &spec.classes, spec.empty)?,
        intervals: Intervals::new(&cases, &spec.classes, spec.empty, 0),
        calibration,
        confusion: Some(confusion),
        precision_recall,
        file_warnings: file_warnings(&data, &loader.notices().lines(cases.len())),
        volumes: volumes.finish()?,
    };
    let hint = overfitting(&evaluation, role, folder);
    evaluation.summary.hints.extend(hint);
    let of_volumes = evaluation.volumes.iter_mut().map(|volumes| &mut volumes.summary);
    for summary in of_volumes.chain([&mut evaluation.summary]) {
        summary.hints = summary.hints.drain(..).map(|hint| for_loss(hint, &settings.train.loss)).collect();
    }
    Ok((evaluation, cases))
}

/// Returns a hint where the same weights score much better on training images. The other part has the scores of its last evaluation.
fn overfitting(new: &Evaluation, role: SplitRole, folder: &RunFolder) -> Option<RunHint> {
    let of = |other: SplitRole| -> Option<Evaluation> {
        let stored = Evaluation::read(&folder.evaluation(other)).ok()?;
        let same = |e: &Evaluation| (e.checkpoint.clone(), e.step, e.flips, e.size);
        (new.step.is_some() && same(&stored) == same(new)).then_some(stored)
    };
    match role {
        SplitRole::Train => {
            let other = of(SplitRole::Test).or_else(|| of(SplitRole::Val))?;
            overfitting_hint(new.summary.dice, other.summary.dice, &other.split)
        }
        SplitRole::Val | SplitRole::Test => {
            overfitting_hint(of(SplitRole::Train)?.summary.dice, new.summary.dice, &new.split)
        }
    }
}

/// Returns what is doubtful about the files of an evaluation: of the whole set, and of the images that were read.
fn file_warnings(data: &Dataset, of_images: &[String]) -> Vec<String> {
    data.doubts().iter().cloned().chain(leakage_warnings(data)).chain(of_images.iter().cloned()).collect()
}
