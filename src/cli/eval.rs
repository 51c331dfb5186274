//! `npc eval`: evaluates a run against the ground truth.

use super::details::{StageClock, detail};
use super::error::{CommandError, CommandResult};
use super::opened_run::open_run;
use super::option_words::{TABLES, device_text_parser, format_parser};
use super::split_option::SplitPart;
use super::terminal::{print, stop_on_interrupt};
use crate::base::count::counted;
use crate::base::problem::problem;
use crate::data::SplitRole;
use crate::desk::{check_folders_of_run, check_outputs_of_runs};
use crate::score::eval::{CheckpointChoice, EvaluateOptions, evaluate};
use crate::score::evaluation_files::{check_own_scores, write_evaluation};
use crate::show::evaluation::{confusion_of, headline, long_table, score_table};
use crate::show::figures::FigureData;
use crate::show::table::OutputFormat;
use clap::Args;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

/// Evaluate a run on its test images
#[derive(Args)]
#[command(
    after_help = "npc eval computes Dice, IoU, precision, recall, specificity, accuracy, boundary IoU, HD95 and ASSD
of each image and averages them over the images, with 95 % bootstrap intervals. Pooled scores,
over the pixels of all images together, are listed as well. `empty` in the data block sets the
score of an image for a class that neither prediction nor truth contains. Scores are computed at
the data block's size. The calibration error compares the confidence of each pixel with the
accuracy. docs/metrics.md has the formulas. RUN_DIR/cases.csv gets a line per image and class,
RUN_DIR/eval.json everything else, with a confusion matrix of the pixels and the precision-recall
curve of each class. --confusion prints the matrix, --figures draws all of it.

Slices of volumes are scored as images, and their volumes as wholes too: all slices together on
the grid of the file, with distances between surfaces in millimetres. RUN_DIR/volumes.csv gets a
line per volume and class.

Examples:
  npc eval runs/npnet_lung
  npc eval runs/npnet_lung --flips --checkpoint last
  npc eval runs/npnet_lung --split train --format json
  npc eval runs/npnet_lung --format latex > table.tex
  npc eval runs/npnet_lung --overlays overlays --worst 12
  npc eval runs/npnet_lung --confusion --figures figures

Exit codes: 0 success, 1 problems found, 2 wrong usage, 130 interrupted"
)]
pub(super) struct EvalOptions {
    /// Folder that `npc train` wrote
    run_dir: PathBuf,
    /// Part of the data split to evaluate
    #[arg(long, value_enum, default_value = "test")]
    split: SplitPart,
    #[arg(long, value_parser = format_parser(TABLES), default_value = "text")]
    format: OutputFormat,
    /// Checkpoint: best, last or a file
    #[arg(long, value_name = "WEIGHTS", default_value = "best")]
    checkpoint: String,
    /// Average probabilities over each image and its three flips (horizontal, vertical, both)
    #[arg(long)]
    flips: bool,
    /// cpu, cuda or cuda:N
    #[arg(long, value_parser = device_text_parser(), hide_possible_values = true)]
    device: Option<String>,
    /// Folder that the paths of the data block are relative to [default: as in training]
    #[arg(long, value_name = "DIR")]
    data_root: Option<PathBuf>,
    /// Print the confusion matrix as well: shares of each true class and counts
    #[arg(long)]
    confusion: bool,
    #[command(flatten)]
    overlays: super::overlays::OverlayOptions,
    #[command(flatten)]
    figures: super::figures::FigureOptions,
}

impl EvalOptions {
    /// Returns the options that evaluate one split of a run with its best weights and print text.
    #[cfg(feature = "run")]
    pub(super) fn of_role(
        run_dir: &Path,
        role: SplitRole,
        device: Option<String>,
        data_root: Option<PathBuf>,
    ) -> EvalOptions {
        EvalOptions {
            run_dir: run_dir.to_path_buf(),
            split: SplitPart::of(role),
            format: OutputFormat::Text,
            checkpoint: "best".into(),
            flips: false,
            device,
            data_root,
            confusion: false,
            overlays: super::overlays::OverlayOptions::default(),
            figures: super::figures::FigureOptions::default(),
        }
    }
}

pub(super) fn run(opts: &EvalOptions) -> CommandResult {
    if opts.confusion && opts.format == OutputFormat::Csv {
        return Err(CommandError::usage(
            problem!(E0503, "`--format csv` has one table, and `--confusion` adds others";
            help: "`--format json` holds the scores and the confusion matrix"),
        ));
    }
    let mut clock = StageClock::start();
    let (resolved, folder) = open_run(&opts.run_dir, opts.data_root.as_deref(), opts.device.as_deref())?;
    clock.lap("read the run, and built and checked the model");
    let stop = stop_on_interrupt();
    let weights = match opts.checkpoint.as_str() {
        "best" => CheckpointChoice::Best,
        "last" => CheckpointChoice::Last,
        path => CheckpointChoice::File(path.into()),
    };
    let options = EvaluateOptions { weights, flips: opts.flips };
    let role = opts.split.role();
    check_own_scores(&folder, role)?;
    let outputs = opts.figures.files().into_iter().chain(opts.overlays.sheet());
    check_outputs_of_runs(outputs, std::slice::from_ref(&opts.run_dir), opts.data_root.as_deref())?;
    let folders = opts.figures.dir().into_iter().chain(opts.overlays.dir());
    check_folders_of_run(folders, &opts.run_dir, opts.data_root.as_deref())?;
    let scored = evaluate(&resolved.checked, &resolved.settings, &folder, role, &options, stop);
    if stop.load(Ordering::Relaxed) {
        return Err(CommandError::Interrupted);
    }
    let (evaluation, cases) = scored?;
    detail("weights", || evaluation.checkpoint.clone());
    clock.lap(&format!("predicted and scored {}", counted(evaluation.summary.n, "image")));
    let data = &resolved.settings.data;
    write_evaluation(&folder, role, data, &evaluation, &cases)?;
    evaluation.file_warnings.iter().for_each(|w| notice!("warning: {w}"));
    opts.overlays.write(resolved.trained(&folder), role)?;
    opts.figures.write(&FigureData::of(&evaluation))?;
    let format = opts.format;
    let confusion = if opts.confusion { confusion_of(&evaluation, format) } else { String::new() };
    match format {
        OutputFormat::Json => print(&format!("{:#}\n", serde_json::json!(evaluation))),
        OutputFormat::Csv => print(&long_table(&evaluation, &data.classes).to_csv()),
        OutputFormat::Text => {
            let (train, model) = (&resolved.settings.train.name, &resolved.checked.graph().name);
            let run = format!("{}: run `{train}`, {model} on data `{}`", folder.root().display(), data.name);
            let head = format!("{run}\n{}", headline(&evaluation));
            let mut files = format!("per image: {}\n", folder.cases(role).display());
            if evaluation.volumes.is_some() {
                files += &format!("per volume: {}\n", folder.volumes(role).display());
            }
            print(&format!("{head}\n\n{}{confusion}\n{files}", score_table(&evaluation, &data.classes, format)))
        }
        _ => print(&format!("{}{confusion}", score_table(&evaluation, &data.classes, format))),
    }
}
