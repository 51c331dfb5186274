//! Names of the files that npc writes into a run folder.

use crate::base::file;
use crate::text::config::Metric;
use std::io::ErrorKind;
use std::path::Path;

/// Name of the inner folder while the files of a replaced run are on their way in or out, so that none of a new run lie beside it.
pub(super) const MOVING: &str = ".moving-run";
/// Name of the inner folder once it holds the whole replaced run.
pub(super) const REPLACED: &str = ".replaced-run";

/// Name of the mark that the first files of a run are being written.
pub(super) const STARTING: &str = ".starting-run";

/// Name of the folder with the events of a run for TensorBoard.
pub(crate) const EVENTS: &str = "tensorboard";

/// Returns whether a process was killed while it replaced the run of a folder.
pub(crate) fn is_being_replaced(root: &Path) -> bool {
    [MOVING, REPLACED].iter().any(|inner| root.join(inner).is_dir())
}

/// Returns whether npc writes a file or folder of this name into a run folder, apart from the files that a model imports.
/// `log.txt` is not one: a sweep holds it open while the run trains.
pub(crate) fn is_own_name(name: &str) -> bool {
    const NAMES: [&str; 14] = [
        STARTING,
        "model.model",
        "settings.yaml",
        "train.txt",
        "val.txt",
        "test.txt",
        "groups.csv",
        "metrics.jsonl",
        "last.safetensors",
        "summary.json",
        "data.json",
        "init.json",
        "report.html",
        EVENTS,
    ];
    let of_role = |begin: &str, end: &str| {
        let middle = name.strip_prefix(begin).and_then(|rest| rest.strip_suffix(end));
        middle.is_some_and(|role| ["", "_train", "_val"].contains(&role))
    };
    let of_metric = name.strip_prefix("best_").and_then(|rest| rest.strip_suffix(".safetensors"));
    NAMES.contains(&name)
        || of_metric.is_some_and(|metric| Metric::ALL.into_iter().any(|known| known.name() == metric))
        || of_role("cases", ".csv")
        || of_role("volumes", ".csv")
        || of_role("eval", ".json")
}

/// Returns whether a file with the name of an evaluation's was not written by npc: it lacks the first columns of `cases.csv`, or the
/// first keys of `eval.json`. A file that is empty or missing holds nothing that could be lost.
pub(crate) fn is_foreign_evaluation(path: &Path) -> bool {
    let is_json = path.extension().is_some_and(|ending| ending == "json");
    match file::read_head(path, 4096) {
        Ok(bytes) => {
            let text = String::from_utf8_lossy(&bytes);
            let is_own = match is_json {
                true => text.contains("\"split\":") && text.contains("\"checkpoint\":"),
                false => text.starts_with("stem,class,iou,dice,"),
            };
            !is_own && !bytes.is_empty()
        }
        // What cannot be read is no file of npc, and what is not there is no file.
        Err(e) => e.kind() != ErrorKind::NotFound,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn evaluations_are_known_by_their_beginning() {
        let dir = tempfile::tempdir().unwrap();
        let is_foreign = |name: &str, text: &str| {
            let path = dir.path().join(name);
            std::fs::write(&path, text).unwrap();
            is_foreign_evaluation(&path)
        };
        assert!(!is_foreign("cases.csv", "stem,class,iou,dice,tp\na,lung,1,1,5\n") && !is_foreign("cases.csv", ""));
        assert!(is_foreign("cases.csv", "image,mask\na.png,b.png\n"));
        assert!(!is_foreign("eval.json", "{\n  \"run\": \"a\",\n  \"split\": \"test\",\n  \"checkpoint\": \"l"));
        assert!(is_foreign("eval.json", "{\"score\": 1}"));
        assert!(!is_foreign_evaluation(&dir.path().join("none.csv")));
    }

    #[test]
    fn names_of_a_run_are_exact() {
        for name in ["best_dice.safetensors", "cases_val.csv", "eval.json", "volumes_train.csv", "model.model"] {
            assert!(is_own_name(name), "{name}");
        }
        for name in
            ["best_of_all.safetensors", "cases_of_patients.csv", "evaluation_notes.json", "net.model", "log.txt"]
        {
            assert!(!is_own_name(name), "{name}");
        }
    }
}
