//! What a training run reports while it trains, and how it ends.

use crate::learn::run_folder::{EpochRecord, RunSummary};

/// Progress within an epoch, reported after each step.
#[derive(Debug, Clone, Copy)]
pub struct TrainingProgress {
    /// Number of the epoch, counted from 1.
    pub epoch: usize,
    /// Number of epochs of the whole run.
    pub epochs: usize,
    /// Number of finished steps of this epoch.
    pub step: usize,
    /// Number of steps of an epoch.
    pub steps: usize,
    /// Mean training loss over the images that this epoch has trained on.
    pub loss: f64,
    /// Training images per wall-clock second, in this epoch since the run was started or resumed.
    pub images_per_second: f64,
    /// Estimated seconds of training until the end of the last epoch, without evaluation.
    pub seconds_left: f64,
}

/// Receives the events of a training run.
pub trait TrainingObserver {
    /// Training starts: numbers of training images, of images that are scored after each epoch, of finished epochs, and of all
    /// epochs.
    fn start(&mut self, n_train: usize, n_test: usize, done: usize, epochs: usize);
    /// A step is finished.
    fn step(&mut self, progress: &TrainingProgress);
    /// An epoch is finished and scored; `best` if it is the best epoch by the first metric with a best checkpoint.
    fn epoch(&mut self, record: &EpochRecord, best: bool);
    /// Information for a reader who asks for every detail.
    fn detail(&mut self, _message: &str) {}
    /// Information that is no problem.
    fn note(&mut self, _message: &str) {}
    /// A warning in one sentence: something that may harm the run or slow it down.
    fn warn(&mut self, message: &str);
}

/// How a training run ended without an error.
#[derive(Debug, Clone)]
pub enum TrainingOutcome {
    /// All epochs are done, or the scores did not improve for `patience` epochs.
    Done(RunSummary),
    /// Ended by [`TrainingJob::stop`](super::TrainingJob::stop); it can be resumed.
    Interrupted {
        /// Number of finished epochs.
        epochs: usize,
    },
}
