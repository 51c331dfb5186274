//! Finds the cases of a data block: pairs of files or rows of a list, slices of volumes, and groups.

use super::case::{Case, slice_stem};
use super::case_list::RoleColumn;
use super::order::natural;
use super::shared_files::check_shared_files;
use super::volume::{self, VolumeCache, is_volume};
use super::{case_list, case_reader, group, pairs, phantom};
use crate::base::error::{Result, RunError};
use crate::base::problem::problem;
use crate::text::config::case_rules::IGNORED_CLASS;
use crate::text::config::{DataSource, DataSpec, MaskRule, SliceSelection, Split};
use rayon::prelude::*;
use std::path::{Path, PathBuf};

/// Returns the cases sorted by stem. Errors are added to `problems`, warnings about what is left out to `doubts`.
pub(super) fn discover_cases(
    spec: &DataSpec,
    root: &Path,
    volumes: &VolumeCache,
    problems: &mut Vec<RunError>,
    doubts: &mut Vec<String>,
) -> Vec<Case> {
    let roles = match spec.split {
        Split::Column => RoleColumn::Required,
        Split::ColumnOrRandom => RoleColumn::IfPresent,
        Split::Random { .. } | Split::Kfold { .. } | Split::Lists { .. } => RoleColumn::Unused,
    };
    // The alpha of a picture may be its mask.
    let own_masks = spec.mask_rule == MaskRule::Alpha;
    let cases = match &spec.source {
        DataSource::Files { images, masks } => pairs::pair_files(root, images, masks, problems, doubts),
        DataSource::List { list } => case_list::read_case_list(root, list, roles, problems, doubts),
        DataSource::Phantoms { count, .. } => {
            (0..*count).map(|i| Case::new(phantom::stem(i), PathBuf::new(), PathBuf::new())).collect()
        }
    };
    if roles == RoleColumn::Required && !matches!(spec.source, DataSource::List { .. }) {
        problems.push(problem!(
            E0715,
            "data `{}`: `split = column` needs a CSV list with a column `split`",
            spec.name;
            help: "list = \"cases.csv\""
        ));
    }
    let cases = match &spec.source {
        DataSource::Files { .. } | DataSource::List { .. } => {
            check_shared_files(root, cases, own_masks, problems, doubts)
        }
        DataSource::Phantoms { .. } => cases,
    };
    cases_of_pairs(cases, spec, volumes, problems, doubts)
}

/// Returns the cases of pairs of files: volumes are cut into slices, and groups are assigned.
pub(super) fn cases_of_pairs(
    pairs: Vec<Case>,
    spec: &DataSpec,
    volumes: &VolumeCache,
    problems: &mut Vec<RunError>,
    doubts: &mut Vec<String>,
) -> Vec<Case> {
    let mut cases = expand_volumes(pairs, spec, volumes, problems);
    match group::assign_groups(&mut cases, &spec.grouping) {
        Ok(()) => doubts.extend(group::unify_groups(&mut cases)),
        Err(error) => problems.push(error),
    }
    doubts.extend(group::lone_groups(&cases, spec));
    cases
}

/// Replaces volumes by their slices. If the source gives a slice no group, its volume becomes its group, because neighbouring
/// slices are near-duplicates.
fn expand_volumes(cases: Vec<Case>, spec: &DataSpec, volumes: &VolumeCache, problems: &mut Vec<RunError>) -> Vec<Case> {
    if !cases.iter().any(|case| is_volume(&case.image)) {
        return cases;
    }
    let cut: Vec<Result<Vec<Case>>> = cases.into_par_iter().map(|case| cut_slices(case, spec, volumes)).collect();
    let mut all = Vec::new();
    for cases in cut {
        match cases {
            Ok(cases) => all.extend(cases),
            Err(error) => problems.push(error),
        }
    }
    all.sort_by(|a, b| natural(&a.stem, &b.stem));
    all
}

fn cut_slices(case: Case, spec: &DataSpec, volumes: &VolumeCache) -> Result<Vec<Case>> {
    if !is_volume(&case.image) {
        return Ok(vec![case]);
    }
    let axis = spec.slicing.axis;
    let grid = volume::grid(&case.image)?;
    if is_volume(&case.mask) {
        volume::check_alignment(&case.image, &grid, &case.mask)?;
    } else {
        return Err(problem!(
            E0710,
            &case.mask,
            "the mask is a single picture, but its image {} is a volume",
            case.image.display();
            help: "the mask of a volume is a NIfTI file, or for a DICOM series a folder with one picture per slice"
        ));
    }
    let mut cases = Vec::new();
    for index in 0..grid.count(axis) {
        let stem = slice_stem(&case.stem, grid.stored_index(axis, index));
        let group = case.group.clone().unwrap_or_else(|| case.stem.clone());
        let slice = Case { stem, slice: Some(index), group: Some(group), ..case.clone() };
        let wanted = match spec.slicing.slices {
            SliceSelection::All => true,
            SliceSelection::Every(n) => grid.stored_index(axis, index).is_multiple_of(n),
            SliceSelection::Labelled => {
                let classes = case_reader::read_classes(spec, &slice, volumes)?.0;
                classes.iter().any(|&class| class != 0 && class != IGNORED_CLASS)
            }
        };
        if wanted {
            cases.push(slice);
        }
    }
    Ok(cases)
}
