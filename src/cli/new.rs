//! `npc new`: writes a model file that fits a folder of images.

use super::error::CommandResult;
use super::option_words::{TEXT_OR_JSON, format_parser};
use super::progress::bar;
use super::terminal::print;
use crate::desk::{NewProject, ProjectRequest, new_project};
use crate::show::project::{ProjectSummary, to_json, to_text};
use crate::show::table::OutputFormat;
use clap::Args;
use std::path::PathBuf;

/// Look at a folder of images and masks and write a model file that fits them
#[derive(Args)]
#[command(
    after_help = "The file has a data block, a small U-Net and a run of some minutes. The images are read, and neither copied nor
changed. What is a guess is printed with the line that changes it. Without --images, generated images
and masks are written into the project, to try everything without data.

Without --masks, names decide which files are masks: `p1_mask.png` beside `p1.png`, or a folder such as
`masks` or `labels`. DIR may exist; no file is overwritten. docs/new.md lists what is guessed.

Examples:
  npc new demo
  npc new polyps --images 'scans/*.png' --masks 'masks/*_mask.png'
  npc new liver --images imagesTr --masks labelsTr
  npc new lungs --images ~/data/lungs

Exit codes: 0 success, 1 problems found, 2 wrong usage"
)]
pub(super) struct NewOptions {
    /// Folder of the project; its name is that of the model file and the data block
    dir: PathBuf,
    /// Images: a folder, a pattern in quotes, or files; NIfTI files and DICOM folders are volumes
    #[arg(long, value_name = "PATH", num_args = 1..)]
    images: Vec<PathBuf>,
    /// Masks: a folder, a pattern in quotes, or files [default: found by their names]
    #[arg(long, value_name = "PATH", num_args = 1.., requires = "images")]
    masks: Vec<PathBuf>,
    #[arg(long, value_name = "FORMAT", value_parser = format_parser(TEXT_OR_JSON), default_value = "text")]
    format: OutputFormat,
}

pub(super) fn run(opts: &NewOptions) -> CommandResult {
    let bar = bar("{prefix} {bar:30} {human_pos}/{human_len}  {eta} left", 10);
    let progress = |what: &'static str, done: usize, all: usize| {
        bar.set_prefix(what);
        bar.set_length(all as u64);
        bar.set_position(done as u64);
    };
    let request = ProjectRequest { dir: &opts.dir, images: &opts.images, masks: &opts.masks };
    let made = new_project(&request, &progress);
    bar.finish_and_clear();
    let NewProject { model, run, written, inspection, guesses, plan } = made?;
    let summary = ProjectSummary {
        dir: &opts.dir,
        model: &model,
        run,
        written: &written,
        inspection: &inspection,
        guesses: guesses.iter().map(|guess| (guess.line, guess.entry.as_str(), guess.why.as_str())).collect(),
        costs: [plan.params, plan.macs, plan.memory, plan.minutes],
    };
    match opts.format {
        OutputFormat::Json => print(&format!("{:#}\n", to_json(&summary))),
        _ => print(&to_text(&summary)),
    }
}
