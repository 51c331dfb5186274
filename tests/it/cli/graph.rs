//! `npc graph`: its formats, its refusals, and the examples of its help.

use crate::support::program::{ProgramOutput, npc};
use crate::support::repository::repository;
use serde_json::Value;
use std::collections::HashSet;

/// A model with a block used twice, a skip connection, pooling indices, and a tensor of which only the size is read.
const SMALL: &str = "npc 1

block step(x: [c, h, w], out: int) -> [out, h, w] = x |> conv(out) |> bn |> relu

model Small(x: [3, H, W]) -> [2, H, W] {
  let a = x |> step(8)
  let (b, at) = a |> maxpool_with_index(2)
  let c = b |> step(8) |> unpool(at)
  return (a ++ c) |> conv(2, k = 1) |> resize(to = x)
}

model Other(x: [3, H, W]) -> [3, H, W] = x |> relu
";

fn run(args: &[&str]) -> ProgramOutput {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("net.model"), SMALL).unwrap();
    npc(folder.path(), &[&["graph", "net.model"], args].concat())
}

fn small(args: &[&str]) -> String {
    let output = run(&[&["--model", "Small", "--size", "16x24"], args].concat());
    assert_eq!(output.code, 0, "{args:?}: {}", output.stderr);
    output.stdout
}

#[test]
fn mermaid_snapshots() {
    assert_snapshot!("it", "it__graph_cli__mermaid_snapshots", small(&["--format", "mermaid"]));
}

#[test]
fn dot_snapshots() {
    assert_snapshot!(
        "it",
        "it__graph_cli__dot_snapshots",
        small(&["--format", "dot", "--unfold", "a.step", "--depth", "1", "--shapes", "formulas"])
    );
}

#[test]
fn svg_snapshots() {
    // The colours have a file of their own.
    let without_style = |svg: String| {
        let (head, rest) = svg.split_once("<style>").unwrap();
        format!("{head}{}", rest.split_once("</style>\n").unwrap().1)
    };
    let options = ["--format", "svg", "--fold", "c.step"];
    let down = small(&[&options[..], &["--direction", "down"]].concat());
    assert_snapshot!("it", "it__graph_cli__svg_snapshots", without_style(down));
    // The network is a U, and is drawn as one without an option too.
    let u = small(&[&options[..], &["--direction", "u"]].concat());
    assert_eq!(small(&options), u);
    assert_snapshot!("it", "it__graph_cli__u_snapshots", without_style(u));
}

#[test]
fn json_snapshots() {
    assert_snapshot!("it", "it__graph_cli__json_snapshots", small(&["--format", "json"]));
}

/// The page describes every field and no other.
#[test]
fn the_page_describes_each_field() {
    let page = std::fs::read_to_string(repository("docs/graph.md")).unwrap();
    let document: Value = serde_json::from_str(&small(&["--format", "json"])).unwrap();
    let graph = &document["graphs"][0];
    for object in [&document, graph, &graph["nodes"][1], &graph["blocks"][0], &graph["results"][0]] {
        for key in object.as_object().unwrap().keys() {
            assert!(page.contains(&format!("`{key}`")), "docs/graph.md does not describe `{key}`");
        }
    }
    let macs: u64 = graph["nodes"].as_array().unwrap().iter().map(|n| n["macs"].as_u64().unwrap()).sum();
    assert_eq!(graph["macs"], macs);
    assert_eq!(graph["nodes"][1]["source"]["line"], 3);
    assert_eq!(graph["blocks"][1]["path"], "c.step");
    assert_ne!(graph["blocks"][0]["class"], graph["blocks"][1]["class"], "8 channels and 3");
}

#[test]
fn graphs_that_cannot_be_drawn_are_refused() {
    let refused = |args: &[&str], code: i32, part: &str| {
        let output = run(args);
        assert_eq!(output.code, code, "{args:?}: {}", output.stderr);
        assert!(output.stderr.contains(part), "{args:?}: {}", output.stderr);
    };
    let size = ["--size", "16x16", "--format", "svg"];
    refused(&size, 2, "choose with --model (there is Small, Other)");
    let small_model = [&size[..], &["--model", "Small"]].concat();
    let with = |more: &[&'static str]| [&small_model[..], more].concat();
    refused(&with(&["--fold", "a.stp"]), 2, "Small has no block `a.stp`");
    refused(&with(&["--fold", "a.stp"]), 2, "did you mean `a.step`? Other near names are");
    refused(&with(&["--unfold", "nowhere.at.all"]), 2, "there is `a`, `a.step`, `c`, `c.step`");
    refused(&with(&["--fold", "a.step.conv"]), 2, "is an operator, and only blocks can be closed");
    refused(&with(&["--depth", "0"]), 2, "--depth");
    refused(&with(&["--out", "no/folder/here.svg"]), 1, "cannot be written");
    refused(&["--depth", "2"], 2, "--format svg");
    refused(&["--shapes", "formulas", "--format", "json"], 2, "are for pictures");
}

/// A network in which every node reads all nodes before it has no picture, and is refused quickly.
#[test]
fn graphs_with_too_many_lines_are_refused() {
    let text = "npc 1
model Dense(x: [1, H, W], n: int = 480) -> [1, H, W] {
  let s[0] = x
  for i in 0..n { let s[i + 1] = concat(s[0..i + 1]) |> conv(1, k = 1) }
  return s[n]
}
";
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("dense.model"), text).unwrap();
    let output = npc(folder.path(), &["graph", "dense.model", "--size", "8x8", "--format", "svg"]);
    assert_eq!((output.code, output.stdout.as_str()), (1, ""), "{}", output.stderr);
    assert!(output.stderr.contains("Dense is too large for a picture"), "{}", output.stderr);
    let output = npc(folder.path(), &["graph", "dense.model", "--size", "8x8", "--with", "n=40", "--format", "svg"]);
    assert_eq!(output.code, 0, "{}", output.stderr);
}

#[test]
fn examples_of_the_help_run() {
    let help = npc(&repository(""), &["graph", "--help"]).stdout;
    let out = tempfile::tempdir().unwrap();
    // A long example continues after a backslash.
    let help = help.replace("\\\n", "");
    let examples: Vec<&str> = help.lines().filter_map(|l| l.strip_prefix("  npc ")).collect();
    assert!(examples.len() >= 7, "{help}");
    for example in examples {
        let mut args: Vec<String> = example.split_whitespace().map(String::from).collect();
        let mut said = String::new();
        if let Some(at) = args.iter().position(|a| a == "--out") {
            args[at + 1] = out.path().join(&args[at + 1]).to_string_lossy().into_owned();
            said = format!("wrote {}\n", args[at + 1]);
        }
        let mut args: Vec<&str> = args.iter().map(String::as_str).collect();
        let output = npc(&repository(""), &args);
        assert_eq!((output.code, output.stderr.as_str()), (0, said.as_str()), "npc {example}");
        args.push("-q");
        assert_eq!(npc(&repository(""), &args).stderr, "", "npc {example} -q");
    }
    assert_eq!(std::fs::read_dir(out.path()).unwrap().count(), 3);
}

/// A small reader of flowcharts: every line is of a known form, nodes are defined before they are used, subgraphs end.
fn read_mermaid(text: &str) -> (HashSet<String>, usize) {
    let quoted = |s: &str| s.starts_with('"') && s.ends_with('"') && s.len() > 2 && !s[1..s.len() - 1].contains('"');
    let known = |s: &str| {
        let mut rest = s;
        // `#` only begins the number of a character that would otherwise have a meaning.
        while let Some((_, after)) = rest.split_once('#') {
            let (number, after) = after.split_once(';').unwrap_or_else(|| panic!("{s}"));
            assert!(number.parse::<u32>().is_ok(), "{s}");
            rest = after;
        }
        !s.replace("<br/>", "").contains(['<', '>', '&', '`'])
    };
    let (mut nodes, mut edges, mut depth) = (HashSet::new(), 0, 0);
    for line in text.lines().skip(1).map(str::trim) {
        if line == "end" {
            depth -= 1;
        } else if let Some(rest) = line.strip_prefix("subgraph ") {
            depth += 1;
            let (_, name) = rest.strip_suffix(']').unwrap().split_once('[').unwrap();
            assert!(quoted(name) && known(name), "{line}");
        } else if let Some((from, rest)) = line.split_once(" -->|").or(line.split_once(" -.->|")) {
            let (label, to) = rest.rsplit_once("| ").unwrap();
            assert!(quoted(label) && known(label), "{line}");
            assert!(nodes.contains(from) && nodes.contains(to), "{line}");
            edges += 1;
        } else if !line.starts_with("classDef ") && !line.starts_with("style ") {
            let (head, class) = line.split_once(":::").unwrap_or_else(|| panic!("{line}"));
            let at = head.find(['[', '(']).unwrap();
            let forms = [("([", "])"), ("[[", "]]"), ("[", "]")];
            let body = forms.iter().find_map(|(a, b)| head[at..].strip_prefix(a)?.strip_suffix(b)).unwrap();
            assert!(quoted(body) && known(body), "{line}");
            assert!(class.strip_prefix('s').is_some_and(|n| n.parse::<u8>().is_ok()), "{line}");
            assert!(nodes.insert(head[..at].to_string()), "{line}");
        }
        assert!(depth >= 0, "{line}");
    }
    assert_eq!(depth, 0);
    (nodes, edges)
}

#[test]
fn mermaid_of_the_models_can_be_read() {
    for (file, model) in [("npnet", "NPNet"), ("segnet", "SegNet"), ("unetpp_supervised", "UNetPlusPlusSupervised")] {
        let scene = crate::show::picture::scene(&crate::show::picture::repository_model(file, model));
        for fold in
            [npc::internals::show::picture::FoldState::readable(&scene.tree), crate::show::picture::all_open(&scene)]
        {
            let text = npc::internals::show::picture::mermaid(
                &scene,
                &fold,
                npc::internals::show::picture::ShapeNotation::Formulas,
            );
            let (nodes, edges) = read_mermaid(&text);
            assert_eq!(
                (nodes.len(), edges),
                (fold.box_count(&scene.tree), npc::internals::show::picture::box_edges(&scene, &fold).len())
            );
        }
    }
}

/// The pictures and the flowchart of the page are those that npc draws for the models in its folder. `NPC_UPDATE=1`
/// writes them anew.
#[test]
fn pictures_of_the_page_are_current() {
    let page = repository("docs/graph.md");
    for (name, args) in [
        ("unetpp", &["models/unetpp.model"][..]),
        ("npnet", &["models/npnet.model", "--model", "NPNet"]),
        ("segnet", &["models/segnet.model"]),
    ] {
        let output = npc(&repository(""), &[&["graph", "--on", "cvc", "--format", "svg"], args].concat());
        let path = repository(&format!("docs/graph/{name}.svg"));
        if std::env::var_os("NPC_UPDATE").is_some() {
            std::fs::write(&path, &output.stdout).unwrap();
        }
        let there = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(there == output.stdout, "{} is not what npc makes; NPC_UPDATE=1 writes it", path.display());
    }
    let args = "graph models/attention_unet.model --on cvc --format mermaid --depth 1 --with";
    let args: Vec<&str> = args.split(' ').chain(["width=[64, 128]"]).collect();
    let text = std::fs::read_to_string(page).unwrap();
    assert!(text.contains(&npc(&repository(""), &args).stdout), "docs/graph.md shows another flowchart");
}
