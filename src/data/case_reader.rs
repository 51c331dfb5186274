//! Reads the pixels and classes of a case, from its own file or from a slice of a volume.

use super::case::Case;
use super::decode;
use super::mask;
use super::notice::{FileNotice, FileRole};
use super::pixels::Pixels;
use super::spacing::spacing_notice;
use super::volume::{self, Volume, VolumeCache, VoxelGrid, is_volume};
use crate::base::error::Result;
use crate::text::config::DataSpec;
use std::path::Path;
use std::sync::Arc;

/// Class indices, their height and width, and warnings.
pub(super) type ClassMap = (Vec<u8>, [usize; 2], Vec<FileNotice>);

fn open(case: &Case, path: &Path, volumes: &VolumeCache) -> Result<Arc<Volume>> {
    let of = (path == case.mask).then_some(case.image.as_path());
    volumes.get(path, || volume::read(path, of))
}

/// Reads the image of a case as stored.
pub(super) fn read_pixels(spec: &DataSpec, case: &Case, volumes: &VolumeCache) -> Result<Pixels> {
    match case.slice {
        Some(index) => read_slice(spec, &*open(case, &case.image, volumes)?, index, &case.display_path(&case.image)),
        None => decode::read(&case.image, FileRole::Image, spec),
    }
}

/// Reads a slice of an image. `place` stands for it in messages.
pub(super) fn read_slice(spec: &DataSpec, volume: &Volume, index: usize, place: &Path) -> Result<Pixels> {
    let mut pixels = volume.slice(spec.slicing.axis, index, place)?;
    let notice = spacing_notice(Some(volume.grid.pixel_spacing(spec.slicing.axis)), spec);
    pixels.warnings.extend(notice.map(|(topic, text)| FileNotice::new(topic, FileRole::Image, place, text)));
    Ok(pixels)
}

/// Reads the mask of a case at its own size.
pub(super) fn read_classes(spec: &DataSpec, case: &Case, volumes: &VolumeCache) -> Result<ClassMap> {
    match case.slice {
        Some(index) if is_volume(&case.mask) => {
            let place = case.display_path(&case.mask);
            let mut pixels = open(case, &case.mask, volumes)?.slice(spec.slicing.axis, index, &place)?;
            let (classes, warnings) = mask::classes(&mut pixels, spec, &place)?;
            Ok((classes, pixels.size, warnings))
        }
        _ => mask::load_mask(spec, &case.mask),
    }
}

/// Returns the grid of the volume that a case is a slice of.
pub(super) fn voxel_grid(case: &Case, volumes: &VolumeCache) -> Result<VoxelGrid> {
    Ok(open(case, &case.image, volumes)?.grid)
}

/// Returns height and width of the image without decoding it.
pub(super) fn image_size(spec: &DataSpec, case: &Case, volumes: &VolumeCache) -> Result<[usize; 2]> {
    match case.slice {
        Some(_) => Ok(open(case, &case.image, volumes)?.grid.size(spec.slicing.axis)),
        None => Ok(decode::size(&case.image, spec)?.size),
    }
}

/// Returns the distances between rows and between columns in mm, if the format gives them.
pub(super) fn pixel_spacing(spec: &DataSpec, case: &Case, volumes: &VolumeCache) -> Result<Option<[f64; 2]>> {
    match case.slice {
        Some(_) => Ok(Some(open(case, &case.image, volumes)?.grid.pixel_spacing(spec.slicing.axis))),
        None => Ok(None),
    }
}

/// Returns the size of the image, and the spacing of its pixels in mm if the data block or the format gives it. The block gives
/// the spacing of stored pixels, so height and width change places where an orientation tag turns the picture.
pub(super) fn size_and_spacing(
    spec: &DataSpec,
    case: &Case,
    volumes: &VolumeCache,
) -> Result<([usize; 2], Option<[f64; 2]>)> {
    if case.slice.is_some() {
        let spacing = match spec.spacing {
            Some(spacing) => Some(spacing),
            None => pixel_spacing(spec, case, volumes)?,
        };
        return Ok((image_size(spec, case, volumes)?, spacing));
    }
    let picture = decode::size(&case.image, spec)?;
    let turned = |[height, width]: [f64; 2]| if picture.swapped { [width, height] } else { [height, width] };
    Ok((picture.size, spec.spacing.map(turned)))
}
