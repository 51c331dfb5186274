//! From an operator to its kernel: the only file of the engine that lists all operators.

use super::operator_kernel::OperatorKernel;
use super::reshape::ReshapeKernel;
use crate::graph::op::Op;

/// Returns the kernel of an operator that is a node by itself; `None` for operators with node types of their own and
/// for those that only Burn computes.
pub(crate) fn kernel_for(op: &Op) -> Option<&dyn OperatorKernel> {
    match op {
        Op::Input(_) | Op::Conv(_) | Op::ConvTranspose(_) | Op::Linear(_) | Op::BatchNorm(_) => None,
        Op::GroupNorm(op) => Some(op),
        Op::InstanceNorm(op) => Some(op),
        Op::LayerNorm(op) => Some(op),
        Op::Activation(op) => Some(op),
        Op::PRelu(op) => Some(op),
        Op::MaxPool(op) => Some(op),
        Op::MaxPoolWithIndex(op) => Some(op),
        Op::MaxPoolTo(op) => Some(op),
        Op::Unpool(op) => Some(op),
        Op::AvgPool(op) => Some(op),
        Op::AvgPoolTo(op) => Some(op),
        Op::Resize(op) => Some(op),
        Op::Padding(op) => Some(op),
        Op::Crop(op) => Some(op),
        Op::Slice(op) => Some(op),
        Op::ChannelPad(op) => Some(op),
        Op::ChannelReduce(op) => Some(op),
        Op::ChannelShuffle(op) => Some(op),
        Op::PixelShuffle(op) => Some(op),
        Op::Concat(op) => Some(op),
        Op::Combine(op) => Some(op),
        Op::Dropout(op) => Some(op),
        Op::Flatten(_) | Op::Unflatten(_) | Op::Reshape(_) => Some(&ReshapeKernel),
    }
}

/// Returns the kernel of an operator in a program: the builder checked that it exists.
pub fn expect_kernel(op: &Op) -> &dyn OperatorKernel {
    kernel_for(op).expect("the builder checked that the kernel exists")
}
