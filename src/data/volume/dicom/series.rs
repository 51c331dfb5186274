//! Series of slices: sorted by their position in the patient, checked for gaps, and read.
//!
//! Rescale slope and intercept are applied frame by frame, which gives Hounsfield units for CT; windows (VOI) and overlays are for
//! viewers and not applied.

use super::folder::SeriesFolder;
use super::frames;
use super::slice::{DicomSlice, cross_product, read_slices};
use crate::base::error::{Result, RunError};
use crate::base::problem::problem;
use crate::data::notice::{FileRole, NoticeTopic};
use crate::data::volume::grid::VoxelGrid;
use crate::data::volume::note::{VolumeNote, geometry_notes};
use crate::data::volume::voxels::{Volume, Voxels};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Largest number of voxels of a series: 2 GiB while it is read.
const MAX_VOXELS: usize = 1 << 29;
/// Part of the usual distance between slices by which a distance may differ without a remark.
const SAME_DISTANCE: f64 = 0.02;

/// The slices of a folder, sorted by their position in the patient.
pub(crate) struct DicomSeries {
    pub folder: PathBuf,
    pub grid: VoxelGrid,
    pub notes: Vec<VolumeNote>,
    pub(super) slices: Vec<DicomSlice>,
}

impl DicomSeries {
    /// Reads the headers of a folder's files and sorts the slices.
    ///
    /// Errors: the folder holds no DICOM file or files of several series, a file that is named like a slice is none, slices differ in
    /// size or direction, or a slice is missing or duplicated.
    pub(crate) fn open(path: &Path) -> Result<DicomSeries> {
        let found = SeriesFolder::find(path)?;
        if found.slices.is_empty() {
            return Err(problem!(E0714, path, "no DICOM file in this folder"));
        }
        let left_out = found.note(path);
        let SeriesFolder { folder, slices: files, .. } = found;
        let mut slices = Vec::new();
        for file in &files {
            slices.extend(read_slices(file)?);
        }
        check_one_series(&folder, &slices)?;
        let normal = cross_product(slices[0].directions);
        let height = |s: &DicomSlice| s.position.iter().zip(normal).map(|(p, n)| p * n).sum::<f64>();
        slices.sort_by(|a, b| height(a).total_cmp(&height(b)).then(a.number.cmp(&b.number)));
        let heights: Vec<f64> = slices.iter().map(height).collect();
        let (gap, distance_note) = slice_spacing(&folder, &slices, &heights)?;
        let [rows, columns] = slices[0].format.size;
        if rows * columns * slices.len() > MAX_VOXELS {
            let n = slices.len();
            return Err(problem!(
                E0704,
                &folder,
                "the series is too large: {columns} x {rows} x {n} voxels; the limit is 2^29"
            ));
        }
        let declared_note = gap.and_then(|gap| declared_gap(&slices, gap));
        let [down, right] = [slices[0].directions[1], slices[0].directions[0]];
        let [row_gap, column_gap] = slices[0].spacing;
        let gap = gap.or(slices[0].thickness.filter(|t| t.is_finite() && *t > 0.0)).unwrap_or(1.0);
        let first = slices[0].position;
        let last = slices[slices.len() - 1].position;
        let steps = slices.len() as f64 - 1.0;
        // Slices of a tilted gantry are shifted against each other, so their step need not be along the normal.
        let across = [0, 1, 2].map(|i| if steps > 0.0 { (last[i] - first[i]) / steps } else { normal[i] * gap });
        check_line(&folder, &slices, across)?;
        let row = |i: usize| [right[i] * column_gap, down[i] * row_gap, across[i], first[i]];
        // DICOM axes point to the left and the back, the grid's axes to the right and the front.
        let affine = [row(0).map(|v| -v), row(1).map(|v| -v), row(2)];
        let grid = VoxelGrid::new(&folder, [columns, rows, slices.len()], affine)?;
        let mut notes: Vec<VolumeNote> =
            geometry_notes(&grid).into_iter().chain(distance_note).chain(declared_note).chain(left_out).collect();
        if slices.iter().any(|slice| slice.format.inverted) {
            let text = "stored values are inverted, since the largest is the darkest (MONOCHROME1)";
            notes.push((NoticeTopic::Inverted, text.to_string()));
        }
        if let Some(mapping) = slices.iter().find_map(|slice| slice.real_world.as_ref()) {
            let text = format!(
                "the real-world values (RealWorldValueMappingSequence, {mapping}) are not applied; RescaleSlope and RescaleIntercept are"
            );
            notes.push((NoticeTopic::ValueScale, text));
        }
        Ok(DicomSeries { folder, grid, notes, slices })
    }

    /// Reads the pixels of all slices.
    pub(crate) fn read(&self) -> Result<Volume> {
        let area = self.grid.dims[0] * self.grid.dims[1];
        // The place of each frame of a file.
        let mut files: BTreeMap<&Path, Vec<usize>> = BTreeMap::new();
        for (place, slice) in self.slices.iter().enumerate() {
            let places = files.entry(&slice.path).or_insert_with(|| vec![0; slice.format.frames]);
            places[slice.frame] = place;
        }
        let mut values = vec![0f32; area * self.slices.len()];
        let mut padded = None;
        for (path, places) in files {
            let format = self.slices[places[0]].format;
            frames::each_frame(path, &format, |frame, bytes| {
                let place = places[frame];
                let [slope, intercept] = self.slices[place].rescale;
                let mut to = values[place * area..][..area].iter_mut();
                bytes.each_value(&format, |stored| {
                    let shown = if format.inverted { format.range_sum() - stored } else { stored };
                    let value = shown as f64 * slope + intercept;
                    if format.padding.is_some_and(|[low, high]| (low..=high).contains(&stored)) {
                        padded = padded.or(Some((stored, value)));
                    }
                    if let Some(to) = to.next() {
                        *to = value as f32;
                    }
                });
            })?;
        }
        let mut notes = self.notes.clone();
        if let Some((stored, value)) = padded {
            let text = format!(
                "pixels of the stored value {stored} stand for no measurement (PixelPaddingValue); they are read as {value}"
            );
            notes.push((NoticeTopic::Padding, text));
        }
        let small = |v: &f32| v.fract() == 0.0 && (-32768.0..=32767.0).contains(v);
        let voxels = match values.iter().all(small) {
            true => Voxels::I16(values.into_iter().map(|v| v as i16).collect()),
            false => Voxels::F32(values),
        };
        Ok(Volume { grid: self.grid, voxels, scale: None, lossy: None, role: FileRole::Image, notes })
    }
}

/// Checks that all slices have one series, size, orientation and spacing.
fn check_one_series(folder: &Path, slices: &[DicomSlice]) -> Result<()> {
    let Some((first, others)) = slices.split_first() else { return Ok(()) };
    for other in others {
        let differs = |what: &str| -> RunError {
            let (a, b) = (first.name(), other.name());
            problem!(E0714, folder, "{a} and {b} {what}")
        };
        if other.series != first.series {
            return Err(differs("belong to different series").help("put each series into a folder of its own"));
        }
        let owners = [
            "belong to different patients (PatientID)",
            "belong to different studies (StudyInstanceUID)",
            "have different frames of reference (FrameOfReferenceUID), so their positions cannot be compared",
        ];
        for ((a, b), what) in first.belongs_to.iter().zip(&other.belongs_to).zip(owners) {
            if !a.is_empty() && !b.is_empty() && a != b {
                return Err(differs(what).help("put each series into a folder of its own"));
            }
        }
        if other.format.size != first.format.size {
            return Err(differs("have different sizes"));
        }
        let turned = (0..6).any(|i| (other.directions[i / 3][i % 3] - first.directions[i / 3][i % 3]).abs() > 1e-3);
        if turned || (0..2).any(|i| (other.spacing[i] - first.spacing[i]).abs() > 1e-3 * first.spacing[i]) {
            return Err(differs("have different orientations or pixel spacings")
                .help("if one of them is a localiser, remove it from the folder"));
        }
        if other.format.inverted != first.format.inverted {
            return Err(differs("differ in PhotometricInterpretation: one is MONOCHROME1, the other MONOCHROME2"));
        }
    }
    Ok(())
}

/// Returns the distance between slices, `None` for a single slice, and a remark if distances differ. Errors: two slices have the same
/// position, or one is missing.
fn slice_spacing(folder: &Path, slices: &[DicomSlice], heights: &[f64]) -> Result<(Option<f64>, Option<VolumeNote>)> {
    let mut gaps: Vec<f64> = heights.windows(2).map(|w| w[1] - w[0]).collect();
    gaps.sort_by(f64::total_cmp);
    // Of two distances the smaller is the usual one.
    let Some(&usual) = gaps.get(gaps.len().saturating_sub(1) / 2) else { return Ok((None, None)) };
    for (i, pair) in heights.windows(2).enumerate() {
        let gap = pair[1] - pair[0];
        let (a, b) = (slices[i].name(), slices[i + 1].name());
        if gap < 1e-3 {
            return Err(problem!(
                E0714,
                folder,
                "{a} and {b} have the same position";
                help: "the folder may contain two series or copies of slices; put each series into a folder of its own"
            ));
        }
        if gap > 1.5 * usual {
            return Err(problem!(
                E0714,
                folder,
                "a slice is missing: {a} and {b} are {gap:.2} mm apart, but other slices are {usual:.2} mm apart";
                help: "copy the series again"
            ));
        }
    }
    let (least, most) = (gaps[0], gaps[gaps.len() - 1]);
    let text = format!("slices are {least:.2} to {most:.2} mm apart; they are read as if all distances were equal");
    Ok((Some(usual), (most - least > SAME_DISTANCE * usual).then_some((NoticeTopic::VoxelSize, text))))
}

/// Returns a remark where the header declares another distance between slices than their positions have.
fn declared_gap(slices: &[DicomSlice], usual: f64) -> Option<VolumeNote> {
    let declared = slices.iter().filter_map(|slice| slice.gap).map(f64::abs);
    let other = declared.into_iter().find(|gap| (gap / usual - 1.0).abs() > SAME_DISTANCE)?;
    let text = format!(
        "SpacingBetweenSlices says {other:.2} mm, the positions of the slices {usual:.2} mm; the positions are used"
    );
    Some((NoticeTopic::VoxelSize, text))
}

/// Checks that the slices lie behind each other: their first pixels are on a line, within a pixel.
fn check_line(folder: &Path, slices: &[DicomSlice], across: [f64; 3]) -> Result<()> {
    let first = &slices[0];
    for (n, slice) in slices.iter().enumerate() {
        let off: [f64; 3] = [0, 1, 2].map(|i| slice.position[i] - first.position[i] - n as f64 * across[i]);
        let along = |direction: [f64; 3]| off.iter().zip(direction).map(|(v, d)| v * d).sum::<f64>().abs();
        let [row_gap, column_gap] = first.spacing;
        if along(first.directions[0]) > column_gap || along(first.directions[1]) > row_gap {
            let (a, b) = (first.name(), slice.name());
            return Err(problem!(
                E0714,
                folder,
                "the slices are shifted against each other: {b} lies more than a pixel beside the line from {a} to the last slice"
            ));
        }
    }
    Ok(())
}
