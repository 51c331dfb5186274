//! A profile as a table, as JSON and as a picture.

use super::chart::{ChartTheme, IcicleLeaf, icicle};
use super::table::{Cell, Column, Table};
use crate::base::count::counted;
use crate::compute::engine::profile::{NodeTime, Profile};
use serde_json::{Value, json};

/// Number of rows before the remaining nodes are summed.
const SHOWN: usize = 20;

/// Returns the nodes with a time, the slowest first.
fn slowest(profile: &Profile) -> Vec<&NodeTime> {
    let mut nodes: Vec<&NodeTime> = profile.nodes().iter().filter(|n| n.total_ns() > 0).collect();
    nodes.sort_by_key(|n| std::cmp::Reverse(n.total_ns()));
    nodes
}

/// Returns a table with the milliseconds per call of each node, by pass if there are two, and their share of the call.
pub(crate) fn profile_table(profile: &Profile) -> String {
    let two = profile.has_backward();
    let outside = profile.outside_ms();
    let whole = profile.total_ms() + outside;
    let row = |node: &str, op: &str, ms: f64, passes: Option<[f64; 2]>, gflops: Option<f64>| {
        let mut row = vec![node.into(), op.into(), Cell::decimal(ms, 3)];
        if two {
            row.extend([0, 1].map(|i| Cell::from(passes.map(|passes| Cell::decimal(passes[i], 3)))));
        }
        row.push(if whole > 0.0 { Cell::Percent(100.0 * ms / whole) } else { Cell::Missing });
        row.push(gflops.map(|g| Cell::decimal(g, 1)).into());
        row
    };
    let sum = |name: &str, nodes: &[&NodeTime]| {
        let times = nodes.iter().map(|n| profile.per_call_ms(n));
        let passes = times.fold([0.0; 2], |[a, b], [c, d]| [a + c, b + d]);
        row(name, "", passes.iter().sum(), Some(passes), None)
    };
    let nodes = slowest(profile);
    let (shown, rest) = nodes.split_at(nodes.len().min(SHOWN));
    let mut rows = Vec::new();
    for n in shown {
        let passes = profile.per_call_ms(n);
        rows.push(row(&n.path, &n.op, passes.iter().sum(), Some(passes), profile.gflops(n)));
    }
    if !rest.is_empty() {
        rows.push(sum(&format!("{} more", rest.len()), rest));
    }
    rows.push(sum("all nodes", &nodes));
    rows.push(row("outside the nodes", "", outside, None, None));
    let mut columns = vec![Column::words("node"), Column::words("op"), Column::numbers("ms")];
    columns.extend(["forward", "backward"].into_iter().filter(|_| two).map(Column::numbers));
    columns.extend(["share", "GFLOP/s"].map(Column::numbers));
    let calls = counted(profile.calls(), "call");
    format!("Time of each node, mean of {calls}\n\n{}", Table::new(columns, rows).to_text())
}

/// Returns the profile as JSON, in the order of the plan. Nodes without a time are fused into others.
pub(crate) fn profile_json(profile: &Profile) -> Value {
    let nodes = profile.nodes().iter().map(|n| {
        let [forward, backward] = profile.per_call_ms(n);
        json!({
            "path": n.path, "op": n.op, "forward_ms": forward, "backward_ms": backward, "macs": n.macs,
            "gflops": profile.gflops(n),
        })
    });
    let [total, outside] = [profile.total_ms(), profile.outside_ms()];
    json!({"calls": profile.calls(), "total_ms": total, "outside_ms": outside, "nodes": nodes.collect::<Vec<_>>()})
}

/// Returns a standalone SVG with blocks above their nodes; widths are proportional to time.
pub(crate) fn profile_picture(title: &str, profile: &Profile) -> String {
    let mut leaves: Vec<IcicleLeaf> = (profile.nodes().iter().filter(|n| n.total_ns() > 0))
        .map(|n| {
            let [first, second] = profile.per_call_ms(n);
            let note = profile.gflops(n).map(|g| format!("{g:.1} GFLOP/s")).unwrap_or_default();
            IcicleLeaf { path: n.path.clone(), kind: n.op.clone(), parts: [first, second], note }
        })
        .collect();
    let outside = profile.outside_ms();
    if outside > 0.0 {
        let kind = if profile.has_backward() { "loss, optimiser, copies" } else { "copies" };
        let path = "outside the nodes".to_string();
        leaves.push(IcicleLeaf { path, kind: kind.into(), parts: [outside, 0.0], note: String::new() });
    }
    icicle(title, ["forward", "backward"], "ms", &leaves).file(ChartTheme::Auto)
}
