//! Data sets: reads files into batches of numbers and classes.
//!
//! No tensors are used here: data are plain vectors in the order batch, channel, row, column.
//! [`DataSpec`](crate::text::config::DataSpec) decides how each file is interpreted; `docs/data.md` describes the rules.
//!
//! - [`Dataset`]: the pairs of image and mask, split into roles, read one sample at a time.
//! - [`BatchLoader`]: batches of samples, cached and loaded ahead of use; [`augment`]: augmentation for training.
//! - [`load_image`], [`load_mask`]: a single file, for prediction and evaluation.
//! - [`phantom`]: generated images with ground truth, which need no files.

pub(crate) mod augment;
mod case;
mod case_discovery;
mod case_list;
mod case_reader;
mod central_range;
mod class_counts;
pub(crate) mod data_profile;
mod dataset;
mod decode;
mod file_digest;
mod file_names;
mod group;
mod image;
pub(crate) mod image_facts;
pub(crate) mod inspection;
mod intensity;
mod jpeg_end;
pub(crate) mod left_out;
mod limit;
mod loader;
pub(crate) mod loading_bottleneck;
mod mask;
pub(crate) mod named_files;
pub(crate) mod notice;
mod order;
mod pairs;
mod palette_colours;
pub(crate) mod phantom;
mod pixels;
pub(crate) mod png;
pub(crate) mod prediction_fit;
pub(crate) mod prediction_inputs;
pub(crate) mod resize;
mod sample;
mod shared_files;
pub(crate) mod shown_cases;
mod spacing;
mod split;
mod stem;
pub(crate) mod survey;
pub(crate) mod training_needs;
mod volume;
mod volume_case;
pub(crate) mod volume_input;

pub use case::SplitRole;
pub use dataset::Dataset;
pub use image::load_image;
pub(crate) use image::{LoadedImage, load_full_image, load_scaled_image};
pub use loader::{Batch, BatchLoader, LastBatch};
pub use mask::load_mask;
pub use notice::FileNotice;
pub(crate) use notice::NoticeSet;
pub use order::{epoch_order, natural};
pub(crate) use sample::DisplaySample;
#[cfg(feature = "run")]
pub(crate) use volume::is_nifti;
#[cfg(feature = "run")]
pub(crate) use volume_case::VolumeCase;
