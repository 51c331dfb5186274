//! Short names of several things in one picture, of which no two different ones become the same text.

use super::text::shortened_in_the_middle;
use std::collections::HashMap;

/// The ends of the words of a name.
const WORD_ENDS: [char; 5] = ['/', '_', '-', '.', ' '];

/// Short names with what was left out of all of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DistinctNames {
    /// In the order of the names.
    pub texts: Vec<String>,
    /// The folder that all names begin with and all texts lack, such as `runs/`.
    pub folder: Option<String>,
}

/// Shortens the names of files or runs to at most `letters` letters each (at least 12). A common folder is left out, then a common
/// beginning of names that are still too long, then the middle of a name. Different names stay different texts.
pub(crate) fn distinct_names(names: &[&str], letters: usize) -> DistinctNames {
    let folder = common_beginning(names, &['/']);
    let inner: Vec<&str> = names.iter().map(|name| &name[folder..]).collect();
    let is_long = inner.iter().any(|name| name.chars().count() > letters);
    let word = if is_long { common_beginning(&inner, &WORD_ENDS) } else { 0 };
    let begun = |name: &&str| if word > 0 { format!("…{}", &name[word..]) } else { name.to_string() };
    let texts = shortened_apart(&inner.iter().map(begun).collect::<Vec<_>>(), letters);
    DistinctNames { texts, folder: (folder > 0).then(|| names[0][..folder].to_string()) }
}

/// Shortens names to at most `letters` letters each (at least 12). Different names stay different texts.
pub(crate) fn shortened_apart(names: &[String], letters: usize) -> Vec<String> {
    let mut texts: Vec<String> = names.iter().map(|name| shortened_in_the_middle(name, letters, "…")).collect();
    for alike in collisions(names, &texts) {
        let differ = alike.iter().map(|&k| common_letters(&names[alike[0]], &names[k])).filter(|n| *n < usize::MAX);
        let from = differ.min().unwrap_or(0).saturating_sub(letters / 3);
        for &k in &alike {
            let rest: String = names[k].chars().skip(from).collect();
            let begin = if from > 0 { "…" } else { "" };
            texts[k] = cut(&format!("{begin}{rest}"), letters);
        }
    }
    if !collisions(names, &texts).is_empty() {
        let numbered = |(k, name): (usize, &String)| {
            let number = format!("{} ", k + 1);
            let left = letters.saturating_sub(number.len());
            number + &shortened_in_the_middle(name, left, "…")
        };
        texts = names.iter().enumerate().map(numbered).collect();
    }
    texts
}

/// Returns the length in bytes of what all names begin with, up to the last of some letters. At least one letter of each name is left.
fn common_beginning(names: &[&str], ends: &[char]) -> usize {
    let [first, others @ ..] = names else { return 0 };
    if others.iter().all(|name| name == first) {
        return 0;
    }
    let is_common = |end: &usize| others.iter().all(|name| name.len() > *end && name.starts_with(&first[..*end]));
    let after_ends = first.char_indices().filter(|(_, c)| ends.contains(c)).map(|(at, c)| at + c.len_utf8());
    after_ends.take_while(is_common).filter(|end| *end < first.len()).last().unwrap_or(0)
}

/// Returns the groups of different names with the same text, as numbers of names.
fn collisions(names: &[String], texts: &[String]) -> Vec<Vec<usize>> {
    let mut of_text: HashMap<&str, Vec<usize>> = HashMap::new();
    texts.iter().enumerate().for_each(|(k, text)| of_text.entry(text).or_default().push(k));
    let mut groups: Vec<Vec<usize>> =
        of_text.into_values().filter(|g| g.iter().any(|&k| names[k] != names[g[0]])).collect();
    groups.sort_unstable();
    groups
}

/// Returns how many letters two names begin with alike, and `usize::MAX` for equal names.
fn common_letters(a: &str, b: &str) -> usize {
    if a == b { usize::MAX } else { a.chars().zip(b.chars()).take_while(|(a, b)| a == b).count() }
}

/// Cuts a text after `letters` letters, with an ellipsis as the last of them.
fn cut(text: &str, letters: usize) -> String {
    if text.chars().count() <= letters {
        return text.to_string();
    }
    text.chars().take(letters.saturating_sub(1)).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn names(all: &[&str], letters: usize) -> Vec<String> {
        distinct_names(all, letters).texts
    }

    #[test]
    fn common_folders_and_beginnings_are_left_out() {
        let found = distinct_names(&["runs/paper/none_s0", "runs/paper/se_s0"], 30);
        assert_eq!((found.texts, found.folder), (vec!["none_s0".into(), "se_s0".into()], Some("runs/paper/".into())));
        assert_eq!(names(&["runs/a", "runs/a/b"], 30), ["a", "a/b"]);
        assert_eq!(names(&["a", "b/c"], 30), ["a", "b/c"]);
        assert_eq!(names(&["runs/a", "runs/a"], 30), ["runs/a", "runs/a"], "one run twice");
        assert_eq!(names(&["runs/only"], 30), ["runs/only"]);
        assert_eq!(names(&["lung_ct_net_wide_se", "lung_ct_net_wide_cam"], 12), ["…se", "…cam"]);
        assert_eq!(names(&["lung_a", "lung_b"], 12), ["lung_a", "lung_b"], "what fits keeps its words");
        assert_eq!(names(&["/a", "/b"], 12), ["a", "b"]);
    }

    #[test]
    fn names_that_differ_in_the_middle_stay_apart() {
        let long = |middle: &str| format!("experimentwithnpnet{middle}andthesameendofthename");
        let (a, b) = (long("first"), long("second"));
        let texts = names(&[&a, &b], 20);
        assert!(texts[0].contains("first") && texts[1].contains("second"), "{texts:?}");
        // Three that differ at two places.
        let far = ["x".repeat(40), "y".repeat(40), "z".repeat(40)].map(|part| format!("a{part}b"));
        let all = [far.concat(), far.concat().replacen('x', "w", 1), far.concat().replacen('z', "w", 3)];
        let texts = names(&[&all[0], &all[1], &all[2]], 14);
        assert!(texts[0] != texts[1] && texts[1] != texts[2] && texts[0] != texts[2], "{texts:?}");
    }

    proptest! {
        #[test]
        fn different_names_are_different_texts(
            all in prop::collection::vec("(runs/)?[ab_]{0,3}(long/|卷积){0,6}[ab]{0,20}[xy]", 1..8),
            letters in 12usize..30,
        ) {
            let all: Vec<&str> = all.iter().map(String::as_str).collect();
            let texts = names(&all, letters);
            for (i, a) in all.iter().enumerate() {
                prop_assert!(texts[i].chars().count() <= letters && !texts[i].is_empty(), "{:?}", texts);
                for (j, b) in all.iter().enumerate() {
                    prop_assert_eq!(a == b, texts[i] == texts[j], "{} {} {:?}", a, b, texts);
                }
            }
        }
    }
}
