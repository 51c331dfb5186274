//! Predicts many images with a trained run, and reports the results as text and as JSON.

use super::prediction::{PredictedImage, PredictionOutput, PredictionSeconds, write};
use super::volume_prediction::{VolumeTask, count_text};
use crate::base::count::counted;
use crate::base::error::{Result, RunError};
use crate::base::printable::printable_line;
use crate::compute::device::{ComputeDevice, DeviceChoice};
use crate::compute::network::Network;
use crate::data::left_out::skipped_sentence;
use crate::data::prediction_inputs::{InputKind, PredictionInput};
use crate::data::{LoadedImage, NoticeSet};
use crate::learn::trained_run::TrainedRun;
use crate::score::eval::load_best_network;
use crate::score::predict::PredictionSettings;
use crate::score::sliding_window::SlidingWindow;
use rayon::prelude::*;
use serde_json::{Value, json};
use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::sync_channel;
use std::time::Instant;

/// How images are predicted.
#[derive(Debug, Clone, Copy, Default)]
pub struct PredictOptions {
    /// Predicts tiles at the resolution of the image, instead of the whole image at the size of the data block. The value
    /// is the fraction of a tile's side that overlaps the next tile, from 0 to below 1.
    pub overlap: Option<f64>,
    /// Averages the probabilities over the image and its three flips.
    pub flips: bool,
    /// Number of images or tiles in a batch; by default that of training.
    pub batch: Option<usize>,
}

/// A trained network, ready to predict.
pub(crate) struct Predictor<'a> {
    network: Network,
    plan: PredictionSettings<'a>,
    /// Number of images that are read and predicted together.
    chunk: usize,
}

/// The results for the images, each with its index among the inputs.
#[derive(Debug, Default)]
pub struct Predictions {
    /// Images and volumes whose mask was written, with the files of each.
    pub written: Vec<(usize, PredictedImage)>,
    /// Images that could not be read or written, with the reason.
    pub failed: Vec<(usize, RunError)>,
    /// Files that look like pictures or volumes and are no inputs.
    pub skipped: Vec<PathBuf>,
    /// Doubts whether the images look like those of training, one sentence each.
    pub doubts: Vec<String>,
    /// What holds for all images, one sentence each.
    pub notes: Vec<String>,
    /// Where the time went.
    pub seconds: PredictionSeconds,
}

impl<'a> Predictor<'a> {
    /// Opens the device and loads the best weights of the run.
    pub(crate) fn new(run: TrainedRun<'a>, device: DeviceChoice, options: &PredictOptions) -> Result<Self> {
        let spec = &run.settings.data;
        let batch = options.batch.unwrap_or(run.settings.train.batch).max(1);
        let window = options.overlap.map(|overlap| SlidingWindow::new(spec.size, overlap, batch)).transpose()?;
        let plan = PredictionSettings {
            spec,
            channels: run.checked.input().channels(),
            window,
            flips: options.flips,
            stop: None,
        };
        let network =
            load_best_network(run.checked, run.folder, &ComputeDevice::open(device, run.settings.train.precision)?)?;
        // With tiles, one image already fills several batches.
        Ok(Predictor { network, plan, chunk: if options.overlap.is_some() { 1 } else { batch } })
    }

    /// Predicts images and volumes, pictures first, and writes their masks. The next images are read while the network runs. An
    /// image that cannot be read or written is recorded with its error, and the others are still predicted. `progress` is called
    /// with the number of images, or slices of a volume, that were finished; `stop` ends the work after the current batch, and
    /// of a volume that is not finished nothing is written.
    pub(crate) fn predict_files(
        &self,
        inputs: &[PredictionInput],
        output: PredictionOutput<'_>,
        stop: &AtomicBool,
        mut progress: impl FnMut(usize),
    ) -> Result<Predictions> {
        std::fs::create_dir_all(output.folder).map_err(|e| RunError::create_dir(output.folder, e))?;
        let mut done = Predictions::default();
        let began = Instant::now();
        let plan = PredictionSettings { stop: Some(stop), ..self.plan.clone() };
        let ends = output.extras.file_endings(&plan.spec.classes);
        done.failed = inputs.iter().enumerate().filter_map(|(i, input)| Some((i, ends.too_long(input)?))).collect();
        let unnamed: HashSet<usize> = done.failed.iter().map(|(i, _)| *i).collect();
        let of_kind = |kind| -> Vec<usize> {
            (0..inputs.len()).filter(|&i| inputs[i].kind == kind && !unnamed.contains(&i)).collect()
        };
        self.predict_pictures(&plan, inputs, &of_kind(InputKind::Picture), output, &mut progress, &mut done)?;
        for index in of_kind(InputKind::Volume) {
            if plan.is_stopped() {
                break;
            }
            let task = VolumeTask { network: &self.network, plan: &plan, chunk: self.chunk, output };
            match task.predict(&inputs[index], &mut progress, &mut done.seconds) {
                Ok(Some(written)) => done.written.push((index, written)),
                // The work was stopped.
                Ok(None) => {}
                Err(error) => done.failed.push((index, error)),
            }
        }
        done.written.sort_by_key(|(index, _)| *index);
        done.failed.sort_by_key(|(index, _)| *index);
        done.seconds.total = began.elapsed().as_secs_f64();
        Ok(done)
    }

    /// Predicts the inputs with these indices, which are pictures.
    fn predict_pictures(
        &self,
        plan: &PredictionSettings<'_>,
        inputs: &[PredictionInput],
        chosen: &[usize],
        output: PredictionOutput<'_>,
        progress: &mut impl FnMut(usize),
        done: &mut Predictions,
    ) -> Result<()> {
        let drawn = output.extras.overlay;
        let (send, loaded) = sync_channel::<Vec<Result<LoadedImage>>>(1);
        std::thread::scope(|scope| {
            scope.spawn(move || {
                for chosen in chosen.chunks(self.chunk) {
                    let images = chosen.par_iter().map(|&i| plan.load(&inputs[i].path, drawn)).collect();
                    // The receiver has stopped.
                    if send.send(images).is_err() {
                        break;
                    }
                }
            });
            for chosen in chosen.chunks(self.chunk) {
                let waiting = Instant::now();
                let Ok(images) = loaded.recv() else { break };
                done.seconds.waiting += waiting.elapsed().as_secs_f64();
                self.predict_chunk(plan, inputs, chosen, images, output, done)?;
                progress(chosen.len());
                if plan.is_stopped() {
                    break;
                }
            }
            // Closing the channel ends the reading thread.
            drop(loaded);
            Ok(())
        })
    }

    /// Predicts and writes one chunk of images; `chosen` are their indices among the inputs.
    fn predict_chunk(
        &self,
        plan: &PredictionSettings<'_>,
        inputs: &[PredictionInput],
        chosen: &[usize],
        images: Vec<Result<LoadedImage>>,
        output: PredictionOutput<'_>,
        done: &mut Predictions,
    ) -> Result<()> {
        let mut read = Vec::new();
        for (&i, image) in chosen.iter().zip(images) {
            match image {
                Ok(image) => read.push((i, image)),
                Err(e) => done.failed.push((i, e)),
            }
        }
        if read.is_empty() {
            return Ok(());
        }
        let network = Instant::now();
        let pictures: Vec<&LoadedImage> = read.iter().map(|(_, image)| image).collect();
        let scores = match plan.predict(&self.network, &pictures) {
            // Nothing is written of an image that was not finished.
            Err(_) if plan.is_stopped() => return Ok(()),
            scores => scores?,
        };
        done.seconds.network += network.elapsed().as_secs_f64();
        let writing = Instant::now();
        let written: Vec<Result<PredictedImage>> = (read.par_iter().zip(&scores))
            .map(|((i, image), scored)| write(plan.spec, &inputs[*i], image, scored, output.folder, output.extras))
            .collect();
        done.seconds.writing += writing.elapsed().as_secs_f64();
        for ((i, _), written) in read.iter().zip(written) {
            match written {
                Ok(written) => done.written.push((*i, written)),
                Err(e) => done.failed.push((*i, e)),
            }
        }
        Ok(())
    }
}

impl Predictions {
    /// Returns the number of pictures and slices a second.
    fn images_per_second(&self) -> f64 {
        let images: usize = self.written.iter().map(|(_, written)| written.images()).sum();
        images as f64 / self.seconds.total.max(1e-9)
    }

    /// Returns the warnings about the images, one for each topic.
    fn warnings(&self) -> Vec<String> {
        let all = self.written.iter().flat_map(|(_, written)| written.warnings.iter().cloned());
        let skipped = skipped_sentence(&self.skipped);
        let lines = NoticeSet::from_iter(all).lines(self.written.len());
        skipped.into_iter().chain(self.doubts.iter().cloned()).chain(lines).collect()
    }

    /// Returns a line for each image: its mask and its share of foreground.
    pub(crate) fn masks_text(&self) -> String {
        let mut text = String::new();
        for (_, written) in &self.written {
            let share = 100.0 * written.foreground;
            let slices = written
                .volume
                .map_or_else(String::new, |v| format!(", {}", counted(v.slices, &format!("{} slice", v.axis))));
            let mask = written.mask.display().to_string();
            text += &format!("{}  {share:.1} % foreground{slices}\n", printable_line(&mask));
        }
        text
    }

    /// Returns a line for each image, the warnings, and the times.
    pub fn to_text(&self) -> String {
        let PredictionSeconds { total, waiting, network, writing } = self.seconds;
        let mut text = self.masks_text();
        self.warnings().iter().for_each(|w| text += &format!("warning: {w}\n"));
        self.notes.iter().for_each(|note| text += &format!("note: {note}\n"));
        let images = count_text(self.written.iter().map(|(_, written)| written));
        let per_second = self.images_per_second();
        text + &format!(
            "{images} in {total:.1} s, {per_second:.1} a second: network {network:.1} s, waiting for files \
             {waiting:.1} s, writing {writing:.1} s\n"
        )
    }

    /// Returns all results and times as JSON. `inputs` are the images that were predicted.
    pub fn to_json(&self, inputs: &[PredictionInput]) -> Value {
        let PredictionSeconds { total, waiting, network, writing } = self.seconds;
        let images = self.written.iter().map(|(i, written)| {
            let mut value = json!(written);
            value["image"] = json!(inputs[*i].path.to_string_lossy());
            value
        });
        let failed = (self.failed.iter())
            .map(|(i, e)| json!({"image": inputs[*i].path.to_string_lossy(), "message": e.message, "help": e.help}));
        json!({
            "schema": 1,
            "images": images.collect::<Vec<_>>(),
            "warnings": self.warnings(),
            "skipped": self.skipped.iter().map(|path| path.to_string_lossy()).collect::<Vec<_>>(),
            "failed": failed.collect::<Vec<_>>(),
            "notes": self.notes,
            "images_per_second": self.images_per_second(),
            "seconds": {"total": total, "waiting_for_files": waiting, "network": network, "writing": writing},
        })
    }
}
