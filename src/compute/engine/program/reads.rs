//! Who reads what of a plan.

use crate::graph::op::{Op, Resize, Target};
use crate::graph::plan::{Plan, Step};

/// The steps that read each value's numbers; `usize::MAX` stands for the caller, who reads results.
pub(super) fn readers(plan: &Plan) -> Vec<Vec<usize>> {
    let mut readers = vec![Vec::new(); plan.values];
    for (at, step) in plan.steps.iter().enumerate() {
        operands(step).iter().for_each(|id| readers[*id].push(at));
    }
    plan.results.iter().for_each(|(_, id)| readers[id.index()].push(usize::MAX));
    readers
}

/// The inputs whose numbers are read: not those that only give a size.
pub(super) fn operands(step: &Step) -> Vec<usize> {
    let all = step.inputs.iter().map(|id| id.index());
    match &step.op {
        Op::Resize(Resize { target: Target::Like, .. }) | Op::Crop(_) => all.take(1).collect(),
        Op::Resize(Resize { target: Target::Size(_) | Target::Factor(_), .. })
        | Op::Input(_)
        | Op::Conv(_)
        | Op::ConvTranspose(_)
        | Op::Linear(_)
        | Op::BatchNorm(_)
        | Op::GroupNorm(_)
        | Op::InstanceNorm(_)
        | Op::LayerNorm(_)
        | Op::Activation(_)
        | Op::PRelu(_)
        | Op::MaxPool(_)
        | Op::MaxPoolWithIndex(_)
        | Op::Unpool(_)
        | Op::AvgPool(_)
        | Op::AvgPoolTo(_)
        | Op::MaxPoolTo(_)
        | Op::Padding(_)
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
        | Op::Dropout(_) => all.collect(),
    }
}
