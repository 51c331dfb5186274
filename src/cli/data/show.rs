//! `npc data show`: samples with their masks outlined, and what augmentation makes of them.

use crate::cli::outcome::{Done, Stop};
use crate::cli::terminal::{print, report};
use crate::data::augment::Augmenter;
use crate::data::png::write_png_atomic;
use crate::data::{Dataset, Role, Shown, epoch_order};
use crate::desk::{ModelFile, RunRequest, arguments, is_settings, no_such, open, resolve_run};
use crate::graph::elaborate::Argument;
use crate::graph::resolve::resolve_bundle;
use crate::show::contact::{Tile, contact_sheet};
use crate::show::overlay::outlined;
use crate::text::diag::{Code, Diagnostic, Problems};
use crate::text::files::Disk;
use crate::text::recipe::{DataSpec, TrainSpec, schema};
use crate::text::source::{SourceMap, Spanned};
use crate::text::syntax::ast::Entry;
use clap::{Args, ValueEnum};
use rayon::prelude::*;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Draw a contact sheet of samples with their masks outlined
#[derive(Args)]
#[command(
    after_help = "The pictures are what a network sees, at the data block's size and before mean and standard deviation.
With a run that augments, each row holds a sample and what becomes of it in one epoch after the other, exactly as
`npc train` will see it; above each stands what was done.

Examples:
  npc data show models/npnet.model phantoms --out sheet.png
  npc data show models/npnet.model lung --data-root ~/data --count 20 --split test --out lung.png
  npc data show net.model --run net_lung --epoch 1 --versions 5 --out augmented.png
  npc data show runs/net_lung/settings.yaml --out augmented.png

Exit codes: 0 done, 1 problems found, 2 wrong usage"
)]
pub struct Opts {
    /// Model file, or the settings.yaml of a run
    file: PathBuf,
    /// Name of a `data` block; that of the run, or the only one, when not given
    data: Option<String>,
    /// Show the augmentation of this `train` block
    #[arg(long, value_name = "NAME")]
    run: Option<String>,
    /// First epoch whose augmentation is shown, counted from 1
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    epoch: u32,
    /// How many epochs are shown
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=50))]
    versions: u32,
    /// How many samples
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=1000))]
    count: u32,
    /// Another seed shows other samples; what augmentation draws follows the run's seed
    #[arg(long, default_value_t = 0)]
    seed: u64,
    #[arg(long, value_enum, default_value = "train")]
    split: Split,
    /// Where the paths of the data block start
    #[arg(long, value_name = "DIR")]
    data_root: Option<PathBuf>,
    /// Change a setting: data.size=[128,128], seed=3
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// The picture to write
    #[arg(long, value_name = "FILE.png")]
    out: PathBuf,
}

#[derive(Clone, Copy, ValueEnum)]
enum Split {
    Train,
    Val,
    Test,
}

impl Split {
    fn role(self) -> (Role, &'static str) {
        match self {
            Split::Train => (Role::Train, "train"),
            Split::Val => (Role::Val, "val"),
            Split::Test => (Role::Test, "test"),
        }
    }
}

/// Pixels of a sheet, so that a slip of `--count` does not fill the memory.
const MOST: usize = 400_000_000;

/// What is to be looked at.
struct Subject {
    data: DataSpec,
    root: PathBuf,
    /// Colour as it is, grey repeated, where no network says otherwise.
    channels: usize,
    train: Option<TrainSpec>,
}

pub fn run(opts: &Opts) -> Done {
    let Subject { data: spec, root, channels, train } = subject(opts)?;
    let size = spec.size;
    let augment = train.as_ref().map(|t| Augmenter::new(&t.augment, size).map(|a| (t, a))).transpose()?;
    let augment = augment.filter(|(_, augmenter)| !augmenter.is_empty());
    let data = Dataset::open(&spec, &root)?;
    let (role, split) = opts.split.role();
    let n = data.len(role);
    if n == 0 {
        return Err(Stop::Message(format!("data `{}` has no image in its `{split}` split", spec.name)));
    }
    let cases: Vec<usize> = epoch_order(n, opts.seed, 0).into_iter().take(opts.count as usize).collect();
    let versions = augment.as_ref().map_or(0, |_| opts.versions as usize);
    let pixels = (cases.len() * (1 + versions)).saturating_mul(size[0] * size[1]);
    if pixels > MOST {
        let message = format!("a sheet of {pixels} pixels; {MOST} are the most");
        return Err(Stop::Message(format!("{message}\n  help: ask for fewer with --count or --versions")));
    }
    let first = opts.epoch as usize - 1;
    let plans = |case| match &augment {
        Some((train, augmenter)) => {
            (first..first + versions).map(|epoch| augmenter.plan(train.seed, epoch, case)).collect()
        }
        None => Vec::new(),
    };
    let row = |&case: &usize| {
        let plans: Vec<_> = plans(case);
        let shown = data.shown(role, case, channels, &plans)?;
        let words = plans.iter().enumerate().map(|(i, plan)| format!("epoch {}: {plan}", first + i + 1));
        let captions = std::iter::once(data.cases(role)[case].stem.clone()).chain(words);
        let tile = |(shown, caption): (&Shown, String)| {
            let rgb = outlined(&shown.rgb(size), size, &shown.mask)?;
            Ok(Tile { caption, rgb, size })
        };
        let tiles = shown.pictures.iter().zip(captions).map(tile).collect::<Result<Vec<_>, Stop>>()?;
        Ok((tiles, shown.warnings))
    };
    let rows = cases.par_iter().map(row).collect::<Result<Vec<_>, Stop>>()?;
    let (rows, warnings): (Vec<_>, Vec<_>) = rows.into_iter().unzip();
    warnings.into_iter().flatten().collect::<BTreeSet<_>>().iter().for_each(|w| tell!("warning: {w}"));
    let title = match &augment {
        Some((train, _)) => format!("{}, {split}, run {}, seed {}", spec.name, train.name, train.seed),
        None => format!("{}, {split}", spec.name),
    };
    let (rgb, sheet) = contact_sheet(&title, &spec.classes[1..], in_rows(rows));
    write_png_atomic(&opts.out, &rgb, sheet)?;
    let mut text = format!("{} of {n} samples of `{split}`", cases.len());
    match (&augment, &train) {
        (Some(_), _) => text += &format!(", each in {versions} epochs from {}", opts.epoch),
        (None, Some(train)) => text += &format!("; run `{}` augments nothing", train.name),
        (None, None) => {}
    }
    print(&format!("{text}: {} ({} x {})\n", opts.out.display(), sheet[1], sheet[0]))
}

/// Samples without versions stand side by side.
fn in_rows(rows: Vec<Vec<Tile>>) -> Vec<Vec<Tile>> {
    if rows.iter().any(|row| row.len() > 1) {
        return rows;
    }
    // A little wider than high, as screens are.
    let columns = ((rows.len() as f64 * 1.6).sqrt().round() as usize).max(1);
    let mut made: Vec<Vec<Tile>> = Vec::new();
    for tile in rows.into_iter().flatten() {
        match made.last_mut() {
            Some(row) if row.len() < columns => row.push(tile),
            _ => made.push(vec![tile]),
        }
    }
    made
}

fn subject(opts: &Opts) -> Result<Subject, Stop> {
    if opts.run.is_none() && !is_settings(&opts.file) {
        let data = data_block(&opts.file, opts.data.as_deref(), &opts.set)?;
        let root = opts.data_root.clone().unwrap_or_else(|| PathBuf::from("."));
        return Ok(Subject { data, root, channels: 3, train: None });
    }
    let ready = resolve_run(
        &Disk,
        &RunRequest {
            model: None,
            file: &opts.file,
            run: opts.run.as_deref(),
            set: &opts.set,
            data_root: opts.data_root.as_deref(),
            device: None,
        },
    )?;
    let settings = ready.settings;
    if let Some(name) = opts.data.as_ref().filter(|name| **name != settings.data.name) {
        let message = format!("run `{}` trains on data `{}`", settings.train.name, settings.data.name);
        return Err(Stop::Message(format!(
            "{message}, not on `{name}`\n  help: leave out `{name}`, or name another run"
        )));
    }
    Ok(Subject {
        data: settings.data,
        root: settings.data_root.into(),
        channels: ready.checked.input().channels(),
        train: Some(settings.train),
    })
}

/// A data block of a model file, with what `--set data.key=value` changes.
fn data_block(file: &Path, name: Option<&str>, set: &[String]) -> Result<DataSpec, Stop> {
    let ModelFile { mut sources, bundle, mut problems } = open(&Disk, file)?;
    let made = changes(&mut sources, set).and_then(|entries| {
        let (program, found) = resolve_bundle(&bundle);
        problems.extend(found);
        if problems.has_errors() {
            return Err(problems);
        }
        let names = || program.data.keys().copied();
        let block = match name {
            Some(name) => program.data.get(name).ok_or_else(|| no_such("data block", name, names()))?,
            None => match program.data.values().collect::<Vec<_>>()[..] {
                [one] => one,
                _ => {
                    let d = Diagnostic::bare(Code::E0501, "name the data block to show");
                    let list: Vec<_> = names().map(|n| format!("`{n}`")).collect();
                    return Err(d.help(format!("the file has {}", list.join(", "))).into());
                }
            },
        };
        schema::override_data(&schema::data_spec(block)?, &entries)
    });
    made.map_err(|problems| {
        report(&sources, &problems.sorted());
        Stop::Problems
    })
}

fn changes(sources: &mut SourceMap, set: &[String]) -> Result<Vec<Entry>, Problems> {
    let entry = |Argument { name, value }| match name.node.strip_prefix("data.") {
        Some(key) => Ok(Entry { key: Spanned::new(key.to_string(), name.span), value }),
        None => {
            let d = Diagnostic::new(Code::E0503, name.span, format!("`{name}` is not of the data block"));
            Err(Problems::from(d.help("write `data.size=[128, 128]`, or name a run with --run")))
        }
    };
    arguments(sources, "--set", set)?.into_iter().map(entry).collect()
}
