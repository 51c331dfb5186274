//! Writes a picture for Graphviz, with open blocks as clusters.

use super::colours::{hue, shade};
use super::fold::FoldState;
use super::item_facts::second_line;
use super::scene::{Direction, Scene, ShapeNotation};
use super::tree::TreeItemKind;
use super::visible::{NestingStep, box_edges, nesting_steps};
use std::fmt::Write;

/// Writes the graph in the dot language.
pub fn dot(scene: &Scene, fold: &FoldState, shapes: ShapeNotation) -> String {
    let mut out = format!("digraph {} {{\n", quoted(&scene.name));
    if scene.direction == Direction::Right {
        out.push_str("  rankdir=LR;\n");
    }
    out.push_str("  graph [fontname=\"Helvetica\", fontsize=12, labeljust=l, style=rounded];\n");
    out.push_str("  node [shape=box, style=\"rounded,filled\", fontname=\"Helvetica\", fontsize=11];\n");
    out.push_str("  edge [fontname=\"Helvetica\", fontsize=9, arrowsize=0.6, color=\"#64748b\"];\n");
    let mut depth = 1;
    for step in nesting_steps(scene, fold) {
        let pad = "  ".repeat(depth);
        match step {
            NestingStep::Open(item) => {
                let colour = hue(scene.facts[item].kind.unwrap_or(0));
                let _ = writeln!(out, "{pad}subgraph cluster_{item} {{");
                let _ = writeln!(
                    out,
                    "{pad}  label={}; color=\"{colour}\"; fontcolor=\"{colour}\";",
                    quoted(&scene.facts[item].name())
                );
                depth += 1;
            }
            NestingStep::Box(item) => {
                let fill = shade(scene.facts[item].shade);
                let shape = shape_attribute(&scene.tree.items[item].kind);
                let _ = writeln!(out, "{pad}n{item} [label={}, fillcolor=\"{fill}\"{shape}];", box_label(scene, item));
            }
            NestingStep::Close => {
                depth -= 1;
                let _ = writeln!(out, "{}}}", "  ".repeat(depth));
            }
        }
    }
    for edge in box_edges(scene, fold) {
        let label = quoted(scene.label(edge.from, edge.port, shapes));
        let style = if edge.size_only { ", style=dashed" } else { "" };
        let _ = writeln!(out, "  n{} -> n{} [label={label}{style}];", edge.from, edge.to);
    }
    out + "}\n"
}

fn shape_attribute(kind: &TreeItemKind) -> &'static str {
    match kind {
        TreeItemKind::Input | TreeItemKind::Result => ", shape=ellipse",
        TreeItemKind::Block { .. } | TreeItemKind::Run { .. } => ", peripheries=2",
        TreeItemKind::Network | TreeItemKind::Operator => "",
    }
}

/// Returns the label of a box with its second line.
fn box_label(scene: &Scene, item: usize) -> String {
    let facts = &scene.facts[item];
    let lines = [scene.facts[item].name(), second_line(&scene.tree.items[item], facts)];
    let lines: Vec<&str> = lines.iter().map(String::as_str).filter(|l| !l.is_empty()).collect();
    quoted(&lines.join("\n"))
}

/// Quotes a text as a string of the dot language.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n"))
}
