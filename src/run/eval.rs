//! Scoring: what a run needs before its first batch, and predictions against ground truth.
//!
//! Scores are computed at the data block's size, where the network works; `docs/metrics.md` says why.

use super::checkpoint;
use super::data::{Dataset, Loader, Role};
use super::device::{self, DeviceChoice};
use super::error::{Result, RunError};
use super::folder::Folder;
use super::lower::lower;
use super::metric::{self, CaseScore, Summary};
use super::network::Network;
use super::train::images;
use crate::check::Checked;
use crate::recipe::DataSpec;
use crate::recipe::settings::Settings;
use crate::ty::Shape;
use burn::module::Module;
use burn::tensor::{Device, Tensor};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A device and a data set that fit a model.
pub struct Prepared {
    pub device: Device,
    pub data: Arc<Dataset>,
}

/// Opens device and data, and refuses what cannot work before the first batch.
pub fn prepare(checked: &Checked, settings: &Settings) -> Result<Prepared> {
    fits(checked, settings)?;
    let choice: DeviceChoice = settings.device.parse().map_err(RunError::new)?;
    let device = device::open(choice)?;
    let data = Dataset::open(&settings.data, Path::new(&settings.data_root))?;
    Ok(Prepared { device, data: Arc::new(data) })
}

/// Model and data block against each other.
pub fn fits(checked: &Checked, settings: &Settings) -> Result<()> {
    let name = &checked.graph().name;
    let weights = &settings.train.supervise;
    let data = &settings.data;
    if let Some(unknown) = weights.keys().find(|w| checked.results().all(|(n, _)| n != *w)) {
        let known: Vec<_> = checked.results().map(|(n, _)| n).collect();
        return Err(RunError::new(format!("`{name}` has no result `{unknown}` to supervise"))
            .help(format!("it gives {}", known.join(", "))));
    }
    if !weights.is_empty() && weights.values().all(|&w| w <= 0.0) {
        return Err(RunError::new(format!("no result of `{name}` has a weight above 0 in `supervise`")));
    }
    // The first result is what is scored and predicted.
    for (i, (result, shape)) in checked.results().enumerate() {
        if i == 0 || weights.contains_key(result) {
            result_fits(name, (checked.graph().results.len() > 1).then_some(result), shape, data)?;
        }
    }
    if !matches!(checked.input().channels(), 1 | 3) {
        let message = format!("`{name}` takes {} channels; images have 1 or 3", checked.input().channels());
        return Err(RunError::new(message));
    }
    Ok(())
}

/// One class a channel, one score a pixel.
fn result_fits(model: &str, result: Option<&str>, output: &Shape, data: &DataSpec) -> Result<()> {
    let what = result.map_or(format!("`{model}`"), |name| format!("result `{name}` of `{model}`"));
    let classes = data.classes.len();
    if output.channels() != classes {
        let message =
            format!("{what} gives {} channels, data `{}` has {classes} classes", output.channels(), data.name);
        return Err(
            RunError::new(message).help(format!("set the model's class count: `--set model.classes={classes}`"))
        );
    }
    if output.spatial() != Some(data.size) {
        let message = format!("{what} gives a map {output} for images of {:?}", data.size);
        let help = match result {
            None => "end the model with `|> resize(to = x)`",
            Some(_) => "end this result with `|> resize(to = x)`",
        };
        return Err(RunError::new(message).help(help));
    }
    Ok(())
}

/// Refuses data whose split is not the one that the run folder holds: with other files a random split is dealt anew, and
/// images that were trained on would be scored.
pub fn same_split(data: &Dataset, folder: &Folder) -> Result<()> {
    for role in [Role::Train, Role::Val, Role::Test] {
        let path = folder.split(role);
        let Ok(text) = std::fs::read_to_string(&path) else { continue };
        let stems = data.cases(role).iter().map(|case| case.stem.as_str());
        if !text.lines().eq(stems) {
            let error = RunError::at(&path, "the split of the run is not the one that these images give");
            return Err(error.help("were images added or taken away, or is --data-root another folder?"));
        }
    }
    Ok(())
}

/// The network of a run folder with its best weights, ready to predict.
pub fn load(checked: &Checked, folder: &Folder, device: &Device) -> Result<Network> {
    let path = folder.checkpoint()?;
    checkpoint::load_weights(&path, lower(checked, device, 0))
}

/// Class of each pixel: `[n, k, h, w]` scores to `n * h * w` indices.
pub fn classes(scores: Tensor<4>) -> Result<Vec<u8>> {
    let data = scores.argmax(1).into_data().convert::<i64>();
    let values = data.try_into_vec::<i64>().map_err(|e| RunError::new(format!("the device gave no numbers: {e:?}")))?;
    Ok(values.into_iter().map(|k| k as u8).collect())
}

/// Scores of every case of a role in order. `None` when stopped.
pub fn score_all(
    network: &Network,
    loader: &Loader,
    data: &Dataset,
    role: Role,
    batch: usize,
    stop: &AtomicBool,
) -> Result<Option<Vec<CaseScore>>> {
    let cases = data.cases(role);
    let mut scores = Vec::with_capacity(cases.len());
    for batch in loader.batches((0..cases.len()).collect(), batch, false) {
        let batch = batch?;
        let predicted = classes(network.forward(images(&batch, network.device())).remove(0))?;
        let pixels = batch.shape[2] * batch.shape[3];
        for (i, &case) in batch.cases.iter().enumerate() {
            let at = i * pixels..(i + 1) * pixels;
            let counts = metric::score(&predicted[at.clone()], &batch.targets[at], data.spec().classes.len())?;
            scores.push(CaseScore::new(&cases[case].stem, counts));
        }
        if stop.load(Ordering::Relaxed) {
            return Ok(None);
        }
    }
    Ok(Some(scores))
}

/// Scores a run on one split.
pub fn evaluate(
    checked: &Checked,
    settings: &Settings,
    folder: &Folder,
    role: Role,
    stop: &AtomicBool,
) -> Result<(Summary, Vec<CaseScore>)> {
    let Prepared { device, data } = prepare(checked, settings)?;
    same_split(&data, folder)?;
    if data.is_empty(role) {
        return Err(RunError::new(format!("the split has no {role:?} images")));
    }
    let network = load(checked, folder, &device)?.valid();
    let loader = Loader::new(Arc::clone(&data), role, checked.input().channels());
    let cases = score_all(&network, &loader, &data, role, settings.train.batch, stop)?
        .ok_or_else(|| RunError::new("interrupted"))?;
    Ok((Summary::new(&cases, &data.spec().classes)?, cases))
}
