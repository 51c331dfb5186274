//! Writes a picture as an HTML page whose blocks open and close. It is one file that loads nothing else.
//!
//! The page holds the ranks and orders of every block and computes coordinates itself, by the same steps as
//! [`place`](super::place::place).

use super::colours::{HUES, rules};
use super::fold::FoldState;
use super::item_facts::{SMALL, second_line};
use super::layered::LayeredGraph;
use super::layout_node::LayoutNodeKind;
use super::scene::{Scene, ShapeNotation};
use super::svg::{legend_entries, summary};
use super::tree::TreeItemKind;
use super::u_plan::{Flow, HeightStep, Lane, LanePair, UPlan, UWay};
use crate::base::xml::escaped;
use crate::show::text::width;
use crate::text::source::SourceMap;
use serde_json::{Value, json};

const PAGE: &str = include_str!("page/page.html");
const PICTURE: &str = include_str!("page/picture.css");
const STYLE: &str = include_str!("page/page.css");
const COLOURS: &str = include_str!("page/pagecolours.css");
const PLACE: &str = include_str!("page/place.js");
const U: &str = include_str!("page/u.js");
const SCRIPT: &str = include_str!("page/page.js");

/// Returns the page with the blocks of the fold state open. It shows places in model files where `sources` are given.
pub fn page(scene: &Scene, fold: &FoldState, shapes: ShapeNotation, sources: Option<&SourceMap>) -> String {
    // `</script>` in a name must not end the script; in JSON only strings hold a `<`.
    let data = page_data(scene, fold, shapes, sources).to_string().replace('<', "\\u003c");
    let parts = [
        ("$style", format!("{PICTURE}{STYLE}{}", rules(COLOURS))),
        ("$title", escaped(&scene.name)),
        ("$summary", escaped(&summary(scene))),
        ("$keys", legend_html(scene)),
        ("$script", format!("{U}{PLACE}{SCRIPT}")),
        ("$data", data),
    ];
    // Placeholders are replaced from left to right, so that text inside a part is never taken for a placeholder.
    let mut out = String::new();
    let mut rest = PAGE;
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        match parts.iter().find(|(name, _)| rest.starts_with(name)) {
            Some((name, text)) => {
                out.push_str(text);
                rest = &rest[name.len()..];
            }
            None => {
                out.push('$');
                rest = &rest[1..];
            }
        }
    }
    out + rest
}

fn legend_html(scene: &Scene) -> String {
    let sample = |(class, text): (String, String)| {
        let shape = match class.starts_with("key") {
            true => format!("<rect class=\"{class}\" x=\"1\" y=\"1\" width=\"14\" height=\"11\" rx=\"3\"/>"),
            false => format!("<path class=\"{class}\" d=\"M1 7h14\"/>"),
        };
        format!("<span><svg class=\"npc\" aria-hidden=\"true\">{shape}</svg>{}</span>", escaped(&text))
    };
    legend_entries(scene, |_| true).into_iter().map(sample).collect()
}

fn page_data(scene: &Scene, fold: &FoldState, shapes: ShapeNotation, sources: Option<&SourceMap>) -> Value {
    let items: Vec<Value> = (0..scene.tree.items.len()).map(|i| item_json(scene, fold, sources, i)).collect();
    let levels: Vec<Value> = scene.layered.iter().map(|l| l.as_ref().map_or(Value::Null, layered_json)).collect();
    json!({
        "name": scene.name,
        "hues": HUES,
        "shapes": usize::from(shapes == ShapeNotation::Formulas),
        "kinds": scene.kinds,
        "items": items,
        "levels": levels,
        "u": scene.u_plan().map(|plan| u_json(scene, plan)),
    })
}

/// Returns a plan in arrays, with the sizes of its rows and their widths in numbers and in formulas.
fn u_json(scene: &Scene, plan: &UPlan) -> Value {
    let lane = |lane: Lane| match lane {
        Lane::Entry(input) => json!([0, input]),
        Lane::Exit(port) => json!([1, port]),
    };
    let pairs = |list: &[LanePair]| -> Vec<Value> {
        list.iter().map(|p| json!([p.from, lane(p.from_lane), p.to, lane(p.to_lane)])).collect()
    };
    let parts: Vec<Value> = (plan.parts.iter())
        .map(|p| {
            let straight = p.straight.map_or(json!(-1), |input| json!(input));
            json!([p.item, p.row, p.column, u8::from(p.flow == Flow::Up), p.exits, p.entries, p.ends, straight])
        })
        .collect();
    let way = |way: &UWay| match way {
        UWay::Straight => json!([]),
        UWay::Channel(lane) => json!([[lane.track, lane.lane]]),
        UWay::Corridor(lanes) => lanes.iter().map(|lane| json!([lane.track, lane.lane])).collect(),
    };
    let lines: Vec<Value> = (plan.lines.iter())
        .map(|l| json!([l.edge[0], l.edge[1], l.port, l.input, u8::from(l.size_only), way(&l.way)]))
        .collect();
    let steps: Vec<Value> = (plan.steps.iter())
        .map(|step| match step {
            HeightStep::Row(row) => json!(row),
            HeightStep::Parts(parts) => json!(parts),
        })
        .collect();
    let notations = [ShapeNotation::Numbers, ShapeNotation::Formulas];
    let sizes: Vec<[&str; 2]> = plan.examples.iter().map(|&item| notations.map(|n| scene.map_size(item, n))).collect();
    let widths: Vec<[f64; 2]> = sizes.iter().map(|texts| texts.map(|text| width(text, SMALL + 1.0))).collect();
    json!({
        "parts": parts, "columns": plan.columns, "lines": lines, "ties": pairs(&plan.ties), "below": pairs(&plan.below),
        "steps": steps, "settles": plan.settles, "channels": plan.channels, "corridors": plan.corridors,
        "sizes": sizes, "widths": widths,
    })
}

fn item_json(scene: &Scene, fold: &FoldState, sources: Option<&SourceMap>, at: usize) -> Value {
    let (item, facts) = (&scene.tree.items[at], &scene.facts[at]);
    let what = match item.kind {
        TreeItemKind::Network => "network",
        TreeItemKind::Input => "input",
        TreeItemKind::Operator => "operator",
        TreeItemKind::Block { .. } => "block",
        TreeItemKind::Run { .. } => "run",
        TreeItemKind::Result => "result",
    };
    let source = facts.span.zip(sources).map(|(span, sources)| {
        let (line, _) = sources.line_column(span);
        format!("{}:{line}", sources.file(span.source).name)
    });
    let text = |label: &String| width(label, SMALL) + 8.0;
    let widths: Vec<[f64; 2]> = (facts.labels.iter())
        .map(|[numbers, formula]| [text(numbers), text(if formula.is_empty() { numbers } else { formula })])
        .collect();
    json!({
        "what": what,
        "parent": item.parent,
        "depth": item.depth,
        "path": item.path,
        "around": item.around,
        "open": fold.is_open(at),
        "folds": item.can_fold(),
        "class": item.can_fold().then_some(item.class),
        "title": facts.title,
        "instance": facts.instance,
        "second": second_line(item, facts),
        "op": facts.op,
        "config": facts.config,
        "reads": facts.reads,
        "labels": facts.labels,
        "inputs": item.inputs.len(),
        "size": item.nodes.len(),
        "params": facts.params,
        "macs": facts.macs,
        "share": facts.share,
        "shade": facts.shade,
        "kind": facts.kind,
        "field": facts.field,
        "source": source,
        "width": facts.width,
        "head": facts.head,
        "widths": widths,
    })
}

fn layered_json(layered: &LayeredGraph) -> Value {
    let nodes: Vec<Value> = (layered.nodes.iter())
        .map(|c| {
            let (kind, of) = match c.kind {
                LayoutNodeKind::Item(i) => (0, i),
                LayoutNodeKind::Input(i) => (1, i),
                LayoutNodeKind::Output(i) => (2, i),
                LayoutNodeKind::Dummy(i) => (3, i),
            };
            json!([kind, of, c.rank, c.column])
        })
        .collect();
    let hyperedges: Vec<Value> = (layered.hyperedges.iter())
        .map(|hyperedge| {
            let port = |port: Option<usize>| port.map_or(json!(-1), |p| json!(p));
            let segments: Vec<Value> = hyperedge
                .segments
                .iter()
                .map(|h| json!([h.from, h.to, port(h.port), usize::from(h.size_only)]))
                .collect();
            json!([hyperedge.from, hyperedge.port, usize::from(hyperedge.labelled), segments])
        })
        .collect();
    json!({"cells": nodes, "rows": layered.layers, "nets": hyperedges, "ports": layered.ports})
}
