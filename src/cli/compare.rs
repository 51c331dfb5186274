//! `npc compare`: evaluated runs against each other.

use super::outcome::{Done, Stop};
use super::scores::{Format, Split, Table, cell, notes, number, title};
use super::terminal::print;
use crate::score::compare::{Comparison, Difference, Entrant, Files, Options, Scored, compare};
use crate::text::recipe::{Empty, Metric};
use clap::Args;
use std::path::PathBuf;

/// Compare evaluated runs on the same test images
#[derive(Args)]
#[command(
    after_help = "Means of each run with 95 % bootstrap intervals, and paired differences to the first run, image by
image: interval, p of the sign-flip permutation test, and in words whether the two can be told apart.
Runs that were not scored on the same images, or with another rule for empty masks, are refused. With
--group-seeds runs that differ in nothing but the seed count as one: scores are averaged over them
image by image, and the standard deviation over seeds is shown. Reads what `npc eval` wrote.

Examples:
  npc compare runs/unet runs/npnet
  npc compare runs/none_s* runs/se_s* runs/cam_s* --group-seeds --metrics dice,hd95
  npc compare runs/unet runs/npnet --format latex > table.tex

Exit codes: 0 done, 1 problems found, 2 wrong usage"
)]
pub struct Opts {
    /// Folders that `npc train` wrote and `npc eval` scored
    #[arg(required = true, num_args = 2.., value_name = "RUN_DIR")]
    runs: Vec<PathBuf>,
    #[arg(long, value_enum, default_value = "test")]
    split: Split,
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
    /// Of dice, iou, precision, recall, specificity, accuracy, boundary_iou, hd95, assd
    #[arg(long, value_delimiter = ',', value_parser = metric, default_value = "dice,iou,hd95")]
    metrics: Vec<Metric>,
    /// One class instead of the mean over the foreground classes
    #[arg(long)]
    class: Option<String>,
    /// Runs that differ in nothing but the seed count as one
    #[arg(long)]
    group_seeds: bool,
}

pub fn metric(name: &str) -> Result<Metric, String> {
    let known = || Metric::ALL.map(Metric::name).join(", ");
    Metric::from_name(name).ok_or_else(|| format!("the metrics are {}", known()))
}

pub fn run(opts: &Opts) -> Done {
    if opts.runs.len() < 2 {
        return Err(Stop::usage("a comparison takes two runs or more"));
    }
    let mut metrics: Vec<Metric> = Vec::new();
    opts.metrics.iter().for_each(|m| {
        if !metrics.contains(m) {
            metrics.push(*m)
        }
    });
    let (cases, evaluation) = (opts.split.file("cases", "csv"), opts.split.file("eval", "json"));
    let option = opts.split.option();
    let files = Files { cases: &cases, evaluation: &evaluation, option: &option };
    let runs = opts.runs.iter().map(|dir| Scored::open(dir, files)).collect::<Result<Vec<_>, _>>()?;
    let options = Options { metrics, class: opts.class.clone(), group_seeds: opts.group_seeds, seed: 0 };
    let comparison = compare(runs, &options)?;
    let format = opts.format;
    match format {
        Format::Json => print(&json(&comparison)),
        Format::Csv => print(&long(&comparison, &options.metrics)),
        Format::Text | Format::Markdown | Format::Latex => print(&told(&comparison, &options.metrics, format)),
    }
}

/// The comparison with its words.
fn json(c: &Comparison) -> String {
    let mut value = serde_json::json!(c);
    let words = c.differences.iter().map(|d| words(d, c).into());
    if let Some(list) = value["differences"].as_array_mut() {
        list.iter_mut().zip(words).for_each(|(d, words)| d["words"] = words);
    }
    format!("{value:#}\n")
}

fn images(c: &Comparison) -> String {
    let groups = c.groups.map_or(String::new(), |g| format!(" in {g} groups"));
    format!("{} {} images{groups}", c.n, c.split)
}

/// `A above B by 0.0120 [0.0040, 0.0210]`, or that they cannot be told apart.
fn words(d: &Difference, c: &Comparison) -> String {
    let groups = c.groups.map_or(String::new(), |g| format!(" images in {g} groups"));
    if !d.distinguishable {
        return format!("{} and {} not distinguishable with n = {}{groups}", d.run, d.reference, d.n);
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

fn p(value: f64) -> String {
    if value < 0.001 { "< 0.001".into() } else { format!("{value:.3}") }
}

fn signed(d: &Difference) -> String {
    let number = |x: f64| if x >= 0.0 { format!("+{}", number(d.metric, x)) } else { number(d.metric, x) };
    format!("{} [{}, {}]", number(d.mean), number(d.low), number(d.high))
}

/// `0.9512 ± 0.0021 [0.9432, 0.9581]`
fn score(run: &Entrant, metric: Metric) -> String {
    let Some(e) = run.scores.get(&metric) else { return "-".into() };
    let text = cell(metric, e.mean, e.interval);
    match (e.deviation, text.split_once(' ')) {
        (Some(sd), Some((mean, rest))) => format!("{mean} ± {} {rest}", number(metric, sd)),
        (Some(sd), None) => format!("{text} ± {}", number(metric, sd)),
        (None, _) => text,
    }
}

/// A table of means; the differences below as sentences, or as a second table for papers.
fn told(c: &Comparison, metrics: &[Metric], format: Format) -> String {
    let head = format!("{} runs on {}", c.runs.len(), images(c));
    let several = c.runs.iter().any(|r| r.seeds.len() > 1);
    let mut header = vec!["run".to_string()];
    header.extend(several.then(|| "seeds".into()));
    header.extend(metrics.iter().map(|&m| title(m, c.unit)));
    let row = |run: &Entrant| {
        let mut cells = vec![run.name.clone()];
        cells.extend(several.then(|| run.seeds.len().to_string()));
        cells.extend(metrics.iter().map(|&m| score(run, m)));
        cells
    };
    let table =
        Table { title: head.clone(), header, words: Vec::new(), rows: c.runs.iter().map(row).collect() }.print(format);
    let mut remarks = vec![
        match &c.classes[..] {
            [one] => format!("class {one}; {}", c.empty_rule.told()),
            many => format!("mean over {} classes ({}); {}", many.len(), many.join(", "), c.empty_rule.told()),
        },
        "[95 % intervals]: percentile bootstrap over images, paired for differences; p: sign-flip permutation".into(),
    ];
    if c.empty_rule == Empty::Skip {
        remarks.push(
            "with `skip` a difference is over the images that both runs have a score for, a mean over its own".into(),
        );
    }
    if c.runs.len() > 2 {
        remarks.push(format!("p (Holm) allows for {} comparisons with one run", c.runs.len() - 1));
    }
    if several {
        remarks.push("±: standard deviation over seeds; intervals are of scores averaged over them".into());
    }
    remarks.extend(c.notes.iter().cloned());
    let remarks = notes(&remarks, format);
    if c.differences.is_empty() {
        return format!("{}{table}{remarks}", headline(&head, format));
    }
    if format != Format::Text {
        let differences = differences(c);
        let title = if format == Format::Markdown { format!("{}:\n\n", differences.title) } else { String::new() };
        return format!("{table}\n{title}{}{remarks}", differences.print(format));
    }
    let line = |d: &Difference| {
        let holm = if c.runs.len() > 2 { format!(", {} with Holm", p(d.p_holm)) } else { String::new() };
        let numbers = if d.distinguishable { String::new() } else { format!(" (difference {})", signed(d)) };
        format!("{}: {}{numbers}, p {}{holm}\n", title(d.metric, c.unit), words(d, c), equals(d.p))
    };
    let lines: String = c.differences.iter().map(line).collect();
    format!("{}{table}\n{lines}{remarks}", headline(&head, format))
}

fn headline(head: &str, format: Format) -> String {
    if format == Format::Text { format!("{head}\n\n") } else { String::new() }
}

/// `= 0.031`, `< 0.001`
fn equals(value: f64) -> String {
    if value < 0.001 { p(value) } else { format!("= {}", p(value)) }
}

fn differences(c: &Comparison) -> Table {
    let reference = c.runs.first().map_or("", |r| r.name.as_str());
    let holm = c.runs.len() > 2;
    let mut header = vec!["run".to_string(), "metric".into(), "in words".into(), "difference".into(), "p".into()];
    header.extend(holm.then(|| "p (Holm)".into()));
    let row = |d: &Difference| {
        let words = match (d.distinguishable, d.mean > 0.0) {
            (false, _) => format!("not distinguishable with n = {}", d.n),
            (true, true) => "above".into(),
            (true, false) => "below".into(),
        };
        let mut cells = vec![d.run.clone(), title(d.metric, c.unit), words, signed(d), p(d.p)];
        cells.extend(holm.then(|| p(d.p_holm)));
        cells
    };
    let rows = c.differences.iter().map(row).collect();
    Table { title: format!("paired differences to {reference}"), header, words: vec![1, 2], rows }
}

/// One line per run and metric, every number in full.
fn long(c: &Comparison, metrics: &[Metric]) -> String {
    let header = [
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
    let plain = |x: Option<f64>| x.map_or(String::new(), |x| format!("{x:.6}"));
    let mut rows = Vec::new();
    for run in &c.runs {
        for &metric in metrics {
            let Some(e) = run.scores.get(&metric) else { continue };
            let d = c.differences.iter().find(|d| d.metric == metric && d.run == run.name);
            rows.push(vec![
                run.name.clone(),
                run.seeds.len().to_string(),
                metric.name().into(),
                if metric.is_distance() { c.unit.name().into() } else { String::new() },
                plain(e.mean),
                plain(e.interval.map(|i| i.low)),
                plain(e.interval.map(|i| i.high)),
                plain(e.deviation),
                d.map_or(String::new(), |d| d.reference.clone()),
                d.map_or(c.n, |d| d.n).to_string(),
                plain(d.map(|d| d.mean)),
                plain(d.map(|d| d.low)),
                plain(d.map(|d| d.high)),
                plain(d.map(|d| d.p)),
                plain(d.map(|d| d.p_holm)),
                plain(d.and_then(|d| d.wilcoxon)),
                d.map_or(String::new(), |d| words(d, c)),
            ]);
        }
    }
    Table { title: String::new(), header: header.map(String::from).to_vec(), words: Vec::new(), rows }
        .print(Format::Csv)
}
