//! `npc predict`: masks, overlays and probabilities for images.

use super::outcome::{Done, Stop};
use super::terminal::{print, stop_on_interrupt};
use crate::base::error::{Result, RunError};
use crate::compute::device::{self, DeviceChoice};
use crate::compute::network::Network;
use crate::data::LoadedImage;
use crate::data::inputs::{Input, gather};
use crate::desk::reopen;
use crate::score::eval::load;
use crate::score::predict::Plan;
use crate::score::probability::Format as Probabilities;
use crate::score::window::Window;
use crate::show::prediction::{Extras, Written, write};
use burn::module::Module;
use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use rayon::prelude::*;
use serde_json::json;
use std::io::IsTerminal;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::sync_channel;
use std::time::Instant;

/// Write masks for images with a trained run
#[derive(Args)]
#[command(
    after_help = "Inputs are files, folders (every image below them) and quoted patterns. Each mask has the size of its image and the
labels of the data block: OUT/STEM.png, under the folders that the image has below a folder that was given. An image
that cannot be read is reported at the end, and the others are done.

Without --window an image is resized to the size of the data block, as in training. With it the image stays as it is
and the network slides over it in tiles of that size; tiles are blended with Gaussian weights (docs/report.md).

Examples:
  npc predict runs/npnet_lung slices/*.tif --out masks --overlay
  npc predict runs/npnet_lung scans \"more/**/*.png\" --out masks --flips --batch 8
  npc predict runs/npnet_lung large.tif --out masks --window --overlap 0.5 --probabilities npy
  npc predict runs/npnet_lung scans --out masks --format json

Exit codes: 0 done, 1 problems found, 2 wrong usage, 130 interrupted"
)]
pub struct Opts {
    /// Folder that `npc train` wrote
    run_dir: PathBuf,
    /// Images, folders, or patterns such as "scans/**/*.png"
    #[arg(required = true, value_name = "INPUT")]
    inputs: Vec<PathBuf>,
    /// Folder for the masks
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Also write pictures of the masks on the images: OUT/STEM_overlay.png
    #[arg(long)]
    overlay: bool,
    /// Also write probabilities: OUT/STEM_CLASS.png of 16 bits, or OUT/STEM.npy, float32 [classes, height, width]
    #[arg(long, value_enum, value_name = "FORMAT")]
    probabilities: Option<ProbabilityFormat>,
    /// Slide over the image at its own resolution
    #[arg(long)]
    window: bool,
    /// Share of a tile that its neighbour covers too
    #[arg(long, value_name = "SHARE", default_value = "0.5", requires = "window")]
    overlap: f64,
    /// Mean over the image and its mirror images: four passes
    #[arg(long)]
    flips: bool,
    /// Images or tiles that go through the network at once; as in training when not given
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    batch: Option<u16>,
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
    /// cpu, cuda or cuda:N
    #[arg(long)]
    device: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Json,
}

#[derive(Clone, Copy, ValueEnum)]
enum ProbabilityFormat {
    Png16,
    Npy,
}

impl From<ProbabilityFormat> for Probabilities {
    fn from(format: ProbabilityFormat) -> Self {
        match format {
            ProbabilityFormat::Png16 => Probabilities::Png16,
            ProbabilityFormat::Npy => Probabilities::Npy,
        }
    }
}

pub fn run(opts: &Opts) -> Done {
    let (ready, folder) = reopen(&opts.run_dir, None, opts.device.as_deref())?;
    let choice: DeviceChoice = ready.settings.device.parse().map_err(RunError::new)?;
    let spec = &ready.settings.data;
    let extras = Extras { overlay: opts.overlay, probabilities: opts.probabilities.map(Into::into) };
    let inputs = gather(&opts.inputs, &opts.out, &extras.ends(&spec.classes))?;
    let batch = opts.batch.map_or(ready.settings.train.batch, usize::from).max(1);
    let window = opts.window.then(|| Window::new(spec.size, opts.overlap, batch)).transpose()?;
    let plan = Plan { spec, channels: ready.checked.input().channels(), window, flips: opts.flips };
    let network = load(&ready.checked, &folder, &device::open(choice)?)?.valid();
    std::fs::create_dir_all(&opts.out).map_err(|e| RunError::at(&opts.out, format!("cannot make the folder: {e}")))?;
    let stop = stop_on_interrupt();
    let job = Predicting { network: &network, plan: &plan, inputs: &inputs, opts, extras, stop };
    // One image at a time where each is many tiles.
    let done = job.all(if opts.window { 1 } else { batch })?;
    done.told(&inputs, opts)?;
    if stop.load(Ordering::Relaxed) { Err(Stop::Interrupted) } else { Ok(()) }
}

struct Predicting<'a> {
    network: &'a Network,
    plan: &'a Plan<'a>,
    inputs: &'a [Input],
    opts: &'a Opts,
    extras: Extras,
    stop: &'a AtomicBool,
}

/// Seconds of the thread that predicts; files are read beside it.
#[derive(Default)]
struct Seconds {
    total: f64,
    waiting: f64,
    network: f64,
    writing: f64,
}

struct Finished {
    /// By the number of the input.
    written: Vec<(usize, Written)>,
    failed: Vec<(usize, RunError)>,
    seconds: Seconds,
}

impl Predicting<'_> {
    /// Reads the next images while the network has the ones before.
    fn all(&self, batch: usize) -> Result<Finished> {
        let mut done = Finished { written: Vec::new(), failed: Vec::new(), seconds: Seconds::default() };
        let bar = bar(self.inputs.len());
        let began = Instant::now();
        let (send, loaded) = sync_channel::<Vec<Result<LoadedImage>>>(1);
        std::thread::scope(|scope| {
            scope.spawn(move || {
                for inputs in self.inputs.chunks(batch) {
                    let images = inputs.par_iter().map(|input| self.plan.load(&input.path)).collect();
                    // Nobody waits any more.
                    if send.send(images).is_err() {
                        break;
                    }
                }
            });
            for (first, inputs) in (0..).step_by(batch).zip(self.inputs.chunks(batch)) {
                let waiting = Instant::now();
                let Ok(images) = loaded.recv() else { break };
                done.seconds.waiting += waiting.elapsed().as_secs_f64();
                self.some(first, inputs, images, &mut done, &bar)?;
                if self.stop.load(Ordering::Relaxed) {
                    break;
                }
            }
            // The reader ends once its images have nowhere to go.
            drop(loaded);
            bar.finish_and_clear();
            done.seconds.total = began.elapsed().as_secs_f64();
            Ok(done)
        })
    }

    fn some(
        &self,
        first: usize,
        inputs: &[Input],
        images: Vec<Result<LoadedImage>>,
        done: &mut Finished,
        bar: &ProgressBar,
    ) -> Result<()> {
        let mut read = Vec::new();
        for (i, image) in images.into_iter().enumerate() {
            match image {
                Ok(image) => read.push((i, image)),
                Err(e) => done.failed.push((first + i, e)),
            }
        }
        if !read.is_empty() {
            let network = Instant::now();
            let pictures: Vec<&LoadedImage> = read.iter().map(|(_, image)| image).collect();
            let scores = self.plan.score(self.network, &pictures)?;
            done.seconds.network += network.elapsed().as_secs_f64();
            let writing = Instant::now();
            let written: Vec<Result<Written>> = (read.par_iter().zip(&scores))
                .map(|((i, image), scored)| {
                    write(self.plan.spec, &inputs[*i], image, scored, &self.opts.out, self.extras)
                })
                .collect();
            done.seconds.writing += writing.elapsed().as_secs_f64();
            for ((i, _), written) in read.iter().zip(written) {
                match written {
                    Ok(written) => done.written.push((first + i, written)),
                    Err(e) => done.failed.push((first + i, e)),
                }
            }
        }
        bar.inc(inputs.len() as u64);
        Ok(())
    }
}

fn bar(images: usize) -> ProgressBar {
    let shown = std::io::stderr().is_terminal();
    let target = if shown { ProgressDrawTarget::stderr_with_hz(5) } else { ProgressDrawTarget::hidden() };
    let bar = ProgressBar::with_draw_target(Some(images as u64), target);
    if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} images  {per_sec}  {eta} left") {
        bar.set_style(style);
    }
    bar
}

impl Finished {
    fn told(&self, inputs: &[Input], opts: &Opts) -> Done {
        let Seconds { total, waiting, network, writing } = self.seconds;
        let per_second = self.written.len() as f64 / total.max(1e-9);
        match opts.format {
            Format::Json => {
                let images = self.written.iter().map(|(i, written)| {
                    let mut value = json!(written);
                    value["image"] = json!(inputs[*i].path);
                    value
                });
                let failed = (self.failed.iter())
                    .map(|(i, e)| json!({"image": inputs[*i].path, "message": e.message, "help": e.help}));
                let value = json!({
                    "schema": 1,
                    "images": images.collect::<Vec<_>>(),
                    "failed": failed.collect::<Vec<_>>(),
                    "images_per_second": per_second,
                    "seconds": {"total": total, "waiting_for_files": waiting, "network": network, "writing": writing},
                });
                print(&format!("{value:#}\n"))?;
            }
            Format::Text => {
                let mut text = String::new();
                for (_, written) in &self.written {
                    let warnings: String = written.warnings.iter().map(|w| format!("\n  warning: {w}")).collect();
                    let share = 100.0 * written.foreground;
                    text += &format!("{}  {share:.1} % foreground{warnings}\n", written.mask.display());
                }
                let n = self.written.len();
                text += &format!(
                    "{n} {} in {total:.1} s, {per_second:.1} a second: network {network:.1} s, waiting for files \
                     {waiting:.1} s, writing {writing:.1} s\n",
                    if n == 1 { "image" } else { "images" }
                );
                print(&text)?;
            }
        }
        if self.failed.is_empty() {
            return Ok(());
        }
        let mut text = format!("{} of {} images were not predicted", self.failed.len(), inputs.len());
        self.failed.iter().for_each(|(_, e)| text += &format!("\n{e}"));
        Err(Stop::Message(text))
    }
}
