//! Whether two volumes are the same: a key from headers, a probe of some voxels, and a hash of all of them, each dearer than the one
//! before.
//!
//! Names, compression and headers do not count: a copy under another name, or with another patient in its header, has the same voxels.

use super::{dicom, header, is_nifti, nifti, read};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;

/// Returns what equal volumes share and a header gives; `None` for a volume that cannot be read.
pub(in crate::data) fn coarse_key(path: &Path) -> Option<[usize; 4]> {
    match is_nifti(path) {
        true => header(path).ok().map(|(grid, _)| [0, grid.dims[0], grid.dims[1], grid.dims[2]]),
        false => dicom::count_files(path).map(|files| [1, files, 0, 0]),
    }
}

/// Returns a hash of some voxels.
pub(in crate::data) fn probe(path: &Path) -> Option<u64> {
    if is_nifti(path) { nifti::probe(path) } else { dicom::probe(path) }
}

/// Returns a hash of all voxels.
pub(in crate::data) fn content_hash(path: &Path) -> Option<u64> {
    let volume = read(path, None).ok()?;
    let mut hash = DefaultHasher::new();
    volume.grid.dims.hash(&mut hash);
    volume.voxels.hash_values(&mut hash);
    volume.scale.map(|scale| scale.map(f64::to_bits)).hash(&mut hash);
    Some(hash.finish())
}
