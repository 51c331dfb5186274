//! Groups of cases that belong together: slices of a patient, frames of a video.

use super::case::Case;
use super::stem::{composed, stem_key};
use crate::base::count::counted;
use crate::base::error::Result;
use crate::base::problem::problem;
use crate::text::config::{DataSource, DataSpec, GroupBy, Grouping};
use std::collections::{BTreeMap, BTreeSet};

/// First frames of the 29 video sequences of CVC-ClinicDB, from its README; the last sequence ends with frame 612.
const CVC_CLINICDB: [u32; 29] = [
    1, 26, 51, 68, 79, 104, 127, 152, 178, 200, 206, 228, 253, 278, 298, 318, 343, 364, 384, 409, 430, 448, 467, 479,
    504, 529, 547, 572, 592,
];
const CVC_LAST: u32 = 612;

/// Assigns each case the group that the data block defines. Without such a definition a case keeps the group of its source:
/// the volume of a slice, or the column of a list.
pub(super) fn assign_groups(cases: &mut [Case], grouping: &Grouping) -> Result<()> {
    let Some(by) = &grouping.group else { return Ok(()) };
    for case in cases {
        case.group = Some(match by {
            GroupBy::Pattern(pattern) => capture_group(pattern, &case.stem).ok_or_else(|| {
                problem!(
                    E0715,
                    "the stem `{}` does not match group = \"{pattern}\"",
                    case.stem;
                    help: "`{{group}}` matches the text that all stems of a group share, `*` matches any text: \"{{group}}_z*\""
                )
            })?,
            GroupBy::CvcClinicdb => video_sequence(&case.stem).ok_or_else(|| {
                problem!(
                    E0715,
                    "the stem `{}` is not a frame number of CVC-ClinicDB, 1 to {CVC_LAST}",
                    case.stem;
                    help: "group = cvc_clinicdb works for that data set only; for others use a pattern such as \"{{group}}_z*\""
                )
            })?,
        });
    }
    Ok(())
}

/// Gives all spellings of a group that differ in case or Unicode form alone the first of them. Returns a sentence about the groups that
/// had several.
pub(super) fn unify_groups(cases: &mut [Case]) -> Option<String> {
    let mut first: BTreeMap<String, String> = BTreeMap::new();
    let mut joined: BTreeMap<String, String> = BTreeMap::new();
    for case in cases {
        let Some(group) = &mut case.group else { continue };
        let known = first.entry(stem_key(group)).or_insert_with(|| group.clone());
        if known != group {
            joined.entry(known.clone()).or_insert_with(|| group.clone());
            group.clone_from(known);
        }
    }
    let (a, b) = joined.first_key_value()?;
    let more = if joined.len() > 1 {
        format!(", and so are {}", counted(joined.len() - 1, "more pair"))
    } else {
        String::new()
    };
    Some(format!("the groups `{a}` and `{b}` are one group, since upper and lower case are equal{more}"))
}

/// Returns a sentence where the data block or its list gives groups, and each has one image, so that they keep nothing together.
pub(super) fn lone_groups(cases: &[Case], spec: &DataSpec) -> Option<String> {
    let what = match (&spec.grouping.group, &spec.source) {
        (Some(GroupBy::Pattern(pattern)), _) => format!("`group = \"{pattern}\"`"),
        (Some(GroupBy::CvcClinicdb), _) => "`group = cvc_clinicdb`".to_string(),
        (None, DataSource::List { .. }) if cases.iter().all(|case| case.slice.is_none()) => "the column `group`".into(),
        (None, DataSource::List { .. } | DataSource::Files { .. } | DataSource::Phantoms { .. }) => return None,
    };
    let groups: BTreeSet<&str> = cases.iter().filter_map(|case| case.group.as_deref()).collect();
    let (n, example) = (cases.len(), groups.first()?);
    (n > 1 && groups.len() == n)
        .then(|| format!("every group has one image, such as `{example}`: {what} has no effect"))
}

fn video_sequence(stem: &str) -> Option<String> {
    let frame: u32 = stem.parse().ok().filter(|n| (1..=CVC_LAST).contains(n))?;
    let number = CVC_CLINICDB.iter().filter(|first| **first <= frame).count();
    Some(format!("sequence_{number:02}"))
}

/// Returns the text that `{group}` matches in a stem, ignoring case. The match is greedy.
pub(super) fn capture_group(pattern: &str, stem: &str) -> Option<String> {
    // The composed forms are compared.
    let (pattern, stem) = (&composed(pattern), &composed(stem));
    let lower: Vec<char> = stem.to_lowercase().chars().collect();
    let chars: Vec<char> = stem.chars().collect();
    let (before, after) = pattern.split_once("{group}")?;
    // If lowercasing changes the length, which is rare, compare without it: the capture would be off by one.
    let text = if lower.len() == chars.len() { &lower } else { &chars };
    let parts = |p: &str| p.to_lowercase().split('*').map(|s| s.chars().collect()).collect::<Vec<Vec<char>>>();
    let (before, after) = (parts(before), parts(after));
    // The shortest prefix and the shortest suffix leave the longest group.
    let start = shortest_match(&before, text)?;
    let reversed = |list: &[char]| list.iter().rev().copied().collect::<Vec<char>>();
    let tail: Vec<Vec<char>> = after.iter().rev().map(|part| reversed(part)).collect();
    let end = text.len() - shortest_match(&tail, &reversed(&text[start..]))?;
    (start < end).then(|| chars[start..end].iter().collect())
}

/// Returns the length of the shortest prefix of `text` that the parts match in order, with any text between them.
fn shortest_match(parts: &[Vec<char>], text: &[char]) -> Option<usize> {
    let (first, rest) = parts.split_first()?;
    let mut at = text.starts_with(first).then_some(first.len())?;
    for part in rest {
        at += (0..=text.len() - at).find(|&skip| text[at + skip..].starts_with(part))? + part.len();
    }
    Some(at)
}
