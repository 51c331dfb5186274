//! What `data` and `train` blocks say, with every default filled in.
//!
//! Plain data: knows neither the syntax it came from nor the tensors it will steer. It is what the resolved settings
//! of a run folder hold, so every type here is written to and read from YAML.

mod augment;
pub mod case_rules;
pub mod dataset_layouts;
mod loss;
mod metric;
mod optimizer;
mod schedule;
pub mod schema;
pub mod settings;

pub use augment::{Augmentation, BorderMode, nnunet_like};
pub use case_rules::{GroupBy, Grouping, SliceAxis, SliceSelection, Slicing, StratifyBy};
pub use loss::{FocalAlpha, LossSpec, LossTerm, WeightedLossTerm};
pub use metric::{EmptyClassRule, Metric};
pub use optimizer::Optimizer;
pub use schedule::{Schedule, ScheduleCurve};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A data set: where its files are, how a pixel becomes a number and a class, and which image is in which split.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataSpec {
    /// Name of the data block.
    pub name: String,
    /// Where images and masks come from.
    pub source: DataSource,
    /// Height and width that images and masks are resized to.
    pub size: [usize; 2],
    /// Class names in the order of the model's output channels.
    pub classes: Vec<String>,
    /// Pixel value in the mask file, per class; see [`case_rules::label_colour`] for colours.
    #[serde(with = "case_rules::labels")]
    pub labels: Vec<u32>,
    /// How a pixel of a mask file becomes a class.
    pub mask_rule: MaskRule,
    /// Which cases are for training, validation and test.
    pub split: Split,
    /// Which cases must stay in one split, and what each split should have its share of.
    #[serde(default)]
    pub grouping: Grouping,
    /// How volumes are cut into slices; without effect on pictures.
    #[serde(default)]
    pub slicing: Slicing,
    /// Intensities are clipped to `[low, high]` and scaled to 0..1. Without it 8-bit and unsigned 16-bit images are
    /// divided by their largest possible value, and signed or float images are refused.
    pub window: Option<[f64; 2]>,
    /// How values of 16-bit files are read, before `window` applies.
    pub decode: DecodeRule,
    /// Per channel (or one value for all), subtracted after scaling to 0..1.
    pub mean: Vec<f64>,
    /// Per channel (or one value for all), divided by after `mean`.
    pub std: Vec<f64>,
    /// Bound on the memory that decoded and resized images may hold, in MiB (2^20 bytes).
    pub cache_mb: usize,
    /// Most images of all roles together; `None` is all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<usize>,
    /// What an image counts for a class that neither prediction nor truth holds.
    #[serde(default)]
    pub empty: EmptyClassRule,
    /// Millimetres a pixel of the image file, height then width, for distances.
    #[serde(default)]
    pub spacing: Option<[f64; 2]>,
}

/// Where the images and masks of a data set come from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DataSource {
    /// Paths under the data root with one `*`; an image and a mask belong together when their `*` stand for the same
    /// text, upper and lower case being equal.
    /// Volumes (NIfTI files, folders that hold a DICOM series) are cut into slices.
    Files {
        /// Path pattern of the image files, with `/` between folders.
        images: String,
        /// Path pattern of the mask files.
        masks: String,
    },
    /// A CSV file under the data root with the columns `image` and `mask`, and if need be `split` and `group`; paths
    /// in it are under the data root too.
    List {
        /// Path of the CSV file under the data root.
        list: String,
    },
    /// Generated lung-CT-like slices with ground truth.
    Phantoms {
        /// How many slices are generated; 100 where the block says nothing.
        count: usize,
        /// Seed of the generator; the same seed gives the same slices, bit for bit, on every machine.
        seed: u64,
    },
}

/// How a mask pixel becomes a class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MaskRule {
    /// Two classes: above half of the larger label is the class with the larger label (files whose maximum is 1 count
    /// 1 as the larger label).
    Threshold,
    /// The value must be one of the labels.
    Exact,
    /// The colour must be that of a label.
    Colour,
}

/// How stored 16-bit values are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DecodeRule {
    /// The values as stored, with all their bits.
    Value,
    /// The high byte of the unsigned view only, as public code reads the lung set through OpenCV's default flags.
    HiByte,
}

/// Which cases of a data set are for training, validation and test.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Split {
    /// Shares of the stems, sorted, then shuffled with `seed`. They sum to 1.
    Random {
        /// Share of the cases for training: what the other two leave, where the block says nothing.
        train: f64,
        /// Share of the cases for validation, 0 to 1 and rounded up to whole cases; 0 where the block says nothing.
        val: f64,
        /// Share of the cases for the test, 0 to 1 and rounded up to whole cases; 0.2 where the block says nothing.
        test: f64,
        /// Seed of the shuffle; 0 where the block says nothing.
        seed: u64,
    },
    /// Files under the data root with one stem a line.
    Lists {
        /// Path of the list of training cases.
        train: String,
        /// Path of the list of validation cases; `None` where there are none.
        val: Option<String>,
        /// Path of the list of test cases.
        test: String,
    },
    /// One of `k` parts of nearly equal size, number `fold` counted from 0, is the test set; `val` is a share of what
    /// is left.
    Kfold {
        /// Number of folds, at least 2; 5 where the block says nothing.
        k: usize,
        /// Number of the fold that is the test set, below `k`; 0 where the block says nothing.
        fold: usize,
        /// Share for validation of the cases outside the fold, at least 0 and below 1; 0 where the block says nothing.
        val: f64,
        /// Seed of the shuffle; 0 where the block says nothing.
        seed: u64,
    },
    /// As the column `split` of a CSV list says.
    Column,
}

/// A training run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainSpec {
    /// Name of the run in the model file.
    pub name: String,
    /// A model or variant of the file.
    pub model: String,
    /// Hyper-parameters given with the model, in the spelling of the language (`attention: se`).
    pub args: BTreeMap<String, String>,
    /// The name of a data block.
    pub data: String,
    /// Passes over all training images, at least 1.
    pub epochs: usize,
    /// Images per step.
    pub batch: usize,
    /// Seed of the first weights, the order of the images, dropout and augmentation; 0 where the block says nothing.
    pub seed: u64,
    /// How gradients become new weights, with the learning rate that the schedule starts from.
    pub optimizer: Optimizer,
    /// How the learning rate changes from step to step.
    #[serde(default)]
    pub schedule: Schedule,
    /// Largest norm of all gradients together; larger ones are scaled down to it.
    #[serde(default)]
    pub clip: Option<f64>,
    /// What is minimised: a weighted sum of terms.
    pub loss: LossSpec,
    /// Weight of each result's loss, for models with several results. Empty: the first result alone.
    #[serde(default)]
    pub supervise: BTreeMap<String, f64>,
    /// Paths of nodes and blocks whose parameters are not trained.
    #[serde(default)]
    pub freeze: Vec<String>,
    /// Changes of the training images, new in each epoch. Scored images are never changed.
    #[serde(default)]
    pub augment: Vec<Augmentation>,
    /// What each epoch is scored with; IoU and Dice where the block says nothing.
    pub metrics: Vec<Metric>,
    /// Checkpoints that stay in the run folder; those of the best Dice and of the last epoch where the block says
    /// nothing.
    pub keep: Vec<KeptCheckpoint>,
    /// Batches whose gradients make one step of the optimiser.
    #[serde(default = "one")]
    pub accumulate: usize,
    /// Decay of the average of the weights, below 1; without it the weights themselves are scored and kept.
    #[serde(default)]
    pub ema: Option<f64>,
    /// Epochs without a better score, of the first "best" in `keep`, after which the run ends.
    #[serde(default)]
    pub patience: Option<usize>,
    /// A file of weights or a run folder to begin with.
    #[serde(default)]
    pub init: Option<String>,
    /// Minutes after which the state is written within an epoch; 0: at the end of epochs alone.
    #[serde(default = "save_every")]
    pub save_every: f64,
}

fn one() -> usize {
    1
}

fn save_every() -> f64 {
    TrainSpec::SAVE_EVERY
}

impl TrainSpec {
    /// Minutes of work that a killed run loses at most.
    pub const SAVE_EVERY: f64 = 10.0;

    /// What each epoch is scored with: `metrics`, and what decides which checkpoint is kept.
    pub fn epoch_metrics(&self) -> Vec<Metric> {
        let kept = self.keep.iter().filter_map(|keep| match keep {
            KeptCheckpoint::Best(metric) => Some(*metric),
            KeptCheckpoint::Last => None,
        });
        Metric::ALL.into_iter().filter(|m| self.metrics.contains(m) || kept.clone().any(|k| k == *m)).collect()
    }
}

/// A checkpoint that stays in the run folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeptCheckpoint {
    /// The weights of the epoch with the best score so far: the highest, or the lowest of a distance.
    Best(Metric),
    /// The weights of the last epoch.
    Last,
}
