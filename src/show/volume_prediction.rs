//! Predicts volumes slice by slice, and writes their class maps on the grid of the file.
//!
//! A slice is prepared as in training and predicted like a picture. Its classes, at its own size, are put back into the order
//! of the file's voxels.

use super::images::contact_sheet::{CaptionedPicture, contact_sheet, in_columns};
use super::images::overlay::{class_legend, overlay};
use super::prediction::{PredictedImage, PredictedVolume, PredictionOutput, PredictionSeconds};
use crate::base::count::counted;
use crate::base::error::{Result, RunError};
use crate::base::problem::problem;
use crate::compute::network::Network;
use crate::data::image_facts::ImageFacts;
use crate::data::png::write_png_atomic;
use crate::data::prediction_inputs::PredictionInput;
use crate::data::volume_input::{VolumeInput, merge_slice_notices};
use crate::data::{FileNotice, LoadedImage};
use crate::score::predict::PredictionSettings;
use crate::score::probability::{ProbabilityFormat, with_suffix, write_volume_npy};
use rayon::prelude::*;
use std::path::Path;
use std::sync::mpsc::sync_channel;
use std::time::Instant;

/// The most slices of an overlay.
const SHOWN: usize = 12;
/// The most pixels of the slices of an overlay together.
const SHOWN_PIXELS: usize = 100_000_000;
/// Columns of an overlay.
const COLUMNS: usize = 4;
/// The most bytes of the probabilities of one volume.
const MOST_BYTES: usize = 2 << 30;

/// The prediction of one volume.
pub(super) struct VolumeTask<'a> {
    pub network: &'a Network,
    pub plan: &'a PredictionSettings<'a>,
    /// Number of slices that are read and predicted together.
    pub chunk: usize,
    pub output: PredictionOutput<'a>,
}

/// The classes of a volume, in the order of the file's voxels.
struct VolumeClasses {
    classes: Vec<u8>,
    /// The probabilities, class by class, where they are written.
    probabilities: Option<Vec<f32>>,
    /// Number of foreground pixels of each slice.
    foreground: Vec<usize>,
    /// Properties of the slices that were read.
    facts: Vec<ImageFacts>,
    warnings: Vec<FileNotice>,
}

impl VolumeTask<'_> {
    /// Predicts a volume and writes its files; `None` if the work was stopped, and then no file is written. `progress` is called
    /// with the number of slices that were finished, and in case of an error with the number of the others.
    pub(super) fn predict(
        &self,
        input: &PredictionInput,
        progress: &mut impl FnMut(usize),
        seconds: &mut PredictionSeconds,
    ) -> Result<Option<PredictedImage>> {
        let waiting = Instant::now();
        let volume = VolumeInput::open(self.plan.spec, &input.path, self.plan.channels)?;
        seconds.waiting += waiting.elapsed().as_secs_f64();
        let mut finished = 0;
        let predicted = self.classes(&volume, &input.path, seconds, &mut |slices| {
            finished += slices;
            progress(slices);
        });
        if predicted.is_err() {
            progress(volume.slices() - finished);
        }
        let Some(predicted) = predicted? else { return Ok(None) };
        let writing = Instant::now();
        let written = self.write(input, &volume, &predicted);
        seconds.writing += writing.elapsed().as_secs_f64();
        written.map(Some)
    }

    /// Predicts all slices. The next slices are prepared while the network runs.
    fn classes(
        &self,
        volume: &VolumeInput,
        path: &Path,
        seconds: &mut PredictionSeconds,
        progress: &mut impl FnMut(usize),
    ) -> Result<Option<VolumeClasses>> {
        let voxels: usize = volume.dims().iter().product();
        let slices = volume.slices();
        let probabilities = match self.output.extras.probabilities {
            Some(_) => Some(vec![0f32; self.probability_values(path, voxels)?]),
            None => None,
        };
        let mut found = VolumeClasses {
            classes: vec![0; voxels],
            probabilities,
            foreground: vec![0; slices],
            facts: Vec::with_capacity(slices),
            warnings: Vec::new(),
        };
        let all: Vec<usize> = (0..slices).collect();
        let full = self.plan.window.is_some();
        let (send, loaded) = sync_channel::<Result<Vec<LoadedImage>>>(1);
        let chunks = || all.chunks(self.chunk);
        std::thread::scope(|scope| {
            // The receiver is dropped on every way out of this closure, which ends the reading thread.
            let loaded = loaded;
            scope.spawn(move || {
                for chunk in chunks() {
                    let images = chunk.par_iter().map(|&index| volume.slice(index, full)).collect();
                    // The receiver has stopped.
                    if send.send(images).is_err() {
                        break;
                    }
                }
            });
            for chunk in chunks() {
                let waiting = Instant::now();
                let Ok(images) = loaded.recv() else { break };
                let images = images?;
                seconds.waiting += waiting.elapsed().as_secs_f64();
                let network = Instant::now();
                match self.add_slices(volume, path, chunk, &images, &mut found) {
                    // Nothing is written of a volume that was not finished.
                    Err(_) if self.plan.is_stopped() => return Ok(None),
                    added => added?,
                }
                seconds.network += network.elapsed().as_secs_f64();
                progress(chunk.len());
                if self.plan.is_stopped() {
                    return Ok(None);
                }
            }
            Ok(Some(found))
        })
    }

    /// Returns the number of probabilities of a volume. Fails if they need too much memory.
    fn probability_values(&self, path: &Path, voxels: usize) -> Result<usize> {
        let values = voxels.saturating_mul(self.plan.spec.classes.len());
        if values.saturating_mul(4) > MOST_BYTES {
            return Err(problem!(
                E0731,
                path,
                "the probabilities of {} and {} need more than 2 GiB",
                counted(voxels, "voxel"),
                counted(self.plan.spec.classes.len(), "class");
                help: "leave out `--probabilities`, or cut the volume into parts"
            ));
        }
        Ok(values)
    }

    /// Predicts some slices and puts their classes into the volume.
    fn add_slices(
        &self,
        volume: &VolumeInput,
        path: &Path,
        slices: &[usize],
        images: &[LoadedImage],
        found: &mut VolumeClasses,
    ) -> Result<()> {
        let pictures: Vec<&LoadedImage> = images.iter().collect();
        let scores = self.plan.predict(self.network, &pictures)?;
        let size = volume.slice_size();
        let voxels = found.classes.len();
        for ((&index, image), scored) in slices.iter().zip(images).zip(&scores) {
            let classes = (scored.classes_at(size, path))
                .map_err(|error| RunError { message: format!("slice {index}: {}", error.message), ..error })?;
            found.foreground[index] = classes.iter().filter(|&&class| class > 0).count();
            volume.put_slice(index, &classes, &mut found.classes);
            if let Some(all) = &mut found.probabilities {
                let planes = scored.resized(size);
                for (plane, array) in planes.chunks_exact(size[0] * size[1]).zip(all.chunks_exact_mut(voxels)) {
                    volume.put_slice(index, plane, array);
                }
            }
            found.facts.push(image.facts.clone());
            found.warnings.extend(image.warnings.iter().cloned());
        }
        Ok(())
    }

    /// Writes `OUT/STEM.nii.gz` and the extras: `OUT/STEM_overlay.png`, `OUT/STEM.npy` or `OUT/STEM_probabilities.nii.gz`.
    fn write(&self, input: &PredictionInput, volume: &VolumeInput, found: &VolumeClasses) -> Result<PredictedImage> {
        let (spec, extras) = (self.plan.spec, self.output.extras);
        let base = self.output.folder.join(&input.stem);
        if let Some(folder) = base.parent() {
            std::fs::create_dir_all(folder).map_err(|e| RunError::create_dir(folder, e))?;
        }
        let probabilities = match (extras.probabilities, &found.probabilities) {
            (Some(ProbabilityFormat::Npy), Some(values)) => {
                let path = with_suffix(&base, ".npy");
                write_volume_npy(&path, values, spec.classes.len(), volume.dims())?;
                vec![path]
            }
            (Some(ProbabilityFormat::Nifti), Some(values)) => {
                let path = with_suffix(&base, "_probabilities.nii.gz");
                volume.write_values(&path, values)?;
                vec![path]
            }
            (None | Some(ProbabilityFormat::Png16), _) | (_, None) => Vec::new(),
        };
        let (mut overlay, mut picture) = (None, None);
        if extras.overlay {
            let path = with_suffix(&base, "_overlay.png");
            let (rgb, size) = self.sheet(volume, &input.stem, found)?;
            write_png_atomic(&path, &rgb, size)?;
            (overlay, picture) = (Some(path), Some((rgb, size)));
        }
        // The mask comes last: a volume whose other files cannot be written is reported as one without a prediction.
        let mask = with_suffix(&base, ".nii.gz");
        volume.write_classes(&mask, &found.classes)?;
        let foreground = found.foreground.iter().sum::<usize>() as f64 / found.classes.len().max(1) as f64;
        let slices = volume.slices();
        Ok(PredictedImage {
            mask,
            overlay,
            probabilities,
            size: volume.slice_size(),
            volume: Some(PredictedVolume { slices, axis: spec.slicing.axis.name(), dims: volume.dims() }),
            foreground,
            facts: ImageFacts::of_volume(&found.facts),
            warnings: merge_slice_notices(&input.path, slices, found.warnings.clone()),
            picture,
        })
    }

    /// Draws slices with their classes, evenly spaced from the first with foreground to the last.
    fn sheet(&self, volume: &VolumeInput, stem: &Path, found: &VolumeClasses) -> Result<(Vec<u8>, [usize; 2])> {
        let size = volume.slice_size();
        let most = (SHOWN_PIXELS / (size[0] * size[1]).max(1)).clamp(1, SHOWN);
        let tile = |&index: &usize| -> Result<CaptionedPicture> {
            let image = volume.slice(index, true)?;
            let classes = volume.slice_of(index, &found.classes);
            let share = 100.0 * found.foreground[index] as f64 / classes.len().max(1) as f64;
            let name = format!("{} slice {}", stem.display(), volume.stored_index(index));
            let caption = format!("{share:.1} % foreground");
            Ok(CaptionedPicture { name, caption, rgb: overlay(&image.rgb, size, &classes, None)?, size })
        };
        let tiles = shown_slices(&found.foreground, most).iter().map(tile).collect::<Result<Vec<_>>>()?;
        let title = format!("{}, {} slices", stem.display(), self.plan.spec.slicing.axis.name());
        Ok(contact_sheet(&title, &class_legend(&self.plan.spec.classes), in_columns(tiles, COLUMNS)))
    }
}

/// Chooses at most `most` slices, evenly spaced from the first with foreground to the last; of all slices if none has any.
fn shown_slices(foreground: &[usize], most: usize) -> Vec<usize> {
    let first = foreground.iter().position(|&n| n > 0).unwrap_or(0);
    let last = foreground.iter().rposition(|&n| n > 0).unwrap_or(foreground.len().saturating_sub(1));
    let count = (last + 1 - first).min(most);
    (0..count).map(|i| first + ((2 * i + 1) * (last + 1 - first)) / (2 * count)).collect()
}

/// Returns how many images were predicted: `3 images`, `1 volume of 40 slices`, or both.
pub(super) fn count_text<'a>(written: impl Iterator<Item = &'a PredictedImage>) -> String {
    let (mut pictures, mut volumes, mut slices) = (0, 0, 0);
    for image in written {
        match image.volume {
            Some(volume) => (volumes, slices) = (volumes + 1, slices + volume.slices),
            None => pictures += 1,
        }
    }
    let of_volumes = format!("{} of {}", counted(volumes, "volume"), counted(slices, "slice"));
    match (pictures, volumes) {
        (_, 0) => counted(pictures, "image"),
        (0, _) => of_volumes,
        _ => format!("{} and {of_volumes}", counted(pictures, "image")),
    }
}
