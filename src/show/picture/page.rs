//! A picture as a page whose blocks open and close: one file, which loads nothing.
//!
//! The page holds the ranks and orders of every block and computes coordinates itself, by the same steps as
//! [`place`](super::place::place).

use super::cell::Kind;
use super::colours::{HUES, rules};
use super::facts::{SMALL, below_title};
use super::fold::Fold;
use super::level::Level;
use super::scene::{Scene, Shapes};
use super::svg::{keys, summary};
use super::tree::What;
use crate::base::xml::escaped;
use crate::show::text::width;
use crate::text::source::SourceMap;
use serde_json::{Value, json};

const PAGE: &str = include_str!("page/page.html");
const PICTURE: &str = include_str!("page/picture.css");
const STYLE: &str = include_str!("page/page.css");
const COLOURS: &str = include_str!("page/pagecolours.css");
const PLACE: &str = include_str!("page/place.js");
const SCRIPT: &str = include_str!("page/page.js");

/// The page, with the blocks of the fold open. Places in files are told where `sources` are given.
pub fn page(scene: &Scene, fold: &Fold, shapes: Shapes, sources: Option<&SourceMap>) -> String {
    // `</script>` in a name must not end the script; in JSON only strings hold a `<`.
    let data = data(scene, fold, shapes, sources).to_string().replace('<', "\\u003c");
    let parts = [
        ("$style", format!("{PICTURE}{STYLE}{}", rules(COLOURS))),
        ("$title", escaped(&scene.name)),
        ("$summary", escaped(&summary(scene))),
        ("$keys", keys_in_html(scene)),
        ("$script", format!("{PLACE}{SCRIPT}")),
        ("$data", data),
    ];
    // Piece by piece, so that nothing inside a part is taken for a place.
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

fn keys_in_html(scene: &Scene) -> String {
    let sample = |(class, text): (String, String)| {
        let shape = match class.starts_with("key") {
            true => format!("<rect class=\"{class}\" x=\"1\" y=\"1\" width=\"14\" height=\"11\" rx=\"3\"/>"),
            false => format!("<path class=\"{class}\" d=\"M1 7h14\"/>"),
        };
        format!("<span><svg class=\"npc\" aria-hidden=\"true\">{shape}</svg>{}</span>", escaped(&text))
    };
    keys(scene, |_| true).into_iter().map(sample).collect()
}

fn data(scene: &Scene, fold: &Fold, shapes: Shapes, sources: Option<&SourceMap>) -> Value {
    let items: Vec<Value> = (0..scene.tree.items.len()).map(|i| item(scene, fold, sources, i)).collect();
    let levels: Vec<Value> = scene.levels.iter().map(|l| l.as_ref().map_or(Value::Null, level)).collect();
    json!({
        "name": scene.name,
        "hues": HUES,
        "shapes": usize::from(shapes == Shapes::Formulas),
        "kinds": scene.kinds,
        "items": items,
        "levels": levels,
    })
}

fn item(scene: &Scene, fold: &Fold, sources: Option<&SourceMap>, at: usize) -> Value {
    let (item, facts) = (&scene.tree.items[at], &scene.facts[at]);
    let what = match item.what {
        What::Network => "network",
        What::Input => "input",
        What::Operator => "operator",
        What::Block { .. } => "block",
        What::Run { .. } => "run",
        What::Result => "result",
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
        "folds": item.folds(),
        "class": item.folds().then_some(item.class),
        "title": facts.title,
        "instance": facts.instance,
        "second": below_title(item, facts),
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

fn level(level: &Level) -> Value {
    let cells: Vec<Value> = (level.cells.iter())
        .map(|c| {
            let (kind, of) = match c.kind {
                Kind::Item(i) => (0, i),
                Kind::In(i) => (1, i),
                Kind::Out(i) => (2, i),
                Kind::Lane(i) => (3, i),
            };
            json!([kind, of, c.row, c.column])
        })
        .collect();
    let nets: Vec<Value> = (level.nets.iter())
        .map(|net| {
            let port = |port: Option<usize>| port.map_or(json!(-1), |p| json!(p));
            let hops: Vec<Value> =
                net.hops.iter().map(|h| json!([h.from, h.to, port(h.port), usize::from(h.size_only)])).collect();
            json!([net.from, net.port, usize::from(net.labelled), hops])
        })
        .collect();
    json!({"cells": cells, "rows": level.rows, "nets": nets, "ports": level.ports})
}
