//! Writes predictions as files: the mask of an image, further files on request, and a case drawn with its ground truth.

use super::images::gallery::OverlayCase;
use super::images::overlay::overlay;
use crate::base::error::{Result, RunError};
use crate::compute::network::Network;
use crate::data::image_facts::ImageFacts;
use crate::data::png::{write_mask_atomic, write_png_atomic};
use crate::data::prediction_inputs::{OutputEndings, PredictionInput};
use crate::data::{Dataset, FileNotice, LoadedImage, SplitRole, resize};
use crate::score::predict::{PredictionSettings, ProbabilityMaps};
use crate::score::probability::{self, ProbabilityFormat};
use crate::text::config::DataSpec;
use serde::Serialize;
use std::path::{Path, PathBuf};

/// The files that are written for an image in addition to its mask.
#[derive(Debug, Clone, Copy, Default)]
pub struct PredictionExtras {
    /// A picture of the image with each foreground class tinted and outlined: `STEM_overlay.png`.
    pub overlay: bool,
    /// The probabilities of the classes, in this format.
    pub probabilities: Option<ProbabilityFormat>,
}

impl PredictionExtras {
    /// Returns what follows the stem in the names of all files of an input, with the mask first.
    pub fn file_endings(&self, classes: &[String]) -> OutputEndings {
        let overlay = || self.overlay.then(|| "_overlay.png".to_string());
        let probabilities = || self.probabilities.into_iter().flat_map(|f| probability::file_suffixes(classes, f));
        OutputEndings {
            picture: [".png".to_string()].into_iter().chain(overlay()).chain(probabilities()).collect(),
            volume: [".nii.gz".to_string()].into_iter().chain(overlay()).chain(probabilities()).collect(),
        }
    }
}

/// The destination and the kinds of the files.
#[derive(Clone, Copy)]
pub struct PredictionOutput<'a> {
    /// The folder for the masks, which is created if it does not exist.
    pub folder: &'a Path,
    /// The files that are written for each image in addition to its mask.
    pub extras: PredictionExtras,
}

/// Wall-clock seconds of the predicting thread. Another thread reads files at the same time.
#[derive(Debug, Clone, Copy, Default)]
pub struct PredictionSeconds {
    /// The whole prediction, which includes the other times.
    pub total: f64,
    /// Waiting for images to be read.
    pub waiting: f64,
    /// Forward passes, including resizing and averaging of the results.
    pub network: f64,
    /// Writing masks and extras.
    pub writing: f64,
}

/// What a predicted volume was cut into.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct PredictedVolume {
    /// Number of slices.
    pub slices: usize,
    /// The axis that the slices lie across: `axial`, `coronal` or `sagittal`.
    pub axis: &'static str,
    /// Number of voxels along each axis of the file's array.
    pub dims: [usize; 3],
}

/// The files that were written for one image or volume.
#[derive(Debug, Clone, Serialize)]
pub struct PredictedImage {
    /// The mask file, in the labels of the run's data block.
    #[serde(serialize_with = "crate::base::path::lossy::one")]
    pub mask: PathBuf,
    /// The picture with the classes tinted and outlined, where it was requested.
    #[serde(serialize_with = "crate::base::path::lossy::some")]
    pub overlay: Option<PathBuf>,
    /// The files of the probabilities: one for each class as 16-bit PNG, or one for NumPy or NIfTI. Empty where they were
    /// not requested.
    #[serde(serialize_with = "crate::base::path::lossy::all")]
    pub probabilities: Vec<PathBuf>,
    /// Height and width of image and mask, or of the slices of a volume, in pixels.
    pub size: [usize; 2],
    /// The slices of a volume; `None` for a picture.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub volume: Option<PredictedVolume>,
    /// Share of the pixels or voxels that are not background, 0 to 1.
    pub foreground: f64,
    /// Warnings about the image file.
    pub warnings: Vec<FileNotice>,
    /// Channels, sample type and values of the picture.
    #[serde(skip)]
    pub(crate) facts: Option<ImageFacts>,
    /// The pixels of the overlay (height x width x 3), and height and width.
    #[serde(skip)]
    pub picture: Option<(Vec<u8>, [usize; 2])>,
}

impl PredictedImage {
    /// Returns the number of pictures that went through the network: the slices of a volume, or 1.
    pub(crate) fn images(&self) -> usize {
        self.volume.map_or(1, |volume| volume.slices)
    }
}

/// Writes `OUT/STEM.png` and the extras: `OUT/STEM_overlay.png`, `OUT/STEM_CLASS.png` or `OUT/STEM.npy`.
pub(crate) fn write(
    spec: &DataSpec,
    input: &PredictionInput,
    image: &LoadedImage,
    scored: &ProbabilityMaps,
    out: &Path,
    extras: PredictionExtras,
) -> Result<PredictedImage> {
    let size = image.original;
    let classes = scored.classes_at(size, &input.path)?;
    let base = out.join(&input.stem);
    if let Some(folder) = base.parent() {
        std::fs::create_dir_all(folder).map_err(|e| RunError::create_dir(folder, e))?;
    }
    let mut picture = None;
    if extras.overlay {
        let name = format!("{}_overlay.png", input.stem.file_name().unwrap_or_default().to_string_lossy());
        let path = base.with_file_name(name);
        let rgb = overlay(&image.rgb, size, &classes, None)?;
        write_png_atomic(&path, &rgb, size)?;
        picture = Some((path, (rgb, size)));
    }
    let (overlay, picture) = picture.unzip();
    let probabilities = match extras.probabilities {
        Some(format) => probability::write_probabilities(&base, &scored.resized(size), &spec.classes, size, format)?,
        None => Vec::new(),
    };
    // The mask comes last: an image whose other files cannot be written is reported as one without a prediction.
    let mask = base.with_added_extension("png");
    write_mask_atomic(&mask, &classes, size, &spec.labels)?;
    let foreground = classes.iter().filter(|&&c| c > 0).count() as f64 / classes.len().max(1) as f64;
    let warnings = image.warnings.clone();
    let facts = Some(image.facts.clone());
    Ok(PredictedImage { mask, overlay, probabilities, size, volume: None, foreground, warnings, facts, picture })
}

/// Predicts a case of a data set and returns it with its ground truth, ready to be drawn.
pub(crate) fn show_case(
    network: &Network,
    data: &Dataset,
    role: SplitRole,
    index: usize,
    channels: usize,
    flips: bool,
) -> Result<OverlayCase> {
    let image = data.picture(role, index, channels)?;
    let (truth, size, _) = data.truth(role, index)?;
    let plan = PredictionSettings { spec: data.spec(), channels, window: None, flips, stop: None };
    let scored = plan.predict(network, &[&image])?.remove(0);
    let stem = data.cases(role)[index].stem.clone();
    let predicted = scored.classes_at(image.original, Path::new(&stem))?;
    Ok(OverlayCase {
        stem,
        score: String::new(),
        predicted,
        truth: Some(resize::nearest(&truth, size, image.original)),
        size: image.original,
        rgb: image.rgb,
    })
}

/// Predicts a case of a data set, writes its mask and an overlay with the ground truth, and returns what was drawn.
pub(crate) fn predict_case(
    network: &Network,
    data: &Dataset,
    role: SplitRole,
    index: usize,
    out: &Path,
    channels: usize,
) -> Result<OverlayCase> {
    let shown = show_case(network, data, role, index, channels, false)?;
    let mask = out.join(format!("{}.png", shown.stem));
    write_mask_atomic(&mask, &shown.predicted, shown.size, &data.spec().labels)?;
    let picture = overlay(&shown.rgb, shown.size, &shown.predicted, shown.truth.as_deref())?;
    write_png_atomic(&out.join(format!("{}_overlay.png", shown.stem)), &picture, shown.size)?;
    Ok(shown)
}
