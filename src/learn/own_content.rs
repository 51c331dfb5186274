//! Tells files that npc wrote into a run folder from files of someone else with the same names.
//!
//! A run folder is a folder like any other: people put lists, notes and events of other programs into it. Only what npc wrote may be
//! removed with a run. It is known by its beginning; a file that is empty holds nothing that could be lost.

use super::run_files::{EVENTS, STARTING, is_foreign_evaluation, is_own_name};
use super::weights_origin::CheckpointProgress;
use crate::base::file;
use crate::text::config::settings;
use std::fs;
use std::path::Path;

/// Name of the one event file that npc writes. TensorFlow and PyTorch end theirs with the time and the machine.
pub(crate) const EVENT_FILE: &str = "events.out.tfevents.npc";
/// What the first record of an event file says, as TensorBoard wants it.
const EVENT_VERSION: &[u8] = b"brain.Event:2";
/// Number of bytes of a file's beginning that are looked at.
const HEAD: u64 = 8192;

/// Returns whether npc wrote a file or folder into a run folder: it has the name and the content of a file of a run. Lists of names
/// have no mark, and count as npc's.
pub(crate) fn is_own(path: &Path) -> bool {
    let Some(name) = path.file_name().and_then(|name| name.to_str()) else { return false };
    if !is_own_name(name) {
        return false;
    }
    if name == EVENTS {
        return holds_own_events(path);
    }
    match fs::metadata(path) {
        Ok(found) if found.is_file() => found.len() == 0 || has_content_of(path, name),
        // A folder, a pipe, or a link that leads nowhere.
        Ok(_) | Err(_) => false,
    }
}

/// Returns whether an HTML page is a report of npc, or holds nothing.
pub(crate) fn is_own_report(path: &Path) -> bool {
    text_of(path).is_some_and(|text| text.is_empty() || text.contains("name=\"generator\" content=\"npc "))
}

/// Returns whether a folder of TensorBoard holds the event file of npc and nothing else.
fn holds_own_events(folder: &Path) -> bool {
    let is_folder = fs::symlink_metadata(folder).is_ok_and(|found| found.is_dir());
    let Ok(entries) = fs::read_dir(folder) else { return false };
    is_folder && entries.flatten().all(|entry| entry.file_name() == EVENT_FILE && is_event_file(&entry.path()))
}

fn is_event_file(path: &Path) -> bool {
    // A killed process may have written less than the first record.
    let has_version = |head: &[u8]| head.len() < 32 || head.windows(EVENT_VERSION.len()).any(|at| at == EVENT_VERSION);
    file::read_head(path, 64).is_ok_and(|head| has_version(&head))
}

fn has_content_of(path: &Path, name: &str) -> bool {
    if name.ends_with(".safetensors") {
        return CheckpointProgress::read(path).is_some();
    }
    if name == "settings.yaml" {
        return file::read_text(path, file::SETTINGS_BYTES).is_ok_and(|text| settings::from_yaml(&text).is_ok());
    }
    if name == "report.html" {
        return is_own_report(path);
    }
    let Some(text) = text_of(path) else { return false };
    let has = |keys: &[&str]| text.starts_with('{') && keys.iter().all(|key| text.contains(&format!("\"{key}\":")));
    match name {
        STARTING => false,
        "model.model" => text.lines().any(|line| line.trim_start().starts_with("npc ")),
        "train.txt" | "val.txt" | "test.txt" => true,
        "groups.csv" => text.lines().next() == Some("stem,group,split"),
        "metrics.jsonl" => has(&["epoch", "loss"]),
        "summary.json" => has(&["scored_on", "n_train"]),
        "data.json" => has(&["images", "channels", "heights"]),
        "init.json" => has(&["file", "prefix", "other_prefixes"]),
        _ => !is_foreign_evaluation(path),
    }
}

/// Returns the beginning of a file as text; `None` if it cannot be read.
fn text_of(path: &Path) -> Option<String> {
    file::read_head(path, HEAD).ok().map(|head| String::from_utf8_lossy(&head).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The smallest file of weights with the mark of a checkpoint.
    fn checkpoint(metadata: &str) -> Vec<u8> {
        let header = format!(r#"{{"__metadata__":{{{metadata}}}}}"#);
        [&(header.len() as u64).to_le_bytes()[..], header.as_bytes()].concat()
    }

    #[test]
    fn files_of_a_run_are_known_by_their_content() {
        let dir = tempfile::tempdir().unwrap();
        let is = |name: &str, bytes: &[u8]| {
            let path = dir.path().join(name);
            fs::write(&path, bytes).unwrap();
            is_own(&path)
        };
        for (name, own, foreign) in [
            ("groups.csv", "stem,group,split\na,p1,train\n", "stem,group\na,p1\n"),
            ("init.json", "{\n  \"file\": \"w\",\n  \"prefix\": \"\",\n  \"other_prefixes\": []", "{\"file\": \"w\"}"),
            ("report.html", "<meta name=\"generator\" content=\"npc 0.1.0\">", "<html>my report</html>"),
            ("metrics.jsonl", "{\"epoch\":1,\"loss\":0.5}\n", "{\"step\":1}\n"),
            ("summary.json", "{\"n_train\": 3, \"scored_on\": \"val\"}", "{\"mine\": 1}"),
            ("data.json", "{\"images\": 1, \"channels\": [1], \"heights\": [1, 1]}", "[1, 2]"),
            ("model.model", "// a net\nnpc 1\n", "a text"),
            ("cases.csv", "stem,class,iou,dice,tp\n", "image,mask\n"),
            ("eval_val.json", "{\"split\": \"val\", \"checkpoint\": \"last\"", "{}"),
        ] {
            assert!(is(name, own.as_bytes()) && is(name, b""), "{name}");
            assert!(!is(name, foreign.as_bytes()), "{name}");
        }
        assert!(is("last.safetensors", &checkpoint(r#""npc":"{\"step\":3}""#)));
        assert!(!is("best_dice.safetensors", &checkpoint(r#""format":"pt""#)));
        assert!(!is("settings.yaml", b"learning_rate: 0.1\n") && !is("notes.md", b""));
        fs::remove_file(dir.path().join("groups.csv")).unwrap();
        fs::create_dir(dir.path().join("groups.csv")).unwrap();
        assert!(!is_own(&dir.path().join("groups.csv")));
    }

    #[test]
    fn a_folder_of_events_is_own_where_npc_wrote_all_of_it() {
        let dir = tempfile::tempdir().unwrap();
        let events = dir.path().join(EVENTS);
        fs::create_dir(&events).unwrap();
        assert!(is_own(&events));
        let first = [
            &[24, 0, 0, 0, 0, 0, 0, 0, 0xa3, 0x7f, 0x4b, 0x22, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0x1a, 13][..],
            EVENT_VERSION,
        ]
        .concat();
        fs::write(events.join(EVENT_FILE), &first).unwrap();
        assert!(is_own(&events));
        fs::write(events.join("events.out.tfevents.1700000000.host"), &first).unwrap();
        assert!(!is_own(&events));
        fs::remove_file(events.join("events.out.tfevents.1700000000.host")).unwrap();
        fs::write(events.join(EVENT_FILE), "notes of mine, and no events of a training").unwrap();
        assert!(!is_own(&events));
    }
}
