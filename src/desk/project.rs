//! A new project: a model file with a data block, a network and a run that fit a folder of images.

mod model_text;
mod network_text;
mod project_paths;
mod run_plan;

use super::data_blocks::data_blocks;
use super::error::WorkbenchError;
use super::model_file::{ModelFile, open};
use crate::base::atomic::write_new;
use crate::base::csv;
use crate::base::error::{Result, RunError};
use crate::base::lock::lock_project_folder;
use crate::base::path::{with_slashes, without_dot};
use crate::base::problem::problem;
use crate::data::Dataset;
use crate::data::inspection::{Inspection, InspectionProgress, InspectionRequest, LIST, UsedPair, inspect};
use crate::data::phantom;
use crate::data::png::{write_grey8_atomic, write_mask_atomic};
use crate::graph::resolve::resolve_bundle;
use crate::text::config::{DataSource, DataSpec, ListedValidation, Split};
use crate::text::files::Disk;
use crate::text::syntax;
pub(crate) use model_text::GuessedEntry;
use model_text::{guessed_entries, model_text};
use project_paths::{ProjectFolder, identifier};
pub(crate) use run_plan::RunPlan;
use run_plan::plan_run;
use std::path::{Path, PathBuf};

/// Number of phantoms of a project without images, their seed, and their height and width.
const PHANTOMS: usize = 60;
const PHANTOM_SEED: u64 = 0;
const PHANTOM_SIZE: [usize; 2] = [128, 128];
/// The project to make.
pub(crate) struct ProjectRequest<'a> {
    /// Folder of the project, which need not exist.
    pub dir: &'a Path,
    /// Files, folders and patterns of the images; without any, phantoms are written.
    pub images: &'a [PathBuf],
    /// The same of masks; without any, names decide.
    pub masks: &'a [PathBuf],
}

/// A project that was written.
pub(crate) struct NewProject {
    /// Name of the model file, without its folder.
    pub model: String,
    /// Name of the run.
    pub run: &'static str,
    /// The files that were written; the images of phantoms are one pattern.
    pub written: Vec<PathBuf>,
    pub inspection: Inspection,
    pub guesses: Vec<GuessedEntry>,
    pub plan: RunPlan,
}

/// Looks at the images, writes the project, and opens its data block as every command does.
///
/// Errors: the folder holds one of the files already, or is a file; another process makes a project in it; the images cannot be used (see
/// [`inspect`](crate::data::inspection::inspect)); a file cannot be written. Nothing is written before the images are known.
pub(crate) fn new_project(
    request: &ProjectRequest<'_>,
    progress: InspectionProgress<'_>,
) -> Result<NewProject, WorkbenchError> {
    let dir = request.dir;
    let name = identifier(dir);
    let model = dir.join(format!("{name}.model"));
    check_free(dir, &[])?;
    // Held until the files are written, so that of two commands at once one makes the project.
    let _held = lock_project_folder(dir)?;
    check_free(dir, &[&model, &dir.join(LIST)])?;
    let mut written = Vec::new();
    let own = [dir.join("images"), dir.join("masks")];
    let inspection = match request.images.is_empty() {
        true => {
            write_phantoms(dir, &own)?;
            written.extend(own.iter().map(|folder| folder.join("*.png")));
            let request = InspectionRequest { images: &own[..1], masks: &own[1..], project: &dir.join("runs") };
            let mut found = inspect(&request, progress)?;
            found.spec.classes = ["background", "lung"].map(String::from).to_vec();
            found.guesses.retain(|guess| guess.key != "classes");
            found
        }
        false => inspect(&InspectionRequest { images: request.images, masks: request.masks, project: dir }, progress)?,
    };
    let folder = ProjectFolder::new(dir)?;
    let plan = plan_run(&inspection, &model)?;
    let spec = rebased(&inspection.spec, &name, plan.size, &folder)?;
    let text = model_text(&spec, &inspection, &plan);
    let text = formatted(&model, text)?;
    std::fs::create_dir_all(dir).map_err(|e| RunError::create_dir(dir, e))?;
    if matches!(spec.source, DataSource::List { .. }) {
        let path = dir.join(LIST);
        write_new(&path, list_text(&inspection.pairs, &folder)?.as_bytes())?;
        written.push(path);
    }
    write_new(&model, text.as_bytes())?;
    written.push(model.clone());
    // A volume was opened with the same path a moment ago; slices would all be read again.
    if inspection.files.volumes == 0 {
        for block in data_blocks(&Disk, &model, &[], None)? {
            Dataset::open(&block.spec, dir)?;
        }
    }
    let guesses = guessed_entries(&text, &inspection.guesses, &plan);
    let model = format!("{name}.model");
    Ok(NewProject { model, run: network_text::RUN, written, inspection, guesses, plan })
}

/// Checks that none of the files to write exists.
fn check_free(dir: &Path, files: &[&Path]) -> Result<()> {
    if dir.exists() && !dir.is_dir() {
        return Err(problem!(E0702, dir, "is a file, not a folder"; help: "choose the name of a new folder"));
    }
    match files.iter().copied().find(|path| path.symlink_metadata().is_ok()) {
        Some(path) => Err(problem!(E0702, path, "exists already, and `npc new` overwrites nothing";
            help: "choose another folder, or rename the file")),
        None => Ok(()),
    }
}

/// Writes generated images and their masks as 8-bit PNG files.
fn write_phantoms(dir: &Path, [images, masks]: &[PathBuf; 2]) -> Result<()> {
    if let Some(path) = [images, masks].into_iter().find(|path| path.symlink_metadata().is_ok()) {
        return Err(
            problem!(E0702, path, "exists already, and `npc new` without `--images` writes generated images there";
            help: "to use the images that are there: `npc new {} --images {}`", dir.display(), without_dot(images).display();
            help: "or choose another folder"),
        );
    }
    for folder in [images, masks] {
        std::fs::create_dir_all(folder).map_err(|e| RunError::create_dir(folder, e))?;
    }
    let [low, high] = phantom::WINDOW;
    for index in 0..PHANTOMS {
        let slice = phantom::draw(PHANTOM_SEED, index as u64, PHANTOM_SIZE);
        let name = format!("{}.png", phantom::stem(index));
        let byte = |hu: &i16| (255.0 * (f64::from(*hu) - low) / (high - low)).clamp(0.0, 255.0).round() as u8;
        let grey: Vec<u8> = slice.hu.iter().map(byte).collect();
        write_grey8_atomic(&images.join(&name), &grey, PHANTOM_SIZE)?;
        write_mask_atomic(&masks.join(&name), &slice.lungs, PHANTOM_SIZE, &[0, 255])?;
    }
    Ok(())
}

/// Returns the data block with paths relative to the project's folder.
fn rebased(spec: &DataSpec, name: &str, size: [usize; 2], folder: &ProjectFolder) -> Result<DataSpec> {
    let source = match &spec.source {
        DataSource::Files { images, masks } => {
            DataSource::Files { images: folder.path(images)?, masks: folder.path(masks)? }
        }
        DataSource::List { .. } => DataSource::List { list: LIST.into() },
        other @ DataSource::Phantoms { .. } => other.clone(),
    };
    let split = match &spec.split {
        Split::Lists { train, val, test } => Split::Lists {
            train: folder.path(train)?,
            val: match val {
                Some(ListedValidation::List(list)) => Some(ListedValidation::List(folder.path(list)?)),
                drawn_or_none => drawn_or_none.clone(),
            },
            test: folder.path(test)?,
        },
        other => other.clone(),
    };
    Ok(DataSpec { name: name.to_string(), size, source, split, cache_mb: 2048, ..spec.clone() })
}

/// Returns the CSV list of the pairs, with the columns that they need.
fn list_text(pairs: &[UsedPair], folder: &ProjectFolder) -> Result<String> {
    let with_role = pairs.iter().any(|pair| pair.role.is_some());
    let with_group = pairs.iter().any(|pair| pair.group.is_some());
    let cells = |[image, mask, role, group]: [String; 4]| -> Vec<String> {
        [(image, true), (mask, true), (role, with_role), (group, with_group)]
            .into_iter()
            .filter_map(|(cell, kept)| kept.then_some(cell))
            .collect()
    };
    let path = |path: &Path| -> Result<String> {
        let text = path.to_str().ok_or_else(|| problem!(E0710, path, "the file name is not UTF-8"))?;
        folder.path(&with_slashes(text))
    };
    let mut rows = vec![cells(["image", "mask", "split", "group"].map(String::from))];
    for pair in pairs {
        let role = pair.role.map_or(String::new(), |role| role.name().to_string());
        rows.push(cells([path(&pair.image)?, path(&pair.mask)?, role, pair.group.clone().unwrap_or_default()]));
    }
    Ok(csv::encode(rows))
}

/// Returns the text as `npc fmt` writes it. Errors: those of the text, which are a mistake of the program.
fn formatted(path: &Path, text: String) -> Result<String, WorkbenchError> {
    let mut files = crate::text::files::Overlay::new(Disk);
    files.set(path, text);
    let ModelFile { sources, bundle, problems } = open(&files, path)?;
    let (file, mut found) = syntax::parse(&sources, bundle.source);
    found.extend(problems);
    let (_, unresolved) = resolve_bundle(&bundle);
    found.extend(unresolved);
    if found.has_errors() {
        return Err(WorkbenchError::problems(sources, found));
    }
    Ok(syntax::print(&sources, bundle.source, &file))
}
