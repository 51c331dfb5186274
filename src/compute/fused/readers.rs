//! Which steps of a plan read which values.

use crate::graph::plan::{Plan, Step};
use crate::graph::ty::TensorType;

/// Who reads a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reader {
    /// Step of the plan by its number.
    Step(usize),
    /// The caller, who reads the results.
    Caller,
}

/// Returns the readers of each value's numbers. `types` are the types of all values.
pub(super) fn readers(plan: &Plan, types: &[TensorType]) -> Vec<Vec<Reader>> {
    let mut readers = vec![Vec::new(); plan.values];
    for (at, step) in plan.steps.iter().enumerate() {
        operands(step, types).iter().for_each(|id| readers[*id].push(Reader::Step(at)));
    }
    plan.results.iter().for_each(|(_, id)| readers[id.index()].push(Reader::Caller));
    readers
}

/// Returns the inputs whose numbers are read, without inputs that only determine a size.
pub(super) fn operands(step: &Step, types: &[TensorType]) -> Vec<usize> {
    let inputs: Vec<TensorType> = step.inputs.iter().map(|id| types[id.index()].clone()).collect();
    let outputs: Vec<TensorType> = step.outputs.iter().map(|(id, _)| types[id.index()].clone()).collect();
    let slots = step.op.read_slots(&inputs, &outputs);
    slots.into_iter().map(|slot| step.inputs[slot].index()).collect()
}
