//! CSV lists: the column `split` counts, columns under other names are named, and what is no list is refused.

use crate::support::data_sets::{refused, small_set, spec, stems};
use npc::internals::base::error::RunError;
use npc::internals::data::{Dataset, SplitRole};
use npc::text::config::{DataSource, DataSpec, Split};
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
    assert!(text.contains("there are 41 more problems"), "{text}");
}
