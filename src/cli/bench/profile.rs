//! A profile as a table, as JSON and as a picture.

use crate::cli::table::{Align, columns};
use crate::engine::profile::{NodeTime, Profile};
use crate::run::plot::icicle::{Leaf, icicle};
use serde_json::{Value, json};

/// Rows before the rest is summed.
const SHOWN: usize = 20;

/// Nodes that took time, the slowest first.
fn slowest(profile: &Profile) -> Vec<&NodeTime> {
    let mut nodes: Vec<&NodeTime> = profile.nodes().iter().filter(|n| n.total_ns() > 0).collect();
    nodes.sort_by_key(|n| std::cmp::Reverse(n.total_ns()));
    nodes
}

/// Milliseconds of a call.
pub fn table(profile: &Profile) -> String {
    let backward = profile.has_backward();
    let total = profile.total_ms();
    let row = |node: &str, op: &str, [forward, back]: [f64; 2], gflops: Option<f64>| {
        let mut row = vec![node.to_string(), op.to_string(), format!("{forward:.3}")];
        if backward {
            row.push(format!("{back:.3}"));
        }
        row.push(if total > 0.0 { format!("{:.1} %", 100.0 * (forward + back) / total) } else { "-".into() });
        row.push(gflops.map_or("-".into(), |g| format!("{g:.1}")));
        row
    };
    let nodes = slowest(profile);
    let (shown, rest) = nodes.split_at(nodes.len().min(SHOWN));
    let sum = |nodes: &[&NodeTime]| {
        nodes.iter().map(|n| profile.per_call_ms(n)).fold([0.0; 2], |[a, b], [c, d]| [a + c, b + d])
    };
    let mut rows: Vec<_> =
        shown.iter().map(|n| row(&n.path, &n.op, profile.per_call_ms(n), profile.gflops(n))).collect();
    if !rest.is_empty() {
        rows.push(row(&format!("{} more", rest.len()), "", sum(rest), None));
    }
    rows.push(row("all", "", sum(&nodes), None));
    let mut header = vec!["node", "op", "forward ms"];
    if backward {
        header.push("backward ms");
    }
    header.extend(["share", "GFLOP/s"]);
    let mut align = vec![Align::Left, Align::Left];
    align.resize(header.len(), Align::Right);
    let calls = if profile.calls() == 1 { "1 call".into() } else { format!("{} calls", profile.calls()) };
    format!("Time of each node, mean of {calls}\n\n{}", columns(&header, &align, &rows))
}

/// In the order of the plan; nodes without a time are computed as parts of others.
pub fn document(profile: &Profile) -> Value {
    let nodes = profile.nodes().iter().map(|n| {
        let [forward, backward] = profile.per_call_ms(n);
        json!({
            "path": n.path, "op": n.op, "forward_ms": forward, "backward_ms": backward, "macs": n.macs,
            "gflops": profile.gflops(n),
        })
    });
    json!({"calls": profile.calls(), "total_ms": profile.total_ms(), "nodes": nodes.collect::<Vec<_>>()})
}

/// A standalone SVG: blocks above their nodes, as wide as their time.
pub fn picture(title: &str, profile: &Profile) -> String {
    let leaves: Vec<Leaf> = (profile.nodes().iter().filter(|n| n.total_ns() > 0))
        .map(|n| {
            let [first, second] = profile.per_call_ms(n);
            let note = profile.gflops(n).map(|g| format!("{g:.1} GFLOP/s")).unwrap_or_default();
            Leaf { path: n.path.clone(), kind: n.op.clone(), parts: [first, second], note }
        })
        .collect();
    icicle(title, ["forward", "backward"], "ms", &leaves)
}
