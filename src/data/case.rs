//! A case: one image with its mask, and its role in the split.

use super::notice::{FileNotice, FileRole, NoticeTopic};
use crate::base::error::Result;
use crate::base::path::without_dot;
use crate::base::problem::problem;
use std::path::{Path, PathBuf};

/// The part of the split that a case belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SplitRole {
    /// Used for training.
    Train,
    /// Scored after each epoch to select the best epoch.
    Val,
    /// Held out from training and scored by an evaluation; also scored after each epoch if there are no validation images.
    Test,
}

impl SplitRole {
    /// All roles, in the order of lists and columns.
    pub const ALL: [SplitRole; 3] = [SplitRole::Train, SplitRole::Val, SplitRole::Test];

    /// Name of the role in lists and columns.
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
    /// The part of the file name that image and mask share, as spelled in the image's name.
    pub stem: String,
    /// Path of the image file. Empty for phantoms, like `mask`.
    pub image: PathBuf,
    pub mask: PathBuf,
    /// Patient, video or volume that the case belongs to, if known.
    pub group: Option<String>,
    /// Index of the slice in its volume, in the order that `volume` defines.
    pub(super) slice: Option<usize>,
    /// Role from the column `split` of a list.
    pub(super) role: Option<SplitRole>,
}

/// Returns the stem of a slice; `number` is its index in the file's own array.
pub(super) fn slice_stem(volume: &str, number: usize) -> String {
    format!("{volume}_z{number:04}")
}

/// Returns the stem of the volume of a slice, and the number of the slice.
pub(super) fn split_slice_stem(stem: &str) -> Option<(&str, &str)> {
    stem.rsplit_once("_z")
}

impl Case {
    pub(super) fn new(stem: String, image: PathBuf, mask: PathBuf) -> Case {
        Case { stem, image, mask, group: None, slice: None, role: None }
    }

    /// Returns the stem of the volume that the case is a slice of.
    pub(super) fn volume_stem(&self) -> &str {
        split_slice_stem(&self.stem).map_or(&self.stem, |(volume, _)| volume)
    }

    /// Returns the path to show in messages; for a slice of a volume it includes the slice number.
    pub(super) fn display_path(&self, path: &Path) -> PathBuf {
        match self.slice {
            Some(_) => match split_slice_stem(&self.stem) {
                Some((_, number)) => PathBuf::from(format!("{} slice {number}", path.display())),
                None => path.to_path_buf(),
            },
            None => path.to_path_buf(),
        }
    }
}

/// Checks that image and mask have the same size. A difference of one pixel is accepted, since tools that resize files round
/// differently; the mask is then resized, and a notice is returned.
pub(super) fn check_same_size(case: &Case, image: [usize; 2], mask: [usize; 2]) -> Result<Option<FileNotice>> {
    if image == mask {
        return Ok(None);
    }
    if image[0].abs_diff(mask[0]) <= 1 && image[1].abs_diff(mask[1]) <= 1 {
        let text = format!(
            "the mask has {} x {} pixels (width x height), its image {} x {}; the mask is resized by nearest neighbour",
            mask[1], mask[0], image[1], image[0]
        );
        return Ok(Some(FileNotice::new(NoticeTopic::MaskSize, FileRole::Mask, &case.display_path(&case.mask), text)));
    }
    Err(problem!(
        E0712,
        &case.display_path(&case.mask),
        "mask and image differ in size: the mask has {} x {} pixels (width x height), its image {} has {} x {}",
        mask[1],
        mask[0],
        without_dot(&case.display_path(&case.image)).display(),
        image[1],
        image[0];
        help: "resize the mask to its image by nearest neighbour, or find the mask that belongs to it"
    ))
}
