//! The part of a run that is on a GPU.

use crate::data::Batch;
use crate::learn::gpu_training::GpuTraining;
use std::collections::VecDeque;

/// A batch whose pass has started and whose report has not come.
pub(super) struct BatchInFlight {
    pub(super) batch: Batch,
    pub(super) seed: u64,
    /// Number of its step, counted from 1.
    pub(super) step: u64,
}

/// The part of a run that is on a GPU.
pub(super) struct RunOnGpu {
    pub(super) training: GpuTraining,
    pub(super) in_flight: VecDeque<BatchInFlight>,
    /// Whether the weights have moved since they were read.
    pub(super) has_moved: bool,
}
