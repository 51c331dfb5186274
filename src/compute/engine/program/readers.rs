//! Which steps of a plan read which values.

use crate::graph::plan::{Plan, Step};
use crate::graph::ty::TensorType;

/// Returns the steps that read each value's numbers; `usize::MAX` represents the caller, who reads the results. `types`
/// are the types of all values.
pub(super) fn readers(plan: &Plan, types: &[TensorType]) -> Vec<Vec<usize>> {
    let mut readers = vec![Vec::new(); plan.values];
    for (at, step) in plan.steps.iter().enumerate() {
        operands(step, types).iter().for_each(|id| readers[*id].push(at));
    }
    plan.results.iter().for_each(|(_, id)| readers[id.index()].push(usize::MAX));
    readers
}

/// Returns the inputs whose numbers are read, without inputs that only determine a size.
pub(super) fn operands(step: &Step, types: &[TensorType]) -> Vec<usize> {
    let inputs: Vec<TensorType> = step.inputs.iter().map(|id| types[id.index()].clone()).collect();
    let outputs: Vec<TensorType> = step.outputs.iter().map(|(id, _)| types[id.index()].clone()).collect();
    let slots = step.op.read_slots(&inputs, &outputs);
    slots.into_iter().map(|slot| step.inputs[slot].index()).collect()
}
