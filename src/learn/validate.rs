//! Scores the cases of a split: validation after each epoch, and the basis of evaluation.
//!
//! Scores are computed at the data block's size, the size of the network's input; `docs/metrics.md` explains why.

use crate::base::error::Result;
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

/// Returns the class of each pixel: `[n, k, h, w]` scores to `n * h * w` indices.
fn argmax_classes(scores: Tensor<4>) -> Result<Vec<u8>> {
    let data = scores.argmax(1).into_data().convert::<i64>();
    let values = data.try_into_vec::<i64>().map_err(|e| problem!(E0730, "the device returned no numbers: {e:?}"))?;
    Ok(values.into_iter().map(|k| k as u8).collect())
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
        argmax_classes(network.forward(image_tensor(batch, network.device())).remove(0))
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
