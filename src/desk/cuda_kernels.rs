//! The kernels that a GPU would run for a model, as text: no GPU is needed.

use crate::base::atomic::write_atomic;
use crate::base::error::{Result, RunError};
use crate::base::problem::problem;
use crate::compute::cuda::{
    BufferRole, CudaOptions, CudaProgram, Kernel, PRELUDE, ProductPrecision, TrainingStep, arena, lower, lower_step,
};
use crate::compute::fused::{PassMode, Unsupported};
use crate::graph::check::CheckedGraph;
use crate::graph::plan::{Plan, plan};
use std::path::Path;

/// What the kernels are for.
#[derive(Debug, Clone, Copy)]
pub struct CudaRequest {
    /// Images of a batch.
    pub batch: usize,
    /// A training step rather than a forward pass.
    pub training: bool,
    /// How the kernels multiply.
    pub precision: ProductPrecision,
}

/// A model's kernels.
pub struct CudaKernels {
    /// One line for each launch.
    pub listing: String,
    /// File name and CUDA C++ of each kernel, ready for a compiler.
    pub files: Vec<(String, String)>,
}

impl CudaKernels {
    /// Writes each kernel to a file of a folder, which is created.
    pub fn write(&self, folder: &Path) -> Result<()> {
        std::fs::create_dir_all(folder).map_err(|e| RunError::create_dir(folder, e))?;
        self.files.iter().try_for_each(|(name, text)| write_atomic(&folder.join(name), text.as_bytes()))
    }
}

/// Memory of a GPU in bytes, by npc's own kernels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CudaMemory {
    /// A forward pass of a batch, with the weights.
    pub inference: usize,
    /// A training step of a batch with Adam, with weights and moments.
    pub training: usize,
}

/// Returns the memory of a model for batches of this size; `None` if something has no kernel. It is the same for all precisions.
pub(crate) fn cuda_memory(checked: &CheckedGraph, batch: usize) -> Option<CudaMemory> {
    let plan = plan(checked);
    let [c, h, w] = image_dims(&plan)?;
    let dims = [batch, c, h, w];
    let options = CudaOptions::default();
    let bytes = |program: Result<CudaProgram, Unsupported>, fed: &[BufferRole]| {
        let program = program.ok()?;
        // A batch is copied to a place of its own while the one before is computed.
        let fed = program.buffers.iter().filter(|buffer| fed.contains(&buffer.role)).map(|buffer| 4 * buffer.len);
        Some(fed.sum::<usize>() + arena::place_for_graph(&program).bytes)
    };
    let inference = bytes(lower(&plan, dims, PassMode::Infer, &options), &[BufferRole::Image])?;
    let training =
        bytes(lower_step(&plan, dims, &TrainingStep::default(), &options), &[BufferRole::Image, BufferRole::Targets])?;
    Some(CudaMemory { inference, training })
}

/// Returns channels, height and width of the image that a plan reads.
fn image_dims(plan: &Plan) -> Option<[usize; 3]> {
    let (_, ty) = plan.steps.first()?.outputs.first()?;
    <[usize; 3]>::try_from(ty.shape().dims()).ok()
}

/// Writes the kernels of a model. Errors: the operator or the size that no kernel computes.
pub fn cuda_kernels(checked: &CheckedGraph, request: &CudaRequest) -> Result<CudaKernels> {
    let plan = plan(checked);
    let Some([c, h, w]) = image_dims(&plan) else {
        return Err(problem!(E0751, "{} reads no image", plan.name));
    };
    let options = CudaOptions { precision: request.precision, ..CudaOptions::default() };
    let dims = [request.batch, c, h, w];
    let program = match request.training {
        true => lower_step(&plan, dims, &TrainingStep::default(), &options),
        false => lower(&plan, dims, PassMode::Infer, &options),
    };
    let program = program
        .map_err(|Unsupported(reason)| problem!(E0751, "{reason}"; help: "Burn's operators compute it on a GPU"))?;
    let file = |(i, kernel): (usize, &Kernel)| {
        (format!("{}.{}.{i}.cu", plan.name, kernel.name), format!("{PRELUDE}\n{}", kernel.text))
    };
    Ok(CudaKernels {
        listing: program.to_text(&plan, &arena::place_for_graph(&program)),
        files: program.kernels.iter().enumerate().map(file).collect(),
    })
}
