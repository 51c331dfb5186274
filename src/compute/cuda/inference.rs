//! Computes a network's results on a GPU: a program for each size of its images, over one copy of the weights.

use super::arena::place_for_graph;
use super::gpu::Gpu;
use super::lower::lower;
use super::program::BufferRole;
use super::session::{DeviceSession, DeviceState, SessionCache, SessionOptions};
use super::trainer::write_weights;
use crate::base::error::Result;
use crate::base::problem::problem;
use crate::compute::fused::{PassMode, Unsupported};
use crate::graph::plan::Plan;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

/// Most sizes of images whose programs stay in the GPU's memory.
const MOST_SESSIONS: usize = 8;

/// A network on a GPU, for inference.
pub struct CudaInference {
    gpu: Gpu,
    plan: Arc<Plan>,
    state: Mutex<InferenceState>,
}

struct InferenceState {
    memory: Option<Arc<DeviceState>>,
    sessions: SessionCache,
    /// The weights that the GPU has, by the number that the caller gave them.
    weights: Option<usize>,
}

impl fmt::Debug for CudaInference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "inference on {:?}", self.gpu)
    }
}

impl CudaInference {
    pub fn new(gpu: Gpu, plan: Arc<Plan>) -> Self {
        let sessions = SessionCache::new(MOST_SESSIONS);
        Self { gpu, plan, state: Mutex::new(InferenceState { memory: None, sessions, weights: None }) }
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
        let InferenceState { memory, sessions, weights: present } = &mut *state;
        let session = sessions.get_or_open(dims, || self.open(memory, dims))?;
        // A failure in between leaves neither the old nor the new ones.
        if present.take() != Some(number) {
            write_weights(session, weights())?;
        }
        session.feed(&[(BufferRole::Image, images)])?;
        session.run(&[0])?;
        let ticket = session.fetch()?;
        let results = (0..self.plan.results.len()).map(|i| session.results(ticket, &BufferRole::Result(i)));
        let results = results.collect();
        *present = Some(number);
        results
    }

    fn open(&self, memory: &mut Option<Arc<DeviceState>>, dims: [usize; 4]) -> Result<DeviceSession> {
        let program = lower(&self.plan, dims, PassMode::Infer, &self.gpu.options());
        let program = program.map_err(|Unsupported(reason)| {
            problem!(E0730, "the GPU's kernels do not compute this network: {reason}";
                help: "compute on the CPU: `--device cpu`")
        })?;
        let arena = place_for_graph(&program);
        let memory = match memory {
            Some(memory) => memory.clone(),
            None => memory.insert(DeviceState::allocate(self.gpu.driver.clone(), &arena)?).clone(),
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
