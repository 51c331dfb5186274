//! Survey of a data set before training: reads every image and every mask, and reports all errors and warnings at once.
//!
//! No model is needed here; the requirements of a network on the image size are checked elsewhere.

mod balance;
mod case_facts;
mod duplicate_findings;
mod equal_files;
mod finding;
mod fingerprint;
pub(super) mod group_suggestion;
mod lost_objects;
mod mask_findings;
mod near_duplicates;
mod patients;
mod quick;
mod set_findings;
mod unused_slices;
pub(crate) mod values;
mod volume_span;
mod without_effect;

pub(crate) use balance::{SplitBalance, balance};
pub(crate) use case_facts::CaseFacts;
pub(crate) use finding::SurveyFinding;
pub use finding::SurveyTopic;
pub(crate) use near_duplicates::{MAX_HASH_DISTANCE, MIN_CORRELATION, NearDuplicate};
pub use quick::{QuickSurvey, quick_survey};
pub(crate) use volume_span::VolumeSpan;

use super::case::{Case, SplitRole};
use super::dataset::Dataset;
use crate::base::error::RunError;
use crate::base::severity::Severity;
use crate::text::config::DataSpec;
use rayon::prelude::*;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The facts, errors and warnings of a data set.
pub struct Survey {
    /// The cases that could be paired and split; `None` if the data block is invalid.
    pub data: Option<Dataset>,
    /// Facts of each case, by role and then in the order of the role.
    pub facts: Vec<CaseFacts>,
    /// Errors first, then by kind.
    pub findings: Vec<SurveyFinding>,
    /// Near-duplicates as indices into `facts`: the best ten thousand, pairs across the split first and then the most similar.
    pub near: Vec<NearDuplicate>,
    /// Number of all near-duplicates within the splits.
    pub near_within: u64,
    /// The volumes, if the cases are slices.
    pub(crate) volumes: Option<VolumeSpan>,
}

impl Survey {
    pub fn has_errors(&self) -> bool {
        self.findings.iter().any(|f| f.severity == Severity::Error)
    }

    /// Adds findings and sorts all of them; equal findings are merged.
    pub fn extend(&mut self, findings: impl IntoIterator<Item = SurveyFinding>) {
        self.findings.extend(findings);
        self.findings.sort_by_key(|f| (f.severity, f.kind));
        // All slices of an unreadable volume give the same finding.
        let mut merged: Vec<SurveyFinding> = Vec::with_capacity(self.findings.len());
        for finding in self.findings.drain(..) {
            match merged.last_mut().filter(|last| last.message == finding.message && last.kind == finding.kind) {
                Some(last) => last.stems.extend(finding.stems),
                None => merged.push(finding),
            }
        }
        self.findings = merged;
    }
}

/// Returns what is known of the whole set before a file is decoded: equal files, volumes and patients in different roles.
pub fn leakage_warnings(data: &Dataset) -> Vec<String> {
    let found = equal_files::findings(data).into_iter().chain(patients::findings(data));
    found.map(|finding| finding.to_text()).collect()
}

/// Reads every file of a data set. `channels` is the number of the network's input channels, if a network is known; `progress`
/// is called with the number of cases that are read and the number of all cases.
pub fn survey(
    spec: &DataSpec,
    root: &Path,
    channels: Option<usize>,
    progress: &(dyn Fn(usize, usize) + Sync),
) -> Survey {
    let (data, problems) = match Dataset::open_with_problems(spec, root) {
        Ok((data, problems)) => (data, problems),
        Err(error) => {
            let findings = vec![SurveyFinding::error(SurveyTopic::Files, &error)];
            return Survey { data: None, facts: Vec::new(), findings, near: Vec::new(), near_within: 0, volumes: None };
        }
    };
    let unused = unused_slices::findings(&data, channels.unwrap_or(1));
    let mut survey = survey_dataset(data, &problems, channels, progress);
    survey.extend(unused);
    survey
}

/// Reads every file of a data set that is open already; `problems` are those of its other cases.
pub(super) fn survey_dataset(
    data: Dataset,
    problems: &[RunError],
    channels: Option<usize>,
    progress: &(dyn Fn(usize, usize) + Sync),
) -> Survey {
    let cases: Vec<(SplitRole, &Case)> = data.parts.all().collect();
    let done = AtomicUsize::new(0);
    let facts: Vec<CaseFacts> = cases
        .par_iter()
        .map(|(role, case)| {
            let facts = case_facts::examine_case(&data, *role, case, channels);
            progress(done.fetch_add(1, Ordering::Relaxed) + 1, cases.len());
            facts
        })
        .collect();
    let near = near_duplicates::find_near_duplicates(&facts);
    let mut findings: Vec<SurveyFinding> =
        problems.iter().map(|e| SurveyFinding::error(SurveyTopic::Files, e)).collect();
    findings.extend(set_findings::findings_of(&data, &facts, &set_findings::notices(&facts)));
    findings.extend(duplicate_findings::findings(
        &facts,
        &near,
        &data.spec().split,
        data.parts.all().any(|(_, case)| case.group.is_some()),
    ));
    drop(cases);
    let volumes = volume_span::volume_span(&data);
    let mut survey =
        Survey { data: Some(data), facts, findings: Vec::new(), near: near.pairs, near_within: near.within, volumes };
    survey.extend(findings);
    survey
}
