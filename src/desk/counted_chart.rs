//! Scatter chart of a counted sweep.

use super::counted_sweep::{CountedFunction, CountedSweep};
use super::sweep_axes::{cells, settings};
use crate::base::number::{bytes, thousands};
use crate::show::chart::{AxisUnit, ChartDrawing, ScatterAxis, ScatterChart, ScatterPoint, scatter as drawn};
use crate::show::text::shortened;
use crate::study::explore::MeasureKey;
use std::collections::BTreeMap;

/// Number of models in the tooltip of a point.
const LISTED_MODELS: usize = 8;
/// Maximum number of characters of the title.
const TITLE_LENGTH: usize = 80;

/// Names a key in the chart, as the table does.
type KeyLabel = fn(MeasureKey, &CountedSweep) -> String;

/// Draws the chart; `None` if no model is left.
pub(crate) fn counted_chart(sweep: &CountedSweep, title: &str, key_label: KeyLabel) -> Option<ChartDrawing> {
    let side = |key: MeasureKey| {
        let unit = match key {
            MeasureKey::Params | MeasureKey::Macs => AxisUnit::Count,
            MeasureKey::Inference | MeasureKey::Training => AxisUnit::Bytes,
            MeasureKey::Field => AxisUnit::Pixels,
        };
        let better = if key.more_is_better() { " (more is better)" } else { "" };
        ScatterAxis { name: key_label(key, sweep) + better, unit }
    };
    let [x, y] = sweep.axes;
    // Models with equal coordinates share a dot. The map orders the dots of the Pareto front, along which x grows and y falls.
    let mut places: BTreeMap<[i128; 2], Vec<&CountedFunction>> = BTreeMap::new();
    for row in &sweep.rows {
        places.entry(sweep.axes.map(|key| key.cost(&row.variant))).or_default().push(row);
    }
    let dots = places.into_values().map(|rows| chart_dot(sweep, &rows, key_label)).collect();
    let heading = shortened(title, TITLE_LENGTH);
    let key = format!("labels: {}", sweep.columns.join(" · "));
    drawn(&ScatterChart { title: heading, key, x: side(x), y: side(y), points: dots, notes: Vec::new() })
}

fn chart_dot(sweep: &CountedSweep, rows: &[&CountedFunction], key_label: KeyLabel) -> ScatterPoint {
    let first = rows[0];
    let values = cells(&sweep.columns, &first.variant, &first.args);
    let more = if rows.len() > 1 { format!(" +{}", rows.len() - 1) } else { String::new() };
    // Lists are written without blanks to keep labels short.
    let values = values.into_iter().map(|v| v.replace(", ", ","));
    let mut values: Vec<String> = values.filter(|v| !v.is_empty()).collect();
    if values.is_empty() {
        // Its arguments are the defaults, and the other models set them.
        values.push(first.variant.model.clone());
    }
    let label = values.join(" · ") + &more;
    let mut lines: Vec<String> =
        rows.iter().take(LISTED_MODELS).map(|r| settings(&sweep.columns, &r.variant, &r.args)).collect();
    if rows.len() > LISTED_MODELS {
        lines.push(format!("and {} more", thousands(rows.len() - LISTED_MODELS)));
    }
    for key in MeasureKey::ALL {
        let n = key.of(&first.variant);
        let value = match key {
            MeasureKey::Params | MeasureKey::Macs => thousands(n),
            MeasureKey::Inference | MeasureKey::Training => bytes(n),
            MeasureKey::Field => format!("{n} px"),
        };
        // Models of one dot may differ in quantities that are not axes.
        if rows.iter().all(|r| key.of(&r.variant) == n) {
            lines.push(format!("{}: {value}", key_label(key, sweep)));
        }
    }
    ScatterPoint {
        at: sweep.axes.map(|key| key.of(&first.variant) as f64),
        interval: None,
        label,
        tooltip: lines.join("\n"),
        on_front: first.front,
    }
}
