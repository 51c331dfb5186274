//! The comparison of runs as text, tables and JSON.

use super::scores::{cell, difference, number, title};
use super::table::{Cell, Column, Estimate, OutputFormat, Table};
use crate::base::count::counted;
use crate::base::number::{p_relation, p_value, thousands};
use crate::metric::statistics::Interval;
use crate::score::compare::{Comparison, MetricDifference, RunGroup};
use crate::text::config::{EmptyClassRule, Metric};

/// Returns the comparison as JSON, each difference with its description in words.
pub(crate) fn comparison_json(c: &Comparison) -> String {
    let mut value = serde_json::json!(c);
    let words = c.differences.iter().map(|d| difference_in_words(d, c).into());
    if let Some(list) = value["differences"].as_array_mut() {
        list.iter_mut().zip(words).for_each(|(d, words)| d["words"] = words);
    }
    format!("{value:#}\n")
}

/// Returns `12 test images in 3 groups`.
pub(super) fn image_count(c: &Comparison) -> String {
    let groups = c.groups.map_or(String::new(), |g| format!(" in {}", counted(g, "group")));
    format!("{}{groups}", counted(c.n, &format!("{} {}", c.split, c.of.one())))
}

/// Returns `A above B by 0.0120 [0.0040, 0.0210]`, or that the two are not distinguishable.
fn difference_in_words(d: &MetricDifference, c: &Comparison) -> String {
    let of = match (c.groups, d.seeds) {
        (None, 1) => String::new(),
        (None, _) => format!(" {}", c.of.name()),
        (Some(g), _) => format!(" {} in {}", c.of.name(), counted(g, "group")),
    };
    let groups = if d.seeds > 1 { format!("{of} and {}", counted(d.seeds, "seed")) } else { of };
    if !d.distinguishable {
        return format!("{} and {} not distinguishable with n = {}{groups}", d.run, d.reference, thousands(d.n));
    }
    let way = if d.mean > 0.0 { "above" } else { "below" };
    let (low, high) = if d.mean > 0.0 { (d.low, d.high) } else { (-d.high, -d.low) };
    let number = |x| number(d.metric, x);
    let better = match d.metric.is_distance() {
        true if d.mean < 0.0 => " (better)",
        true => " (worse)",
        false => "",
    };
    format!("{} {way} {} by {} [{}, {}]{better}", d.run, d.reference, number(d.mean.abs()), number(low), number(high))
}

fn signed_difference(d: &MetricDifference) -> Estimate {
    difference(d.metric, d.mean, Interval { low: d.low, high: d.high })
}

/// Returns a score such as `0.9512 ± 0.0021 [0.9432, 0.9581]`.
fn score_cell(run: &RunGroup, metric: Metric) -> Cell {
    run.scores.get(&metric).map_or(Cell::Missing, |e| cell(metric, e.mean, e.deviation, e.interval))
}

/// Returns a table of means, followed by the differences as sentences in text, or as a second table in other formats.
pub(crate) fn comparison_tables(c: &Comparison, format: OutputFormat) -> String {
    let means = means_table(c, &c.metrics);
    let head = headline_above(&means.title, format);
    let table = means.print(format);
    let notes = format.notes(&comparison_notes(c));
    if c.differences.is_empty() {
        return format!("{head}{table}{notes}");
    }
    if format == OutputFormat::Text {
        let lines: String = c.differences.iter().map(|d| difference_line(d, c)).collect();
        return format!("{head}{table}\n{lines}{notes}");
    }
    let differences = differences_table(c);
    let title = if format == OutputFormat::Markdown { format!("{}:\n\n", differences.title) } else { String::new() };
    format!("{table}\n{title}{}{notes}", differences.print(format))
}

/// Checks whether any run group has several seeds.
fn has_several_seeds(c: &Comparison) -> bool {
    c.runs.iter().any(|r| r.seeds.len() > 1)
}

/// Returns a table with one row per run group and one column per metric.
fn means_table(c: &Comparison, metrics: &[Metric]) -> Table {
    let several = has_several_seeds(c);
    let mut columns = vec![Column::words("run")];
    columns.extend(several.then(|| Column::numbers("seeds")));
    columns.extend(metrics.iter().map(|&m| Column::numbers(title(m, c.unit))));
    let row = |run: &RunGroup| {
        let mut cells = vec![Cell::from(run.name.as_str())];
        cells.extend(several.then_some(Cell::Count(run.seeds.len() as u64)));
        cells.extend(metrics.iter().map(|&m| score_cell(run, m)));
        cells
    };
    let title = format!("{} on {}", counted(c.runs.len(), "run"), image_count(c));
    Table { title, columns, rows: c.runs.iter().map(row).collect() }
}

/// Returns the notes below the tables.
pub(crate) fn comparison_notes(c: &Comparison) -> Vec<String> {
    let (of, rule) = (c.of.name(), c.empty_rule.explanation(c.of.with_article()));
    let mut notes = vec![match &c.classes[..] {
        [one] => format!("class {one}; {rule}"),
        many => format!("mean over {} ({}); {rule}", counted(many.len(), "class"), many.join(", ")),
    }];
    if c.runs.iter().any(|run| run.scores.values().any(|score| score.interval.is_some())) {
        let units = if c.groups.is_some() { format!("groups of {of}") } else { of.to_string() };
        let (over, paired) = match has_several_seeds(c) {
            true => (format!("{units} and seeds"), "paired by image and seed"),
            false => (units, "paired"),
        };
        let test = if is_tested(c) { "; p: sign-flip permutation test" } else { "" };
        notes.push(format!("[95 % intervals]: percentile bootstrap over {over}, {paired} for differences{test}"));
    }
    if c.empty_rule == EmptyClassRule::Skip {
        notes.push(format!(
            "with `empty = skip` a mean covers the {of} with a score, a difference those with two scores"
        ));
    }
    if has_holm(c) {
        notes.push(format!("p (Holm) is corrected for {} with the first run", counted(c.runs.len() - 1, "comparison")));
    }
    if has_several_seeds(c) {
        notes.push("±: standard deviation over seeds; over several seeds there is no p, because the permutation test knows images alone".into());
    }
    notes.extend(c.notes.iter().cloned());
    notes
}

/// Returns the line of one difference in text.
fn difference_line(d: &MetricDifference, c: &Comparison) -> String {
    let p = p_in_words(d, c).map_or(String::new(), |p| format!(", {p}"));
    let numbers = if d.distinguishable { String::new() } else { format!(" (difference {})", signed_difference(d)) };
    let (title, words) = (title(d.metric, c.unit), difference_in_words(d, c));
    format!("{title}: {words}{numbers}{p}\n")
}

/// Returns `p = 0.012, 0.024 with Holm`; `None` without a test.
pub(super) fn p_in_words(d: &MetricDifference, c: &Comparison) -> Option<String> {
    let holm = d.p_holm.filter(|_| has_holm(c)).map_or(String::new(), |p| format!(", {} with Holm", p_value(p)));
    d.p.map(|p| format!("p {}{holm}", p_relation(p)))
}

/// Checks whether any difference has a p.
fn is_tested(c: &Comparison) -> bool {
    c.differences.iter().any(|d| d.p.is_some())
}

/// Checks whether p is corrected for several comparisons.
fn has_holm(c: &Comparison) -> bool {
    c.runs.len() > 2 && is_tested(c)
}

fn headline_above(head: &str, format: OutputFormat) -> String {
    if format == OutputFormat::Text { format!("{head}\n\n") } else { String::new() }
}

fn differences_table(c: &Comparison) -> Table {
    let reference = c.runs.first().map_or("", |r| r.name.as_str());
    let (holm, tested) = (has_holm(c), is_tested(c));
    let mut columns = vec![Column::words("run"), Column::words("metric"), Column::words("in words")];
    columns.push(Column::numbers("difference"));
    columns.extend(tested.then(|| Column::numbers("p")));
    columns.extend(holm.then(|| Column::numbers("p (Holm)")));
    let row = |d: &MetricDifference| {
        let words = match (d.distinguishable, d.mean > 0.0) {
            (false, _) => format!("not distinguishable with n = {}", thousands(d.n)),
            (true, true) => "above".into(),
            (true, false) => "below".into(),
        };
        let mut cells: Vec<Cell> = vec![d.run.as_str().into(), title(d.metric, c.unit).into(), words.into()];
        let p = |p: Option<f64>| p.map_or(Cell::Empty, |p| p_value(p).into());
        cells.push(Cell::Estimate(signed_difference(d)));
        cells.extend(tested.then(|| p(d.p)));
        cells.extend(holm.then(|| p(d.p_holm)));
        cells
    };
    let rows = c.differences.iter().map(row).collect();
    Table { title: format!("paired differences to {reference}"), columns, rows }
}

/// Returns a table for programs with one row per run and metric.
pub(crate) fn long_table(c: &Comparison) -> Table {
    let metrics = &c.metrics;
    let columns = [
        "run",
        "seeds",
        "metric",
        "unit",
        "mean",
        "low",
        "high",
        "seed_deviation",
        "reference",
        "n",
        "difference",
        "difference_low",
        "difference_high",
        "p",
        "p_holm",
        "wilcoxon_p",
        "words",
    ];
    let number = |x: Option<f64>| Cell::from(x.map(|x| Cell::decimal(x, 6)));
    let mut rows: Vec<Vec<Cell>> = Vec::new();
    for run in &c.runs {
        for &metric in metrics {
            let Some(e) = run.scores.get(&metric) else { continue };
            let d = c.differences.iter().find(|d| d.metric == metric && d.run == run.name);
            rows.push(vec![
                run.name.as_str().into(),
                Cell::Count(run.seeds.len() as u64),
                metric.name().into(),
                if metric.is_distance() { c.unit.name().into() } else { Cell::Empty },
                number(e.mean),
                number(e.interval.map(|i| i.low)),
                number(e.interval.map(|i| i.high)),
                number(e.deviation),
                d.map_or(Cell::Empty, |d| d.reference.as_str().into()),
                Cell::Count(d.map_or(c.n, |d| d.n) as u64),
                number(d.map(|d| d.mean)),
                number(d.map(|d| d.low)),
                number(d.map(|d| d.high)),
                number(d.and_then(|d| d.p)),
                number(d.and_then(|d| d.p_holm)),
                number(d.and_then(|d| d.wilcoxon)),
                d.map_or(Cell::Empty, |d| difference_in_words(d, c).into()),
            ]);
        }
    }
    Table::new(columns.map(Column::words).to_vec(), rows)
}
