//! Chooses image size, network and run, so that training takes some minutes on two cores.
//!
//! The choice depends on the images alone and not on the machine, so that one set gives one file everywhere.

use super::network_text::network_text;
use crate::base::count::counted;
use crate::data::inspection::{DataGuess, Inspection};
use crate::desk::build::build_one;
use crate::desk::error::WorkbenchError;
use crate::desk::memory_settings::MemorySettings;
use crate::desk::selection::Selection;
use crate::study::cost::training_work::TrainingWork;
use crate::study::cost::{Convention, count};
use crate::text::files::{Disk, Overlay};
use std::path::Path;

/// The first choice of the longest side, and of the channels of the first level; each line costs less than the one before.
const CHOICES: [(usize, usize); 5] = [(256, 16), (256, 8), (192, 8), (128, 8), (96, 8)];
/// Multiply-accumulates of a whole training: about four minutes on two cores.
const WORK: u64 = 3_000_000_000_000;
/// Steps of the optimiser after which a small network has learned the rough shape.
const STEPS: usize = 400;
/// Memory of a training step in bytes.
const MEMORY: u64 = 1 << 30;
/// Sides are multiples of what the network halves them by.
const MULTIPLE: usize = 16;

/// Image size, network and run of a project.
pub(crate) struct RunPlan {
    /// Height and width.
    pub size: [usize; 2],
    /// 1 for grey images, else 3.
    pub channels: usize,
    pub classes: usize,
    /// Channels of each level of the U-Net.
    pub width: Vec<usize>,
    pub batch: usize,
    pub epochs: usize,
    /// Whether a mirrored image is as likely as the image.
    pub flip: bool,
    /// Numbers that are trained.
    pub params: u64,
    /// Multiply-accumulates of one image.
    pub macs: u64,
    /// Memory of a training step in bytes.
    pub memory: u64,
    /// Rough time of the training on two cores.
    pub minutes: u64,
    /// Reasons for entries outside of the data block, and for `size`.
    pub guesses: Vec<DataGuess>,
}

/// Plans a run for images. Error: the network cannot be built, which is a mistake of the program.
pub(super) fn plan_run(inspection: &Inspection, path: &Path) -> Result<RunPlan, WorkbenchError> {
    let facts = inspection.survey.facts.iter().filter_map(|facts| facts.image.as_ref());
    let sizes: Vec<[usize; 2]> = facts.clone().map(|image| image.size).collect();
    let natural = [median(sizes.iter().map(|size| size[0])), median(sizes.iter().map(|size| size[1]))];
    let channels = if facts.clone().any(|image| image.channels == 3) { 3 } else { 1 };
    let classes = inspection.spec.classes.len();
    let train = inspection.parts[0].max(1);
    let batch = train.min(4);
    let epochs = STEPS.div_ceil(train.div_ceil(batch)).clamp(2, 100);
    let mut best = None;
    for (side, width) in CHOICES {
        let size = fitted(natural, side);
        let plan = built(path, size, channels, classes, width, batch)?;
        let work = TrainingWork { macs: plan.macs, images: train, epochs };
        let fits = work.total() <= WORK && plan.memory <= MEMORY;
        best = Some(RunPlan { epochs, minutes: work.minutes(), ..plan });
        if fits {
            break;
        }
    }
    let mut plan = best.ok_or_else(|| crate::base::problem::problem!(E0799, "no network to choose"))?;
    plan.guesses = guesses(&plan, natural, &sizes);
    Ok(plan)
}

fn guesses(plan: &RunPlan, natural: [usize; 2], sizes: &[[usize; 2]]) -> Vec<DataGuess> {
    let same = sizes.iter().all(|size| *size == natural);
    let [height, width] = natural;
    let of = if same { "the images are" } else { "the median image is" };
    let why = match plan.size == natural {
        true => format!("{of} of this size"),
        false => format!(
            "{of} {height} x {width} (height x width), and all are resized; a larger size shows more detail and trains longer; \
             sides are multiples of {MULTIPLE}"
        ),
    };
    let minutes = plan.minutes;
    let minutes = counted(minutes, "minute");
    let steps = format!("so that training takes about {minutes} on two cores; more epochs learn more");
    vec![
        DataGuess { key: "size", why },
        DataGuess {
            key: "width",
            why: "a small U-Net to begin with; that of the paper has [64, 128, 256, 512, 1024]".into(),
        },
        DataGuess { key: "epochs", why: steps },
    ]
}

fn median(values: impl Iterator<Item = usize>) -> usize {
    let mut values: Vec<usize> = values.collect();
    values.sort_unstable();
    values.get(values.len() / 2).copied().unwrap_or(128)
}

/// Shrinks a size so that its longer side is at most `side`, and rounds to multiples.
fn fitted(natural: [usize; 2], side: usize) -> [usize; 2] {
    let longest = natural[0].max(natural[1]).max(1);
    let scale = (side as f64 / longest as f64).min(1.0);
    natural.map(|n| {
        let multiples = (n as f64 * scale / MULTIPLE as f64).round() as usize;
        (multiples * MULTIPLE).clamp(2 * MULTIPLE, side)
    })
}

/// Builds the network of the file and counts it.
fn built(
    path: &Path,
    size: [usize; 2],
    channels: usize,
    classes: usize,
    first: usize,
    batch: usize,
) -> Result<RunPlan, WorkbenchError> {
    let width: Vec<usize> = (0..5).map(|level| first << level).collect();
    let mut files = Overlay::new(Disk);
    files.set(path, format!("npc 1\n\n{}", network_text(channels, classes, &width, "")));
    let checked = build_one(&files, path, &Selection { size: vec![size], ..Selection::default() })?;
    let report = count(&checked, Convention::Conv);
    let memory = MemorySettings { batch, ..MemorySettings::default() }.peaks(&checked, None).training;
    Ok(RunPlan {
        size,
        channels,
        classes,
        width,
        batch,
        epochs: 0,
        flip: classes == 2,
        params: report.params,
        macs: report.macs,
        memory,
        minutes: 0,
        guesses: Vec::new(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_keep_their_shape() {
        assert_eq!(fitted([512, 512], 256), [256, 256]);
        assert_eq!(fitted([288, 384], 192), [144, 192]);
        assert_eq!(fitted([250, 250], 256), [256, 256]);
        assert_eq!(fitted([28, 28], 256), [32, 32]);
        assert_eq!(fitted([4000, 200], 128), [128, 32]);
    }
}
