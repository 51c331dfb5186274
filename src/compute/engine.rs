//! Computes networks on the processor, forward and backward, without Burn.
//!
//! [`program`] turns a plan into nodes at one size. A convolution is fused with the norm and the ReLU after it; every
//! other operator is one node. The program gives each value a [`memory_layout`] and a lifetime. [`forward_pass`] runs
//! the nodes forward, [`tape`] backward. [`operators`] contains the computation of each node, [`kernel`] the inner
//! loops and all `unsafe`.
//!
//! The engine depends on operators and plans, not on Burn, files or training. A network with an operator that has no
//! kernel is [`Unsupported`] as a whole, and `compute/exec.rs` computes it with Burn's operators. Results do not depend
//! on the number of threads: work is cut by shape, and sums are taken in the order of the cuts.

mod forward_pass;
pub(crate) mod kernel;
pub(crate) mod memory_layout;
pub(crate) mod operators;
pub(crate) mod profile;
mod program;
mod tape;
mod weights;

use crate::compute::fused::{PassMode, Unsupported};
use crate::graph::op::Op;
use crate::graph::plan::{Plan, Step};
use forward_pass::{ForwardPass, PreparedConv, prepare_all};
use kernel::buffer::BufferPool;
use kernel::team::with_team;
use profile::Recorder;
use program::{NodeOp, Program, build};
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, OnceLock};
pub(crate) use tape::Tape;
pub(crate) use weights::{BatchStatistics, NetworkWeights, WeightGradient};
pub use weights::{LayerWeights, RunningStatistics};

/// Size of a map, in numbers, that fills a good part of a core's own cache: 256 kB.
const LARGE_MAP_LEN: usize = 64 << 10;

type BuildResult = Result<Arc<Program>, Unsupported>;

/// The programs of one plan and the memory that they share.
#[derive(Debug)]
pub struct Engine {
    plan: Arc<Plan>,
    programs: Mutex<HashMap<([usize; 4], PassMode), BuildResult>>,
    pool: Arc<BufferPool>,
    /// Times of the nodes, if a profile was started.
    pub recorder: Recorder,
}

/// Weights for inference, which do not change.
pub struct InferenceWeights {
    /// The weights until they are packed.
    unpacked: Mutex<NetworkWeights>,
    packed: OnceLock<PreparedWeights>,
}

/// Convolutions packed for their tiles, and the weights of all other layers.
struct PreparedWeights {
    convolutions: Vec<Option<PreparedConv>>,
    rest: NetworkWeights,
}

impl fmt::Debug for InferenceWeights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.packed.get().is_some() { "prepared weights" } else { "weights" })
    }
}

impl InferenceWeights {
    pub fn new(weights: NetworkWeights) -> Self {
        Self { unpacked: Mutex::new(weights), packed: OnceLock::new() }
    }

    /// Packs the weights at the first call.
    fn packed(&self, program: &Program) -> &PreparedWeights {
        self.packed.get_or_init(|| {
            let mut weights = self.unpacked.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
            let convolutions = prepare_all(program, &weights);
            // From here on, the packed copy is the only one.
            let packed_layers = program.nodes.iter().filter_map(|node| match &node.op {
                NodeOp::Conv(conv) => Some(conv.layer),
                NodeOp::Image | NodeOp::Relayout | NodeOp::Norm(_) | NodeOp::Operator { .. } => None,
            });
            packed_layers.for_each(|layer| weights[layer] = LayerWeights::default());
            PreparedWeights { convolutions, rest: std::mem::take(&mut weights) }
        })
    }
}

/// The result of a training pass.
pub struct TrainingOutput {
    /// NCHW numbers, in the order of the plan's results.
    pub results: Vec<Vec<f32>>,
    pub statistics: Vec<BatchStatistics>,
    pub tape: Tape,
}

impl Engine {
    pub fn new(plan: Arc<Plan>) -> Self {
        Self { plan, programs: Mutex::default(), pool: Arc::default(), recorder: Recorder::default() }
    }

    /// Returns the pool's free memory to the system.
    pub fn release_memory(&self) {
        self.pool.clear();
    }

    /// Number of maps for which memory was allocated. It does not grow in a pass of a size that ran before.
    pub fn allocated_maps(&self) -> usize {
        self.pool.allocations()
    }

    /// Dims of one image of the size that the plan was made for.
    fn checked_dims(&self) -> Option<[usize; 4]> {
        let image = |step: &Step| match &step.op {
            Op::Input(shape) => <[usize; 3]>::try_from(shape.dims()).ok(),
            _ => None,
        };
        self.plan.steps.iter().find_map(image).map(|[c, h, w]| [1, c, h, w])
    }

    /// Returns the program for images `[n, c, h, w]`, which is built at the first call.
    fn program(&self, dims: [usize; 4], mode: PassMode) -> BuildResult {
        let mut programs = self.programs.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        programs.entry((dims, mode)).or_insert_with(|| build(&self.plan, dims, mode).map(Arc::new)).clone()
    }

    /// Checks that [`Engine::infer`] or [`Engine::train`], by `mode`, computes images `[n, c, h, w]`, and keeps the program for
    /// that. Errors: the reason why the engine does not compute the network at this size.
    pub fn supports(&self, dims: [usize; 4], mode: PassMode) -> Result<(), Unsupported> {
        self.program(dims, mode).map(drop)
    }

    /// Returns the dims of the results, in order, for an image that [`Engine::supports`].
    pub fn result_dims(&self, dims: [usize; 4]) -> Vec<[usize; 4]> {
        let program = self.program(dims, PassMode::Infer);
        let of = |program: Arc<Program>| program.results.iter().map(|&id| program.values[id].layout.dims()).collect();
        program.map(of).unwrap_or_default()
    }

    /// Returns the results of `image`, NCHW numbers of `[n, c, h, w]`, in the order of the plan's results.
    ///
    /// Images with large maps run one by one, so that the output of a node is still in the cache when the next node
    /// reads it.
    pub fn infer(
        &self,
        weights: &InferenceWeights,
        image: &[f32],
        dims: [usize; 4],
    ) -> Result<Vec<Vec<f32>>, Unsupported> {
        let [n, c, h, w] = dims;
        let single = self.program([1, c, h, w], PassMode::Infer)?;
        let large = single.values.iter().any(|value| value.layout.buffer_len() > LARGE_MAP_LEN);
        let program = if large { single } else { self.program(dims, PassMode::Infer)? };
        // Packed for the size that was checked, so that results do not depend on the first size that runs.
        let packed = weights.packed(&*self.program(self.checked_dims().unwrap_or(dims), PassMode::Infer)?);
        let at_once = if large { 1 } else { n };
        let mut all: Vec<Vec<f32>> = Vec::new();
        for part in image.chunks(at_once * c * h * w) {
            let mut pass = ForwardPass::new(program.clone(), self.pool.clone(), self.recorder.clone(), 0);
            let results = with_team(|| pass.forward(&packed.rest, &packed.convolutions, part));
            match all.is_empty() {
                true => all = results,
                false => all.iter_mut().zip(results).for_each(|(all, more)| all.extend(more)),
            }
        }
        self.recorder.end_call();
        Ok(all)
    }

    /// Runs a training pass. Dropout draws from `seed`; with `to_image`, the backward pass computes the gradient of the
    /// image as well.
    pub fn train(
        &self,
        weights: Arc<NetworkWeights>,
        image: &[f32],
        dims: [usize; 4],
        seed: u64,
        to_image: bool,
    ) -> Result<TrainingOutput, Unsupported> {
        let program = self.program(dims, PassMode::Train { to_image })?;
        let mut pass = ForwardPass::new(program, self.pool.clone(), self.recorder.clone(), seed);
        let results = with_team(|| pass.forward(&weights, &[], image));
        self.recorder.end_call();
        let statistics = pass.statistics();
        Ok(TrainingOutput { results, statistics, tape: Tape::new(pass, weights) })
    }
}
