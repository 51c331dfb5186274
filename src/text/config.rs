//! The configuration of data sets and training runs: `data` and `train` blocks with every default filled in.
//!
//! Plain data that depends neither on the syntax nor on tensors. The settings of a run folder contain it, so every type here
//! is written to and read from YAML.

mod augment;
pub mod case_rules;
pub mod check;
pub mod dataset_layouts;
mod loss;
mod metric;
mod optimizer;
mod schedule;
pub mod schema;
pub mod settings;
pub mod split_text;
pub mod value_units;

pub use augment::{Augmentation, BorderMode, nnunet_like};
pub use case_rules::{GroupBy, Grouping, SliceAxis, SliceSelection, Slicing, StratifyBy};
pub use loss::{FocalAlpha, LossSpec, LossTerm, WeightedLossTerm};
pub use metric::{EmptyClassRule, Metric};
pub use optimizer::Optimizer;
pub use schedule::{Schedule, ScheduleCurve};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A data set: its files, how pixels become numbers and classes, and which case belongs to which split.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataSpec {
    /// Name of the data block.
    pub name: String,
    /// Source of the images and masks.
    pub source: DataSource,
    /// Height and width to which images and masks are resized.
    pub size: [usize; 2],
    /// Class names in the order of the model's output channels.
    pub classes: Vec<String>,
    /// Pixel value of each class in the mask files; see [`case_rules::label_colour`] for colours.
    #[serde(with = "case_rules::labels")]
    pub labels: Vec<u32>,
    /// Pixel values of mask files that have no class, written like `labels`: their pixels count neither in the loss nor in a
    /// score. Their index in class maps is [`case_rules::IGNORED_CLASS`].
    #[serde(default, skip_serializing_if = "Vec::is_empty", with = "case_rules::labels")]
    pub ignore: Vec<u32>,
    /// How a pixel of a mask file becomes a class.
    pub mask_rule: MaskRule,
    /// Which cases are for training, validation and test.
    pub split: Split,
    /// Which cases must stay in one split, and by which property the splits are balanced.
    #[serde(default)]
    pub grouping: Grouping,
    /// How volumes are cut into slices; no effect on 2-D images.
    #[serde(default)]
    pub slicing: Slicing,
    /// Range `[low, high]` to which intensities are clipped before they are scaled to 0..1. Without it, 8-bit and unsigned
    /// 16-bit images are divided by their largest possible value, and signed or float images are an error.
    pub window: Option<[f64; 2]>,
    /// What happens to images and masks with an orientation tag (EXIF, TIFF) other than upright; `None` refuses them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub orientation: Option<OrientationRule>,
    /// How values of 16-bit files are read before `window` is applied.
    pub decode: DecodeRule,
    /// Mean per channel (or one for all), subtracted after scaling to 0..1.
    pub mean: Vec<f64>,
    /// Standard deviation per channel (or one for all), by which values are divided after `mean` is subtracted.
    pub std: Vec<f64>,
    /// Limit on the memory of decoded and resized images, in MiB (2^20 bytes).
    pub cache_mb: usize,
    /// Maximum number of images in all splits together; `None` for all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<usize>,
    /// Score of an image for a class that is in neither the prediction nor the ground truth.
    #[serde(default)]
    pub empty: EmptyClassRule,
    /// Spacing of the image file in millimetres per pixel, height then width; for distances.
    #[serde(default)]
    pub spacing: Option<[f64; 2]>,
}

/// Source of the images and masks of a data set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DataSource {
    /// Path patterns under the data root with one `*`. An image and a mask belong together if their `*` match the same text,
    /// regardless of case. Volumes (NIfTI files, folders with a DICOM series) are cut into slices.
    Files {
        /// Path pattern of the image files, with `/` between folders.
        images: String,
        /// Path pattern of the mask files.
        masks: String,
    },
    /// A CSV file under the data root with the columns `image` and `mask`, and optionally `split` and `group`. Its paths are
    /// relative to the data root too.
    List {
        /// Path of the CSV file under the data root.
        list: String,
    },
    /// Generated slices that resemble lung CT, with ground truth.
    Phantoms {
        /// Number of slices; 100 by default.
        count: usize,
        /// Seed of the generator; the same seed produces the same slices on every machine, bit for bit.
        seed: u64,
    },
}

/// How a mask pixel becomes a class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MaskRule {
    /// For two classes: a value above the mean of the labels is the class with the larger label. In lossless files, values
    /// outside of the labels are errors.
    Threshold,
    /// For two classes: a value above this number is the class with the larger label.
    ThresholdAt(u32),
    /// The value must be one of the labels.
    Exact,
    /// The colour must be one of the labels.
    Colour,
    /// For two classes: a pixel that is more than half opaque is the second class.
    Alpha,
}

/// What happens to pictures with an orientation tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrientationRule {
    /// They are turned as viewers show them.
    Apply,
    /// The tag is not used.
    Stored,
}

/// How stored 16-bit values are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DecodeRule {
    /// All bits of the stored values.
    Value,
    /// Only the high byte of the value reinterpreted as unsigned, as published code reads the lung set with OpenCV's default
    /// flags.
    HiByte,
}

/// Which cases of a data set are for training, validation and test.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Split {
    /// Fractions of the stems, which are sorted and then shuffled with `seed`. They sum to 1.
    Random {
        /// Fraction of the cases for training; by default what the other two leave.
        train: f64,
        /// Fraction of the cases for validation, 0 to 1, rounded up to whole cases; 0 by default.
        val: f64,
        /// Fraction of the cases for the test, 0 to 1, rounded up to whole cases; 0.2 by default.
        test: f64,
        /// Seed of the shuffle; 0 by default.
        seed: u64,
    },
    /// Text files under the data root with one stem per line.
    Lists {
        /// Path of the list of training cases.
        train: String,
        /// Where the validation cases come from, if there are any.
        val: Option<ListedValidation>,
        /// Path of the list of test cases.
        test: String,
    },
    /// Cross-validation with `k` folds of nearly equal size: fold number `fold`, from 0, is the test set.
    Kfold {
        /// Number of folds, at least 2; 5 by default.
        k: usize,
        /// Number of the test fold, below `k`; 0 by default.
        fold: usize,
        /// Fraction of the cases outside the test fold that are for validation, at least 0 and below 1; 0 by default.
        val: f64,
        /// Seed of the shuffle; 0 by default.
        seed: u64,
    },
    /// The column `split` of the CSV list.
    Column,
    /// The column `split` of the CSV list if it has one, else [`Split::DEFAULT`]: a data block with a list and without `split`.
    ColumnOrRandom,
}

/// The validation cases of a split by lists.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum ListedValidation {
    /// Path of the list of validation cases.
    List(String),
    /// A part of the cases in the training list, drawn as [`Split::Random`] draws its parts.
    Share {
        /// Fraction of the training list for validation, above 0 and below 1, rounded up to whole cases.
        share: f64,
        /// Seed of the shuffle; 0 by default.
        seed: u64,
    },
}

impl Split {
    /// The split of a data block that writes none and has no column for it: 80 % for training, 20 % for the test.
    pub const DEFAULT: Split = Split::Random { train: 0.8, val: 0.0, test: 0.2, seed: 0 };
}

/// How a GPU multiplies. The processor always multiplies in 32 bits; sums and weights have 32 bits everywhere.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ProductPrecision {
    /// One product of TF32: factors keep 10 bits of mantissa. PyTorch's convolutions do the same by default.
    #[default]
    Tf32,
    /// Three products of TF32 each, which keep nearly 32 bits.
    F32,
}

impl ProductPrecision {
    /// All precisions.
    pub const ALL: [ProductPrecision; 2] = [ProductPrecision::Tf32, ProductPrecision::F32];

    /// Returns the word for it in model files and options.
    pub fn name(self) -> &'static str {
        match self {
            ProductPrecision::Tf32 => "tf32",
            ProductPrecision::F32 => "f32",
        }
    }
}

impl std::str::FromStr for ProductPrecision {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|precision| precision.name() == text);
        found.ok_or_else(|| format!("no precision `{text}`: accepted are `tf32` and `f32`"))
    }
}

/// A training run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainSpec {
    /// Name of the run in the model file.
    pub name: String,
    /// Name of a model or variant of the file.
    pub model: String,
    /// Hyper-parameters of the model, in the spelling of the language (`attention: se`).
    pub args: BTreeMap<String, String>,
    /// Name of the data block.
    pub data: String,
    /// Number of passes over all training images, at least 1.
    pub epochs: usize,
    /// Images per batch.
    pub batch: usize,
    /// Seed of the initial weights, the order of the images, dropout and augmentation; 0 by default.
    pub seed: u64,
    /// Optimiser, with the learning rate that the schedule starts from.
    pub optimizer: Optimizer,
    /// How the learning rate changes from step to step.
    #[serde(default)]
    pub schedule: Schedule,
    /// Maximum norm of all gradients together; larger gradients are scaled down to it.
    #[serde(default)]
    pub clip: Option<f64>,
    /// Loss: a weighted sum of terms.
    pub loss: LossSpec,
    /// Weight of the loss of each result, for deep supervision of models with several results. If empty, only the first result
    /// is supervised.
    #[serde(default)]
    pub supervise: BTreeMap<String, f64>,
    /// Paths of nodes and blocks whose parameters are not trained.
    #[serde(default)]
    pub freeze: Vec<String>,
    /// Augmentations of the training images, drawn anew in each epoch. Images are scored without augmentation.
    #[serde(default)]
    pub augment: Vec<Augmentation>,
    /// Metrics of each epoch; IoU and Dice by default.
    pub metrics: Vec<Metric>,
    /// Checkpoints that stay in the run folder; by default those of the best Dice and of the last epoch.
    pub keep: Vec<KeptCheckpoint>,
    /// Number of batches whose gradients are accumulated for one optimiser step.
    #[serde(default = "default_accumulate")]
    pub accumulate: usize,
    /// Decay of the exponential moving average of the weights, below 1. Without it, the weights themselves are scored and
    /// kept.
    #[serde(default)]
    pub ema: Option<f64>,
    /// Early stopping: number of epochs without improvement of the first `best` metric in `keep`, after which the run ends.
    #[serde(default)]
    pub patience: Option<usize>,
    /// Weight file or run folder that the initial weights are loaded from.
    #[serde(default)]
    pub init: Option<String>,
    /// Minutes between checkpoints within an epoch; with 0, the state is written only at the end of each epoch.
    #[serde(default = "default_save_every")]
    pub save_every: f64,
    /// How a GPU multiplies.
    #[serde(default)]
    pub precision: ProductPrecision,
}

fn default_accumulate() -> usize {
    1
}

fn default_save_every() -> f64 {
    TrainSpec::SAVE_EVERY
}

impl TrainSpec {
    /// Default of `save_every`: the minutes of work that a killed run can lose.
    pub const SAVE_EVERY: f64 = 10.0;

    /// Checks whether a checkpoint of the best epoch by some metric is kept.
    pub fn keeps_a_best(&self) -> bool {
        self.keep.iter().any(|keep| matches!(keep, KeptCheckpoint::Best(_)))
    }

    /// Checks whether epochs must be scored: the best is kept, or the run stops when scores no longer improve.
    pub fn scores_epochs(&self) -> bool {
        self.keeps_a_best() || self.patience.is_some()
    }

    /// Returns the metrics that each epoch is scored with: `metrics` and those that select checkpoints.
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
    /// The weights of the epoch with the best score of a metric: the highest score, or the lowest distance.
    Best(Metric),
    /// The weights of the last epoch.
    Last,
}
