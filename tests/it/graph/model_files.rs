//! Every model file: its graph, its cost and its plan beside it as snapshots.
//!
//! `tests/graphs/*.model` hold one feature of the language each, `models/*.model` are the zoo. A new file gets its
//! snapshots with `INSTA_UPDATE=always`; read them, they are the expected result from then on.

use crate::support::front::{Front, front_file, models_in, size_of};
use npc::graph::ir;
use npc::internals::show::picture;
use npc::internals::show::picture::{FoldState, Scene, ShapeNotation};
use npc::study::cost::Convention;
use std::collections::BTreeSet;
use std::path::Path;

/// `tests/graphs/unet.model` to `unet`, `models/unet.model` to `zoo_unet`.
fn name_of(path: &Path) -> String {
    let stem = path.file_stem().unwrap().to_string_lossy();
    if path.parent().is_some_and(|p| p.ends_with("models")) { format!("zoo_{stem}") } else { stem.into_owned() }
}

fn snapshot(name: &str, kind: &str, text: &str) {
    assert_snapshot!("graphs", format!("{name}.{kind}"), text);
}

/// Calls `f` with every model file and what the front makes of it.
fn each(f: impl Fn(&str, &Path, &Front)) {
    for path in models_in("models").into_iter().chain(models_in("tests/graphs")) {
        let text = std::fs::read_to_string(&path).unwrap();
        // A file of data sets or shared blocks is looked at through the files that import it.
        if !text.lines().any(|l| l.starts_with("model ") || l.starts_with("variant ")) {
            continue;
        }
        f(&name_of(&path), &path, &front_file(&path, size_of(&text), &[]));
    }
}

#[test]
fn graph_snapshots() {
    each(|name, _, made| {
        let texts: Vec<_> = made.checked.iter().map(|c| ir::to_text(c.graph())).collect();
        assert!(!texts.is_empty(), "{name}: {}", made.text());
        snapshot(name, "graph", &texts.join("\n"));
    });
}

/// Lints that are right about these files at these sizes: the zoo's biases before batch norm belong to the networks as
/// published, its large rates do not suit a small image, and some files are about the very thing.
fn expected(name: &str) -> &'static [&'static str] {
    match name {
        "attention_unet" | "if_else" | "nested_unet" | "stages" | "unet" => &["W0407"],
        "zoo_attention_unet" | "zoo_segnet" | "zoo_unet" | "zoo_unetpp" | "zoo_unetpp_supervised" => &["W0407"],
        "zoo_npnet" => &["W0404"],
        "zoo_pspnet" => &["W0404", "W0407"],
        "segnet" => &["W0406", "W0407"],
        "conv_transpose" => &["W0408"],
        "kernels" => &["W0411"],
        _ => &[],
    }
}

#[test]
fn problems_are_those_expected() {
    each(|name, _, made| {
        let codes: BTreeSet<_> = made.problems.iter().map(|d| d.code.id()).filter(|c| *c != "N0901").collect();
        assert_eq!(codes.into_iter().collect::<Vec<_>>(), expected(name), "{name}: {:?}", made.told());
    });
}

#[cfg(feature = "cli")]
#[test]
fn cost_snapshots() {
    use crate::support::front::npc;
    each(|name, path, _| {
        let text = std::fs::read_to_string(path).unwrap();
        let size = size_of(&text).map(|[h, w]| format!("{h}x{w}"));
        let file = path.file_name().unwrap().to_string_lossy();
        let mut args = vec!["check", &file];
        args.extend(size.iter().flat_map(|s| ["--size", s]));
        let said = npc(path.parent().unwrap(), &args);
        assert_eq!(said.code, 0, "{name}: {}", said.err);
        let notes = if said.err.is_empty() { String::new() } else { format!("\n{}", said.err) };
        snapshot(name, "cost", &(said.out + &notes));
    });
}

#[cfg(feature = "run")]
#[test]
fn plan_snapshots() {
    each(|name, _, made| {
        let texts: Vec<_> = made.checked.iter().map(|c| npc::graph::plan::plan(c).to_text()).collect();
        snapshot(name, "plan", &texts.join("\n"));
    });
}

/// Text and JSON hold the same nodes, and so do pictures with every block open.
#[test]
fn forms_agree() {
    each(|name, _, made| {
        for checked in &made.checked {
            let graph = checked.graph();
            let json = ir::to_json(graph);
            let nodes = json["nodes"].as_array().unwrap();
            assert_eq!(nodes.len(), graph.len(), "{name}");
            let text = ir::to_text(graph);
            for node in nodes {
                let path = node["path"].as_str().unwrap();
                assert!(text.lines().any(|l| l.ends_with(&format!("# {path}"))), "{name}: {path} in text");
            }
            let scene = Scene::new(checked, Convention::Conv).unwrap();
            let open = FoldState::to_depth(&scene.tree, usize::MAX);
            let boxes = graph.len() + graph.results.len();
            let dot = picture::dot(&scene, &open, ShapeNotation::Numbers);
            assert_eq!(dot.matches(" [label=").count() - dot.matches(" -> ").count(), boxes, "{name}: {dot}");
            assert_eq!(dot.matches('{').count(), dot.matches('}').count(), "{name}: {dot}");
            let svg = picture::svg(&scene, &open, ShapeNotation::Numbers);
            assert_eq!(svg.matches("class=\"face\"").count(), boxes, "{name}");
        }
    });
}

/// The same file gives the same graph twice, and at another size the same parameters.
#[test]
fn sizes_change_no_parameters() {
    for path in models_in("models") {
        let params = |size| -> Vec<Vec<_>> {
            let all = |c: &npc::graph::check::CheckedGraph| {
                let g = c.graph();
                g.order().into_iter().flat_map(|id| g.node(id).op.params(&g.input_types(id))).collect()
            };
            front_file(&path, Some(size), &[]).checked.iter().map(all).collect()
        };
        assert_eq!(params([64, 64]), params([128, 96]), "{}", path.display());
    }
}
