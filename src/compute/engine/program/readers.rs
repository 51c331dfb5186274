//! Who reads what of a plan.

use crate::graph::plan::{Plan, Step};
use crate::graph::ty::TensorType;

/// The steps that read each value's numbers; `usize::MAX` stands for the caller, who reads results. `types` are those of all
/// values.
pub(super) fn readers(plan: &Plan, types: &[TensorType]) -> Vec<Vec<usize>> {
    let mut readers = vec![Vec::new(); plan.values];
    for (at, step) in plan.steps.iter().enumerate() {
        operands(step, types).iter().for_each(|id| readers[*id].push(at));
    }
    plan.results.iter().for_each(|(_, id)| readers[id.index()].push(usize::MAX));
    readers
}

/// The inputs whose numbers are read: not those that only give a size.
pub(super) fn operands(step: &Step, types: &[TensorType]) -> Vec<usize> {
    let inputs: Vec<TensorType> = step.inputs.iter().map(|id| types[id.index()].clone()).collect();
    let outputs: Vec<TensorType> = step.outputs.iter().map(|(id, _)| types[id.index()].clone()).collect();
    let slots = step.op.read_slots(&inputs, &outputs);
    slots.into_iter().map(|slot| step.inputs[slot].index()).collect()
}
