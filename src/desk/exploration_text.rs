//! Sweeps and holes in the output of `npc check`.

use super::exploration::{Exploration, HoleFit, SweepCounts, SweepPoint};
use crate::base::count::{counted, counted_of};
use crate::base::number::thousands;
use crate::show::table::{Cell, Column, Table};
use serde_json::{Value, json};
use std::fmt::Write;

/// Number of fitting values that the text lists.
const SHOWN: usize = 12;

/// Returns tables of the sweeps, and the values that fit the holes.
pub(crate) fn exploration_text(exploration: &Exploration) -> String {
    let sweeps = exploration.sweeps.iter().map(|sweep| sweep_text(sweep, exploration.convention.name()));
    sweeps.chain(exploration.holes.iter().map(hole_text)).collect()
}

fn sweep_text(sweep: &SweepCounts, convention: &str) -> String {
    let at = sweep.input.as_ref().map_or(String::new(), |input| format!(" at {input}"));
    let kept = match sweep.left_out {
        0 => String::new(),
        n => format!(", {} of {} left out by `keep where`", thousands(n), thousands(sweep.points.len() + n)),
    };
    let mut out = format!("\nsweep {} of {}{at}{kept}\n\n", sweep.name, sweep.bases.join(" | "));
    let Some(first) = sweep.points.first() else { return out };
    let mut names: Vec<&str> = Vec::new();
    for (name, _) in sweep.points.iter().flat_map(|point| &point.args) {
        if !names.contains(&name.as_str()) {
            names.push(name);
        }
    }
    let models = names.is_empty() || sweep.points.iter().any(|point| point.model != first.model);
    let mut columns: Vec<Column> =
        models.then_some("model").into_iter().chain(names.iter().copied()).map(Column::words).collect();
    columns.extend([Column::numbers("params"), Column::numbers(format!("MACs, {convention}"))]);
    let row = |point: &SweepPoint| {
        let value =
            |name: &&str| point.args.iter().find(|(n, _)| n == name).map_or(Cell::Empty, |(_, v)| v.as_str().into());
        let model = models.then(|| Cell::from(point.model.as_str()));
        let values = model.into_iter().chain(names.iter().map(value));
        values.chain([Cell::Count(point.params), Cell::Count(point.macs)]).collect()
    };
    out.push_str(&Table::new(columns, sweep.points.iter().map(row).collect()).to_text());
    out
}

fn hole_text(fit: &HoleFit) -> String {
    let holes: Vec<_> = fit.holes.iter().map(|h| format!("`{h}`")).collect();
    let mut out = format!(
        "\nhole {} of {}: {} satisfy {}\n",
        holes.join(", "),
        fit.model,
        counted_of(fit.fitting.len(), fit.tried, "value"),
        counted(fit.claims, "claim")
    );
    for args in fit.fitting.iter().take(SHOWN) {
        let args: Vec<_> = args.iter().map(|(n, v)| format!("{n} = {v}")).collect();
        let _ = writeln!(out, "  {}", args.join(", "));
    }
    if fit.fitting.len() > SHOWN {
        let _ = writeln!(out, "  and {} more; --format json has them all", thousands(fit.fitting.len() - SHOWN));
    }
    out
}

/// Returns the lists `sweeps` and `holes` of the document, without empty ones.
pub(crate) fn exploration_json(exploration: &Exploration) -> Vec<(&'static str, Vec<Value>)> {
    let object = |args: &[(String, String)]| {
        Value::Object(args.iter().map(|(n, v)| (n.clone(), Value::String(v.clone()))).collect())
    };
    let convention = exploration.convention.name();
    let sweeps = exploration.sweeps.iter().map(|s| {
        let point =
            |p: &SweepPoint| json!({"model": p.model, "args": object(&p.args), "params": p.params, "macs": p.macs});
        let points: Vec<_> = s.points.iter().map(point).collect();
        let mut value = json!({"name": s.name, "of": s.bases.join(" | "), "convention": convention, "points": points});
        if s.left_out > 0 {
            value["left_out"] = s.left_out.into();
        }
        value
    });
    let holes = exploration.holes.iter().map(|fit| {
        let values: Vec<_> = fit.fitting.iter().map(|args| object(args)).collect();
        json!({"model": fit.model, "tried": fit.tried, "claims": fit.claims, "fitting": values})
    });
    let lists = [("sweeps", sweeps.collect()), ("holes", holes.collect())];
    lists.into_iter().filter(|(_, list): &(_, Vec<Value>)| !list.is_empty()).collect()
}
