//! Splits: the role of each case, and properties of every split.

use crate::support::data_sets::{grey, phantoms, refused, spec, stems};
use npc::internals::data::{Dataset, SplitRole};
use npc::text::config::{DataSource, DataSpec, GroupBy, Grouping, MaskRule, Split, StratifyBy};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::sync::OnceLock;
use tempfile::{TempDir, tempdir};

const ROLES: [SplitRole; 3] = [SplitRole::Train, SplitRole::Val, SplitRole::Test];
/// Number of images that have files, and of masks, whose number is the number of pixels in their foreground; masks 4 to
/// 7 contain a third class.
const IMAGES: usize = 60;
const MASKS: usize = 8;

/// Returns the files that lists refer to. Only masks are ever decoded.
fn files() -> &'static Path {
    static DIR: OnceLock<TempDir> = OnceLock::new();
    let dir = DIR.get_or_init(|| {
        let dir = tempdir().unwrap();
        fs::create_dir(dir.path().join("i")).unwrap();
        (0..IMAGES).for_each(|i| fs::write(dir.path().join(format!("i/{i}.png")), "").unwrap());
        for m in 0..MASKS {
            let pixels: Vec<u8> = (0..8)
                .map(|p| {
                    if p >= m {
                        0
                    } else if m >= 4 && p == 0 {
                        2
                    } else {
                        1
                    }
                })
                .collect();
            grey(&dir.path().join(format!("m/{m}.png")), [2, 4], &pixels);
        }
        dir
    });
    dir.path()
}

/// A case of a list: its group and the number of its mask.
type Row = (usize, usize);

fn open(rows: &[Row], grouped: bool, split: Split, stratify: Option<StratifyBy>) -> Result<Dataset, String> {
    let mut csv = String::from(if grouped { "image,mask,group\n" } else { "image,mask\n" });
    for (i, (group, mask)) in rows.iter().enumerate() {
        let group = if grouped { format!(",g{group}") } else { String::new() };
        let _ = writeln!(csv, "i/{i}.png,m/{mask}.png{group}");
    }
    let list = tempfile::Builder::new().suffix(".csv").tempfile_in(files()).unwrap();
    fs::write(list.path(), csv).unwrap();
    let source = DataSource::List { list: list.path().file_name().unwrap().to_string_lossy().into() };
    let spec = DataSpec {
        source,
        split,
        grouping: Grouping { group: None, stratify },
        classes: vec!["a".into(), "b".into(), "c".into()],
        labels: vec![0, 1, 2],
        mask_rule: MaskRule::Exact,
        ..spec("", "", [2, 4])
    };
    Dataset::open(&spec, files()).map_err(|e| e.to_string())
}

/// Returns the role of each case by index.
fn roles(data: &Dataset) -> BTreeMap<usize, SplitRole> {
    let mut roles = BTreeMap::new();
    for role in ROLES {
        for stem in stems(data, role) {
            assert_eq!(roles.insert(stem.parse().unwrap(), role), None, "`{stem}` has two roles");
        }
    }
    roles
}

/// Computes the strata independently: quartiles by rank of the foreground, or the classes in a mask.
fn strata(rows: &[Row], by: StratifyBy) -> Vec<usize> {
    match by {
        StratifyBy::Foreground => {
            let mut order: Vec<usize> = (0..rows.len()).collect();
            order.sort_by_key(|&i| (rows[i].1, i));
            let mut of = vec![0; rows.len()];
            let parts = if rows.len() < 4 {
                1
            } else if rows.len() < 8 {
                2
            } else {
                4
            };
            order.iter().enumerate().for_each(|(rank, &i)| of[i] = rank * parts / rows.len());
            of
        }
        StratifyBy::Classes => rows.iter().map(|(_, m)| [0, 1, 1, 1, 2, 2, 2, 2][*m]).collect(),
    }
}

fn ceil(share: f64, n: usize) -> usize {
    (share * n as f64 - 1e-9).ceil() as usize
}

fn rows() -> impl Strategy<Value = Vec<Row>> {
    prop::collection::vec((0..12usize, 0..MASKS), 12..IMAGES)
}

fn stratify() -> impl Strategy<Value = Option<StratifyBy>> {
    prop_oneof![Just(None), Just(Some(StratifyBy::Foreground)), Just(Some(StratifyBy::Classes))]
}

fn assert_groups_are_whole(rows: &[Row], roles: &BTreeMap<usize, SplitRole>) {
    let mut of: BTreeMap<usize, SplitRole> = BTreeMap::new();
    for (i, role) in roles {
        let first = *of.entry(rows[*i].0).or_insert(*role);
        assert_eq!(first, *role, "group {} is divided", rows[*i].0);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_splits(rows in rows(), seed in 0..1000u64, grouped: bool, by in stratify(), val in 0..3u32) {
        let (val, test) = (f64::from(val) / 10.0, 0.25);
        let split = Split::Random { train: 1.0 - val - test, val, test, seed };
        let largest = (0..12).map(|g| rows.iter().filter(|r| r.0 == g).count()).max().unwrap();
        match open(&rows, grouped, split.clone(), by) {
            Ok(data) => {
                let roles = roles(&data);
                prop_assert_eq!(roles.len(), rows.len());
                let count = |role| roles.values().filter(|r| **r == role).count();
                let wanted = [count(SplitRole::Test), count(SplitRole::Val)];
                let exact = [ceil(test, rows.len()), ceil(val, rows.len())];
                if grouped {
                    assert_groups_are_whole(&rows, &roles);
                    // At most one group is too many in each of up to four strata; too few occur only where a stratum
                    // ran out.
                    let most = if by.is_some() { 4 } else { 1 } * (largest - 1);
                    prop_assert!(wanted[0] >= exact[0] && wanted[0] <= exact[0] + most, "{:?} {:?}", wanted, exact);
                } else {
                    prop_assert_eq!(wanted, exact);
                }
                if let (false, Some(by)) = (grouped, by) {
                    let strata = strata(&rows, by);
                    for s in 0..4 {
                        let of: Vec<usize> = (0..rows.len()).filter(|&i| strata[i] == s).collect();
                        let here = of.iter().filter(|i| roles[i] == SplitRole::Test).count() as f64;
                        let share = exact[0] as f64 * of.len() as f64 / rows.len() as f64;
                        prop_assert!((here - share).abs() <= 1.0, "stratum {}: {} of {}, not {}", s, here, of.len(), share);
                    }
                }
                // The same seed repeats the split, and another seed (nearly always) gives another one.
                prop_assert_eq!(self::roles(&open(&rows, grouped, split, by).unwrap()), roles);
            }
            // Few large groups may leave a role empty.
            Err(text) => prop_assert!(grouped && text.contains("empty"), "{}", text),
        }
    }

    #[test]
    fn folds(rows in rows(), seed in 0..1000u64, k in 2..6usize, grouped: bool, by in stratify()) {
        let groups = rows.iter().map(|r| r.0).collect::<BTreeSet<_>>().len();
        prop_assume!(!grouped || groups >= 2 * k);
        let mut seen: BTreeMap<usize, usize> = BTreeMap::new();
        let mut sizes = Vec::new();
        for fold in 0..k {
            let split = Split::Kfold { k, fold, val: 0.0, seed };
            let data = open(&rows, grouped, split, by).unwrap();
            let roles = roles(&data);
            prop_assert_eq!(roles.len(), rows.len());
            if grouped {
                assert_groups_are_whole(&rows, &roles);
            }
            let test: Vec<usize> = roles.iter().filter(|(_, r)| **r == SplitRole::Test).map(|(i, _)| *i).collect();
            test.iter().for_each(|i| *seen.entry(*i).or_default() += 1);
            sizes.push(test);
        }
        // Each case is in the test set of one fold.
        prop_assert_eq!(seen.len(), rows.len());
        prop_assert!(seen.values().all(|n| *n == 1));
        if !grouped {
            let even = |counts: Vec<usize>| counts.iter().max().unwrap() - counts.iter().min().unwrap() <= 1;
            prop_assert!(even(sizes.iter().map(Vec::len).collect()));
            if let Some(by) = by {
                let strata = strata(&rows, by);
                for s in 0..4 {
                    let of = |test: &Vec<usize>| test.iter().filter(|&&i| strata[i] == s).count();
                    prop_assert!(even(sizes.iter().map(of).collect()), "stratum {}", s);
                }
            }
        }
    }

    /// With a share for validation the test set of a fold stays, and the rest is divided.
    #[test]
    fn folds_with_validation(rows in rows(), seed in 0..1000u64) {
        let of = |val| roles(&open(&rows, false, Split::Kfold { k: 4, fold: 1, val, seed }, None).unwrap());
        let (without, with) = (of(0.0), of(0.2));
        let count = |roles: &BTreeMap<usize, SplitRole>, role| roles.values().filter(|r| **r == role).count();
        prop_assert!(without.iter().all(|(i, r)| (*r == SplitRole::Test) == (with[i] == SplitRole::Test)));
        prop_assert_eq!(count(&with, SplitRole::Val), ceil(0.2, count(&without, SplitRole::Train)));
    }
}

/// Groups of one case each are split as cases without groups are.
#[test]
fn groups_of_one_change_nothing() {
    let rows: Vec<Row> = (0..40).map(|i| (i, 0)).collect();
    let split = Split::Random { train: 0.7, val: 0.1, test: 0.2, seed: 3 };
    let of = |grouped| roles(&open(&rows, grouped, split.clone(), None).unwrap());
    assert_eq!(of(false), of(true));
}

#[test]
fn groups_by_pattern() {
    let group = |pattern: &str, stem: &str| {
        let dir = tempdir().unwrap();
        grey(&dir.path().join(format!("i/{stem}.png")), [1, 1], &[1]);
        grey(&dir.path().join(format!("i/{stem}x_z9.png")), [1, 1], &[1]);
        grey(&dir.path().join(format!("m/{stem}.png")), [1, 1], &[1]);
        grey(&dir.path().join(format!("m/{stem}x_z9.png")), [1, 1], &[1]);
        let grouping = Grouping { group: Some(GroupBy::Pattern(pattern.into())), stratify: None };
        let split = Split::Kfold { k: 2, fold: 0, val: 0.0, seed: 0 };
        let data = Dataset::open(&DataSpec { grouping, split, ..spec("i/*.png", "m/*.png", [1, 1]) }, dir.path())?;
        let role = if data.cases(SplitRole::Test)[0].stem == stem { SplitRole::Test } else { SplitRole::Train };
        Ok(data.group(role, 0).unwrap().to_string())
    };
    let is = |pattern, stem, wanted: &str| {
        assert_eq!(
            group(pattern, stem).map_err(|e: npc::internals::base::error::RunError| e.to_string()),
            Ok(wanted.into())
        )
    };
    is("{group}_z*", "S1_101_z066", "S1_101");
    is("{group}_Z*", "S1_z1_z066", "S1_z1");
    is("id_{group}_*", "ID_0007_Z_0142", "0007_Z");
    is("*_{group}", "a_b_c", "b_c");
    is("{group}", "whole", "whole");
    refused(group("{group}_q*", "S1_101_z066"), &["`S1_101_z066` does not match group = \"{group}_q*\""]);
    refused(group("{group}_z*", "_z1"), &["does not match"]);
}

/// The file numbers of the official README: the ends of some of its 29 sequences.
#[test]
fn sequences_of_clinicdb() {
    let dir = tempdir().unwrap();
    for n in [1, 25, 26, 429, 430, 447, 591, 592, 612] {
        grey(&dir.path().join(format!("i/{n}.png")), [1, 1], &[1]);
        grey(&dir.path().join(format!("m/{n}.png")), [1, 1], &[1]);
    }
    let grouping = Grouping { group: Some(GroupBy::CvcClinicdb), stratify: None };
    let open =
        || Dataset::open(&DataSpec { grouping: grouping.clone(), ..spec("i/*.png", "m/*.png", [1, 1]) }, dir.path());
    let data = open().unwrap();
    let groups: BTreeMap<u32, String> = [SplitRole::Train, SplitRole::Test]
        .into_iter()
        .flat_map(|role| (0..data.len(role)).map(move |i| (role, i)))
        .map(|(role, i)| (data.cases(role)[i].stem.parse().unwrap(), data.group(role, i).unwrap().into()))
        .collect();
    let wanted = [(1, 1), (25, 1), (26, 2), (429, 20), (430, 21), (447, 21), (591, 28), (592, 29), (612, 29)];
    assert_eq!(groups, wanted.map(|(n, s)| (n, format!("sequence_{s:02}"))).into());
    grey(&dir.path().join("i/613.png"), [1, 1], &[1]);
    grey(&dir.path().join("m/613.png"), [1, 1], &[1]);
    refused(open(), &["`613` is not a frame number of CVC-ClinicDB"]);
}

#[cfg(unix)]
#[test]
fn a_name_that_ends_in_a_blank_is_the_same_name_in_every_list() {
    let dir = tempdir().unwrap();
    for stem in ["a ", "b"] {
        grey(&dir.path().join(format!("i/{stem}.png")), [1, 1], &[1]);
        grey(&dir.path().join(format!("m/{stem}.png")), [1, 1], &[1]);
    }
    let lists = |train: &str, test: &str| {
        fs::write(dir.path().join("tr.txt"), train).unwrap();
        fs::write(dir.path().join("te.txt"), test).unwrap();
        let split = Split::Lists { train: "tr.txt".into(), val: None, test: "te.txt".into() };
        Dataset::open(&DataSpec { split, ..spec("i/*.png", "m/*.png", [1, 1]) }, dir.path())
    };
    lists("a \n", "b\n").unwrap();
    let error = lists("a \nb\n", "a \n").map(drop).unwrap_err().to_string();
    assert!(error.contains("te.txt") && error.contains("line 1: `a ` is already in line 1 of tr.txt"), "{error}");
}

#[test]
fn lists_name_groups_and_do_not_divide_them() {
    let dir = tempdir().unwrap();
    for stem in ["p1_z1", "p1_z2", "p2_z1", "p3_z1"] {
        grey(&dir.path().join(format!("i/{stem}.png")), [1, 1], &[1]);
        grey(&dir.path().join(format!("m/{stem}.png")), [1, 1], &[1]);
    }
    let lists = |train: &str, test: &str| {
        fs::write(dir.path().join("tr.txt"), train).unwrap();
        fs::write(dir.path().join("te.txt"), test).unwrap();
        let split = Split::Lists { train: "tr.txt".into(), val: None, test: "te.txt".into() };
        let grouping = Grouping { group: Some(GroupBy::Pattern("{group}_z*".into())), stratify: None };
        Dataset::open(&DataSpec { split, grouping, ..spec("i/*.png", "m/*.png", [1, 1]) }, dir.path())
    };
    let data = lists("P1\np3_z1", "p2").unwrap();
    assert_eq!(
        (stems(&data, SplitRole::Train), stems(&data, SplitRole::Test)),
        (vec!["p1_z1", "p1_z2", "p3_z1"], vec!["p2_z1"])
    );
    data.write_split(dir.path()).unwrap();
    let written = fs::read_to_string(dir.path().join("groups.csv")).unwrap();
    assert_eq!(written, "stem,group,split\np1_z1,p1,train\np1_z2,p1,train\np3_z1,p3,train\np2_z1,p2,test\n");
    refused(
        lists("p1_z1\np3", "p1_z2\np2"),
        &["the group `p1` is divided; `p1_z1` is in train, and `p1_z2` is in test"],
    );
    // A blank at the end of a line is no part of a name that has none.
    refused(lists("p1\np3", "p1_z2 "), &["te.txt", "line 1: `p1_z2` is already in line 1 of tr.txt"]);
    refused(lists("p1\np3", "p1_z2"), &["te.txt", "line 1: `p1_z2` is already in line 1 of tr.txt"]);
    refused(lists("p1_z1\np1", "p2"), &["tr.txt", "line 2", "`p1_z1` of the group is already in line 1"]);
}

#[test]
fn columns_of_a_list() {
    let dir = tempdir().unwrap();
    for name in ["a/1", "b/1", "b/2"] {
        grey(&dir.path().join(format!("{name}.png")), [1, 1], &[1]);
        grey(&dir.path().join(format!("{name}_m.png")), [1, 1], &[255]);
    }
    let open = |csv: &str, split: Split| {
        fs::write(dir.path().join("c.csv"), csv).unwrap();
        let source = DataSource::List { list: "c.csv".into() };
        Dataset::open(&DataSpec { source, split, ..spec("", "", [1, 1]) }, dir.path())
    };
    // The list has semicolons, a byte order mark, other columns, and stems that would be equal.
    let data = open(
        "\u{feff}Mask; Image; age; split; group\r\na/1_m.png; a/1.png; 40; Train; x\r\n\r\nb/1_m.png;b/1.png;3;valid;y\r\n\
         b/2_m.png;b/2.png;;test;z\r\n",
        Split::Column,
    )
    .unwrap();
    let of = |role| (stems(&data, role), data.group(role, 0).unwrap());
    assert_eq!(ROLES.map(of), [(vec!["a_1"], "x"), (vec!["b_1"], "y"), (vec!["b_2"], "z")]);
    assert_eq!(data.load(SplitRole::Val, 0, 1).unwrap().mask, [1]);

    let column = |csv| open(csv, Split::Column);
    let random = |csv| open(csv, Split::Random { train: 1.0, val: 0.0, test: 0.0, seed: 0 });
    refused(
        random("img,mask\n"),
        &["c.csv", "line 1: the column `image` is missing; the columns are `img`, `mask`", "rename the column `img`"],
    );
    refused(column("image,mask\na/1.png,a/1_m.png\n"), &["line 1: the column `split` is missing"]);
    refused(random("image,mask\na/1.png,\n"), &["line 2, column `mask`: the cell is empty"]);
    refused(random("image,mask\na/1.png,a/9.png\n"), &["line 2, column `mask`: no such file `a/9.png`"]);
    refused(
        random("image,mask\nb/1.png,b/1_m.png\nb/1.png,b/1_m.png\n"),
        &["line 3, column `image`", "is already in line 2"],
    );
    refused(
        column("image,mask,split\nb/1.png,b/1_m.png,traim\n"),
        &["line 2, column `split`: `traim` is not one of train"],
    );
    refused(column("image,mask,split\nb/1.png,b/1_m.png,train\n"), &["the column `split` assigns no image to test"]);
    refused(random("image,mask\n"), &["the list is empty"]);
    refused(
        column("image,mask,split,group\na/1.png,a/1_m.png,train,g\nb/1.png,b/1_m.png,test,g\n"),
        &["the group `g` is divided"],
    );
    let files = DataSpec { split: Split::Column, ..phantoms(4, [8, 8]) };
    refused(Dataset::open(&files, dir.path()), &["`split = column` needs a CSV list"]);
}

#[test]
fn phantoms_can_be_stratified() {
    let grouping = Grouping { group: None, stratify: Some(StratifyBy::Foreground) };
    let split = Split::Kfold { k: 4, fold: 3, val: 0.25, seed: 1 };
    let data = Dataset::open(&DataSpec { grouping, split, ..phantoms(16, [16, 16]) }, Path::new("")).unwrap();
    assert_eq!(ROLES.map(|r| data.len(r)), [9, 3, 4]);
    let few = DataSpec { split: Split::Kfold { k: 5, fold: 0, val: 0.0, seed: 1 }, ..phantoms(4, [16, 16]) };
    refused(Dataset::open(&few, Path::new("")), &["4 images cannot be divided into 5 folds"]);
}
