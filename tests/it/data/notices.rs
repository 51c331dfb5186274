//! Notices about files are reported once for a set.

use npc::internals::data::notice::{FileNotice, FileRole, NoticeSet, NoticeTopic};
use std::path::Path;

fn notice(topic: NoticeTopic, role: FileRole, path: &str, text: &str) -> FileNotice {
    FileNotice::new(topic, role, Path::new(path), text)
}

#[test]
fn notices_of_a_topic_are_one_line() {
    let mut set = NoticeSet::default();
    for _ in 0..2 {
        let alpha = |path: &str| notice(NoticeTopic::Alpha, FileRole::Image, path, "alpha is ignored");
        // A file that is read again counts once.
        set.extend([alpha("i/p10.png"), alpha("i/p2.png"), alpha("i/p30.png")]);
    }
    set.extend([notice(NoticeTopic::Pages, FileRole::Image, "i/a.tif", "has 3 pages; the first is used")]);
    let mut masks = NoticeSet::default();
    masks.extend([
        notice(NoticeTopic::MaskValues, FileRole::Mask, "m/b.png", "30 % of the values are between the labels"),
        notice(NoticeTopic::MaskValues, FileRole::Mask, "m/a.png", "20 % of the values are between the labels"),
    ]);
    set.merge(masks);
    assert_eq!(
        set.lines(80),
        [
            "i/a.tif: has 3 pages; the first is used",
            "3 of 80 images: alpha is ignored; the first is i/p2.png",
            "2 of 80 masks, the first m/a.png: 20 % of the values are between the labels",
        ]
    );
}
