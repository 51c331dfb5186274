//! Run folders as a table.

use super::table::{Cell, Column, Table};
use crate::base::number::duration;
use crate::score::run_overview::{RunOverview, ScoredWeights, TestDice};

/// Returns a table with one row for each run folder.
pub(crate) fn table(runs: &[RunOverview]) -> Table {
    let columns = vec![
        Column::words("run"),
        Column::words("model"),
        Column::words("data"),
        Column::numbers("epochs").for_people(),
        Column::numbers("epochs").for_programs(),
        Column::numbers("planned_epochs").for_programs(),
        Column::words("state"),
        Column::numbers("best Dice").named("best_dice"),
        Column::words("of").named("best_of"),
        Column::numbers("epoch").named("best_epoch"),
        Column::numbers("test Dice").for_people(),
        Column::numbers("test_dice").for_programs(),
        Column::words("test_dice_stale").for_programs(),
        Column::words("test_dice_flips").for_programs(),
        Column::words("test_dice_weights").for_programs(),
        Column::numbers("time").for_people(),
        Column::numbers("seconds").for_programs(),
        Column::numbers("size").named("bytes"),
        Column::words("problems").for_programs(),
    ];
    Table { title: "runs".into(), columns, rows: runs.iter().map(row).collect() }
}

fn row(run: &RunOverview) -> Vec<Cell> {
    let settings = run.settings.as_ref().map(|settings| &settings.train);
    let planned = settings.map(|train| train.epochs as u64);
    let score = |dice: f64| Cell::decimal(dice, 4);
    vec![
        run.folder.display().to_string().into(),
        settings.map(|train| train.model.as_str()).into(),
        settings.map(|train| train.data.as_str()).into(),
        planned.map_or_else(|| run.epochs.to_string(), |planned| format!("{}/{planned}", run.epochs)).into(),
        Cell::Count(run.epochs),
        planned.map(Cell::Count).into(),
        run.progress.name().into(),
        run.best.map(|best| score(best.dice)).into(),
        run.best.map(|best| best.scored_on.name()).into(),
        run.best.map(|best| Cell::Count(best.epoch)).into(),
        run.test.map(marked_dice).into(),
        run.test.map(|test| score(test.dice)).into(),
        run.test.map_or(Cell::Missing, |test| Cell::Flag(test.stale)),
        run.test.map_or(Cell::Missing, |test| Cell::Flag(test.flips)),
        run.test.map(|test| test.weights.name()).into(),
        run.seconds.map(duration).into(),
        run.seconds.map(|seconds| Cell::decimal(seconds, 0)).into(),
        Cell::Bytes(run.bytes),
        (!run.problems.is_empty()).then(|| run.problems.join("; ")).into(),
    ]
}

/// Returns the score with what makes it unlike others: `0.9123 (flips, stale)`.
fn marked_dice(TestDice { dice, stale, flips, weights }: TestDice) -> String {
    let others = weights != ScoredWeights::Usual;
    let marks = [(others, weights.name()), (flips, "flips"), (stale, "stale")];
    let marks: Vec<&str> = marks.iter().filter_map(|(is, mark)| is.then_some(*mark)).collect();
    if marks.is_empty() { format!("{dice:.4}") } else { format!("{dice:.4} ({})", marks.join(", ")) }
}

/// Returns remarks for below the table.
pub(crate) fn notes(runs: &[RunOverview]) -> Vec<String> {
    let stale = runs.iter().find(|run| run.test.is_some_and(|test| test.stale));
    let stale = stale.map(|run| {
        format!(
            "(stale): of other weights than the folder has now; score them with `npc eval {}`",
            run.folder.display()
        )
    });
    // Where all scores have flips, they are alike.
    let [with, without] =
        [true, false].map(|flips| runs.iter().any(|run| run.test.is_some_and(|test| test.flips == flips)));
    let flips = with.then(|| {
        let mixed = if without { "; they cannot be compared with the others" } else { "" };
        format!("(flips): scored with `npc eval --flips`, test-time augmentation over mirror images{mixed}")
    });
    let has = |weights| runs.iter().any(|run| run.test.is_some_and(|test| test.weights == weights));
    let last = has(ScoredWeights::Last).then(|| {
        "(last): scored with `npc eval --checkpoint last`, and not with the best weights of the run".to_string()
    });
    let other = has(ScoredWeights::Other).then(|| {
        "(other weights): scored with `npc eval --checkpoint`, and not with the best weights of the run".to_string()
    });
    last.into_iter().chain(other).chain(flips).chain(stale).collect()
}
