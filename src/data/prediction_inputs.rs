//! Finds the images and volumes to predict, from files, folders and patterns, and the name of each output.
//!
//! Pictures and NIfTI files are known by their names; of other files the first bytes are read, to find DICOM series.

use super::decode::{self, EXTENSIONS};
use super::file_names::is_hidden;
use super::left_out;
use super::order::natural;
use super::stem::stem_key;
use super::volume::{self, dicom};
use crate::base::count::counted;
use crate::base::error::{Result, RunError};
use crate::base::file;
use crate::base::path::folder_of;
use crate::base::problem::problem;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// Largest number of bytes of a file name.
const MAX_NAME: usize = 255;

/// Whether an input is one picture or a volume of slices.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InputKind {
    /// A file with one picture.
    Picture,
    /// A NIfTI file, or a folder that holds a DICOM series.
    Volume,
}

/// An image to predict, and the name of its outputs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PredictionInput {
    /// The image file, or the folder of a DICOM series.
    pub path: PathBuf,
    /// Path of the outputs below the output folder, without extension: the file's stem, with its subfolders if a folder was
    /// given.
    pub stem: PathBuf,
    /// Whether the input is a picture or a volume.
    pub kind: InputKind,
}

/// The suffixes of the output files of an input, after its stem; the first is the mask's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutputEndings {
    /// Suffixes for a picture.
    pub picture: Vec<String>,
    /// Suffixes for a volume.
    pub volume: Vec<String>,
}

impl OutputEndings {
    fn of(&self, kind: InputKind) -> &[String] {
        match kind {
            InputKind::Picture => &self.picture,
            InputKind::Volume => &self.volume,
        }
    }

    /// Returns the problem of an input of which a file cannot have its name: file systems take 255 bytes. Nothing is written of it.
    pub(crate) fn too_long(&self, input: &PredictionInput) -> Option<RunError> {
        let stem = input.stem.file_name()?.as_encoded_bytes().len();
        let (end, bytes) = self.of(input.kind).iter().map(|end| (end, stem + end.len())).max_by_key(|(_, n)| *n)?;
        (bytes > MAX_NAME).then(|| {
            problem!(
                E0702,
                &input.path,
                "its name with the ending `{end}` has {}, and a file name has at most {MAX_NAME}",
                counted(bytes, "byte");
                help: "rename the image"
            )
        })
    }
}

/// The inputs of a prediction.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PredictionInputs {
    /// What is predicted.
    pub found: Vec<PredictionInput>,
    /// Files below the given folders or matched by the given patterns that look like pictures or volumes and are not predicted:
    /// their format is not read, they are hidden, or their extension is not that of a picture.
    pub skipped: Vec<PathBuf>,
}

/// Expands `given` into images and volumes: files, everything below folders, and the matches of patterns
/// (`"scans/*/t1_*.png"`, `**` for any depth), in the given order, each sorted in natural order. A folder that holds DICOM
/// files is one volume.
///
/// `ends` are the suffixes of the output files. Files in `out` are not taken as inputs of a folder that contains `out`.
///
/// Errors: a path is missing, a folder or pattern has no image, a file is a single slice of a DICOM series, two outputs would
/// have the same path, or an output would overwrite an input or a file beside its image.
pub fn find_inputs(given: &[PathBuf], out: &Path, ends: &OutputEndings) -> Result<PredictionInputs> {
    let all = list_inputs(given, out)?;
    check_distinct(&all.found, ends)?;
    check_no_overwrite(&all.found, out, ends)?;
    check_beside(&all.found, out, ends)?;
    Ok(all)
}

/// Expands `given` as [`find_inputs`] does, whatever the names of outputs would be. Nothing below `out` is listed.
///
/// Errors: a path is missing, a folder or pattern has no image, or a file is a single slice of a DICOM series.
pub(super) fn list_inputs(given: &[PathBuf], out: &Path) -> Result<PredictionInputs> {
    let mut all = PredictionInputs::default();
    for path in given {
        if path.is_dir() {
            let PredictionInputs { found, skipped } = images_below(path, out)?;
            all.found.extend(found);
            all.skipped.extend(skipped);
        } else if path.exists() {
            all.found.push(single_file(path.clone())?);
        } else if path.to_string_lossy().contains(['*', '?', '[']) {
            let PredictionInputs { found, skipped } = images_matching(path)?;
            all.found.extend(found);
            all.skipped.extend(skipped);
        } else {
            return Err(problem!(E0701, path, "no such file or folder"));
        }
    }
    all.skipped.sort_by(|a, b| natural(&a.to_string_lossy(), &b.to_string_lossy()));
    all.skipped.dedup();
    Ok(all)
}

/// Returns the files that look like pictures or volumes, of those that are no input.
fn looking_like_pictures(others: Vec<PathBuf>) -> impl Iterator<Item = PathBuf> {
    others.into_iter().filter(|path| left_out::looks_like_picture(path))
}

/// Sorts the inputs, or fails if there are none.
fn some_inputs(place: &Path, message: &str, mut all: PredictionInputs) -> Result<PredictionInputs> {
    if all.found.is_empty() {
        let error = problem!(
            E0701,
            place,
            "{message}";
            help: "images are files with the extension {}, nii or nii.gz, and folders with a DICOM series", EXTENSIONS.join(", ")
        );
        return Err(match left_out::skipped_sentence(&all.skipped) {
            Some(sentence) => error.help(sentence),
            None => error,
        });
    }
    all.found.sort_by(|a, b| natural(&a.path.to_string_lossy(), &b.path.to_string_lossy()));
    Ok(all)
}

/// Returns the input of a file that is given by name. Errors: the file is a slice of a DICOM series.
fn single_file(path: PathBuf) -> Result<PredictionInput> {
    let kind = if volume::is_nifti(&path) { InputKind::Volume } else { InputKind::Picture };
    if kind == InputKind::Picture && !is_picture(&path) && path.is_file() && dicom::is_dicom(&path) {
        return Err(problem!(
            E0704,
            &path,
            "a DICOM file is predicted with its series, not alone";
            help: "give the folder of its series: {}", folder_of(&path).display()
        ));
    }
    let stem = stem_of(path.file_name().map(Path::new).unwrap_or(&path));
    Ok(PredictionInput { path, stem, kind })
}

/// Removes the extension, `.nii.gz` as a whole.
fn stem_of(path: &Path) -> PathBuf {
    let stem = path.with_extension("");
    let zipped = volume::is_nifti(path) && path.extension().is_some_and(|e| e.eq_ignore_ascii_case("gz"));
    if zipped { stem.with_extension("") } else { stem }
}

/// Checks whether the file name has the extension of a picture and is not hidden.
fn is_picture(path: &Path) -> bool {
    !is_hidden(path) && decode::is_picture(path)
}

/// Returns the kind of a file by its name; `None` for a file that is no input.
fn kind_of_name(path: &Path) -> Option<InputKind> {
    match is_picture(path) {
        true => Some(InputKind::Picture),
        false => (volume::is_nifti(path) && !is_hidden(path)).then_some(InputKind::Volume),
    }
}

/// Lists every picture, NIfTI file and DICOM series below a folder. Links to folders are not followed, since they may form a
/// cycle.
fn images_below(root: &Path, out: &Path) -> Result<PredictionInputs> {
    let mut all = PredictionInputs::default();
    let out = out.canonicalize().ok();
    let mut open = vec![root.to_path_buf()];
    while let Some(folder) = open.pop() {
        let fail = |e: std::io::Error| RunError::read(&folder, e);
        let (mut series, mut others) = (false, Vec::new());
        for entry in std::fs::read_dir(&folder).map_err(fail)? {
            let entry = entry.map_err(fail)?;
            let path = entry.path();
            if entry.file_type().map_err(fail)?.is_dir() {
                if out.is_none() || path.canonicalize().ok() != out {
                    open.push(path);
                }
            } else if let Some(kind) = kind_of_name(&path) {
                let stem = stem_of(path.strip_prefix(root).unwrap_or(&path));
                all.found.push(PredictionInput { stem, path, kind });
            } else if !series && dicom::is_slice(&path) {
                series = true;
                all.found.push(series_in(root, &folder));
            } else {
                others.push(path);
            }
        }
        // What a series leaves out of its folder is reported with the series.
        if !series {
            all.skipped.extend(looking_like_pictures(others));
        }
    }
    some_inputs(root, "no image in this folder or its subfolders", all)
}

/// Returns the input of a folder that holds a DICOM series: its name below `root`, or the name of `root` itself.
fn series_in(root: &Path, folder: &Path) -> PredictionInput {
    let inside = folder.strip_prefix(root).unwrap_or(folder);
    let own_name = || {
        // `.` and `..` have no name of their own.
        let whole = root.canonicalize().unwrap_or_default();
        root.file_name().or(whole.file_name()).map_or_else(|| PathBuf::from("series"), PathBuf::from)
    };
    let stem = if inside.as_os_str().is_empty() { own_name() } else { inside.to_path_buf() };
    PredictionInput { path: folder.to_path_buf(), stem, kind: InputKind::Volume }
}

/// Escapes the folders of a pattern that exist as they are written, since their names may hold brackets.
fn literal_folder(pattern: &str) -> String {
    let mut ends = pattern.rmatch_indices('/').map(|(at, _)| at).filter(|&at| at > 0);
    match ends.find(|&at| Path::new(&pattern[..at]).is_dir()) {
        Some(at) => format!("{}{}", glob::Pattern::escape(&pattern[..at]), &pattern[at..]),
        None => pattern.to_string(),
    }
}

fn images_matching(pattern: &Path) -> Result<PredictionInputs> {
    let text = pattern.to_str().ok_or_else(|| problem!(E0503, pattern, "the pattern is not UTF-8"))?;
    let paths = glob::glob(&literal_folder(text)).map_err(|e| problem!(E0503, pattern, "invalid pattern: {e}"))?;
    let (mut all, mut others) = (PredictionInputs::default(), Vec::new());
    for path in paths {
        let path = path.map_err(|e| RunError::read(e.path(), e.error()))?;
        // A pattern such as `case_*` may also match files that are no pictures.
        if path.is_dir() {
            if dicom::holds_dicom(&path) {
                all.found.push(series_in(&path, &path));
            }
        } else if path.is_file() && kind_of_name(&path).is_some() {
            all.found.push(single_file(path)?);
        } else {
            others.push(path);
        }
    }
    all.skipped.extend(looking_like_pictures(others));
    some_inputs(pattern, "the pattern matches no image", all)
}

fn check_distinct(inputs: &[PredictionInput], ends: &OutputEndings) -> Result<()> {
    // Some file systems ignore case, and Unicode's form of a letter.
    let mut seen: HashMap<String, &PredictionInput> = HashMap::new();
    for input in inputs {
        for end in ends.of(input.kind) {
            let name = format!("{}{end}", input.stem.display());
            let Some(first) = seen.insert(stem_key(&name), input) else { continue };
            let (a, b) = (first.path.display(), input.path.display());
            let problem = if first.stem == input.stem {
                problem!(
                    E0702,
                    "two images have the same name `{}` and so the same output file: {a} and {b}",
                    input.stem.display()
                )
            } else {
                problem!(E0702, "two images have the same output file `{name}`: {a} and {b}")
            };
            return Err(problem.help("predict them separately, into different folders"));
        }
    }
    Ok(())
}

/// Returns the files that are written for the inputs into `out`, each with its input.
pub(crate) fn output_files<'a>(
    inputs: &'a [PredictionInput],
    out: &'a Path,
    ends: &'a OutputEndings,
) -> impl Iterator<Item = (PathBuf, &'a PredictionInput)> {
    let of = move |input: &'a PredictionInput| {
        ends.of(input.kind).iter().map(move |end| {
            let mut name = out.join(&input.stem).into_os_string();
            name.push(end);
            (PathBuf::from(name), input)
        })
    };
    inputs.iter().flat_map(of)
}

/// Checks that nothing beside an image is overwritten by what is predicted of it: a file of the same stem is most likely its mask.
fn check_beside(inputs: &[PredictionInput], out: &Path, ends: &OutputEndings) -> Result<()> {
    let taken = |(path, input): &(PathBuf, &PredictionInput)| {
        path.exists() && file::identity(folder_of(path)) == file::identity(folder_of(&input.path))
    };
    match output_files(inputs, out, ends).find(taken) {
        Some((path, input)) => {
            Err(problem!(E0702, &path, "this file is beside the image {}, and what is predicted would replace it",
            input.path.display();
            help: "choose another folder: `--out DIR`";
            help: "or remove the file, if it is an earlier prediction"))
        }
        None => Ok(()),
    }
}

/// Checks that no output overwrites an input: outputs are named after the images, and `out` may be the images' folder.
fn check_no_overwrite(inputs: &[PredictionInput], out: &Path, ends: &OutputEndings) -> Result<()> {
    let Ok(out) = out.canonicalize() else { return Ok(()) };
    let images: HashMap<PathBuf, &PredictionInput> =
        inputs.iter().filter_map(|input| Some((input.path.canonicalize().ok()?, input))).collect();
    for (input, end) in inputs.iter().flat_map(|input| ends.of(input.kind).iter().map(move |end| (input, end))) {
        let mut name = out.join(&input.stem).into_os_string();
        name.push(end);
        if let Some(image) = PathBuf::from(name).canonicalize().ok().and_then(|path| images.get(&path)) {
            let what = if Some(end) == ends.of(input.kind).first() { "mask" } else { "picture" };
            return Err(problem!(
                E0702,
                &image.path,
                "the predicted {what} of {} would overwrite this image",
                input.path.display();
                help: "choose another folder: `--out DIR`"
            ));
        }
    }
    Ok(())
}
