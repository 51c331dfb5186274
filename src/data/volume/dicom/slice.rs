//! The slices of a DICOM file: where they are, and how their values are read. A file with several frames has a slice for each.

use super::elements::{DicomElements, DicomReader, PixelLength};
use super::format::{PixelFormat, rescale};
use crate::base::count::counted;
use crate::base::error::{Result, RunError};
use crate::base::problem::problem;
use dicom_dictionary_std::tags;
use dicom_object::Tag;
use std::path::{Path, PathBuf};

/// A slice with its header.
pub(super) struct DicomSlice {
    pub path: PathBuf,
    /// Number of the frame in the file.
    pub frame: usize,
    /// SeriesInstanceUID of the file.
    pub series: String,
    /// PatientID, StudyInstanceUID and FrameOfReferenceUID of the file; empty where it has none.
    pub belongs_to: [String; 3],
    /// InstanceNumber of the file.
    pub number: Option<i64>,
    /// Position in mm to the patient's left, back and head.
    pub position: [f64; 3],
    /// Unit vectors along rows and columns.
    pub directions: [[f64; 3]; 2],
    /// Distance between rows and between columns, in mm.
    pub spacing: [f64; 2],
    pub thickness: Option<f64>,
    /// SpacingBetweenSlices.
    pub gap: Option<f64>,
    pub format: PixelFormat,
    /// Slope and intercept from stored values to their meaning.
    pub rescale: [f64; 2],
    /// How the header maps stored values to real-world ones, if not by the rescale.
    pub real_world: Option<String>,
}

impl DicomSlice {
    /// Returns the name of the file, with the number of the frame if it has several.
    pub(super) fn name(&self) -> String {
        let name = self.path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        if self.format.frames > 1 { format!("{name} frame {}", self.frame + 1) } else { name }
    }
}

pub(super) fn cross_product([a, b]: [[f64; 3]; 2]) -> [f64; 3] {
    [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]]
}

/// Elements of one frame: from its functional groups, from those that all frames share, or from the file itself.
struct FrameHeader<'a> {
    path: &'a Path,
    groups: [Option<&'a DicomElements>; 2],
    file: &'a DicomElements,
}

impl<'a> FrameHeader<'a> {
    /// Returns the elements that hold `tag`: those of the sequence `group` in a functional group, else those of the file.
    fn holder(&self, group: Tag, tag: Tag) -> &'a DicomElements {
        let of_groups = self.groups.iter().flatten().filter_map(|groups| groups.items(group).first());
        of_groups.into_iter().find(|elements| elements.has(tag)).unwrap_or(self.file)
    }

    /// Returns how stored values are mapped to real-world ones, where that differs from the rescale.
    fn real_world(&self, rescale: [f64; 2]) -> Option<String> {
        let tag = tags::REAL_WORLD_VALUE_MAPPING_SEQUENCE;
        let holders = self.groups.iter().flatten().copied().chain([self.file]);
        let item = holders.filter_map(|elements| elements.items(tag).first()).next()?;
        let [slope, intercept] =
            [tags::REAL_WORLD_VALUE_SLOPE, tags::REAL_WORLD_VALUE_INTERCEPT].map(|tag| item.double(tag));
        match slope.zip(intercept) {
            Some((slope, intercept)) if [slope, intercept] == rescale => None,
            Some((slope, intercept)) => Some(format!("slope {slope}, intercept {intercept}")),
            None => Some("a table".into()),
        }
    }

    fn numbers<const N: usize>(&self, group: Tag, tag: Tag, name: &str) -> Result<[f64; N]> {
        let numbers = self.holder(group, tag).decimals(tag);
        numbers.and_then(|n| <[f64; N]>::try_from(n).ok()).ok_or_else(|| missing(self.path, name))
    }
}

fn missing(path: &Path, what: &str) -> RunError {
    problem!(
        E0714,
        path,
        "the DICOM file has no {what}, so it is not a slice of a series";
        help: "pictures without a place, such as X-rays and screenshots, are read as PNG or TIFF of 8 or 16 bits; convert them"
    )
}

/// Reads the header of a file.
pub(super) fn read_slices(path: &Path) -> Result<Vec<DicomSlice>> {
    let file = DicomReader::open(path)?;
    let elements = &file.elements;
    let format = PixelFormat::of(path, &file)?;
    let of_frames = elements.items(tags::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE);
    if format.frames > 1 && of_frames.len() != format.frames {
        let frames = format.frames;
        return Err(problem!(
            E0704,
            path,
            "the file contains {} and does not say where each of them is",
            counted(frames, "frame");
            help: "convert it to NIfTI, for example with dcm2niix"
        ));
    }
    match file.pixels {
        None => return Err(problem!(E0703, path, "the DICOM file has no pixels of whole numbers (PixelData)")),
        Some(PixelLength::Native { bytes, .. }) => format.check_length(path, bytes)?,
        Some(PixelLength::Encapsulated) => {}
    }
    let shared = elements.items(tags::SHARED_FUNCTIONAL_GROUPS_SEQUENCE).first();
    (0..format.frames)
        .map(|frame| {
            let header = FrameHeader { path, groups: [of_frames.get(frame), shared], file: elements };
            read_frame(&header, frame, format)
        })
        .collect()
}

fn read_frame(header: &FrameHeader<'_>, frame: usize, format: PixelFormat) -> Result<DicomSlice> {
    let FrameHeader { path, file, .. } = *header;
    let [a, b, c, d, e, f] = header.numbers(
        tags::PLANE_ORIENTATION_SEQUENCE,
        tags::IMAGE_ORIENTATION_PATIENT,
        "orientation (ImageOrientationPatient)",
    )?;
    let position: [f64; 3] = header.numbers(
        tags::PLANE_POSITION_SEQUENCE,
        tags::IMAGE_POSITION_PATIENT,
        "position (ImagePositionPatient)",
    )?;
    let spacing: [f64; 2] =
        header.numbers(tags::PIXEL_MEASURES_SEQUENCE, tags::PIXEL_SPACING, "pixel spacing (PixelSpacing)")?;
    let directions = [[a, b, c], [d, e, f]];
    let unit = |v: [f64; 3]| (v.iter().map(|x| x * x).sum::<f64>() - 1.0).abs() < 0.01;
    let finite = position.iter().all(|v| v.is_finite());
    if !directions.into_iter().all(unit) || !unit(cross_product(directions)) || !finite {
        return Err(problem!(
            E0714,
            path,
            "ImageOrientationPatient is not a pair of perpendicular unit vectors, or ImagePositionPatient is not finite"
        ));
    }
    if spacing.iter().any(|s| !s.is_finite() || *s <= 0.0) {
        return Err(problem!(E0714, path, "invalid PixelSpacing of {} x {} mm", spacing[0], spacing[1]));
    }
    let measure = |tag| header.holder(tags::PIXEL_MEASURES_SEQUENCE, tag).decimals(tag)?.first().copied();
    let values = header.holder(tags::PIXEL_VALUE_TRANSFORMATION_SEQUENCE, tags::RESCALE_SLOPE);
    let rescale = rescale(path, values, format.inverted)?;
    let text = |tag| file.text(tag).unwrap_or_default();
    Ok(DicomSlice {
        path: path.to_path_buf(),
        frame,
        series: text(tags::SERIES_INSTANCE_UID),
        belongs_to: [tags::PATIENT_ID, tags::STUDY_INSTANCE_UID, tags::FRAME_OF_REFERENCE_UID].map(text),
        number: file.first_text(tags::INSTANCE_NUMBER).and_then(|t| t.parse().ok()),
        position,
        directions,
        spacing,
        thickness: measure(tags::SLICE_THICKNESS),
        gap: measure(tags::SPACING_BETWEEN_SLICES),
        format,
        rescale,
        real_world: header.real_world(rescale),
    })
}
