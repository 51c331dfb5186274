//! The size contract, and costs as formulas in the image size, as text and JSON.

use super::model_entry::ModelEntry;
use crate::base::count::counted;
use crate::graph::check::SizeContract;
use crate::graph::check::contract::{AxisSizes, condition};
use crate::graph::ir::{Outlet, SizeConstraint};
use crate::graph::ty::Dim;
use crate::show::table::{Cell, Column, Table};
use crate::study::cost::{Convention, FormulaReport, cost_formulas};
use crate::text::source::SourceMap;
use serde_json::{Value, json};
use std::fmt::Write;

/// Returns one line with the image sizes that the model supports.
pub(crate) fn contract_text(entry: &ModelEntry) -> String {
    contract_line(&entry.checked.contract())
}

fn contract_line(contract: &SizeContract) -> String {
    let pinned = match contract.path_conditions.len() {
        0 => String::new(),
        1 => " (if the graph keeps this structure: one choice in the file depends on the size)".into(),
        n => format!(" (if the graph keeps this structure: {} in the file depend on the size)", counted(n, "choice")),
    };
    format!("  sizes {contract}{pinned}\n")
}

/// Returns the size contract as JSON: its text; for each axis the first sizes, start, period and accepted remainders of the
/// pattern (`null` if none was found) with the size constraints that cause it; joint constraints on height and width; and
/// the conditions under which the graph keeps its structure.
pub(crate) fn contract_json(entry: &ModelEntry, sources: &SourceMap) -> Value {
    let contract = entry.checked.contract();
    let demand = |d: &SizeConstraint| {
        let (line, column) = sources.line_column(d.span);
        let file = &sources.file(d.span.source).name;
        json!({"condition": condition(d), "what": d.what, "file": file, "line": line, "column": column})
    };
    let list = |demands: &[SizeConstraint]| demands.iter().map(demand).collect::<Vec<_>>();
    let axis = |sizes: &Option<AxisSizes>| {
        sizes.as_ref().map(|s| {
            let remainders = &s.pattern.remainders;
            let kept: Vec<usize> = (0..remainders.len()).filter(|&r| remainders[r]).collect();
            json!({
                "text": s.pattern.to_string(),
                "least": s.pattern.least(),
                "first": s.pattern.first,
                "from": s.pattern.start,
                "period": remainders.len(),
                "remainders": kept,
                "because": list(&s.because),
            })
        })
    };
    let SizeContract { axes: [height, width], joint, path_conditions, .. } = &contract;
    json!({
        "text": contract.to_string(),
        "height": axis(height),
        "width": axis(width),
        "joint": list(joint),
        "depends": list(path_conditions),
    })
}

/// Returns the text of `--symbolic`: shapes, MACs and bytes of every node as formulas in H and W, and their sums.
pub(crate) fn formulas_text(entry: &ModelEntry, conventions: &[Convention]) -> String {
    let graph = entry.checked.graph();
    let input = graph.formula(Outlet { node: graph.input(), slot: 0 });
    let results: Vec<String> = graph.results.iter().map(|(_, o)| graph.formula(*o).to_string()).collect();
    let mut out = format!("{}  {input} -> {}\n", graph.name, results.join(", "));
    let contract = entry.checked.contract();
    out.push_str(&contract_line(&contract));
    let because = contract.axes.iter().flatten().flat_map(|sizes| &sizes.because).chain(&contract.joint);
    let mut conditions: Vec<String> = because.map(|d| format!("    {}: {}\n", d.what, condition(d))).collect();
    conditions.dedup();
    conditions.truncate(8);
    out.extend(conditions);
    out.push('\n');
    let reports: Vec<FormulaReport> = conventions.iter().map(|&c| cost_formulas(&entry.checked, c)).collect();
    let shown = |dim: &Option<Dim>| match dim {
        Some(dim) if dim.as_const() == Some(0) => Cell::Missing,
        Some(dim) => format!("{dim:#}").into(),
        None => "too long".into(),
    };
    let row = |i: usize| {
        let node = &reports[0].nodes[i];
        let mut row = vec![node.path.as_str().into(), node.op.into(), node.output.to_string().into()];
        row.push(shown(&node.params));
        row.extend(reports.iter().map(|r| shown(&r.nodes[i].macs)));
        row
    };
    let mut columns = ["path", "op", "output"].map(Column::words).to_vec();
    columns.push(Column::numbers("params"));
    columns.extend(conventions.iter().map(|c| Column::words(format!("MACs, {c}"))));
    out.push_str(&Table::new(columns, (0..reports[0].nodes.len()).map(row).collect()).to_text());
    let _ = writeln!(out, "\nparams  {}", shown(&reports[0].params).text());
    for report in &reports {
        let _ = writeln!(out, "MACs, {}, one image\n{}", report.convention, summands(&report.macs));
    }
    let _ = writeln!(out, "bytes of all outputs, one image, 4 a number\n{}\n", summands(&reports[0].bytes));
    out
}

/// Returns a sum with one line for each summand.
fn summands(dim: &Option<Dim>) -> String {
    match dim {
        Some(dim) => dim.summands().iter().map(|s| format!("  {s:#}")).collect::<Vec<_>>().join("\n"),
        None => "  too long to write".into(),
    }
}

/// Returns the formulas of each node and their sums as JSON, in the syntax of the model language.
pub(crate) fn formulas_json(entry: &ModelEntry, convention: Convention) -> Value {
    let report = cost_formulas(&entry.checked, convention);
    let text = |dim: &Option<Dim>| dim.as_ref().map(Dim::to_string);
    let nodes: Vec<Value> = (report.nodes.iter())
        .map(|n| {
            let output: Vec<String> = n.output.dims().iter().map(Dim::to_string).collect();
            json!({"path": n.path, "output": output, "params": text(&n.params), "macs": text(&n.macs), "bytes": text(&n.bytes)})
        })
        .collect();
    json!({
        "params": text(&report.params), "macs": text(&report.macs), "bytes": text(&report.bytes),
        "convention": convention.name(), "nodes": nodes,
    })
}
