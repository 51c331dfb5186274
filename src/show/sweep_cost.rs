//! The chart of a trained sweep: the score of each point against what it costs.

use super::chart::{AxisUnit, ChartDrawing, ScatterAxis, ScatterChart, ScatterPoint, scatter};
use super::scores::number;
use crate::base::count::{counted, counted_of};
use crate::base::number::{bytes, duration, thousands};
use crate::metric::statistics::Interval;
use crate::study::explore::pareto_front;
use crate::text::config::Metric;
use std::str::FromStr;

/// Scores differ for the front if they do in this many parts of 1.
const SCORE_STEPS: f64 = 1e9;
/// The most letters of a message below the chart.
const MESSAGE_LETTERS: usize = 110;
/// The most points that a note names.
const NAMED_POINTS: usize = 12;

/// What a point costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum CostKey {
    #[default]
    Macs,
    Params,
    /// Peak memory of a forward pass.
    Inference,
    /// Peak memory of a training step.
    Training,
    /// Seconds of training, the mean over the seeds.
    Time,
}

impl CostKey {
    const ALL: [CostKey; 5] = [CostKey::Macs, CostKey::Params, CostKey::Inference, CostKey::Training, CostKey::Time];

    /// Returns the name on the command line.
    pub(crate) fn name(self) -> &'static str {
        match self {
            CostKey::Macs => "macs",
            CostKey::Params => "params",
            CostKey::Inference => "inference",
            CostKey::Training => "training",
            CostKey::Time => "time",
        }
    }

    fn unit(self) -> AxisUnit {
        match self {
            CostKey::Macs | CostKey::Params => AxisUnit::Count,
            CostKey::Inference | CostKey::Training => AxisUnit::Bytes,
            CostKey::Time => AxisUnit::Seconds,
        }
    }

    fn value_text(self, value: f64) -> String {
        match self {
            CostKey::Macs | CostKey::Params => thousands(value as u64),
            CostKey::Inference | CostKey::Training => bytes(value as u64),
            CostKey::Time => duration(value),
        }
    }
}

impl FromStr for CostKey {
    type Err = String;

    fn from_str(name: &str) -> Result<CostKey, String> {
        let known = || Self::ALL.map(Self::name).join(", ");
        Self::ALL.into_iter().find(|key| key.name() == name).ok_or_else(|| format!("the costs are {}", known()))
    }
}

/// A point of a trained sweep.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct PricedPoint {
    /// The values of the point on the axes of the sweep.
    pub label: String,
    /// The whole name, as of its folder.
    pub name: String,
    /// Cost by the key of the chart; `None` where it is not known.
    pub cost: Option<f64>,
    /// Mean over images and seeds; `None` without a scored run.
    pub score: Option<f64>,
    pub interval: Option<Interval>,
    /// Number of scored runs, and of all runs.
    pub runs: [usize; 2],
}

/// What the chart of a trained sweep shows.
pub(crate) struct CostChart {
    pub title: String,
    /// Explains the labels.
    pub axes: Vec<String>,
    pub key: CostKey,
    /// Name of the cost with its convention: `MACs, conv`.
    pub cost_title: String,
    pub metric: Metric,
    pub metric_title: String,
    pub points: Vec<PricedPoint>,
    /// Label and message of each run that failed, and of each point whose model cannot be built.
    pub failures: Vec<(String, String)>,
}

/// Draws the points with a score and a cost, and names the others below. `None` where no point has both.
pub(crate) fn cost_chart(chart: &CostChart) -> Option<ChartDrawing> {
    let mut shown: Vec<(&PricedPoint, [f64; 2])> =
        chart.points.iter().filter_map(|point| Some((point, [point.cost?, point.score?]))).collect();
    // The front is drawn in the order of its points.
    shown.sort_by(|(_, a), (_, b)| a[0].total_cmp(&b[0]).then(a[1].total_cmp(&b[1])));
    let worse = if chart.metric.is_distance() { 1.0 } else { -1.0 };
    let places: Vec<[i128; 2]> = shown
        .iter()
        .map(|(_, [cost, score])| [*cost, worse * score].map(|v| (v * SCORE_STEPS).round() as i128))
        .collect();
    let on_front = pareto_front(&places);
    let points = shown.iter().zip(on_front).map(|((point, at), on_front)| dot(chart, point, *at, on_front)).collect();
    let way = if chart.metric.is_distance() { "less is better" } else { "more is better" };
    scatter(&ScatterChart {
        title: chart.title.clone(),
        key: format!("labels: {}", chart.axes.join(" · ")),
        x: ScatterAxis { name: chart.cost_title.clone(), unit: chart.key.unit() },
        y: ScatterAxis { name: format!("{} ({way})", chart.metric_title), unit: AxisUnit::Score },
        points,
        notes: notes(chart),
    })
}

fn dot(chart: &CostChart, point: &PricedPoint, at: [f64; 2], on_front: bool) -> ScatterPoint {
    let score = |v: f64| number(chart.metric, v);
    let interval = point.interval.map_or(String::new(), |i| format!(" [{}, {}]", score(i.low), score(i.high)));
    let [scored, all] = point.runs;
    let tooltip = [
        point.name.clone(),
        format!("{}: {}{interval}", chart.metric_title, score(at[1])),
        format!("{}: {}", chart.cost_title, chart.key.value_text(at[0])),
        counted_of(scored, all, "run"),
    ];
    ScatterPoint {
        at,
        interval: point.interval.map(|Interval { low, high }| [low, high]),
        label: point.label.clone(),
        tooltip: tooltip.join("\n"),
        on_front,
    }
}

/// Returns what the chart leaves out, and how to read it.
fn notes(chart: &CostChart) -> Vec<String> {
    let mut notes = Vec::new();
    let named = |points: &[&PricedPoint]| {
        let names: Vec<&str> = points.iter().take(NAMED_POINTS).map(|point| point.name.as_str()).collect();
        let more = points.len().saturating_sub(NAMED_POINTS);
        if more > 0 { format!("{} and {more} more", names.join(", ")) } else { names.join(", ") }
    };
    // Labels are those of points, or of their runs: `width=4`, `width=4/seed=0`.
    let is_of = |label: &str, point: &PricedPoint| label.split('/').next() == Some(point.name.as_str());
    let is_failure = |point: &PricedPoint| chart.failures.iter().any(|(label, _)| is_of(label, point));
    let unscored: Vec<&PricedPoint> =
        chart.points.iter().filter(|point| point.score.is_none() && !is_failure(point)).collect();
    if !unscored.is_empty() {
        notes.push(format!("Without a scored run: {}.", named(&unscored)));
    }
    let unpriced: Vec<&PricedPoint> =
        chart.points.iter().filter(|point| point.score.is_some() && point.cost.is_none()).collect();
    if !unpriced.is_empty() {
        notes.push(format!("Without {}: {}.", chart.cost_title, named(&unpriced)));
    }
    let partial: Vec<&PricedPoint> =
        chart.points.iter().filter(|point| point.runs[0] > 0 && point.runs[0] < point.runs[1]).collect();
    if !partial.is_empty() {
        notes.push(format!("From some of their seeds only: {}.", named(&partial)));
    }
    for (label, message) in chart.failures.iter().take(NAMED_POINTS) {
        let first = message.lines().next().unwrap_or_default();
        notes.push(super::text::shortened(&format!("{label}: {first}"), MESSAGE_LETTERS));
    }
    if chart.failures.len() > NAMED_POINTS {
        notes.push(format!("{} failed.", counted(chart.failures.len() - NAMED_POINTS, "more run")));
    }
    notes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(name: &str, cost: Option<f64>, score: Option<f64>) -> PricedPoint {
        let interval = score.map(|s| Interval { low: s - 0.05, high: s + 0.04 });
        let scored = if score.is_some() { 1 } else { 0 };
        PricedPoint { label: name.into(), name: name.into(), cost, score, interval, runs: [scored, 1] }
    }

    fn chart(metric: Metric, points: Vec<PricedPoint>) -> CostChart {
        CostChart {
            title: "sweep".into(),
            axes: vec!["width".into()],
            key: CostKey::Macs,
            cost_title: "MACs, conv".into(),
            metric,
            metric_title: metric.title().into(),
            points,
            failures: vec![("wide/seed=0".into(), "failed: out of memory\nmore".into())],
        }
    }

    fn fronts(metric: Metric) -> [usize; 2] {
        let points = vec![
            point("small", Some(1e6), Some(0.5)),
            point("middle", Some(4e6), Some(0.7)),
            point("poor", Some(5e6), Some(0.6)),
            point("large", Some(9e7), Some(0.8)),
        ];
        let body = cost_chart(&chart(metric, points)).unwrap().body;
        ["s0", "weak"].map(|class| body.matches(&format!("{class}\"><circle class=\"dot\"")).count())
    }

    #[test]
    fn the_front_has_more_score_for_more_cost() {
        assert_eq!(fronts(Metric::Dice), [3, 1]);
        // Of distances less is better: the cheapest has the least.
        assert_eq!(fronts(Metric::Hd95), [1, 3]);
    }

    #[test]
    fn what_is_not_drawn_is_named() {
        let points = vec![
            point("a", Some(1e6), Some(0.5)),
            point("wid", Some(2e6), None),
            point("c", None, Some(0.5)),
            point("wide", None, None),
        ];
        let body = cost_chart(&chart(Metric::Dice, points)).unwrap().body;
        for part in ["Without a scored run: wid.", "Without MACs, conv: c.", "wide/seed=0: failed: out of memory<"] {
            assert!(body.contains(part), "no `{part}` in {body}");
        }
        assert!(cost_chart(&chart(Metric::Dice, vec![point("b", Some(2e6), None)])).is_none());
        assert!("macs".parse::<CostKey>().is_ok() && "price".parse::<CostKey>().is_err());
    }
}
