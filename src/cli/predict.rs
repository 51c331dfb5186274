//! `npc predict`: writes masks, overlays and probabilities for images and volumes.

use super::details::{StageClock, detail};
use super::error::{CommandError, CommandResult};
use super::global_options::quiet;
use super::opened_run::open_run;
use super::option_words::{TEXT_OR_JSON, device_text_parser, format_parser, word_parser};
use super::progress::bar;
use super::terminal::{print, stop_on_interrupt};
use crate::base::count::counted_of;
use crate::base::problem::problem;
use crate::compute::device::DeviceChoice;
use crate::desk::ProblemReport;
use crate::desk::runs::{PredictOptions, PredictionExtras, PredictionOutput, predict};
use crate::score::probability::ProbabilityFormat;
use crate::show::table::OutputFormat;
use crate::text::diag::Diagnostic;
use clap::Args;
use std::path::PathBuf;
use std::sync::atomic::Ordering;

/// Write masks for images and volumes with a trained run
#[derive(Args)]
#[command(
    after_help = "Inputs are files, folders (all images below them) and quoted patterns. The mask OUT/STEM.png has
the size of its image and the labels of the data block; images from a folder keep their
subfolders. Images that cannot be read are reported at the end, and the others are predicted.

A NIfTI file, or a folder that holds a DICOM series, is a volume: it is predicted slice by slice
along `axis` of the data block, and the mask OUT/STEM.nii.gz has its grid and its place in the
patient (docs/data.md). Its overlay is a sheet of slices.

Without --tiles an image is resized to the size of the data block, as in training. With --tiles
the image keeps its size and is predicted in overlapping tiles of the size of the data block,
blended with Gaussian weights (docs/report.md).

Examples:
  npc predict runs/npnet_lung slices/*.tif --out masks --overlay
  npc predict runs/npnet_lung scans \"more/**/*.png\" --out masks --flips --batch 8
  npc predict runs/npnet_lung large.tif --out masks --tiles --overlap 0.5 --probabilities npy
  npc predict runs/npnet_lung scans --out masks --format json
  npc predict runs/liver ct_17.nii.gz dicom/patient_3 --out masks --overlay --probabilities nifti

Exit codes: 0 success, 1 problems found, 2 wrong usage, 130 interrupted"
)]
pub(super) struct PredictCommandOptions {
    /// Folder that `npc train` wrote
    run_dir: PathBuf,
    /// Images, volumes, folders, or patterns such as "scans/**/*.png"
    #[arg(required = true, value_name = "INPUT")]
    inputs: Vec<PathBuf>,
    /// Folder for the masks
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Also write overlays of the masks on the images, of volumes on up to 12 slices: OUT/STEM_overlay.png
    #[arg(long)]
    overlay: bool,
    /// Also write probabilities: 16-bit OUT/STEM_CLASS.png, or OUT/STEM.npy as float32 [classes, height, width]; of volumes
    /// OUT/STEM.npy as [classes, x, y, z], or OUT/STEM_probabilities.nii.gz as [x, y, z, classes]
    #[arg(long, value_parser = word_parser(PROBABILITIES, ProbabilityFormat::name), value_name = "FORMAT")]
    probabilities: Option<ProbabilityFormat>,
    /// Predict in overlapping tiles (a sliding window) at the resolution of the image or slice
    #[arg(long, group = "tiled")]
    tiles: bool,
    /// The former name of `--tiles`
    #[arg(long, group = "tiled", hide = true)]
    window: bool,
    /// Overlap of neighbouring tiles, from 0 to below 1
    #[arg(long, value_name = "SHARE", default_value = "0.5", requires = "tiled", value_parser = parse_overlap)]
    overlap: f64,
    /// Average probabilities over the image and its three flips (four forward passes)
    #[arg(long)]
    flips: bool,
    /// Number of images, slices or tiles in a batch [default: as in training]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    batch: Option<u16>,
    #[arg(long, value_parser = format_parser(TEXT_OR_JSON), default_value = "text")]
    format: OutputFormat,
    /// cpu, cuda or cuda:N
    #[arg(long, value_parser = device_text_parser(), hide_possible_values = true)]
    device: Option<String>,
}

fn parse_overlap(text: &str) -> Result<f64, String> {
    let refused = || format!("`{text}` is not a share from 0 to below 1");
    let overlap: f64 = text.parse().map_err(|_| refused())?;
    if (0.0..1.0).contains(&overlap) { Ok(overlap) } else { Err(refused()) }
}

const PROBABILITIES: &[(ProbabilityFormat, &str)] =
    &[(ProbabilityFormat::Png16, ""), (ProbabilityFormat::Npy, ""), (ProbabilityFormat::Nifti, "")];

pub(super) fn run(opts: &PredictCommandOptions) -> CommandResult {
    let mut clock = StageClock::start();
    if opts.window {
        notice!("note: `--window` is `--tiles` now; `window` of a data block is the range of HU");
    }
    let (resolved, folder) = open_run(&opts.run_dir, None, opts.device.as_deref())?;
    let device: DeviceChoice =
        resolved.settings.device.parse().map_err(|message: String| problem!(E0730, "{message}"))?;
    let extras = PredictionExtras { overlay: opts.overlay, probabilities: opts.probabilities };
    let overlap = (opts.tiles || opts.window).then_some(opts.overlap);
    let options = PredictOptions { overlap, flips: opts.flips, batch: opts.batch.map(usize::from) };
    clock.lap("read the run, and built and checked the model");
    detail("weights", || folder.checkpoint().map_or_else(|e| e.message, |path| path.display().to_string()));
    detail("device", || resolved.settings.device.clone());
    let stop = stop_on_interrupt();
    let bar = bar("{bar:30} {human_pos}/{human_len} images and slices  {per_sec}  {eta} left", 5);
    let output = PredictionOutput { folder: &opts.out, extras };
    let predicted = predict(resolved.trained(&folder), &opts.inputs, output, device, &options, stop, |done, all| {
        bar.set_length(all as u64);
        bar.set_position(done as u64);
    });
    bar.finish_and_clear();
    let (inputs, done) = predicted?;
    inputs.iter().for_each(|input| detail("input", || input.path.display().to_string()));
    clock.lap("predicted and written");
    print(&match opts.format {
        OutputFormat::Json => format!("{:#}\n", done.to_json(&inputs)),
        _ if quiet() => done.masks_text(),
        _ => done.to_text(),
    })?;
    if !done.failed.is_empty() {
        let all = problem!(E0742, "{} not predicted", counted_of(done.failed.len(), inputs.len(), "image"));
        let problems = done.failed.iter().map(|(_, e)| e.clone()).chain([all]).map(Diagnostic::from).collect();
        return Err(CommandError::Problems(Box::new(ProblemReport { problems, ..ProblemReport::default() })));
    }
    if stop.load(Ordering::Relaxed) { Err(CommandError::Interrupted) } else { Ok(()) }
}
