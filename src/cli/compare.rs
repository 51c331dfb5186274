//! `npc compare`: compares evaluated runs.

use super::error::{CommandError, CommandResult};
use super::file_format::check_ending;
use super::option_words::{TABLES, THEMES, format_parser, metric_parser, word_parser};
use super::split_option::SplitPart;
use super::terminal::{print, say_written};
use crate::base::count::counted;
use crate::base::number::{p_relation, p_value, thousands};
use crate::base::problem::problem;
use crate::desk::check_outputs_of_runs;
use crate::metric::statistics::Interval;
use crate::score::compare::{
    Comparison, ComparisonOptions, EvaluatedRun, MetricDifference, RunGroup, ScoredUnit, compare,
};
use crate::show::chart::{CHART_ENDINGS, ChartTheme};
use crate::show::comparison_plot::comparison_plot;
use crate::show::scores::{cell, difference, number, title};
use crate::show::table::{Cell, Column, Estimate, OutputFormat, Table};
use crate::text::config::{EmptyClassRule, Metric};
use clap::Args;
use std::path::PathBuf;

/// Compare evaluated runs on the same test images
#[derive(Args)]
#[command(after_help = "npc compare prints the mean of each run with its 95 % bootstrap interval and the paired
difference to the first run over the images. Each difference has its interval, the p-value of the
sign-flip permutation test, and whether the two are distinguishable (the interval excludes 0).
Runs evaluated on different images or with different rules for empty masks are refused.
--group-seeds treats runs that differ only in the seed as one: scores are averaged over the seeds
image by image, and the standard deviation over seeds is shown. The command reads the files of
`npc eval`.

Examples:
  npc compare runs/unet runs/npnet
  npc compare runs/none_s* runs/se_s* runs/cam_s* --group-seeds --metrics dice,hd95
  npc compare runs/unet runs/npnet --format latex > table.tex
  npc compare runs/unet runs/npnet --volumes
  npc compare runs/unet runs/npnet --metrics dice,hd95 --plot boxes.svg

Exit codes: 0 success, 1 problems found, 2 wrong usage")]
pub(super) struct CompareOptions {
    /// Run folders evaluated by `npc eval`
    #[arg(required = true, num_args = 2.., value_name = "RUN_DIR")]
    runs: Vec<PathBuf>,
    /// Part of the data split
    #[arg(long, value_enum, default_value = "test")]
    split: SplitPart,
    #[arg(long, value_parser = format_parser(TABLES), default_value = "text")]
    format: OutputFormat,
    /// Metrics to compare
    #[arg(long, value_name = "NAME,...", value_delimiter = ',', value_parser = metric_parser(), default_value = "dice,iou,hd95")]
    metrics: Vec<Metric>,
    /// Class to compare, instead of the mean over the foreground classes
    #[arg(long)]
    class: Option<String>,
    /// Treat runs that differ only in the seed as one
    #[arg(long)]
    group_seeds: bool,
    /// Compare whole volumes instead of their slices
    #[arg(long)]
    volumes: bool,
    /// Draw a box plot of the scores of single images, as .svg or .png
    #[arg(long, value_name = "FILE")]
    plot: Option<PathBuf>,
    /// Colours of the plot
    #[arg(long, value_name = "THEME", value_parser = word_parser(THEMES, ChartTheme::name), default_value = "auto", requires = "plot")]
    theme: ChartTheme,
}

pub(super) fn run(opts: &CompareOptions) -> CommandResult {
    if opts.runs.len() < 2 {
        return Err(CommandError::usage(problem!(E0503, "a comparison takes two runs or more")));
    }
    if let Some(path) = &opts.plot {
        check_ending(path, CHART_ENDINGS)?;
    }
    check_outputs_of_runs(opts.plot.clone(), &opts.runs, None)?;
    let mut metrics: Vec<Metric> = Vec::new();
    opts.metrics.iter().for_each(|m| {
        if !metrics.contains(m) {
            metrics.push(*m)
        }
    });
    let role = opts.split.role();
    let of = if opts.volumes { ScoredUnit::Volumes } else { ScoredUnit::Images };
    let runs = opts.runs.iter().map(|dir| EvaluatedRun::open(dir, role, of)).collect::<Result<Vec<_>, _>>()?;
    let options = ComparisonOptions { metrics, class: opts.class.clone(), group_seeds: opts.group_seeds, seed: 0 };
    let comparison = compare(runs, &options)?;
    let format = opts.format;
    match format {
        OutputFormat::Json => print(&comparison_json(&comparison)),
        OutputFormat::Csv => print(&long_table(&comparison).to_csv()),
        _ => print(&comparison_tables(&comparison, format)),
    }?;
    let Some(path) = &opts.plot else { return Ok(()) };
    let chart = comparison_plot(&comparison, comparison_notes(&comparison))
        .ok_or_else(|| problem!(E0741, path, "no score is left to draw"))?;
    say_written(path, chart.write(path, opts.theme)?);
    Ok(())
}

/// Returns the comparison as JSON, each difference with its description in words.
fn comparison_json(c: &Comparison) -> String {
    let mut value = serde_json::json!(c);
    let words = c.differences.iter().map(|d| difference_in_words(d, c).into());
    if let Some(list) = value["differences"].as_array_mut() {
        list.iter_mut().zip(words).for_each(|(d, words)| d["words"] = words);
    }
    format!("{value:#}\n")
}

fn image_count(c: &Comparison) -> String {
    let groups = c.groups.map_or(String::new(), |g| format!(" in {}", counted(g, "group")));
    format!("{}{groups}", counted(c.n, &format!("{} {}", c.split, c.of.one())))
}

/// Returns `A above B by 0.0120 [0.0040, 0.0210]`, or that the two are not distinguishable.
fn difference_in_words(d: &MetricDifference, c: &Comparison) -> String {
    let groups = c.groups.map_or(String::new(), |g| format!(" {} in {}", c.of.name(), counted(g, "group")));
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
fn comparison_tables(c: &Comparison, format: OutputFormat) -> String {
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
fn comparison_notes(c: &Comparison) -> Vec<String> {
    let (of, rule) = (c.of.name(), c.empty_rule.explanation(c.of.with_article()));
    let mut notes = vec![match &c.classes[..] {
        [one] => format!("class {one}; {rule}"),
        many => format!("mean over {} ({}); {rule}", counted(many.len(), "class"), many.join(", ")),
    }];
    if c.runs.iter().any(|run| run.scores.values().any(|score| score.interval.is_some())) {
        let units = if c.groups.is_some() { format!("groups of {of}") } else { of.to_string() };
        notes.push(format!(
            "[95 % intervals]: percentile bootstrap over {units}, paired for differences; p: sign-flip permutation test"
        ));
    }
    if c.empty_rule == EmptyClassRule::Skip {
        notes.push(format!(
            "with `empty = skip` a mean covers the {of} with a score, a difference those with two scores"
        ));
    }
    if c.runs.len() > 2 {
        notes.push(format!("p (Holm) is corrected for {} with the first run", counted(c.runs.len() - 1, "comparison")));
    }
    if has_several_seeds(c) {
        notes.push("±: standard deviation over seeds; intervals are for scores averaged over the seeds".into());
    }
    notes.extend(c.notes.iter().cloned());
    notes
}

/// Returns the line of one difference in text.
fn difference_line(d: &MetricDifference, c: &Comparison) -> String {
    let holm = if c.runs.len() > 2 { format!(", {} with Holm", p_value(d.p_holm)) } else { String::new() };
    let numbers = if d.distinguishable { String::new() } else { format!(" (difference {})", signed_difference(d)) };
    let (title, words, p) = (title(d.metric, c.unit), difference_in_words(d, c), p_relation(d.p));
    format!("{title}: {words}{numbers}, p {p}{holm}\n")
}

fn headline_above(head: &str, format: OutputFormat) -> String {
    if format == OutputFormat::Text { format!("{head}\n\n") } else { String::new() }
}

fn differences_table(c: &Comparison) -> Table {
    let reference = c.runs.first().map_or("", |r| r.name.as_str());
    let holm = c.runs.len() > 2;
    let mut columns = vec![Column::words("run"), Column::words("metric"), Column::words("in words")];
    columns.extend(["difference", "p"].map(Column::numbers));
    columns.extend(holm.then(|| Column::numbers("p (Holm)")));
    let row = |d: &MetricDifference| {
        let words = match (d.distinguishable, d.mean > 0.0) {
            (false, _) => format!("not distinguishable with n = {}", thousands(d.n)),
            (true, true) => "above".into(),
            (true, false) => "below".into(),
        };
        let mut cells: Vec<Cell> = vec![d.run.as_str().into(), title(d.metric, c.unit).into(), words.into()];
        cells.extend([Cell::Estimate(signed_difference(d)), p_value(d.p).into()]);
        cells.extend(holm.then(|| p_value(d.p_holm).into()));
        cells
    };
    let rows = c.differences.iter().map(row).collect();
    Table { title: format!("paired differences to {reference}"), columns, rows }
}

/// Returns a table for programs with one row per run and metric.
fn long_table(c: &Comparison) -> Table {
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
                number(d.map(|d| d.p)),
                number(d.map(|d| d.p_holm)),
                number(d.and_then(|d| d.wilcoxon)),
                d.map_or(Cell::Empty, |d| difference_in_words(d, c).into()),
            ]);
        }
    }
    Table::new(columns.map(Column::words).to_vec(), rows)
}
