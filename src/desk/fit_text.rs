//! The settings that reproduce printed figures, as text and as JSON.

use super::arguments::value_text;
use super::fitted_model::FittedModel;
use crate::base::count::counted;
use crate::base::number::thousands;
use crate::graph::elaborate::ModelArgument;
use crate::show::table::{Cell, Column, Table};
use crate::study::cost::Convention;
use crate::study::explore::{FigureKind, PrintedFigure};
use serde_json::{Value, json};

/// Number of settings that the text lists.
const SHOWN: usize = 40;

fn figure_label(figure: &PrintedFigure) -> String {
    match (figure.kind, figure.size) {
        (FigureKind::Params, _) => format!("params {}", figure.text),
        (FigureKind::Macs, Some([h, w])) => format!("MACs {} at {h}x{w}", figure.text),
        (FigureKind::Macs, None) => format!("MACs {}", figure.text),
    }
}

/// Returns how many settings each figure leaves, and the settings that fit all of them.
pub(crate) fn fit_text(fit: &FittedModel, convention: Convention) -> String {
    let FittedModel { model, sources, figures, outcome } = fit;
    let mut out = format!("{model}: {} tried, convention {convention}\n\n", counted(outcome.tried, "setting"),);
    let steps = figures.iter().zip(&outcome.remaining);
    let rows: Vec<Vec<Cell>> =
        steps.map(|(figure, leaves)| vec![figure_label(figure).into(), Cell::Count(leaves.count as u64)]).collect();
    let left = rows.len();
    out += &Table::new(vec![Column::words("figure"), Column::numbers("settings left")], rows).to_text();
    if let (Some(last), Some(figure)) = (outcome.remaining.last().filter(|l| l.count == 0), figures.get(left - 1)) {
        out += &format!("\n{} excludes what was left; nearest to it:\n", figure_label(figure));
        for (n, args) in &last.nearest {
            let args: Vec<String> = args.iter().map(|a| format!("{} = {}", a.name, value_text(sources, a))).collect();
            out += &format!("  {:>15}  {}\n", thousands(*n), args.join(", "));
        }
        return out;
    }
    let Some(first) = outcome.matching.first() else { return out };
    let arguments = first.args.iter().map(|a| a.name.node.clone());
    let columns = arguments.chain(figures.iter().map(figure_label)).map(Column::numbers).collect();
    let rows = outcome.matching.iter().take(SHOWN).map(|kept| {
        let values = kept.args.iter().map(|a| Cell::from(value_text(sources, a)));
        values.chain(kept.counts.iter().map(|n| Cell::Count(*n))).collect()
    });
    let rows = rows.collect();
    out += &format!("\n{}", Table::new(columns, rows).to_text());
    if outcome.matching.len() > SHOWN {
        out += &format!("and {} more; --format json has them all\n", thousands(outcome.matching.len() - SHOWN));
    }
    out
}

/// Returns the same as JSON.
pub(crate) fn fit_json(fit: &FittedModel) -> Value {
    let FittedModel { model, sources, figures, outcome } = fit;
    let object = |args: &[ModelArgument]| {
        Value::Object(args.iter().map(|a| (a.name.node.clone(), Value::String(value_text(sources, a)))).collect())
    };
    let steps: Vec<Value> = figures
        .iter()
        .zip(&outcome.remaining)
        .map(|(figure, leaves)| {
            let nearest: Vec<Value> =
                leaves.nearest.iter().map(|(n, args)| json!({"found": n, "args": object(args)})).collect();
            json!({"figure": figure_label(figure), "left": leaves.count, "nearest": nearest})
        })
        .collect();
    let fitting: Vec<Value> =
        outcome.matching.iter().map(|k| json!({"args": object(&k.args), "found": k.counts})).collect();
    json!({"schema": 1, "model": model, "tried": outcome.tried, "figures": steps, "fitting": fitting})
}
