//! Normalisation.
//!
//! Batch norm is `torch.nn.BatchNorm2d`. Burn's own layer stores the biased batch variance as running variance; PyTorch
//! stores the unbiased one, and networks exchanged with it would evaluate differently. The statistics in the layer are
//! always current, whereas Burn delays the last update until the same thread reads them.

use crate::compute::device::is_cpu;
use crate::compute::network::ChannelAffine;
use burn::module::RunningState;
use burn::nn::BatchNorm;
use burn::tensor::{Tensor, module};

/// Count of numbers that one thread of a GPU sums.
const ROW: usize = 64;

pub(super) fn batch_norm(norm: &BatchNorm, x: Tensor<4>, training: bool) -> Tensor<4> {
    if training && norm.training.is_enabled() { train(norm, x) } else { evaluate(norm, x) }
}

fn train(norm: &BatchNorm, x: Tensor<4>) -> Tensor<4> {
    let [n, _, h, w] = x.dims();
    let (output, mean, variance) = if is_cpu(&x.device()) {
        let batch = module::batch_norm_train(x, norm.gamma.val(), norm.beta.val(), norm.epsilon);
        (batch.output, batch.mean, batch.variance)
    } else {
        train_by_rows(norm, x)
    };
    update_statistics(norm, mean, variance, n * h * w);
    output
}

/// Moves the running statistics towards those of a batch with `count` numbers per channel; `variance` is the biased
/// one.
pub(crate) fn update_statistics(norm: &BatchNorm, mean: Tensor<1>, variance: Tensor<1>, count: usize) {
    // A single value has no unbiased variance. PyTorch rejects it; here its variance is the biased one, 0.
    let unbiased = count as f64 / (count as f64 - 1.0).max(1.0);
    update(&norm.running_mean, mean, norm.momentum, 1.0);
    update(&norm.running_var, variance, norm.momentum, unbiased);
}

/// Returns output, mean and biased variance. Burn's own operation sums all numbers of a channel in one row.
fn train_by_rows(norm: &BatchNorm, x: Tensor<4>) -> (Tensor<4>, Tensor<1>, Tensor<1>) {
    let [n, c, h, w] = x.dims();
    let over = |x: Tensor<4>| mean(mean(x.reshape([n, c, h * w]), 2), 0).reshape([1, c, 1, 1]);
    let mean = over(x.clone());
    let centred = x.sub(mean.clone());
    let variance = over(centred.clone().mul(centred.clone()));
    let channels = |t: Tensor<1>| t.reshape([1, c, 1, 1]);
    let factor = channels(norm.gamma.val()).div(variance.clone().add_scalar(norm.epsilon).sqrt());
    let output = centred.mul(factor).add(channels(norm.beta.val()));
    (output, mean.reshape([c]), variance.reshape([c]))
}

fn update(state: &RunningState<Tensor<1>>, batch: Tensor<1>, momentum: f64, factor: f64) {
    let old = state.value_sync().without_autodiff();
    let new = batch.without_autodiff().mul_scalar(momentum * factor);
    state.update(old.mul_scalar(1.0 - momentum).add(new));
    state.value_sync();
}

/// Computes `(x - mean) / sqrt(var + eps) * weight + bias`, folded into one factor and one summand per channel.
fn evaluate(norm: &BatchNorm, x: Tensor<4>) -> Tensor<4> {
    let c = x.dims()[1];
    let (mean, var) = (norm.running_mean.value_sync(), norm.running_var.value_sync());
    let factor = norm.gamma.val().div(var.add_scalar(norm.epsilon).sqrt());
    let summand = norm.beta.val().sub(mean.mul(factor.clone()));
    x.mul(factor.reshape([1, c, 1, 1])).add(summand.reshape([1, c, 1, 1]))
}

/// Normalises each group of channels over its map, without factor and summand.
pub(super) fn group_norm(x: Tensor<4>, groups: usize, epsilon: f64) -> Tensor<4> {
    let [n, c, h, w] = x.dims();
    normalise(x.reshape([n, groups, c / groups * h * w]), 2, epsilon).reshape([n, c, h, w])
}

/// Normalises each channel over its map.
pub(super) fn instance_norm(x: Tensor<4>, epsilon: f64) -> Tensor<4> {
    let c = x.dims()[1];
    group_norm(x, c, epsilon)
}

/// Normalises each pixel over its channels.
pub(super) fn layer_norm(x: Tensor<4>, epsilon: f64) -> Tensor<4> {
    normalise(x, 1, epsilon)
}

/// Normalises along an axis with the biased variance, as all of PyTorch's norms do.
fn normalise<const D: usize>(x: Tensor<D>, axis: usize, epsilon: f64) -> Tensor<D> {
    let centred = x.clone().sub(mean(x, axis));
    let variance = mean(centred.clone().mul(centred.clone()), axis);
    centred.div(variance.add_scalar(epsilon).sqrt())
}

/// Returns the mean along an axis. On a GPU it is computed from the means of short rows: a GPU sums a row number by
/// number on one thread, so that a sum of a million numbers is slow and loses the last ones to rounding.
fn mean<const D: usize>(x: Tensor<D>, axis: usize) -> Tensor<D> {
    let shape = x.dims();
    if is_cpu(&x.device()) {
        return x.mean_dim(axis);
    }
    let before: usize = shape[..axis].iter().product();
    let after: usize = shape[axis + 1..].iter().product();
    let mut reduced = shape;
    reduced[axis] = 1;
    let (mut x, mut n) = (x.reshape([before, shape[axis], 1, after]), shape[axis]);
    // Rows of equal length, so that all means have equal weights.
    while let Some(row) = (2..=ROW.min(n / 2)).rev().find(|row| n > ROW && n.is_multiple_of(*row)) {
        n /= row;
        x = x.reshape([before, n, row, after]).mean_dim(2);
    }
    x.reshape([before, n, 1, after]).mean_dim(1).reshape(reduced)
}

/// Computes `x * weight + bias`, with one number per channel or one for all.
pub(super) fn affine(affine: &ChannelAffine, x: Tensor<4>) -> Tensor<4> {
    let over = |t: Tensor<1>| {
        let c = t.dims()[0];
        t.reshape([1, c, 1, 1])
    };
    let scaled = x.mul(over(affine.weight.val()));
    match &affine.bias {
        Some(bias) => scaled.add(over(bias.val())),
        None => scaled,
    }
}
