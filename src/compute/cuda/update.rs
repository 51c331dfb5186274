//! From the gradients of a batch to new weights as launches, each over all tensors at once.

use super::builder::{CudaBuilder, KernelCall, THREADS, whole};
use super::constants::KernelConstants;
use super::program::{BufferPlace, BufferRole, FlatRegion, StepReport};
use super::scalars::StepScalars;
use crate::text::config::Optimizer;

const FOUR: &str = include_str!("kernels/four.cu");
const ACCUMULATE: &[&str] = &[FOUR, include_str!("kernels/accumulate.cu")];
const SQUARE_SUMS: &[&str] = &[FOUR, include_str!("kernels/square_sums.cu")];
const GRADIENT_NORM: &[&str] = &[include_str!("kernels/gradient_norm.cu")];
const AVERAGE: &str = include_str!("kernels/average.cu");
const UPDATE: &str = include_str!("kernels/update.cu");
const ADAM: &[&str] = &[FOUR, AVERAGE, include_str!("kernels/adam.cu"), UPDATE];
const SGD: &[&str] = &[FOUR, AVERAGE, include_str!("kernels/sgd.cu"), UPDATE];
const STATISTICS: &[&str] = &[FOUR, AVERAGE, include_str!("kernels/statistics.cu")];

/// Runs of numbers that the norm is summed over, if there are enough.
const RUNS: usize = 512;
/// Fewest numbers of a run.
const SHORTEST_RUN: usize = 4096;

/// How weights move.
#[derive(Debug, Clone, Copy)]
pub(super) struct WeightUpdate<'a> {
    pub optimizer: &'a Optimizer,
    pub clip: Option<f64>,
    /// Decay of the moving average; `None` keeps none.
    pub average: Option<f64>,
}

/// A kernel with a thread for each four of `len` numbers of a region.
fn of_region(
    name: &'static str,
    sources: &'static [&'static str],
    constants: KernelConstants,
    len: usize,
    average: Option<f64>,
) -> KernelCall {
    let constants = StepScalars::positions(constants)
        .int("LEN", len)
        .flag("AVERAGES", average.is_some())
        .number("AVERAGE_DECAY", average.unwrap_or_default())
        .number("AVERAGE_SHARE", 1.0 - average.unwrap_or_default());
    KernelCall::of_items(name, sources, constants, len / 4)
}

fn region(b: &mut CudaBuilder, region: FlatRegion, len: usize) -> Option<BufferPlace> {
    Some(b.named(BufferRole::Region(region), len))
}

/// Adds the gradients of a batch to those of the step.
pub(super) fn accumulate(b: &mut CudaBuilder, scalars: BufferPlace, len: usize) {
    let call = of_region("accumulate", ACCUMULATE, KernelConstants::new(), len, None);
    let gradients = region(b, FlatRegion::Gradients, len);
    let sums = region(b, FlatRegion::GradientSums, len);
    b.launch(call, vec![gradients, Some(scalars), sums]);
}

/// Moves the weights by the gradients in a region, and the running statistics of the step with them.
pub(super) fn update(b: &mut CudaBuilder, rule: WeightUpdate, gradients: FlatRegion, scalars: BufferPlace, len: usize) {
    let gradients = region(b, gradients, len);
    let report = Some(b.named(BufferRole::Report, StepReport::LEN));
    norm(b, rule, gradients, report, len);

    let constants = KernelConstants::new().flag("CLIPS", rule.clip.is_some());
    let (sources, constants) = match *rule.optimizer {
        Optimizer::Adam { lr: _, beta1, beta2, epsilon, weight_decay } => {
            (ADAM, adam(constants, [beta1, beta2, epsilon, weight_decay]))
        }
        // The decay of AdamW is a factor of the weights, among the scalars.
        Optimizer::AdamW { lr: _, beta1, beta2, epsilon, weight_decay: _ } => {
            (ADAM, adam(constants, [beta1, beta2, epsilon, 0.0]))
        }
        Optimizer::Sgd { lr: _, momentum, nesterov, weight_decay } => {
            let constants = constants.flag("CARRIES", momentum != 0.0).flag("NESTEROV", nesterov);
            (SGD, decays(constants, weight_decay).number("MOMENTUM", momentum))
        }
    };
    let call = of_region("update", sources, constants, len, rule.average);
    let weights = region(b, FlatRegion::Weights, len);
    let moments = rule.optimizer.state().len();
    let [first, second] = [0, 1].map(|i| if i < moments { region(b, FlatRegion::Moment(i), len) } else { None });
    let average = rule.average.and_then(|_| region(b, FlatRegion::Average, len));
    b.launch(call, vec![gradients, Some(scalars), report, weights, first, second, average]);
    statistics(b, rule, scalars, report);
}

fn decays(constants: KernelConstants, decay: f64) -> KernelConstants {
    constants.flag("DECAYS", decay != 0.0).number("DECAY", decay)
}

fn adam(constants: KernelConstants, [beta1, beta2, epsilon, decay]: [f64; 4]) -> KernelConstants {
    decays(constants, decay)
        .number("FIRST_SHARE", 1.0 - beta1)
        .number("SECOND_DECAY", beta2)
        .number("SECOND_SHARE", 1.0 - beta2)
        .number("EPSILON", epsilon)
}

/// Finds the norm of the gradients, the factor that clips them, and whether the step is to be made.
fn norm(
    b: &mut CudaBuilder,
    rule: WeightUpdate,
    gradients: Option<BufferPlace>,
    report: Option<BufferPlace>,
    len: usize,
) {
    let run = len.div_ceil(RUNS).max(SHORTEST_RUN).next_multiple_of(4);
    let runs = len.div_ceil(run);
    // Sums are numbers of 64 bits.
    let part = b.temporary(2 * runs);
    let summing = |name, sources, constants, grid| KernelCall {
        name,
        sources,
        constants,
        threads: THREADS,
        shared_bytes: THREADS * 8,
        has_barriers: true,
        grid,
    };
    let constants = KernelConstants::new().ints([("LEN", len), ("RUN", run)]);
    b.launch(summing("square_sums", SQUARE_SUMS, constants, [runs, 1]), vec![gradients, whole(part)]);
    let constants = KernelConstants::new()
        .int("RUNS", runs)
        .flag("CLIPS", rule.clip.is_some())
        .number("MOST", rule.clip.unwrap_or_default());
    let loss = b.existing(&BufferRole::Loss);
    b.launch(summing("gradient_norm", GRADIENT_NORM, constants, [1, 1]), vec![whole(part), loss, report]);
}

/// Makes the running statistics after the last batch those of the step.
fn statistics(b: &mut CudaBuilder, rule: WeightUpdate, scalars: BufferPlace, report: Option<BufferPlace>) {
    let len = b.layout.statistics.len;
    if len == 0 {
        return;
    }
    let [pending, running] = [FlatRegion::PendingStatistics, FlatRegion::Statistics].map(|kind| region(b, kind, len));
    let average = rule.average.and_then(|_| region(b, FlatRegion::AverageStatistics, len));
    let call = of_region("statistics", STATISTICS, KernelConstants::new(), len, rule.average);
    b.launch(call, vec![pending, Some(scalars), report, running, average]);
}
