//! Reads single image files, for prediction.

use super::decode;
use super::image_facts::ImageFacts;
use super::notice::{FileNotice, FileRole};
use super::pixels::{MAX_SIDE, Pixels};
use super::{intensity, phantom, volume};
use crate::base::count::counted;
use crate::base::error::Result;
use crate::base::problem::problem;
use crate::text::config::case_rules::MaskLabel;
use crate::text::config::{DataSource, DataSpec};
use std::path::Path;

/// An image without ground truth.
#[derive(Debug, Clone, PartialEq)]
pub struct LoadedImage {
    /// Channels x height x width at the size of the data block, scaled and normalised.
    pub input: Vec<f32>,
    /// Height and width of the file.
    pub original: [usize; 2],
    /// Height x width x 3 at the original size, for display: scaled as for the network, not normalised. Empty where nothing is drawn.
    pub rgb: Vec<u8>,
    pub warnings: Vec<FileNotice>,
    /// Channels, sample type and range of the values of the file.
    pub(crate) facts: ImageFacts,
}

/// Reads an image file at the data block's size.
pub fn load_image(spec: &DataSpec, path: &Path, channels: usize) -> Result<LoadedImage> {
    load_scaled_image(spec, path, channels, true)
}

/// Reads an image file at the data block's size; `drawn` says whether the picture for display is needed, which takes three bytes for
/// each pixel of the file.
pub(crate) fn load_scaled_image(spec: &DataSpec, path: &Path, channels: usize, drawn: bool) -> Result<LoadedImage> {
    check_spec(spec)?;
    if volume::is_nifti(path) {
        return Err(problem!(
            E0704,
            path,
            "a volume cannot be read as a single image; volumes are read slice by slice";
            help: "use it in a data block, images = \"folder/*.nii.gz\", or give it to `npc predict`"
        ));
    }
    let spec = prediction_spec(spec);
    to_image(&decode::read(path, FileRole::Image, &spec)?, &spec, path, channels, drawn)
}

/// Reads an image file at its own size: `input` is channels x `original`, scaled and normalised but not resized. `drawn` as in
/// [`load_scaled_image`].
pub(crate) fn load_full_image(spec: &DataSpec, path: &Path, channels: usize, drawn: bool) -> Result<LoadedImage> {
    check_spec(spec)?;
    let pixels = decode::read(path, FileRole::Image, spec)?;
    let spec = DataSpec { size: pixels.size, ..prediction_spec(spec) };
    to_image(&pixels, &spec, path, channels, drawn)
}

/// Returns the data block by which files are predicted: generated images have a window of their own.
pub(super) fn prediction_spec(spec: &DataSpec) -> DataSpec {
    match spec.source {
        DataSource::Files { .. } | DataSource::List { .. } => spec.clone(),
        DataSource::Phantoms { .. } => phantom::with_window(spec),
    }
}

/// Prepares an image for the network and for display.
pub(super) fn to_loaded_image(pixels: &Pixels, spec: &DataSpec, path: &Path, channels: usize) -> Result<LoadedImage> {
    to_image(pixels, spec, path, channels, true)
}

fn to_image(pixels: &Pixels, spec: &DataSpec, path: &Path, channels: usize, drawn: bool) -> Result<LoadedImage> {
    let mut warnings = pixels.warnings.clone();
    let prepared = intensity::prepare(pixels, spec, channels, path, &mut warnings)?;
    let mut input = vec![0.0; channels * spec.size[0] * spec.size[1]];
    intensity::normalise(&prepared, intensity::unit, spec, channels, &mut input)?;
    drop(prepared);
    let rgb = if drawn { intensity::rgb(pixels, spec, path)? } else { Vec::new() };
    let facts = ImageFacts::of(pixels, spec.window);
    Ok(LoadedImage { input, original: pixels.size, rgb, warnings, facts })
}

/// Checks the properties of a data block that every sample relies on.
pub(super) fn check_spec(spec: &DataSpec) -> Result<()> {
    let fail = |text: String| Err(problem!(E0716, "data `{}`: {text}", spec.name));
    let [height, width] = spec.size;
    if height == 0 || width == 0 || height > MAX_SIDE || width > MAX_SIDE {
        return fail(format!("size {height} x {width} is out of range; each side must be between 1 and {MAX_SIDE}"));
    }
    if spec.classes.len() != spec.labels.len() || !(2..=255).contains(&spec.classes.len()) {
        return fail(format!(
            "{} and {}; there must be as many labels as classes, 2 to 255",
            counted(spec.classes.len(), "class"),
            counted(spec.labels.len(), "label")
        ));
    }
    if let Some(both) = spec.ignore.iter().find(|value| spec.labels.contains(value)) {
        return fail(format!("{} is both ignored and a label", MaskLabel(*both)));
    }
    match &spec.source {
        DataSource::Files { .. } | DataSource::List { .. } => Ok(()),
        DataSource::Phantoms { count: 0, .. } => fail("a data set of 0 phantoms is empty".into()),
        DataSource::Phantoms { .. } if spec.classes.len() != 2 => {
            fail(format!("phantoms have two classes, not {}", spec.classes.len()))
        }
        DataSource::Phantoms { .. } => Ok(()),
    }
}
