//! `npc data show`: draws samples with their masks outlined, and their augmentations.

use crate::base::atomic::named_target;
use crate::base::count::{counted, counted_of};
use crate::cli::details::ModelFiles;
use crate::cli::error::CommandResult;
use crate::cli::file_format::check_ending;
use crate::cli::options::SettingOptions;
use crate::cli::split_option::SplitPart;
use crate::cli::terminal::print;
use crate::data::png::write_png_atomic;
use crate::desk::{DataRequest, ResolvedData, check_outputs_of_model, resolve_data};
use crate::show::images::sample_sheet::{SampleChoice, SampleSource, sample_sheet};
use clap::Args;
use std::path::PathBuf;

/// Draw a contact sheet of samples with their masks outlined
#[derive(Args)]
#[command(
    after_help = "The pictures show the network's input at the data block's size, before normalization by mean and
standard deviation. For a run with augmentation, each row shows a sample and its augmented
versions in consecutive epochs, exactly as in `npc train`, with the applied transforms above each
picture.

Examples:
  npc data show models/npnet.model phantoms --out sheet.png
  npc data show models/npnet.model lung --data-root ~/data --count 20 --split test --out lung.png
  npc data show net.model --run net_lung --epoch 1 --versions 5 --out augmented.png
  npc data show runs/net_lung/settings.yaml --out augmented.png

Exit codes: 0 success, 1 problems found, 2 wrong usage"
)]
pub(super) struct DataShowOptions {
    /// Model file, or the settings.yaml of a run
    file: PathBuf,
    /// Name of a `data` block [default: that of the run, or the only one]
    data: Option<String>,
    /// Show the augmentation of this `train` block
    #[arg(long, value_name = "NAME")]
    run: Option<String>,
    /// First epoch whose augmentation is shown, counted from 1
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    epoch: u32,
    /// Number of epochs shown
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=50))]
    versions: u32,
    /// Number of samples
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=1000))]
    count: u32,
    /// Seed of the choice of samples; augmentation uses the run's seed
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Part of the data split
    #[arg(long, value_enum, default_value = "train")]
    split: SplitPart,
    /// Folder that the paths of the data block are relative to
    #[arg(long, value_name = "DIR")]
    data_root: Option<PathBuf>,
    #[command(flatten)]
    settings: SettingOptions,
    /// Picture to write
    #[arg(long, value_name = "FILE.png")]
    out: PathBuf,
}

pub(super) fn run(opts: &DataShowOptions) -> CommandResult {
    check_ending(&opts.out, &["png"])?;
    let request = DataRequest {
        file: &opts.file,
        data: opts.data.as_deref(),
        run: opts.run.as_deref(),
        set: &opts.settings.set,
        with: &opts.settings.with,
        data_root: opts.data_root.as_deref(),
    };
    let ResolvedData { data, root, channels, train } = resolve_data(&ModelFiles, &request)?;
    check_outputs_of_model([opts.out.clone()], &opts.file, Some(&root))?;
    let role = opts.split.role();
    let choice = SampleChoice {
        role,
        count: opts.count as usize,
        seed: opts.seed,
        epoch: opts.epoch as usize,
        versions: opts.versions as usize,
    };
    let source = SampleSource { data: &data, root: &root, channels, train: train.as_ref() };
    let sheet = sample_sheet(&source, &choice)?;
    sheet.warnings.iter().for_each(|w| notice!("warning: {w}"));
    write_png_atomic(&named_target(&opts.out)?, &sheet.rgb, sheet.size)?;
    let first = if sheet.by_class { ", slices with classes first" } else { "" };
    let mut text = format!("{} of `{}`{first}", counted_of(sheet.shown, sheet.of, "sample"), role.name());
    match (sheet.augmented, &train) {
        (true, _) => text += &format!(", each in {} from {}", counted(opts.versions, "epoch"), opts.epoch),
        (false, Some(train)) => text += &format!("; run `{}` augments nothing", train.name),
        (false, None) => {}
    }
    let [height, width] = sheet.size;
    print(&format!("{text}: {} ({width} x {height})\n", opts.out.display()))
}
