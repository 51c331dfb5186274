//! Collects the content of a report from a trained run. The page lists what is not available, and shows the rest.

mod cases;
mod costs;
mod data;
mod figures;
mod files;
mod settings;

use super::content::RunReport;
use super::parts::display_name;
use crate::data::{Dataset, SplitRole};
use crate::learn::history::History;
use crate::learn::trained_run::TrainedRun;
use crate::score::case_columns::CaseColumns;
use crate::show::figures::FigureData;
use std::path::Path;

/// Collects the settings, curves, costs and data of a run, its scores on one split, and pictures of `pictures` of the worst
/// cases and as many around the median. `missing` lists what is already known to be missing.
pub(crate) fn gather<'a>(
    run: TrainedRun<'a>,
    role: SplitRole,
    pictures: usize,
    mut missing: Vec<String>,
) -> RunReport<'a> {
    let TrainedRun { checked, settings, folder } = run;
    let data = match Dataset::open(&settings.data, Path::new(&settings.data_root)) {
        Ok(data) => Some(data),
        Err(e) => {
            missing.push(format!("The data cannot be opened, so there are no pictures: {e}"));
            None
        }
    };
    let table = CaseColumns::read(&folder.cases(role)).ok();
    let ranked_by = table.as_ref().map_or("dice", |table| table.ranking());
    let ranked = table.as_ref().map(|table| table.worst_first(ranked_by)).unwrap_or_default();
    let case_pictures = match &data {
        Some(_) => cases::cases(run, role, &ranked, pictures, &display_name(ranked_by)),
        None => cases::CasePictures::default(),
    };
    missing.extend(case_pictures.missing);
    let found = data.map(|data| data::data(&data, checked.input().channels())).transpose();
    let (balance, examples) = found
        .unwrap_or_else(|e| {
            missing.push(format!("Class balance and examples are missing: {e}"));
            None
        })
        .unwrap_or_default();
    let stored = figures::stored_evaluation(run, role);
    let remarks = stored.as_ref().map(|stored| figures::remarks(run, stored)).unwrap_or_default();
    let figure_data = stored.as_ref().map(FigureData::of_json).unwrap_or_default();
    let evaluation = stored.and_then(figures::with_flat_summary);
    missing.extend(files::unreadable_files(folder, role));
    let history = History::read(folder);
    RunReport {
        title: settings.train.name.clone(),
        subtitle: figures::subtitle(run),
        facts: figures::facts(run, evaluation.as_ref(), role, &history),
        scored_on: figures::scored_on(run),
        history,
        hints: figures::hints(run),
        remarks,
        figures: figure_data,
        evaluation,
        cases: table,
        split: role.name().into(),
        ranked_by: (ranked_by.into(), display_name(ranked_by)),
        ranked,
        worst: case_pictures.worst,
        median: case_pictures.median,
        checked,
        costs: costs::costs(run),
        blocks: costs::blocks(checked),
        classes: settings.data.classes.clone(),
        ignores: !settings.data.ignore.is_empty(),
        balance,
        examples,
        settings: settings::settings(run),
        commands: settings::commands(folder.root()),
        missing,
    }
}
