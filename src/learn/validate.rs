//! Scores the cases of a split: validation after each epoch, and the basis of evaluation.
//!
//! Scores are computed at the data block's size, the size of the network's input; `docs/metrics.md` explains why.

use crate::base::count::counted_of;
use crate::base::error::{Result, RunError};
use crate::base::problem::problem;
use crate::compute::network::Network;
use crate::data::{Batch, BatchLoader, Dataset, LastBatch, SplitRole};
use crate::metric::{CaseScore, MaskPair, measure};
use crate::text::config::Metric;
use burn::tensor::{Device, Tensor, TensorData};
use rayon::prelude::*;
use std::sync::atomic::{AtomicBool, Ordering};

/// Returns the role that is scored after each epoch: `val` if it has images, else `test`.
pub(crate) fn scored_role(data: &Dataset) -> SplitRole {
    if data.is_empty(SplitRole::Val) { SplitRole::Test } else { SplitRole::Val }
}

/// Copies the images of a batch to the device, `[n, c, h, w]`.
pub(crate) fn image_tensor(batch: &Batch, device: &Device) -> Tensor<4> {
    Tensor::from_data(TensorData::new(batch.images.clone(), batch.shape), device)
}

/// Checks that a network computed numbers for an image. The largest of scores that are none is a class like any other, mostly the
/// background, so a mask of them looks like an image without a lesion.
pub(crate) fn check_scores(scores: &[f32]) -> Result<()> {
    let not_finite = scores.iter().filter(|score| !score.is_finite()).count();
    match not_finite {
        0 => Ok(()),
        n => Err(problem!(
            E0724,
            "the network computes {} of this image that are NaN or infinite, so it has no mask",
            counted_of(n, scores.len(), "score");
            help: "look for weights or inputs far from those of training: `npc data check`, `npc eval RUN`"
        )),
    }
}

/// Returns the class of each pixel, the first one on a tie: `[n, k, h, w]` scores to `n * h * w` indices. Errors: scores that are no numbers, with the name of the image.
pub(crate) fn highest_classes<'a>(
    scores: &[f32],
    [n, k, h, w]: [usize; 4],
    name: impl Fn(usize) -> &'a str,
) -> Result<Vec<u8>> {
    let area = h * w;
    let mut chosen = vec![0u8; n * area];
    let mut highest = vec![f32::NEG_INFINITY; area];
    for (i, image) in scores.chunks_exact(k * area).enumerate() {
        check_scores(image).map_err(|error| RunError { path: Some(name(i).into()), ..error })?;
        highest.fill(f32::NEG_INFINITY);
        let classes = &mut chosen[i * area..(i + 1) * area];
        for (class, plane) in image.chunks_exact(area).enumerate() {
            for ((score, highest), chosen) in plane.iter().zip(&mut highest).zip(classes.iter_mut()) {
                if score > highest {
                    (*highest, *chosen) = (*score, class as u8);
                }
            }
        }
    }
    Ok(chosen)
}

/// Copies a tensor to the host.
pub(crate) fn host_values(tensor: Tensor<4>) -> Result<Vec<f32>> {
    let data = tensor.into_data().convert::<f32>();
    data.try_into_vec::<f32>().map_err(|e| problem!(E0799, "the results cannot be read from the device: {e:?}"))
}

/// Scores every case of a role in order, by the class with the highest score. Returns `None` if stopped.
pub(crate) fn score_all(
    network: &Network,
    loader: &BatchLoader,
    data: &Dataset,
    role: SplitRole,
    batch: usize,
    metrics: &[Metric],
    stop: &AtomicBool,
) -> Result<Option<Vec<CaseScore>>> {
    score_batches(loader, data, role, batch, metrics, stop, |batch| {
        let scores = network.compute(image_tensor(batch, network.device()))?.remove(0);
        let dims = scores.dims();
        let name = |i: usize| data.cases(role)[batch.cases[i]].stem.as_str();
        highest_classes(&host_values(scores)?, dims, name)
    })
}

/// Scores every case of a role by `predict`, which returns the class of each pixel of a batch. Returns `None` if stopped.
pub(crate) fn score_batches(
    loader: &BatchLoader,
    data: &Dataset,
    role: SplitRole,
    batch: usize,
    metrics: &[Metric],
    stop: &AtomicBool,
    mut predict: impl FnMut(&Batch) -> Result<Vec<u8>>,
) -> Result<Option<Vec<CaseScore>>> {
    let cases = data.cases(role);
    let distances = metrics.iter().any(|m| m.is_distance());
    let mut scores = Vec::with_capacity(cases.len());
    for batch in loader.batches((0..cases.len()).collect(), batch, LastBatch::Keep) {
        let batch = batch?;
        let predicted = predict(&batch)?;
        let size = [batch.shape[2], batch.shape[3]];
        let pixels = size[0] * size[1];
        let score_case = |(i, &case): (usize, &usize)| {
            let at = i * pixels..(i + 1) * pixels;
            let spacing = if distances { data.spacing(role, case)? } else { None };
            let pair = MaskPair { pred: &predicted[at.clone()], truth: &batch.targets[at], size, spacing };
            let mut score = measure(&cases[case].stem, &pair, data.spec().classes.len(), metrics)?;
            score.group = data.group(role, case).map(str::to_string);
            Ok(score)
        };
        let scored: Result<Vec<CaseScore>> = batch.cases.par_iter().enumerate().map(score_case).collect();
        scores.extend(scored?);
        if stop.load(Ordering::Relaxed) {
            return Ok(None);
        }
    }
    Ok(Some(scores))
}
