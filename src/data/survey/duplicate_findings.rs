//! Findings about near-duplicates: data leakage across the split, and groups that the stems suggest.

use super::case_facts::CaseFacts;
use super::finding::{SurveyFinding, SurveyTopic};
use super::group_suggestion::{SuggestedGroup, divides_stems, suggest_group};
use super::near_duplicates::NearDuplicates;
use crate::base::count::counted;
use crate::data::case::SplitRole;
use crate::text::config::{ListedValidation, Split};

/// Maximum number of pairs that have a warning of their own.
const MAX_NAMED: usize = 50;

/// Returns a warning for each of the first near-duplicate pairs across the split and one for all others, and one for pairs within
/// a part of the split where the stems look like groups. `split` is that of the data block; `grouped` says whether the data block has groups.
pub(super) fn findings(
    facts: &[CaseFacts],
    found: &NearDuplicates,
    split: &Split,
    grouped: bool,
) -> Vec<SurveyFinding> {
    let across = found.pairs.iter().filter(|p| facts[p.a].role != facts[p.b].role);
    let pairs: Vec<[usize; 2]> = found.pairs.iter().map(|pair| [pair.a, pair.b]).collect();
    let suggested = suggest_group(facts, &pairs);
    let pattern = suggested.as_ref().map(|group| group.pattern.as_str());
    let stems: Vec<&str> = facts.iter().map(|f| f.stem.as_str()).collect();
    let help = |roles| leakage_help(&Leakage { split, grouped, roles, pattern, stems: &stems });
    let mut findings = Vec::new();
    for (i, pair) in across.take(MAX_NAMED).enumerate() {
        let (a, b) = (&facts[pair.a], &facts[pair.b]);
        let message = format!(
            "`{}` in {} and `{}` in {} are nearly the same image (correlation {:.3})",
            a.stem,
            a.role.name(),
            b.stem,
            b.role.name(),
            pair.alike
        );
        let finding = SurveyFinding::warning(SurveyTopic::Duplicates, message).about([a.stem.clone(), b.stem.clone()]);
        findings.push(if i == 0 { finding.help(help([a.role, b.role])) } else { finding });
    }
    let others = found.across.saturating_sub(findings.len() as u64);
    if others > 0 {
        let message = format!(
            "{} across the splits {} nearly the same image",
            counted(others, "more pair"),
            if others == 1 { "is" } else { "are" }
        );
        findings.push(SurveyFinding::warning(SurveyTopic::Duplicates, message));
    }
    if let Some(SuggestedGroup { pattern, groups, example }) = suggested.filter(|_| found.within > 0) {
        let message = format!(
            "{} of nearly the same image within the splits, and the stems look like {}, such as `{example}`",
            counted(found.within, "pair"),
            counted(groups, "group")
        );
        findings.push(SurveyFinding::warning(SurveyTopic::Duplicates, message).help(format!(
            "images of one patient or video are not independent: with `group = \"{pattern}\"` in the split, a group stays in one \
             part, and intervals and p-values are over groups"
        )));
    }
    if let Some(limit) = found.limit {
        let message = format!(
            "too many images look alike to compare all pairs: each was compared with at most {} that follow it",
            counted(limit, "other")
        );
        findings.push(SurveyFinding::warning(SurveyTopic::Duplicates, message));
    }
    findings
}

/// The pattern of a group that is no more than an example.
const EXAMPLE: &str = "{group}_*";

/// What is known of images that are alike and in different parts of the split.
pub(super) struct Leakage<'a> {
    pub split: &'a Split,
    /// Whether the data block has groups.
    pub grouped: bool,
    /// The parts of the first two images.
    pub roles: [SplitRole; 2],
    /// A pattern for `group` that would keep them together.
    pub pattern: Option<&'a str>,
    /// Stems of all images.
    pub stems: &'a [&'a str],
}

/// Returns the help for images of different roles that are alike: the edit depends on who divides the images.
pub(super) fn leakage_help(found: &Leakage<'_>) -> String {
    let Leakage { split, grouped, roles, pattern, stems } = *found;
    let leakage = "data leakage: scores on such images are optimistic";
    // An example that would put all images into one group divides nothing.
    let group = match pattern {
        Some(pattern) => Some((pattern, "")),
        None => divides_stems(EXAMPLE, stems).then_some((EXAMPLE, " if stems contain the patient or the video")),
    };
    let with_group = |text: &dyn Fn(&str) -> String| {
        group.map(|(group, when)| format!("{}{when}", text(&format!("group = \"{group}\""))))
    };
    match split {
        Split::Lists { train, val: Some(ListedValidation::Share { share, .. }), .. }
            if !roles.contains(&SplitRole::Test) =>
        {
            let drawn = format!(
                "`val = {share}` drew them apart from the list `{train}`, so the choice of the best epoch is optimistic"
            );
            let list = "give a list: `val = \"val.txt\"`";
            match with_group(&|group| format!("keep groups together: `{group}` in `lists(...)`")).filter(|_| !grouped) {
                Some(groups) => format!("{drawn}; {groups}, or {list}"),
                None if grouped => format!("{drawn}; the groups do not keep them together: {list}"),
                None => format!("{drawn}; {list}, with images that are alike in one list"),
            }
        }
        Split::Lists { train, val, test } => {
            let val = match val {
                Some(ListedValidation::List(path)) => format!("`{path}`, "),
                Some(ListedValidation::Share { .. }) | None => String::new(),
            };
            let lists = format!("{leakage}; name them in one of the lists `{train}`, {val}`{test}`");
            let keeps = |group: &str| {
                format!("`{group}` in `lists(...)` keeps groups together and refuses lists that divide one")
            };
            match grouped {
                true => format!("{lists}; the groups do not keep them together"),
                false => with_group(&keeps).map_or(lists.clone(), |keeps| format!("{lists}; {keeps}")),
            }
        }
        Split::Column if grouped => {
            format!(
                "{leakage}; give them one value in the column `split` of the list; the groups do not keep them together"
            )
        }
        Split::Column => {
            format!(
                "{leakage}; give them one value in the column `split` of the list; a column `group` refuses a split that divides one"
            )
        }
        Split::Random { .. } | Split::Kfold { .. } | Split::ColumnOrRandom if grouped => {
            format!("{leakage}, and the groups do not keep them in one split")
        }
        Split::Random { .. } | Split::Kfold { .. } | Split::ColumnOrRandom => {
            let example = if pattern.is_some() { ":" } else { ", for example with" };
            let call = |group: &str| match split {
                Split::Kfold { k, fold, .. } => format!("{example} split = kfold(k = {k}, fold = {fold}, {group})"),
                Split::Random { .. } | Split::ColumnOrRandom | Split::Column | Split::Lists { .. } => {
                    format!("{example} split = random(test = 0.2, {group})")
                }
            };
            let by_lists = || {
                ": name them in one of the lists of `split = lists(train = \"train.txt\", test = \"test.txt\")`"
                    .to_string()
            };
            format!("{leakage}; keep them in one split{}", with_group(&call).unwrap_or_else(by_lists))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The edit is one of the split that the block has, and of the parts that the images are in.
    #[test]
    fn help_fits_the_split_and_the_parts() {
        let (named, bare) = (["p1_0", "p1_1", "p2_0", "p2_1"], ["img_0", "img_1", "img_2", "img_3"]);
        let help = |split: &Split, roles, stems: &[&str]| {
            leakage_help(&Leakage { split, grouped: false, roles, pattern: None, stems })
        };
        let [train_val, train_test] = [SplitRole::Val, SplitRole::Test].map(|other| [SplitRole::Train, other]);
        let fold = Split::Kfold { k: 12, fold: 3, val: 0.0, seed: 0 };
        assert!(help(&fold, train_test, &named).contains("split = kfold(k = 12, fold = 3, group = \"{group}_*\")"));
        let random = Split::Random { train: 0.8, val: 0.0, test: 0.2, seed: 0 };
        assert!(help(&random, train_test, &named).contains("split = random(test = 0.2, group = \"{group}_*\")"));
        let val = Some(ListedValidation::Share { share: 0.1, seed: 0 });
        let lists = Split::Lists { train: "tr.txt".into(), val, test: "te.txt".into() };
        let drawn = help(&lists, train_val, &named);
        assert!(drawn.contains("`val = 0.1` drew them apart") && drawn.contains("group = \"{group}_*\""), "{drawn}");
        assert!(help(&lists, train_test, &named).contains("one of the lists `tr.txt`, `te.txt`"));
        // All images would be one group.
        for split in [fold, random, lists] {
            for roles in [train_val, train_test] {
                assert!(!help(&split, roles, &bare).contains("{group}"), "{}", help(&split, roles, &bare));
            }
        }
    }
}
