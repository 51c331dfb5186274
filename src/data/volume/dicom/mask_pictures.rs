//! Folders of pictures as the masks of DICOM series.

use super::folder::entries;
use super::series::DicomSeries;
use crate::base::count::counted;
use crate::base::error::Result;
use crate::base::problem::problem;
use crate::data::decode;
use crate::data::notice::{FileRole, NoticeSet, NoticeTopic};
use crate::data::volume::voxels::{Volume, Voxels};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Reads a folder of pictures as the mask of a DICOM series. A picture belongs to the slice whose file has the same name; if the
/// names differ, pictures in the order of their names belong to slices in the order of their InstanceNumber.
pub(crate) fn read_masks(folder: &Path, of: &Path) -> Result<Volume> {
    let series = DicomSeries::open(of)?;
    let pictures: Vec<PathBuf> = entries(folder)?.into_iter().filter(|p| decode::is_picture(p)).collect();
    if pictures.len() != series.slices.len() {
        return Err(problem!(
            E0710,
            folder,
            "{} for the {} of {}",
            counted(pictures.len(), "mask picture"),
            counted(series.slices.len(), "slice"),
            series.folder.display();
            help: "a folder of masks needs exactly one picture for each slice"
        ));
    }
    let mut notes = Vec::new();
    let picture_of = match by_name(&series, &pictures) {
        Some(order) => order,
        None => {
            let text =
                "the mask pictures have other names than the slices and are taken in the order of InstanceNumber";
            notes.push((NoticeTopic::VoxelOrder, text.to_string()));
            by_number(folder, &series)?
        }
    };
    let size = series.slices[0].format.size;
    let mut values = Vec::with_capacity(size[0] * size[1] * picture_of.len());
    let (mut lossy, mut found) = (None, NoticeSet::default());
    for n in picture_of {
        let pixels = decode::read_series_mask(&pictures[n])?;
        if pixels.size != size {
            let [h, w] = pixels.size;
            return Err(problem!(
                E0712,
                &pictures[n],
                "mask and slice differ in size: the mask has {w} x {h} pixels, its slice has {} x {}",
                size[1],
                size[0]
            ));
        }
        lossy = lossy.or(pixels.lossy);
        values.extend((0..pixels.values.len()).map(|i| pixels.values.at(i) as f32));
        found.extend(pixels.warnings.clone());
        for notice in pixels.warnings {
            if notes.iter().all(|(topic, _)| *topic != notice.topic) {
                notes.push((notice.topic, notice.text));
            }
        }
    }
    // Over the pictures of one series.
    let mixed = found.merged(pictures.len()).into_iter().filter(|merged| merged.topic == NoticeTopic::MixedPalettes);
    notes.extend(mixed.map(|merged| (merged.topic, merged.text)));
    Ok(Volume { grid: series.grid, voxels: Voxels::F32(values), scale: None, lossy, role: FileRole::Mask, notes })
}

/// Returns the picture of each slice by the names of the files; `None` if a slice has none, or two have the same.
fn by_name(series: &DicomSeries, pictures: &[PathBuf]) -> Option<Vec<usize>> {
    // Of pictures with the same name the first is inserted last and so counts.
    let named: BTreeMap<String, usize> = pictures.iter().enumerate().rev().map(|(n, p)| (lower_stem(p), n)).collect();
    let picture_of = |path: &Path| named.get(&lower_stem(path)).copied();
    let order: Vec<usize> = series.slices.iter().map(|slice| picture_of(&slice.path)).collect::<Option<_>>()?;
    let distinct: BTreeSet<usize> = order.iter().copied().collect();
    (distinct.len() == order.len()).then_some(order)
}

/// Returns the picture of each slice by the order of InstanceNumber, and of frames in their file. Errors: a slice has no number, or two
/// have the same.
fn by_number(folder: &Path, series: &DicomSeries) -> Result<Vec<usize>> {
    let number = |i: usize| series.slices[i].number.map(|number| (number, series.slices[i].frame));
    let mut order: Vec<usize> = (0..series.slices.len()).collect();
    order.sort_by_key(|&i| number(i));
    let unclear = order.iter().any(|&i| number(i).is_none()) || order.windows(2).any(|w| number(w[0]) == number(w[1]));
    if unclear {
        return Err(problem!(
            E0710,
            folder,
            "the mask pictures cannot be assigned to the slices of {}: their names differ, and InstanceNumber is missing or repeated",
            series.folder.display();
            help: "give each picture the name of the file of its slice"
        ));
    }
    let mut picture_of = vec![0; order.len()];
    order.iter().enumerate().for_each(|(n, &i)| picture_of[i] = n);
    Ok(picture_of)
}

fn lower_stem(path: &Path) -> String {
    path.file_stem().map(|n| n.to_string_lossy().to_lowercase()).unwrap_or_default()
}
