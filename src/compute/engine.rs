//! Computes networks on the processor, forward and backward, without Burn.
//!
//! [`program`] turns a plan into nodes at one size: convolutions with the norm and the ReLU behind them, the rest as it is;
//! it gives each value a [`layout`] and knows when its memory is free. [`pass`] runs the nodes forward, [`tape`] backward.
//! What a node computes is in [`unit`]; the inner loops, and all `unsafe`, are in [`kernel`].
//!
//! Knows operators and plans, and nothing of Burn, files or training. A network with an operator that has no unit is
//! [`Unsupported`] as a whole; `compute/exec.rs` computes it with Burn's operators. Results do not depend on the number of
//! threads: work is cut by shape, and sums are taken in the order of the cuts.

mod forward_pass;
pub(crate) mod kernel;
pub(crate) mod memory_layout;
pub(crate) mod operators;
pub(crate) mod profile;
mod program;
mod tape;
mod weights;

use crate::graph::op::Op;
use crate::graph::plan::{Plan, Step};
use forward_pass::{ForwardPass, PreparedConv, prepare_all};
use kernel::buffer::BufferPool;
use kernel::team::with_team;
use profile::Recorder;
use program::{NodeOp, Program, build};
pub(crate) use program::{PassMode, Unsupported};
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, OnceLock};
pub(crate) use tape::Tape;
pub use weights::LayerWeights;
pub(crate) use weights::{BatchStatistics, NetworkWeights, RunningStatistics, WeightGradient};

/// Numbers of a map that fills a good part of a core's own cache: 256 kB.
const LARGE: usize = 64 << 10;

type BuildResult = Result<Arc<Program>, Unsupported>;

/// Programs of one plan, and the memory they share.
#[derive(Debug)]
pub struct Engine {
    plan: Arc<Plan>,
    programs: Mutex<HashMap<([usize; 4], PassMode), BuildResult>>,
    pool: Arc<BufferPool>,
    /// What passes tell of their times.
    pub recorder: Recorder,
}

/// NetworkWeights that do not change, as inference reads them.
pub struct InferenceWeights {
    /// Until they are prepared.
    given: Mutex<NetworkWeights>,
    ready: OnceLock<PreparedWeights>,
}

/// Convolutions as their tiles read them, and what else has weights.
struct PreparedWeights {
    prepared: Vec<Option<PreparedConv>>,
    rest: NetworkWeights,
}

impl fmt::Debug for InferenceWeights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.ready.get().is_some() { "prepared weights" } else { "weights" })
    }
}

impl InferenceWeights {
    pub fn new(weights: NetworkWeights) -> Self {
        Self { given: Mutex::new(weights), ready: OnceLock::new() }
    }

    fn ready(&self, program: &Program) -> &PreparedWeights {
        self.ready.get_or_init(|| {
            let mut given = self.given.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
            let prepared = prepare_all(program, &given);
            // The packed copy is the only one from here on.
            let convolutions = program.nodes.iter().filter_map(|node| match &node.op {
                NodeOp::Conv(conv) => Some(conv.layer),
                NodeOp::Image | NodeOp::Relayout | NodeOp::Norm(_) | NodeOp::Operator { .. } => None,
            });
            convolutions.for_each(|layer| given[layer] = LayerWeights::default());
            PreparedWeights { prepared, rest: std::mem::take(&mut given) }
        })
    }
}

/// What a training pass gives.
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

    /// Gives the memory between passes back to the system.
    pub fn free_memory(&self) {
        self.pool.clear();
    }

    /// Maps that were given new memory so far: none in a pass like one before.
    pub fn allocated_maps(&self) -> usize {
        self.pool.allocations()
    }

    /// One image of the size that the plan was made for.
    fn checked_dims(&self) -> Option<[usize; 4]> {
        let image = |step: &Step| match &step.op {
            Op::Input(shape) => <[usize; 3]>::try_from(shape.dims()).ok(),
            _ => None,
        };
        self.plan.steps.iter().find_map(image).map(|[c, h, w]| [1, c, h, w])
    }

    /// The program for images `[n, c, h, w]`, made when it is asked for the first time.
    fn program(&self, dims: [usize; 4], mode: PassMode) -> BuildResult {
        let mut programs = self.programs.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        programs.entry((dims, mode)).or_insert_with(|| build(&self.plan, dims, mode).map(Arc::new)).clone()
    }

    /// Whether [`Engine::infer`] and [`Engine::train`] compute images of this size.
    pub fn supports(&self, dims: [usize; 4], mode: PassMode) -> Result<(), Unsupported> {
        self.program(dims, mode).map(drop)
    }

    /// Dims of the results for an image of these, in order. Of an image that [`Engine::supports`] accepts.
    pub fn results(&self, dims: [usize; 4]) -> Vec<[usize; 4]> {
        let program = self.program(dims, PassMode::Infer);
        let of = |program: Arc<Program>| program.results.iter().map(|&id| program.values[id].layout.dims()).collect();
        program.map(of).unwrap_or_default()
    }

    /// Results of `image`, NCHW numbers of `[n, c, h, w]`, in the order of the plan's results.
    ///
    /// Images with large maps go one by one: what one node writes is then still in the cache when the next reads it.
    pub fn infer(
        &self,
        frozen: &InferenceWeights,
        image: &[f32],
        dims: [usize; 4],
    ) -> Result<Vec<Vec<f32>>, Unsupported> {
        let [n, c, h, w] = dims;
        let one = self.program([1, c, h, w], PassMode::Infer)?;
        let large = one.values.iter().any(|value| value.layout.buffer_len() > LARGE);
        let program = if large { one } else { self.program(dims, PassMode::Infer)? };
        // Packed for the size that was checked, so that results do not depend on which size came first.
        let ready = frozen.ready(&*self.program(self.checked_dims().unwrap_or(dims), PassMode::Infer)?);
        let at_once = if large { 1 } else { n };
        let mut all: Vec<Vec<f32>> = Vec::new();
        for part in image.chunks(at_once * c * h * w) {
            let mut pass = ForwardPass::new(program.clone(), self.pool.clone(), self.recorder.clone(), 0);
            let results = with_team(|| pass.forward(&ready.rest, &ready.prepared, part));
            match all.is_empty() {
                true => all = results,
                false => all.iter_mut().zip(results).for_each(|(all, more)| all.extend(more)),
            }
        }
        self.recorder.end_call();
        Ok(all)
    }

    /// A training pass. `seed` is what dropout draws from; `to_image` asks for the gradient of the image as well.
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
