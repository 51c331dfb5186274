//! DICOM series: a folder of files with one slice each. Only this module uses the crates `dicom-*`.
//!
//! Slices are sorted by their position in the patient. Rescale slope and intercept are applied file by file, which gives
//! Hounsfield units for CT. Compressed pixels are supported where a Rust decoder exists (RLE, JPEG baseline and lossless,
//! deflate).

mod lengths;

use super::grid::VoxelGrid;
use super::note::{VolumeNote, geometry_notes};
use super::voxels::{Volume, Voxels};
use crate::base::error::{Result, RunError, one_line};
use crate::base::file;
use crate::base::problem::problem;
use crate::data::decode::{self, PaletteMode};
use crate::data::notice::FileRole;
use crate::data::order::natural;
use dicom_dictionary_std::tags;
use dicom_object::{DefaultDicomObject, OpenFileOptions, Tag};
use dicom_pixeldata::{ConvertOptions, ModalityLutOption, PixelDecoder};
use std::fs;
use std::path::{Path, PathBuf};

/// The slices of a folder, sorted by their position in the patient.
pub(crate) struct DicomSeries {
    folder: PathBuf,
    pub grid: VoxelGrid,
    pub notes: Vec<VolumeNote>,
    files: Vec<DicomSlice>,
}

/// Header of one file.
struct DicomSlice {
    path: PathBuf,
    /// SeriesInstanceUID of the file.
    series: String,
    /// InstanceNumber of the file.
    number: Option<i64>,
    /// Position in mm to the patient's left, back and head.
    position: [f64; 3],
    /// Unit vectors along rows and columns.
    directions: [[f64; 3]; 2],
    /// Distance between rows and between columns, in mm.
    spacing: [f64; 2],
    /// Numbers of rows and columns.
    size: [usize; 2],
    thickness: Option<f64>,
}

/// Checks whether a folder holds DICOM files, itself or in a single nested folder.
pub(crate) fn holds_dicom(folder: &Path) -> bool {
    dicom_files(folder).is_ok_and(|(_, files)| !files.is_empty())
}

/// Returns the folder that holds the DICOM files, and the files. Archives often nest a series in folders without other content.
fn dicom_files(folder: &Path) -> Result<(PathBuf, Vec<PathBuf>)> {
    let mut folder = folder.to_path_buf();
    for _ in 0..4 {
        let entries = entries(&folder)?;
        let files: Vec<PathBuf> = entries.iter().filter(|p| p.is_file() && is_dicom(p)).cloned().collect();
        match &entries.iter().filter(|p| p.is_dir()).collect::<Vec<_>>()[..] {
            [only] if files.is_empty() => folder = only.to_path_buf(),
            _ => return Ok((folder, files)),
        }
    }
    Ok((folder, Vec::new()))
}

/// Lists a folder without hidden files, in natural order.
fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    let fail = |e: std::io::Error| RunError::read(folder, e);
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).map_err(fail)? {
        let path = entry.map_err(fail)?.path();
        if !file_name(&path).starts_with('.') {
            paths.push(path);
        }
    }
    paths.sort_by(|a, b| natural(&file_name(a), &file_name(b)));
    Ok(paths)
}

fn file_name(path: &Path) -> String {
    path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default()
}

fn lower_stem(path: &Path) -> String {
    path.file_stem().map(|n| n.to_string_lossy().to_lowercase()).unwrap_or_default()
}

/// Checks for the DICOM prefix after the preamble (PS3.10, 7.1).
pub(crate) fn is_dicom(path: &Path) -> bool {
    let head = file::read_head(path, 132).unwrap_or_default();
    head.get(128..) == Some(b"DICM") && !file_name(path).eq_ignore_ascii_case("DICOMDIR")
}

impl DicomSeries {
    /// Reads the headers of a folder's files and sorts the slices.
    ///
    /// Errors: the folder holds no DICOM file or files of several series, slices differ in size or direction, or a slice is missing
    /// or duplicated.
    pub(crate) fn open(path: &Path) -> Result<DicomSeries> {
        let (folder, found) = dicom_files(path)?;
        if found.is_empty() {
            return Err(problem!(E0714, path, "no DICOM file in this folder"));
        }
        let mut files: Vec<DicomSlice> = found.iter().map(|p| read_header(p)).collect::<Result<_>>()?;
        let first = &files[0];
        for other in &files[1..] {
            let differs = |what: &str| {
                let (a, b) = (file_name(&first.path), file_name(&other.path));
                problem!(E0714, &folder, "{a} and {b} {what}")
            };
            if other.series != first.series {
                return Err(differs("belong to different series").help("put each series into a folder of its own"));
            }
            if other.size != first.size {
                return Err(differs("have different sizes"));
            }
            let turned = (0..6).any(|i| (other.directions[i / 3][i % 3] - first.directions[i / 3][i % 3]).abs() > 1e-3);
            if turned || (0..2).any(|i| (other.spacing[i] - first.spacing[i]).abs() > 1e-3 * first.spacing[i]) {
                return Err(differs("have different orientations or pixel spacings")
                    .help("if one of them is a localiser, remove it from the folder"));
            }
        }
        let normal = cross_product(first.directions);
        let height = |s: &DicomSlice| s.position.iter().zip(normal).map(|(p, n)| p * n).sum::<f64>();
        files.sort_by(|a, b| height(a).total_cmp(&height(b)).then(a.number.cmp(&b.number)));
        let heights: Vec<f64> = files.iter().map(height).collect();
        let gap = slice_spacing(&folder, &files, &heights)?;
        let [rows, columns] = files[0].size;
        let [down, right] = [files[0].directions[1], files[0].directions[0]];
        let [row_gap, column_gap] = files[0].spacing;
        let gap = gap.or(files[0].thickness.filter(|t| *t > 0.0)).unwrap_or(1.0);
        let first = files[0].position;
        // Slices of a tilted gantry are shifted against each other, so their step need not be along the normal.
        let last = files[files.len() - 1].position;
        let steps = files.len() as f64 - 1.0;
        let across = [0, 1, 2].map(|i| if steps > 0.0 { (last[i] - first[i]) / steps } else { normal[i] * gap });
        let row = |i: usize| [right[i] * column_gap, down[i] * row_gap, across[i], first[i]];
        // DICOM axes point to the left and the back, the grid's axes to the right and the front.
        let affine = [row(0).map(|v| -v), row(1).map(|v| -v), row(2)];
        let grid = VoxelGrid::new(&folder, [columns, rows, files.len()], affine)?;
        let notes = geometry_notes(&grid).into_iter().collect();
        Ok(DicomSeries { folder, grid, notes, files })
    }

    /// Reads the pixels of all slices.
    pub(crate) fn read(&self) -> Result<Volume> {
        let area = self.grid.dims[0] * self.grid.dims[1];
        let mut values: Vec<f32> = Vec::with_capacity(area * self.files.len());
        for slice in &self.files {
            let before = values.len();
            append_pixels(&slice.path, &mut values)?;
            if values.len() - before != area {
                let found = values.len() - before;
                return Err(problem!(E0703, &slice.path, "contains {found} pixels, but its header declares {area}"));
            }
        }
        let small = |v: &f32| v.fract() == 0.0 && (-32768.0..=32767.0).contains(v);
        let voxels = match values.iter().all(small) {
            true => Voxels::I16(values.into_iter().map(|v| v as i16).collect()),
            false => Voxels::F32(values),
        };
        Ok(Volume { grid: self.grid, voxels, scale: None, role: FileRole::Image, notes: self.notes.clone() })
    }
}

/// Returns the distance between slices; `None` for a single slice. Errors: two slices have the same position, or one is missing.
fn slice_spacing(folder: &Path, files: &[DicomSlice], heights: &[f64]) -> Result<Option<f64>> {
    let mut gaps: Vec<f64> = heights.windows(2).map(|w| w[1] - w[0]).collect();
    gaps.sort_by(f64::total_cmp);
    let Some(&usual) = gaps.get(gaps.len() / 2) else { return Ok(None) };
    for (i, pair) in heights.windows(2).enumerate() {
        let gap = pair[1] - pair[0];
        let (a, b) = (file_name(&files[i].path), file_name(&files[i + 1].path));
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
    Ok(Some(usual))
}

fn cross_product([a, b]: [[f64; 3]; 2]) -> [f64; 3] {
    [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]]
}

fn open_file(path: &Path, until: Option<Tag>) -> Result<DefaultDicomObject> {
    lengths::check_lengths(path)?;
    let options = until.map_or(OpenFileOptions::new(), |tag| OpenFileOptions::new().read_until(tag));
    options.open_file(path).map_err(|e| {
        problem!(
            E0703,
            path,
            "cannot read the DICOM file; it may be truncated or damaged: {}",
            with_root_cause(&e);
            help: "copy or download the file again"
        )
    })
}

fn read_header(path: &Path) -> Result<DicomSlice> {
    let object = open_file(path, Some(tags::PIXEL_DATA))?;
    let text = |tag| object.get(tag).and_then(|e| e.to_str().ok()).map(|t| t.trim().to_string());
    let numbers = |tag| object.get(tag).and_then(|e| e.to_multi_float64().ok()).unwrap_or_default();
    let count = |tag| object.get(tag).and_then(|e| e.to_int::<usize>().ok());
    let missing = |what: &str| problem!(E0714, path, "the DICOM file has no {what}, so it is not a slice of a series");
    let [Some(rows), Some(columns)] = [count(tags::ROWS), count(tags::COLUMNS)] else {
        return Err(missing("rows and columns"));
    };
    if let Some(frames) = count(tags::NUMBER_OF_FRAMES).filter(|n| *n > 1) {
        return Err(problem!(
            E0704,
            path,
            "multi-frame DICOM is not supported: the file contains {frames} frames";
            help: "convert it to NIfTI, for example with dcm2niix"
        ));
    }
    let &[a, b, c, d, e, f] = &numbers(tags::IMAGE_ORIENTATION_PATIENT)[..] else {
        return Err(missing("orientation (ImageOrientationPatient)"));
    };
    let &[x, y, z] = &numbers(tags::IMAGE_POSITION_PATIENT)[..] else {
        return Err(missing("position (ImagePositionPatient)"));
    };
    let &[row, column] = &numbers(tags::PIXEL_SPACING)[..] else {
        return Err(missing("pixel spacing (PixelSpacing)"));
    };
    let directions = [[a, b, c], [d, e, f]];
    let unit = |v: [f64; 3]| (v.iter().map(|x| x * x).sum::<f64>() - 1.0).abs() < 0.01;
    let finite = [x, y, z].iter().all(|v| v.is_finite());
    if !directions.into_iter().all(unit) || !unit(cross_product(directions)) || !finite {
        return Err(problem!(
            E0714,
            path,
            "ImageOrientationPatient is not a pair of perpendicular unit vectors, or ImagePositionPatient is not finite"
        ));
    }
    Ok(DicomSlice {
        path: path.to_path_buf(),
        series: text(tags::SERIES_INSTANCE_UID).unwrap_or_default(),
        number: text(tags::INSTANCE_NUMBER).and_then(|t| t.parse().ok()),
        position: [x, y, z],
        directions,
        spacing: [row, column],
        size: [rows, columns],
        thickness: numbers(tags::SLICE_THICKNESS).first().copied(),
    })
}

/// Appends the rescaled pixels of a file to `values`.
fn append_pixels(path: &Path, values: &mut Vec<f32>) -> Result<()> {
    let object = open_file(path, None)?;
    let fail = |e: dicom_pixeldata::Error| {
        problem!(
            E0704,
            path,
            "cannot decode the pixels: {}",
            with_root_cause(&e);
            help: "if the compression is not supported, decompress the file, for example with gdcmconv --raw or dcmdjpeg"
        )
    };
    let decoded = object.decode_pixel_data().map_err(fail)?;
    if decoded.samples_per_pixel() != 1 {
        let samples = decoded.samples_per_pixel();
        return Err(problem!(E0704, path, "the pixels have {samples} samples; only grey slices are supported"));
    }
    let (slope, intercept) = match decoded.rescale().map_err(fail)?.first() {
        Some(rescale) => (rescale.slope, rescale.intercept),
        None => (1.0, 0.0),
    };
    let stored = ConvertOptions::new().with_modality_lut(ModalityLutOption::None);
    let stored: Vec<i32> = decoded.to_vec_with_options(&stored).map_err(fail)?;
    values.extend(stored.into_iter().map(|v| (f64::from(v) * slope + intercept) as f32));
    Ok(())
}

/// Formats an error with its root cause.
fn with_root_cause(error: &dyn std::error::Error) -> String {
    let text = one_line(&error);
    match std::iter::successors(error.source(), |e| e.source()).last() {
        Some(cause) => format!("{text}: {}", one_line(&cause)),
        None => text,
    }
}

/// Reads a folder of pictures as the mask of a DICOM series. A picture belongs to the slice whose file has the same name; if the
/// names differ, pictures in the order of their names belong to slices in the order of their InstanceNumber.
pub(crate) fn read_masks(folder: &Path, of: &Path) -> Result<Volume> {
    let series = DicomSeries::open(of)?;
    let pictures: Vec<PathBuf> = entries(folder)?.into_iter().filter(|p| decode::is_picture(p)).collect();
    if pictures.len() != series.files.len() {
        return Err(problem!(
            E0710,
            folder,
            "{} mask pictures for the {} slices of {}",
            pictures.len(),
            series.files.len(),
            series.folder.display();
            help: "a folder of masks needs exactly one picture for each slice"
        ));
    }
    let mut order: Vec<usize> = (0..series.files.len()).collect();
    order.sort_by_key(|&i| (series.files[i].number.unwrap_or(i as i64), i));
    let mut picture_of = vec![0; order.len()];
    let named = |slice: &DicomSlice| pictures.iter().position(|p| lower_stem(p) == lower_stem(&slice.path));
    if series.files.iter().all(|slice| named(slice).is_some()) {
        series.files.iter().enumerate().for_each(|(i, slice)| picture_of[i] = named(slice).unwrap_or(0));
    } else {
        order.iter().enumerate().for_each(|(n, &i)| picture_of[i] = n);
    }
    let size = series.files[0].size;
    let mut values = Vec::with_capacity(size[0] * size[1] * order.len());
    for n in picture_of {
        let pixels = decode::read(&pictures[n], PaletteMode::Indices)?;
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
        if pixels.channels != 1 {
            return Err(problem!(
                E0713,
                &pictures[n],
                "the mask is in colours; masks of a DICOM series must be grey";
                help: "store the class as a grey value, or as the index of a PNG palette"
            ));
        }
        values.extend((0..pixels.values.len()).map(|i| pixels.values.at(i) as f32));
    }
    Ok(Volume { grid: series.grid, voxels: Voxels::F32(values), scale: None, role: FileRole::Mask, notes: Vec::new() })
}
