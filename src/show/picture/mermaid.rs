//! Writes a picture as a Mermaid flowchart, which GitHub and many wikis render in Markdown. Open blocks are subgraphs.

use super::colours::{hue, shade};
use super::fold::FoldState;
use super::item_facts::second_line;
use super::scene::{Direction, Scene, ShapeNotation};
use super::tree::TreeItemKind;
use super::visible::{NestingStep, box_edges, nesting_steps};
use std::fmt::Write;

/// Writes the graph as a Mermaid flowchart.
pub fn mermaid(scene: &Scene, fold: &FoldState, shapes: ShapeNotation) -> String {
    let way = if scene.direction == Direction::Right { "LR" } else { "TB" };
    let mut out = format!("flowchart {way}\n");
    let mut depth = 1;
    let mut frames = Vec::new();
    for step in nesting_steps(scene, fold) {
        let pad = "  ".repeat(depth);
        match step {
            NestingStep::Open(item) => {
                frames.push(item);
                let _ = writeln!(out, "{pad}subgraph b{item}[{}]", quoted(&scene.facts[item].name()));
                depth += 1;
            }
            NestingStep::Box(item) => {
                let [open, close] = brackets(&scene.tree.items[item].kind);
                let class = scene.facts[item].shade;
                let _ = writeln!(out, "{pad}n{item}{open}{}{close}:::s{class}", box_label(scene, item));
            }
            NestingStep::Close => {
                depth -= 1;
                let _ = writeln!(out, "{}end", "  ".repeat(depth));
            }
        }
    }
    for edge in box_edges(scene, fold) {
        let label = quoted(scene.label(edge.from, edge.port, shapes));
        let arrow = if edge.size_only { "-.->" } else { "-->" };
        let _ = writeln!(out, "  n{} {arrow}|{label}| n{}", edge.from, edge.to);
    }
    for i in 0..=5 {
        // The boxes are light with dark letters in both schemes of GitHub.
        let _ = writeln!(out, "  classDef s{i} fill:{},stroke:#9aa8ba,color:#16202c", shade(i));
    }
    for item in frames {
        let colour = hue(scene.facts[item].kind.unwrap_or(0));
        let _ = writeln!(out, "  style b{item} fill:none,stroke:{colour},color:{colour}");
    }
    out
}

/// Returns the brackets that give a box its outline.
fn brackets(kind: &TreeItemKind) -> [&'static str; 2] {
    match kind {
        TreeItemKind::Input | TreeItemKind::Result => ["([", "])"],
        TreeItemKind::Block { .. } | TreeItemKind::Run { .. } => ["[[", "]]"],
        TreeItemKind::Network | TreeItemKind::Operator => ["[", "]"],
    }
}

/// Returns the label of a box with its second line.
fn box_label(scene: &Scene, item: usize) -> String {
    let facts = &scene.facts[item];
    let lines = [scene.facts[item].name(), second_line(&scene.tree.items[item], facts)];
    let lines: Vec<String> = lines.iter().filter(|l| !l.is_empty()).map(|l| escaped(l)).collect();
    format!("\"{}\"", lines.join("<br/>"))
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", escaped(text))
}

/// Escapes characters by their code, such as `#34;`. Inside quotes Mermaid reads the rest as HTML or, after a backtick, as
/// Markdown.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '"' | '#' | '<' | '>' | '&' | '`' | '\\' | ';' | '|' => {
                let _ = write!(out, "#{};", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out
}
