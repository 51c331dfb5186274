//! Explains a loss, gradient or weight that is NaN or infinite: finds the first node or tensor that is not finite.
//!
//! This runs only after a failure, so it need not be fast: tensors are copied from the device.

use super::optim::AccumulatedGradients;
use crate::base::code::Code;
use crate::base::count::counted;
use crate::base::error::{Result, RunError};
use crate::base::number::thousands;
use crate::base::problem::problem;
use crate::compute::network::Network;
use crate::compute::weights;
use burn::tensor::Tensor;
use std::collections::{BTreeMap, HashMap};

/// Source location of each node, such as `models/net.model:12:5`, by its dotted path in the graph.
pub type NodeLocations = BTreeMap<String, String>;

/// The step and the batch at which a number became NaN or infinite.
pub(crate) struct TrainingLocation<'a> {
    /// Epoch, counted from 1 like `step`.
    pub epoch: usize,
    pub step: u64,
    /// Stems of the images of the batch.
    pub images: Vec<&'a str>,
    pub places: &'a NodeLocations,
}

/// Counts of NaN and infinite numbers of a tensor, and its largest finite magnitude.
#[derive(Debug, Clone, Copy, PartialEq)]
struct TensorStats {
    nan: usize,
    infinite: usize,
    /// Largest magnitude of its finite numbers.
    largest: f32,
}

impl TensorStats {
    fn of<const D: usize>(x: &Tensor<D>) -> Self {
        let data = x.clone().without_autodiff().into_data().convert::<f32>();
        let values = data.try_into_vec::<f32>().unwrap_or_default();
        Self::of_values(&values)
    }

    fn of_values(values: &[f32]) -> Self {
        let mut stats = Self { nan: 0, infinite: 0, largest: 0.0 };
        for v in values {
            match v {
                v if v.is_nan() => stats.nan += 1,
                v if v.is_infinite() => stats.infinite += 1,
                v => stats.largest = stats.largest.max(v.abs()),
            }
        }
        stats
    }

    fn is_finite(self) -> bool {
        self.nan + self.infinite == 0
    }

    /// Formats the counts: `3 NaN and 2 infinite numbers`.
    fn non_finite_counts(self) -> String {
        match (self.nan, self.infinite) {
            (nan, 0) => format!("{} NaN", thousands(nan)),
            (0, infinite) => counted(infinite, "infinite number"),
            (nan, infinite) => format!("{} NaN and {}", thousands(nan), counted(infinite, "infinite number")),
        }
    }
}

impl TrainingLocation<'_> {
    fn describe_node(&self, path: &str) -> String {
        self.places.get(path).map_or_else(|| format!("`{path}`"), |place| format!("`{path}` at {place}"))
    }

    fn epoch_and_step(&self) -> String {
        format!("in epoch {}, step {}", self.epoch, self.step)
    }
}

/// Explains a loss that is not finite: runs the network on the batch `x`, `[n, c, h, w]`, again and reports the first node whose
/// result is not finite. The device must be seeded so that it draws the same random numbers as before.
pub(crate) fn explain_loss(value: f64, network: &Network, x: Tensor<4>, location: &TrainingLocation<'_>) -> RunError {
    let became = format!("training diverged: the loss became {value} {}", location.epoch_and_step());
    // The largest finite number before the failure, which a later node may have overflowed with.
    let (mut largest, mut before) = (0f32, String::new());
    let mut found: Option<(String, &'static str, TensorStats)> = None;
    let results = network.forward_with_burn(x, |step, y| {
        if found.is_some() {
            return;
        }
        let stats = TensorStats::of(y);
        if !stats.is_finite() {
            found = Some((step.path.clone(), step.op.name(), stats));
        } else if stats.largest >= largest {
            (largest, before) = (stats.largest, step.path.clone());
        }
    });
    let Some((path, op, stats)) = found else {
        let magnitudes: Vec<_> = results.iter().map(|r| format!("{:.1e}", TensorStats::of(r).largest)).collect();
        let error = problem!(
            E0732,
            "{became}; the outputs of all nodes are finite";
            help: "the largest magnitudes of the results are {}", magnitudes.join(", ")
        );
        return with_remedies(error, network);
    };
    if op == "input" {
        let images = location.images.join(", ");
        return problem!(E0732, "{became}; the input images contain {}: {images}", stats.non_finite_counts());
    }
    let place = location.describe_node(&path);
    let error = problem!(
        E0732,
        "{became}; the first node with a NaN or infinite output is {place} ({op})";
        help: "its output contains {}", stats.non_finite_counts()
    );
    let error = match before.is_empty() {
        true => error,
        false => error
            .help(format!("the largest number before it is {largest:.1e}, from {}", location.describe_node(&before))),
    };
    with_remedies(error, network)
}

/// Explains a gradient norm that is not finite: reports the first gradient of the backward pass that is not finite.
pub(crate) fn explain_gradient(
    norm: f64,
    gradients: &AccumulatedGradients,
    network: &Network,
    location: &TrainingLocation<'_>,
) -> RunError {
    let became = format!("training diverged: the norm of the gradients became {norm} {}", location.epoch_and_step());
    let by_name: HashMap<&str, &Tensor<1>> = gradients.iter().collect();
    // The backward pass runs from the results to the image, so the last tensor of the model comes first.
    let names = weights::layout(network).into_iter().rev().map(|(name, _)| name);
    let gradient_stats = names.filter_map(|name| Some((by_name.get(name.as_str()).map(|g| TensorStats::of(g))?, name)));
    let error = match gradient_stats.into_iter().find(|(stats, _)| !stats.is_finite()) {
        Some((stats, name)) => {
            let node = name.rsplit_once('.').map_or(name.as_str(), |(node, _)| node);
            problem!(
                E0732,
                "{became}; the first NaN or infinite gradient of the backward pass is that of `{name}`";
                help: "it contains {}, and belongs to {}", stats.non_finite_counts(), location.describe_node(node)
            )
        }
        None => problem!(E0732, "{became}; each gradient is finite, but the sum of their squares overflows 32 bits"),
    };
    with_remedies(error, network)
}

/// Checks that all weights are finite. Errors: the last step made a weight NaN or infinite, before any loss was computed with it.
pub(crate) fn check_weights(network: &Network, epoch: usize, step: u64) -> Result<()> {
    let bad = weights::tensors(network).into_iter().map(|t| (TensorStats::of_values(&t.values), t.name));
    match bad.into_iter().find(|(stats, _)| !stats.is_finite()) {
        None => Ok(()),
        Some((stats, name)) => {
            let counts = stats.non_finite_counts();
            let error = problem!(E0732, "training diverged: step {step} of epoch {epoch} left {counts} in `{name}`");
            Err(with_remedies(error, network))
        }
    }
}

/// Adds the largest weight, and remedies, to an error.
fn with_remedies(error: RunError, network: &Network) -> RunError {
    // Running statistics are left out, since they contain numbers of this batch.
    let mut tensors = weights::tensors(network);
    tensors.retain(|t| !t.name.ends_with(".running_mean") && !t.name.ends_with(".running_var"));
    let weight_stats = tensors.iter().map(|t| (&t.name, TensorStats::of_values(&t.values)));
    let error = match weight_stats.clone().find(|(_, stats)| !stats.is_finite()) {
        Some((name, stats)) => {
            error.help(format!("the weight `{name}` already contains {}", stats.non_finite_counts()))
        }
        None => match weight_stats.max_by(|a, b| a.1.largest.total_cmp(&b.1.largest)) {
            Some((name, stats)) if stats.largest > 1e4 => {
                error.help(format!("the largest weight is {:.1e}, in `{name}`", stats.largest))
            }
            Some(_) | None => error,
        },
    };
    error
        .help("the last checkpoint is from before this step; start another run from its weights with `--init RUN`")
        .help("a lower learning rate (`--set lr=1e-4`) or gradient clipping (`clip = 1`) may help")
}

/// Turns scores after an epoch that are NaN or infinite into the problem of a training that diverged; other errors stay.
pub(crate) fn diverged_scores(error: RunError, epoch: usize) -> RunError {
    if error.code != Code::E0724 {
        return error;
    }
    problem!(
        E0732,
        "training diverged in epoch {epoch}: {}", error.headline();
        help: "start another run with a lower learning rate (`--set lr=1e-4`) or gradient clipping (`clip = 1`)"
    )
}
