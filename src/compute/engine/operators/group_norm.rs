//! Group and instance normalisation: mean and biased variance over the map of some channels of one image, then a factor
//! and a summand per channel.
//!
//! Only the input is saved for the gradient; its statistics are recomputed. Unused lanes become 0.

use super::lane_values::{LaneValues, normalise, normalise_backward, sum_slopes, sum_squares};
use super::operator_kernel::{BackwardArgs, ChannelPlacement, ForwardArgs, KernelProperties, OperatorKernel};
use super::{BackwardNeeds, plane_sums, row_loops};
use crate::compute::engine::memory_layout::{MapLayout, MapView, MapViewMut, WriteMode};
use crate::compute::engine::weights::LayerWeights;
use crate::graph::op::{GroupNorm, InstanceNorm};

impl OperatorKernel for GroupNorm {
    fn properties(&self) -> KernelProperties {
        KernelProperties { needs: BackwardNeeds::INPUTS, placement: ChannelPlacement::AsInput, cheap: false }
    }

    fn forward(&self, args: ForwardArgs, output: &mut MapViewMut, _: &mut [MapViewMut]) {
        forward(self.groups, self.epsilon, args, output);
    }

    fn backward(&self, args: BackwardArgs, _: usize, into: &mut MapViewMut, write: WriteMode) {
        backward(self.groups, self.epsilon, args, into, write);
    }

    fn weight_gradients(&self, inputs: &[MapView], gradient: MapView) -> Vec<(&'static str, Vec<f32>)> {
        gradients(self.groups, self.epsilon, inputs, gradient)
    }
}

impl OperatorKernel for InstanceNorm {
    fn properties(&self) -> KernelProperties {
        KernelProperties { needs: BackwardNeeds::INPUTS, placement: ChannelPlacement::AsInput, cheap: false }
    }

    fn forward(&self, args: ForwardArgs, output: &mut MapViewMut, _: &mut [MapViewMut]) {
        forward(args.inputs[0].layout.channels(), self.epsilon, args, output);
    }

    fn backward(&self, args: BackwardArgs, _: usize, into: &mut MapViewMut, write: WriteMode) {
        backward(args.gradient.layout.channels(), self.epsilon, args, into, write);
    }

    fn weight_gradients(&self, inputs: &[MapView], gradient: MapView) -> Vec<(&'static str, Vec<f32>)> {
        gradients(gradient.layout.channels(), self.epsilon, inputs, gradient)
    }
}

/// Normalises `groups` groups of channels; instance normalisation has one group per channel.
fn forward(groups: usize, epsilon: f64, ForwardArgs { inputs, layer, .. }: ForwardArgs, output: &mut MapViewMut) {
    let x = inputs[0];
    let statistics = GroupStatistics::of(x, groups, epsilon);
    let (weight, bias) = statistics.affine(layer);
    let values = LaneValues::new(statistics.planes, statistics.lanes, |slot| match statistics.channel(slot) {
        Some(c) => [statistics.mean[slot], weight[c] * statistics.inverse[slot], bias[c]],
        None => [0.0; 3],
    });
    output.for_rows(|plane, y, to| normalise(to, x.row(plane, y), values.of(plane)));
}

fn backward(groups: usize, epsilon: f64, args: BackwardArgs, into: &mut MapViewMut, write: WriteMode) {
    let BackwardArgs { inputs, gradient: grad, layer, .. } = args;
    let x = inputs[0];
    let statistics = GroupStatistics::of(x, groups, epsilon);
    let (weight, _) = statistics.affine(layer);
    let sums = statistics.slopes(x, grad);
    let slot_sum =
        |slot: usize, k: usize| sums[(slot / statistics.lanes * 2 + k) * statistics.lanes + slot % statistics.lanes];
    // The gradients of a group's mean and deviation.
    let [of_mean, of_deviation] =
        [0, 1].map(|k| statistics.over_groups(|slot, c| f64::from(weight[c]) * slot_sum(slot, k)));
    let values = LaneValues::new(statistics.planes, statistics.lanes, |slot| match statistics.channel(slot) {
        Some(c) => {
            let (inverse, group) = (f64::from(statistics.inverse[slot]), statistics.group(slot, c));
            let slope = -inverse.powi(3) * of_deviation[group];
            let summand = -inverse * of_mean[group];
            [statistics.mean[slot], weight[c] * statistics.inverse[slot], slope as f32, summand as f32]
        }
        None => [0.0; 4],
    });
    into.for_rows(|plane, y, to| {
        normalise_backward(to, x.row(plane, y), grad.row(plane, y), values.of(plane), write);
    });
}

/// Returns the gradients of factor and summand.
fn gradients(groups: usize, epsilon: f64, inputs: &[MapView], grad: MapView) -> Vec<(&'static str, Vec<f32>)> {
    let statistics = GroupStatistics::of(inputs[0], groups, epsilon);
    let mut sums = statistics.slopes(inputs[0], grad);
    for slot in 0..statistics.mean.len() {
        sums[(slot / statistics.lanes * 2 + 1) * statistics.lanes + slot % statistics.lanes] *=
            f64::from(statistics.inverse[slot]);
    }
    [("weight", 1), ("bias", 0)]
        .map(|(name, k)| (name, plane_sums::channel_sums(inputs[0].layout, 2, &sums, k)))
        .to_vec()
}

/// Mean and inverse deviation of each slot's group; slots are numbered through planes.
struct GroupStatistics {
    planes: usize,
    lanes: usize,
    groups: usize,
    channels: usize,
    /// The channel of each slot of an image.
    channel: Vec<Option<usize>>,
    /// Count of numbers in a group.
    count: f64,
    mean: Vec<f32>,
    inverse: Vec<f32>,
}

impl GroupStatistics {
    fn of(x: MapView, groups: usize, epsilon: f64) -> Self {
        let layout: &MapLayout = x.layout;
        let mut channel = vec![None; layout.slots()];
        layout.slot_of_channel().into_iter().enumerate().for_each(|(c, slot)| channel[slot] = Some(c));
        let channels = layout.channels();
        let slots = layout.n * layout.slots();
        let mut all = Self {
            planes: layout.n * layout.blocks(),
            lanes: layout.lanes,
            groups,
            channels,
            channel,
            count: (channels / groups * layout.h * layout.w) as f64,
            mean: vec![0.0; slots],
            inverse: vec![0.0; slots],
        };
        let sums = plane_sums::plane_sums(layout, 1, |plane, y, sums| row_loops::sum(sums, x.row(plane, y)));
        let means = all.over_groups(|slot, _| sums[slot]);
        all.mean = all.spread_groups(|group| means[group]);
        let squares = plane_sums::plane_sums(layout, 1, |plane, y, sums| {
            sum_squares(sums, x.row(plane, y), &all.mean[plane * all.lanes..][..all.lanes]);
        });
        let variances = all.over_groups(|slot, _| squares[slot]);
        all.inverse = all.spread_groups(|group| 1.0 / (variances[group] + epsilon).sqrt());
        all
    }

    fn channel(&self, slot: usize) -> Option<usize> {
        self.channel[slot % self.channel.len()]
    }

    /// Returns the index of a channel's group, counted through images.
    fn group(&self, slot: usize, channel: usize) -> usize {
        slot / self.channel.len() * self.groups + channel / (self.channels / self.groups)
    }

    /// Sums `of(slot, channel)` over the channels of each group, divided by the group's count.
    fn over_groups(&self, of: impl Fn(usize, usize) -> f64) -> Vec<f64> {
        let images = self.mean.len() / self.channel.len();
        let mut sums = vec![0.0; images * self.groups];
        for slot in 0..self.mean.len() {
            if let Some(c) = self.channel(slot) {
                sums[self.group(slot, c)] += of(slot, c) / self.count;
            }
        }
        sums
    }

    fn spread_groups(&self, of: impl Fn(usize) -> f64) -> Vec<f32> {
        let of_slot = |slot| self.channel(slot).map_or(0.0, |c| of(self.group(slot, c)) as f32);
        (0..self.mean.len()).map(of_slot).collect()
    }

    /// Sums `g` and `g * (x - mean)` over each plane.
    fn slopes(&self, x: MapView, grad: MapView) -> Vec<f64> {
        plane_sums::plane_sums(x.layout, 2, |plane, y, sums| {
            sum_slopes(sums, x.row(plane, y), grad.row(plane, y), &self.mean[plane * self.lanes..][..self.lanes]);
        })
    }

    fn affine(&self, layer: Option<&LayerWeights>) -> (Vec<f32>, Vec<f32>) {
        affine(layer, self.channels)
    }
}

/// Returns the factors and summands of all channels; 1 and 0 if the layer has none.
pub(super) fn affine(layer: Option<&LayerWeights>, channels: usize) -> (Vec<f32>, Vec<f32>) {
    let weight = layer.map_or_else(|| vec![1.0; channels], |layer| layer.weight.clone());
    let bias = layer.and_then(|layer| layer.bias.clone()).unwrap_or_else(|| vec![0.0; channels]);
    (weight, bias)
}
