//! What every operator that is a node as it is answers for itself.

use super::{BackwardNeeds, Seed};
use crate::compute::engine::memory_layout::{MapView, MapViewMut, WriteMode};
use crate::compute::engine::weights::LayerWeights;

/// What a program must know of a unit to place it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KernelProperties {
    pub needs: BackwardNeeds,
    pub placement: ChannelPlacement,
    /// It goes once over its numbers: the way back computes a large output again, so that it is not kept.
    pub cheap: bool,
}

/// Where an output's channels lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChannelPlacement {
    /// Each is one channel of the first input and stays in its place.
    AsInput,
    /// The same of the inputs with as many channels as the output, which lie alike.
    AsWidest,
    /// Those of all inputs one after the other.
    Joined,
    /// In blocks without gaps.
    Dense,
}

/// What a forward pass through a unit starts from.
#[derive(Clone, Copy)]
pub struct ForwardArgs<'a> {
    pub inputs: &'a [MapView<'a>],
    /// The operator's weights, if it has any.
    pub layer: Option<&'a LayerWeights>,
    pub seed: Option<Seed>,
}

/// What a backward pass through a unit starts from.
#[derive(Clone, Copy)]
pub struct BackwardArgs<'a> {
    /// Without numbers where `KernelProperties::needs` says so.
    pub inputs: &'a [MapView<'a>],
    pub output: MapView<'a>,
    pub gradient: MapView<'a>,
    pub layer: Option<&'a LayerWeights>,
    pub seed: Option<Seed>,
}

/// No method has a default, so that a unit cannot forget one.
pub trait OperatorKernel {
    fn properties(&self) -> KernelProperties;
    /// Writes the output, and `others` where the operator has several.
    fn forward(&self, given: ForwardArgs, output: &mut MapViewMut, others: &mut [MapViewMut]);
    /// Writes or adds to the gradient of input `slot`.
    fn backward(&self, from: BackwardArgs, slot: usize, into: &mut MapViewMut, write: WriteMode);
    /// Gradients of the operator's own weights.
    fn weight_gradients(&self, inputs: &[MapView], gradient: MapView) -> Vec<(&'static str, Vec<f32>)>;
}
