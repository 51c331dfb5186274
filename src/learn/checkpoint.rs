//! Checkpoints: the complete state of training in one safetensors file.
//!
//! A checkpoint holds `model.*`, the weights that are scored, with PyTorch's names and layouts; `raw.*`, the weights that the
//! optimiser updates, if `model.*` is an average; the optimiser's state (`adam.first.*`, `adam.second.*`, `sgd.momentum.*`),
//! flattened in Burn's element order; and under the metadata key `npc` a JSON object with [`CheckpointMeta`] and the optimiser's
//! step. Floats in the metadata are written as text that reads back to the same bits, so that a resumed run continues exactly.
//!
//! The checkpoints of best scores hold `model.*` and the metadata alone ([`save_weights`]).
//!
//! Invariant: a checkpoint is loaded completely, into the model that it was saved from, or rejected.

use super::optim::OptimState;
use super::run_folder::EpochRecord;
use super::weights_origin::WeightsOrigin;
use crate::base::error::{Result, RunError};
use crate::base::problem::problem;
use crate::base::shorten::short_name;
use crate::compute::network::Network;
use crate::compute::weights::{self, NamedTensor};
use crate::text::config::Optimizer;
use burn::module::Module;
use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;

/// Progress of training.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct CheckpointMeta {
    /// Name of the model or variant.
    pub model: String,
    /// Number of finished epochs.
    pub epoch: usize,
    /// Number of finished optimiser steps.
    pub step: u64,
    /// Best value by metric.
    pub best: BTreeMap<String, BestScore>,
    /// Number of images of the unfinished epoch that were trained on.
    pub seen: u64,
    /// Sum of their losses.
    #[serde(with = "exact")]
    pub loss_sum: f64,
    /// Sum of the gradient norms of its steps.
    #[serde(with = "exact", default)]
    pub norm_sum: f64,
    /// Training time of the unfinished epoch in seconds.
    #[serde(with = "exact")]
    pub epoch_seconds: f64,
    /// Time of the finished epochs in seconds.
    #[serde(with = "exact")]
    pub seconds: f64,
    /// The lines of `metrics.jsonl` of the finished epochs; a resumed run rewrites the file from them.
    #[serde(default)]
    pub records: Vec<EpochRecord>,
    /// What the weights rest on.
    #[serde(default)]
    pub origin: WeightsOrigin,
}

/// Best value of a metric and its epoch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BestScore {
    #[serde(with = "exact")]
    pub value: f64,
    pub epoch: usize,
}

/// The JSON object under the metadata key `npc`.
#[derive(Serialize, Deserialize)]
struct CheckpointHeader {
    format: u32,
    /// Fingerprint of the model's tensor names and shapes.
    fingerprint: String,
    optimizer_steps: u64,
    #[serde(flatten)]
    meta: CheckpointMeta,
}

/// Help for a checkpoint of another optimiser.
const SAME_OPTIMISER: &str = "resume with the optimiser that the run was started with";
const FORMAT: u32 = 1;
const KEY: &str = "npc";
const MODEL: &str = "model.";
const RAW: &str = "raw.";

/// The state that is written to a checkpoint.
pub struct CheckpointState<'a> {
    /// The network that the optimiser updates.
    pub network: &'a Network,
    /// The average of its weights, if the run keeps one.
    pub average: Option<&'a Network>,
    pub optim: &'a OptimState,
    pub meta: &'a CheckpointMeta,
}

/// The state that was read from a checkpoint.
#[derive(Debug)]
pub struct LoadedCheckpoint {
    pub network: Network,
    /// The average of the weights, in evaluation mode.
    pub average: Option<Network>,
    pub optim: OptimState,
    pub meta: CheckpointMeta,
}

/// Returns the tensors of a network under names that begin with `prefix`.
fn named_tensors(network: &Network, prefix: &'static str) -> impl Iterator<Item = NamedTensor> {
    weights::tensors(network).into_iter().map(move |t| NamedTensor { name: format!("{prefix}{}", t.name), ..t })
}

/// Writes a checkpoint atomically.
pub fn save(path: &Path, state: &CheckpointState<'_>) -> Result<()> {
    let &CheckpointState { network, average, optim, .. } = state;
    let mut tensors: Vec<_> = named_tensors(average.unwrap_or(network), MODEL).collect();
    if average.is_some() {
        tensors.extend(named_tensors(network, RAW));
    }
    for (name, moments) in &optim.moments {
        for (kind, moment) in optim.optimizer.state().iter().zip(moments) {
            tensors.push(NamedTensor::new(format!("{kind}.{name}"), moment.clone()));
        }
    }
    write(path, state, &tensors)
}

/// Writes the weights that are scored, and the progress of training, atomically. Such a file is evaluated and begun with; it is
/// not resumed, which needs the state of the optimiser.
pub(crate) fn save_weights(path: &Path, state: &CheckpointState<'_>) -> Result<()> {
    let tensors: Vec<_> = named_tensors(state.average.unwrap_or(state.network), MODEL).collect();
    write(path, state, &tensors)
}

fn write(path: &Path, state: &CheckpointState<'_>, tensors: &[NamedTensor]) -> Result<()> {
    let &CheckpointState { network, optim, meta, .. } = state;
    let fingerprint = weights::fingerprint(network);
    let header = CheckpointHeader { format: FORMAT, fingerprint, optimizer_steps: optim.steps, meta: meta.clone() };
    let header = serde_json::to_string(&header)
        .map_err(|error| problem!(E0799, path, "cannot write the training state as JSON: {error}"))?;
    weights::write_safetensors(path, tensors, &BTreeMap::from([(KEY.to_string(), header)]))
}

/// Loads a checkpoint's weights into `network`, and returns them with the optimiser's state and the progress of training.
/// `optimizer` is the rule to continue with; the file holds only its state.
pub fn load(path: &Path, network: Network, optimizer: Optimizer) -> Result<LoadedCheckpoint> {
    let CheckpointContents { header, model, raw, state } = read_contents(path)?;
    check_counters(path, &header)?;
    let (network, average) = match raw.is_empty() {
        true => (load_into(path, network, model, &header)?, None),
        false => {
            let average = load_into(path, network.valid(), model, &header)?;
            (load_into(path, network, raw, &header)?, Some(average))
        }
    };
    let optim = load_optimiser_state(path, &network, optimizer, header.optimizer_steps, state)?;
    Ok(LoadedCheckpoint { network, average, optim, meta: header.meta })
}

/// Checks that the counters are those of a run, so that arithmetic on them cannot overflow.
fn check_counters(path: &Path, CheckpointHeader { optimizer_steps, meta, .. }: &CheckpointHeader) -> Result<()> {
    const MOST: u64 = 1 << 48;
    let counters = [
        ("epochs", meta.epoch as u64),
        ("steps", meta.step),
        ("steps of the optimiser", *optimizer_steps),
        ("images of the epoch", meta.seen),
    ];
    let sums = [meta.loss_sum, meta.norm_sum, meta.epoch_seconds, meta.seconds];
    let what = match counters.into_iter().find(|(_, n)| *n > MOST) {
        Some((name, n)) => format!("{n} {name}"),
        None if sums.iter().any(|x| !x.is_finite()) => "a sum that is not finite".into(),
        None => return Ok(()),
    };
    Err(problem!(
        E0703,
        path,
        "the training state is damaged: it holds {what}";
        help: "restore the file from a copy, or train the run again"
    ))
}

/// Flattened tensors of the optimiser, by tensor name and kind.
type OptimiserTensors = BTreeMap<String, BTreeMap<&'static str, Vec<f32>>>;

/// Restores the optimiser's state. Errors: the state belongs to another optimiser or another network.
fn load_optimiser_state(
    path: &Path,
    network: &Network,
    optimizer: Optimizer,
    steps: u64,
    state: OptimiserTensors,
) -> Result<OptimState> {
    let sizes: BTreeMap<String, usize> =
        weights::layout(network).into_iter().map(|(name, shape)| (name, shape.iter().product())).collect();
    let device = network.device().clone().without_autodiff();
    let (rule, kinds) = (optimizer.name(), optimizer.state());
    let mut moments = BTreeMap::new();
    for (name, mut found) in state {
        let mut tensors = Vec::new();
        for kind in kinds {
            let values = found.remove(*kind).ok_or_else(|| {
                problem!(E0723, path, "`{kind}` of `{name}` is missing, but `{rule}` needs it"; help: "{SAME_OPTIMISER}")
            })?;
            if sizes.get(&name) != Some(&values.len()) {
                return Err(problem!(E0720, path, "`{kind}` of `{name}` does not fit the model"));
            }
            if values.iter().any(|value| !value.is_finite()) {
                return Err(problem!(E0724, path, "`{kind}` of `{name}` holds numbers that are NaN or infinite"));
            }
            tensors.push(Tensor::<1>::from_data(burn::tensor::TensorData::from(&values[..]), &device));
        }
        if let Some(kind) = found.keys().next() {
            return Err(problem!(
                E0723,
                path,
                "contains `{kind}` of `{name}`, which `{rule}` does not use";
                help: "{SAME_OPTIMISER}"
            ));
        }
        moments.insert(name, tensors);
    }
    if !kinds.is_empty() && moments.is_empty() && steps > 0 {
        return Err(problem!(E0723, path, "contains no state of `{rule}`"; help: "{SAME_OPTIMISER}"));
    }
    Ok(OptimState { optimizer, steps, moments })
}

/// Loads the weights of a checkpoint, or of a plain file of weights, into `network`, for evaluation and prediction.
pub fn load_weights(path: &Path, network: Network) -> Result<Network> {
    let (tensors, metadata) = weights::read_safetensors(path)?;
    if metadata.contains_key(KEY) && tensors.iter().any(|t| t.name.starts_with(MODEL)) {
        let CheckpointContents { header, model, .. } = split_contents(path, tensors, &metadata)?;
        return load_into(path, network, model, &header);
    }
    weights::load(network, tensors).map_err(|error| RunError { path: Some(path.to_path_buf()), ..error })
}

/// Reads the tensors of a file of weights for [`super::init`], and returns whether they are in the order of declaration. For a
/// checkpoint these are the weights that are scored. Tensors of other tools are rejected or left out as in
/// [`weights::read_safetensors`].
pub(crate) fn read_weights(path: &Path) -> Result<(Vec<NamedTensor>, bool)> {
    let (mut tensors, metadata) = weights::read_safetensors_in_order(path)?;
    if metadata.contains_key(KEY) && tensors.iter().any(|t| t.name.starts_with(MODEL)) {
        tensors.retain(|t| t.name.starts_with(MODEL));
        tensors.iter_mut().for_each(|t| drop(t.name.drain(..MODEL.len())));
        return Ok((tensors, true));
    }
    // Other writers sort by name, so sorted tensors do not show the order of declaration.
    let sorted = tensors.is_sorted_by(|a, b| a.name <= b.name);
    Ok((tensors, !sorted || metadata.contains_key("model")))
}

/// The tensors of a checkpoint by their purpose.
struct CheckpointContents {
    header: CheckpointHeader,
    model: Vec<NamedTensor>,
    raw: Vec<NamedTensor>,
    /// State of the optimiser, by tensor name and kind.
    state: OptimiserTensors,
}

fn read_contents(path: &Path) -> Result<CheckpointContents> {
    let (tensors, metadata) = weights::read_safetensors(path)?;
    split_contents(path, tensors, &metadata)
}

fn split_contents(
    path: &Path,
    tensors: Vec<NamedTensor>,
    metadata: &BTreeMap<String, String>,
) -> Result<CheckpointContents> {
    let Some(text) = metadata.get(KEY) else {
        return Err(problem!(
            E0723,
            path,
            "contains tensors but no training state";
            help: "resume from a checkpoint that `npc train` wrote; a file that has only weights can be evaluated, not resumed"
        ));
    };
    let header: CheckpointHeader =
        serde_json::from_str(text).map_err(|error| problem!(E0703, path, "cannot read the training state: {error}"))?;
    if header.format != FORMAT {
        return Err(problem!(
            E0704,
            path,
            "unsupported checkpoint format {}; this npc reads format {FORMAT}",
            header.format
        ));
    }
    let mut contents = CheckpointContents { header, model: Vec::new(), raw: Vec::new(), state: BTreeMap::new() };
    for mut tensor in tensors {
        let name = std::mem::take(&mut tensor.name);
        if let Some(name) = name.strip_prefix(MODEL) {
            contents.model.push(NamedTensor { name: name.to_string(), ..tensor });
        } else if let Some(name) = name.strip_prefix(RAW) {
            contents.raw.push(NamedTensor { name: name.to_string(), ..tensor });
        } else if let Some((kind, name)) = parse_state_name(&name) {
            contents.state.entry(name.to_string()).or_default().insert(kind, tensor.values);
        } else {
            return Err(problem!(E0703, path, "unexpected tensor `{}` in a checkpoint", short_name(&name)));
        }
    }
    Ok(contents)
}

/// Splits `adam.first.s.1.conv.weight` into the kind of state and the tensor's name.
fn parse_state_name(name: &str) -> Option<(&'static str, &str)> {
    let kinds = Optimizer::STATES.iter();
    kinds.copied().find_map(|kind| Some((kind, name.strip_prefix(kind)?.strip_prefix('.')?)))
}

fn load_into(path: &Path, network: Network, model: Vec<NamedTensor>, header: &CheckpointHeader) -> Result<Network> {
    let name = network.plan().name.clone();
    weights::load(network, model).map_err(|mut error| {
        error.path = Some(path.to_path_buf());
        if header.meta.model != name {
            error.help.push(format!("the file was saved from `{}`, this model is `{name}`", header.meta.model));
        }
        error
    })
}

/// Serializes a float as the shortest text that reads back to the same bits.
mod exact {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(value: &f64, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&format!("{value:?}"))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
        String::deserialize(from)?.parse().map_err(D::Error::custom)
    }
}
