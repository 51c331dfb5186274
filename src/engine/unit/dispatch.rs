//! From an operator to its unit: the one place that names them all.
use super::{Needs, Seed};
use crate::engine::layout::{View, ViewMut};
use crate::engine::weights::LayerWeights;
use crate::op::Op;

pub fn forward(
    _op: &Op,
    _layer: Option<&LayerWeights>,
    _inputs: &[View],
    _outputs: &mut [ViewMut],
    _seed: Option<Seed>,
) {
}
pub fn needs(_op: &Op) -> Needs {
    Needs { inputs: false, output: false }
}
pub fn differentiable(_op: &Op, _slot: usize) -> bool {
    true
}
pub fn backward(
    _op: &Op,
    _layer: Option<&LayerWeights>,
    _inputs: &[View],
    _outputs: &[View],
    _g: View,
    _slot: usize,
    _into: &mut ViewMut,
    _add: bool,
    _seed: Option<Seed>,
) {
}
pub fn weight_gradients(_op: &Op, _layer: &LayerWeights, _inputs: &[View], _g: View) -> Vec<(&'static str, Vec<f32>)> {
    Vec::new()
}
