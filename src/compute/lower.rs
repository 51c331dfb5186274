//! From graph to network: [`lower`] makes the plan and the layers with their initial weights.
//!
//! Lowering cannot fail: the `CheckedGraph` argument proves that the graph is valid. The initial weights are drawn here
//! and not by Burn, so that they have the same bits on every device and do not depend on the order of layers: each
//! tensor has its own random stream, seeded with the seed and the tensor's dotted name.

use super::network::{ChannelAffine, Layer, NamedLayer, Network, linear_weight};
use crate::base::hash::{fnv1a, splitmix64};
use crate::graph::check::CheckedGraph;
use crate::graph::op::{Init, Op, ParamSpec};
use crate::graph::plan::{LayerSpec, plan};
use burn::module::{Module, Param, RunningState};
use burn::nn::conv::{Conv2d, ConvTranspose2d};
use burn::nn::{BatchNorm, Linear, PaddingConfig2d};
use burn::tensor::{Device, Tensor, TensorData};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};

/// Makes a network on `device`, which trains if the device has autodiff and evaluates otherwise.
pub fn lower(checked: &CheckedGraph, device: &Device, seed: u64) -> Network {
    let plan = plan(checked);
    let plain = device.clone().without_autodiff();
    let layers: Vec<_> = plan
        .layers
        .iter()
        .filter_map(|spec| build(spec, &plain, seed).map(|layer| NamedLayer { path: spec.path.clone(), layer }))
        .collect();
    debug_assert_eq!(layers.len(), plan.layers.len(), "an operator with parameters has no layer");
    let network = Network::new(layers, plan, plain);
    if device.is_autodiff() { network.train() } else { network }
}

/// Draws the tensors of one layer by name.
struct LayerInit<'a> {
    spec: &'a LayerSpec,
    device: &'a Device,
    seed: u64,
}

impl LayerInit<'_> {
    fn spec(&self, name: &str) -> Option<&ParamSpec> {
        self.spec.params.iter().find(|p| p.name == name)
    }

    fn values(&self, name: &str) -> (Vec<f32>, &[usize]) {
        let param = self.spec(name).expect("Operator::params names this tensor for every configuration");
        (initial(param, &format!("{}.{name}", self.spec.path), self.seed), &param.shape)
    }

    fn data(&self, name: &str) -> TensorData {
        let (values, shape) = self.values(name);
        TensorData::new(values, shape.to_vec())
    }

    fn weight(&self) -> Param<Tensor<4>> {
        Param::from_data(self.data("weight"), self.device)
    }

    fn vector(&self, name: &str) -> Param<Tensor<1>> {
        Param::from_data(self.data(name), self.device)
    }

    fn bias(&self) -> Option<Param<Tensor<1>>> {
        self.spec("bias").map(|_| self.vector("bias"))
    }

    fn state(&self, name: &str) -> RunningState<Tensor<1>> {
        RunningState::new(Tensor::from_data(self.data(name), self.device))
    }
}

fn build(spec: &LayerSpec, device: &Device, seed: u64) -> Option<Layer> {
    let init = LayerInit { spec, device, seed };
    match &spec.op {
        Op::Conv(op) => {
            let [h, w] = op.pad.amount(op.kernel, op.dilation);
            Some(Layer::Conv(Conv2d {
                weight: init.weight(),
                bias: init.bias(),
                stride: op.stride,
                kernel_size: op.kernel,
                dilation: op.dilation,
                groups: op.groups,
                padding: PaddingConfig2d::Explicit(h, w, h, w),
            }))
        }
        Op::ConvTranspose(op) => Some(Layer::ConvTranspose(ConvTranspose2d {
            weight: init.weight(),
            bias: init.bias(),
            stride: op.stride,
            kernel_size: op.kernel,
            dilation: op.dilation,
            groups: op.groups,
            padding: op.pad,
            padding_out: op.out_pad,
            channels: [spec.channels, op.out],
        })),
        Op::Linear(_) => {
            let (values, shape) = init.values("weight");
            let weight = Param::from_tensor(linear_weight(&values, shape, device));
            Some(Layer::Linear(Linear { weight, bias: init.bias() }))
        }
        Op::BatchNorm(op) => Some(Layer::BatchNorm(BatchNorm {
            gamma: init.vector("weight"),
            beta: init.vector("bias"),
            training: Param::from_bool(true),
            running_mean: init.state("running_mean"),
            running_var: init.state("running_var"),
            momentum: op.momentum,
            epsilon: op.epsilon,
        })),
        Op::GroupNorm(_) | Op::InstanceNorm(_) | Op::LayerNorm(_) | Op::PRelu(_) => {
            Some(Layer::Affine(ChannelAffine { weight: init.vector("weight"), bias: init.bias() }))
        }
        Op::Input(_)
        | Op::Activation(_)
        | Op::MaxPool(_)
        | Op::MaxPoolWithIndex(_)
        | Op::Unpool(_)
        | Op::AvgPool(_)
        | Op::AvgPoolTo(_)
        | Op::MaxPoolTo(_)
        | Op::Resize(_)
        | Op::Padding(_)
        | Op::Crop(_)
        | Op::Slice(_)
        | Op::ChannelPad(_)
        | Op::ChannelReduce(_)
        | Op::ChannelShuffle(_)
        | Op::PixelShuffle(_)
        | Op::Concat(_)
        | Op::Combine(_)
        | Op::Flatten(_)
        | Op::Unflatten(_)
        | Op::Reshape(_)
        | Op::Dropout(_) => None,
    }
}

/// Returns the initial values of the tensor called `name`, in the order of its shape.
///
/// The stream is ChaCha with 8 rounds. Its 256-bit key consists of four outputs of splitmix64 (Steele, Lea, Flood 2014)
/// from the state `fnv1a(name) ^ splitmix(seed)`. A number is the top 24 bits of one 32-bit output, so that it is exact
/// in `f32` before it is scaled to the bound.
pub(crate) fn initial(param: &ParamSpec, name: &str, seed: u64) -> Vec<f32> {
    let n = param.shape.iter().product();
    match param.init {
        Init::Constant(value) => vec![value as f32; n],
        Init::Uniform { bound } => {
            let mut state = seed;
            state = fnv1a(name) ^ splitmix64(&mut state);
            let mut key = [0; 32];
            for part in key.chunks_exact_mut(8) {
                part.copy_from_slice(&splitmix64(&mut state).to_le_bytes());
            }
            let mut stream = ChaCha8Rng::from_seed(key);
            let scale = 2.0 / f64::from(1 << 24);
            (0..n).map(|_| ((f64::from(stream.next_u32() >> 8) * scale - 1.0) * bound) as f32).collect()
        }
    }
}
