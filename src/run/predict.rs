//! Prediction: images to masks at their own size, and overlays for people.

use super::data::{Dataset, LoadedImage, Role, load_image};
use super::error::{Result, RunError};
use super::network::Network;
use super::overlay::{overlay, restore_scores, write_mask_atomic, write_png_atomic};
use crate::recipe::DataSpec;
use burn::tensor::{Tensor, TensorData, activation};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// What one image became.
#[derive(Debug, Clone)]
pub struct Written {
    pub mask: PathBuf,
    pub overlay: Option<PathBuf>,
    /// What the overlay shows: height x width x 3, and that size.
    pub picture: Option<(Vec<u8>, [usize; 2])>,
    /// Share of the pixels that are not background, 0 to 1.
    pub foreground: f64,
    pub warnings: Vec<String>,
}

/// Class map at the original size: softmax, bilinear to that size, then the largest.
fn predict(network: &Network, image: &LoadedImage, spec: &DataSpec, channels: usize) -> Result<Vec<u8>> {
    let [h, w] = spec.size;
    let data = TensorData::new(image.input.clone(), [1, channels, h, w]);
    let logits = network.forward(Tensor::from_data(data, network.device())).remove(0);
    let [_, k, h, w] = logits.dims();
    let scores = activation::softmax(logits, 1).into_data().convert::<f32>();
    let scores =
        scores.try_into_vec::<f32>().map_err(|e| RunError::new(format!("the device gave no numbers: {e:?}")))?;
    Ok(restore_scores(&scores, k, [h, w], image.original))
}

/// Predicts one image file and writes `OUT/STEM.png`, and `OUT/STEM_overlay.png` on request.
pub fn predict_file(
    network: &Network,
    spec: &DataSpec,
    path: &Path,
    out: &Path,
    stem: &str,
    with_overlay: bool,
    channels: usize,
) -> Result<Written> {
    let image = load_image(spec, path, channels)?;
    write(network, spec, &image, None, out, stem, with_overlay, channels)
}

/// Predicts cases of a data set; their overlays show the ground truth as well.
pub fn predict_case(
    network: &Network,
    data: &Dataset,
    role: Role,
    index: usize,
    out: &Path,
    channels: usize,
) -> Result<Written> {
    let image = data.picture(role, index, channels)?;
    let (truth, size, _) = data.truth(role, index)?;
    let truth = (size == image.original).then_some(&truth[..]);
    write(network, data.spec(), &image, truth, out, &data.cases(role)[index].stem, true, channels)
}

#[allow(clippy::too_many_arguments)]
fn write(
    network: &Network,
    spec: &DataSpec,
    image: &LoadedImage,
    truth: Option<&[u8]>,
    out: &Path,
    stem: &str,
    with_overlay: bool,
    channels: usize,
) -> Result<Written> {
    let classes = predict(network, image, spec, channels)?;
    let mask = out.join(format!("{stem}.png"));
    write_mask_atomic(&mask, &classes, image.original, &spec.labels)?;
    let (mut overlay_path, mut picture) = (None, None);
    if with_overlay {
        let path = out.join(format!("{stem}_overlay.png"));
        let rgb = overlay(&image.rgb, image.original, &classes, truth)?;
        write_png_atomic(&path, &rgb, image.original)?;
        (overlay_path, picture) = (Some(path), Some((rgb, image.original)));
    }
    let foreground = classes.iter().filter(|&&c| c > 0).count() as f64 / classes.len().max(1) as f64;
    Ok(Written { mask, overlay: overlay_path, picture, foreground, warnings: image.warnings.clone() })
}

/// Output names: the file stem; a stem that comes twice is refused, since one mask would replace the other.
pub fn stems(images: &[PathBuf]) -> Result<Vec<String>> {
    let mut seen: BTreeMap<String, &PathBuf> = BTreeMap::new();
    let mut stems = Vec::new();
    for path in images {
        let stem = path.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
        if let Some(first) = seen.insert(stem.clone(), path) {
            let message = format!("two images are called `{stem}`: {} and {}", first.display(), path.display());
            return Err(RunError::new(message).help("predict them into different folders"));
        }
        stems.push(stem);
    }
    Ok(stems)
}
