//! Notes below the table of a trained sweep.

use super::trained_table::TrainedSweep;
use crate::base::count::{counted, counted_of};
use crate::desk::sweep::RunState;
use crate::learn::run_folder::RunFolder;
use crate::metric::CaseTable;
use crate::metric::statistics::{LEAST_UNITS, unit_count};
use crate::score::sweep_scores::PointScores;

/// Returns the notes that readers of the table need.
pub(super) fn notes(table: &TrainedSweep<'_>, scores: &[PointScores]) -> Vec<String> {
    let mut notes: Vec<String> = table.plan.docs.iter().map(|d| d.trim().to_string()).collect();
    if table.plan.left_out > 0 {
        let all = table.plan.left_out + table.plan.points.len();
        notes.push(format!("{} left out by `keep where`.", counted_of(table.plan.left_out, all, "model")));
    }
    match table.plan.changed.as_deref() {
        None | Some([]) => {}
        Some(changed) => notes.push(format!("Not as `{}` is written: {}.", table.plan.run, changed.join("; "))),
    }
    let reported = table.plan.points.iter().any(|p| !p.paper.is_empty());
    if reported && table.plan.figures_for != table.plan.data {
        let (on, here) = (&table.plan.figures_for, &table.plan.data);
        notes.push(format!("The paper's figures are for `{on}`, and cannot be compared with scores on `{here}`."));
    }
    if table.plan.points.iter().flat_map(|p| &p.paper).any(|f| f.refuted.is_some()) {
        notes.push("* a figure that the model file marks as wrong".to_string());
    }
    let Some((_, first)) = scores.iter().flat_map(|p| &p.seeds).next() else {
        notes.push("No run is finished.".to_string());
        return notes;
    };
    let seeds = table.rows.iter().flat_map(|r| r.differences.first()?.map(|d| d.seeds)).max();
    notes.push(format!(
        "Means over {}, then over the seeds; ± is the standard deviation over the seeds.",
        counted(first.cases.stems.len(), "test image")
    ));
    match seeds {
        None => {}
        Some(1) => notes.push(
            "One seed: the intervals cover the variation of the images, but not of repeated training.".to_string(),
        ),
        Some(n) => notes.push(format!(
            "Differences are paired by image and seed; their intervals are bootstrapped over images and {}.",
            counted(n, "seed")
        )),
    }
    notes.extend(note_on_groups(&first.cases));
    let unclear: Vec<&str> = (table.plan.points.iter().zip(&table.rows))
        .filter(|(_, row)| row.differences.first().is_some_and(|d| d.is_some_and(|d| !d.distinguishable())))
        .map(|(point, _)| point.label.as_str())
        .collect();
    if !unclear.is_empty() {
        let n = first.cases.stems.len();
        notes.push(format!("Not distinguishable from {} with n = {n}: {}.", table.reference(), unclear.join(", ")));
    }
    let folders = table.plan.points.iter().flat_map(|p| &p.runs).filter(|r| r.state == RunState::Finished);
    if folders.into_iter().any(|r| chosen_on_test(&r.folder)) {
        notes.push(
            "The split has no validation part: the evaluated epoch was selected on the test images, so the means are optimistic."
                .to_string(),
        );
    }
    notes
}

/// Returns a note on the groups of the test images; `None` if they have none.
fn note_on_groups(cases: &CaseTable) -> Option<String> {
    let groups = unit_count(cases.stems.len(), Some(cases.groups.as_deref()?));
    let of = counted(groups, "group");
    Some(match groups < LEAST_UNITS {
        true => format!("The test images are of {of}: intervals need at least {LEAST_UNITS}."),
        false => format!("The test images are of {of}: the bootstrap draws groups."),
    })
}

/// Checks whether the evaluated epoch was selected by its score on the test images.
fn chosen_on_test(folder: &RunFolder) -> bool {
    let on_test = folder.summary().is_some_and(|s| s.scored_on == "test");
    on_test && folder.checkpoint().is_ok_and(|path| path != folder.last())
}
