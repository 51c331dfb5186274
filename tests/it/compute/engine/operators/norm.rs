//! Norms over groups, over single maps and over channels.

use super::{KernelCase, Tensor, assert_close, layouts, numerical_gradient};
use npc::internals::compute::engine::LayerWeights;
use npc::internals::compute::engine::memory_layout::MapLayout;
use npc::internals::compute::engine::operators::expect_kernel;

use npc::graph::op::{GroupNorm, InstanceNorm, LayerNorm, Op};

/// `inputs` are the map, factors and summands; places with the same `group` share mean and variance.
fn reference(inputs: &[Tensor], epsilon: f64, group: impl Fn([usize; 4]) -> usize) -> Tensor {
    let x = &inputs[0];
    let mut groups = vec![Vec::new(); x.values.len()];
    Tensor::from_fn(x.dims, |at| {
        groups[group(at)].push(x.at(at));
        0.0
    });
    let of_group = |all: &Vec<f64>| {
        let mean = all.iter().sum::<f64>() / all.len() as f64;
        (mean, all.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / all.len() as f64)
    };
    let known: Vec<(f64, f64)> = groups.iter().map(of_group).collect();
    Tensor::from_fn(x.dims, |at| {
        let (mean, variance) = known[group(at)];
        (x.at(at) - mean) / (variance + epsilon).sqrt() * inputs[1].values[at[1]] + inputs[2].values[at[1]]
    })
}

fn check(op: impl Into<Op>, epsilon: f64, dims: [usize; 4], group: impl Fn([usize; 4]) -> usize) {
    let op = op.into();
    let c = dims[1];
    let x = Tensor::noise(1, dims).scaled(2.0, 5.0);
    let [factor, summand] = [2, 3].map(|seed| Tensor::noise(seed, [1, c, 1, 1]).scaled(1.0, 1.0));
    let [weight, bias] = [&factor, &summand].map(|t| t.values.iter().map(|&v| v as f32).collect::<Vec<_>>());
    let layer = LayerWeights { weight, bias: Some(bias), running: None };
    let whole = |x: &[Tensor]| reference(x, epsilon, &group);
    let plain = [Tensor::from_fn(factor.dims, |_| 1.0), Tensor::zeros(factor.dims)];
    for affine in [false, true] {
        let layer = affine.then_some(&layer);
        let [factor, summand] = if affine { [&factor, &summand] } else { [&plain[0], &plain[1]] };
        let case = KernelCase {
            name: format!("{op:?}"),
            op: expect_kernel(&op),
            layer,
            reference: &|x| whole(&[x[0].clone(), factor.clone(), summand.clone()]),
            slots: 1,
        };
        case.check_all(std::slice::from_ref(&x));
    }
    let grad = Tensor::noise(8, dims);
    let inputs = [x.clone(), factor, summand];
    let expected = [1, 2].map(|slot| numerical_gradient(&whole, &inputs, &grad, slot));
    for layout in layouts(dims) {
        let found = expect_kernel(&op).weight_gradients(&[x.map(&layout).view()], grad.map(&layout).view());
        assert_eq!(found.iter().map(|(name, _)| *name).collect::<Vec<_>>(), ["weight", "bias"]);
        for ((name, values), expected) in found.iter().zip(&expected) {
            let values = values.iter().map(|&v| f64::from(v)).collect();
            let found = Tensor { dims: expected.dims, values };
            assert_close(&found.map(&MapLayout::planar(found.dims)), expected, 2e-5, name);
        }
    }
}

#[test]
fn norms_over_groups_agree() {
    for groups in [1, 3, 7] {
        let op = GroupNorm { groups, epsilon: 1e-3, affine: true };
        check(op, 1e-3, [2, 21, 1, 3], |[n, c, _, _]| n * groups + c / (21 / groups));
    }
}

#[test]
fn norms_over_maps_agree() {
    let op = InstanceNorm { epsilon: 1e-5, affine: true };
    check(op, 1e-5, [2, 18, 3, 2], |[n, c, _, _]| n * 18 + c);
}

#[test]
fn norms_over_channels_agree() {
    let op = LayerNorm { epsilon: 1e-5, affine: true };
    check(op, 1e-5, [2, 21, 2, 3], |[n, _, i, j]| (n * 2 + i) * 3 + j);
}
