//! The scores of a run as tables: one for people, and one with a row for each class and metric for programs.

use super::confusion_table::confusion_tables;
use super::score_remarks::{remarks, volume_remarks};
use super::scores::{cell, title as metric_title};
use super::table::{Cell, Column, OutputFormat, Table};
use crate::base::count::counted;
use crate::metric::statistics::Interval;
use crate::metric::{Evaluation, Intervals, MetricScores, Summary, VolumeEvaluation};
use crate::text::config::Metric;
use std::collections::BTreeMap;

/// Returns the title: `npnet_lung (best_dice.safetensors) on 12 test images at 128x128`.
pub(crate) fn headline(e: &Evaluation) -> String {
    let [h, w] = e.size;
    let flips = if e.flips { ", averaged over flips" } else { "" };
    let images = counted(e.summary.n, &format!("{} image", e.split));
    format!("{} ({}{flips}) on {images} at {h}x{w}", e.run, e.checkpoint)
}

/// The most foreground classes that a text table shows as columns with intervals.
const ABREAST: usize = 3;

/// Prints a row for each metric, with columns for the foreground classes, their mean, and the mean of the pooled scores.
/// Remarks on how the scores were computed follow below. Where the images are slices, a table of whole volumes comes after.
pub(crate) fn score_table(e: &Evaluation, classes: &[String], format: OutputFormat) -> String {
    let foreground = classes.len().saturating_sub(1);
    let images = scores_by_metric(headline(e), &e.summary, e.intervals.as_ref(), classes, format);
    let mut text = images + &format.notes(&remarks(e, foreground));
    if let Some(volumes) = &e.volumes {
        let title = volume_headline(e, volumes);
        // Only text prints the title of its table outside.
        let head = if format == OutputFormat::Text { format!("\n{title}\n\n") } else { "\n".into() };
        text += &head;
        text += &scores_by_metric(title, &volumes.summary, volumes.intervals.as_ref(), classes, format);
        text += &format.notes(&volume_remarks(volumes, foreground));
    }
    text
}

/// Prints the confusion matrix of the pixels, and of the voxels of whole volumes where there are some.
pub(crate) fn confusion_of(e: &Evaluation, format: OutputFormat) -> String {
    let volumes = e.volumes.as_ref().and_then(|volumes| volumes.confusion.as_ref());
    let parts = [(e.confusion.as_ref(), "pixels"), (volumes, "voxels")];
    let tables = parts.into_iter().filter_map(|(matrix, of)| Some(confusion_tables(matrix?, of, format)));
    tables.map(|text| format!("\n{text}")).collect()
}

/// Prints a row for each metric of images or volumes, and for many classes a second table with a row for each class.
fn scores_by_metric(
    title: String,
    s: &Summary,
    all: Option<&Intervals>,
    classes: &[String],
    format: OutputFormat,
) -> String {
    let foreground = classes.get(1..).unwrap_or_default();
    let none = BTreeMap::new();
    let wide = foreground.len() > ABREAST && format == OutputFormat::Text;
    let mut columns = vec![Column::words("metric")];
    let mut parts: Vec<(&MetricScores, &BTreeMap<Metric, Interval>)> = Vec::new();
    for class in foreground.iter().filter(|_| !wide) {
        let Some(scores) = s.per_class.get(class) else { continue };
        columns.push(Column::numbers(class));
        parts.push((scores, all.and_then(|i| i.per_class.get(class)).unwrap_or(&none)));
    }
    if foreground.len() > 1 {
        columns.push(Column::numbers("foreground mean"));
        parts.push((&s.mean, all.map_or(&none, |i| &i.mean)));
    }
    columns.push(Column::numbers(if foreground.len() > 1 { "pooled, mean" } else { "pooled" }));
    parts.push((&s.pooled.mean, all.map_or(&none, |i| &i.pooled)));
    let row = |metric: Metric| {
        let cells = parts.iter().map(|(scores, i)| cell(metric, scores.get(metric), None, i.get(&metric).copied()));
        std::iter::once(metric_title(metric, s.unit).into()).chain(cells).collect()
    };
    let rows = s.mean.metrics().map(row).collect();
    let text = Table { title, columns, rows }.print(format);
    if wide { format!("{text}\n{}", by_class(s, classes).to_text()) } else { text }
}

/// Returns a table for many classes: a row for each class, without intervals.
fn by_class(s: &Summary, classes: &[String]) -> Table {
    let metrics: Vec<Metric> = s.mean.metrics().collect();
    let mut columns = vec![Column::words("class")];
    columns.extend(metrics.iter().map(|&m| Column::numbers(metric_title(m, s.unit))));
    let rows = classes.iter().filter_map(|class| {
        let scores = s.per_class.get(class)?;
        let cells = metrics.iter().map(|&m| cell(m, scores.get(m), None, None));
        Some(std::iter::once(class.as_str().into()).chain(cells).collect())
    });
    Table::new(columns, rows.collect())
}

/// Returns the title of the table of volumes.
fn volume_headline(e: &Evaluation, volumes: &VolumeEvaluation) -> String {
    let (whole, slices) =
        (counted(volumes.summary.n, "whole volume"), counted(volumes.slices, &format!("{} slice", e.split)));
    format!("{whole} of {slices}, on the grid of the files")
}

/// Returns a table with a row for each class and metric, with all digits; the rows of volumes follow those of images.
pub(crate) fn long_table(e: &Evaluation, classes: &[String]) -> Table {
    let columns = [
        "class",
        "metric",
        "unit",
        "value",
        "low",
        "high",
        "pooled",
        "pooled_low",
        "pooled_high",
        "n",
        "empty_rule",
        "of",
    ];
    let mut rows = long_rows(&e.summary, e.intervals.as_ref(), classes, "images");
    if let Some(volumes) = &e.volumes {
        rows.extend(long_rows(&volumes.summary, volumes.intervals.as_ref(), classes, "volumes"));
    }
    Table::new(columns.map(Column::words).to_vec(), rows)
}

/// Returns the rows of images or of volumes.
fn long_rows(s: &Summary, all: Option<&Intervals>, classes: &[String], of: &str) -> Vec<Vec<Cell>> {
    let none = BTreeMap::new();
    let mut rows: Vec<Vec<Cell>> = Vec::new();
    let mut push = |name: &str,
                    by_image: &MetricScores,
                    by_pixel: &MetricScores,
                    i: &BTreeMap<Metric, Interval>,
                    j: &BTreeMap<_, _>| {
        for metric in by_image.metrics() {
            let plain = |x: Option<f64>| Cell::from(x.map(|x| Cell::decimal(x, 6)));
            let ends = |i: Option<&Interval>| [plain(i.map(|i| i.low)), plain(i.map(|i| i.high))];
            let [low, high] = ends(i.get(&metric));
            let [pooled_low, pooled_high] = ends(j.get(&metric));
            let unit = if metric.is_distance() { s.unit.name() } else { "" };
            rows.push(vec![
                name.into(),
                metric.name().into(),
                unit.into(),
                plain(by_image.get(metric)),
                low,
                high,
                plain(by_pixel.get(metric)),
                pooled_low,
                pooled_high,
                Cell::Count(s.n as u64),
                s.empty_rule.name().into(),
                of.into(),
            ]);
        }
    };
    for class in classes {
        let (Some(a), Some(b)) = (s.per_class.get(class), s.pooled.per_class.get(class)) else { continue };
        let of = |i: Option<&BTreeMap<String, BTreeMap<Metric, Interval>>>| i.and_then(|i| i.get(class)).cloned();
        let i = of(all.map(|i| &i.per_class)).unwrap_or_default();
        let j = of(all.map(|i| &i.pooled_per_class)).unwrap_or_default();
        push(class, a, b, &i, &j);
    }
    let (i, j) = all.map_or((&none, &none), |i| (&i.mean, &i.pooled));
    push("foreground mean", &s.mean, &s.pooled.mean, i, j);
    rows
}
