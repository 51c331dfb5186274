//! The kernels that a GPU would run for a model, as text: no GPU is needed.

use crate::base::atomic::write_atomic;
use crate::base::error::{Result, RunError};
use crate::base::problem::problem;
use crate::compute::cuda::{
    CudaOptions, CudaProgram, Kernel, PRELUDE, ProductPrecision, TrainingStep, arena, lower, lower_step,
};
use crate::compute::fused::{PassMode, Unsupported};
use crate::graph::check::CheckedGraph;
use crate::graph::plan::{Plan, plan};
use crate::text::config::{LossSpec, Optimizer};
use std::collections::BTreeMap;
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

/// The step of a run with one batch a step, the first result supervised, and otherwise the defaults of a `train` block.
fn lower_usual_step(plan: &Plan, dims: [usize; 4], options: &CudaOptions) -> Result<CudaProgram, Unsupported> {
    let step = TrainingStep {
        loss: &LossSpec::default(),
        supervise: &BTreeMap::new(),
        optimizer: &Optimizer::default(),
        clip: None,
        average: None,
        accumulates: false,
        frozen: &|_| false,
    };
    lower_step(plan, dims, &step, options)
}

/// Writes the kernels of a model. Errors: the operator or the size that no kernel computes.
pub fn cuda_kernels(checked: &CheckedGraph, request: &CudaRequest) -> Result<CudaKernels> {
    let plan = plan(checked);
    let image = plan.steps.first().and_then(|step| step.outputs.first()).map(|(_, ty)| ty.shape().dims().to_vec());
    let Some([c, h, w]) = image.and_then(|dims| <[usize; 3]>::try_from(dims).ok()) else {
        return Err(problem!(E0751, "{} reads no image", plan.name));
    };
    let options = CudaOptions { precision: request.precision, ..CudaOptions::default() };
    let dims = [request.batch, c, h, w];
    let program = match request.training {
        true => lower_usual_step(&plan, dims, &options),
        false => lower(&plan, dims, PassMode::Infer, &options),
    };
    let program = program
        .map_err(|Unsupported(reason)| problem!(E0751, "{reason}"; help: "Burn's operators compute it on a GPU"))?;
    let file = |(i, kernel): (usize, &Kernel)| {
        (format!("{}.{}.{i}.cu", plan.name, kernel.name), format!("{PRELUDE}\n{}", kernel.text))
    };
    Ok(CudaKernels {
        listing: program.to_text(&plan, &arena::place(&program)),
        files: program.kernels.iter().enumerate().map(file).collect(),
    })
}
