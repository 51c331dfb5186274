//! Data sets: files to batches of numbers and classes.
//!
//! Knows no tensors: plain vectors in the order batch, channel, row, column. Which file means what is decided in
//! [`recipe::DataSpec`](crate::text::config::DataSpec); the rules that need more words are in `docs/data.md`.
//!
//! - [`Dataset`]: the pairs of image and mask, split into roles; one sample at a time.
//! - [`Loader`]: batches of samples, cached and loaded ahead; [`augment`]: changed for training.
//! - [`load_image`], [`load_mask`]: a file alone, for prediction and evaluation.
//! - [`phantom`]: pictures with ground truth that need no files.

pub mod augment;
mod case;
mod case_discovery;
mod content;
mod dataset;
mod decode;
mod group;
mod image;
pub mod inputs;
mod intensity;
mod jpeg;
mod limit;
mod loader;
mod mask;
mod order;
mod pairs;
pub mod phantom;
mod pixels;
pub mod png;
mod reading;
pub mod resize;
mod sample;
mod split;
pub mod survey;
mod table;
mod tiff;
mod volume;
pub mod waiting;

pub use case::{Case, Role};
pub use dataset::Dataset;
pub use decode::EXTENSIONS;
pub use image::{LoadedImage, load_full_image, load_image};
pub use loader::{Batch, Batches, Loader};
pub use mask::load_mask;
pub use order::{epoch_order, natural};
pub use pixels::{MAX_BYTES, MAX_SIDE};
pub use sample::{Sample, Shown, Versions};
