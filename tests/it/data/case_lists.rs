//! CSV lists: the column `split` counts, columns under other names are named, and what is no list is refused.

use crate::support::data_sets::{refused, small_set, spec, stems};
use npc::internals::base::error::RunError;
use npc::internals::data::{Dataset, SplitRole};
use npc::text::config::{DataSource, DataSpec, MaskRule, Split};
use std::fs;
use tempfile::TempDir;

const ROLES: [&str; 6] = ["train", "train", "train", "val", "test", "test"];

fn open(dir: &TempDir, text: impl AsRef<[u8]>, split: Split) -> Result<Dataset, RunError> {
    fs::write(dir.path().join("c.csv"), text).unwrap();
    let source = DataSource::List { list: "c.csv".into() };
    Dataset::open(&DataSpec { source, split, ..spec("", "", [8, 8]) }, dir.path())
}

/// Returns a list of six pairs, with these cells after image and mask.
fn list(header: &str, cell: impl Fn(usize) -> String) -> String {
    let row = |i: usize| format!("images/a{i}.png,masks/a{i}.png{}\n", cell(i));
    format!("image,mask{header}\n{}", (0..6).map(row).collect::<String>())
}

#[test]
fn a_column_split_counts_where_no_other_split_is_written() {
    let dir = small_set(6);
    let with_roles = list(",Split", |i| format!(",{}", ROLES[i]));
    let data = open(&dir, &with_roles, Split::ColumnOrRandom).unwrap();
    let of = |role| stems(&data, role).len();
    assert_eq!((of(SplitRole::Train), of(SplitRole::Val), of(SplitRole::Test)), (3, 1, 2));
    assert_eq!(data.doubts(), [""; 0]);
    let without = list("", |_| String::new());
    let data = open(&dir, &without, Split::ColumnOrRandom).unwrap();
    assert_eq!((stems(&data, SplitRole::Train).len(), stems(&data, SplitRole::Test).len()), (4, 2));
    let data = open(&dir, &with_roles, Split::DEFAULT).unwrap();
    let said = &data.doubts()[0];
    assert!(said.contains("the column `split` is not used, because the data block writes another split"), "{said}");
    let folds = list(",split", |i| format!(",{i}"));
    refused(
        open(&dir, folds, Split::ColumnOrRandom),
        &["line 2, column `split`: `0` is not one of", "split = random()"],
    );
}

#[test]
fn columns_under_other_names_and_empty_roles_are_named() {
    let dir = small_set(6);
    let others = list(",fold,Patient_ID", |i| format!(",{},p{}", i % 2, i / 2));
    let data = open(&dir, others, Split::ColumnOrRandom).unwrap();
    let [fold, patient] = data.doubts() else { panic!("{:?}", data.doubts()) };
    assert!(fold.contains("the column `fold` is not used; rename it to `split`"), "{fold}");
    assert!(patient.contains("the column `Patient_ID` is not used; rename it to `group`"), "{patient}");
    let some = list(",split", |i| if i == 2 { ",".into() } else { format!(",{}", ROLES[i]) });
    let data = open(&dir, some, Split::Column).unwrap();
    assert!(data.doubts()[0].ends_with("1 of 6 rows have no role in the column `split` and are not used"));
    let none = list(",split", |_| ",".into());
    refused(open(&dir, none, Split::ColumnOrRandom), &["every cell of the column `split` is empty"]);
}

#[test]
fn each_refused_list_has_one_cause() {
    let dir = small_set(6);
    let good = list(",split", |i| format!(",{}", ROLES[i]));
    let wide: Vec<u8> = good.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let mut latin = good.clone().into_bytes();
    let at = latin.windows(2).position(|w| w == b"a2").unwrap();
    latin[at] = 0xe9;
    for (text, cause) in [
        ([&b"\xff\xfe"[..], &wide].concat(), "the list is UTF-16 text"),
        (wide, "it holds zero bytes"),
        (latin, "line 4 has another encoding"),
        (b"PK\x03\x04rest".to_vec(), "a spreadsheet or another zip file"),
        (good.replace("image,mask,split", "image,mask,split,Split").into_bytes(), "two columns are called `split`"),
        (good.replace("images/a3.png,", "images/a3,b.png,").into_bytes(), "line 5: 4 cells, but the header has 3"),
        (good.replace(",val", "").into_bytes(), "line 5: 2 cells, but the header has 3"),
        (good.replace("images/a3.png", "\"images/a\n3.png\"").into_bytes(), "the control character U+000A"),
    ] {
        let text = refused(open(&dir, text, Split::ColumnOrRandom), &[cause]);
        assert!(!text.contains("more problem"), "{text}");
    }
    // Quotes hold separators and quotes, and empty cells at the end of a line are no cells.
    fs::rename(dir.path().join("images/a3.png"), dir.path().join("images/a,\"3.png")).unwrap();
    let quoted = good.replace("images/a3.png", "\"images/a,\"\"3.png\"").replace(",val", ",val,,");
    assert_eq!(stems(&open(&dir, quoted, Split::Column).unwrap(), SplitRole::Val), ["a,\"3"]);
}

/// Blanks at the ends of a name are part of it where a file is called so, and else lie between the cells.
#[test]
fn names_with_blanks_at_their_ends_are_read_as_written() {
    let dir = small_set(6);
    let plain = list(",split", |i| format!(", {} ", ROLES[i])).replace(",masks", " , masks");
    assert_eq!(stems(&open(&dir, &plain, Split::Column).unwrap(), SplitRole::Val), ["a3"]);
    // `a3` with a blank in front is another file than `a3`.
    for (folder, from) in [("images", "a0"), ("masks", "a0")] {
        fs::copy(dir.path().join(format!("{folder}/{from}.png")), dir.path().join(format!("{folder}/ a3.png")))
            .unwrap();
        fs::rename(dir.path().join(format!("{folder}/a4.png")), dir.path().join(format!("{folder}/a4.png "))).unwrap();
    }
    fs::create_dir(dir.path().join(" images")).unwrap();
    fs::copy(dir.path().join("images/a5.png"), dir.path().join(" images/a5.png")).unwrap();
    let text =
        list(",split", |i| format!(",{}", ROLES[i])).replace("/a3.png", "/ a3.png").replace("images/a5", " images/a5");
    let text = text.replace("images/a4.png,masks/a4.png", "images/a4.png,masks/a4.png ");
    fs::rename(dir.path().join("images/a4.png "), dir.path().join("images/a4.png")).unwrap();
    let data = open(&dir, &text, Split::Column).unwrap();
    assert_eq!(stems(&data, SplitRole::Val), [" a3"]);
    let path = |role, i: usize| data.cases(role)[i].image.strip_prefix(dir.path()).unwrap().display().to_string();
    assert_eq!(path(SplitRole::Val, 0), "images/ a3.png");
    assert_eq!([path(SplitRole::Test, 0), path(SplitRole::Test, 1)], ["images/a4.png", " images/a5.png"]);
    refused(
        open(&dir, text.replace("masks/a4.png ,", "masks/a7.png ,"), Split::Column),
        &["line 6, column `mask`: no such file `masks/a7.png`"],
    );
}

/// A mask of several images is reported; a mask that is the image itself is refused, however its path is spelled.
#[test]
fn files_that_are_used_twice() {
    let dir = small_set(6);
    let rows = |masks: [&str; 6]| -> String {
        let row = |(i, mask): (usize, &&str)| format!("images/a{i}.png,{mask}\n");
        format!("image,mask\n{}", masks.iter().enumerate().map(row).collect::<String>())
    };
    let of = |masks: [&str; 6]| open(&dir, rows(masks), Split::DEFAULT);
    let own = ["masks/a0.png", "masks/a1.png", "masks/a2.png", "masks/a3.png", "masks/a4.png", "masks/a5.png"];
    assert_eq!(of(own).unwrap().doubts(), [""; 0]);
    let mut shared = own;
    (shared[2], shared[4]) = ("masks/a1.png", "./masks/../masks/a1.png");
    let said = ["one mask file is the mask of 3 of 6 images: masks/a1.png, of `a1`, `a2`, `a4`"];
    assert_eq!(of(shared).unwrap().doubts(), said);
    shared[5] = "masks/a0.png";
    let said =
        ["2 mask files are masks of several images, 5 of 6 images in all; the first is masks/a0.png, of `a0`, `a5`"];
    assert_eq!(of(shared).unwrap().doubts(), said);
    let all = of(["masks/a0.png"; 6]).unwrap();
    assert_eq!(
        all.doubts(),
        ["one mask file is the mask of 6 of 6 images: masks/a0.png, of `a0`, `a1`, `a2`, `a3`, `a4`, and 1 more"]
    );
    for spelling in ["images/a3.png", "./images//a3.png", "masks/../images/a3.png"] {
        let mut same = own;
        same[3] = spelling;
        refused(of(same), &[spelling, "the mask is the same file as its image images/a3.png"]);
    }
    // The alpha of a picture may be its mask, but not that of another one.
    let alpha = |mask: &str| {
        fs::write(dir.path().join("c.csv"), format!("image,mask\nimages/a0.png,{mask}\nimages/a1.png,masks/a1.png\n"))
            .unwrap();
        let source = DataSource::List { list: "c.csv".into() };
        Dataset::open(&DataSpec { source, mask_rule: MaskRule::Alpha, ..spec("", "", [8, 8]) }, dir.path())
    };
    assert_eq!(alpha("images/a0.png").unwrap().doubts(), [""; 0]);
    refused(alpha("images/a1.png"), &["the mask of `a0` is the same file as the image of `a1`"]);
    let mut other = own;
    other[3] = "images/a1.png";
    refused(of(other), &["images/a1.png: the mask of `a3` is the same file as the image of `a1`"]);
}

/// Links to one file are one file, in lists and under patterns.
#[cfg(unix)]
#[test]
fn links_to_one_file_are_one_file() {
    use std::os::unix::fs::symlink;
    let dir = small_set(4);
    let at = |name: &str| dir.path().join(name);
    fs::remove_file(at("masks/a1.png")).unwrap();
    fs::remove_file(at("masks/a2.png")).unwrap();
    symlink("a0.png", at("masks/a1.png")).unwrap();
    fs::hard_link(at("masks/a0.png"), at("masks/a2.png")).unwrap();
    let patterns = || Dataset::open(&spec("images/*", "masks/*", [8, 8]), dir.path());
    let said = ["one mask file is the mask of 3 of 4 images: masks/a0.png, of `a0`, `a1`, `a2`"];
    assert_eq!(patterns().unwrap().doubts(), said);
    for link in [true, false] {
        fs::remove_file(at("masks/a3.png")).unwrap();
        match link {
            true => symlink("../images/a3.png", at("masks/a3.png")).unwrap(),
            false => fs::hard_link(at("images/a3.png"), at("masks/a3.png")).unwrap(),
        }
        refused(patterns(), &["masks/a3.png: the mask is the same file as its image images/a3.png"]);
        let rows = "image,mask\nimages/a0.png,masks/a0.png\nimages/a3.png,masks/a3.png\n";
        refused(
            open(&dir, rows, Split::DEFAULT),
            &["masks/a3.png: the mask is the same file as its image images/a3.png"],
        );
    }
    let rows = "image,mask\nimages/a0.png,masks/a0.png\nimages/a1.png,masks/a3.png\nimages/a3.png,masks/a2.png\n";
    refused(open(&dir, rows, Split::DEFAULT), &["the mask of `a1` is the same file as the image of `a3`"]);
}

#[test]
fn no_other_file_is_read_as_a_list() {
    let dir = small_set(6);
    for name in ["/etc/passwd", "/proc/self/environ", "images/a0.png"] {
        let source = DataSource::List { list: name.into() };
        let one = Dataset::open(&DataSpec { source, ..spec("", "", [8, 8]) }, dir.path());
        let text = refused(one, &["not the name of a list"]);
        assert!(!text.contains("root:"), "{text}");
        let split = Split::Lists { train: name.into(), val: None, test: name.into() };
        refused(
            Dataset::open(&DataSpec { split, ..spec("images/*", "masks/*", [8, 8]) }, dir.path()),
            &["not the name of a list"],
        );
    }
    let names: String = (0..1000).map(|i| format!("unknown{i}\n")).collect();
    fs::write(dir.path().join("l.txt"), names).unwrap();
    let split = Split::Lists { train: "l.txt".into(), val: None, test: "l.txt".into() };
    let text =
        refused(Dataset::open(&DataSpec { split, ..spec("images/*", "masks/*", [8, 8]) }, dir.path()), &["unknown0"]);
    assert!(text.contains("and 41 more problems"), "{text}");
}

/// A list that a link or a path outside of the data root leads to is read, and no message shows what it holds.
#[cfg(unix)]
#[test]
fn nothing_of_a_list_from_elsewhere_is_shown() {
    let dir = small_set(6);
    let elsewhere = tempfile::tempdir().unwrap();
    let secret = elsewhere.path().join("secret.csv");
    let inside = dir.path().join("link.csv");
    std::os::unix::fs::symlink(&secret, &inside).unwrap();
    let lists =
        [secret.display().to_string(), "link.csv".into(), format!("../{}/secret.csv", name_of(elsewhere.path()))];
    for (text, wanted) in [
        ("SECRET:x:0\nmore\n", "line 1: the column `image` is missing"),
        ("imag,mask\nSECRET,b\n", "line 1: the column `image` is missing"),
        ("image,mask\nSECRET,b\n", "line 2, column `image`: no such file the entry"),
        (
            "image,mask,split\nimages/a0.png,masks/a0.png,SECRET\n",
            "column `split`: the entry is not one of train, val, test",
        ),
    ] {
        fs::write(&secret, text).unwrap();
        for list in &lists {
            let source = DataSource::List { list: list.clone() };
            let one =
                Dataset::open(&DataSpec { source, split: Split::ColumnOrRandom, ..spec("", "", [8, 8]) }, dir.path());
            let text = refused(one, &[wanted, "outside of the data root"]);
            assert!(!text.contains("SECRET") && !text.contains("imag`"), "{text}");
        }
    }
    fs::write(&secret, "SECRET\n").unwrap();
    for list in &lists {
        let split = Split::Lists { train: list.clone(), val: None, test: list.clone() };
        let one = Dataset::open(&DataSpec { split, ..spec("images/*", "masks/*", [8, 8]) }, dir.path());
        let text = refused(one, &["line 1: the entry is not one of the 6 stems"]);
        assert!(!text.contains("SECRET"), "{text}");
    }
    // A list that is right is read wherever it lies.
    fs::write(&secret, list("", |_| String::new())).unwrap();
    for list in &lists {
        let source = DataSource::List { list: list.clone() };
        assert!(
            Dataset::open(&DataSpec { source, split: Split::ColumnOrRandom, ..spec("", "", [8, 8]) }, dir.path())
                .is_ok()
        );
    }
}

#[cfg(unix)]
fn name_of(path: &std::path::Path) -> String {
    path.file_name().unwrap().to_string_lossy().into_owned()
}

#[test]
fn a_column_without_a_test_names_its_list() {
    let dir = small_set(6);
    fs::write(dir.path().join("c.csv"), list(",split", |_| ",train".into())).unwrap();
    let source = DataSource::List { list: "c.csv".into() };
    let one = Dataset::open(&DataSpec { source, split: Split::ColumnOrRandom, ..spec("", "", [8, 8]) }, dir.path());
    refused(one, &["c.csv: the column `split` assigns no image to test"]);
}
