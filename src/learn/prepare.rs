//! Opens device and data set of a run, and checks that the model fits them.

use super::run_folder::RunFolder;
use crate::base::error::Result;
use crate::base::file;
use crate::base::problem::problem;
use crate::compute::device::{self, DeviceChoice};
use crate::data::{Dataset, SplitRole};
use crate::graph::check::CheckedGraph;
use crate::graph::ty::Shape;
use crate::text::config::DataSpec;
use crate::text::config::settings::Settings;
use burn::tensor::Device;
use std::path::Path;
use std::sync::Arc;

/// A device and a data set that fit a model.
pub(crate) struct RunInputs {
    pub device: Device,
    pub data: Arc<Dataset>,
}

/// Opens device and data set. Errors: the model does not fit the data, or device or data cannot be opened.
pub(crate) fn prepare(checked: &CheckedGraph, settings: &Settings) -> Result<RunInputs> {
    check_model_fits_data(checked, settings)?;
    let choice: DeviceChoice = settings.device.parse().map_err(|e: String| problem!(E0730, "{e}"))?;
    let device = device::open(choice)?;
    let data = Dataset::open(&settings.data, Path::new(&settings.data_root))?;
    Ok(RunInputs { device, data: Arc::new(data) })
}

/// Checks that the model fits the data block: results, classes, sizes and input channels.
pub(crate) fn check_model_fits_data(checked: &CheckedGraph, settings: &Settings) -> Result<()> {
    let name = &checked.graph().name;
    let weights = &settings.train.supervise;
    let data = &settings.data;
    if let Some(unknown) = weights.keys().find(|w| checked.results().all(|(n, _)| n != *w)) {
        let known: Vec<_> = checked.results().map(|(n, _)| n).collect();
        return Err(problem!(
            E0717,
            "`{name}` has no result `{unknown}` to supervise";
            help: "its results are {}", known.join(", ")
        ));
    }
    if !weights.is_empty() && weights.values().all(|&w| w <= 0.0) {
        return Err(problem!(E0717, "no result of `{name}` has a weight above 0 in `supervise`"));
    }
    // The first result is used for scores and prediction.
    for (i, (result, shape)) in checked.results().enumerate() {
        if i == 0 || weights.contains_key(result) {
            check_result(name, (checked.graph().results.len() > 1).then_some(result), shape, data)?;
        }
    }
    if !matches!(checked.input().channels(), 1 | 3) {
        let channels = checked.input().channels();
        return Err(problem!(E0716, "`{name}` has {channels} input channels, but images have 1 or 3"));
    }
    Ok(())
}

/// Checks that a result has one channel per class, and the size of the images.
fn check_result(model: &str, result: Option<&str>, output: &Shape, data: &DataSpec) -> Result<()> {
    let what = result.map_or(format!("the result of `{model}`"), |name| format!("result `{name}` of `{model}`"));
    let classes = data.classes.len();
    if output.channels() != classes {
        return Err(problem!(
            E0716,
            "{what} has {} channels, but data `{}` has {classes} classes",
            output.channels(),
            data.name;
            help: "set the model's class count: `--set model.classes={classes}`"
        ));
    }
    if output.spatial() != Some(data.size) {
        let end = if result.is_none() { "the model" } else { "this result" };
        let [height, width] = data.size;
        return Err(problem!(
            E0716,
            "{what} is a map {output}, but the images of data `{}` are {height} x {width}",
            data.name;
            help: "end {end} with `|> resize(to = x)`"
        ));
    }
    Ok(())
}

/// Checks that the split equals the one in the run folder. With other files a random split would differ, and images that were
/// trained on would be scored (data leakage).
pub(crate) fn check_same_split(data: &Dataset, folder: &RunFolder) -> Result<()> {
    for role in SplitRole::ALL {
        let path = folder.split(role);
        let Ok(text) = file::read_text(&path, file::TABLE_BYTES) else { continue };
        let stems = data.cases(role).iter().map(|case| case.stem.as_str());
        if !text.lines().eq(stems) {
            return Err(problem!(
                E0723,
                &path,
                "risk of data leakage: the split of the run differs from the split of these images";
                help: "check whether images were added or removed, or `--data-root` is another folder"
            ));
        }
    }
    Ok(())
}
