//! A number with its noun, in the singular or the plural.

use super::number::thousands;
use std::borrow::Cow;
use std::fmt::Display;

/// Nouns whose plural no rule gives.
const IRREGULAR: [(&str, &str); 4] =
    [("axis", "axes"), ("series", "series"), ("epoch", "epochs"), ("vertex", "vertices")];

/// Returns `1 image` or `2,000 images`. The noun may have words before it: `more problem`, `training image`.
pub(crate) fn counted(n: impl Copy + Display + TryInto<u64>, noun: &str) -> String {
    format!("{} {}", thousands(n), noun_for(n, noun))
}

/// Returns `3 of 2,000 images`.
pub(crate) fn counted_of(n: usize, all: usize, noun: &str) -> String {
    format!("{} of {}", thousands(n), counted(all, noun))
}

/// Returns the form of a verb that `n` things ask for: `is` for one, `are` for all other numbers.
pub(crate) fn verb_for<'a>(n: usize, one: &'a str, several: &'a str) -> &'a str {
    if n == 1 { one } else { several }
}

/// Returns the noun alone, in the number that `n` asks for: for counts that are written in another way, such as `12.3k`.
pub(crate) fn noun_for(n: impl TryInto<u64>, noun: &str) -> Cow<'_, str> {
    match n.try_into() {
        Ok(1) => Cow::Borrowed(noun),
        Ok(_) | Err(_) => Cow::Owned(plural(noun)),
    }
}

/// Returns the plural of a noun, of whose words the last one changes.
fn plural(noun: &str) -> String {
    let (before, last) = noun.rsplit_once(' ').map_or(("", noun), |(before, last)| (&noun[..before.len() + 1], last));
    if let Some((_, plural)) = IRREGULAR.iter().find(|(one, _)| *one == last) {
        return format!("{before}{plural}");
    }
    let sibilant = ["s", "x", "z", "ch", "sh"].iter().any(|end| last.ends_with(end));
    let stem = last.strip_suffix('y').filter(|stem| !stem.ends_with(['a', 'e', 'i', 'o', 'u']));
    match stem {
        Some(stem) => format!("{before}{stem}ies"),
        None if sibilant => format!("{before}{last}es"),
        None => format!("{before}{last}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nouns_agree_with_their_numbers() {
        assert_eq!(counted(1_usize, "more problem"), "1 more problem");
        assert_eq!(counted(2_usize, "more problem"), "2 more problems");
        assert_eq!(counted(0_u64, "image"), "0 images");
        assert_eq!(counted(3_u32, "class"), "3 classes");
        assert_eq!(counted(2_usize, "batch"), "2 batches");
        assert_eq!(counted(2_usize, "epoch"), "2 epochs");
        assert_eq!(counted(2_usize, "entry"), "2 entries");
        assert_eq!(counted(2_usize, "array"), "2 arrays");
        assert_eq!(counted(2_usize, "axis"), "2 axes");
        assert_eq!(counted(2_usize, "test series"), "2 test series");
        assert_eq!(counted(-1_i64, "step"), "-1 steps");
        assert_eq!(counted(12_345_usize, "image"), "12,345 images");
        assert_eq!(counted_of(1_234, 5_678, "image"), "1,234 of 5,678 images");
        assert_eq!([0, 1, 2].map(|n| verb_for(n, "is", "are")), ["are", "is", "are"]);
        assert_eq!(noun_for(1_u64, "parameter"), "parameter");
        assert_eq!(noun_for(12_345_u64, "parameter"), "parameters");
    }
}
