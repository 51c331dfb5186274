//! The data that a run was trained on: the class balance and a few images.

use crate::base::error::Result;
use crate::data::{Dataset, SplitRole, resize};
use crate::show::images::gallery::OverlayCase;
use crate::show::report::content::{PICTURE_SIDE, ReportPicture, SplitShares};
use rayon::prelude::*;

/// Maximum number of masks that are read for the class balance of a split.
const MAX_MASKS_PER_SPLIT: usize = 100;
/// Maximum number of training images that are shown.
const MAX_EXAMPLES: usize = 4;

/// Returns the class balance of each split and a few training images with their masks.
pub(super) fn data(data: &Dataset, channels: usize) -> Result<(Vec<SplitShares>, Vec<ReportPicture>)> {
    let roles = SplitRole::ALL.into_iter().filter(|role| !data.is_empty(*role));
    let balance = roles.map(|role| split_shares(data, role)).collect::<Result<_>>()?;
    let chosen = evenly_spread(data.len(SplitRole::Train), MAX_EXAMPLES);
    let examples = chosen.into_iter().map(|index| training_image(data, index, channels)).collect::<Result<_>>()?;
    Ok((balance, examples))
}

/// Returns the fraction of the pixels of each class in the masks of one split.
fn split_shares(data: &Dataset, role: SplitRole) -> Result<SplitShares> {
    let classes = data.spec().classes.len();
    let chosen = evenly_spread(data.len(role), MAX_MASKS_PER_SPLIT);
    let count = |&index: &usize| class_pixels(data, role, index, classes);
    let counts: Vec<(Vec<u64>, u64)> = chosen.par_iter().map(count).collect::<Result<_>>()?;
    let ignored: u64 = counts.iter().map(|(_, ignored)| ignored).sum();
    let sums: Vec<u64> = (0..classes).map(|k| counts.iter().map(|(c, _)| c[k]).sum()).collect();
    let total = sums.iter().sum::<u64>();
    Ok(SplitShares {
        split: role.name().into(),
        images: data.len(role),
        read: chosen.len(),
        shares: sums.iter().map(|&n| n as f64 / total.max(1) as f64).collect(),
        ignored: ignored as f64 / (total + ignored).max(1) as f64,
    })
}

/// Returns the number of pixels of each class in one mask, and of ignored pixels.
fn class_pixels(data: &Dataset, role: SplitRole, index: usize, classes: usize) -> Result<(Vec<u64>, u64)> {
    let (mask, _, _) = data.truth(role, index)?;
    let (mut counts, mut ignored) = (vec![0u64; classes], 0);
    for class in mask {
        match counts.get_mut(usize::from(class)) {
            Some(n) => *n += 1,
            None => ignored += 1,
        }
    }
    Ok((counts, ignored))
}

/// Draws a training image with its mask.
fn training_image(data: &Dataset, index: usize, channels: usize) -> Result<ReportPicture> {
    let image = data.picture(SplitRole::Train, index, channels)?;
    let (mask, size, _) = data.truth(SplitRole::Train, index)?;
    let mask = resize::nearest(&mask, size, image.original);
    let stem = data.cases(SplitRole::Train)[index].stem.clone();
    let [h, w] = image.original;
    let shown = OverlayCase {
        stem: stem.clone(),
        score: String::new(),
        rgb: image.rgb,
        size: image.original,
        predicted: mask,
        truth: None,
    };
    ReportPicture::new(stem, format!("{w} × {h}"), &shown.draw(PICTURE_SIDE)?)
}

/// Returns at most `most` of `n` indices, evenly spread.
fn evenly_spread(n: usize, most: usize) -> Vec<usize> {
    (0..n.min(most)).map(|i| i * n / n.min(most)).collect()
}
