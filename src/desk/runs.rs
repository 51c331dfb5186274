//! Training, evaluation and prediction, with the types that they use.
//!
//! A run is defined by a `train` block of a model file, or by the `settings.yaml` of an earlier run:
//! [`resolve_run`](super::resolve_run) returns its model and [`Settings`]. [`train`] writes a [`RunFolder`], [`evaluate`]
//! scores one, and [`predict`] writes masks of other images.

pub use crate::base::error::{Result, RunError};
pub use crate::compute::device::DeviceChoice;
pub use crate::compute::network::Network;
pub use crate::data::prediction_inputs::{InputKind, OutputEndings, PredictionInput};
pub use crate::data::{FileNotice, SplitRole};
pub use crate::learn::non_finite::NodeLocations;
pub use crate::learn::run_folder::{EpochRecord, RunFolder, RunSummary};
pub use crate::learn::train::{ExistingRun, TrainingJob, TrainingObserver, TrainingOutcome, TrainingProgress, train};
pub use crate::learn::trained_run::TrainedRun;
pub use crate::metric::{CaseScore, Evaluation, VolumeEvaluation};
pub use crate::score::eval::{CheckpointChoice, EvaluateOptions, evaluate};
pub use crate::score::probability::ProbabilityFormat;
pub use crate::show::prediction::{
    PredictedImage, PredictedVolume, PredictionExtras, PredictionOutput, PredictionSeconds,
};
pub use crate::show::predictor::{PredictOptions, Predictions};
pub use crate::text::config::settings::Settings;

use super::command_inputs::check_outputs_of_runs;
use crate::base::problem::problem;
use crate::data::prediction_inputs::{PredictionInputs, find_inputs, output_files};
use crate::data::volume_input::count_slices;
use crate::show::prediction_notes::{fit_warnings, prediction_notes};
use crate::show::predictor::Predictor;
use crate::text::config::DataSpec;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

/// Predicts images and volumes with the best weights of a run, and writes their masks in the labels of the run's data block.
///
/// `inputs` are files, folders and patterns such as `scans/*.tif`; NIfTI files and folders that hold a DICOM series are
/// volumes. An image that cannot be read or written is recorded among the predictions with its error, and the others are still
/// predicted. `progress` is called with the numbers of finished images and of all images, in which each slice of a volume
/// counts; `stop` ends the work after the current batch.
///
/// Errors: an input is missing, two masks would be written to one place, a mask would replace an image, a file beside it, or a file of the run or of
/// its data, the format of the
/// probabilities does not fit an input, the device cannot be opened, or the weights do not fit.
pub fn predict(
    run: TrainedRun<'_>,
    inputs: &[PathBuf],
    output: PredictionOutput<'_>,
    device: DeviceChoice,
    options: &PredictOptions,
    stop: &AtomicBool,
    mut progress: impl FnMut(usize, usize),
) -> Result<(Vec<PredictionInput>, Predictions)> {
    let data = &run.settings.data;
    let ends = output.extras.file_endings(&data.classes);
    let PredictionInputs { found: inputs, skipped } = find_inputs(inputs, output.folder, &ends)?;
    let outputs = output_files(&inputs, output.folder, &ends).map(|(path, _)| path);
    check_outputs_of_runs(outputs, &[run.folder.root().to_path_buf()], Some(Path::new(&run.settings.data_root)))?;
    check_probability_format(&inputs, output.extras.probabilities)?;
    let all = inputs.iter().map(|input| images_of(data, input)).sum();
    let mut done = 0;
    let mut predictions = Predictor::new(run, device, options)?.predict_files(&inputs, output, stop, |images| {
        done += images;
        progress(done, all);
    })?;
    predictions.skipped = skipped;
    predictions.doubts = fit_warnings(run, &inputs, &predictions.written);
    predictions.notes = prediction_notes(run, &inputs);
    Ok((inputs, predictions))
}

/// Returns the number of images that an input counts for in the progress; 1 for a volume that cannot be read.
fn images_of(data: &DataSpec, input: &PredictionInput) -> usize {
    match input.kind {
        InputKind::Picture => 1,
        InputKind::Volume => count_slices(data, &input.path).unwrap_or(1),
    }
}

/// Checks that the probabilities of every input can be written in the format.
fn check_probability_format(inputs: &[PredictionInput], format: Option<ProbabilityFormat>) -> Result<()> {
    let (wrong, written, writes, is, instead) = match format {
        Some(ProbabilityFormat::Png16) => (InputKind::Volume, "png16", "pictures", "a volume", "nifti"),
        Some(ProbabilityFormat::Nifti) => (InputKind::Picture, "nifti", "volumes", "a picture", "png16"),
        Some(ProbabilityFormat::Npy) | None => return Ok(()),
    };
    match inputs.iter().find(|input| input.kind == wrong) {
        None => Ok(()),
        Some(input) => Err(problem!(
            E0503,
            &input.path,
            "`--probabilities {written}` writes {writes}, but this is {is}";
            help: "--probabilities {instead}";
            help: "or for NumPy: --probabilities npy"
        )),
    }
}
