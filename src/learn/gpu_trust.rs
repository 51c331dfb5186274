//! Trust in a GPU: before a run uses kernels on a card for the first time, they compute a step that the processor computes too.

use super::device_parity::{DeviceParity, compare_with_gpu};
use crate::base::error::Result;
use crate::base::problem::problem;
use crate::compute::cuda::Gpu;
use crate::compute::cuda::driver::CubinCache;
use crate::graph::check::CheckedGraph;
use crate::study::cost::{Convention, count};
use crate::text::config::ProductPrecision;

/// Multiply-accumulates of the step that is compared: seconds on a processor.
const MOST_MACS: u64 = 60_000_000_000;
/// Seed of its weights and images.
const SEED: u64 = 1;
/// What a stamp holds.
const STAMP: &[u8] = b"these kernels agree with the processor";

/// Returns the largest differences of outputs and of gradients that are rounding. With TF32 a number near zero may cross a ReLU, which
/// moves single gradients.
pub(crate) fn rounding_limits(precision: ProductPrecision) -> [f64; 2] {
    match precision {
        ProductPrecision::F32 => [1e-3, 1e-2],
        ProductPrecision::Tf32 => [2e-2, 5e-1],
    }
}

impl DeviceParity {
    /// Returns the tensors that differ by more than rounding, with their differences.
    pub(crate) fn wrong(&self, precision: ProductPrecision) -> Vec<(&str, f64)> {
        let [of_output, of_gradient] = rounding_limits(precision);
        let outputs = [Some(&self.output), self.training_output.as_ref(), Some(&self.loss)].into_iter().flatten();
        let outputs = outputs.filter(|d| d.relative > of_output);
        let gradients = self.gradients.iter().filter(|d| d.relative > of_gradient);
        outputs.chain(gradients).map(|d| (&d.name[..], d.relative)).collect()
    }
}

/// Checks the kernels of a training once for each card, driver and set of kernels; a stamp in the cache of compiled kernels says that it
/// was done. `kernels` tells their texts from all others. Returns a note if it was done now. Errors: the GPU computes something else than
/// the processor (E0733).
pub(crate) fn trust(checked: &CheckedGraph, gpu: &Gpu, kernels: u64, batch: usize) -> Result<Option<String>> {
    let cache = CubinCache::of_user(|name| std::env::var_os(name));
    let key = format!("trust {gpu:?} {kernels:016x}");
    if cache.as_ref().is_some_and(|cache| cache.find(&key).is_some_and(|stamp| stamp == STAMP)) {
        return Ok(None);
    }
    // Forward and backward are three passes.
    let of_image = 3 * count(checked, Convention::Conv).macs;
    let images = usize::try_from(MOST_MACS / of_image.max(1)).unwrap_or(usize::MAX).clamp(1, batch.max(1));
    let found = compare_with_gpu(checked, gpu, images, SEED)?;
    let wrong = found.wrong(gpu.precision);
    if let Some((name, difference)) = wrong.first() {
        let (tensor, percent) = (*name, 100.0 * difference);
        return Err(problem!(
            E0733,
            "{:?} computes something else than the processor: `{tensor}` differs by {percent:.3} %", gpu;
            help: "please report it with the output of `npc selftest FILE --device cuda`";
            help: "train on the CPU: `--device cpu`"
        ));
    }
    if let Some(cache) = cache {
        cache.store(&key, STAMP);
    }
    Ok(Some(format!(
        "gpu: the kernels of this network agree with the processor, here where they run for the first time: {gpu:?}"
    )))
}
