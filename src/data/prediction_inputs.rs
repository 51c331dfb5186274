//! Finds the image files to predict, from files, folders and patterns, and the name of each output.
//!
//! Works on file names only; no file is opened.

use super::decode::EXTENSIONS;
use super::order::natural;
use crate::base::error::{Result, RunError};
use crate::base::problem::problem;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// An image to predict, and the name of its outputs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PredictionInput {
    /// The image file.
    pub path: PathBuf,
    /// Path of the outputs below the output folder, without extension: the file's stem, with its subfolders if a folder was
    /// given.
    pub stem: PathBuf,
}

/// Expands `given` into image files: files, all images below folders, and the matches of patterns (`"scans/*/t1_*.png"`,
/// `**` for any depth), in the given order, each sorted in natural order.
///
/// `ends` are the suffixes of the output files of an image, after its stem; the first is the mask's. Files in `out` are not
/// taken as inputs of a folder that contains `out`.
///
/// Errors: a path is missing, a folder or pattern has no image, two outputs would have the same path, or an output would
/// overwrite an input.
pub fn find_inputs(given: &[PathBuf], out: &Path, ends: &[String]) -> Result<Vec<PredictionInput>> {
    let mut found = Vec::new();
    for path in given {
        if path.is_dir() {
            found.extend(images_below(path, out)?);
        } else if path.exists() {
            found.push(single_file(path.clone()));
        } else if path.to_string_lossy().contains(['*', '?', '[']) {
            found.extend(images_matching(path)?);
        } else {
            return Err(problem!(E0701, path, "no such file or folder"));
        }
    }
    check_distinct(&found, ends)?;
    check_no_overwrite(&found, out, ends)?;
    Ok(found)
}

fn single_file(path: PathBuf) -> PredictionInput {
    let stem = path.file_stem().map(PathBuf::from).unwrap_or_default();
    PredictionInput { path, stem }
}

/// Checks whether the file name has the extension of a picture and is not hidden.
fn is_picture(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
    !name.starts_with('.') && EXTENSIONS.iter().any(|e| name.strip_suffix(e).is_some_and(|rest| rest.ends_with('.')))
}

/// Lists every picture below a folder. Links to folders are not followed, since they may form a cycle.
fn images_below(root: &Path, out: &Path) -> Result<Vec<PredictionInput>> {
    let mut found = Vec::new();
    let out = out.canonicalize().ok();
    let mut open = vec![root.to_path_buf()];
    while let Some(folder) = open.pop() {
        let fail = |e: std::io::Error| RunError::read(&folder, e);
        for entry in std::fs::read_dir(&folder).map_err(fail)? {
            let entry = entry.map_err(fail)?;
            let path = entry.path();
            if entry.file_type().map_err(fail)?.is_dir() {
                if out.is_none() || path.canonicalize().ok() != out {
                    open.push(path);
                }
            } else if is_picture(&path) {
                let inside = path.strip_prefix(root).unwrap_or(&path).with_extension("");
                found.push(PredictionInput { stem: inside, path });
            }
        }
    }
    if found.is_empty() {
        return Err(problem!(
            E0701,
            root,
            "no image in this folder or its subfolders";
            help: "images are files with the extension {}", EXTENSIONS.join(", ")
        ));
    }
    found.sort_by(|a, b| natural(&a.path.to_string_lossy(), &b.path.to_string_lossy()));
    Ok(found)
}

fn images_matching(pattern: &Path) -> Result<Vec<PredictionInput>> {
    let text = pattern.to_str().ok_or_else(|| problem!(E0503, pattern, "the pattern is not UTF-8"))?;
    let paths = glob::glob(text).map_err(|e| problem!(E0503, pattern, "invalid pattern: {e}"))?;
    let mut found = Vec::new();
    for path in paths {
        let path = path.map_err(|e| RunError::read(e.path(), e.error()))?;
        // A pattern such as `case_*` may also match files that are no pictures.
        if path.is_file() && is_picture(&path) {
            found.push(single_file(path));
        }
    }
    if found.is_empty() {
        return Err(problem!(
            E0701,
            pattern,
            "the pattern matches no image";
            help: "images are files with the extension {}", EXTENSIONS.join(", ")
        ));
    }
    found.sort_by(|a, b| natural(&a.path.to_string_lossy(), &b.path.to_string_lossy()));
    Ok(found)
}

fn check_distinct(inputs: &[PredictionInput], ends: &[String]) -> Result<()> {
    // Some file systems ignore case.
    let mut seen: HashMap<String, &PredictionInput> = HashMap::new();
    for input in inputs {
        for end in ends {
            let name = format!("{}{end}", input.stem.display());
            let Some(first) = seen.insert(name.to_lowercase(), input) else { continue };
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

/// Checks that no output overwrites an input: outputs are named after the images, and `out` may be the images' folder.
fn check_no_overwrite(inputs: &[PredictionInput], out: &Path, ends: &[String]) -> Result<()> {
    let Ok(out) = out.canonicalize() else { return Ok(()) };
    let images: HashMap<PathBuf, &PredictionInput> =
        inputs.iter().filter_map(|input| Some((input.path.canonicalize().ok()?, input))).collect();
    for (input, end) in inputs.iter().flat_map(|input| ends.iter().map(move |end| (input, end))) {
        let mut name = out.join(&input.stem).into_os_string();
        name.push(end);
        if let Some(image) = PathBuf::from(name).canonicalize().ok().and_then(|path| images.get(&path)) {
            let what = if end == &ends[0] { "mask" } else { "picture" };
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
