//! Files that are used twice: a mask that is an image as well, and a mask of several images.
//!
//! Files are compared by their identity, so links and other spellings of a path hide nothing. Nothing is read.

use super::case::Case;
use super::file_names::list_names;
use crate::base::count::{counted, counted_of};
use crate::base::error::RunError;
use crate::base::file;
use crate::base::number::thousands;
use crate::base::problem::problem;
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Maximum number of stems in a message.
const MAX_STEMS: usize = 5;

/// Removes cases whose mask is an image, which are a problem, and adds a sentence about masks of several images to `doubts`. With
/// `own_masks` an image may be its own mask.
pub(super) fn check_shared_files(
    root: &Path,
    cases: Vec<Case>,
    own_masks: bool,
    problems: &mut Vec<RunError>,
    doubts: &mut Vec<String>,
) -> Vec<Case> {
    let identities =
        |path: fn(&Case) -> &PathBuf| -> Vec<_> { cases.par_iter().map(|c| file::identity(path(c))).collect() };
    let (images, masks) = (identities(|case| &case.image), identities(|case| &case.mask));
    let mut of_image = BTreeMap::new();
    for (n, id) in images.iter().enumerate() {
        id.as_ref().map(|id| of_image.entry(id).or_insert(n));
    }
    let mut of_mask: BTreeMap<_, Vec<usize>> = BTreeMap::new();
    let mut refused: Vec<(usize, usize)> = Vec::new();
    for (n, id) in masks.iter().enumerate() {
        let Some(id) = id else { continue };
        match of_image.get(id) {
            // The image of the case itself, or else the first with this file.
            Some(_) if images[n].as_ref() == Some(id) => refused.extend((!own_masks).then_some((n, n))),
            Some(&image) => refused.push((n, image)),
            None => of_mask.entry(id).or_default().push(n),
        }
    }
    problems.extend(refusal(root, &cases, &refused));
    let shared: Vec<&Vec<usize>> = of_mask.values().filter(|users| users.len() > 1).collect();
    doubts.extend(shared_sentence(root, &cases, shared));
    let mut removed = refused.iter().map(|(n, _)| *n).peekable();
    let kept = cases.into_iter().enumerate().filter(|(n, _)| removed.next_if_eq(n).is_none());
    kept.map(|(_, case)| case).collect()
}

/// States which masks are images. `refused` holds the case of each, and the case of which it is the image.
fn refusal(root: &Path, cases: &[Case], refused: &[(usize, usize)]) -> Option<RunError> {
    let &(mask, image) = refused.first()?;
    let (mask, image) = (&cases[mask], &cases[image]);
    let shown = |path: &Path| path.strip_prefix(root).unwrap_or(path).display().to_string();
    let error = match mask.stem == image.stem {
        true => problem!(E0710, &mask.mask, "the mask is the same file as its image {}", shown(&image.image)),
        false => {
            problem!(E0710, &mask.mask, "the mask of `{}` is the same file as the image of `{}`", mask.stem, image.stem)
        }
    };
    let error = error.help("give each image a mask file of its own");
    match refused.len() {
        1 => Some(error),
        n => {
            let names = list_names(root, refused.iter().map(|(n, _)| &cases[*n].mask));
            Some(error.help(format!("{} are images: {names}", counted_of(n, cases.len(), "mask"))))
        }
    }
}

/// Returns the sentence about masks of several images, each with its cases.
fn shared_sentence(root: &Path, cases: &[Case], mut shared: Vec<&Vec<usize>>) -> Option<String> {
    shared.sort();
    let first = shared.first()?;
    let images: usize = shared.iter().map(|users| users.len()).sum();
    let mut stems: Vec<String> = first.iter().take(MAX_STEMS).map(|n| format!("`{}`", cases[*n].stem)).collect();
    let more = first.len().saturating_sub(MAX_STEMS);
    if more > 0 {
        stems.push(format!("and {} more", thousands(more)));
    }
    let mask = cases[first[0]].mask.strip_prefix(root).unwrap_or(&cases[first[0]].mask).display();
    let stems = stems.join(", ");
    Some(match shared.len() {
        1 => format!("one mask file is the mask of {}: {mask}, of {stems}", counted_of(images, cases.len(), "image")),
        n => format!(
            "{} are masks of several images, {} in all; the first is {mask}, of {stems}",
            counted(n, "mask file"),
            counted_of(images, cases.len(), "image")
        ),
    })
}
