//! Training, evaluation and prediction, with the types that they use.
//!
//! A run is defined by a `train` block of a model file, or by the `settings.yaml` of an earlier run:
//! [`resolve_run`](super::resolve_run) returns its model and [`Settings`]. [`train`] writes a [`RunFolder`], [`evaluate`]
//! scores one, and [`predict`] writes masks of other images.

pub use crate::base::error::{Result, RunError};
pub use crate::compute::device::DeviceChoice;
pub use crate::compute::network::Network;
pub use crate::data::prediction_inputs::PredictionInput;
pub use crate::data::{FileNotice, SplitRole};
pub use crate::learn::non_finite::NodeLocations;
pub use crate::learn::run_folder::{EpochRecord, RunFolder, RunSummary};
pub use crate::learn::train::{TrainingJob, TrainingObserver, TrainingOutcome, TrainingProgress, train};
pub use crate::learn::trained_run::TrainedRun;
pub use crate::metric::{CaseScore, Evaluation};
pub use crate::score::eval::{CheckpointChoice, EvaluateOptions, evaluate};
pub use crate::score::probability::ProbabilityFormat;
pub use crate::show::prediction::{PredictedImage, PredictionExtras};
pub use crate::show::predictor::{PredictOptions, PredictionOutput, PredictionSeconds, Predictions};
pub use crate::text::config::settings::Settings;

use crate::data::prediction_inputs::find_inputs;
use crate::show::predictor::Predictor;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;

/// Predicts images with the best weights of a run, and writes their masks in the labels of the run's data block.
///
/// `inputs` are files, folders and patterns such as `scans/*.tif`. An image that cannot be read or written is recorded
/// among the predictions with its error, and the others are still predicted. `progress` is called with the numbers of
/// finished images and of all images; `stop` ends the work after the current batch.
///
/// Errors: an input is missing, two masks would be written to one place, a mask would replace an image, the device cannot
/// be opened, or the weights do not fit.
pub fn predict(
    run: TrainedRun<'_>,
    inputs: &[PathBuf],
    output: PredictionOutput<'_>,
    device: DeviceChoice,
    options: &PredictOptions,
    stop: &AtomicBool,
    mut progress: impl FnMut(usize, usize),
) -> Result<(Vec<PredictionInput>, Predictions)> {
    let inputs = find_inputs(inputs, output.folder, &output.extras.file_endings(&run.settings.data.classes))?;
    let mut done = 0;
    let predictions = Predictor::new(run, device, options)?.predict_files(&inputs, output, stop, |images| {
        done += images;
        progress(done, inputs.len());
    })?;
    Ok((inputs, predictions))
}
