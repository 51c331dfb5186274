//! The table of a sweep: a line for each point.

use crate::base::atomic::write_atomic;
use crate::base::error::RunError;
use crate::base::number::thousands;
use crate::cli::scores::{Format, Table as Cells, notes, number};
use crate::cli::table::{Align, csv};
use crate::desk::sweep::{PlannedPoint, RunState, SweepPlan};
use crate::score::sweep::{Difference, Mean, PointScores, difference};
use crate::study::cost::Convention;
use crate::text::recipe::Metric;
use serde_json::{Map, Value, json};
use std::path::Path;

/// What is known of the points, in the order of the plan.
pub struct Table<'a> {
    pub plan: &'a SweepPlan,
    pub convention: Convention,
    /// The first is the one whose differences are shown.
    pub metrics: &'a [Metric],
    pub rows: Vec<Row>,
    /// The point that the others are held against.
    pub to: usize,
    /// What the reader must know beside the numbers.
    pub notes: Vec<String>,
}

pub struct Row {
    /// Runs that are scored.
    pub scored: usize,
    /// One for each metric.
    pub means: Vec<Option<Mean>>,
    /// To the point `to`.
    pub differences: Vec<Option<Difference>>,
}

impl<'a> Table<'a> {
    pub fn new(
        plan: &'a SweepPlan,
        scores: &[PointScores],
        metrics: &'a [Metric],
        to: usize,
        convention: Convention,
    ) -> Self {
        let row = |(k, point): (usize, &PointScores)| Row {
            scored: point.seeds.len(),
            means: metrics.iter().map(|&m| point.mean(m)).collect(),
            differences: metrics.iter().map(|&m| (k != to).then(|| difference(point, &scores[to], m))?).collect(),
        };
        let rows = scores.iter().enumerate().map(row).collect();
        Table { plan, convention, metrics, rows, to, notes: Vec::new() }
    }

    pub fn write(&self, format: Format) -> String {
        match format {
            Format::Text => format!("{}\n\n{}", self.title(), self.cells().print(format) + &notes(&self.notes, format)),
            Format::Markdown | Format::Latex => self.cells().print(format) + &notes(&self.notes, format),
            Format::Json => format!("{:#}\n", self.json()),
            Format::Csv => self.csv(),
        }
    }

    fn title(&self) -> String {
        let SweepPlan { sweep, run, data, .. } = self.plan;
        format!("sweep {sweep} with the settings of {run} on {data}")
    }

    /// Writes the table into the folder of the runs, in every form.
    pub fn keep(&self, folder: &Path) -> Result<(), RunError> {
        let forms = [
            ("txt", Format::Text),
            ("md", Format::Markdown),
            ("csv", Format::Csv),
            ("tex", Format::Latex),
            ("json", Format::Json),
        ];
        std::fs::create_dir_all(folder).map_err(|e| RunError::at(folder, format!("cannot make the folder: {e}")))?;
        forms.into_iter().try_for_each(|(end, format)| {
            write_atomic(&folder.join(format!("table.{end}")), self.write(format).as_bytes())
        })
    }

    /// Names of the paper's quantities that any point has: scores in the order of this table's, then what else there is.
    fn reported(&self) -> Vec<&str> {
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

    /// The name of the point that the others are held against.
    pub fn reference(&self) -> &str {
        &self.plan.points[self.to].label
    }

    /// The table for people.
    fn cells(&self) -> Cells {
        let mut header = self.plan.axes.clone();
        header.extend(["params".into(), format!("MACs, {}", self.convention), "runs".into()]);
        for (k, metric) in self.metrics.iter().enumerate() {
            header.push(metric.title().to_string());
            if k == 0 && self.rows.len() > 1 {
                header.push(format!("to {}, 95 %", self.reference()));
            }
        }
        let reported = self.reported();
        header.extend(reported.iter().map(|name| format!("paper {}", title(name))));
        let row = |(point, row): (&PlannedPoint, &Row)| {
            let mut cells = point.cells.clone();
            match point.cost {
                Some((params, macs)) => cells.extend([thousands(params), thousands(macs)]),
                None => cells.extend(["-".into(), "-".into()]),
            }
            cells.push(format!("{} of {}", row.scored, point.runs.len()));
            for (k, (&metric, mean)) in self.metrics.iter().zip(&row.means).enumerate() {
                let number = |x| number(metric, x);
                cells.push(mean.as_ref().map_or("-".into(), |m| match m.deviation {
                    Some(sd) => format!("{} ± {}", number(m.mean), number(sd)),
                    None => number(m.mean),
                }));
                if k == 0 && self.rows.len() > 1 {
                    let signed = |x: f64| if x >= 0.0 { format!("+{}", number(x)) } else { number(x) };
                    cells.push(row.differences[0].map_or(String::new(), |d| {
                        format!("{} [{}, {}]", signed(d.mean), signed(d.interval.low), signed(d.interval.high))
                    }));
                }
            }
            let figure = |name: &&str| {
                let found = point.paper.iter().find(|f| f.quantity == **name);
                found.map_or(String::new(), |f| format!("{}{}", f.written, if f.refuted.is_some() { "*" } else { "" }))
            };
            cells.extend(reported.iter().map(figure));
            cells
        };
        let rows = self.plan.points.iter().zip(&self.rows).map(row).collect();
        Cells { title: self.title(), header, words: (0..self.plan.axes.len()).collect(), rows }
    }

    /// One number a cell.
    fn csv(&self) -> String {
        let mut header = self.plan.axes.clone();
        header.extend(["params", "macs", "runs"].map(String::from));
        for metric in self.metrics {
            header.extend(["", "_sd", "_difference", "_low", "_high"].map(|end| format!("{}{end}", metric.name())));
        }
        let reported = self.reported();
        header.extend(reported.iter().map(|name| format!("paper_{name}")));
        let mut align = vec![Align::Left; self.plan.axes.len()];
        align.resize(header.len(), Align::Right);
        let number = |x: Option<f64>| x.map_or(String::new(), |x| format!("{x:.6}"));
        let row = |(point, row): (&PlannedPoint, &Row)| {
            let mut cells = point.cells.clone();
            cells.extend(
                [point.cost.map(|c| c.0), point.cost.map(|c| c.1), Some(row.scored as u64)]
                    .map(|n| n.map_or(String::new(), |n| n.to_string())),
            );
            for (mean, difference) in row.means.iter().zip(&row.differences) {
                let d = difference.as_ref();
                cells.extend([
                    number(mean.as_ref().map(|m| m.mean)),
                    number(mean.as_ref().and_then(|m| m.deviation)),
                    number(d.map(|d| d.mean)),
                    number(d.map(|d| d.interval.low)),
                    number(d.map(|d| d.interval.high)),
                ]);
            }
            let figure = |name: &&str| {
                let found = point.paper.iter().find(|f| f.quantity == **name);
                found.map_or(String::new(), |f| f.written.clone())
            };
            cells.extend(reported.iter().map(figure));
            cells
        };
        csv(&strs(&header), &align, &self.plan.points.iter().zip(&self.rows).map(row).collect::<Vec<_>>())
    }

    fn json(&self) -> Value {
        let SweepPlan { sweep, run, data, axes, .. } = self.plan;
        let points: Vec<Value> = self.plan.points.iter().zip(&self.rows).map(|(p, r)| self.point(p, r)).collect();
        json!({
            "schema": 1, "sweep": sweep, "run": run, "data": data, "axes": axes, "convention": self.convention.name(), "to": self.reference(),
            "points": points, "notes": self.notes,
        })
    }

    fn point(&self, point: &PlannedPoint, row: &Row) -> Value {
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
        let paper: Map<String, Value> = point.paper.iter().map(|f| (f.quantity.clone(), json!(f.written))).collect();
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

/// The name of a reported quantity as people write it.
fn title(quantity: &str) -> &str {
    match quantity {
        "dice" => "Dice",
        "iou" => "IoU",
        "macs" => "MACs",
        other => other,
    }
}

fn strs(cells: &[String]) -> Vec<&str> {
    cells.iter().map(String::as_str).collect()
}
