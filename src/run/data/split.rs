//! Which case is for training, for validation, for the test.

use super::order::shuffle;
use super::{Case, Role, write_atomic};
use crate::recipe::Split;
use crate::run::error::{Result, RunError};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// Cases by role.
pub struct Parts {
    pub train: Vec<Case>,
    pub val: Vec<Case>,
    pub test: Vec<Case>,
}

/// Deals `cases`, which are sorted by stem, to the roles. Shares are rounded up for the test and for validation
/// (scikit-learn's `train_test_split`: 2594 at 0.2 give 519), and training gets the rest. A role keeps the order of
/// the stems under `Random`, and the order of its list under `Lists`.
pub fn deal(cases: Vec<Case>, split: &Split, root: &Path) -> Result<Parts> {
    match split {
        Split::Random { train, val, test, seed } => random(cases, [*train, *val, *test], *seed),
        Split::Lists { train, val, test } => lists(cases, root, train, val.as_deref(), test),
    }
}

fn random(cases: Vec<Case>, shares: [f64; 3], seed: u64) -> Result<Parts> {
    let n = cases.len();
    let [_, val_share, test_share] = shares;
    if shares.iter().any(|s| !(0.0..=1.0).contains(s)) || (shares.iter().sum::<f64>() - 1.0).abs() > 1e-6 {
        return Err(RunError::new(format!("the split {shares:?} is not three shares that sum to 1")));
    }
    // The subtrahend takes back what the product may have gained: 0.07 * 100 is 7.000000000000001.
    let part = |share: f64| ((share * n as f64 - 1e-9).ceil().max(0.0) as usize).min(n);
    let test = part(test_share);
    let val = part(val_share).min(n - test);
    let mut order: Vec<usize> = (0..n).collect();
    shuffle(&mut order, seed, 0);
    let mut role = vec![Role::Train; n];
    order[..test].iter().for_each(|&i| role[i] = Role::Test);
    order[test..test + val].iter().for_each(|&i| role[i] = Role::Val);
    let mut parts = Parts { train: Vec::new(), val: Vec::new(), test: Vec::new() };
    for (case, role) in cases.into_iter().zip(role) {
        match role {
            Role::Train => parts.train.push(case),
            Role::Val => parts.val.push(case),
            Role::Test => parts.test.push(case),
        }
    }
    for (name, share, part) in
        [("train", shares[0], &parts.train), ("val", val_share, &parts.val), ("test", test_share, &parts.test)]
    {
        if share > 0.0 && part.is_empty() {
            return Err(RunError::new(format!(
                "the share {share} of {n} image{} leaves {name} empty",
                if n == 1 { "" } else { "s" }
            )));
        }
    }
    Ok(parts)
}

fn lists(cases: Vec<Case>, root: &Path, train: &str, val: Option<&str>, test: &str) -> Result<Parts> {
    let mut left: BTreeMap<String, Case> = cases.into_iter().map(|case| (case.stem.to_lowercase(), case)).collect();
    let known = left.len();
    let mut seen: BTreeMap<String, (String, usize)> = BTreeMap::new();
    let mut take = |list: &str| -> Result<Vec<Case>> {
        let path = root.join(list);
        let text =
            fs::read_to_string(&path).map_err(|e| RunError::at(&path, format!("the list cannot be read: {e}")))?;
        let mut part = Vec::new();
        for (number, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
            let stem = line.trim();
            if stem.is_empty() {
                continue;
            }
            let key = stem.to_lowercase();
            if let Some((first, at)) = seen.get(&key) {
                return Err(RunError::at(
                    &path,
                    format!("line {}: `{stem}` stands in line {at} of {first} already", number + 1),
                )
                .help("an image may be in one list only, once"));
            }
            let Some(case) = left.remove(&key) else {
                let error = RunError::at(
                    &path,
                    format!("line {}: `{stem}` is none of the {known} stems of this data set", number + 1),
                );
                let shorter = key.rsplit_once('.').map(|(s, _)| s).filter(|s| left.contains_key(*s));
                return Err(match (shorter, left.values().next()) {
                    (Some(_), _) => error.help("a stem has no extension"),
                    (None, Some(case)) => error.help(format!("stems look like `{}`", case.stem)),
                    (None, None) => error,
                });
            };
            seen.insert(key, (list.to_string(), number + 1));
            part.push(case);
        }
        if part.is_empty() { Err(RunError::at(&path, "the list names no image")) } else { Ok(part) }
    };
    Ok(Parts { train: take(train)?, val: val.map(&mut take).transpose()?.unwrap_or_default(), test: take(test)? })
}

/// Writes `train.txt`, `val.txt` (where there is one) and `test.txt` into `dir`, one stem a line.
pub fn write(parts: &Parts, dir: &Path) -> Result<()> {
    fs::create_dir_all(dir).map_err(|e| RunError::at(dir, format!("the folder cannot be made: {e}")))?;
    for (name, cases) in [("train.txt", &parts.train), ("val.txt", &parts.val), ("test.txt", &parts.test)] {
        if !cases.is_empty() {
            let text: String = cases.iter().map(|case| format!("{}\n", case.stem)).collect();
            write_atomic(&dir.join(name), text.as_bytes())?;
        }
    }
    Ok(())
}
