//! Activations, softmax and PReLU: values, gradients, and the handling of NaN.

use super::{KernelCase, Tensor, assert_close, layouts, stale_map};
use npc::graph::op::{Activation, ActivationFunction, PRelu};
use npc::internals::compute::engine::LayerWeights;
use npc::internals::compute::engine::operators::{ForwardArgs, OperatorKernel};

fn erf(x: f64) -> f64 {
    // The series converges for all x; 60 terms are enough for |x| < 3.
    let mut term = x;
    let mut sum = x;
    for n in 1..60 {
        term *= -x * x / f64::from(n);
        sum += term / f64::from(2 * n + 1);
    }
    sum * std::f64::consts::FRAC_2_SQRT_PI
}

fn softmax(x: &Tensor) -> Tensor {
    let [_, c, _, _] = x.dims;
    Tensor::from_fn(x.dims, |[n, k, i, j]| {
        let sum: f64 = (0..c).map(|c| x.at([n, c, i, j]).exp()).sum();
        x.at([n, k, i, j]).exp() / sum
    })
}

fn reference(function: ActivationFunction, x: &Tensor) -> Tensor {
    let hard = |x: f64| (x + 3.0).clamp(0.0, 6.0) / 6.0;
    let f = |x: f64| match function {
        ActivationFunction::Relu => x.max(0.0),
        ActivationFunction::Relu6 => x.clamp(0.0, 6.0),
        ActivationFunction::LeakyRelu { slope } => {
            if x > 0.0 {
                x
            } else {
                slope * x
            }
        }
        ActivationFunction::Elu { alpha } => {
            if x > 0.0 {
                x
            } else {
                alpha * (x.exp() - 1.0)
            }
        }
        ActivationFunction::Gelu => x * 0.5 * (1.0 + erf(x / 2f64.sqrt())),
        ActivationFunction::Silu => x / (1.0 + (-x).exp()),
        ActivationFunction::HardSwish => x * hard(x),
        ActivationFunction::HardSigmoid => hard(x),
        ActivationFunction::Sigmoid => 1.0 / (1.0 + (-x).exp()),
        ActivationFunction::Tanh => x.tanh(),
        ActivationFunction::Softmax => x,
    };
    match function {
        ActivationFunction::Softmax => softmax(x),
        _ => Tensor::from_fn(x.dims, |at| f(x.at(at))),
    }
}

#[test]
fn activations_agree_with_their_definitions() {
    let functions = [
        ActivationFunction::Relu,
        ActivationFunction::Relu6,
        ActivationFunction::LeakyRelu { slope: 0.1 },
        ActivationFunction::LeakyRelu { slope: -0.5 },
        ActivationFunction::Elu { alpha: 1.0 },
        ActivationFunction::Elu { alpha: -0.7 },
        ActivationFunction::Gelu,
        ActivationFunction::Silu,
        ActivationFunction::HardSwish,
        ActivationFunction::HardSigmoid,
        ActivationFunction::Sigmoid,
        ActivationFunction::Tanh,
        ActivationFunction::Softmax,
    ];
    for (seed, function) in (0..).zip(functions) {
        let op = Activation { function };
        let case = KernelCase {
            name: format!("{function:?}"),
            op: &op,
            layer: None,
            reference: &|x| reference(function, &x[0]),
            slots: 1,
        };
        case.check_all(&[Tensor::noise(seed, [2, 21, 3, 2]).scaled(4.0, 1.0)]);
        case.check_all(&[Tensor::noise(seed, [1, 3, 1, 5]).scaled(4.0, 1.0)]);
    }
}

#[test]
fn relu_keeps_a_nan() {
    let op = Activation { function: ActivationFunction::Relu };
    let x = Tensor { dims: [1, 1, 1, 2], values: vec![f64::NAN, -1.0] };
    let layout = layouts(x.dims).remove(1);
    let mut y = stale_map(&layout);
    let map = x.map(&layout);
    op.forward(ForwardArgs { inputs: &[map.view()], layer: None, seed: None }, &mut y.view_mut(), &mut []);
    let y = y.to_nchw();
    assert!(y[0].is_nan() && y[1] == 0.0, "{y:?}");
}

#[test]
fn prelu_and_the_gradient_of_its_slopes_agree() {
    for per_channel in [false, true] {
        let op = PRelu { per_channel };
        let x = Tensor::noise(5, [3, 21, 2, 3]);
        let c = if per_channel { 21 } else { 1 };
        let slopes = Tensor::noise(6, [1, c, 1, 1]);
        let weight = slopes.values.iter().map(|&v| v as f32).collect();
        let layer = LayerWeights { weight, bias: None, running: None };
        let reference = |x: &Tensor, slopes: &Tensor| {
            Tensor::from_fn(x.dims, |at| match x.at(at) {
                v if v > 0.0 => v,
                v => v * slopes.values[at[1] % slopes.values.len()],
            })
        };
        let case = KernelCase {
            name: "prelu".into(),
            op: &op,
            layer: Some(&layer),
            reference: &|x| reference(&x[0], &slopes),
            slots: 1,
        };
        case.check_all(std::slice::from_ref(&x));
        let grad = Tensor::noise(8, x.dims);
        let expected = super::numerical_gradient(&|x| reference(&x[0], &x[1]), &[x.clone(), slopes.clone()], &grad, 1);
        for layout in layouts(x.dims) {
            let found = op.weight_gradients(&[x.map(&layout).view()], grad.map(&layout).view());
            let [("weight", found)] = &found[..] else { panic!("{found:?}") };
            let found = Tensor { dims: expected.dims, values: found.iter().map(|&v| f64::from(v)).collect() };
            let planar = npc::internals::compute::engine::memory_layout::MapLayout::planar(found.dims);
            assert_close(&found.map(&planar), &expected, 1e-5, "slopes");
        }
    }
}
