//! Table of a trained sweep, with one row per point.

use crate::base::atomic::write_atomic;
use crate::base::error::RunError;
use crate::desk::sweep::{PlannedPoint, RunState, SweepPlan};
use crate::score::sweep_scores::{PointDifference, PointScores, SeedMean, point_difference};
use crate::show::scores;
use crate::show::table::{Cell, Column, OutputFormat, Table};
use crate::study::cost::Convention;
use crate::text::config::Metric;
use serde_json::{Map, Value, json};
use std::path::{Path, PathBuf};

/// Names and formats of the files of a table.
const FILES: [(&str, OutputFormat); 5] = [
    ("table.txt", OutputFormat::Text),
    ("table.md", OutputFormat::Markdown),
    ("table.csv", OutputFormat::Csv),
    ("table.tex", OutputFormat::Latex),
    ("table.json", OutputFormat::Json),
];

/// Results of a trained sweep, with the points in the order of the plan.
pub(super) struct TrainedSweep<'a> {
    pub plan: &'a SweepPlan,
    pub convention: Convention,
    /// Metrics of the table; differences are shown for the first one.
    pub metrics: &'a [Metric],
    /// Results of the points.
    pub rows: Vec<TrainedPoint>,
    /// Index of the reference point.
    pub to: usize,
    /// Notes below the table.
    pub notes: Vec<String>,
    /// Label and message of each run that failed, and of each point whose model cannot be built.
    pub failures: Vec<(String, String)>,
}

/// Results of one point.
pub(super) struct TrainedPoint {
    /// Number of evaluated runs.
    pub scored: usize,
    /// Mean of each metric; `None` without scores.
    pub means: Vec<Option<SeedMean>>,
    /// Difference of each metric to the reference point.
    pub differences: Vec<Option<PointDifference>>,
}

impl<'a> TrainedSweep<'a> {
    pub(super) fn new(
        plan: &'a SweepPlan,
        scores: &[PointScores],
        metrics: &'a [Metric],
        to: usize,
        convention: Convention,
    ) -> Self {
        let row = |(k, point): (usize, &PointScores)| TrainedPoint {
            scored: point.seeds.len(),
            means: metrics.iter().map(|&m| point.mean(m)).collect(),
            differences: metrics.iter().map(|&m| (k != to).then(|| point_difference(point, &scores[to], m))?).collect(),
        };
        let rows = scores.iter().enumerate().map(row).collect();
        TrainedSweep { plan, convention, metrics, rows, to, notes: Vec::new(), failures: Vec::new() }
    }

    /// Returns title, table and notes in a format, or the JSON document.
    pub(super) fn render(&self, format: OutputFormat) -> String {
        if format == OutputFormat::Json {
            return format!("{:#}\n", self.to_json());
        }
        let head = if format == OutputFormat::Text { format!("{}\n\n", self.title()) } else { String::new() };
        format!("{head}{}{}", self.table().print(format), format.notes(&self.notes))
    }

    pub(super) fn title(&self) -> String {
        let SweepPlan { sweep, run, data, .. } = self.plan;
        format!("sweep {sweep} with the settings of {run} on {data}")
    }

    /// Returns the files of the table in a folder, one for each format.
    pub(super) fn files_in(folder: &Path) -> impl Iterator<Item = PathBuf> {
        FILES.into_iter().map(|(name, _)| folder.join(name))
    }

    /// Writes the table into a folder in every format.
    pub(super) fn write_files(&self, folder: &Path) -> Result<(), RunError> {
        std::fs::create_dir_all(folder).map_err(|e| RunError::create_dir(folder, e))?;
        FILES
            .into_iter()
            .try_for_each(|(name, format)| write_atomic(&folder.join(name), self.render(format).as_bytes()))
    }

    /// Returns the quantities that the paper reports for any point: metrics in the usual order, then the others.
    fn reported_quantities(&self) -> Vec<&str> {
        let mut names: Vec<&str> = Vec::new();
        for figure in self.plan.points.iter().flat_map(|p| &p.paper) {
            if !names.contains(&figure.quantity.as_str()) {
                names.push(&figure.quantity);
            }
        }
        let place = |name: &str| Metric::ALL.iter().position(|m| m.name() == name).unwrap_or(Metric::ALL.len());
        names.sort_by_key(|name| place(name));
        names
    }

    /// Returns the name of the reference point.
    pub(super) fn reference(&self) -> &str {
        &self.plan.points[self.to].label
    }

    /// Returns a table with one row per point. Columns for people have means with deviations, columns for programs one number
    /// per cell.
    fn table(&self) -> Table {
        let reported = self.reported_quantities();
        let row = |(point, results): (&PlannedPoint, &TrainedPoint)| {
            let mut cells: Vec<Cell> = point.cells.iter().map(|cell| cell.as_str().into()).collect();
            cells.extend([point.cost.map(|c| c.0), point.cost.map(|c| c.1)].map(|n| Cell::from(n.map(Cell::Count))));
            cells.push(format!("{} of {}", results.scored, point.runs.len()).into());
            cells.push(Cell::Count(results.scored as u64));
            cells.extend((0..self.metrics.len()).flat_map(|k| self.metric_cells(results, k)));
            cells.extend(reported.iter().flat_map(|name| paper_cells(point, name)));
            cells
        };
        let rows = self.plan.points.iter().zip(&self.rows).map(row).collect();
        Table { title: self.title(), columns: self.columns(&reported), rows }
    }

    fn columns(&self, reported: &[&str]) -> Vec<Column> {
        let mut columns: Vec<Column> = self.plan.axes.iter().map(Column::words).collect();
        columns.push(Column::numbers("params"));
        columns.push(Column::numbers(format!("MACs, {}", self.convention)).named("macs"));
        columns.extend([Column::numbers("runs").for_people(), Column::numbers("runs").for_programs()]);
        for (k, metric) in self.metrics.iter().enumerate() {
            columns.push(Column::numbers(metric.title()).for_people());
            if self.shows_difference(k) {
                columns.push(Column::numbers(format!("to {}, 95 %", self.reference())).for_people());
            }
            let names = ["", "_sd", "_difference", "_low", "_high"].map(|end| format!("{}{end}", metric.name()));
            columns.extend(names.map(|name| Column::numbers(name).for_programs()));
        }
        for name in reported {
            columns.push(Column::numbers(format!("paper {}", quantity_title(name))).for_people());
            columns.push(Column::numbers(format!("paper_{name}")).for_programs());
        }
        columns
    }

    /// Checks whether the table for people shows differences of the metric with this index.
    fn shows_difference(&self, k: usize) -> bool {
        k == 0 && self.rows.len() > 1
    }

    /// Returns the cells of the metric with index `k`.
    fn metric_cells(&self, results: &TrainedPoint, k: usize) -> Vec<Cell> {
        let (metric, mean, difference) = (self.metrics[k], results.means[k].as_ref(), results.differences[k]);
        let deviation = mean.and_then(|m| m.deviation);
        let mut cells = vec![scores::cell(metric, mean.map(|m| m.mean), deviation, None)];
        if self.shows_difference(k) {
            let estimate = |d: PointDifference| Cell::Estimate(scores::difference(metric, d.mean, d.interval));
            cells.push(difference.map_or(Cell::Empty, estimate));
        }
        let interval = difference.map(|d| d.interval);
        let difference = difference.map(|d| d.mean);
        let numbers = [mean.map(|m| m.mean), deviation, difference, interval.map(|i| i.low), interval.map(|i| i.high)];
        cells.extend(numbers.map(|x| Cell::from(x.map(|x| Cell::decimal(x, 6)))));
        cells
    }

    fn to_json(&self) -> Value {
        let SweepPlan { sweep, run, data, axes, .. } = self.plan;
        let points: Vec<Value> = self.plan.points.iter().zip(&self.rows).map(|(p, r)| self.point_json(p, r)).collect();
        json!({
            "schema": 1, "sweep": sweep, "run": run, "data": data, "axes": axes, "convention": self.convention.name(), "to": self.reference(),
            "points": points, "notes": self.notes,
            "failed": self.failures.iter().map(|(label, message)| json!({"label": label, "message": message})).collect::<Vec<_>>(),
        })
    }

    fn point_json(&self, point: &PlannedPoint, row: &TrainedPoint) -> Value {
        let mut metrics = Map::new();
        for ((metric, mean), difference) in self.metrics.iter().zip(&row.means).zip(&row.differences) {
            let difference = difference.map(|d| {
                json!({"mean": d.mean, "low": d.interval.low, "high": d.interval.high, "images": d.images, "seeds": d.seeds,
                    "distinguishable": d.distinguishable()})
            });
            let mean = mean.as_ref().map(
                |m| json!({"mean": m.mean, "deviation": m.deviation, "values": m.values, "difference": difference}),
            );
            metrics.insert(metric.name().to_string(), mean.into());
        }
        let args: Map<String, Value> = point.args.iter().map(|(n, v)| (n.clone(), json!(v))).collect();
        let paper: Map<String, Value> = point.paper.iter().map(|f| (f.quantity.clone(), json!(f.text))).collect();
        let runs: Vec<Value> = (point.runs.iter())
            .map(|r| {
                let finished = r.state == RunState::Finished;
                json!({"seed": r.seed, "folder": r.folder.root().display().to_string(), "finished": finished})
            })
            .collect();
        json!({
            "label": point.label, "model": point.model, "args": args, "params": point.cost.map(|c| c.0),
            "macs": point.cost.map(|c| c.1), "runs": runs, "metrics": metrics, "paper": paper,
        })
    }
}

/// Returns the cells of a figure that the paper reports, for people and for programs.
fn paper_cells(point: &PlannedPoint, quantity: &str) -> [Cell; 2] {
    let Some(figure) = point.paper.iter().find(|f| f.quantity == quantity) else { return [Cell::Empty, Cell::Empty] };
    let mark = if figure.refuted.is_some() { "*" } else { "" };
    [format!("{}{mark}", figure.text).into(), figure.text.as_str().into()]
}

/// Returns the usual spelling of a reported quantity.
fn quantity_title(quantity: &str) -> &str {
    match quantity {
        "dice" => "Dice",
        "iou" => "IoU",
        "macs" => "MACs",
        other => other,
    }
}
