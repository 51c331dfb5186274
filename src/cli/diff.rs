//! `npc diff`: what changed between two models, and what it does to shapes, costs and weights.

use super::field;
use super::outcome::Done;
use super::table::{Align, columns};
use super::terminal::print;
use crate::base::number::thousands;
use crate::desk::{ComparedAt, ComparedModel, Size, compared, parse_size};
use crate::graph::canon::{Delta, delta};
use crate::graph::ir::NodeId;
use crate::study::cost::{Convention, CostReport, count};
use crate::text::files::Disk;
use clap::{Args, ValueEnum};
use serde_json::{Value, json};
use std::collections::HashSet;

/// Show what changed between two models, by block and node
#[derive(Args)]
#[command(
    after_help = "Nodes are put side by side by path, then by what is around them, so that renaming is told as renaming and
comments are no change. Models that compute the same function print nothing (npc equal says why).

A model is FILE, FILE:NAME, FILE:NAME(key = value) or FILE@REVISION of a git repository; the second may be a name in the
first one's file. - removed, + added, ~ changed, > reads something else.

Examples:
  npc diff models/npnet.model:NPNet NPNet_Plain --on cvc
  npc diff models/unet.model models/attention_unet.model
  npc diff models/npnet.model@HEAD~1 models/npnet.model --format json

Exit codes: 0 done, changed or not; 1 problems found, 2 wrong usage"
)]
pub struct Opts {
    /// A model: FILE, FILE:NAME, FILE:NAME(key = value), FILE@REVISION
    a: String,
    /// Another, or a name in the same file
    b: String,
    /// Take the input size from this data block
    #[arg(long, value_name = "DATA", conflicts_with = "size")]
    on: Option<String>,
    /// Input height and width, for example 288x384
    #[arg(long, value_name = "HxW", value_parser = parse_size)]
    size: Option<Size>,
    /// Every changed, renamed and reshaped node by itself
    #[arg(long)]
    all: bool,
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    Text,
    Json,
}

pub fn run(opts: &Opts) -> Done {
    let at = ComparedAt { on: opts.on.as_deref(), size: opts.size };
    let [a, b] = compared(&Disk, &opts.a, &opts.b, &at)?;
    let found = delta(a.checked.graph(), b.checked.graph());
    let view = View { costs: [&a, &b].map(|s| count(&s.checked, Convention::Conv)), sides: [&a, &b] };
    match (opts.format, found) {
        (Format::Text, None) => Ok(()),
        (Format::Text, Some(delta)) => print(&view.text(&delta, opts.all)),
        (Format::Json, found) => print(&format!("{:#}\n", view.document(found.as_ref()))),
    }
}

struct View<'a> {
    sides: [&'a ComparedModel; 2],
    costs: [CostReport; 2],
}

/// Nodes of one side that came or went together: a whole block instance, or a single node.
struct Group {
    path: String,
    /// The block's name, or the node's operator.
    what: String,
    nodes: Vec<NodeId>,
}

/// One line of changed nodes.
struct Change {
    path: String,
    what: String,
    /// Empty where nodes of several shapes changed in one way.
    shape: String,
    /// Params and MACs, before and after.
    costs: [[u64; 2]; 2],
    count: usize,
}

/// `+1,234`, `-5`, or nothing.
fn signed(before: u64, after: u64) -> String {
    match after.cmp(&before) {
        std::cmp::Ordering::Greater => format!("+{}", thousands(after - before)),
        std::cmp::Ordering::Less => format!("-{}", thousands(before - after)),
        std::cmp::Ordering::Equal => String::new(),
    }
}

impl View<'_> {
    fn cost(&self, side: usize, nodes: &[NodeId]) -> [u64; 2] {
        let of = |id: &NodeId| &self.costs[side].nodes[id.index()];
        [nodes.iter().map(|id| of(id).params).sum(), nodes.iter().fold(0, |n, id| n.saturating_add(of(id).macs))]
    }

    fn shape(&self, side: usize, id: NodeId) -> String {
        self.sides[side].checked.graph().node(id).outputs[0].to_string()
    }

    /// The largest block instances of which nothing is left on the other side, and the nodes that are in none.
    fn groups(&self, side: usize, nodes: &[NodeId]) -> Vec<Group> {
        let graph = self.sides[side].checked.graph();
        let inside = |path: &str, scope: &str| path.strip_prefix(scope).is_some_and(|rest| rest.starts_with('.'));
        let gone: HashSet<&str> = nodes.iter().map(|id| self.sides[side].path(*id)).collect();
        // What canonical forms leave out is neither there nor gone.
        let kept: Vec<&str> = {
            let canon = crate::graph::canon::Canon::new(graph);
            let paths = canon.terms().iter().map(|t| graph.node(t.node).path.as_str());
            paths.filter(|p| !gone.contains(p)).collect()
        };
        let whole: Vec<&crate::graph::ir::Scope> =
            graph.scopes.iter().filter(|s| !kept.iter().any(|path| inside(path, &s.path))).collect();
        let mut groups: Vec<Group> = Vec::new();
        for &id in nodes {
            let node = graph.node(id);
            let scope = whole.iter().filter(|s| inside(&node.path, &s.path)).min_by_key(|s| s.path.len());
            let (path, what) = match scope {
                Some(scope) => (scope.path.clone(), scope.block.clone()),
                None => (node.path.clone(), node.op.name().to_string()),
            };
            match groups.iter_mut().find(|g| g.path == path) {
                Some(group) => group.nodes.push(id),
                None => groups.push(Group { path, what, nodes: vec![id] }),
            }
        }
        groups
    }

    fn text(&self, delta: &Delta, all: bool) -> String {
        let [a, b] = self.sides;
        let size = a.checked.input();
        let mut out = format!("{} -> {}  at {size}\n", a.label, b.label);
        out += &self.settings();
        let mut rows: Vec<Vec<String>> = Vec::new();
        let mut row = |sign: &str, path: &str, what: String, shape: String, costs: [[u64; 2]; 2]| {
            let [[p0, m0], [p1, m1]] = costs;
            rows.push(vec![sign.into(), path.into(), what, shape, signed(p0, p1), signed(m0, m1)]);
        };
        for (side, sign, nodes) in [(0, "-", &delta.removed), (1, "+", &delta.added)] {
            for group in self.groups(side, nodes) {
                let cost = self.cost(side, &group.nodes);
                let costs = if side == 0 { [cost, [0, 0]] } else { [[0, 0], cost] };
                let n = group.nodes.len();
                let what = if n > 1 { format!("{} ({n} nodes)", group.what) } else { group.what };
                row(sign, &group.path, what, self.shape(side, *group.nodes.last().unwrap_or(&group.nodes[0])), costs);
            }
        }
        for change in self.changes(delta, all) {
            row("~", &change.path, change.what, change.shape, change.costs);
        }
        for r in &delta.rewired {
            let what = format!("reads {} instead of {}", b.path(r.read.1), a.path(r.read.0));
            row(">", b.path(r.node.1), what, self.shape(1, r.node.1), [[0, 0]; 2]);
        }
        if delta.is_empty() {
            out += "\nthe same nodes, which share values in another way: npc equal shows the first\n";
        }
        for (sign, pairs) in [("renamed", &delta.renamed), ("reshaped", &delta.reshaped)] {
            if all {
                for (x, y) in pairs {
                    let shapes = [self.shape(0, *x), self.shape(1, *y)];
                    let what = if sign == "renamed" { a.path(*x).to_string() } else { shapes[0].clone() };
                    let what = format!("{sign} from {what}");
                    let costs = [self.cost(0, &[*x]), self.cost(1, &[*y])];
                    row(if sign == "renamed" { "=" } else { "~" }, b.path(*y), what, shapes[1].clone(), costs);
                }
            }
        }
        if !rows.is_empty() {
            let align = [Align::Left, Align::Left, Align::Left, Align::Left, Align::Right, Align::Right];
            out.push('\n');
            out += &columns(&["", "path", "what", "output", "params", "MACs"], &align, &rows);
        }
        if !all {
            out += &self.summed("under another path", &delta.renamed, false);
            out += &self.summed("the same computation on another shape", &delta.reshaped, true);
        }
        out + &self.totals(delta)
    }

    /// Changed nodes; the same change at many of them is one, unless all are asked for.
    fn changes(&self, delta: &Delta, all: bool) -> Vec<Change> {
        let [a, b] = self.sides;
        let mut rows: Vec<Change> = Vec::new();
        for (x, y, spelled) in &delta.changed {
            let shapes = [self.shape(0, *x), self.shape(1, *y)];
            let shape = if shapes[0] == shapes[1] { shapes[0].clone() } else { shapes.join(" -> ") };
            let path = match a.path(*x) == b.path(*y) {
                true => a.path(*x).to_string(),
                false => format!("{} -> {}", a.path(*x), b.path(*y)),
            };
            let what = self.change(*x, *y, spelled);
            let costs = [self.cost(0, &[*x]), self.cost(1, &[*y])];
            match rows.iter_mut().find(|row| !all && row.what == what) {
                Some(row) => {
                    row.count += 1;
                    for (sum, more) in row.costs.iter_mut().flatten().zip(costs.iter().flatten()) {
                        *sum = sum.saturating_add(*more);
                    }
                    if row.shape != shape {
                        row.shape = String::new();
                    }
                }
                None => rows.push(Change { path, what, shape, costs, count: 1 }),
            }
        }
        for row in rows.iter_mut().filter(|row| row.count > 1) {
            row.path = format!("{} and {} more", row.path, row.count - 1);
        }
        rows
    }

    /// `conv: bias = true -> false`; the whole spelling where the operator is another one.
    fn change(&self, x: NodeId, y: NodeId, [before, after]: &[String; 2]) -> String {
        let [a, b] = [(0, x), (1, y)].map(|(side, id): (usize, NodeId)| &self.sides[side].checked.graph().node(id).op);
        let (old, new) = (a.config(), b.config());
        let differ: Vec<String> = old
            .iter()
            .zip(&new)
            .filter(|((_, x), (_, y))| x != y)
            .map(|((name, x), (_, y))| format!("{name} = {x} -> {y}"))
            .collect();
        let same_keys = old.iter().map(|(k, _)| k).eq(new.iter().map(|(k, _)| k));
        if a.name() == b.name() && same_keys && !differ.is_empty() {
            return format!("{}: {}", a.name(), differ.join(", "));
        }
        format!("{before} -> {after}")
    }

    /// Hyper-parameters that differ.
    fn settings(&self) -> String {
        let [a, b] = self.sides.map(|s| &s.checked.graph().settings);
        let value =
            |of: &[crate::graph::ir::Setting], name: &str| of.iter().find(|s| s.name == name).map(|s| s.value.clone());
        let names = a.iter().chain(b.iter().filter(|s| value(a, &s.name).is_none())).map(|s| s.name.as_str());
        let differ: Vec<String> = names
            .filter_map(|name| match (value(a, name), value(b, name)) {
                (Some(x), Some(y)) if x == y => None,
                (x, y) => {
                    let text = |v: Option<String>| v.unwrap_or_else(|| "none".into());
                    Some(format!("{name} = {} -> {}", text(x), text(y)))
                }
            })
            .collect();
        if differ.is_empty() { String::new() } else { format!("  {}\n", differ.join(", ")) }
    }

    fn summed(&self, what: &str, pairs: &[(NodeId, NodeId)], costs: bool) -> String {
        let Some(first) = pairs.first() else { return String::new() };
        let nodes = if pairs.len() == 1 { "node" } else { "nodes" };
        let mut line = format!("\n{} {nodes} {what}, the first is {}", pairs.len(), self.sides[1].path(first.1));
        if costs {
            let (x, y): (Vec<NodeId>, Vec<NodeId>) = pairs.iter().copied().unzip();
            let ([p0, m0], [p1, m1]) = (self.cost(0, &x), self.cost(1, &y));
            let parts = [("params", signed(p0, p1)), ("MACs", signed(m0, m1))];
            for (name, change) in parts.iter().filter(|(_, c)| !c.is_empty()) {
                line += &format!(", {change} {name}");
            }
        }
        line + "\n"
    }

    fn totals(&self, delta: &Delta) -> String {
        let [a, b] = self.sides;
        let mut rows = Vec::new();
        let mut row = |name: &str, before: String, after: String, change: String| {
            let after = if before == after { "the same".into() } else { after };
            rows.push(vec![name.to_string(), before, after, change]);
        };
        let [x, y] = &self.costs;
        row("params", thousands(x.params), thousands(y.params), signed(x.params, y.params));
        row("MACs, conv", thousands(x.macs), thousands(y.macs), signed(x.macs, y.macs));
        row("result", a.checked.result_text(), b.checked.result_text(), String::new());
        let [f, g] = [a, b].map(|s| field::in_words(&s.checked));
        row("field", f, g, String::new());
        let [c, d] = [a, b].map(|s| s.checked.contract().to_string());
        row("sizes", c, d, String::new());
        let kept = self.carried(delta);
        let names = ["", a.label.as_str(), b.label.as_str(), "change"];
        let table = columns(&names, &[Align::Left, Align::Left, Align::Left, Align::Right], &rows);
        format!("\n{table}\n{kept}\n")
    }

    /// Tensors of the second model that the first has in the same shape and for the same part.
    fn tensors(&self, delta: &Delta) -> [usize; 3] {
        let params = |side: usize, id: NodeId| {
            let graph = self.sides[side].checked.graph();
            graph.node(id).op.params(&graph.input_types(id))
        };
        let graph = self.sides[1].checked.graph();
        let all = graph.order().into_iter().map(|id| params(1, id).len()).sum();
        let (mut same, mut renamed) = (0, 0);
        for &(x, y) in &delta.weights {
            let before = params(0, x);
            let kept =
                params(1, y).iter().filter(|p| before.iter().any(|q| q.name == p.name && q.shape == p.shape)).count();
            match self.sides[0].path(x) == self.sides[1].path(y) {
                true => same += kept,
                false => renamed += kept,
            }
        }
        [same, renamed, all]
    }

    fn carried(&self, delta: &Delta) -> String {
        let [same, renamed, all] = self.tensors(delta);
        let other = if renamed > 0 { format!(", {renamed} of them under another name") } else { String::new() };
        format!(
            "{} of {all} tensors of {} could be taken over from {}{other}",
            same + renamed,
            self.sides[1].label,
            self.sides[0].label
        )
    }

    fn document(&self, delta: Option<&Delta>) -> Value {
        let [a, b] = self.sides;
        let [x, y] = &self.costs;
        let node = |side: usize, id: NodeId| {
            let [params, macs] = self.cost(side, &[id]);
            let at = self.sides[side];
            json!({"path": at.path(id), "place": at.place(id), "output": self.shape(side, id), "params": params, "macs": macs})
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
            let [same, renamed, tensors] = self.tensors(delta);
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
