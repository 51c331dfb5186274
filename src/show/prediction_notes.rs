//! What holds for all inputs of a prediction: pictures for a run on volumes, volumes for a run on pictures, labels of volumes.

use super::prediction::PredictedImage;
use super::score_remarks::NO_BEST_CHECKPOINT;
use crate::base::file;
use crate::data::data_profile::DataProfile;
use crate::data::image_facts::ImageFacts;
use crate::data::prediction_fit::prediction_warnings;
use crate::data::prediction_inputs::{InputKind, PredictionInput};
use crate::data::survey::values::NamedFacts;
use crate::data::volume_input::holds_class_indices;
use crate::data::{SplitRole, is_nifti};
use crate::learn::trained_run::TrainedRun;
use crate::learn::weights_origin::{CheckpointProgress, WeightsOrigin};
use crate::text::config::DataSource;
use std::path::Path;

/// Returns the remarks on a prediction of these inputs, one sentence each.
pub(crate) fn prediction_notes(run: TrainedRun<'_>, inputs: &[PredictionInput]) -> Vec<String> {
    let data = &run.settings.data;
    let volumes = inputs.iter().filter(|input| input.kind == InputKind::Volume).count();
    let mut notes = Vec::new();
    let is_last = run.folder.checkpoint().is_ok_and(|path| path == run.folder.last());
    if is_last && run.settings.train.keeps_a_best() {
        notes.push(NO_BEST_CHECKPOINT.to_string());
    }
    let progress = run.folder.checkpoint().ok().and_then(|path| CheckpointProgress::read(&path));
    let now = WeightsOrigin::new(run.settings, Default::default());
    notes.extend(progress.iter().flat_map(|progress| progress.origin.warnings_of_use(&now)));
    let of_volumes = trained_on_volumes(run);
    if volumes > 0 && of_volumes == Some(false) {
        notes.push(format!(
            "the run was trained on pictures; volumes are cut into {} slices, turned as docs/data.md says, which should be how \
             the pictures of training lay",
            data.slicing.axis.name()
        ));
    }
    if volumes < inputs.len() && of_volumes == Some(true) {
        notes.push(format!(
            "the run was trained on {} slices of volumes, turned as docs/data.md says; pictures are read as they are stored",
            data.slicing.axis.name()
        ));
    }
    if volumes > 0 && holds_class_indices(data) {
        let classes: Vec<String> = data.classes.iter().enumerate().map(|(i, class)| format!("{i} {class}")).collect();
        notes.push(format!(
            "the labels are colours, which voxels cannot hold; masks of volumes hold the numbers of the classes: {}",
            classes.join(", ")
        ));
    }
    notes
}

/// Returns doubts whether the pictures and volumes that were predicted look like those that the run was trained on.
pub(crate) fn fit_warnings(
    run: TrainedRun<'_>,
    inputs: &[PredictionInput],
    written: &[(usize, PredictedImage)],
) -> Vec<String> {
    let named =
        written.iter().filter_map(|(i, image)| Some((inputs[*i].path.display().to_string(), image.facts.as_ref()?)));
    let named: Vec<(String, &ImageFacts)> = named.collect();
    let images: Vec<NamedFacts<'_>> = named.iter().map(|(name, facts)| (name.as_str(), *facts)).collect();
    let profile = file::read_text(&run.folder.data_profile(), file::SETTINGS_BYTES).ok();
    let profile: Option<DataProfile> = profile.and_then(|text| serde_json::from_str(&text).ok());
    prediction_warnings(&run.settings.data, run.checked.input().channels(), profile.as_ref(), &images)
}

/// Checks whether a run was trained on slices of volumes: by the names of its images, or by the stems of its training cases.
/// `None` if it is not known.
fn trained_on_volumes(run: TrainedRun<'_>) -> Option<bool> {
    match &run.settings.data.source {
        DataSource::Phantoms { .. } => return Some(false),
        DataSource::Files { images, .. } if is_nifti(Path::new(images)) => return Some(true),
        DataSource::Files { .. } | DataSource::List { .. } => {}
    }
    let stems = file::read_text(&run.folder.split(SplitRole::Train), file::TABLE_BYTES).ok()?;
    let is_slice =
        |stem: &str| stem.rsplit_once("_z").is_some_and(|(_, n)| n.len() >= 4 && n.bytes().all(|b| b.is_ascii_digit()));
    let mut stems = stems.lines().filter(|line| !line.is_empty()).map(is_slice);
    let first = stems.next()?;
    stems.all(|slice| slice == first).then_some(first)
}
