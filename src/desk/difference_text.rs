//! What changed between two models, as text and as JSON.

use super::model_difference::{ModelDifference, NodeGroup};
use crate::base::count::{counted, counted_of};
use crate::base::number::thousands;
use crate::graph::canon::GraphDiff;
use crate::graph::ir::NodeId;
use crate::show::field;
use crate::show::table::{Cell, Column, Table};
use serde_json::{Value, json};

/// Returns `+1,234`, `-5`, or an empty string for no change.
fn signed_change(from: u64, to: u64) -> String {
    Cell::Change { from, to }.text()
}

/// Returns a row of the table of changes. `costs` are params and MACs before and after.
fn change_row(sign: &str, path: &str, what: String, shape: String, [before, after]: [[u64; 2]; 2]) -> Vec<Cell> {
    let [params, macs] = [0, 1].map(|i| Cell::Change { from: before[i], to: after[i] });
    vec![sign.into(), path.into(), what.into(), shape.into(), params, macs]
}

/// Whether a summary of pairs lists their change in costs.
#[derive(Clone, Copy, PartialEq)]
enum PairCosts {
    Listed,
    Omitted,
}

/// Formats a difference as text and JSON.
pub(crate) struct DifferenceView<'a>(pub(crate) ModelDifference<'a>);

impl DifferenceView<'_> {
    /// Returns a table of what changed; `all` lists every pair of nodes.
    pub(crate) fn to_text(&self, delta: &GraphDiff, all: bool) -> String {
        let [a, b] = self.0.sides;
        let mut out = format!("{} -> {}  at {}\n", a.label, b.label, a.checked.input());
        out += &self.0.settings();
        if delta.is_empty() {
            out += "\nthe same nodes, which share values in another way: npc equal shows the first\n";
        }
        let mut rows = self.group_rows(0, "-", &delta.removed);
        rows.extend(self.group_rows(1, "+", &delta.added));
        let changes = self.0.changes(delta, all).into_iter();
        rows.extend(changes.map(|c| change_row("~", &c.path, c.what, c.shape, c.costs)));
        rows.extend(delta.rewired.iter().map(|r| {
            let what = format!("reads {} instead of {}", b.path(r.read.1), a.path(r.read.0));
            change_row(">", b.path(r.node.1), what, self.0.shape(1, r.node.1), [[0, 0]; 2])
        }));
        if all {
            rows.extend(self.pair_rows("=", &delta.renamed, |x, _| format!("renamed from {}", a.path(x))));
            rows.extend(self.pair_rows("~", &delta.reshaped, |_, shape| format!("reshaped from {shape}")));
        }
        if !rows.is_empty() {
            let mut columns = ["", "path", "what", "output"].map(Column::words).to_vec();
            columns.extend(["params", "MACs"].map(Column::numbers));
            out += &format!("\n{}", Table::new(columns, rows).to_text());
        }
        if !all {
            out += &self.pairs_summary("under another path", &delta.renamed, PairCosts::Omitted);
            out += &self.pairs_summary("the same computation on another shape", &delta.reshaped, PairCosts::Listed);
        }
        out + &self.totals(delta)
    }

    /// Returns a row for each block or node that only one side has.
    fn group_rows(&self, side: usize, sign: &str, nodes: &[NodeId]) -> Vec<Vec<Cell>> {
        let row = |group: NodeGroup| {
            let cost = self.0.cost(side, &group.nodes);
            let costs = if side == 0 { [cost, [0, 0]] } else { [[0, 0], cost] };
            let n = group.nodes.len();
            let what = if n > 1 { format!("{} ({})", group.what, counted(n, "node")) } else { group.what };
            let shape = self.0.shape(side, *group.nodes.last().unwrap_or(&group.nodes[0]));
            change_row(sign, &group.path, what, shape, costs)
        };
        self.0.groups(side, nodes).into_iter().map(row).collect()
    }

    /// Returns a row for each pair of nodes. `what` describes it from the first node and its shape.
    fn pair_rows(
        &self,
        sign: &str,
        pairs: &[(NodeId, NodeId)],
        what: impl Fn(NodeId, String) -> String,
    ) -> Vec<Vec<Cell>> {
        let row = |&(x, y): &(NodeId, NodeId)| {
            let costs = [self.0.cost(0, &[x]), self.0.cost(1, &[y])];
            let what = what(x, self.0.shape(0, x));
            change_row(sign, self.0.sides[1].path(y), what, self.0.shape(1, y), costs)
        };
        pairs.iter().map(row).collect()
    }

    /// Returns one line for many pairs of nodes.
    fn pairs_summary(&self, what: &str, pairs: &[(NodeId, NodeId)], costs: PairCosts) -> String {
        let Some(first) = pairs.first() else { return String::new() };
        let mut line =
            format!("\n{} {what}, the first is {}", counted(pairs.len(), "node"), self.0.sides[1].path(first.1));
        if costs == PairCosts::Listed {
            let (x, y): (Vec<NodeId>, Vec<NodeId>) = pairs.iter().copied().unzip();
            let ([p0, m0], [p1, m1]) = (self.0.cost(0, &x), self.0.cost(1, &y));
            let parts = [("params", signed_change(p0, p1)), ("MACs", signed_change(m0, m1))];
            for (name, change) in parts.iter().filter(|(_, c)| !c.is_empty()) {
                line += &format!(", {change} {name}");
            }
        }
        line + "\n"
    }

    fn totals(&self, delta: &GraphDiff) -> String {
        let [a, b] = self.0.sides;
        let mut rows = Vec::new();
        let mut row = |name: &str, [before, after]: [Cell; 2], change: Cell| {
            let after = if before == after { "the same".into() } else { after };
            rows.push(vec![name.into(), before, after, change]);
        };
        let [x, y] = &self.0.costs;
        for (name, from, to) in [("params", x.params, y.params), ("MACs, conv", x.macs, y.macs)] {
            row(name, [from, to].map(Cell::Count), Cell::Change { from, to });
        }
        row("result", [a, b].map(|s| s.checked.result_text().into()), Cell::Empty);
        row("field", [a, b].map(|s| field::in_words(&s.checked).into()), Cell::Empty);
        row("sizes", [a, b].map(|s| s.checked.contract().to_string().into()), Cell::Empty);
        let kept = self.transferable_tensors(delta);
        let mut columns = ["", a.label.as_str(), b.label.as_str()].map(Column::words).to_vec();
        columns.push(Column::numbers("change"));
        let table = Table::new(columns, rows).to_text();
        format!("\n{table}\n{kept}\n")
    }

    fn transferable_tensors(&self, delta: &GraphDiff) -> String {
        let [same, renamed, all] = self.0.tensors(delta);
        let other =
            if renamed > 0 { format!(", {} of them under another name", thousands(renamed)) } else { String::new() };
        format!(
            "{} of {} could be taken over from {}{other}",
            counted_of(same + renamed, all, "tensor"),
            self.0.sides[1].label,
            self.0.sides[0].label
        )
    }

    /// Returns the same as JSON; without a difference the models are equal.
    pub(crate) fn to_json(&self, delta: Option<&GraphDiff>) -> Value {
        let [a, b] = self.0.sides;
        let [x, y] = &self.0.costs;
        let node = |side: usize, id: NodeId| {
            let [params, macs] = self.0.cost(side, &[id]);
            let at = self.0.sides[side];
            json!({"path": at.path(id), "place": at.location(id), "output": self.0.shape(side, id), "params": params, "macs": macs})
        };
        let list = |side: usize, ids: &[NodeId]| ids.iter().map(|id| node(side, *id)).collect::<Vec<_>>();
        let pairs = |pairs: &[(NodeId, NodeId)]| -> Vec<Value> {
            pairs.iter().map(|&(x, y)| json!({"a": node(0, x), "b": node(1, y)})).collect()
        };
        let mut all = json!({
            "schema": 1, "a": a.label, "b": b.label, "equal": delta.is_none(),
            "params": [x.params, y.params], "macs": [x.macs, y.macs],
            "field": [field::in_words(&a.checked), field::in_words(&b.checked)],
        });
        if let (Some(delta), Value::Object(all)) = (delta, &mut all) {
            let changed = delta.changed.iter().map(
                |(x, y, spelled)| json!({"a": node(0, *x), "b": node(1, *y), "from": spelled[0], "to": spelled[1]}),
            );
            let rewired = delta
                .rewired
                .iter()
                .map(|r| json!({"node": b.path(r.node.1), "from": a.path(r.read.0), "to": b.path(r.read.1)}));
            let [same, renamed, tensors] = self.0.tensors(delta);
            all.insert("removed".into(), json!(list(0, &delta.removed)));
            all.insert("added".into(), json!(list(1, &delta.added)));
            all.insert("changed".into(), changed.collect());
            all.insert("rewired".into(), rewired.collect());
            all.insert("renamed".into(), json!(pairs(&delta.renamed)));
            all.insert("reshaped".into(), json!(pairs(&delta.reshaped)));
            all.insert("tensors".into(), json!({"same": same, "renamed": renamed, "all": tensors}));
        }
        all
    }
}
