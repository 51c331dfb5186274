//! The interface of operators that are nodes by themselves.

use super::{BackwardNeeds, Seed};
use crate::compute::engine::memory_layout::{MapView, MapViewMut, WriteMode};
use crate::compute::engine::weights::LayerWeights;

/// The properties of a kernel that a program needs to place its node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KernelProperties {
    pub needs: BackwardNeeds,
    pub placement: ChannelPlacement,
    /// Whether the kernel is one pass over its numbers: a large output is recomputed in the backward pass instead of
    /// saved.
    pub cheap: bool,
}

/// The position of an output's channels in its blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChannelPlacement {
    /// Each output channel is one channel of the first input and keeps its position.
    AsInput,
    /// As `AsInput`, for the inputs with as many channels as the output, whose channels have equal positions.
    AsWidest,
    /// The channels of all inputs, one input after the other.
    Joined,
    /// Blocks without gaps.
    Dense,
}

/// The arguments of a forward pass.
#[derive(Clone, Copy)]
pub struct ForwardArgs<'a> {
    pub inputs: &'a [MapView<'a>],
    /// The operator's weights, if it has any.
    pub layer: Option<&'a LayerWeights>,
    pub seed: Option<Seed>,
}

/// The arguments of a backward pass.
#[derive(Clone, Copy)]
pub struct BackwardArgs<'a> {
    /// Views without numbers, except those that `KernelProperties::needs` names.
    pub inputs: &'a [MapView<'a>],
    pub output: MapView<'a>,
    pub gradient: MapView<'a>,
    pub layer: Option<&'a LayerWeights>,
    pub seed: Option<Seed>,
}

/// The computation of an operator. No method has a default, so that an operator cannot forget one.
pub trait OperatorKernel {
    fn properties(&self) -> KernelProperties;
    /// Writes the output, and `others` if the operator has several outputs.
    fn forward(&self, args: ForwardArgs, output: &mut MapViewMut, others: &mut [MapViewMut]);
    /// Writes the gradient of input `slot`, or adds to it.
    fn backward(&self, args: BackwardArgs, slot: usize, into: &mut MapViewMut, write: WriteMode);
    /// Returns the gradients of the operator's own weights, by name.
    fn weight_gradients(&self, inputs: &[MapView], gradient: MapView) -> Vec<(&'static str, Vec<f32>)>;
}
