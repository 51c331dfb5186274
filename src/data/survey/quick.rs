//! The cheap half of a survey, before training: headers, file sizes, and a sample of the cases.

use super::case_facts::{self, CaseFacts};
use super::equal_files;
use super::finding::SurveyFinding;
use super::set_findings::{findings_of, notices};
use crate::base::error::Result;
use crate::base::severity::Severity;
use crate::data::case::{Case, SplitRole};
use crate::data::dataset::Dataset;
use crate::data::notice::{FileRole, NoticeTopic};
use rayon::prelude::*;
use std::collections::BTreeSet;

/// What a sample of the cases shows.
pub struct QuickSurvey {
    /// Facts of the cases that were read, by role and then in the order of the role.
    pub facts: Vec<CaseFacts>,
    /// Warnings, sorted by kind.
    pub warnings: Vec<SurveyFinding>,
    /// Topics of the notices among the warnings.
    pub topics: BTreeSet<(FileRole, NoticeTopic)>,
}

/// Reads up to `per_role` cases of each role, evenly spread, for a network with `channels` input channels. The findings are those
/// of `survey` as far as these cases show them, without near-duplicates; equal files are found
/// in the whole set. Fails with the first case that cannot be used.
pub fn quick_survey(data: &Dataset, channels: usize, per_role: usize) -> Result<QuickSurvey> {
    let sample = SplitRole::ALL.into_iter().flat_map(|role| {
        let cases = data.cases(role);
        let some = cases.len().min(per_role);
        (0..some).map(move |i| (role, &cases[i * cases.len() / some]))
    });
    let sample: Vec<(SplitRole, &Case)> = sample.collect();
    // In order, so that the reported case is always the same.
    let facts: Vec<CaseFacts> =
        sample.par_iter().map(|(role, case)| case_facts::examine_case(data, *role, case, Some(channels))).collect();
    let errors = facts.iter().flat_map(|f| &f.findings).filter(|f| f.severity == Severity::Error);
    if let Some(cause) = errors.filter_map(|f| f.cause.as_deref()).next() {
        return Err(cause.clone());
    }
    let notices = notices(&facts);
    let mut warnings = findings_of(data, &facts, &notices);
    warnings.extend(equal_files::findings(data));
    warnings.sort_by_key(|f| f.kind);
    Ok(QuickSurvey { facts, warnings, topics: notices.topics() })
}
