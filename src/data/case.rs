//! One image with its mask, and what it is for.

use crate::base::error::{Result, RunError};
use std::path::{Path, PathBuf};

/// What a case is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SplitRole {
    /// The network is trained on it.
    Train,
    /// It is scored after each epoch, to choose the best one.
    Val,
    /// It is held back from training and scored by an evaluation; where there are no validation images, after each
    /// epoch too.
    Test,
}

impl SplitRole {
    /// All roles, in the order of lists and columns.
    pub const ALL: [SplitRole; 3] = [SplitRole::Train, SplitRole::Val, SplitRole::Test];

    /// As lists and columns call it.
    pub fn name(self) -> &'static str {
        match self {
            SplitRole::Train => "train",
            SplitRole::Val => "val",
            SplitRole::Test => "test",
        }
    }
}

/// An image and its mask.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Case {
    /// The part of the name that image and mask share, as the image spells it.
    pub stem: String,
    /// Empty for phantoms, as is `mask`.
    pub image: PathBuf,
    pub mask: PathBuf,
    /// The patient, video or volume that it belongs to, where that is known.
    pub group: Option<String>,
    /// Number of the slice in a volume, in the order of `volume`.
    pub(super) slice: Option<usize>,
    /// What the column `split` of a list says.
    pub(super) role: Option<SplitRole>,
}

impl Case {
    pub(super) fn new(stem: String, image: PathBuf, mask: PathBuf) -> Case {
        Case { stem, image, mask, group: None, slice: None, role: None }
    }

    /// What messages call a file of this case: a slice with its number.
    pub(super) fn display_path(&self, path: &Path) -> PathBuf {
        match self.slice {
            Some(_) => match self.stem.rsplit_once("_z") {
                Some((_, number)) => PathBuf::from(format!("{} slice {number}", path.display())),
                None => path.to_path_buf(),
            },
            None => path.to_path_buf(),
        }
    }
}

/// Sizes may differ by one pixel, as rounding in whatever resized the files leaves them; then the mask is resized.
pub(super) fn check_same_size(case: &Case, image: [usize; 2], mask: [usize; 2]) -> Result<()> {
    if image[0].abs_diff(mask[0]) <= 1 && image[1].abs_diff(mask[1]) <= 1 {
        return Ok(());
    }
    Err(RunError::at(
        &case.display_path(&case.mask),
        format!(
            "the mask has {} x {} pixels (width x height), and its image {} has {} x {}",
            mask[1],
            mask[0],
            case.display_path(&case.image).display(),
            image[1],
            image[0]
        ),
    ))
}
