//! Keys of a data block that have no effect on these files, or are in other units than their values.

use super::case_facts::CaseFacts;
use super::finding::{SurveyFinding, SurveyTopic};
use crate::data::dataset::Dataset;
use crate::text::config::value_units::value_unit_doubt;
use crate::text::config::{DecodeRule, SliceAxis, SliceSelection};

/// Returns a warning for each such key.
pub(super) fn findings(data: &Dataset, facts: &[CaseFacts]) -> Vec<SurveyFinding> {
    let spec = &data.spec;
    let mut findings = Vec::new();
    if let Some(doubt) = value_unit_doubt(spec) {
        findings.push(SurveyFinding::warning(SurveyTopic::Window, doubt.message).help(doubt.help));
    }
    let no_volume = data.parts.all().all(|(_, case)| case.slice.is_none());
    let (axis, slices) = (spec.slicing.axis, spec.slicing.slices);
    let of_volumes = [("axis", axis != SliceAxis::default()), ("slices", slices != SliceSelection::default())];
    for (key, _) in of_volumes.into_iter().filter(|(_, written)| *written && no_volume) {
        let message = format!("`{key}` has no effect: no image is a volume");
        findings.push(
            SurveyFinding::warning(SurveyTopic::Files, message).help(format!("remove `{key}` from the data block")),
        );
    }
    let mut samples = facts.iter().filter_map(|f| f.image.as_ref()).map(|image| image.samples).peekable();
    if spec.decode == DecodeRule::HiByte && samples.peek().is_some() && samples.all(|kind| kind == "8-bit") {
        let message = "`decode = hi_byte` has no effect: all images have 8 bits";
        findings.push(SurveyFinding::warning(SurveyTopic::Window, message).help("remove `decode` from the data block"));
    }
    findings
}
