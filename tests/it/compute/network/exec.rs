//! The forward pass: every operator's dims at two sizes, and numbers worked by hand where frameworks differ.

use super::lower::image;
use crate::support::device::device;
use crate::support::toy_graphs::{Build, act, bn, conv, deconv, like, toy, window};
use burn::module::Module;
use burn::tensor::{Int, Tensor, TensorData};
use npc::graph::check::CheckedGraph;
use npc::graph::ir::Outlet;
use npc::graph::op::*;
use npc::internals::compute::engine_bridge::RecordedPass;
use npc::internals::compute::lower::lower;
use npc::internals::compute::weights;
use npc::internals::learn::loss::cross_entropy;
use npc::internals::learn::optim::AccumulatedGradients;

/// Returns a model of one operator on the image.
fn single_operator_model(op: impl Into<Op>, [c, h, w]: [usize; 3]) -> CheckedGraph {
    let mut b = Build::new(c, h, w);
    let image = b.image;
    let out = b.op(op, &[image]);
    b.done(out)
}

fn forward(checked: &CheckedGraph, x: Tensor<4>) -> Tensor<4> {
    lower(checked, &device(), 1).forward(x).remove(0)
}

fn map(values: &[f32], [h, w]: [usize; 2]) -> Tensor<4> {
    Tensor::from_data(TensorData::new(values.to_vec(), [1, 1, h, w]), &device())
}

/// Asserts the output of a model of one operator on a single-channel map.
#[track_caller]
fn assert_output(op: impl Into<Op>, values: &[f32], size: [usize; 2], expected: &[f32], out: [usize; 2]) {
    let y = forward(&single_operator_model(op, [1, size[0], size[1]]), map(values, size));
    assert_eq!(y.dims(), [1, 1, out[0], out[1]]);
    assert_close(y, expected);
}

#[track_caller]
fn assert_close<const D: usize>(y: Tensor<D>, expected: &[f32]) {
    let found: Vec<f32> = y.into_data().try_into_vec().unwrap();
    let fits = found.len() == expected.len() && found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-5);
    assert!(fits, "{found:?}\nis not\n{expected:?}");
}

fn pool(kernel: usize, stride: usize, pad: usize, ceil: bool) -> PoolWindow {
    PoolWindow { pad: [pad; 2], ceil, ..window(kernel, stride) }
}

fn resize(target: ResizeTarget, mode: Interpolation, align_corners: bool) -> Resize {
    Resize { target, mode, align_corners, module: false }
}

const FUNCTIONS: [ActivationFunction; 11] = [
    ActivationFunction::Relu,
    ActivationFunction::Relu6,
    ActivationFunction::LeakyRelu { slope: 0.1 },
    ActivationFunction::Elu { alpha: 1.5 },
    ActivationFunction::Gelu,
    ActivationFunction::Silu,
    ActivationFunction::HardSwish,
    ActivationFunction::HardSigmoid,
    ActivationFunction::Sigmoid,
    ActivationFunction::Tanh,
    ActivationFunction::Softmax,
];

fn operators() -> Vec<Op> {
    let dilated = Conv { dilation: [2, 3], stride: [2, 1], pad: ConvPadding::Same, ..conv(8, 3) };
    let odd = ConvTranspose {
        kernel: [3, 2],
        stride: [2, 3],
        dilation: [2, 1],
        pad: [1, 0],
        out_pad: [1, 2],
        groups: 2,
        ..deconv(6)
    };
    let mut all: Vec<Op> = vec![
        conv(5, 3).into(),
        Conv { groups: 4, kernel: [1, 5], pad: ConvPadding::Explicit([0, 2]), ..dilated.clone() }.into(),
        dilated.into(),
        deconv(3).into(),
        odd.into(),
        bn().into(),
        MaxPool(pool(3, 2, 1, true)).into(),
        MaxPool(pool(2, 2, 0, true)).into(),
        MaxPoolWithIndex(pool(3, 2, 1, false)).into(),
        AvgPool(pool(3, 2, 1, true)).into(),
        AvgPool(pool(2, 2, 0, false)).into(),
        AvgPoolTo { size: [1, 1] }.into(),
        AvgPoolTo { size: [3, 2] }.into(),
        AvgPoolTo { size: [40, 3] }.into(),
        Concat.into(),
        Flatten.into(),
        ChannelPad { out: 7 }.into(),
        Reshape { to: vec![None] }.into(),
        Reshape { to: vec![Some(2), None, Some(1)] }.into(),
        Dropout { p: 0.5 }.into(),
    ];
    for mode in [Interpolation::Nearest, Interpolation::Bilinear] {
        for align_corners in [false, true] {
            all.push(resize(ResizeTarget::Factor([2, 3]), mode, align_corners).into());
            all.push(resize(ResizeTarget::Size([5, 30]), mode, align_corners).into());
        }
    }
    all.extend(FUNCTIONS.map(|f| act(f).into()));
    all
}

#[test]
fn dims_are_the_inferred_ones_at_two_sizes() {
    for op in operators() {
        for [h, w] in [[12, 16], [13, 9]] {
            let checked = single_operator_model(op.clone(), [4, h, w]);
            let mut dims = checked.output().dims().to_vec();
            dims.resize(3, 1);
            for network in [lower(&checked, &device(), 1), lower(&checked, &device(), 1).train()] {
                let y = network.forward(image([2, 4, h, w])).remove(0);
                assert_eq!(y.dims()[1..], dims, "{op:?}");
                let values: Vec<f32> = y.into_data().try_into_vec().unwrap();
                assert!(values.iter().all(|v| v.is_finite()), "{op:?}");
            }
        }
    }
}

#[test]
fn a_network_works_at_sizes_it_was_not_checked_at() {
    let network = lower(&toy(8), &device(), 1);
    for size in [8, 12, 20] {
        let y = network.forward(image([1, 3, size, size])).remove(0);
        assert_eq!(y.dims(), [1, 2, size, size]);
    }
}

#[test]
fn gradients_flow_through_every_operator() {
    for op in operators() {
        let name = format!("{op:?}");
        let mut b = Build::new(2, 9, 10);
        let image_ = b.image;
        let x = b.at("first", conv(4, 1), &[image_]);
        let y = b.op(op, &[x]);
        let network = lower(&b.done(y), &device(), 1).train();
        // Squares are summed, since batch norm and softmax hide a plain sum.
        let RecordedPass { mut results, back } = network.record(image([2, 2, 9, 10]), 0);
        let y = results.remove(0);
        let mut optim = npc::internals::learn::optim::OptimState::new(npc::text::config::Optimizer::Adam {
            lr: 0.1,
            beta1: 0.9,
            beta2: 0.999,
            epsilon: 1e-8,
            weight_decay: 0.0,
        });
        let shape = y.dims();
        let weights = image(shape);
        let gradients = AccumulatedGradients::of(&network, back, y.clone().mul(y).mul(weights).sum().backward());
        optim.step(network, gradients, optim.optimizer.lr());
        let moved: f32 = optim.moments["first.weight"][0].clone().abs().sum().into_scalar();
        assert!(moved > 0.0 && moved.is_finite(), "{name}");
    }
}

#[test]
fn bilinear_takes_pixel_centres() {
    let op = || resize(ResizeTarget::Factor([2, 2]), Interpolation::Bilinear, false);
    let rows = [1.0, 1.25, 1.75, 2.0, 1.5, 1.75, 2.25, 2.5, 2.5, 2.75, 3.25, 3.5, 3.0, 3.25, 3.75, 4.0];
    assert_output(op(), &[1.0, 2.0, 3.0, 4.0], [2, 2], &rows, [4, 4]);
    assert_output(
        resize(ResizeTarget::Size([1, 3]), Interpolation::Bilinear, false),
        &[0.0, 6.0],
        [1, 2],
        &[0.0, 3.0, 6.0],
        [1, 3],
    );
    // Resizing by 1/2 returns the mean of each pair.
    assert_output(
        resize(ResizeTarget::Size([1, 2]), Interpolation::Bilinear, false),
        &[0.0, 1.0, 2.0, 3.0],
        [1, 4],
        &[0.5, 2.5],
        [1, 2],
    );
}

#[test]
fn bilinear_with_aligned_corners_keeps_the_ends() {
    let op = resize(ResizeTarget::Size([1, 4]), Interpolation::Bilinear, true);
    assert_output(op, &[0.0, 3.0], [1, 2], &[0.0, 1.0, 2.0, 3.0], [1, 4]);
    assert_output(
        resize(ResizeTarget::Size([1, 1]), Interpolation::Bilinear, true),
        &[5.0, 7.0],
        [1, 2],
        &[5.0],
        [1, 1],
    );
}

#[test]
fn nearest_floors_the_scaled_position() {
    let up = resize(ResizeTarget::Factor([1, 2]), Interpolation::Nearest, false);
    assert_output(up, &[1.0, 2.0], [1, 2], &[1.0, 1.0, 2.0, 2.0], [1, 4]);
    assert_output(
        resize(ResizeTarget::Size([1, 3]), Interpolation::Nearest, false),
        &[1.0, 2.0],
        [1, 2],
        &[1.0, 1.0, 2.0],
        [1, 3],
    );
    let down = resize(ResizeTarget::Size([1, 2]), Interpolation::Nearest, false);
    assert_output(down, &[1.0, 2.0, 3.0, 4.0, 5.0], [1, 5], &[1.0, 3.0], [1, 2]);
}

#[test]
fn max_pool_rounds_up_on_demand() {
    let row = [1.0, 5.0, 2.0, 4.0, 3.0];
    let pool_with = |ceil| MaxPool(PoolWindow { kernel: [1, 2], stride: [1, 2], pad: [0, 0], ceil });
    assert_output(pool_with(false), &row, [1, 5], &[5.0, 4.0], [1, 2]);
    assert_output(pool_with(true), &row, [1, 5], &[5.0, 4.0, 3.0], [1, 3]);
    // Padding is below every number, so that a map of negative numbers keeps its maxima.
    let padded = MaxPool(PoolWindow { kernel: [1, 2], stride: [1, 2], pad: [0, 1], ceil: false });
    assert_output(padded, &[-3.0, -2.0, -1.0, -4.0], [1, 4], &[-3.0, -1.0, -4.0], [1, 3]);
}

#[test]
fn average_pool_counts_padding_and_nothing_beyond_it() {
    let padded = AvgPool(PoolWindow { kernel: [1, 2], stride: [1, 2], pad: [0, 1], ceil: false });
    assert_output(padded, &[4.0, 2.0, 6.0, 8.0], [1, 4], &[2.0, 4.0, 4.0], [1, 3]);
    let over = AvgPool(PoolWindow { kernel: [1, 3], stride: [1, 2], pad: [0, 0], ceil: true });
    assert_output(over, &[3.0, 6.0, 9.0, 12.0], [1, 4], &[6.0, 10.5], [1, 2]);
    assert_output(AvgPoolTo { size: [1, 3] }, &[1.0, 2.0, 3.0, 4.0, 5.0], [1, 5], &[1.5, 3.0, 4.5], [1, 3]);
    assert_output(AvgPoolTo { size: [1, 1] }, &[1.0, 2.0, 3.0, 6.0], [2, 2], &[3.0], [1, 1]);
}

#[test]
fn unpool_puts_maxima_back() {
    let mut b = Build::new(1, 4, 4);
    let image = b.image;
    let pooled = b.op(MaxPoolWithIndex(window(2, 2)), &[image]);
    let out = b.op(Unpool, &[pooled, Outlet { slot: 1, ..pooled }]);
    let checked = b.done(out);
    let values = [1., 2., 5., 6., 3., 4., 8., 7., 16., 15., 9., 10., 14., 13., 12., 11.].map(|v: f32| -v);
    let mut expected = [0.0; 16];
    for at in [0, 2, 13, 10] {
        expected[at] = values[at];
    }
    assert_close(forward(&checked, map(&values, [4, 4])), &expected);
}

#[test]
fn transposed_convolution_is_the_gradient_of_convolution() {
    let checked = single_operator_model(ConvTranspose { bias: false, ..deconv(1) }, [1, 2, 2]);
    let mut network = lower(&checked, &device(), 1);
    let mut tensors = weights::tensors(&network);
    tensors[0].values = vec![1.0, 2.0, 3.0, 4.0];
    network = weights::load(network, tensors).unwrap();
    let y = network.forward(map(&[1.0, 10.0, 100.0, 0.0], [2, 2])).remove(0);
    assert_close(y, &[1., 2., 10., 20., 3., 4., 30., 40., 100., 200., 0., 0., 300., 400., 0., 0.]);
}

#[test]
fn linear_weights_are_out_by_in() {
    let mut b = Build::new(3, 1, 1);
    let x = b.image;
    let x = b.op(Flatten, &[x]);
    let out = b.op(Linear { out: 2, bias: true }, &[x]);
    let mut network = lower(&b.done(out), &device(), 1);
    let mut tensors = weights::tensors(&network);
    tensors[0].values = vec![1.0, 2.0, 3.0, 0.0, 0.0, 1.0];
    tensors[1].values = vec![0.5, 0.0];
    network = weights::load(network, tensors).unwrap();
    let x = Tensor::<1>::from_floats([1.0, 10.0, 100.0], &device()).reshape([1, 3, 1, 1]);
    assert_close(network.forward(x).remove(0), &[321.5, 100.0]);
}

#[test]
fn batch_norm_keeps_the_unbiased_variance() {
    let network = lower(&single_operator_model(bn(), [1, 1, 2]), &device(), 1).train();
    let x = map(&[1.0, 3.0], [1, 2]);
    let scale = 1.0 / (1.0f32 + 1e-5).sqrt();
    assert_close(network.forward(x.clone()).remove(0).without_autodiff(), &[-scale, scale]);
    let stats = weights::tensors(&network);
    // The mean is 2, the biased variance 1, the unbiased one 2; a tenth of each is added.
    assert!((stats[2].values[0] - 0.2).abs() < 1e-6 && (stats[3].values[0] - 1.1).abs() < 1e-6, "{stats:?}");
    let scale = 1.0 / (1.1f32 + 1e-5).sqrt();
    assert_close(network.valid().forward(x).remove(0), &[0.8 * scale, 2.8 * scale]);
}

#[test]
fn activations_are_their_definitions() {
    let x = [-4.0f32, -1.0, 0.0, 0.5, 7.0];
    let sigmoid = |v: f32| 1.0 / (1.0 + (-v).exp());
    let elu = |v: f32| if v > 0.0 { v } else { 1.5 * (v.exp() - 1.0) };
    let gelu = [-0.000_126_7, -0.158_655, 0.0, 0.345_731, 7.0];
    let check = |f, expected: [f32; 5]| assert_output(act(f), &x, [1, 5], &expected, [1, 5]);
    check(ActivationFunction::Relu, x.map(|v| v.max(0.0)));
    check(ActivationFunction::Relu6, x.map(|v| v.clamp(0.0, 6.0)));
    check(ActivationFunction::LeakyRelu { slope: 0.1 }, x.map(|v| if v > 0.0 { v } else { 0.1 * v }));
    check(ActivationFunction::Elu { alpha: 1.5 }, x.map(elu));
    check(ActivationFunction::Gelu, gelu);
    check(ActivationFunction::Silu, x.map(|v| v * sigmoid(v)));
    check(ActivationFunction::HardSwish, x.map(|v| v * (v + 3.0).clamp(0.0, 6.0) / 6.0));
    check(ActivationFunction::Sigmoid, x.map(sigmoid));
    check(ActivationFunction::Tanh, x.map(f32::tanh));
    check(ActivationFunction::Softmax, [1.0; 5]);
}

/// exp(x) is infinite above 88; its gradient must not turn into NaN where it is not used.
#[test]
fn activations_of_large_numbers_keep_their_gradient() {
    for f in FUNCTIONS {
        let x = map(&[300.0, -300.0], [1, 2]).autodiff().require_grad();
        let network = lower(&single_operator_model(act(f), [1, 1, 2]), &device().autodiff(), 1);
        let RecordedPass { mut results, back } = network.record(x, 0);
        let gradients = AccumulatedGradients::of(&network, back, results.remove(0).sum().backward());
        let grad = gradients.image().unwrap();
        assert!(grad.iter().all(|v| v.is_finite()), "{f:?}: {grad:?}");
    }
}

#[test]
fn elementwise_operators_broadcast_channels_and_maps() {
    let mut b = Build::new(2, 2, 2);
    let x = b.image;
    let per_channel = b.op(AvgPoolTo { size: [1, 1] }, &[x]);
    let sub = b.op(Combine { function: ElementwiseFunction::Sub }, &[x, per_channel]);
    let x = Tensor::<1>::from_floats([1., 2., 3., 6., 0., 4., 4., 0.], &device()).reshape([1, 2, 2, 2]);
    assert_close(forward(&b.done(sub), x), &[-2., -1., 0., 3., -2., 2., 2., -2.]);
}

#[test]
fn dropout_drops_in_training_only() {
    let checked = single_operator_model(Dropout { p: 0.25 }, [1, 50, 40]);
    let ones = Tensor::<4>::ones([1, 1, 50, 40], &device());
    assert_close(forward(&checked, ones.clone()), &[1.0; 2000]);
    let y = lower(&checked, &device().autodiff(), 1).forward(ones).remove(0);
    let values: Vec<f32> = y.without_autodiff().into_data().try_into_vec().unwrap();
    let kept = values.iter().filter(|v| (**v - 4.0 / 3.0).abs() < 1e-6).count();
    assert_eq!(kept + values.iter().filter(|v| **v == 0.0).count(), 2000);
    assert!((1400..1600).contains(&kept), "{kept}");
}

#[test]
fn resize_follows_the_size_of_its_second_input() {
    let mut b = Build::new(1, 8, 8);
    let x = b.image;
    let small = b.op(AvgPool(window(2, 2)), &[x]);
    let out = b.op(like(Interpolation::Bilinear), &[small, x]);
    let checked = b.done(out);
    for size in [[8, 8], [10, 6]] {
        assert_eq!(forward(&checked, image([1, 1, size[0], size[1]])).dims(), [1, 1, size[0], size[1]]);
    }
}

#[test]
fn cross_entropy_is_the_mean_over_pixels() {
    let logits = Tensor::<1>::from_floats([1.0, 0.0, 2.0, 1000.0], &device()).reshape([1, 2, 1, 2]);
    let targets = Tensor::<3, Int>::from_data([[[1, 0]]], &device());
    // Pixel 0: logits (1, 2), class 1: ln(1 + e^-1). Pixel 1: logits (0, 1000), class 0: 1000.
    let expected = ((1.0 + (-1f32).exp()).ln() + 1000.0) / 2.0;
    let logits = logits.autodiff().require_grad();
    let loss = cross_entropy(logits.clone(), targets);
    let gradient = logits.grad(&loss.backward()).unwrap();
    assert_close(loss.without_autodiff(), &[expected]);
    // (softmax - one hot) / pixels
    let p = 1.0 / (1.0 + (1f32).exp());
    assert_close(gradient, &[p / 2.0, -0.5, -p / 2.0, 0.5]);
}

/// An image without a gradient is stored in another layout than the maps, and the weights of what reads it have the gradients
/// that they have with it.
#[test]
fn gradients_do_not_depend_on_the_layout_of_the_image() {
    for op in operators() {
        if matches!(op, Op::Flatten(_) | Op::Reshape(_) | Op::Dropout(_)) {
            continue;
        }
        let mut b = Build::new(4, 9, 10);
        let image_ = b.image;
        let first = b.op(op.clone(), &[image_]);
        let last = b.at("last", conv(3, 1), &[first]);
        let checked = b.done(last);
        let gradients = |tracked: bool| {
            let network = lower(&checked, &device(), 1).train();
            let x = image([2, 4, 9, 10]);
            let RecordedPass { mut results, back } =
                network.record(if tracked { x.autodiff().require_grad() } else { x }, 0);
            let y = results.remove(0);
            let weights = image(y.dims());
            let gradients = y.clone().mul(y).mul(weights).sum().backward();
            AccumulatedGradients::of(&network, back, gradients).tensors(&network)
        };
        let (plain, tracked) = (gradients(false), gradients(true));
        assert_eq!(plain.len(), tracked.len(), "{op:?}");
        for (a, b) in plain.iter().zip(&tracked) {
            let largest = b.values.iter().fold(1.0f32, |m, v| m.max(v.abs()));
            let differs = a.values.iter().zip(&b.values).any(|(x, y)| (x - y).abs() > 1e-4 * largest);
            assert!(a.name == b.name && !differs, "{op:?}: {}", a.name);
        }
    }
}
