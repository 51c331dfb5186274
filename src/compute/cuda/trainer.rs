//! Trains a network on a GPU: a program for each size of its batches, over one state.

use super::arena::place_for_graph;
use super::gpu::Gpu;
use super::places::Arena;
use super::program::{BufferRole, CudaProgram, FlatRegion, StepReport};
use super::region::{FlatLayout, FlatTensor, FlatTensors};
use super::scalars::StepScalars;
use super::session::{DeviceSession, DeviceState, PassTicket, SessionCache, SessionOptions};
use super::step::{TrainingStep, lower_step};
use crate::base::error::Result;
use crate::base::hash::fnv1a;
use crate::base::problem::problem;
use crate::compute::fused::Unsupported;
use crate::graph::plan::Plan;
use std::sync::Arc;

/// Most sizes of batches whose programs stay in the GPU's memory.
const MOST_SESSIONS: usize = 4;

/// The numbers of a batch.
#[derive(Debug, Clone, Copy)]
pub struct TrainingBatch<'a> {
    /// Images, channels, height and width.
    pub dims: [usize; 4],
    /// `[n, c, h, w]`
    pub images: &'a [f32],
    /// The true class of each pixel, `[n, h, w]`.
    pub targets: &'a [u8],
    pub scalars: StepScalars,
    /// Whether the step ends with this batch.
    pub is_last: bool,
}

/// What a pass has found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PassReport {
    /// The loss of the batch.
    pub loss: f32,
    /// What the update found, if the batch was the last of its step.
    pub step: Option<StepReport>,
}

/// A pass whose report was not read yet.
struct UnreadPass {
    dims: [usize; 4],
    ticket: PassTicket,
    is_last: bool,
}

/// A training whose kernels are written and have not seen a GPU yet.
pub struct PreparedTraining {
    gpu: Gpu,
    plan: Arc<Plan>,
    step: TrainingStep,
    dims: [usize; 4],
    program: CudaProgram,
}

impl PreparedTraining {
    /// Writes the kernels of a training with batches of these dims. Errors: something has no kernel.
    pub fn of(gpu: &Gpu, plan: Arc<Plan>, step: TrainingStep, dims: [usize; 4]) -> Result<Self, Unsupported> {
        let program = lower_step(&plan, dims, &step, &gpu.options())?;
        Ok(Self { gpu: gpu.clone(), plan, step, dims, program })
    }

    /// Returns a number that tells the kernels from all others.
    pub fn kernels(&self) -> u64 {
        let texts: Vec<&str> = self.program.kernels.iter().map(|kernel| &kernel.text[..]).collect();
        fnv1a(&texts.concat())
    }

    /// Prepares the GPU. Weights are written with [`CudaTrainer::write_weights`]. Errors: those of the GPU and its libraries.
    pub fn open(self) -> Result<CudaTrainer> {
        let Self { gpu, plan, step, dims, program } = self;
        let arena = place_for_graph(&program);
        let state = DeviceState::allocate(gpu.driver.clone(), &arena)?;
        let mut sessions = SessionCache::new(MOST_SESSIONS);
        sessions.get_or_open(dims, || open_session(&gpu, &program, &arena, &state))?;
        let trainer = CudaTrainer { gpu, plan, step, layout: program.layout, state, sessions, unread: None };
        trainer.clear_regions()?;
        Ok(trainer)
    }
}

/// A network in training on a GPU.
pub struct CudaTrainer {
    gpu: Gpu,
    plan: Arc<Plan>,
    step: TrainingStep,
    layout: FlatLayout,
    state: Arc<DeviceState>,
    sessions: SessionCache,
    unread: Option<UnreadPass>,
}

impl CudaTrainer {
    fn session(&self) -> &DeviceSession {
        self.sessions.last().expect("`open` makes one, and only newer ones replace it")
    }

    fn clear_regions(&self) -> Result<()> {
        let roles: Vec<BufferRole> = self.session().buffers().map(|buffer| buffer.role.clone()).collect();
        let regions = roles.iter().filter(|role| matches!(role, BufferRole::Region(_)));
        regions.into_iter().try_for_each(|region| self.session().clear(region))?;
        self.session().write(&BufferRole::Report, &StepReport::START)
    }

    /// Writes all weights and running statistics: `of` returns the tensor of a layer by its name, in PyTorch's order.
    pub fn write_weights(&self, of: impl Fn(usize, &str) -> Option<Vec<f32>>) -> Result<()> {
        write_weights(self.session(), of)
    }

    /// Returns the bytes of the GPU's memory that the run has: its state, and the programs of all sizes so far.
    pub fn bytes(&self) -> usize {
        self.state.bytes() + self.sessions.bytes()
    }

    /// Whether the run keeps an average of the weights.
    pub fn has_average(&self) -> bool {
        self.step.average.is_some()
    }

    /// Writes numbers to the tensors of a region; those that `of` does not have become zero.
    pub fn write_region(&self, region: FlatRegion, of: impl Fn(usize, &str) -> Option<Vec<f32>>) -> Result<()> {
        let tensors = self.tensors_of(region);
        let mut flat = vec![0.0; tensors.len];
        for tensor in &tensors.tensors {
            if let Some(numbers) = of(tensor.layer, tensor.name) {
                flat[tensor.offset..tensor.offset + tensor.len].copy_from_slice(&numbers);
            }
        }
        if flat.is_empty() { Ok(()) } else { self.session().write(&BufferRole::Region(region), &flat) }
    }

    /// Reads the tensors of a region after all work: layer, name and numbers.
    pub fn read_region(&self, region: FlatRegion) -> Result<Vec<(usize, &'static str, Vec<f32>)>> {
        let tensors = self.tensors_of(region);
        if tensors.len == 0 {
            return Ok(Vec::new());
        }
        let flat = self.session().read(&BufferRole::Region(region))?;
        let of =
            |tensor: &FlatTensor| (tensor.layer, tensor.name, flat[tensor.offset..tensor.offset + tensor.len].to_vec());
        Ok(tensors.tensors.iter().map(of).collect())
    }

    fn tensors_of(&self, region: FlatRegion) -> &FlatTensors {
        match region {
            FlatRegion::Weights
            | FlatRegion::Gradients
            | FlatRegion::GradientSums
            | FlatRegion::Moment(_)
            | FlatRegion::Average => &self.layout.weights,
            FlatRegion::Statistics | FlatRegion::PendingStatistics | FlatRegion::AverageStatistics => {
                &self.layout.statistics
            }
        }
    }

    /// Starts the pass of a batch, and the update after the last batch of a step. Returns the report of the pass before it, which the
    /// GPU has finished meanwhile.
    pub fn pass(&mut self, batch: &TrainingBatch<'_>) -> Result<Option<PassReport>> {
        let words = batch.scalars.words(&self.step.optimizer).map(f32::from_bits);
        let targets = packed(batch.targets);
        let session = self.sessions.get_or_open(batch.dims, || {
            let program = lower_step(&self.plan, batch.dims, &self.step, &self.gpu.options());
            let program = program.map_err(|Unsupported(reason)| problem!(E0751, "{reason}"))?;
            open_session(&self.gpu, &program, &place_for_graph(&program), &self.state)
        })?;
        let fed =
            [(BufferRole::Image, batch.images), (BufferRole::Targets, &targets[..]), (BufferRole::Scalars, &words[..])];
        session.feed(&fed)?;
        session.run(if batch.is_last { &[0, 1] } else { &[0] })?;
        let ticket = session.fetch()?;
        let before = self.unread.replace(UnreadPass { dims: batch.dims, ticket, is_last: batch.is_last });
        before.map(|unread| self.report(&unread)).transpose()
    }

    /// Waits for the last pass and returns its report, if it was not returned yet.
    pub fn finish(&mut self) -> Result<Option<PassReport>> {
        let unread = self.unread.take();
        unread.map(|unread| self.report(&unread)).transpose()
    }

    fn report(&self, unread: &UnreadPass) -> Result<PassReport> {
        let session = self.sessions.find(unread.dims).expect("the last two sessions stay");
        let loss = session.results(unread.ticket, &BufferRole::Loss)?[0];
        let report = session.results(unread.ticket, &BufferRole::Report)?;
        let report = report.try_into().map(StepReport::of);
        let report = report.map_err(|_| problem!(E0799, "a report of another length"))?;
        Ok(PassReport { loss, step: unread.is_last.then_some(report) })
    }
}

fn open_session(gpu: &Gpu, program: &CudaProgram, arena: &Arena, state: &Arc<DeviceState>) -> Result<DeviceSession> {
    let options = SessionOptions {
        sections: vec![program.pass(), program.update()],
        fed: vec![BufferRole::Image, BufferRole::Targets, BufferRole::Scalars],
        fetched: vec![BufferRole::Loss, BufferRole::Report],
    };
    DeviceSession::open_with(gpu.driver.clone(), &*gpu.compiler, program, arena, &options, state.clone())
}

/// Writes the weights that a program reads.
pub(super) fn write_weights(session: &DeviceSession, of: impl Fn(usize, &str) -> Option<Vec<f32>>) -> Result<()> {
    for buffer in session.buffers() {
        let BufferRole::Weight { layer, name } = buffer.role else { continue };
        let numbers = of(layer, name).ok_or_else(|| problem!(E0799, "layer {layer} has no tensor {name}"))?;
        session.write(&buffer.role, &numbers)?;
    }
    Ok(())
}

/// Returns bytes as the numbers of a buffer, four in each.
fn packed(bytes: &[u8]) -> Vec<f32> {
    let word = |four: &[u8]| {
        let mut word = [0; 4];
        word[..four.len()].copy_from_slice(four);
        f32::from_bits(u32::from_le_bytes(word))
    };
    bytes.chunks(4).map(word).collect()
}
