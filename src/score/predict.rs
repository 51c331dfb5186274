//! Prediction: images to masks at their own size, and overlays for people.
//!
//! Scores are probabilities throughout: what flips, tiles and resizing bring together are means of softmax outputs, and
//! the class with the highest is written.

use super::probability::{self, Format};
use super::window::Window;
use crate::base::error::{Result, RunError};
use crate::compute::network::Network;
use crate::data::inputs::Input;
use crate::data::{Dataset, LoadedImage, Role, load_full_image, load_image, resize};
use crate::show::gallery::Shown;
use crate::show::overlay::{overlay, restore_scores, write_mask_atomic, write_png_atomic};
use crate::text::recipe::DataSpec;
use burn::tensor::{Tensor, TensorData, activation};
use serde::Serialize;
use std::path::{Path, PathBuf};

/// How images are predicted.
#[derive(Debug, Clone)]
pub struct Plan<'a> {
    pub spec: &'a DataSpec,
    /// Input channels of the network.
    pub channels: usize,
    /// Tiles at the file's own resolution in place of the whole image at the data block's size.
    pub window: Option<Window>,
    /// Mean over the image and its three mirror images.
    pub flips: bool,
}

/// Scores of an image at some size: `k` x height x width probabilities.
pub struct Scored {
    pub values: Vec<f32>,
    pub classes: usize,
    pub size: [usize; 2],
}

/// What is written for an image beside its mask.
#[derive(Debug, Clone, Copy, Default)]
pub struct Extras {
    pub overlay: bool,
    pub probabilities: Option<Format>,
}

impl Extras {
    /// The ends of all files of an image, from its stem on, the mask's first.
    pub fn ends(&self, classes: &[String]) -> Vec<String> {
        let mut ends = vec![".png".to_string()];
        ends.extend(self.overlay.then(|| "_overlay.png".into()));
        ends.extend(self.probabilities.into_iter().flat_map(|format| probability::ends(classes, format)));
        ends
    }
}

/// What one image became.
#[derive(Debug, Clone, Serialize)]
pub struct Written {
    pub mask: PathBuf,
    pub overlay: Option<PathBuf>,
    pub probabilities: Vec<PathBuf>,
    /// Height and width of image and mask.
    pub size: [usize; 2],
    /// Share of the pixels that are not background, 0 to 1.
    pub foreground: f64,
    pub warnings: Vec<String>,
    /// What the overlay shows: height x width x 3, and that size.
    #[serde(skip)]
    pub picture: Option<(Vec<u8>, [usize; 2])>,
}

/// Softmax of the first result, `[n, k, h, w]`; with `flips` the mean over the four mirror images, each turned back.
pub fn probabilities(network: &Network, x: Tensor<4>, flips: bool) -> Tensor<4> {
    let whole = one(network, x.clone());
    if !flips {
        return whole;
    }
    let mirrored = [turned(network, x.clone(), [3]), turned(network, x.clone(), [2]), turned(network, x, [2, 3])];
    mirrored.into_iter().fold(whole, Tensor::add).div_scalar(4.0)
}

fn one(network: &Network, x: Tensor<4>) -> Tensor<4> {
    activation::softmax(network.forward(x).remove(0), 1)
}

/// The scores of a mirror image, turned back.
fn turned<const N: usize>(network: &Network, x: Tensor<4>, axes: [usize; N]) -> Tensor<4> {
    one(network, x.flip(axes)).flip(axes)
}

fn numbers(tensor: Tensor<4>) -> Result<Vec<f32>> {
    let data = tensor.into_data().convert::<f32>();
    data.try_into_vec::<f32>().map_err(|e| RunError::new(format!("the device gave no numbers: {e:?}")))
}

impl Plan<'_> {
    /// Reads one image as the plan needs it.
    pub fn load(&self, path: &Path) -> Result<LoadedImage> {
        match self.window {
            None => load_image(self.spec, path, self.channels),
            Some(_) => load_full_image(self.spec, path, self.channels),
        }
    }

    /// Scores of images that [`Plan::load`] read, in their order: one pass for all, or tile after tile.
    pub fn score(&self, network: &Network, images: &[&LoadedImage]) -> Result<Vec<Scored>> {
        let classes = self.spec.classes.len();
        let forward = |values: Vec<f32>, n: usize, [h, w]: [usize; 2]| -> Result<Vec<f32>> {
            let data = TensorData::new(values, [n, self.channels, h, w]);
            numbers(probabilities(network, Tensor::from_data(data, network.device()), self.flips))
        };
        if let Some(window) = self.window {
            let mut tiles = |values: Vec<f32>, n: usize| forward(values, n, window.tile);
            let slide = |image: &&LoadedImage| {
                let values = window.slide(&image.input, self.channels, image.original, classes, &mut tiles)?;
                Ok(Scored { values, classes, size: image.original })
            };
            return images.iter().map(slide).collect();
        }
        let size = self.spec.size;
        let values: Vec<f32> = images.iter().flat_map(|image| image.input.iter().copied()).collect();
        let scores = forward(values, images.len(), size)?;
        let each = scores.chunks_exact(scores.len() / images.len().max(1));
        Ok(each.map(|values| Scored { values: values.to_vec(), classes, size }).collect())
    }
}

impl Scored {
    /// Class of each pixel at another size: bilinear, then the largest.
    pub fn classes_at(&self, size: [usize; 2]) -> Vec<u8> {
        restore_scores(&self.values, self.classes, self.size, size)
    }

    /// Probabilities at another size, `k` x height x width.
    fn at(&self, size: [usize; 2]) -> Vec<f32> {
        let planes = self.values.chunks_exact(self.size[0] * self.size[1]);
        planes.flat_map(|plane| resize::plane(plane, self.size, size)).collect()
    }
}

/// Writes `OUT/STEM.png` and the extras: `OUT/STEM_overlay.png`, `OUT/STEM_CLASS.png` or `OUT/STEM.npy`.
pub fn write(
    spec: &DataSpec,
    input: &Input,
    image: &LoadedImage,
    scored: &Scored,
    out: &Path,
    extras: Extras,
) -> Result<Written> {
    let size = image.original;
    let classes = scored.classes_at(size);
    let base = out.join(&input.stem);
    if let Some(folder) = base.parent() {
        std::fs::create_dir_all(folder).map_err(|e| RunError::at(folder, format!("cannot make the folder: {e}")))?;
    }
    let mask = base.with_added_extension("png");
    write_mask_atomic(&mask, &classes, size, &spec.labels)?;
    let (mut overlay_path, mut picture) = (None, None);
    if extras.overlay {
        let name = format!("{}_overlay.png", input.stem.file_name().unwrap_or_default().to_string_lossy());
        let path = base.with_file_name(name);
        let rgb = overlay(&image.rgb, size, &classes, None)?;
        write_png_atomic(&path, &rgb, size)?;
        (overlay_path, picture) = (Some(path), Some((rgb, size)));
    }
    let probabilities = match extras.probabilities {
        Some(format) => probability::write(&base, &scored.at(size), &spec.classes, size, format)?,
        None => Vec::new(),
    };
    let foreground = classes.iter().filter(|&&c| c > 0).count() as f64 / classes.len().max(1) as f64;
    let warnings = image.warnings.clone();
    Ok(Written { mask, overlay: overlay_path, probabilities, size, foreground, warnings, picture })
}

/// A case of a data set with its prediction and ground truth, to be drawn.
pub fn show_case(
    network: &Network,
    data: &Dataset,
    role: Role,
    index: usize,
    channels: usize,
    flips: bool,
) -> Result<Shown> {
    let image = data.picture(role, index, channels)?;
    let (truth, size, _) = data.truth(role, index)?;
    let plan = Plan { spec: data.spec(), channels, window: None, flips };
    let scored = plan.score(network, &[&image])?.remove(0);
    Ok(Shown {
        stem: data.cases(role)[index].stem.clone(),
        score: String::new(),
        predicted: scored.classes_at(image.original),
        truth: Some(resize::nearest(&truth, size, image.original)),
        size: image.original,
        rgb: image.rgb,
    })
}

/// Predicts a case of a data set: mask and overlay with the ground truth.
pub fn predict_case(
    network: &Network,
    data: &Dataset,
    role: Role,
    index: usize,
    out: &Path,
    channels: usize,
) -> Result<Written> {
    let shown = show_case(network, data, role, index, channels, false)?;
    let mask = out.join(format!("{}.png", shown.stem));
    write_mask_atomic(&mask, &shown.predicted, shown.size, &data.spec().labels)?;
    let picture = overlay(&shown.rgb, shown.size, &shown.predicted, shown.truth.as_deref())?;
    let path = out.join(format!("{}_overlay.png", shown.stem));
    write_png_atomic(&path, &picture, shown.size)?;
    let foreground = shown.predicted.iter().filter(|&&c| c > 0).count() as f64 / shown.predicted.len().max(1) as f64;
    Ok(Written {
        mask,
        overlay: Some(path),
        probabilities: Vec::new(),
        size: shown.size,
        foreground,
        warnings: Vec::new(),
        picture: Some((picture, shown.size)),
    })
}
