//! Finds DICOM series of one patient in different roles.
//!
//! The patient is never named: messages end up in logs and reports.

use super::finding::{SurveyFinding, SurveyTopic};
use crate::base::count::counted;
use crate::data::case::SplitRole;
use crate::data::dataset::Dataset;
use crate::data::volume::dicom;
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::path::Path;

/// The most patients that have a warning of their own.
const LISTED: usize = 3;

/// A series in a role.
type Series<'a> = (SplitRole, &'a str);

/// Returns a warning for each of the first patients in several parts of the split, and one for the number of the others. One header
/// of each series is read.
pub(super) fn findings(data: &Dataset) -> Vec<SurveyFinding> {
    let mut series: BTreeMap<(SplitRole, &Path), &str> = BTreeMap::new();
    for (role, case) in data.parts.all().filter(|(_, case)| case.slice.is_some()) {
        series.entry((role, &case.image)).or_insert(case.volume_stem());
    }
    let series: Vec<((SplitRole, &Path), &str)> = series.into_iter().filter(|((_, path), _)| path.is_dir()).collect();
    let patients: Vec<Option<String>> = series.par_iter().map(|((_, path), _)| dicom::patient(path)).collect();
    let mut by_patient: BTreeMap<String, Vec<Series<'_>>> = BTreeMap::new();
    for (((role, _), stem), patient) in series.iter().zip(patients) {
        if let Some(patient) = patient {
            by_patient.entry(patient).or_default().push((*role, stem));
        }
    }
    let all = by_patient.values().map(Vec::len).sum::<usize>();
    let divided: Vec<Vec<Series<'_>>> =
        by_patient.into_values().filter(|series| series.iter().any(|(role, _)| *role != series[0].0)).collect();
    let mut findings: Vec<SurveyFinding> = divided.iter().take(LISTED).map(|series| warning(series, all)).collect();
    if divided.len() > LISTED {
        let message =
            format!("{} are in different parts of the split", counted(divided.len() - LISTED, "more patient"));
        findings.push(SurveyFinding::warning(SurveyTopic::Duplicates, message));
    }
    findings
}

/// Returns the warning about one patient; `all` is the number of series of all patients.
fn warning(series: &[Series<'_>], all: usize) -> SurveyFinding {
    let of_role = |wanted: SplitRole| {
        let stems: Vec<&str> = series.iter().filter(|(role, _)| *role == wanted).map(|(_, stem)| *stem).collect();
        let first = stems.first()?;
        let more = if stems.len() > 1 { format!(" and {} more", stems.len() - 1) } else { String::new() };
        Some(format!("`{first}`{more} in {}", wanted.name()))
    };
    let parts: Vec<String> = SplitRole::ALL.into_iter().filter_map(of_role).collect();
    let message = format!("{} are of one patient (PatientID): {}", counted(series.len(), "series"), parts.join(", "));
    let help = match series.len() == all {
        true => {
            "all series have this PatientID: if it was not put in place of the true ones, this is data leakage, and scores are \
                 optimistic; give the series of each patient a group of their own"
        }
        false => {
            "data leakage: scores are optimistic; keep the series of a patient in one part of the split, by `group` in the \
                  split or by the column `group` of a list"
        }
    };
    let stems = series.iter().map(|(_, stem)| stem.to_string());
    SurveyFinding::warning(SurveyTopic::Duplicates, message).help(help).about(stems)
}
