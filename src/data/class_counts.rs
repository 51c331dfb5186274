//! Counts the pixels of each class in the masks of a data set.

use super::case::Case;
use super::volume::VolumeCache;
use super::{case_reader, phantom};
use crate::base::error::Result;
use crate::text::config::{DataSource, DataSpec};
use rayon::prelude::*;

/// Counts the pixels of each class; the last one is that of ignored pixels.
pub(super) fn count_classes(classes: &[u8]) -> [u64; 256] {
    let mut counts = [0u64; 256];
    classes.iter().for_each(|&class| counts[usize::from(class)] += 1);
    counts
}

/// Counts the pixels of each class in the mask of each case, for stratified splits. Ignored pixels are of no class.
pub(super) fn count_pixels(spec: &DataSpec, cases: &[Case], volumes: &VolumeCache) -> Result<Vec<Vec<u64>>> {
    let count = |classes: &[u8]| count_classes(classes)[..spec.classes.len()].to_vec();
    cases
        .par_iter()
        .map(|case| match &spec.source {
            DataSource::Files { .. } | DataSource::List { .. } => {
                case_reader::read_classes(spec, case, volumes).map(|(classes, ..)| count(&classes))
            }
            DataSource::Phantoms { seed, .. } => {
                Ok(count(&phantom::draw(*seed, phantom::index_of_stem(&case.stem)?, spec.size).lungs))
            }
        })
        .collect()
}
