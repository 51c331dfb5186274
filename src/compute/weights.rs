//! Weights as plain numbers: read from a network, stored in a network, and safetensors files.
//!
//! Names and layouts are PyTorch's (`linear.weight` is `[out, in]`), so that PyTorch loads a file of npc with
//! `load_state_dict`, and npc a file of PyTorch. This module does not depend on training.
//!
//! Invariants: tensors are in declaration order, weight before bias before running statistics; a network is loaded
//! completely or not at all; a file is replaced completely or not at all.

mod file;
mod numbers;

use crate::base::count::counted;
use crate::base::number::thousands;
pub(crate) use file::read_safetensors_in_order;
pub use file::{read_safetensors, write_safetensors};
pub(crate) use numbers::{check_numbers, is_counter};

use super::network::{Layer, NamedLayer, Network, linear_weight};
use crate::base::error::{Result, RunError};
use crate::base::hash::fnv1a;
use crate::base::problem::problem;
use crate::base::shorten::{shape_text, short_name};
use burn::module::{Module, Param, ParamId, RunningState};
use burn::tensor::{Device, Tensor, TensorData};
use rayon::prelude::*;
use std::collections::{BTreeMap, HashMap, HashSet};

/// A tensor of 32-bit floats on the host.
#[derive(Debug, Clone, PartialEq)]
pub struct NamedTensor {
    /// Dotted name: path of the layer, then `weight`, `bias`, `running_mean` or `running_var`.
    pub name: String,
    pub shape: Vec<usize>,
    /// Numbers in row-major order.
    pub values: Vec<f32>,
}

impl NamedTensor {
    pub fn new<const D: usize>(name: String, tensor: Tensor<D>) -> Self {
        let shape = tensor.dims().to_vec();
        let data = tensor.without_autodiff().into_data().convert::<f32>();
        let values = data.try_into_vec().expect("converted to f32 just before");
        Self { name, shape, values }
    }

    pub fn data(self) -> TensorData {
        TensorData::new(self.values, self.shape)
    }
}

/// Returns every tensor of the network, parameters and running statistics.
pub fn tensors(network: &Network) -> Vec<NamedTensor> {
    let mut all = Vec::new();
    for NamedLayer { path, layer } in network.layers() {
        let name = |last: &str| format!("{path}.{last}");
        let bias = match layer {
            Layer::Conv(conv) => {
                all.push(NamedTensor::new(name("weight"), conv.weight.val()));
                conv.bias.as_ref()
            }
            Layer::ConvTranspose(conv) => {
                all.push(NamedTensor::new(name("weight"), conv.weight.val()));
                conv.bias.as_ref()
            }
            Layer::Linear(linear) => {
                all.push(NamedTensor::new(name("weight"), linear.weight.val().transpose()));
                linear.bias.as_ref()
            }
            Layer::Affine(affine) => {
                all.push(NamedTensor::new(name("weight"), affine.weight.val()));
                affine.bias.as_ref()
            }
            Layer::BatchNorm(norm) => {
                all.push(NamedTensor::new(name("weight"), norm.gamma.val()));
                all.push(NamedTensor::new(name("bias"), norm.beta.val()));
                all.push(NamedTensor::new(name("running_mean"), norm.running_mean.valid().value()));
                all.push(NamedTensor::new(name("running_var"), norm.running_var.valid().value()));
                None
            }
        };
        if let Some(bias) = bias {
            all.push(NamedTensor::new(name("bias"), bias.val()));
        }
    }
    all
}

/// Returns the names and shapes of [`tensors`] without reading numbers from the device.
pub fn layout(network: &Network) -> Vec<(String, Vec<usize>)> {
    let layers = network.plan().layers.iter();
    layers.flat_map(|l| l.params.iter().map(|p| (format!("{}.{}", l.path, p.name), p.shape.clone()))).collect()
}

/// Returns a short fingerprint of a model's tensors, which depends on their names and shapes in order.
pub(crate) fn fingerprint(network: &Network) -> String {
    let text: String = layout(network).into_iter().map(|(name, shape)| format!("{name}{shape:?}\n")).collect();
    format!("{:016x}", fnv1a(&text))
}

/// Stores `tensors`, in any order, in the network. Returns an error unless they are exactly the network's and hold finite
/// numbers.
pub fn load(network: Network, tensors: Vec<NamedTensor>) -> Result<Network> {
    check_tensors(&layout(&network), &tensors)?;
    tensors.par_iter().try_for_each(check_numbers)?;
    let mut by_name = tensors.into_iter().map(|tensor| (tensor.name.clone(), tensor)).collect();
    Ok(fill(network, &mut by_name))
}

/// Stores tensors of these names in the network and leaves the others as they are. The numbers are not checked.
pub(crate) fn store(network: Network, changed: Vec<NamedTensor>) -> Network {
    let mut by_name: HashMap<String, NamedTensor> =
        tensors(&network).into_iter().chain(changed).map(|tensor| (tensor.name.clone(), tensor)).collect();
    fill(network, &mut by_name)
}

fn fill(network: Network, by_name: &mut HashMap<String, NamedTensor>) -> Network {
    let device = network.device().clone();
    network.map_layers(|NamedLayer { path, layer }| {
        let mut take = |last: &str| {
            by_name.remove(&format!("{path}.{last}")).expect("check_tensors: the set is exactly the network's")
        };
        let layer = match layer {
            Layer::Conv(mut conv) => {
                conv.weight = replace(conv.weight, take("weight"), &device);
                conv.bias = conv.bias.map(|bias| replace(bias, take("bias"), &device));
                Layer::Conv(conv)
            }
            Layer::ConvTranspose(mut conv) => {
                conv.weight = replace(conv.weight, take("weight"), &device);
                conv.bias = conv.bias.map(|bias| replace(bias, take("bias"), &device));
                Layer::ConvTranspose(conv)
            }
            Layer::Linear(mut linear) => {
                let NamedTensor { values, shape, .. } = take("weight");
                let weight = linear_weight(&values, &shape, &device);
                linear.weight = linear.weight.map(|old| weight.set_require_grad(old.is_require_grad()));
                linear.bias = linear.bias.map(|bias| replace(bias, take("bias"), &device));
                Layer::Linear(linear)
            }
            Layer::Affine(mut affine) => {
                affine.weight = replace(affine.weight, take("weight"), &device);
                affine.bias = affine.bias.map(|bias| replace(bias, take("bias"), &device));
                Layer::Affine(affine)
            }
            Layer::BatchNorm(mut norm) => {
                norm.gamma = replace(norm.gamma, take("weight"), &device);
                norm.beta = replace(norm.beta, take("bias"), &device);
                norm.running_mean = state(take("running_mean"), &device);
                norm.running_var = state(take("running_var"), &device);
                Layer::BatchNorm(norm)
            }
        };
        NamedLayer { path, layer }
    })
}

fn replace<const D: usize>(param: Param<Tensor<D>>, new: NamedTensor, device: &Device) -> Param<Tensor<D>> {
    param.map(|old| Tensor::from_data(new.data(), device).set_require_grad(old.is_require_grad()))
}

fn state(new: NamedTensor, device: &Device) -> RunningState<Tensor<1>> {
    RunningState::with_id(ParamId::new(), Tensor::from_data(new.data(), &device.clone().without_autodiff()))
}

/// Maximum number of differences in a message.
const MAX_LISTED: usize = 5;

/// Returns an error if the names or shapes of tensors differ from `layout`.
fn check_tensors(layout: &[(String, Vec<usize>)], tensors: &[NamedTensor]) -> Result<()> {
    let shapes = shapes_by_name(tensors)?;
    let differences = TensorDifferences::find(layout, tensors, &shapes);
    if differences.lines.is_empty() { Ok(()) } else { Err(differences.into_error(layout.len())) }
}

/// Returns the shapes of tensors by name, and checks that they are consistent.
fn shapes_by_name(tensors: &[NamedTensor]) -> Result<BTreeMap<&str, &[usize]>> {
    let mut shapes: BTreeMap<&str, &[usize]> = BTreeMap::new();
    for NamedTensor { name, shape, values } in tensors {
        let (expected, found) = (shape.iter().product::<usize>(), values.len());
        if expected != found {
            return Err(problem!(
                E0703,
                "tensor `{}` has {}, but its shape {} requires {expected}",
                short_name(name),
                counted(found, "number"),
                shape_text(shape)
            ));
        }
        if shapes.insert(name, shape).is_some() {
            return Err(problem!(E0703, "tensor `{}` appears twice", short_name(name)));
        }
    }
    Ok(shapes)
}

/// The differences of a set of tensors from a network.
#[derive(Default)]
struct TensorDifferences {
    missing: usize,
    misshaped: usize,
    unknown: usize,
    /// One line for each difference.
    lines: Vec<String>,
}

impl TensorDifferences {
    fn find(layout: &[(String, Vec<usize>)], tensors: &[NamedTensor], shapes: &BTreeMap<&str, &[usize]>) -> Self {
        let mut differences = Self::default();
        for (name, shape) in layout {
            match shapes.get(name.as_str()) {
                None => {
                    differences.missing += 1;
                    differences.lines.push(format!("`{name}` {shape:?} is missing"));
                }
                Some(found) if found != shape => {
                    differences.misshaped += 1;
                    differences
                        .lines
                        .push(format!("`{name}` has shape {}, the model needs {shape:?}", shape_text(found)));
                }
                Some(_) => {}
            }
        }
        let known: HashSet<&str> = layout.iter().map(|(name, _)| name.as_str()).collect();
        for NamedTensor { name, shape, .. } in tensors.iter().filter(|tensor| !known.contains(tensor.name.as_str())) {
            differences.unknown += 1;
            differences.lines.push(format!("`{}` {} is not in the model", short_name(name), shape_text(shape)));
        }
        differences
    }

    fn into_error(self, tensors: usize) -> RunError {
        let Self { missing, misshaped, unknown, lines } = self;
        let error = problem!(
            E0720,
            "the weights do not fit the model: {missing} of its {} missing, {misshaped} of another \
             shape, {unknown} unknown",
            counted(tensors, "tensor")
        );
        let more = lines.len().saturating_sub(MAX_LISTED);
        let error = lines.into_iter().take(MAX_LISTED).fold(error, RunError::help);
        if more > 0 { error.help(format!("and {} more", thousands(more))) } else { error }
    }
}
