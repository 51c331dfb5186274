//! Computes a network's results on a GPU: a program for each size of its images, over one copy of the weights.

use super::arena::place_for_graph;
use super::builder::CudaOptions;
use super::gpu::Gpu;
use super::lower::lower;
use super::program::{BufferRole, CudaProgram};
use super::session::{DeviceSession, DeviceState, SessionOptions};
use super::trainer::write_weights;
use crate::base::error::Result;
use crate::base::problem::problem;
use crate::compute::fused::{PassMode, Unsupported};
use crate::graph::plan::Plan;
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

/// Most sizes of images whose programs stay in the GPU's memory.
const MOST_SESSIONS: usize = 8;

/// A network on a GPU, for inference.
pub struct CudaInference {
    gpu: Gpu,
    plan: Arc<Plan>,
    options: CudaOptions,
    state: Mutex<InferenceState>,
}

#[derive(Default)]
struct InferenceState {
    memory: Option<Arc<DeviceState>>,
    /// The last used is the last.
    sessions: Vec<([usize; 4], DeviceSession)>,
    /// The weights that the GPU has, by the number that the caller gave them.
    weights: Option<usize>,
    /// Sizes that have no program, and why.
    refused: HashMap<[usize; 4], Unsupported>,
}

impl fmt::Debug for CudaInference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "inference on {:?}", self.gpu)
    }
}

impl CudaInference {
    pub fn new(gpu: Gpu, plan: Arc<Plan>, options: CudaOptions) -> Self {
        Self { gpu, plan, options, state: Mutex::default() }
    }

    /// Checks that images `[n, c, h, w]` have a program.
    pub fn supports(&self, dims: [usize; 4]) -> Result<(), Unsupported> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.sessions.iter().any(|(of, _)| *of == dims) {
            return Ok(());
        }
        let refused = state.refused.entry(dims);
        if let std::collections::hash_map::Entry::Occupied(reason) = refused {
            return Err(reason.get().clone());
        }
        let lowered = self.lower(dims).map(drop);
        if let Err(reason) = &lowered {
            refused.or_insert_with(|| reason.clone());
        }
        lowered
    }

    fn lower(&self, dims: [usize; 4]) -> Result<CudaProgram, Unsupported> {
        lower(&self.plan, dims, PassMode::Infer, &self.options)
    }

    /// Returns the results of `images`, numbers of `[n, c, h, w]`, in the order of the plan's results. `number` tells weights apart, whose tensors
    /// `weights` returns by layer and name when the GPU has others. Errors: those of the GPU, and images without a program.
    pub fn infer<Tensors: Fn(usize, &str) -> Option<Vec<f32>>>(
        &self,
        number: usize,
        weights: impl FnOnce() -> Tensors,
        images: &[f32],
        dims: [usize; 4],
    ) -> Result<Vec<Vec<f32>>> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        self.use_session(&mut state, dims)?;
        let is_new = state.weights != Some(number);
        // A failure in between leaves neither the old nor the new ones.
        state.weights = None;
        let (_, session) = state.sessions.last_mut().expect("`use_session` leaves one");
        if is_new {
            write_weights(session, weights())?;
        }
        session.feed(&[(BufferRole::Image, images)])?;
        session.run(&[0])?;
        let ticket = session.fetch()?;
        let results = (0..self.plan.results.len()).map(|i| session.results(ticket, &BufferRole::Result(i)));
        let results = results.collect();
        state.weights = Some(number);
        results
    }

    /// Makes the session of these dims the last one.
    fn use_session(&self, state: &mut InferenceState, dims: [usize; 4]) -> Result<()> {
        let entry = match state.sessions.iter().position(|(of, _)| *of == dims) {
            Some(at) => state.sessions.remove(at),
            None => {
                if state.sessions.len() >= MOST_SESSIONS {
                    state.sessions.remove(0);
                }
                (dims, self.open(state, dims)?)
            }
        };
        state.sessions.push(entry);
        Ok(())
    }

    fn open(&self, state: &mut InferenceState, dims: [usize; 4]) -> Result<DeviceSession> {
        let program = self.lower(dims).map_err(|Unsupported(reason)| problem!(E0751, "{reason}"))?;
        let arena = place_for_graph(&program);
        let memory = match &state.memory {
            Some(memory) => memory.clone(),
            None => state.memory.insert(DeviceState::allocate(self.gpu.driver.clone(), &arena)?).clone(),
        };
        let options = SessionOptions {
            sections: std::iter::once(0..program.launches.len()).collect(),
            fed: vec![BufferRole::Image],
            fetched: (0..self.plan.results.len()).map(BufferRole::Result).collect(),
        };
        let Gpu { driver, compiler, .. } = &self.gpu;
        DeviceSession::open_with(driver.clone(), &**compiler, &program, &arena, &options, memory)
    }
}
