//! `npc demo`: checks, trains, evaluates and predicts on generated images.

use super::details::ModelFiles;
use super::error::CommandResult;
use super::option_words::device_text_parser;
use super::terminal::{print, print_progress, stop_on_interrupt};
use super::train;
use crate::base::atomic::write_atomic;
use crate::base::count::counted;
use crate::base::error::RunError;
use crate::base::lock::{WhenBusy, lock_run_folder};
use crate::base::number::with_prefix;
use crate::base::problem::problem;
use crate::data::SplitRole;
use crate::desk::{ResolvedRun, RunRequest, resolve_run};
use crate::learn::prepare::{RunInputs, prepare};
use crate::learn::run_folder::RunFolder;
use crate::score::eval::{EvaluateOptions, evaluate, load_best_network};
use crate::score::evaluation_files::write_evaluation;
use crate::show::evaluation::score_table;
use crate::show::images::gallery::{case_sheet, write_png};
use crate::show::prediction::predict_case;
use crate::show::table::OutputFormat;
use crate::study::cost::{Convention, count};
use clap::Args;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// Check, train, evaluate and predict with NPNet on generated images
#[derive(Args)]
#[command(after_help = "The demo needs no data: it generates slices that resemble lung CT, with ground truth. It takes
less than a minute on two cores.

Example:
  npc demo --out out/demo

Exit codes: 0 success, 1 problems found, 2 wrong usage")]
pub(super) struct DemoOptions {
    /// Output folder; a demo already in it is replaced
    #[arg(long, value_name = "DIR", default_value = "out/demo")]
    out: PathBuf,
    /// Number of epochs, instead of that in the model file
    #[arg(long)]
    epochs: Option<usize>,
    /// cpu, cuda or cuda:N
    #[arg(long, value_parser = device_text_parser(), hide_possible_values = true, default_value = "cpu")]
    device: String,
}

const MODEL: &str = include_str!("../../models/npnet.model");
const DATA: &str = include_str!("../../models/data.model");
/// Explains a warning that every demo has, because its images are smaller than those that the network was made for.
const SMALL_IMAGES: &str = "         the warning W0404 below is expected: the dilations of NPNet are those of the paper, for images of 512x512,\n         \
                            and the demo takes 128x128 to be done in a minute or two\n";
/// Number of test images with a mask and an overlay.
const SHOWN: usize = 6;
/// Folder of the masks, below the output folder.
const MASKS: &str = "masks";
/// Picture of all overlays, and the run folder, in the output folder.
const OVERLAYS: &str = "overlays.png";
const RUN: &str = "run";

pub(super) fn run(opts: &DemoOptions) -> CommandResult {
    let folder = RunFolder::new(opts.out.join(RUN));
    let model = create_folder(&opts.out, &folder)?;
    let _held = lock_run_folder(folder.root(), WhenBusy::Fail)?;
    let set: Vec<String> = opts.epochs.iter().map(|n| format!("epochs={n}")).collect();
    let request = RunRequest {
        file: &model,
        run: Some("npnet_phantoms"),
        model: None,
        set: &set,
        with: &[],
        data_root: None,
        device: Some(&opts.device),
    };
    let run = resolve_run(&ModelFiles, &request)?;
    let report = count(&run.checked, Convention::Conv);
    let lints = if run.warnings.iter().any(|warning| warning.contains("W0404")) { SMALL_IMAGES } else { "" };
    print_progress(&format!(
        "check    {}  {} -> {}  {}, {} MACs\n{lints}\ntrain    ",
        run.checked.graph().name,
        run.checked.input(),
        run.checked.output(),
        counted(report.params, "parameter"),
        with_prefix(report.macs)
    ))?;
    train::train_with_progress(&run, &folder)?;
    evaluate_test_images(&run, &folder)?;
    let overview = predict_test_images(&run, &folder, &opts.out)?;
    print(&format!(
        "predict  masks and overlays  {}\n         all overlays        {}  (green correct, yellow false positive, blue false negative)\n\
         run      {}\n",
        opts.out.join(MASKS).display(),
        overview.display(),
        folder.root().display()
    ))
}

/// Creates the output folder with the model files, and returns the model file. Of the folder of an earlier demo the files of the demo
/// are replaced; a folder with other files alone, and a demo that still runs, are errors.
fn create_folder(out: &Path, folder: &RunFolder) -> Result<PathBuf, RunError> {
    let model = out.join("npnet.model");
    if out.exists() {
        if !model.exists() && std::fs::read_dir(out).is_ok_and(|mut d| d.next().is_some()) {
            return Err(
                problem!(E0702, out, "holds files that `npc demo` did not write"; help: "choose another folder: `--out DIR`"),
            );
        }
        let _held = lock_run_folder(folder.root(), WhenBusy::Fail)?;
        for old in [folder.root().to_path_buf(), out.join(MASKS), out.join(OVERLAYS)] {
            let removed = if old.is_dir() { std::fs::remove_dir_all(&old) } else { std::fs::remove_file(&old) };
            removed
                .or_else(|e| if e.kind() == ErrorKind::NotFound { Ok(()) } else { Err(RunError::write(&old, e)) })?;
        }
    }
    let masks = out.join(MASKS);
    std::fs::create_dir_all(&masks).map_err(|e| RunError::create_dir(&masks, e))?;
    write_atomic(&out.join("data.model"), DATA.as_bytes())?;
    write_atomic(&model, MODEL.as_bytes())?;
    Ok(model)
}

/// Evaluates the run on its test images and prints the scores.
fn evaluate_test_images(run: &ResolvedRun, folder: &RunFolder) -> CommandResult {
    let options = EvaluateOptions::default();
    let (evaluation, cases) =
        evaluate(&run.checked, &run.settings, folder, SplitRole::Test, &options, stop_on_interrupt())?;
    write_evaluation(folder, SplitRole::Test, &run.settings.data, &evaluation, &cases)?;
    let scores = score_table(&evaluation, &run.settings.data.classes, OutputFormat::Text);
    print(&format!("\neval     {}\n\n{scores}\n", counted(evaluation.summary.n, "test image")))
}

/// Writes masks and overlays of some test images, and returns the picture of all overlays.
fn predict_test_images(run: &ResolvedRun, folder: &RunFolder, out: &Path) -> Result<PathBuf, RunError> {
    let RunInputs { device, data } = prepare(&run.checked, &run.settings)?;
    let network = load_best_network(&run.checked, folder, &device)?;
    let (masks, channels) = (out.join(MASKS), run.checked.input().channels());
    let mut cases = Vec::new();
    for index in 0..data.len(SplitRole::Test).min(SHOWN) {
        cases.push(predict_case(&network, &data, SplitRole::Test, index, &masks, channels)?);
    }
    let overview = out.join(OVERLAYS);
    write_png(&overview, &case_sheet(&format!("{}: test images", run.settings.train.name), &cases, 3)?)?;
    Ok(overview)
}
