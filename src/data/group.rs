//! Groups of cases that belong together: slices of a patient, frames of a video.

use super::case::Case;
use super::stem::composed;
use crate::base::error::Result;
use crate::base::problem::problem;
use crate::text::config::{GroupBy, Grouping};

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
