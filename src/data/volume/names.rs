//! Names of files with volumes.

use std::path::Path;

pub(crate) fn is_nifti(path: &Path) -> bool {
    let name = path.file_name().map(|n| n.to_string_lossy().to_lowercase()).unwrap_or_default();
    name.ends_with(".nii") || name.ends_with(".nii.gz")
}

/// What to do with a volume whose header and voxels are in two files.
pub(crate) const PAIR_HELP: &str =
    "convert the pair to one .nii file, for example with nibabel: nibabel.save(nibabel.load(\"a.hdr\"), \"a.nii.gz\")";
