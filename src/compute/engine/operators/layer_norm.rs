//! Normalisation over the channels of each pixel, then a factor and a summand per channel. Unused lanes become 0.

use super::group_norm::affine;
use super::operator_kernel::{BackwardArgs, ChannelPlacement, ForwardArgs, KernelProperties, OperatorKernel};
use super::pixel_reduction::{ChannelBlocks, PixelReduction};
use super::{BackwardNeeds, plane_sums, row_loops};
use crate::compute::engine::memory_layout::{MapView, MapViewMut, WriteMode};
use crate::graph::op::LayerNorm;

impl OperatorKernel for LayerNorm {
    fn properties(&self) -> KernelProperties {
        KernelProperties { needs: BackwardNeeds::INPUTS, placement: ChannelPlacement::AsInput, cheap: false }
    }

    fn forward(&self, ForwardArgs { inputs, layer, .. }: ForwardArgs, output: &mut MapViewMut, _: &mut [MapViewMut]) {
        let x = inputs[0];
        let (lanes, blocks) = (x.layout.lanes, x.layout.blocks());
        let statistics = pixel_statistics(self, x);
        let (weight, bias) = affine(layer, x.layout.channels());
        let (weight, bias) = (x.layout.to_slots(&weight, 0.0), x.layout.to_slots(&bias, 0.0));
        let used = row_loops::used_lanes(x.layout);
        output.for_rows(|plane, y, to| {
            let first = plane % blocks * lanes;
            let (weight, bias) = (&weight[first..][..lanes], &bias[first..][..lanes]);
            let pixels = to.chunks_exact_mut(lanes).zip(x.row(plane, y).chunks_exact(lanes));
            for ((to, x), pixel) in pixels.zip(statistics.row(plane / blocks, y)) {
                row_loops::zip(to, x, weight, WriteMode::Overwrite, |x, weight| {
                    (x - pixel.mean) * pixel.inverse * weight
                });
                row_loops::map(to, bias, WriteMode::Accumulate, |bias| bias);
            }
            row_loops::clear_gaps(to, lanes, used[plane % blocks]);
        });
    }

    fn backward(
        &self,
        BackwardArgs { inputs, gradient: grad, layer, .. }: BackwardArgs,
        _: usize,
        into: &mut MapViewMut,
        write: WriteMode,
    ) {
        let x = inputs[0];
        let (lanes, blocks, count) = (x.layout.lanes, x.layout.blocks(), x.layout.channels() as f64);
        let statistics = pixel_statistics(self, x);
        let (weight, _) = affine(layer, x.layout.channels());
        let weight = x.layout.to_slots(&weight, 0.0);
        // The gradients of a pixel's mean and deviation.
        let channels = ChannelBlocks::of(x);
        let flow = PixelReduction::new(x.layout, (0f64, 0f64), |image, y, flow| {
            channels.fold_with(grad, image, y, flow, |(sum, product), slot, x, g| {
                let g = f64::from(g * weight[slot]);
                *sum += g;
                *product += g * f64::from(x);
            });
            for ((sum, product), pixel) in flow.iter_mut().zip(statistics.row(image, y)) {
                let (mean, inverse) = (f64::from(pixel.mean), f64::from(pixel.inverse));
                *product = (*product - *sum * mean) * inverse * inverse / count;
                *sum /= count;
            }
        });
        into.for_rows(|plane, y, to| {
            let image = plane / blocks;
            let weight = &weight[plane % blocks * lanes..][..lanes];
            let rows = x.row(plane, y).chunks_exact(lanes).zip(grad.row(plane, y).chunks_exact(lanes));
            let pixels = statistics.row(image, y).iter().zip(flow.row(image, y));
            for ((to, (x, g)), (pixel, &(sum, product))) in to.chunks_exact_mut(lanes).zip(rows).zip(pixels) {
                let (sum, product) = (sum as f32, product as f32);
                let f = |x, g, weight| pixel.inverse * (g * weight - sum - (x - pixel.mean) * product);
                row_loops::zip_by_lane(to, x, g, weight, write, f);
            }
        });
    }

    fn weight_gradients(&self, inputs: &[MapView], gradient: MapView) -> Vec<(&'static str, Vec<f32>)> {
        let [weight, bias] = gradients(self, inputs, gradient);
        vec![("weight", weight), ("bias", bias)]
    }
}

/// Returns the gradients of factor and summand.
fn gradients(op: &LayerNorm, inputs: &[MapView], grad: MapView) -> [Vec<f32>; 2] {
    let x = inputs[0];
    let (lanes, blocks) = (x.layout.lanes, x.layout.blocks());
    let statistics = pixel_statistics(op, x);
    let sums = plane_sums::plane_sums(x.layout, 2, |plane, y, sums| {
        let (weight, bias) = sums.split_at_mut(lanes);
        let rows = x.row(plane, y).chunks_exact(lanes).zip(grad.row(plane, y).chunks_exact(lanes));
        for ((x, g), pixel) in rows.zip(statistics.row(plane / blocks, y)) {
            row_loops::zip(weight, x, g, WriteMode::Accumulate, |x, g| g * ((x - pixel.mean) * pixel.inverse));
            row_loops::map(bias, g, WriteMode::Accumulate, |g| g);
        }
    });
    [0, 1].map(|k| plane_sums::channel_sums(x.layout, 2, &sums, k))
}

/// Mean and inverse deviation of one pixel.
#[derive(Clone, Copy)]
struct PixelStatistics {
    mean: f32,
    /// One over the deviation.
    inverse: f32,
}

fn pixel_statistics(op: &LayerNorm, x: MapView) -> PixelReduction<PixelStatistics> {
    let (channels, count) = (ChannelBlocks::of(x), x.layout.channels() as f64);
    let means = PixelReduction::new(x.layout, 0f64, |image, y, means| {
        channels.fold(image, y, means, |sum, _, x| *sum += f64::from(x));
        means.iter_mut().for_each(|sum| *sum /= count);
    });
    let squares = PixelReduction::new(x.layout, (0f64, 0f64), |image, y, squares| {
        squares.iter_mut().zip(means.row(image, y)).for_each(|(square, mean)| square.0 = *mean);
        channels.fold(image, y, squares, |(mean, sum), _, x| *sum += (f64::from(x) - *mean).powi(2));
    });
    PixelReduction::new(x.layout, PixelStatistics { mean: 0.0, inverse: 0.0 }, |image, y, pixels| {
        for (pixel, &(mean, sum)) in pixels.iter_mut().zip(squares.row(image, y)) {
            *pixel = PixelStatistics { mean: mean as f32, inverse: (1.0 / (sum / count + op.epsilon).sqrt()) as f32 };
        }
    })
}
