//! Computes networks on the processor, forward and backward, without Burn.
//!
//! [`program`] turns a plan into nodes at one size: convolutions with the norm and the ReLU behind them, the rest as it is;
//! it gives each value a [`layout`] and knows when its memory is free. [`pass`] runs the nodes forward, [`tape`] backward.
//! What a node computes is in [`unit`]; the inner loops, and all `unsafe`, are in [`kernel`].
//!
//! Knows operators and plans, and nothing of Burn, files or training. A network with an operator that has no unit is
//! [`Unsupported`] as a whole; `compute/exec.rs` computes it with Burn's operators. Results do not depend on the number of
//! threads: work is cut by shape, and sums are taken in the order of the cuts.

pub(crate) mod kernel;
pub(crate) mod memory_layout;
mod pass;
pub(crate) mod profile;
mod program;
mod tape;
pub(crate) mod unit;
mod weights;

use crate::graph::op::Op;
use crate::graph::plan::{Plan, Step};
use kernel::buffer::Pool;
use kernel::team::together;
use pass::{Pass, Prepared, prepare_all};
use profile::Recorder;
pub(crate) use program::{Mode, Unsupported};
use program::{Program, Unit, build};
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, OnceLock};
pub(crate) use tape::Tape;
pub use weights::LayerWeights;
pub(crate) use weights::{BatchStatistics, Running, WeightGradient, Weights};

/// Numbers of a map that fills a good part of a core's own cache: 256 kB.
const LARGE: usize = 64 << 10;

type Built = Result<Arc<Program>, Unsupported>;

/// Programs of one plan, and the memory they share.
#[derive(Debug)]
pub struct Engine {
    plan: Arc<Plan>,
    programs: Mutex<HashMap<([usize; 4], Mode), Built>>,
    pool: Arc<Pool>,
    /// What passes tell of their times.
    pub recorder: Recorder,
}

/// Weights that do not change, as inference reads them.
pub struct Frozen {
    /// Until they are prepared.
    given: Mutex<Weights>,
    ready: OnceLock<Ready>,
}

/// Convolutions as their tiles read them, and what else has weights.
struct Ready {
    prepared: Vec<Option<Prepared>>,
    rest: Weights,
}

impl fmt::Debug for Frozen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.ready.get().is_some() { "prepared weights" } else { "weights" })
    }
}

impl Frozen {
    pub fn new(weights: Weights) -> Self {
        Self { given: Mutex::new(weights), ready: OnceLock::new() }
    }

    fn ready(&self, program: &Program) -> &Ready {
        self.ready.get_or_init(|| {
            let mut given = self.given.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
            let prepared = prepare_all(program, &given);
            // The packed copy is the only one from here on.
            let convolutions = program.nodes.iter().filter_map(|node| match &node.unit {
                Unit::Conv(conv) => Some(conv.layer),
                Unit::Image | Unit::Relayout | Unit::Norm(_) | Unit::Plain { .. } => None,
            });
            convolutions.for_each(|layer| given[layer] = LayerWeights::default());
            Ready { prepared, rest: std::mem::take(&mut given) }
        })
    }
}

/// What a training pass gives.
pub struct Trained {
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
    pub fn maps_made(&self) -> usize {
        self.pool.made()
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
    fn program(&self, dims: [usize; 4], mode: Mode) -> Built {
        let mut programs = self.programs.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        programs.entry((dims, mode)).or_insert_with(|| build(&self.plan, dims, mode).map(Arc::new)).clone()
    }

    /// Whether [`Engine::infer`] and [`Engine::train`] compute images of this size.
    pub fn supports(&self, dims: [usize; 4], mode: Mode) -> Result<(), Unsupported> {
        self.program(dims, mode).map(drop)
    }

    /// Dims of the results for an image of these, in order. Of an image that [`Engine::supports`] accepts.
    pub fn results(&self, dims: [usize; 4]) -> Vec<[usize; 4]> {
        let program = self.program(dims, Mode::Infer);
        let of = |program: Arc<Program>| program.results.iter().map(|&id| program.values[id].layout.dims()).collect();
        program.map(of).unwrap_or_default()
    }

    /// Results of `image`, NCHW numbers of `[n, c, h, w]`, in the order of the plan's results.
    ///
    /// Images with large maps go one by one: what one node writes is then still in the cache when the next reads it.
    pub fn infer(&self, frozen: &Frozen, image: &[f32], dims: [usize; 4]) -> Result<Vec<Vec<f32>>, Unsupported> {
        let [n, c, h, w] = dims;
        let one = self.program([1, c, h, w], Mode::Infer)?;
        let large = one.values.iter().any(|value| value.layout.size() > LARGE);
        let program = if large { one } else { self.program(dims, Mode::Infer)? };
        // Packed for the size that was checked, so that results do not depend on which size came first.
        let ready = frozen.ready(&*self.program(self.checked_dims().unwrap_or(dims), Mode::Infer)?);
        let at_once = if large { 1 } else { n };
        let mut all: Vec<Vec<f32>> = Vec::new();
        for part in image.chunks(at_once * c * h * w) {
            let mut pass = Pass::new(program.clone(), self.pool.clone(), self.recorder.clone(), 0);
            let results = together(|| pass.forward(&ready.rest, &ready.prepared, part));
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
        weights: Arc<Weights>,
        image: &[f32],
        dims: [usize; 4],
        seed: u64,
        to_image: bool,
    ) -> Result<Trained, Unsupported> {
        let program = self.program(dims, Mode::Train { to_image })?;
        let mut pass = Pass::new(program, self.pool.clone(), self.recorder.clone(), seed);
        let results = together(|| pass.forward(&weights, &[], image));
        self.recorder.end_call();
        let statistics = pass.statistics();
        Ok(Trained { results, statistics, tape: Tape::new(pass, weights) })
    }
}
