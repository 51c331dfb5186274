//! The chart of a trained sweep from its plan and its scores: what each point costs, and how well it scores.

use super::plan::{PlannedPoint, SweepPlan};
use super::run_state::RunState;
use crate::base::error::Result;
use crate::base::problem::problem;
use crate::metric::statistics::nan_mean;
use crate::score::sweep_scores::{PointScores, point_interval};
use crate::show::chart::ChartDrawing;
use crate::show::sweep_cost::{CostChart, CostKey, PricedPoint, cost_chart};
use crate::study::cost::Convention;
use crate::text::config::Metric;

/// What the chart of a trained sweep is to show.
pub(crate) struct CostChartRequest {
    pub title: String,
    /// The cost along x.
    pub key: CostKey,
    /// The counting rule of the plan's MACs.
    pub convention: Convention,
    /// The score along y.
    pub metric: Metric,
    /// Label and message of each run that failed, and of each point whose model cannot be built.
    pub failures: Vec<(String, String)>,
}

/// Draws the chart. `scores` are in the order of the points.
///
/// Errors: no point has a score and a cost.
pub(crate) fn cost_chart_of(
    plan: &SweepPlan,
    scores: &[PointScores],
    request: CostChartRequest,
) -> Result<ChartDrawing> {
    let CostChartRequest { title, key, convention, metric, failures } = request;
    let cost_title = match key {
        CostKey::Macs => format!("MACs, {convention}"),
        CostKey::Params => "parameters".into(),
        CostKey::Inference => "memory to run".into(),
        CostKey::Training => "memory to train".into(),
        CostKey::Time => "time of training".into(),
    };
    let points =
        plan.points.iter().zip(scores).map(|(point, scores)| priced_point(point, scores, key, metric)).collect();
    let (axes, metric_title) = (plan.axes.clone(), metric.title().into());
    cost_chart(&CostChart { title, axes, key, cost_title, metric, metric_title, points, failures }).ok_or_else(|| {
        problem!(E0741, "no point has a score to draw"; help: "train the runs with `--train`, or leave out `--plot`")
    })
}

fn priced_point(point: &PlannedPoint, scores: &PointScores, key: CostKey, metric: Metric) -> PricedPoint {
    // Lists are written without blanks to keep labels short.
    let cells = point.cells.iter().filter(|cell| !cell.is_empty()).map(|cell| cell.replace(", ", ","));
    let cells = cells.collect::<Vec<_>>().join(" · ");
    PricedPoint {
        label: if cells.is_empty() { point.label.clone() } else { cells },
        name: point.label.clone(),
        cost: cost_of(point, key),
        score: scores.mean(metric).map(|mean| mean.mean),
        interval: point_interval(scores, metric),
        runs: [scores.seeds.len(), point.runs.len()],
    }
}

/// Returns what a point costs; `None` where that is not known.
fn cost_of(point: &PlannedPoint, key: CostKey) -> Option<f64> {
    match key {
        CostKey::Macs => point.cost.map(|cost| cost.1 as f64),
        CostKey::Params => point.cost.map(|cost| cost.0 as f64),
        CostKey::Inference => point.peaks.map(|peaks| peaks.inference as f64),
        CostKey::Training => point.peaks.map(|peaks| peaks.training as f64),
        CostKey::Time => {
            let finished = point.runs.iter().filter(|run| run.state == RunState::Finished);
            nan_mean(finished.filter_map(|run| Some(run.folder.summary()?.seconds)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::plan::PlannedRun;
    use super::*;
    use crate::learn::run_folder::RunFolder;
    use crate::metric::CaseTable;
    use crate::score::sweep_scores::RunScores;
    use crate::study::claim::PeakBytes;
    use std::path::Path;

    fn point(folder: &Path, label: &str, macs: u64, seconds: f64) -> PlannedPoint {
        std::fs::create_dir_all(folder.join(label)).unwrap();
        let summary = format!(
            "{{\"dice\": 0.5, \"iou\": 0.4, \"epoch\": 1, \"seconds\": {seconds}, \"n_train\": 4, \"n_test\": 4, \"scored_on\": \"val\"}}"
        );
        std::fs::write(folder.join(label).join("summary.json"), summary).unwrap();
        let run = PlannedRun {
            label: format!("{label}/seed=0"),
            seed: 0,
            folder: RunFolder::new(folder.join(label)),
            train: Vec::new(),
            state: RunState::Finished,
        };
        PlannedPoint {
            label: label.into(),
            cells: vec![label.into(), "[8, 16]".into()],
            model: "M".into(),
            args: Vec::new(),
            cost: Some((7, macs)),
            peaks: Some(PeakBytes { inference: 1000, training: 2000 }),
            failure: None,
            paper: Vec::new(),
            runs: vec![run],
        }
    }

    fn scores(values: &[f64]) -> PointScores {
        let cases = CaseTable::of_dice(values);
        PointScores { seeds: vec![(0, RunScores { path: "cases.csv".into(), cases })] }
    }

    #[test]
    fn points_have_the_costs_and_the_scores_of_their_runs() {
        let folder = tempfile::tempdir().unwrap();
        let small = point(folder.path(), "small", 10, 65.0);
        let values = [(CostKey::Macs, 10.0), (CostKey::Params, 7.0), (CostKey::Inference, 1000.0)];
        let values = values.into_iter().chain([(CostKey::Training, 2000.0), (CostKey::Time, 65.0)]);
        for (key, cost) in values {
            let found = priced_point(&small, &scores(&[0.5, 0.75, 1.0]), key, Metric::Dice);
            assert_eq!((found.cost, found.score), (Some(cost), Some(0.75)), "{key:?}");
            let interval = found.interval.unwrap();
            assert!(0.5 <= interval.low && interval.low < 0.75 && 0.75 < interval.high && interval.high <= 1.0);
            assert_eq!((found.label.as_str(), found.runs), ("small · [8,16]", [1, 1]));
        }
        let mut plan = SweepPlan {
            sweep: "widths".into(),
            run: "tiny".into(),
            data: "cells".into(),
            figures_for: "cells".into(),
            out: folder.path().into(),
            axes: vec!["model".into(), "width".into()],
            points: vec![small, point(folder.path(), "large", 1000, 70.0)],
            left_out: 0,
            docs: Vec::new(),
            changed: None,
        };
        let draw = |plan: &SweepPlan, scores: &[PointScores]| {
            let (key, convention, metric) = (CostKey::Macs, Convention::Conv, Metric::Dice);
            let failures = vec![("large/seed=0".to_string(), "failed: out of memory".to_string())];
            cost_chart_of(plan, scores, CostChartRequest { title: "t".into(), key, convention, metric, failures })
        };
        let body = draw(&plan, &[scores(&[0.5, 0.75, 1.0]), PointScores::default()]).unwrap().body;
        assert!(
            body.contains("small · [8,16]") && body.contains("MACs, conv") && body.contains("large/seed=0: failed"),
            "{body}"
        );
        plan.points.truncate(1);
        let none = draw(&plan, &[PointScores::default()]).unwrap_err().to_string();
        assert!(none.contains("no point has a score"), "{none}");
    }
}
