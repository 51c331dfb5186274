//! Draws a contact sheet of the samples of a data set and of their augmented versions.

use super::contact_sheet::{CaptionedPicture, contact_sheet, in_columns};
use super::overlay::{IGNORED_STRIPE, class_legend, outlined};
use crate::base::count::counted;
use crate::base::error::Result;
use crate::base::problem::problem;
use crate::data::augment::Augmenter;
use crate::data::shown_cases::{ShownCases, choose_shown};
use crate::data::{Dataset, DisplaySample, NoticeSet, SplitRole};
use crate::text::config::{DataSpec, TrainSpec};
use rayon::prelude::*;
use std::path::Path;

/// The most pixels of a sheet, so that a mistyped number of samples does not exhaust the memory.
const MAX_PIXELS: usize = 400_000_000;

/// The data that the samples come from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SampleSource<'a> {
    pub data: &'a DataSpec,
    /// The folder that relative paths of the data block start from.
    pub root: &'a Path,
    /// Number of input channels of the network.
    pub channels: usize,
    /// The run whose augmentation is shown.
    pub train: Option<&'a TrainSpec>,
}

/// The choice of samples.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SampleChoice {
    pub role: SplitRole,
    pub count: usize,
    /// Seed of the choice of samples. Augmentation uses the seed of the run.
    pub seed: u64,
    /// The first epoch whose augmentation is shown, counted from 1.
    pub epoch: usize,
    /// Number of epochs whose augmentation is shown.
    pub versions: usize,
}

/// A contact sheet of samples.
#[derive(Debug, Clone)]
pub(crate) struct SampleSheet {
    /// Height x width x 3.
    pub rgb: Vec<u8>,
    pub size: [usize; 2],
    /// Number of samples on the sheet.
    pub shown: usize,
    pub of: usize,
    /// Whether each sample is followed by its augmented versions.
    pub augmented: bool,
    /// Whether slices with classes were preferred.
    pub by_class: bool,
    /// Warnings about the files, one for each topic.
    pub warnings: Vec<String>,
}

/// Draws samples with their masks outlined, at the size of the data block and before normalization. With a run that
/// augments, each row holds a sample and its augmented versions in consecutive epochs.
pub(crate) fn sample_sheet(source: &SampleSource<'_>, choice: &SampleChoice) -> Result<SampleSheet> {
    let &SampleSource { data: spec, root, channels, train } = source;
    let size = spec.size;
    let augment = train.map(|t| Augmenter::new(&t.augment, size).map(|a| (t, a))).transpose()?;
    let augment = augment.filter(|(_, augmenter)| !augmenter.is_empty());
    let data = Dataset::open(spec, root)?;
    let (role, split) = (choice.role, choice.role.name());
    let n = data.len(role);
    if n == 0 {
        return Err(problem!(E0503, "data `{}` has no image in its `{split}` split", spec.name));
    }
    let ShownCases { cases, by_class } = choose_shown(&data, role, choice.count, choice.seed)?;
    let versions = augment.as_ref().map_or(0, |_| choice.versions);
    let pixels = (cases.len() * (1 + versions)).saturating_mul(size[0] * size[1]);
    if pixels > MAX_PIXELS {
        return Err(
            problem!(E0503, "the sheet would have {}, more than the limit of {MAX_PIXELS}", counted(pixels, "pixel");
            help: "show fewer with `--count` or `--versions`"),
        );
    }
    let first = choice.epoch - 1;
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
        let captions = std::iter::once(String::new()).chain(words);
        let tile = |(shown, caption): (&DisplaySample, String)| {
            let rgb = outlined(&shown.rgb(size), size, &shown.mask)?;
            Ok(CaptionedPicture { name: data.cases(role)[case].stem.clone(), caption, rgb, size })
        };
        let tiles = shown.pictures.iter().zip(captions).map(tile).collect::<Result<Vec<_>>>()?;
        Ok((tiles, shown.warnings))
    };
    // The first error in the order of the cases is reported, whichever thread fails first.
    let rows: Vec<Result<_>> = cases.par_iter().map(row).collect();
    let rows = rows.into_iter().collect::<Result<Vec<_>>>()?;
    let (rows, warnings): (Vec<_>, Vec<_>) = rows.into_iter().unzip();
    let title = match &augment {
        Some((train, _)) => format!("{}, {split}, run {}, seed {}", spec.name, train.name, train.seed),
        None => format!("{}, {split}", spec.name),
    };
    let mut legend = class_legend(&spec.classes);
    legend.extend((!spec.ignore.is_empty()).then_some(("ignored", IGNORED_STRIPE)));
    let (rgb, sheet) = contact_sheet(&title, &legend, in_rows(rows));
    let warnings = NoticeSet::from_iter(warnings.into_iter().flatten()).lines(cases.len());
    let augmented = augment.is_some();
    Ok(SampleSheet { rgb, size: sheet, shown: cases.len(), of: n, augmented, by_class, warnings })
}

/// Arranges samples without augmented versions side by side.
fn in_rows(rows: Vec<Vec<CaptionedPicture>>) -> Vec<Vec<CaptionedPicture>> {
    if rows.iter().any(|row| row.len() > 1) {
        return rows;
    }
    // The sheet is a little wider than high, as screens are.
    let columns = ((rows.len() as f64 * 1.6).sqrt().round() as usize).max(1);
    in_columns(rows.into_iter().flatten(), columns)
}
