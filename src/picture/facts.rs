//! What is written on a box, and what is told when it is pointed at.

use super::level::Level;
use super::text::{bold_width, short_number, shortened, width};
use super::tree::{Item, Tree, What};
use crate::check::Checked;
use crate::cost::field::{AxisField, Reach, fields};
use crate::cost::{Convention, count};
use crate::ir::{Graph, Node, Outlet};
use crate::source::Span;
use crate::ty::TensorType;
use std::collections::HashMap;

/// Letters of a title.
const TITLE: usize = 26;
/// Letters of a formula on a line; a longer one is shown in numbers.
const FORMULA: usize = 30;

/// What stands on lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shapes {
    /// `64 × 128 × 128`, at the size of the graph.
    Numbers,
    /// `64 × H × W`, where that is short.
    Formulas,
}

#[derive(Debug, Clone)]
pub struct Facts {
    pub title: String,
    /// Which instance of its block, beside the title. Empty where the title says it.
    pub instance: String,
    /// Parameters and share of the multiply-accumulates, below the title. Empty where there are none.
    pub second: String,
    pub params: u64,
    pub macs: u64,
    /// Of the network's multiply-accumulates, 0 to 1.
    pub share: f64,
    /// 0 to 5: nothing, below 1, 3, 10, 30 %, and more.
    pub shade: usize,
    /// Number of the block's name, in the order of appearance.
    pub kind: Option<usize>,
    /// Name of the operator; empty for anything else.
    pub op: &'static str,
    /// What it reads, in numbers.
    pub reads: Vec<String>,
    /// Settings of an operator, or of the network, by name.
    pub config: Vec<(String, String)>,
    pub field: String,
    /// Where the call is written.
    pub span: Option<Span>,
    /// Width of the box when it is closed.
    pub width: f64,
    /// Width of title and instance in the head of an open block.
    pub head: f64,
    /// What each output carries: in numbers and, where it is short, as formulas.
    pub labels: Vec<[String; 2]>,
}

/// A tree with everything that a picture of it needs, at any fold.
#[derive(Debug, Clone)]
pub struct Scene {
    pub name: String,
    pub tree: Tree,
    /// By item.
    pub facts: Vec<Facts>,
    /// By item; `None` where there is nothing inside.
    pub levels: Vec<Option<Level>>,
    /// Names of blocks, in the order of appearance, with how often each is there.
    pub kinds: Vec<(String, usize)>,
    pub params: u64,
    pub macs: u64,
    pub convention: Convention,
}

/// Sizes of letters in pixels.
pub const FONT: f64 = 12.0;
pub const SMALL: f64 = 10.0;

impl Facts {
    /// `double n.0.1`: title and instance.
    pub fn name(&self) -> String {
        if self.instance.is_empty() { self.title.clone() } else { format!("{} {}", self.title, self.instance) }
    }
}

impl Scene {
    pub fn new(checked: &Checked, convention: Convention) -> Scene {
        let graph = checked.graph();
        let tree = Tree::new(graph);
        let report = count(checked, convention);
        let fields = fields(graph);
        let mut kinds: Vec<(String, usize)> = Vec::new();
        let mut known: HashMap<String, usize> = HashMap::new();
        let mut facts = Vec::with_capacity(tree.items.len());
        let spans: HashMap<&str, Span> = graph.scopes.iter().map(|s| (s.path.as_str(), s.span)).collect();
        for item in &tree.items {
            let costs = &report.nodes[item.nodes.clone()];
            let params = costs.iter().map(|n| n.params).sum();
            let macs = costs.iter().fold(0u64, |sum, n| sum.saturating_add(n.macs));
            let share = if report.macs == 0 { 0.0 } else { macs as f64 / report.macs as f64 };
            let kind = match &item.what {
                What::Block { block } | What::Run { block, .. } => {
                    let at = *known.entry(block.clone()).or_insert(kinds.len());
                    if at == kinds.len() {
                        kinds.push((block.clone(), 0));
                    }
                    kinds[at].1 += usize::from(matches!(item.what, What::Block { .. }));
                    Some(at)
                }
                What::Network | What::Input | What::Operator | What::Result => None,
            };
            let ids = graph.order();
            let only = (item.nodes.len() == 1).then(|| graph.node(ids[item.nodes.start]));
            let parent = item.parent.map(|p| &tree.items[p]);
            let (title, instance) = titles(item, parent, only);
            let second = costs_in_words(params, share);
            let box_width = (bold_width(&title, FONT) + gap_before(&instance))
                .max(width(&second, SMALL))
                .max(if item.folds() { width(&inside(item), SMALL) } else { 0.0 });
            let last = item.outputs.last().map(|o| o.node.index()).or(item.nodes.clone().last());
            facts.push(Facts {
                head: bold_width(&title, FONT) + gap_before(&instance) + 34.0,
                width: (box_width + 20.0 + if item.folds() { 26.0 } else { 0.0 }).max(44.0),
                title,
                instance,
                second,
                params,
                macs,
                share,
                shade: shade(share),
                kind,
                op: only.map(|n| n.op.name()).unwrap_or_default(),
                reads: item.inputs.iter().map(|w| labels(graph, w.outlet)[0].clone()).collect(),
                config: match item.what {
                    What::Network => graph.settings.iter().map(|s| (s.name.clone(), s.value.clone())).collect(),
                    What::Input | What::Operator | What::Block { .. } | What::Run { .. } | What::Result => {
                        let config = only.map(|n| n.op.config()).unwrap_or_default();
                        config.into_iter().map(|(name, value)| (name.to_string(), value)).collect()
                    }
                },
                field: last.map(|i| field_in_words(&fields[i])).unwrap_or_default(),
                span: match item.what {
                    What::Block { .. } => spans.get(item.path.as_str()).copied(),
                    What::Input | What::Operator => only.map(|n| n.span),
                    What::Run { .. } => {
                        item.children.first().and_then(|&c| spans.get(tree.items[c].path.as_str())).copied()
                    }
                    What::Network | What::Result => None,
                },
                labels: item.outputs.iter().map(|&o| labels(graph, o)).collect(),
            });
        }
        let levels = (0..tree.items.len()).map(|i| Level::new(graph, &tree, i)).collect();
        let (params, macs) = (report.params, report.macs);
        Scene { name: graph.name.clone(), tree, facts, levels, kinds, params, macs, convention }
    }

    /// What stands on the line from an output of an item.
    pub fn label(&self, item: usize, port: usize, shapes: Shapes) -> &str {
        let [numbers, formula] = &self.facts[item].labels[port];
        match shapes {
            Shapes::Formulas if !formula.is_empty() => formula,
            Shapes::Numbers | Shapes::Formulas => numbers,
        }
    }
}

/// Room for the instance beside a title.
fn gap_before(instance: &str) -> f64 {
    if instance.is_empty() { 0.0 } else { 6.0 + width(instance, SMALL) }
}

/// The second line of a box: costs, or what a closed block holds.
pub fn below_title(item: &Item, facts: &Facts) -> String {
    if facts.second.is_empty() { inside(item) } else { facts.second.clone() }
}

fn inside(item: &Item) -> String {
    match &item.what {
        What::Run { count, .. } => format!("{count} in a row"),
        What::Block { .. } => format!("{} operators", item.nodes.len()),
        What::Network | What::Input | What::Operator | What::Result => String::new(),
    }
}

fn titles(item: &Item, parent: Option<&Item>, node: Option<&Node>) -> (String, String) {
    match &item.what {
        What::Network => (String::new(), String::new()),
        What::Input => (item.path.clone(), "input".into()),
        What::Result => (shortened(&item.path, TITLE), "result".into()),
        What::Operator => (node.map(operator).unwrap_or_default(), String::new()),
        What::Run { block, count } => (format!("{} ×{count}", shortened(block, TITLE)), String::new()),
        What::Block { block } => {
            let outer = item.around.first().unwrap_or(&item.path);
            let within =
                |p: &Item| if p.path.is_empty() || p.path.contains("..") { None } else { Some(p.path.clone()) };
            let from = parent.and_then(within).map_or(0, |p| p.len() + 1);
            let relative = item.path.get(from..).unwrap_or(&item.path);
            // `n.0.1.double` is instance n.0.1 of double; `cbr2` says by itself what it is.
            let (before, own) = relative.rsplit_once('.').unwrap_or(("", relative));
            let numbered = own.strip_prefix(block.as_str()).is_some_and(|n| n.chars().all(|c| c.is_ascii_digit()));
            let before = match item.around.is_empty() {
                true => before,
                false => outer.get(from..).unwrap_or(outer),
            };
            let title = if numbered { own } else { block.as_str() };
            let instance = if numbered { before.into() } else { relative.to_string() };
            (shortened(title, TITLE), shortened(&instance, TITLE))
        }
    }
}

/// `conv 3×3, 64, stride 2`: what tells it from its neighbours; the rest is in [`Facts::config`].
fn operator(node: &Node) -> String {
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
            // The window of a convolution is better known than its width.
            _ => {}
        }
    }
    if let ("conv" | "conv_transpose", Some(out)) = (node.op.name(), value("out")) {
        parts.retain(|p| p != out);
        parts.insert(1.min(parts.len()), out.to_string());
    }
    shortened(format!("{} {}", node.op.name(), parts.join(", ")).trim_end(), TITLE)
}

fn costs_in_words(params: u64, share: f64) -> String {
    let percent = 100.0 * share;
    let macs = match percent {
        p if p <= 0.0 => None,
        p if p < 0.1 => Some("<0.1 % MACs".to_string()),
        p if p < 9.95 => Some(format!("{p:.1} % MACs")),
        p => Some(format!("{p:.0} % MACs")),
    };
    let params = (params > 0).then(|| format!("{} params", short_number(params)));
    params.into_iter().chain(macs).collect::<Vec<_>>().join(" · ")
}

/// Upper ends of the shades, in hundredths of all multiply-accumulates.
pub const SHADES: [f64; 4] = [1.0, 3.0, 10.0, 30.0];

fn shade(share: f64) -> usize {
    if share <= 0.0 { 0 } else { 1 + SHADES.iter().filter(|&&end| 100.0 * share >= end).count() }
}

fn labels(graph: &Graph, outlet: Outlet) -> [String; 2] {
    let prefix = match graph.ty(outlet) {
        TensorType::Tensor(_) => "",
        TensorType::Index { .. } => "indices ",
    };
    let dims = graph.ty(outlet).shape().dims();
    let numbers = dims.iter().map(usize::to_string).collect::<Vec<_>>().join(" × ");
    // Those of indices are the dims of the map that they point into: see `TensorType`.
    let formula = match graph.ty(outlet) {
        TensorType::Tensor(_) => {
            let dims = graph.formula(outlet).dims();
            dims.iter().map(|d| rounded(&d.to_string())).collect::<Vec<_>>().join(" × ")
        }
        TensorType::Index { .. } => String::new(),
    };
    let formula = if formula.chars().count() <= FORMULA { formula } else { String::new() };
    [format!("{prefix}{numbers}"), formula]
}

/// `floor(H / 2)` as `⌊H/2⌋`.
fn rounded(formula: &str) -> String {
    let formula = formula.replace(" / ", "/");
    for (word, open, close) in [("floor(", "⌊", "⌋"), ("ceil(", "⌈", "⌉")] {
        let inner = formula.strip_prefix(word).and_then(|rest| rest.strip_suffix(')'));
        if let Some(inner) = inner.filter(|i| !i.contains(['(', ')'])) {
            return format!("{open}{inner}{close}");
        }
    }
    formula
}

fn field_in_words(field: &[AxisField; 2]) -> String {
    let one = |axis: &AxisField| match &axis.reach {
        Reach::Window(window) => window.size().to_string(),
        Reach::Nothing if axis.whole => "all".into(),
        Reach::Nothing => "none".into(),
        Reach::Unknown => "unknown".into(),
    };
    let [h, w] = [one(&field[0]), one(&field[1])];
    let size = if h == w && h.parse::<u64>().is_err() { h } else { format!("{h} × {w}") };
    let strides = [0, 1].map(|i| field[i].window().map(|w| w.stride().to_string()));
    let stride = match strides {
        [Some(a), Some(b)] if a == b => format!(", stride {a}"),
        [Some(a), Some(b)] => format!(", stride {a} × {b}"),
        _ => String::new(),
    };
    let windows = field.iter().any(|axis| axis.window().is_some());
    let whole = if windows && field.iter().any(|axis| axis.whole) { ", and the whole image" } else { "" };
    format!("{size}{stride}{whole}")
}
