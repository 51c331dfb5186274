//! The network as a Burn module: a flat list of named layers and the plan that uses them.
//!
//! It depends on Burn's layers and the plan, not on graphs, files or training. `#[derive(Module)]` takes names from
//! struct fields, but layer names are known only at run time. Therefore [`Module`] is implemented by hand, and every
//! tensor is visited under its path in the model file with PyTorch's names: `s.1.basic.cbr.conv.weight`,
//! `...bn.running_mean`.
//!
//! Invariants:
//! - layer `i` belongs to `plan.layers[i]`, and its tensors have that spec's names and shapes;
//! - a clone shares no running statistics with its original (Burn's own clone does);
//! - the weights determine whether the network trains or evaluates: on an autodiff device, dropout is active and batch
//!   norm uses the batch; [`Module::valid`] and [`Module::train`] switch.

use super::cuda::CudaInference;
use super::engine::{Engine, InferenceWeights};
use crate::graph::plan::Plan;
use burn::module::{Devices, Module, ModuleMapper, ModuleVisitor, Param};
use burn::nn::conv::{Conv2d, ConvTranspose2d};
use burn::nn::{BatchNorm, Linear};
use burn::tensor::{Device, Tensor, TensorData};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

/// An operator that owns tensors.
#[derive(Debug)]
pub enum Layer {
    /// A convolution: weight `[out, in / groups, kh, kw]`, perhaps a bias `[out]`.
    Conv(Conv2d),
    /// A transposed convolution: weight `[in, out / groups, kh, kw]`, perhaps a bias `[out]`.
    ConvTranspose(ConvTranspose2d),
    /// A linear layer: weight `[in, out]` as Burn stores it, perhaps a bias `[out]`.
    Linear(Linear),
    /// A batch norm: scale, shift, running mean and running variance, each `[c]`.
    BatchNorm(BatchNorm),
    /// The factor and summand of another norm, or the slope of `prelu`.
    Affine(ChannelAffine),
}

/// A factor per channel or one for all, and perhaps a summand: the parameters of the other norms and of `prelu`.
#[derive(Module, Debug)]
pub struct ChannelAffine {
    /// `[c]` or `[1]`.
    pub weight: Param<Tensor<1>>,
    /// Of the same shape.
    pub bias: Option<Param<Tensor<1>>>,
}

/// A layer with the path of its node.
#[derive(Debug, Clone)]
pub struct NamedLayer {
    /// Dotted path, as in the graph.
    pub path: String,
    /// The layer's tensors.
    pub layer: Layer,
}

/// A network with weights on a device: the layers that own tensors, and the plan of the steps that use them.
#[derive(Debug, Clone)]
pub struct Network {
    pub(crate) layers: Vec<NamedLayer>,
    pub(crate) plan: Arc<Plan>,
    pub(crate) engine: Arc<Engine>,
    /// The weights for the engine's inference: set at the first forward pass, reset when layers change.
    pub(crate) inference_weights: Arc<OnceLock<InferenceWeights>>,
    /// The GPU on which npc's own kernels compute results, if one was chosen.
    pub(crate) on_gpu: Option<Arc<CudaInference>>,
    /// Tells these weights from all others of this process.
    pub(crate) weights_number: usize,
    /// The device of the weights; a network without weights runs on the device of its input.
    pub(crate) device: Device,
}

/// Applies an expression to a layer of any kind.
macro_rules! map_layer {
    ($layer:expr, $inner:ident => $body:expr) => {
        match $layer {
            Layer::Conv($inner) => Layer::Conv($body),
            Layer::ConvTranspose($inner) => Layer::ConvTranspose($body),
            Layer::Linear($inner) => Layer::Linear($body),
            Layer::BatchNorm($inner) => Layer::BatchNorm($body),
            Layer::Affine($inner) => Layer::Affine($body),
        }
    };
}

impl Clone for Layer {
    fn clone(&self) -> Self {
        match self {
            Layer::Conv(conv) => Layer::Conv(conv.clone()),
            Layer::ConvTranspose(conv) => Layer::ConvTranspose(conv.clone()),
            Layer::Linear(linear) => Layer::Linear(linear.clone()),
            Layer::Affine(affine) => Layer::Affine(affine.clone()),
            // `RunningState::clone` shares the state; `valid` copies its value.
            Layer::BatchNorm(norm) => Layer::BatchNorm(BatchNorm {
                running_mean: norm.running_mean.valid(),
                running_var: norm.running_var.valid(),
                ..norm.clone()
            }),
        }
    }
}

fn next_weights_number() -> usize {
    static NUMBERS: AtomicUsize = AtomicUsize::new(0);
    NUMBERS.fetch_add(1, Ordering::Relaxed)
}

impl Network {
    /// Layer `i` belongs to `plan.layers[i]`.
    pub(crate) fn new(layers: Vec<NamedLayer>, plan: Plan, device: Device) -> Self {
        let plan = Arc::new(plan);
        let engine = Arc::new(Engine::new(plan.clone()));
        let weights_number = next_weights_number();
        Self { layers, plan, engine, inference_weights: Arc::default(), on_gpu: None, weights_number, device }
    }

    /// The engine, which computes the network on the processor if it supports all operators.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Changes all layers.
    pub(crate) fn map_layers(mut self, f: impl FnMut(NamedLayer) -> NamedLayer) -> Self {
        self.layers = self.layers.into_iter().map(f).collect();
        self.inference_weights = Arc::default();
        self.weights_number = next_weights_number();
        self
    }

    /// The steps that compute the results, in order.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The layers that own tensors, in the order of the plan.
    pub fn layers(&self) -> &[NamedLayer] {
        &self.layers
    }

    /// The device of the weights. Its autodiff setting determines whether the network trains or evaluates.
    pub fn device(&self) -> &Device {
        &self.device
    }

    fn rebuild(self, device: Device, f: impl Fn(Layer) -> Layer) -> Self {
        let Self { layers, plan, engine, on_gpu, .. } = self;
        let layers = layers.into_iter().map(|n| NamedLayer { layer: f(n.layer), ..n }).collect();
        let weights_number = next_weights_number();
        Self { layers, plan, engine, inference_weights: Arc::default(), on_gpu, weights_number, device }
    }
}

/// Returns a linear layer's weight as Burn multiplies it, `[in, out]`, from `[out, in]` as specs and files have it.
///
/// The numbers are copied: a transposed view takes another path through a matrix product and differs in the last bit,
/// but a resumed run must not differ from an uninterrupted one.
pub(crate) fn linear_weight(values: &[f32], shape: &[usize], device: &Device) -> Tensor<2> {
    let [out, inputs] = [0, 1].map(|axis| shape.get(axis).copied().unwrap_or(1));
    let columns = (0..inputs).flat_map(|i| (0..out).map(move |o| values[o * inputs + i])).collect();
    Tensor::from_data(TensorData::new::<f32, _>(columns, [inputs, out]), device)
}

/// Burn's name of the container of a tensor or a path segment.
const CONTAINER: &str = "Struct:Network";

fn visit_field<V: ModuleVisitor>(name: &str, field: &impl Module, visitor: &mut V) {
    visitor.enter_module(name, CONTAINER);
    field.visit(visitor);
    visitor.exit_module(name, CONTAINER);
}

fn map_field<F: Module, M: ModuleMapper>(name: &str, field: F, mapper: &mut M) -> F {
    mapper.enter_module(name, CONTAINER);
    let field = field.map(mapper);
    mapper.exit_module(name, CONTAINER);
    field
}

impl Layer {
    fn visit<V: ModuleVisitor>(&self, visitor: &mut V) {
        let (bias, norm) = match self {
            Layer::Conv(conv) => {
                visit_field("weight", &conv.weight, visitor);
                (&conv.bias, None)
            }
            Layer::ConvTranspose(conv) => {
                visit_field("weight", &conv.weight, visitor);
                (&conv.bias, None)
            }
            Layer::Linear(linear) => {
                visit_field("weight", &linear.weight, visitor);
                (&linear.bias, None)
            }
            Layer::Affine(affine) => {
                visit_field("weight", &affine.weight, visitor);
                (&affine.bias, None)
            }
            Layer::BatchNorm(norm) => (&None, Some(norm)),
        };
        if let Some(bias) = bias {
            visit_field("bias", bias, visitor);
        }
        if let Some(norm) = norm {
            visit_field("weight", &norm.gamma, visitor);
            visit_field("bias", &norm.beta, visitor);
            visit_field("training", &norm.training, visitor);
            visit_field("running_mean", &norm.running_mean, visitor);
            visit_field("running_var", &norm.running_var, visitor);
        }
    }

    fn map<M: ModuleMapper>(self, mapper: &mut M) -> Self {
        match self {
            Layer::Conv(conv) => Layer::Conv(Conv2d {
                weight: map_field("weight", conv.weight, mapper),
                bias: conv.bias.map(|bias| map_field("bias", bias, mapper)),
                ..conv
            }),
            Layer::ConvTranspose(conv) => Layer::ConvTranspose(ConvTranspose2d {
                weight: map_field("weight", conv.weight, mapper),
                bias: conv.bias.map(|bias| map_field("bias", bias, mapper)),
                ..conv
            }),
            Layer::Linear(linear) => Layer::Linear(Linear {
                weight: map_field("weight", linear.weight, mapper),
                bias: linear.bias.map(|bias| map_field("bias", bias, mapper)),
            }),
            Layer::Affine(affine) => Layer::Affine(ChannelAffine {
                weight: map_field("weight", affine.weight, mapper),
                bias: affine.bias.map(|bias| map_field("bias", bias, mapper)),
            }),
            Layer::BatchNorm(norm) => Layer::BatchNorm(BatchNorm {
                gamma: map_field("weight", norm.gamma, mapper),
                beta: map_field("bias", norm.beta, mapper),
                training: map_field("training", norm.training, mapper),
                running_mean: map_field("running_mean", norm.running_mean, mapper),
                running_var: map_field("running_var", norm.running_var, mapper),
                ..norm
            }),
        }
    }
}

impl Module for Network {
    fn collect_devices(&self, devices: Devices) -> Devices {
        self.layers.iter().fold(devices, |devices, named| match &named.layer {
            Layer::Conv(conv) => conv.collect_devices(devices),
            Layer::ConvTranspose(conv) => conv.collect_devices(devices),
            Layer::Linear(linear) => linear.collect_devices(devices),
            Layer::BatchNorm(norm) => norm.collect_devices(devices),
            Layer::Affine(affine) => affine.collect_devices(devices),
        })
    }

    fn fork(self, device: &Device) -> Self {
        let target = device.clone().with_autodiff_context_from(&self.device);
        self.rebuild(target, |layer| map_layer!(layer, inner => inner.fork(device)))
    }

    fn to_device(self, device: &Device) -> Self {
        let target = device.clone().with_autodiff_context_from(&self.device);
        self.rebuild(target, |layer| map_layer!(layer, inner => inner.to_device(device)))
    }

    fn train(self) -> Self {
        let device = self.device.clone().autodiff();
        self.rebuild(device, |layer| map_layer!(layer, inner => inner.train()))
    }

    fn valid(&self) -> Self {
        let device = self.device.clone().without_autodiff();
        self.clone().rebuild(device, |layer| map_layer!(layer, inner => inner.valid()))
    }

    fn materialize(self) -> Self {
        let device = self.device.clone();
        self.rebuild(device, |layer| map_layer!(layer, inner => inner.materialize()))
    }

    fn visit<V: ModuleVisitor>(&self, visitor: &mut V) {
        for NamedLayer { path, layer } in &self.layers {
            path.split('.').for_each(|segment| visitor.enter_module(segment, CONTAINER));
            layer.visit(visitor);
            path.rsplit('.').for_each(|segment| visitor.exit_module(segment, CONTAINER));
        }
    }

    fn map<M: ModuleMapper>(self, mapper: &mut M) -> Self {
        self.map_layers(|NamedLayer { path, layer }| {
            path.split('.').for_each(|segment| mapper.enter_module(segment, CONTAINER));
            let layer = layer.map(mapper);
            path.rsplit('.').for_each(|segment| mapper.exit_module(segment, CONTAINER));
            NamedLayer { path, layer }
        })
    }
}
