//! Trains a network on a GPU: a program for each size of its batches, over one state.

use super::arena::place_for_graph;
use super::builder::CudaOptions;
use super::gpu::Gpu;
use super::program::{BufferRole, CudaProgram, FlatRegion, StepReport};
use super::region::{FlatLayout, FlatTensors};
use super::scalars::StepScalars;
use super::session::{DeviceSession, DeviceState, PassTicket, SessionOptions};
use super::step::{TrainingStep, lower_step};
use crate::base::error::{Result, RunError};
use crate::base::hash::fnv1a;
use crate::base::problem::problem;
use crate::compute::fused::Unsupported;
use crate::graph::plan::Plan;
use crate::text::config::{LossSpec, Optimizer};
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

/// Most sizes of batches whose programs stay in the GPU's memory.
const MOST_SESSIONS: usize = 4;

/// What a run trains, and how; see [`TrainingStep`].
#[derive(Debug, Clone)]
pub struct TrainerSettings {
    pub loss: LossSpec,
    pub supervise: BTreeMap<String, f64>,
    pub optimizer: Optimizer,
    pub clip: Option<f64>,
    /// Decay of the moving average of the weights.
    pub average: Option<f64>,
    pub accumulates: bool,
    /// Dotted names of the tensors that are not trained.
    pub frozen: HashSet<String>,
    pub options: CudaOptions,
}

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

/// A network in training on a GPU.
pub struct CudaTrainer {
    gpu: Gpu,
    plan: Arc<Plan>,
    settings: TrainerSettings,
    layout: FlatLayout,
    state: Arc<DeviceState>,
    /// The last used is the last.
    sessions: Vec<([usize; 4], DeviceSession)>,
    unread: Option<UnreadPass>,
}

/// Why a network is not trained on a GPU.
#[derive(Debug)]
pub enum TrainerError {
    /// Something has no kernel.
    Unsupported(Unsupported),
    /// The GPU or its libraries fail.
    Failed(RunError),
}

impl From<RunError> for TrainerError {
    fn from(error: RunError) -> Self {
        TrainerError::Failed(error)
    }
}

impl CudaTrainer {
    /// Returns a number that tells the kernels of a training from all others. Errors: something has no kernel.
    pub fn kernels_of(plan: &Plan, settings: &TrainerSettings, dims: [usize; 4]) -> Result<u64, Unsupported> {
        let program = lower_for(plan, settings, dims)?;
        let texts: Vec<&str> = program.kernels.iter().map(|kernel| &kernel.text[..]).collect();
        Ok(fnv1a(&texts.concat()))
    }

    /// Prepares the GPU for batches of these dims. Weights are written with [`CudaTrainer::write_weights`].
    pub fn open(gpu: Gpu, plan: Arc<Plan>, settings: TrainerSettings, dims: [usize; 4]) -> Result<Self, TrainerError> {
        let program = lower_for(&plan, &settings, dims).map_err(TrainerError::Unsupported)?;
        let arena = place_for_graph(&program);
        let state = DeviceState::allocate(gpu.driver.clone(), &arena)?;
        let layout = program.layout.clone();
        let session = open_session(&gpu, &program, &state)?;
        let trainer = Self { gpu, plan, settings, layout, state, sessions: vec![(dims, session)], unread: None };
        trainer.clear_regions()?;
        Ok(trainer)
    }

    fn session(&self) -> &DeviceSession {
        let (_, session) = self.sessions.last().expect("`open` makes one, and only newer ones replace it");
        session
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
        self.state.bytes() + self.sessions.iter().map(|(_, session)| session.bytes()).sum::<usize>()
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
        let of = |tensor: &super::region::FlatTensor| {
            (tensor.layer, tensor.name, flat[tensor.offset..tensor.offset + tensor.len].to_vec())
        };
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
        self.use_session(batch.dims)?;
        let words = batch.scalars.words(&self.settings.optimizer).map(f32::from_bits);
        let targets = packed(batch.targets);
        let (_, session) = self.sessions.last_mut().expect("`use_session` leaves one");
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
        let found = self.sessions.iter().find(|(dims, _)| *dims == unread.dims);
        let (_, session) = found.expect("`use_session` keeps the last two");
        let loss = session.results(unread.ticket, &BufferRole::Loss)?[0];
        let report = session.results(unread.ticket, &BufferRole::Report)?;
        let report = report.try_into().map(StepReport::of);
        let report = report.map_err(|_| problem!(E0799, "a report of another length"))?;
        Ok(PassReport { loss, step: unread.is_last.then_some(report) })
    }

    /// Makes the session of these dims the last one.
    fn use_session(&mut self, dims: [usize; 4]) -> Result<()> {
        let entry = match self.sessions.iter().position(|(of, _)| *of == dims) {
            Some(at) => self.sessions.remove(at),
            None => {
                if self.sessions.len() >= MOST_SESSIONS {
                    self.sessions.remove(0);
                }
                let program = lower_for(&self.plan, &self.settings, dims);
                let program = program.map_err(|Unsupported(reason)| problem!(E0751, "{reason}"))?;
                (dims, open_session(&self.gpu, &program, &self.state)?)
            }
        };
        self.sessions.push(entry);
        Ok(())
    }
}

fn lower_for(plan: &Plan, settings: &TrainerSettings, dims: [usize; 4]) -> Result<CudaProgram, Unsupported> {
    let step = TrainingStep {
        loss: &settings.loss,
        supervise: &settings.supervise,
        optimizer: &settings.optimizer,
        clip: settings.clip,
        average: settings.average,
        accumulates: settings.accumulates,
        frozen: &|name| settings.frozen.contains(name),
    };
    lower_step(plan, dims, &step, &settings.options)
}

fn open_session(gpu: &Gpu, program: &CudaProgram, state: &Arc<DeviceState>) -> Result<DeviceSession> {
    let options = SessionOptions {
        sections: vec![program.pass(), program.update()],
        fed: vec![BufferRole::Image, BufferRole::Targets, BufferRole::Scalars],
        fetched: vec![BufferRole::Loss, BufferRole::Report],
    };
    let arena = place_for_graph(program);
    DeviceSession::open_with(gpu.driver.clone(), &*gpu.compiler, program, &arena, &options, state.clone())
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
