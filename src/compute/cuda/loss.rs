//! The loss of the supervised results as launches: sums over the pixels, the loss of these, and the gradient of the logits.
//!
//! The kernels read logits where the network leaves them and write gradients where the backward pass reads them. The
//! definitions are those of `docs/optimisation.md`; a loss is not finite if any logit is not.

use super::builder::{CudaBuilder, KernelCall, THREADS, whole};
use super::constants::KernelConstants;
use super::loss_terms::LossTerms;
use super::map::DeviceMap;
use super::program::{BufferPlace, BufferRole};
use super::scalars::StepScalars;
use crate::compute::fused::{FusedValueId, Unsupported};
use crate::text::config::LossSpec;

pub(super) const SOFTMAX_OF: &str = include_str!("kernels/loss.cu");
const SUMS: &[&str] = &[SOFTMAX_OF, include_str!("kernels/loss_sums.cu")];
const FINISH: &[&str] = &[include_str!("kernels/loss_finish.cu")];
const GRADIENT: &[&str] = &[SOFTMAX_OF, include_str!("kernels/loss_gradient.cu")];

/// Threads of a block that sums over pixels.
const SUM_THREADS: usize = 128;
/// Sums that such a block adds at once.
const SUMS_AT_ONCE: usize = 8;
/// Runs of pixels that a batch is cut into, if it has enough: the cut follows the shape alone.
const RUNS: usize = 512;
/// Most classes, one byte each beside that of ignored pixels.
pub(super) const MOST_CLASSES: usize = 255;

/// A result that the loss compares with the targets.
#[derive(Debug, Clone, Copy)]
pub(super) struct SupervisedResult {
    pub value: FusedValueId,
    pub weight: f64,
}

/// Adds the launches of the loss and of its gradients. Errors: a term without a kernel, or results that do not fit
/// together.
pub(super) fn loss(b: &mut CudaBuilder, spec: &LossSpec, results: &[SupervisedResult]) -> Result<(), Unsupported> {
    let maps: Vec<DeviceMap> = results.iter().map(|result| b.map(result.value)).collect();
    let dims = maps.first().map_or([0; 4], |map| map.dims);
    if dims[1] == 0 || dims[1] > MOST_CLASSES || maps.iter().any(|map| map.dims != dims) {
        let found: Vec<String> = maps.iter().map(|map| format!("{:?}", map.dims)).collect();
        let found = found.join(", ");
        return Err(Unsupported(format!("loss: no CUDA kernel for results of {found}")));
    }
    let terms = LossTerms::new(spec, dims[1])?;
    let [images, classes, ..] = dims;
    let area = maps[0].area();
    let targets = b.named(BufferRole::Targets, (images * area).div_ceil(4));
    let run = (images * area).div_ceil(RUNS).next_multiple_of(SUM_THREADS);
    let image_blocks = area.div_ceil(run);
    let blocks = images * image_blocks;
    let sizes = |constants: KernelConstants| constants.ints([("IMAGES", images), ("AREA", area)]);

    // Sums are numbers of 64 bits.
    let part_len = 2 * blocks * terms.slots();
    let part = b.temporary(results.len() * part_len);
    for (i, map) in maps.iter().enumerate() {
        let constants = sizes(terms.pixel_constants()).ints([
            ("XP", map.pitch),
            ("RUN", run),
            ("IMAGE_BLOCKS", image_blocks),
            ("SLOTS", terms.slots()),
        ]);
        let call = KernelCall {
            name: "loss_sums",
            sources: SUMS,
            constants,
            threads: SUM_THREADS,
            shared_bytes: SUMS_AT_ONCE * SUM_THREADS * 8,
            has_barriers: true,
            grid: [blocks, classes.div_ceil(4)],
        };
        let to = BufferPlace { buffer: part, offset: i * part_len };
        b.launch(call, vec![map.place(), Some(targets), Some(to)]);
    }

    let slopes_len = terms.pixel_terms() + images * classes * 3;
    let slopes = b.temporary(results.len() * slopes_len);
    let totals = b.temporary(2 * results.len() * images * terms.slots());
    let scalars = b.named(BufferRole::Scalars, StepScalars::WORDS);
    let loss = b.named(BufferRole::Loss, 2 + results.len() * terms.count());
    let weights: Vec<f64> = results.iter().map(|result| result.weight).collect();
    let constants = sizes(terms.term_constants(&weights)).int("IMAGE_BLOCKS", image_blocks);
    let call = KernelCall {
        name: "loss_finish",
        sources: FINISH,
        constants: StepScalars::positions(constants),
        threads: THREADS,
        shared_bytes: (THREADS + results.len() * terms.count()) * 8,
        has_barriers: true,
        grid: [1, 1],
    };
    b.launch(call, vec![whole(part), Some(scalars), whole(totals), Some(loss), whole(slopes)]);

    for (i, (result, map)) in results.iter().zip(&maps).enumerate() {
        if !b.fused.values[result.value].differentiable {
            continue;
        }
        let (into, add) = b.gradient_into(result.value);
        let constants = sizes(terms.pixel_constants())
            .ints([("XP", map.pitch), ("TP", into.pitch), ("C4", into.stored_channels())])
            .flag("ADD", add);
        let call = KernelCall::of_items("loss_gradient", GRADIENT, constants, images * area);
        let slopes = BufferPlace { buffer: slopes, offset: i * slopes_len };
        b.launch(call, vec![map.place(), Some(targets), Some(slopes), into.place()]);
    }
    Ok(())
}
