//! Networks that compile: their graphs, costs, plans and pictures.
//!
//! `tests/graphs/*.model` hold one feature of the language each, `models/*.model` are the networks that come with npc, and
//! `tests/graphs/foreign/*.model` are networks that exist as PyTorch code.

use crate::runner::test;
use crate::support::compile::{CompiledFile, compile_file};
use crate::support::header::Header;
use crate::support::program::npc;
use crate::support::repository::{model_files, stem};
use libtest_mimic::Trial;
use npc::graph::ir;
use npc::graph::plan::plan;
use npc::internals::show::picture;
use npc::internals::show::picture::{FoldState, Scene, ShapeNotation};
use npc::study::cost::Convention;
use std::fs;
use std::path::{Path, PathBuf};

/// A file with networks.
struct Networks {
    path: PathBuf,
    /// The name of its snapshots.
    name: String,
    header: Header,
}

impl Networks {
    /// Panics if the header has an error.
    fn read(path: &Path) -> Self {
        let text = fs::read_to_string(path).unwrap();
        let is_foreign = path.parent().is_some_and(|folder| folder.ends_with("foreign"));
        let keys: &[&str] = if is_foreign { &["expects"] } else { &["size", "expects"] };
        let header = Header::read(&path.display().to_string(), &text, keys);
        let of_models = path.parent().is_some_and(|folder| folder.ends_with("models"));
        let name = if of_models { format!("zoo_{}", stem(path)) } else { stem(path) };
        Self { path: path.to_path_buf(), name, header }
    }

    fn compiled(&self) -> CompiledFile {
        compile_file(&self.path, self.header.size, &[])
    }

    fn snapshot(&self, kind: &str, text: &str) {
        assert_snapshot!("graphs", format!("{}.{kind}", self.name), text);
    }

    fn graph(&self) {
        let made = self.compiled();
        assert!(!made.checked.is_empty(), "no model compiles\n{}", made.rendered());
        let texts: Vec<_> = made.checked.iter().map(|c| ir::to_text(c.graph())).collect();
        self.snapshot("graph", &texts.join("\n"));
    }

    fn problems(&self) {
        self.check_problems(self.header.size);
    }

    /// Only the expected problems occur at a size.
    fn check_problems(&self, size: Option<[usize; 2]>) {
        let made = compile_file(&self.path, size, &[]);
        let (found, expected) = (made.codes(), &self.header.expects);
        assert!(found == *expected, "expected {expected:?}, found {found:?}\n{}", made.rendered());
    }

    fn cost(&self) {
        let size = self.header.size.map(|[h, w]| format!("{h}x{w}"));
        let file = self.path.file_name().unwrap().to_string_lossy();
        let mut args = vec!["check", &file, "--claims"];
        args.extend(size.iter().flat_map(|size| ["--size", size]));
        let output = npc(self.path.parent().unwrap(), &args);
        assert_eq!(output.code, 0, "{}", output.stderr);
        let notes = if output.stderr.is_empty() { String::new() } else { format!("\n{}", output.stderr) };
        self.snapshot("cost", &(output.stdout + &notes));
    }

    fn plan(&self) {
        let texts: Vec<_> = self.compiled().checked.iter().map(|c| plan(c).to_text()).collect();
        self.snapshot("plan", &texts.join("\n"));
    }

    /// Text and JSON hold the same nodes, and so do pictures with every block open.
    fn pictures(&self) {
        for checked in &self.compiled().checked {
            let graph = checked.graph();
            let json = ir::to_json(graph);
            let nodes = json["nodes"].as_array().unwrap();
            assert_eq!(nodes.len(), graph.len());
            let text = ir::to_text(graph);
            for node in nodes {
                let path = node["path"].as_str().unwrap();
                assert!(text.lines().any(|line| line.ends_with(&format!("# {path}"))), "{path} is not in the text");
            }
            let scene = Scene::new(checked, Convention::Conv).unwrap();
            let open = FoldState::to_depth(&scene.tree, usize::MAX);
            let boxes = graph.len() + graph.results.len();
            let dot = picture::dot(&scene, &open, ShapeNotation::Numbers);
            assert_eq!(dot.matches(" [label=").count() - dot.matches(" -> ").count(), boxes, "{dot}");
            assert_eq!(dot.matches('{').count(), dot.matches('}').count(), "{dot}");
            let svg = picture::svg(&scene, &open, ShapeNotation::Numbers);
            assert_eq!(svg.matches("class=\"face\"").count(), boxes);
        }
    }

    /// The parameters are the same at another size.
    fn sizes(&self) {
        let params = |size| -> Vec<Vec<_>> {
            let all = |c: &npc::graph::check::CheckedGraph| {
                let graph = c.graph();
                graph.order().into_iter().flat_map(|id| graph.node(id).op.params(&graph.input_types(id))).collect()
            };
            compile_file(&self.path, Some(size), &[]).checked.iter().map(all).collect()
        };
        assert_eq!(params([64, 64]), params([128, 96]));
    }

    /// At the sizes of the file's data blocks only the expected problems occur, so its claims hold too.
    fn claims(&self) {
        self.check_problems(None);
    }
}

/// Whether a file holds a network. One of data sets or shared blocks is tested through the files that import it.
fn holds_network(path: &PathBuf) -> bool {
    fs::read_to_string(path).unwrap().lines().any(|line| line.starts_with("model ") || line.starts_with("variant "))
}

type Check = (&'static str, fn(&Networks));

pub fn tests() -> Vec<Trial> {
    let every: [Check; 5] = [
        ("graph", Networks::graph),
        ("problems", Networks::problems),
        ("cost", Networks::cost),
        ("plan", Networks::plan),
        ("pictures", Networks::pictures),
    ];
    let of_models: [Check; 1] = [("sizes", Networks::sizes)];
    let of_foreign: [Check; 1] = [("claims", Networks::claims)];
    let folders: [(&str, &str, Vec<Check>); 3] = [
        ("graphs", "tests/graphs", every.to_vec()),
        ("models", "models", [&every[..], &of_models].concat()),
        ("foreign", "tests/graphs/foreign", of_foreign.to_vec()),
    ];
    let mut tests = Vec::new();
    for (group, folder, checks) in folders {
        for path in model_files(folder).into_iter().filter(holds_network) {
            for &(what, check) in &checks {
                let file = path.clone();
                tests.push(test(format!("{group}::{}::{what}", stem(&path)), move || check(&Networks::read(&file))));
            }
        }
    }
    tests
}
