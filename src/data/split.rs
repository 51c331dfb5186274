//! Splits cases into training, validation and test.
//!
//! Invariants: every case has at most one role; all cases of a group have the same role (otherwise training data would leak into
//! the test); the same cases, settings and seed give the same roles on every machine.

mod assign;
mod cases_by_role;
mod lists;
mod validation_share;

pub(super) use cases_by_role::CasesByRole;

use super::case::{Case, SplitRole};
use crate::base::atomic::write_atomic;
use crate::base::count::{counted, counted_of};
use crate::base::csv;
use crate::base::error::{Result, RunError};
use crate::base::problem::problem;
use crate::text::config::{DataSource, DataSpec, ListedValidation, Split, StratifyBy};
use assign::{CaseGroup, SplitFractions};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Assigns `cases`, which are sorted by stem, to roles. A role keeps the order of the stems, or the order of its list.
///
/// `content` returns the number of pixels of each class for each of some cases; it is called only for a stratified split. Errors are
/// added to `problems`; some cases then have no role. Cases that a list leaves out are counted in `doubts`.
pub(super) fn assign_splits(
    cases: Vec<Case>,
    spec: &DataSpec,
    root: &Path,
    content: impl FnOnce(&[Case]) -> Result<Vec<Vec<u64>>>,
    problems: &mut Vec<RunError>,
    doubts: &mut Vec<String>,
) -> CasesByRole {
    let by_column = cases.iter().any(|case| case.role.is_some());
    let split = match &spec.split {
        Split::ColumnOrRandom if by_column => &Split::Column,
        Split::ColumnOrRandom => &Split::DEFAULT,
        written => written,
    };
    let drawn_groups = |cases: &[Case]| -> Result<Vec<CaseGroup>> {
        let strata = match spec.grouping.stratify {
            None => vec![0; cases.len()],
            Some(by) => strata(cases, &content(cases)?, by),
        };
        Ok(case_groups(cases, &strata))
    };
    match split {
        Split::Random { train, val, test, seed } => {
            let shares = [*train, *val, *test];
            if shares.iter().any(|s| !(0.0..=1.0).contains(s)) || (shares.iter().sum::<f64>() - 1.0).abs() > 1e-6 {
                let error = problem!(
                    E0715,
                    "the shares of train, val and test, {shares:?}, are not three numbers in 0..1 that sum to 1"
                );
                return undivided(cases, error, problems);
            }
            let groups = match drawn_groups(&cases) {
                Ok(groups) => groups,
                Err(error) => return undivided(cases, error, problems),
            };
            let roles = assign::random_roles(&groups, SplitFractions { val: *val, test: *test }, *seed);
            let parts = collect_by_role(cases, roles);
            report_empty_roles(&parts, shares, problems);
            parts
        }
        Split::Kfold { k, fold, val, seed } => {
            let groups = match drawn_groups(&cases) {
                Ok(groups) => groups,
                Err(error) => return undivided(cases, error, problems),
            };
            if groups.len() < *k {
                let unit = if groups.len() < cases.len() { "groups of images" } else { "images" };
                let error = problem!(E0715, "{} {unit} cannot be divided into {}", groups.len(), counted(*k, "fold"); help: "use fewer folds");
                return undivided(cases, error, problems);
            }
            let roles = assign::fold_roles(&groups, *k, *fold, *val, *seed);
            let parts = collect_by_role(cases, roles);
            report_empty_roles(&parts, [1.0 - val, *val, 1.0], problems);
            parts
        }
        Split::Lists { train, val, test } => {
            let all = cases.len();
            let list = match val {
                Some(ListedValidation::List(list)) => Some(list.as_str()),
                Some(ListedValidation::Share { .. }) | None => None,
            };
            let mut parts = lists::read_split_lists(cases, root, train, list, test, problems);
            let unlisted = all - parts.all().count();
            if unlisted > 0 && problems.is_empty() {
                doubts.push(format!(
                    "{} are in no list of the split and are not used",
                    counted_of(unlisted, all, "case")
                ));
            }
            check_groups_undivided(&parts, problems);
            if let (Some(ListedValidation::Share { share, seed }), true) = (val, problems.is_empty()) {
                let drawn = validation_share::draw(&mut parts, &root.join(train), *share, *seed, drawn_groups);
                problems.extend(drawn.err());
            }
            parts
        }
        Split::Column | Split::ColumnOrRandom => {
            let mut parts = CasesByRole::default();
            for case in cases {
                if let Some(role) = case.role {
                    parts.of(role).push(case);
                }
            }
            for (name, part) in [("train", &parts.train), ("test", &parts.test)] {
                if part.is_empty() {
                    problems.push(RunError {
                        path: list_of(spec, root),
                        ..problem!(E0715, "the column `split` assigns no image to {name}")
                    });
                }
            }
            check_groups_undivided(&parts, problems);
            parts
        }
    }
}

/// Adds the error to `problems` and leaves all cases in one part.
fn undivided(cases: Vec<Case>, error: RunError, problems: &mut Vec<RunError>) -> CasesByRole {
    problems.push(error);
    CasesByRole { train: cases, ..CasesByRole::default() }
}

/// Returns the path of the CSV list that the cases come from, if there is one.
fn list_of(spec: &DataSpec, root: &Path) -> Option<PathBuf> {
    match &spec.source {
        DataSource::List { list } => Some(root.join(list)),
        DataSource::Files { .. } | DataSource::Phantoms { .. } => None,
    }
}

/// Returns the groups in the order of their first case; a case without a group is its own group.
fn case_groups(cases: &[Case], strata: &[usize]) -> Vec<CaseGroup> {
    let mut groups: Vec<CaseGroup> = Vec::new();
    let mut known: BTreeMap<&str, usize> = BTreeMap::new();
    for (i, case) in cases.iter().enumerate() {
        match case.group.as_deref() {
            Some(group) if known.contains_key(group) => groups[known[group]].cases.push(i),
            group => {
                group.map(|group| known.insert(group, groups.len()));
                groups.push(CaseGroup { cases: vec![i], stratum: strata[i] });
            }
        }
    }
    groups
}

/// Returns the stratum of each case; all cases of a group have the same one.
fn strata(cases: &[Case], content: &[Vec<u64>], by: StratifyBy) -> Vec<usize> {
    let groups = case_groups(cases, &vec![0; cases.len()]);
    let sum = |group: &CaseGroup, class: usize| {
        group.cases.iter().map(|&i| content[i].get(class).copied().unwrap_or(0)).sum::<u64>()
    };
    let classes = content.iter().map(Vec::len).max().unwrap_or(0);
    let mut stratum_of = vec![0; cases.len()];
    match by {
        StratifyBy::Foreground => {
            let share = |group: &CaseGroup| {
                let all: u64 = (0..classes).map(|c| sum(group, c)).sum();
                (all - sum(group, 0)) as f64 / all.max(1) as f64
            };
            let mut order: Vec<(f64, usize)> = groups.iter().enumerate().map(|(u, group)| (share(group), u)).collect();
            order.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
            // Quartiles by rank; fewer than eight groups are halved, fewer than four form one stratum.
            let parts = match groups.len() {
                0..4 => 1,
                4..8 => 2,
                _ => 4,
            };
            for (rank, (_, u)) in order.iter().enumerate() {
                groups[*u].cases.iter().for_each(|&i| stratum_of[i] = rank * parts / order.len());
            }
        }
        StratifyBy::Classes => {
            let mut kinds: BTreeMap<Vec<bool>, usize> = BTreeMap::new();
            for group in &groups {
                let present: Vec<bool> = (0..classes).map(|class| sum(group, class) > 0).collect();
                let next = kinds.len();
                let kind = *kinds.entry(present).or_insert(next);
                group.cases.iter().for_each(|&i| stratum_of[i] = kind);
            }
        }
    }
    stratum_of
}

fn collect_by_role(cases: Vec<Case>, roles: Vec<SplitRole>) -> CasesByRole {
    let mut parts = CasesByRole::default();
    for (case, role) in cases.into_iter().zip(roles) {
        parts.of(role).push(case);
    }
    parts
}

fn report_empty_roles(parts: &CasesByRole, shares: [f64; 3], problems: &mut Vec<RunError>) {
    let n = parts.all().count();
    let named = [("train", &parts.train), ("val", &parts.val), ("test", &parts.test)];
    for ((name, part), share) in named.into_iter().zip(shares) {
        if share > 0.0 && part.is_empty() {
            let error = problem!(E0715, "the {name} split is empty: its share is {share} of {}", counted(n, "image"));
            problems.push(match parts.all().find_map(|(_, case)| case.group.as_deref()) {
                Some(group) => error.help(format!("all images of a group, such as `{group}`, are in the same split")),
                None => error.help("add images, or name those of each part: `split = lists(..)`"),
            });
        }
    }
}

/// Checks that no group is divided, which lists and columns written by people may do.
fn check_groups_undivided(parts: &CasesByRole, problems: &mut Vec<RunError>) {
    let mut first: BTreeMap<&str, (SplitRole, &str)> = BTreeMap::new();
    let mut reported: Vec<&str> = Vec::new();
    for (role, case) in parts.all() {
        let Some(group) = case.group.as_deref() else { continue };
        let (other, stem) = *first.entry(group).or_insert((role, &case.stem));
        if other != role && !reported.contains(&group) {
            reported.push(group);
            problems.push(problem!(
                E0715,
                "data leakage: the group `{group}` is divided; `{stem}` is in {}, and `{}` is in {}",
                other.name(),
                case.stem,
                role.name();
                help: "put all images of a group into the same split, or remove `group`"
            ));
        }
    }
}

/// Writes `train.txt`, `val.txt` (if there are validation images) and `test.txt` into `dir`, one stem a line, and `groups.csv` with the
/// group and the role of each stem if cases have groups.
pub(super) fn write_lists(parts: &CasesByRole, dir: &Path) -> Result<()> {
    fs::create_dir_all(dir).map_err(|e| RunError::create_dir(dir, e))?;
    for (name, cases) in [("train.txt", &parts.train), ("val.txt", &parts.val), ("test.txt", &parts.test)] {
        if !cases.is_empty() {
            let text: String = cases.iter().map(|case| format!("{}\n", case.stem)).collect();
            write_atomic(&dir.join(name), text.as_bytes())?;
        }
    }
    let path = dir.join("groups.csv");
    if parts.all().all(|(_, case)| case.group.is_none()) {
        // A stale file of a run that never started would be read as the groups of this run.
        let _ = fs::remove_file(&path);
        return Ok(());
    }
    let row = |(role, case): (SplitRole, &Case)| {
        [case.stem.clone(), case.group.clone().unwrap_or_default(), role.name().to_string()]
    };
    let header = ["stem", "group", "split"].map(String::from);
    write_atomic(&path, csv::encode(std::iter::once(header).chain(parts.all().map(row))).as_bytes())
}
