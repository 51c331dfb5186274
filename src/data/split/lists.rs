//! Splits given as list files with one stem or one group per line.

use super::cases_by_role::CasesByRole;
use crate::base::count::counted;
use crate::base::error::RunError;
use crate::base::problem::problem;
use crate::data::case::Case;
use crate::data::case_list::{ListText, read_list_text};
use crate::data::stem::stem_key;
use std::collections::BTreeMap;
use std::path::Path;

/// Maximum number of lines of a list that are reported.
const MAX_PROBLEMS: usize = 20;

/// Cases that are in no list so far.
struct UnassignedCases {
    by_stem: BTreeMap<String, Case>,
    /// Lower-case stems in order, by lower-case group.
    by_group: BTreeMap<String, Vec<String>>,
    /// Number of all cases.
    known: usize,
    /// List and line of each stem or group that was read.
    seen: BTreeMap<String, (String, usize)>,
}

/// Reads the lists and assigns the cases that they name; errors are added to `problems`.
pub(super) fn read_split_lists(
    cases: Vec<Case>,
    root: &Path,
    train: &str,
    val: Option<&str>,
    test: &str,
    problems: &mut Vec<RunError>,
) -> CasesByRole {
    let mut by_group: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for case in &cases {
        if let Some(group) = &case.group {
            by_group.entry(stem_key(group)).or_default().push(stem_key(&case.stem));
        }
    }
    let known = cases.len();
    let by_stem = cases.into_iter().map(|case| (stem_key(&case.stem), case)).collect();
    let mut unassigned = UnassignedCases { by_stem, by_group, known, seen: BTreeMap::new() };
    CasesByRole {
        train: unassigned.take(root, train, problems),
        val: val.map(|list| unassigned.take(root, list, problems)).unwrap_or_default(),
        test: unassigned.take(root, test, problems),
    }
}

impl UnassignedCases {
    fn take(&mut self, root: &Path, list: &str, problems: &mut Vec<RunError>) -> Vec<Case> {
        let path = root.join(list);
        let read = match read_list_text(root, &path) {
            Ok(read) => read,
            Err(error) => {
                problems.push(error);
                return Vec::new();
            }
        };
        let (mut part, mut named, mut refused) = (Vec::new(), false, 0);
        for (number, line) in read.text.lines().enumerate() {
            // A stem may end in a space, although few are meant to.
            let is_name = |key: &String| self.by_stem.contains_key(key) || self.seen.contains_key(key);
            let stem = if is_name(&stem_key(line)) { line } else { line.trim() };
            if !stem.is_empty() {
                named = true;
                match self.take_line(&path, list, number + 1, (stem, &read)) {
                    Ok(cases) => part.extend(cases),
                    Err(_) if refused >= MAX_PROBLEMS => refused += 1,
                    Err(error) => {
                        refused += 1;
                        problems.push(read.explained(error));
                    }
                }
            }
        }
        if refused > MAX_PROBLEMS {
            problems.push(problem!(E0705, &path, "{} refused as well", counted(refused - MAX_PROBLEMS, "more line")));
        }
        if !named {
            problems.push(problem!(E0705, &path, "the list is empty"));
        }
        part
    }

    fn take_line(
        &mut self,
        path: &Path,
        list: &str,
        number: usize,
        (stem, read): (&str, &ListText),
    ) -> Result<Vec<Case>, RunError> {
        let key = stem_key(stem);
        let twice = |(first, at): &(String, usize), what: &str| {
            Err(problem!(
                E0715,
                path,
                "line {number}: {what} is already in line {at} of {first}";
                help: "list each image once, in one list"
            ))
        };
        if let Some(place) = self.seen.get(&key) {
            return twice(place, &format!("`{stem}`"));
        }
        let here = (list.to_string(), number);
        if let Some(case) = self.by_stem.remove(&key) {
            self.seen.insert(key, here);
            return Ok(vec![case]);
        }
        let Some(stems) = self.by_group.get(&key) else { return Err(self.unknown(path, number, (stem, read), &key)) };
        // The name of a group means all its images.
        if let Some((stem, place)) = stems.iter().find_map(|s| self.seen.get(s).map(|place| (s, place))) {
            return twice(place, &format!("`{stem}` of the group"));
        }
        let cases: Vec<Case> = stems.iter().filter_map(|s| self.by_stem.remove(s)).collect();
        for case in &cases {
            self.seen.insert(stem_key(&case.stem), here.clone());
        }
        self.seen.insert(key, here);
        Ok(cases)
    }

    fn unknown(&self, path: &Path, number: usize, (stem, read): (&str, &ListText), key: &str) -> RunError {
        let error = problem!(
            E0705,
            path,
            "line {number}: {} is not one of the {} of this data set",
            read.entry(stem),
            counted(self.known, "stem")
        );
        let shorter = key.rsplit_once('.').map(|(s, _)| s).filter(|s| self.by_stem.contains_key(*s));
        match (shorter, self.by_stem.values().next()) {
            (Some(_), _) => error.help("write stems without the file extension"),
            (None, Some(case)) => error.help(format!("stems look like `{}`", case.stem)),
            (None, None) => error,
        }
    }
}
