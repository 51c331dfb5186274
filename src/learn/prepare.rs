//! Opens device and data set of a run, and checks that the model fits them.

use super::run_folder::RunFolder;
use crate::base::count::counted;
use crate::base::error::{Result, RunError};
use crate::base::file;
use crate::base::problem::problem;
use crate::compute::device::{ComputeDevice, DeviceChoice};
use crate::data::training_needs::check_channels;
use crate::data::{Dataset, SplitRole};
use crate::graph::check::CheckedGraph;
use crate::graph::placement::{AxisPlacement, placements};
use crate::graph::ty::Shape;
use crate::text::config::DataSpec;
use crate::text::config::settings::Settings;
use std::path::Path;
use std::sync::Arc;

/// A device and a data set that fit a model.
pub(crate) struct RunInputs {
    pub device: ComputeDevice,
    pub data: Arc<Dataset>,
}

/// Opens device and data set. Errors: the model does not fit the data, or device or data cannot be opened.
pub(crate) fn prepare(checked: &CheckedGraph, settings: &Settings) -> Result<RunInputs> {
    check_model_fits_data(checked, settings)?;
    let choice: DeviceChoice = settings.device.parse().map_err(|e: String| problem!(E0730, "{e}"))?;
    let device = ComputeDevice::open(choice, settings.train.precision)?;
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
            let result = (checked.graph().results.len() > 1).then_some(result);
            check_result(name, result, shape, data).map_err(|error| match border_help(checked, i, shape, data) {
                Some(help) => RunError { help: vec![help], ..error },
                None => error,
            })?;
        }
    }
    check_channels(data, name, checked.input().channels())
}

/// Returns how a result reaches the size of the images if it lost a border: resizing would stretch its middle over the image.
fn border_help(checked: &CheckedGraph, result: usize, output: &Shape, data: &DataSpec) -> Option<String> {
    if output.spatial()? == data.size || output.channels() != data.classes.len() {
        return None;
    }
    let graph = checked.graph();
    let (places, _) = placements(graph);
    let mut borders = [0.0; 4];
    for (axis, place) in places[graph.results.get(result)?.1.node.index()].into_iter().enumerate() {
        let (place, whole) = (place?, AxisPlacement::image(data.size[axis]));
        if (place.stride - 1.0).abs() > 1e-9 || place.resized.is_some() {
            return None;
        }
        borders[2 * axis] = (place.start - whole.start).round().max(0.0);
        borders[2 * axis + 1] = (whole.end - place.end).round().max(0.0);
    }
    let [top, bottom, left, right] = borders;
    Some(format!(
        "its convolutions cut off a border: give them `pad = same`, or begin with \
         `x |> pad([{top}, {bottom}, {left}, {right}], mode = reflect)`; resizing the result would displace every mask"
    ))
}

/// Checks that a result has one channel per class, and the size of the images.
fn check_result(model: &str, result: Option<&str>, output: &Shape, data: &DataSpec) -> Result<()> {
    let what = result.map_or(format!("the result of `{model}`"), |name| format!("result `{name}` of `{model}`"));
    let classes = data.classes.len();
    if output.channels() != classes {
        return Err(problem!(
            E0716,
            "{what} has {}, but data `{}` has {}",
            counted(output.channels(), "channel"),
            data.name,
            counted(classes, "class");
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
