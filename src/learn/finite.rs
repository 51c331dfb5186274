//! Why a loss or a gradient is no number: the first node, result or gradient that is not finite, by name and place.
//!
//! Runs after something went wrong and only then, so it may take its time: tensors are read off the device.

use super::optim::Accumulated;
use crate::base::error::{Result, RunError};
use crate::compute::network::Network;
use crate::compute::weights;
use burn::tensor::Tensor;
use std::collections::{BTreeMap, HashMap};

/// Where each node is written, `models/net.model:12:5`, by its dotted path in the graph.
pub type Places = BTreeMap<String, String>;

/// Where in a run it happened.
pub(crate) struct Moment<'a> {
    /// Counted from 1, as is `step`.
    pub epoch: usize,
    pub step: u64,
    /// Names of the images of the batch.
    pub images: Vec<&'a str>,
    pub places: &'a Places,
}

/// What a tensor holds.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Extent {
    nan: usize,
    infinite: usize,
    /// Largest magnitude of the finite numbers.
    largest: f32,
}

impl Extent {
    fn of<const D: usize>(x: &Tensor<D>) -> Self {
        let data = x.clone().without_autodiff().into_data().convert::<f32>();
        let values = data.try_into_vec::<f32>().unwrap_or_default();
        Self::values(&values)
    }

    fn values(values: &[f32]) -> Self {
        let mut extent = Self { nan: 0, infinite: 0, largest: 0.0 };
        for v in values {
            match v {
                v if v.is_nan() => extent.nan += 1,
                v if v.is_infinite() => extent.infinite += 1,
                v => extent.largest = extent.largest.max(v.abs()),
            }
        }
        extent
    }

    fn finite(self) -> bool {
        self.nan + self.infinite == 0
    }

    /// `3 NaN and 2 infinite numbers`.
    fn text(self) -> String {
        match (self.nan, self.infinite) {
            (nan, 0) => format!("{nan} NaN"),
            (0, infinite) => format!("{infinite} infinite numbers"),
            (nan, infinite) => format!("{nan} NaN and {infinite} infinite numbers"),
        }
    }
}

impl Moment<'_> {
    fn place(&self, path: &str) -> String {
        self.places.get(path).map_or_else(|| format!("`{path}`"), |place| format!("`{path}` at {place}"))
    }

    fn when(&self) -> String {
        format!("in epoch {}, step {}", self.epoch, self.step)
    }
}

/// The loss of a batch `x` is not finite: runs the network once more and says which step is the first whose result is not
/// finite. The device must draw the same random numbers as before. `x` is `[n, c, h, w]`.
pub(crate) fn loss(value: f64, network: &Network, x: Tensor<4>, moment: &Moment<'_>) -> RunError {
    let became = format!("the loss became {value} {}", moment.when());
    // The largest number so far: what a later step overflowed with.
    let (mut largest, mut before) = (0f32, String::new());
    let mut found: Option<(String, &'static str, Extent)> = None;
    let results = network.walk(x, |step, y| {
        if found.is_some() {
            return;
        }
        let extent = Extent::of(y);
        if !extent.finite() {
            found = Some((step.path.clone(), step.op.name(), extent));
        } else if extent.largest >= largest {
            (largest, before) = (extent.largest, step.path.clone());
        }
    });
    let Some((path, op, extent)) = found else {
        let extents: Vec<_> = results.iter().map(|r| format!("{:e}", Extent::of(r).largest)).collect();
        let error = RunError::new(format!("{became}; every node of the network is finite"));
        return remedies(error.help(format!("the results reach {}", extents.join(", "))), network);
    };
    if op == "input" {
        let images = moment.images.join(", ");
        return RunError::new(format!("{became}; the images themselves hold {}: {images}", extent.text()));
    }
    let place = moment.place(&path);
    let error = RunError::new(format!("{became}; the first node that is not finite is {place} ({op})"));
    let error = error.help(format!("it gives {}", extent.text()));
    let error = match before.is_empty() {
        true => error,
        false => error.help(format!("the largest number before it is {largest:e}, from {}", moment.place(&before))),
    };
    remedies(error, network)
}

/// The norm of the gradients is not finite: says which gradient is the first on the way back that is not.
pub(crate) fn gradient(norm: f64, gradients: &Accumulated, network: &Network, moment: &Moment<'_>) -> RunError {
    let became = format!("the norm of the gradients became {norm} {}", moment.when());
    let by_name: HashMap<&str, &Tensor<1>> = gradients.iter().collect();
    // Backward runs from the results to the image: the last tensor in the order of the model comes first.
    let names = weights::layout(network).into_iter().rev().map(|(name, _)| name);
    let extents = names.filter_map(|name| Some((by_name.get(name.as_str()).map(|g| Extent::of(g))?, name)));
    let error = match extents.into_iter().find(|(extent, _)| !extent.finite()) {
        Some((extent, name)) => {
            let node = name.rsplit_once('.').map_or(name.as_str(), |(node, _)| node);
            let error = RunError::new(format!("{became}; going back, the first that is not finite is of `{name}`"));
            error.help(format!("it holds {}, and belongs to {}", extent.text(), moment.place(node)))
        }
        None => RunError::new(format!("{became}; each is finite, their squares add up to more than 32 bits hold")),
    };
    remedies(error, network)
}

/// Refuses weights that are not finite: the step before moved them there, and no loss has met them yet.
pub(crate) fn weights(network: &Network, epoch: usize, step: u64) -> Result<()> {
    let bad = weights::tensors(network).into_iter().map(|t| (Extent::values(&t.values), t.name));
    match bad.into_iter().find(|(extent, _)| !extent.finite()) {
        None => Ok(()),
        Some((extent, name)) => {
            let message = format!("step {step} of epoch {epoch} left {} in `{name}`", extent.text());
            Err(remedies(RunError::new(message), network))
        }
    }
}

/// Says how large the weights have grown, and what can be done.
fn remedies(error: RunError, network: &Network) -> RunError {
    // Running statistics have met the numbers of this very batch.
    let mut tensors = weights::tensors(network);
    tensors.retain(|t| !t.name.ends_with(".running_mean") && !t.name.ends_with(".running_var"));
    let extents = tensors.iter().map(|t| (&t.name, Extent::values(&t.values)));
    let error = match extents.clone().find(|(_, e)| !e.finite()) {
        Some((name, extent)) => error.help(format!("`{name}` holds {} already", extent.text())),
        None => match extents.max_by(|a, b| a.1.largest.total_cmp(&b.1.largest)) {
            Some((name, extent)) if extent.largest > 1e4 => {
                error.help(format!("the largest weight is {:e}, in `{name}`", extent.largest))
            }
            Some(_) | None => error,
        },
    };
    error
        .help("the last checkpoint is from before this step; `--init RUN` starts another run from its weights")
        .help("a lower learning rate (`--set lr=1e-4`) or `clip = 1` may help")
}
