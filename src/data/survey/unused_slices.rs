//! Checks the slices of volumes that are no cases, such as those without a label: an evaluation predicts and scores whole volumes.

use super::finding::{SurveyFinding, SurveyTopic};
use crate::base::count::counted;
use crate::base::error::RunError;
use crate::data::case::SplitRole;
use crate::data::dataset::Dataset;
use rayon::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Returns a finding for each volume with slices that are no cases and cannot be read. It is an error for volumes that the test or the
/// validation scores as wholes, and a warning for those that are only trained on. `channels` are those of the network's input.
pub(super) fn findings(data: &Dataset, channels: usize) -> Vec<SurveyFinding> {
    let roles = SplitRole::ALL.into_iter();
    let volumes: Vec<(SplitRole, usize, BTreeSet<usize>)> = roles.flat_map(|role| volumes_of(data, role)).collect();
    let found: Vec<Option<SurveyFinding>> =
        volumes.par_iter().map(|(role, case, used)| check_volume(data, *role, *case, used, channels)).collect();
    found.into_iter().flatten().collect()
}

/// Returns the volumes that have all of their cases in one role: a case of each, and the slices that are cases.
fn volumes_of(data: &Dataset, role: SplitRole) -> Vec<(SplitRole, usize, BTreeSet<usize>)> {
    let divided = data.volumes_of_other_roles(role);
    let mut volumes: BTreeMap<&Path, (usize, BTreeSet<usize>)> = BTreeMap::new();
    for case in 0..data.len(role) {
        let Some((path, slice)) = data.slice_in_volume(role, case) else { continue };
        volumes.entry(path).or_insert((case, BTreeSet::new())).1.insert(slice);
    }
    volumes.retain(|path, _| !divided.contains(*path));
    volumes.into_values().map(|(case, used)| (role, case, used)).collect()
}

fn check_volume(
    data: &Dataset,
    role: SplitRole,
    case: usize,
    used: &BTreeSet<usize>,
    channels: usize,
) -> Option<SurveyFinding> {
    // A volume that cannot be opened is reported with its cases.
    let volume = data.volume(role, case).ok()?;
    let check = |slice: usize| -> Option<(SurveyTopic, RunError)> {
        let image = volume.image(slice, channels).err().map(|error| (SurveyTopic::Image, error));
        image.or_else(|| volume.truth(slice).err().map(|error| (SurveyTopic::Mask, error)))
    };
    let [slices, ..] = volume.size();
    let mut bad = (0..slices).filter(|slice| !used.contains(slice)).filter_map(check);
    let (topic, error) = bad.next()?;
    let others = bad.count();
    let more =
        if others > 0 { format!(", and {} of it like this", counted(others, "other slice")) } else { String::new() };
    let message = format!("{}{more}", error.message);
    let error = RunError { message, ..error };
    let finding = match role {
        SplitRole::Val | SplitRole::Test => SurveyFinding::error(topic, &error),
        SplitRole::Train => SurveyFinding::warning(topic, error.headline()),
    };
    let finding = finding.about([volume.name().to_string()]);
    Some(finding.help("the slice is no case of this block, but `npc eval` predicts and scores volumes as wholes: repair the file, or leave it out"))
}
