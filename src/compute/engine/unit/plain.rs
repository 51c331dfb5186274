//! What every operator that is a node as it is answers for itself.

use super::{Needs, Seed};
use crate::compute::engine::memory_layout::{View, ViewMut};
use crate::compute::engine::weights::LayerWeights;

/// What a program must know of a unit to place it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Form {
    pub needs: Needs,
    pub placement: Placement,
    /// It goes once over its numbers: the way back computes a large output again, so that it is not kept.
    pub cheap: bool,
}

/// Where an output's channels lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Placement {
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
pub struct Given<'a> {
    pub inputs: &'a [View<'a>],
    /// The operator's weights, if it has any.
    pub layer: Option<&'a LayerWeights>,
    pub seed: Option<Seed>,
}

/// What a backward pass through a unit starts from.
#[derive(Clone, Copy)]
pub struct From<'a> {
    /// Without numbers where `Form::needs` says so.
    pub inputs: &'a [View<'a>],
    pub output: View<'a>,
    pub gradient: View<'a>,
    pub layer: Option<&'a LayerWeights>,
    pub seed: Option<Seed>,
}

/// No method has a default, so that a unit cannot forget one.
pub trait PlainUnit {
    fn form(&self) -> Form;
    /// Writes the output, and `others` where the operator has several.
    fn forward(&self, given: Given, output: &mut ViewMut, others: &mut [ViewMut]);
    /// Writes or adds to the gradient of input `slot`.
    fn backward(&self, from: From, slot: usize, into: &mut ViewMut, add: bool);
    /// Gradients of the operator's own weights.
    fn weight_gradients(&self, inputs: &[View], gradient: View) -> Vec<(&'static str, Vec<f32>)>;
}
