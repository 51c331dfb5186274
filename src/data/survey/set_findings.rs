//! The findings that the survey of all files and that of some have in common.

use super::case_facts::CaseFacts;
use super::finding::{SurveyFinding, SurveyTopic};
use super::{balance, lost_objects, mask_findings, patients, values, without_effect};
use crate::data::dataset::Dataset;
use crate::data::notice::{FileRole, MergedNotice, NoticeSet};

/// Returns what the survey of all files and that of some have in common: doubts of discovery, the findings of each
/// case, `notices` about files, class balance, and whether values fit the window.
pub(super) fn findings_of(data: &Dataset, facts: &[CaseFacts], notices: &NoticeSet) -> Vec<SurveyFinding> {
    let mut findings: Vec<SurveyFinding> =
        data.doubts.iter().map(|doubt| SurveyFinding::warning(SurveyTopic::Files, doubt)).collect();
    findings.extend(facts.iter().flat_map(|f| f.findings.iter().cloned()));
    findings.extend(merged_notices(facts, notices));
    let cases = data.parts.all().count();
    findings.extend(balance::findings(&data.spec, facts, cases));
    findings.extend(mask_findings::findings(data, facts, cases));
    findings.extend(lost_objects::findings(&data.spec, facts, cases));
    let images: Vec<values::NamedFacts<'_>> =
        facts.iter().filter_map(|f| Some((f.stem.as_str(), f.image.as_ref()?))).collect();
    findings.extend(values::findings(data.spec.window, &images));
    findings.extend(patients::findings(data));
    findings.extend(without_effect::findings(data, facts));
    findings
}

/// Returns the notices about the files of all cases.
pub(super) fn notices(facts: &[CaseFacts]) -> NoticeSet {
    let mut all: NoticeSet = facts.iter().flat_map(|f| f.notices.iter().cloned()).collect();
    facts.iter().filter_map(|f| f.unscaled.as_ref()).for_each(|(kind, path)| all.add_unscaled(kind, path));
    all
}

/// Returns a warning for each topic of the notices about files, with the stems of its cases.
fn merged_notices(facts: &[CaseFacts], notices: &NoticeSet) -> Vec<SurveyFinding> {
    let finding = |notice: MergedNotice| {
        let topic = match notice.role {
            FileRole::Image => SurveyTopic::Image,
            FileRole::Mask => SurveyTopic::Mask,
        };
        let concerned = |f: &&CaseFacts| f.notices.iter().any(|n| (n.role, n.topic) == (notice.role, notice.topic));
        let stems: Vec<String> = facts.iter().filter(concerned).map(|f| f.stem.clone()).collect();
        SurveyFinding::warning(topic, notice.text).about(stems)
    };
    notices.merged(facts.len()).into_iter().map(finding).collect()
}
