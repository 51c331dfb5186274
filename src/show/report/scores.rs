//! The scores of `eval.json`: all metrics that it contains, with confidence intervals where it has them.
//!
//! This module depends on the structure of the file (`mean`, `per_class`, `pooled` and `intervals`, each with metrics by
//! name), but on no particular metric.

use super::content::RunReport;
use super::parts::{chart, display_name, sortable_table};
use crate::base::count::counted;
use crate::show::chart::{ImageScore, distribution};
use crate::show::table::{Cell, Column, Estimate, Table};
use maud::{Markup, PreEscaped, html};
use serde_json::{Map, Value};

/// The most rows of the table of cases.
const MAX_LINES: usize = 1000;

/// Draws the section on scores.
pub(super) fn section(report: &RunReport<'_>) -> Markup {
    let Some(evaluation) = &report.evaluation else {
        return html! { p { "The run is not scored yet: " code { "npc eval RUN" } " does it." } };
    };
    let images = match evaluation["n"].as_u64() {
        Some(n) => counted(n, &format!("{} image", report.split)),
        None => report.split.clone() + " images",
    };
    html! {
        p { "On " (images) "." }
        (score_tables(evaluation, &report.classes))
        @if report.remarks.is_empty() {
            @for text in notes(evaluation) { p class="note" { (text) } }
        } @else {
            @if let Some(weights) = weights_note(evaluation) { p class="note" { (weights) } }
            @for text in &report.remarks {
                p class=(if text.starts_with("hint: ") { "hint" } else { "note" }) { (sentence(text)) }
            }
        }
        (distributions(report))
        (figures_of_pixels(report))
        (case_table(report))
    }
}

/// Draws two tables, means over images and scores of pooled pixels, and two for whole volumes. Their columns are the classes and
/// the mean of the foreground classes.
fn score_tables(evaluation: &Value, classes: &[String]) -> Markup {
    let intervals = &evaluation["intervals"];
    let pooled = &evaluation["pooled"];
    let volumes = &evaluation["volumes"];
    let (of_volumes, voxels) = (&volumes["intervals"], &volumes["pooled"]);
    let parts = [
        ("Means over images", evaluation, &intervals["per_class"], &intervals["mean"]),
        ("From the pixels of all images together", pooled, &intervals["pooled_per_class"], &intervals["pooled"]),
        ("Means over whole volumes", volumes, &of_volumes["per_class"], &of_volumes["mean"]),
        ("From the voxels of all volumes together", voxels, &of_volumes["pooled_per_class"], &of_volumes["pooled"]),
    ];
    html! { div class="tables" {
        @for (title, part, of_class, of_mean) in parts {
            @let rows = score_rows(part, classes, of_class, of_mean);
            @if !rows.is_empty() {
                div class="scroll" tabindex="0" {
                    h3 { (title) }
                    (PreEscaped(by_metric(&rows).to_html("")))
                }
            }
        }
    } }
}

/// Returns a table with a row for each metric and a column for each class.
fn by_metric(rows: &[ScoreRow]) -> Table {
    let columns = std::iter::once(Column::words("metric")).chain(rows.iter().map(|row| Column::numbers(row.name)));
    let line = |m: &str| -> Vec<Cell> {
        let cells = rows.iter().map(|row| cell(&row.scores[m], &row.intervals[m]));
        std::iter::once(display_name(m).into()).chain(cells).collect()
    };
    Table::new(columns.collect(), metrics(rows).into_iter().map(line).collect())
}

/// The scores of one class, or of the foreground mean.
struct ScoreRow<'a> {
    name: &'a str,
    scores: &'a Value,
    intervals: &'a Value,
    mean: bool,
}

/// Returns the scores of each class and of the foreground mean.
fn score_rows<'a>(
    part: &'a Value,
    classes: &'a [String],
    of_class: &'a Value,
    of_mean: &'a Value,
) -> Vec<ScoreRow<'a>> {
    let classes = classes.iter().filter(|c| part["per_class"][c.as_str()].is_object());
    let mut rows: Vec<ScoreRow> = classes
        .map(|name| ScoreRow {
            name,
            scores: &part["per_class"][name.as_str()],
            intervals: &of_class[name.as_str()],
            mean: false,
        })
        .collect();
    // In files without the key `mean` the mean scores are at the top level.
    let scores = if part["mean"].is_object() { &part["mean"] } else { part };
    // With one foreground class the mean would repeat its column.
    if rows.len() > 2 {
        rows.push(ScoreRow { name: "foreground mean", scores, intervals: of_mean, mean: true });
    }
    rows
}

/// Returns the metrics of the classes in the order of the file, with Dice and IoU first.
fn metrics<'a>(rows: &[ScoreRow<'a>]) -> Vec<&'a str> {
    let mut names: Vec<&str> = Vec::new();
    for name in rows.iter().filter(|r| !r.mean).filter_map(|r| r.scores.as_object()).flat_map(Map::keys) {
        if !names.contains(&name.as_str()) {
            names.push(name);
        }
    }
    // Dice and IoU are the most used metrics.
    names.sort_by_key(|n| match *n {
        "dice" => 0,
        "iou" => 1,
        _ => 2,
    });
    names
}

/// Formats a score with four decimals, or with two where it cannot be a fraction.
fn cell(score: &Value, interval: &Value) -> Cell {
    let Some(value) = score.as_f64() else { return Cell::Missing };
    let ends = interval["low"].as_f64().zip(interval["high"].as_f64());
    let decimals = if value.abs() < 10.0 { 4 } else { 2 };
    Cell::Estimate(Estimate { interval: ends.map(|(low, high)| [low, high]), ..Estimate::new(value, decimals) })
}

/// Returns which weights were scored.
fn weights_note(evaluation: &Value) -> Option<String> {
    let file = evaluation["checkpoint"].as_str()?;
    let flips = if evaluation["flips"].as_bool() == Some(true) { ", averaged over mirror images" } else { "" };
    Some(format!("Weights: {file}{flips}."))
}

/// Returns a remark as a sentence.
fn sentence(remark: &str) -> String {
    let mut letters = remark.chars();
    letters.next().map_or_else(String::new, |first| format!("{}{}.", first.to_uppercase(), letters.as_str()))
}

/// Returns notes on how the scores were computed.
fn notes(evaluation: &Value) -> Vec<String> {
    let mut notes: Vec<String> = weights_note(evaluation).into_iter().collect();
    let intervals = &evaluation["intervals"];
    if intervals.is_object() {
        let count = |key: &str| intervals[key].as_u64();
        let mut text = "In brackets: 95 % interval by bootstrap".to_string();
        if let (Some(n), Some(units)) = (count("resamples"), count("units")) {
            let what = if intervals["grouped"].as_bool() == Some(true) { "group" } else { "image" };
            text += &format!(", {} of {}", counted(n, "resample"), counted(units, what));
        }
        notes.push(text + ".");
    }
    if let Some(rule) = evaluation["empty_rule"].as_str() {
        let times = evaluation["empty"].as_u64().unwrap_or(0);
        notes.push(format!("Empty masks: empty = {rule}, met by {} of image and class.", counted(times, "pair")));
    }
    if let Some(unit) = evaluation["unit"].as_str() {
        notes.push(format!("Distances are in {unit}."));
    }
    if let Some(ece) = evaluation["calibration"]["ece"].as_f64() {
        notes.push(format!("Expected calibration error of the pixels: {ece:.4}."));
    }
    notes
}

/// Draws one chart for the mean of each image, and one for each class where there are two to five.
fn distributions(report: &RunReport<'_>) -> Markup {
    let Some(cases) = &report.cases else { return html! {} };
    let (column, word) = &report.ranked_by;
    let Some(at) = cases.column(column) else { return html! {} };
    let classes = cases.classes();
    let mean = report.ranked.iter().map(|r| ImageScore { name: r.stem.clone(), value: r.score }).collect();
    let mut charts: Vec<(String, Vec<ImageScore>)> = vec![(format!("{word} of each image"), mean)];
    if (2..=5).contains(&classes.len()) {
        charts[0].0 += ", mean over the foreground classes";
        for class in classes {
            let of_class = cases.rows.iter().filter(|row| row.class == class);
            let points = of_class
                .filter_map(|row| Some(ImageScore { name: row.stem.clone(), value: row.values[at]? }))
                .collect();
            charts.push((format!("{word} of each image, {class}"), points));
        }
    }
    html! {
        h3 { "Distribution" }
        div class="charts" {
            @for (title, points) in charts.iter().filter(|(_, points)| !points.is_empty()) {
                (chart(distribution(title, word, points)))
            }
        }
    }
}

/// Draws confusion matrix, precision-recall curves and reliability diagram; where they were not counted, says how to get them.
fn figures_of_pixels(report: &RunReport<'_>) -> Markup {
    let figures = report.figures.draw();
    let split = if report.split == "test" { String::new() } else { format!(" --split {}", report.split) };
    html! {
        h3 { "Confusion, precision by recall, calibration" }
        @if report.figures.confusion.is_none() {
            p class="note" {
                "These scores are of an earlier version of npc, which counted no confusion matrix and no precision-recall curve. "
                code { "npc eval RUN" (split) } " counts them."
            }
        }
        div class="charts" { @for figure in figures { (chart(Some(figure.drawing))) } }
    }
}

/// Draws the table of all images, initially closed.
fn case_table(report: &RunReport<'_>) -> Markup {
    let Some(cases) = &report.cases else { return html! {} };
    let rank = |stem: &str| report.ranked.iter().position(|r| r.stem == stem).unwrap_or(usize::MAX);
    let mut rows: Vec<_> = cases.rows.iter().map(|row| (rank(&row.stem), row)).collect();
    rows.sort_by_key(|(rank, _)| *rank);
    let number = |v: &Option<f64>| match v {
        None => Cell::Missing,
        Some(v) if v.fract() == 0.0 => Cell::decimal(*v, 0),
        Some(v) => Cell::decimal(*v, 4),
    };
    let mut columns = vec![Column::words("image"), Column::words("class")];
    columns.extend(cases.columns.iter().map(|c| Column::numbers(display_name(c))));
    let lines = rows.iter().take(MAX_LINES).map(|(_, row)| {
        let mut cells: Vec<Cell> = vec![row.stem.as_str().into(), row.class.as_str().into()];
        cells.extend(row.values.iter().map(number));
        cells
    });
    let table = Table::new(columns, lines.collect());
    html! {
        details {
            summary { "Every image, worst first" @if rows.len() > MAX_LINES { " (the first " (MAX_LINES) " of " (rows.len()) " lines)" } }
            (sortable_table(&table))
        }
    }
}
