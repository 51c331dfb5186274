//! A picture as a Mermaid flowchart, which GitHub and many wikis draw in Markdown: open blocks are subgraphs.

use super::colours::{hue, shade};
use super::facts::below_title;
use super::flat::{Step, edges, steps};
use super::fold::Fold;
use super::scene::{Scene, Shapes};
use super::tree::What;
use std::fmt::Write;

pub fn mermaid(scene: &Scene, fold: &Fold, shapes: Shapes) -> String {
    let mut out = String::from("flowchart TB\n");
    let mut depth = 1;
    let mut frames = Vec::new();
    for step in steps(scene, fold) {
        let pad = "  ".repeat(depth);
        match step {
            Step::Open(item) => {
                frames.push(item);
                let _ = writeln!(out, "{pad}subgraph b{item}[{}]", quoted(&scene.facts[item].name()));
                depth += 1;
            }
            Step::Box(item) => {
                let [open, close] = match scene.tree.items[item].what {
                    What::Input | What::Result => ["([", "])"],
                    What::Block { .. } | What::Run { .. } => ["[[", "]]"],
                    What::Network | What::Operator => ["[", "]"],
                };
                let class = scene.facts[item].shade;
                let _ = writeln!(out, "{pad}n{item}{open}{}{close}:::s{class}", named(scene, item));
            }
            Step::Close => {
                depth -= 1;
                let _ = writeln!(out, "{}end", "  ".repeat(depth));
            }
        }
    }
    for edge in edges(scene, fold) {
        let label = quoted(scene.label(edge.from, edge.port, shapes));
        let arrow = if edge.size_only { "-.->" } else { "-->" };
        let _ = writeln!(out, "  n{} {arrow}|{label}| n{}", edge.from, edge.to);
    }
    for i in 0..=5 {
        // Both schemes of GitHub have light boxes with dark letters then.
        let _ = writeln!(out, "  classDef s{i} fill:{},stroke:#9aa8ba,color:#16202c", shade(i));
    }
    for item in frames {
        let colour = hue(scene.facts[item].kind.unwrap_or(0));
        let _ = writeln!(out, "  style b{item} fill:none,stroke:{colour},color:{colour}");
    }
    out
}

fn named(scene: &Scene, item: usize) -> String {
    let facts = &scene.facts[item];
    let lines = [scene.facts[item].name(), below_title(&scene.tree.items[item], facts)];
    let lines: Vec<String> = lines.iter().filter(|l| !l.is_empty()).map(|l| escaped(l)).collect();
    format!("\"{}\"", lines.join("<br/>"))
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", escaped(text))
}

/// Inside quotes Mermaid takes `#quot;` and numbers for letters that would mean something, and reads the rest as HTML or,
/// behind a backtick, as Markdown.
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
