//! The text of each box and of its tooltip.

use super::shape_labels::shape_labels;
use super::tree::{BlockTree, TreeItem, TreeItemKind};
use crate::base::count::{counted, noun_for};
use crate::base::number::three_digits;
use crate::graph::check::CheckedGraph;
use crate::graph::ir::{Graph, Node, NodeId};
use crate::show::text::{bold_width, shortened, width};
use crate::study::cost::field::{AxisField, FieldReach, ReceptiveField, receptive_fields};
use crate::study::cost::{Convention, CostReport, count};
use crate::text::source::Span;
use std::collections::HashMap;

/// The most letters of a title.
const MAX_TITLE: usize = 26;

/// What a box and its tooltip show of an item.
#[derive(Debug, Clone)]
pub struct ItemFacts {
    pub title: String,
    /// The instance of the block, which follows the title. Empty where the title contains it.
    pub instance: String,
    /// Parameters and share of the multiply-accumulates, written below the title. Empty where both are zero.
    pub second: String,
    pub params: u64,
    pub macs: u64,
    /// Share of the network's multiply-accumulates, 0 to 1.
    pub share: f64,
    /// Class of the share, 0 to 5: none, below 1, 3, 10, 30 %, and above.
    pub shade: usize,
    /// Index of the block's name in the order of appearance.
    pub kind: Option<usize>,
    /// Name of the operator, or empty for other items.
    pub op: &'static str,
    /// Shapes of the inputs in numbers.
    pub reads: Vec<String>,
    /// Settings of an operator or of the network, as name and value.
    pub config: Vec<(String, String)>,
    pub field: String,
    /// Place of the call in the model file.
    pub span: Option<Span>,
    /// Width of the closed box in pixels.
    pub width: f64,
    /// Width of title and instance in the head of an open block in pixels.
    pub head: f64,
    /// Shape of each output in numbers and, where that is short, as formulas.
    pub labels: Vec<[String; 2]>,
}

/// The facts of each item and of the whole network.
#[derive(Debug, Clone)]
pub(super) struct GraphFacts {
    pub facts: Vec<ItemFacts>,
    /// Names of blocks in the order of appearance, each with its number of instances.
    pub kinds: Vec<(String, usize)>,
    pub params: u64,
    pub macs: u64,
}

/// Font sizes in pixels.
pub(super) const FONT: f64 = 12.0;
pub(super) const SMALL: f64 = 10.0;

impl ItemFacts {
    /// Returns title and instance, such as `double n.0.1`.
    pub fn name(&self) -> String {
        if self.instance.is_empty() { self.title.clone() } else { format!("{} {}", self.title, self.instance) }
    }
}

/// Computes the facts of all items of a network.
pub(super) fn describe<'a>(checked: &CheckedGraph, tree: &'a BlockTree, convention: Convention) -> GraphFacts {
    let graph = checked.graph();
    let report = count(checked, convention);
    let calls = graph.instances.iter().map(|s| (s.path.as_str(), s.span)).collect();
    let known =
        FactsBuilder { graph, tree, report: &report, ids: graph.order(), fields: receptive_fields(graph), calls };
    let mut kinds: Vec<(String, usize)> = Vec::new();
    let mut numbers: HashMap<&str, usize> = HashMap::new();
    let mut kind = |item: &'a TreeItem| -> Option<usize> {
        let (block, one) = match &item.kind {
            TreeItemKind::Block { block } => (block, 1),
            TreeItemKind::Run { block, .. } => (block, 0),
            TreeItemKind::Network | TreeItemKind::Input | TreeItemKind::Operator | TreeItemKind::Result => return None,
        };
        let at = *numbers.entry(block).or_insert(kinds.len());
        if at == kinds.len() {
            kinds.push((block.clone(), 0));
        }
        kinds[at].1 += one;
        Some(at)
    };
    let mut facts = Vec::with_capacity(tree.items.len());
    for item in &tree.items {
        let kind = kind(item);
        facts.push(known.facts(item, kind));
    }
    GraphFacts { facts, kinds, params: report.params, macs: report.macs }
}

/// What the facts of each item are computed from.
struct FactsBuilder<'a> {
    graph: &'a Graph,
    tree: &'a BlockTree,
    report: &'a CostReport,
    ids: Vec<NodeId>,
    fields: Vec<ReceptiveField>,
    /// Place of the call of each block, by the path of the block.
    calls: HashMap<&'a str, Span>,
}

impl FactsBuilder<'_> {
    fn facts(&self, item: &TreeItem, kind: Option<usize>) -> ItemFacts {
        let costs = &self.report.nodes[item.nodes.clone()];
        let params = costs.iter().map(|n| n.params).sum();
        let macs = costs.iter().fold(0u64, |sum, n| sum.saturating_add(n.macs));
        let share = if self.report.macs == 0 { 0.0 } else { macs as f64 / self.report.macs as f64 };
        let only = (item.nodes.len() == 1).then(|| self.graph.node(self.ids[item.nodes.start]));
        let (title, instance) = titles(item, item.parent.map(|p| &self.tree.items[p]), only);
        let second = costs_in_words(params, share);
        let first = bold_width(&title, FONT) + gap_before(&instance);
        let below = width(&second, SMALL).max(width(&contents_line(item), SMALL));
        let last = item.outputs.last().map(|o| o.node.index()).or(item.nodes.clone().last());
        ItemFacts {
            head: first + 34.0,
            width: (first.max(below) + if item.can_fold() { 46.0 } else { 20.0 }).max(44.0),
            title,
            instance,
            second,
            params,
            macs,
            share,
            shade: shade(share),
            kind,
            op: only.map(|n| n.op.name()).unwrap_or_default(),
            reads: item.inputs.iter().map(|w| shape_labels(self.graph, w.outlet)[0].clone()).collect(),
            config: self.config(item, only),
            field: last.map(|i| field_in_words(&self.fields[i])).unwrap_or_default(),
            span: self.span(item, only),
            labels: item.outputs.iter().map(|&o| shape_labels(self.graph, o)).collect(),
        }
    }

    fn config(&self, item: &TreeItem, only: Option<&Node>) -> Vec<(String, String)> {
        match item.kind {
            TreeItemKind::Network => self.graph.settings.iter().map(|s| (s.name.clone(), s.value.clone())).collect(),
            TreeItemKind::Input
            | TreeItemKind::Operator
            | TreeItemKind::Block { .. }
            | TreeItemKind::Run { .. }
            | TreeItemKind::Result => {
                let config = only.map(|n| n.op.config()).unwrap_or_default();
                config.into_iter().map(|(name, value)| (name.to_string(), value)).collect()
            }
        }
    }

    fn span(&self, item: &TreeItem, only: Option<&Node>) -> Option<Span> {
        match item.kind {
            TreeItemKind::Block { .. } => self.calls.get(item.path.as_str()).copied(),
            TreeItemKind::Input | TreeItemKind::Operator => only.map(|n| n.span),
            TreeItemKind::Run { .. } => self.calls.get(self.tree.items[*item.children.first()?].path.as_str()).copied(),
            TreeItemKind::Network | TreeItemKind::Result => None,
        }
    }
}

/// Returns the width of the instance after a title, gap included.
fn gap_before(instance: &str) -> f64 {
    if instance.is_empty() { 0.0 } else { 6.0 + width(instance, SMALL) }
}

/// Returns the second line of a box: its costs, or the size of a closed block without costs.
pub(super) fn second_line(item: &TreeItem, facts: &ItemFacts) -> String {
    if facts.second.is_empty() { contents_line(item) } else { facts.second.clone() }
}

fn contents_line(item: &TreeItem) -> String {
    match &item.kind {
        TreeItemKind::Run { count, .. } => format!("{count} in a row"),
        TreeItemKind::Block { .. } => counted(item.nodes.len(), "operator"),
        TreeItemKind::Network | TreeItemKind::Input | TreeItemKind::Operator | TreeItemKind::Result => String::new(),
    }
}

/// Returns title and instance of an item.
fn titles(item: &TreeItem, parent: Option<&TreeItem>, node: Option<&Node>) -> (String, String) {
    match &item.kind {
        TreeItemKind::Network => (String::new(), String::new()),
        TreeItemKind::Input => (item.path.clone(), "input".into()),
        TreeItemKind::Result => (shortened(&item.path, MAX_TITLE), "result".into()),
        TreeItemKind::Operator => (node.map(operator_title).unwrap_or_default(), String::new()),
        TreeItemKind::Run { block, count } => (format!("{} ×{count}", shortened(block, MAX_TITLE)), String::new()),
        TreeItemKind::Block { block } => {
            let outer = item.around.first().unwrap_or(&item.path);
            let within =
                |p: &TreeItem| if p.path.is_empty() || p.path.contains("..") { None } else { Some(p.path.clone()) };
            let from = parent.and_then(within).map_or(0, |p| p.len() + 1);
            let relative = item.path.get(from..).unwrap_or(&item.path);
            // `n.0.1.double` is instance n.0.1 of double. In `cbr2` the instance is part of the name.
            let (before, own) = relative.rsplit_once('.').unwrap_or(("", relative));
            let numbered = own.strip_prefix(block.as_str()).is_some_and(|n| n.chars().all(|c| c.is_ascii_digit()));
            let before = match item.around.is_empty() {
                true => before,
                false => outer.get(from..).unwrap_or(outer),
            };
            let title = if numbered { own } else { block.as_str() };
            let instance = if numbered { before.into() } else { relative.to_string() };
            (shortened(title, MAX_TITLE), shortened(&instance, MAX_TITLE))
        }
    }
}

/// Returns the settings that distinguish an operator from its neighbours, such as `conv 3×3, 64, stride 2`. The others are
/// in [`ItemFacts::config`].
fn operator_title(node: &Node) -> String {
    let config = node.op.config();
    let value = |key: &str| config.iter().find(|(k, _)| *k == key).map(|(_, v)| v.as_str());
    let window = |text: &str| match text.strip_prefix('[').and_then(|t| t.strip_suffix(']')) {
        Some(pair) => pair.replace(", ", "×"),
        None => format!("{text}×{text}"),
    };
    let mut parts = Vec::new();
    for (key, text) in &config {
        match *key {
            "k" | "size" => parts.push(window(text)),
            "out" | "mode" | "to" | "at" | "sides" => parts.push(text.clone()),
            "factor" => parts.push(format!("×{text}")),
            "stride" if value("k") != Some(text) && text != "1" => parts.push(format!("stride {text}")),
            "dilation" | "groups" if text != "1" => parts.push(format!("{key} {text}")),
            // The remaining settings are in the tooltip.
            _ => {}
        }
    }
    if let ("conv" | "conv_transpose", Some(out)) = (node.op.name(), value("out")) {
        parts.retain(|p| p != out);
        parts.insert(1.min(parts.len()), out.to_string());
    }
    shortened(format!("{} {}", node.op.name(), parts.join(", ")).trim_end(), MAX_TITLE)
}

/// Returns parameters and share of the MACs, such as `1.2k params · 3.4 % MACs`.
fn costs_in_words(params: u64, share: f64) -> String {
    let percent = 100.0 * share;
    let macs = match percent {
        p if p <= 0.0 => None,
        p if p < 0.1 => Some("<0.1 % MACs".to_string()),
        p if p < 9.95 => Some(format!("{p:.1} % MACs")),
        p => Some(format!("{p:.0} % MACs")),
    };
    let params = match params {
        0 => None,
        n => Some(format!("{} {}", three_digits(n), noun_for(n, "param"))),
    };
    params.into_iter().chain(macs).collect::<Vec<_>>().join(" · ")
}

/// Upper bounds of the shades in percent of all multiply-accumulates.
pub(super) const SHADES: [f64; 4] = [1.0, 3.0, 10.0, 30.0];

/// Returns the class of a share of the MACs, 0 to 5.
fn shade(share: f64) -> usize {
    if share <= 0.0 { 0 } else { 1 + SHADES.iter().filter(|&&end| 100.0 * share >= end).count() }
}

/// Returns a receptive field such as `391 × 391, stride 8`.
fn field_in_words(field: &[AxisField; 2]) -> String {
    let one = |axis: &AxisField| match &axis.reach {
        FieldReach::Intervals(window) => window.size().to_string(),
        FieldReach::Nothing if axis.sees_whole_axis => "all".into(),
        FieldReach::Nothing => "none".into(),
        FieldReach::Unknown => "unknown".into(),
    };
    let [h, w] = [one(&field[0]), one(&field[1])];
    let size = if h == w && h.parse::<u64>().is_err() { h } else { format!("{h} × {w}") };
    let strides = [0, 1].map(|i| field[i].intervals().map(|w| w.stride().to_string()));
    let stride = match strides {
        [Some(a), Some(b)] if a == b => format!(", stride {a}"),
        [Some(a), Some(b)] => format!(", stride {a} × {b}"),
        _ => String::new(),
    };
    let windows = field.iter().any(|axis| axis.intervals().is_some());
    let whole = if windows && field.iter().any(|axis| axis.sees_whole_axis) { ", and the whole image" } else { "" };
    format!("{size}{stride}{whole}")
}
