//! The box plot of a comparison of runs.

use super::chart::{BoxGroup, BoxPanel, BoxPlot, ChartDrawing, box_plot};
use super::comparison_tables::{image_count, p_in_words};
use super::distinct_names::distinct_names;
use super::scores::{difference, title};
use super::table::Cell;
use crate::base::count::counted;
use crate::metric::statistics::Interval;
use crate::score::compare::{Comparison, RunGroup};
use crate::text::config::Metric;

/// The most letters of the name of a run in the title.
const TITLE_LETTERS: usize = 30;
/// The most cases that a note names.
const NAMED_CASES: usize = 5;

/// Draws the scores of single images or volumes: a panel for each metric, a box for each run or group of seeds. `remarks` are those of
/// the printed comparison. `None` where no score is left.
pub(crate) fn comparison_plot(comparison: &Comparison, remarks: Vec<String>) -> Option<ChartDrawing> {
    let c = comparison;
    let panel = |&metric: &Metric| BoxPanel {
        title: title(metric, c.unit),
        groups: c.runs.iter().enumerate().map(|(k, run)| group(c, metric, k, run)).collect(),
    };
    let mut notes = vec![format!(
        "Boxes: median and quartiles with linear interpolation (NumPy's default); whiskers reach to the farthest {} within 1.5 \
         interquartile ranges. A ring is the mean of the table: over the {} of each class, then over the classes.",
        c.of.one(),
        c.of.name()
    )];
    notes.extend(c.metrics.iter().filter_map(|&metric| missing_note(c, metric)));
    notes.extend(remarks);
    box_plot(&BoxPlot {
        title: format!("{} on {}", runs_in_words(c), image_count(c)),
        case: format!("one {}", c.of.one()),
        cases: c.stems.clone(),
        panels: c.metrics.iter().map(panel).collect(),
        notes,
    })
}

fn runs_in_words(c: &Comparison) -> String {
    let names: Vec<&str> = c.runs.iter().map(|run| run.name.as_str()).collect();
    match &distinct_names(&names, TITLE_LETTERS).texts[..] {
        [one] => one.clone(),
        [a, b] => format!("{a} and {b}"),
        all => counted(all.len(), "run"),
    }
}

/// Returns a run with its scores; beside it stand its difference to the first run and p.
fn group(c: &Comparison, metric: Metric, k: usize, run: &RunGroup) -> BoxGroup {
    let found = c.differences.iter().find(|d| d.metric == metric && d.run == run.name);
    let notes = match found {
        Some(d) => {
            let interval = Interval { low: d.low, high: d.high };
            let difference = Cell::Estimate(difference(metric, d.mean, interval)).text();
            [Some(difference), p_in_words(d, c)].into_iter().flatten().collect()
        }
        None if k == 0 && !c.differences.is_empty() => vec!["reference".into()],
        None => Vec::new(),
    };
    BoxGroup {
        name: run.name.clone(),
        values: run.cases.get(&metric).cloned().unwrap_or_default(),
        // The mean of the table: over the images of each class, then over the classes.
        mean: run.scores.get(&metric).and_then(|score| score.mean),
        notes,
    }
}

/// Returns which cases have no score in some run, so that they are in no difference.
fn missing_note(c: &Comparison, metric: Metric) -> Option<String> {
    let is_missing = |case: usize| {
        let of = |run: &RunGroup| run.cases.get(&metric).and_then(|values| values.get(case)).is_none_or(|v| v.is_nan());
        c.runs.iter().any(of)
    };
    let missing: Vec<&str> = (0..c.stems.len()).filter(|&k| is_missing(k)).map(|k| c.stems[k].as_str()).collect();
    if missing.is_empty() {
        return None;
    }
    let named = missing[..missing.len().min(NAMED_CASES)].join(", ");
    let more =
        if missing.len() > NAMED_CASES { format!(" and {} more", missing.len() - NAMED_CASES) } else { String::new() };
    Some(format!("{}: without a score of every run: {named}{more}.", title(metric, c.unit)))
}
