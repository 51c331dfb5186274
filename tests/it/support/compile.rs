//! Model texts and files, analyzed by the entry of the library that `npc check` calls.

use npc::desk::{AnalysisRequest, FileAnalysis, Selection, Workbench};
use npc::graph::check::CheckedGraph;
use npc::text::diag::{Problems, render};
use npc::text::source::SourceMap;
use std::collections::BTreeSet;
use std::path::Path;

/// The name of a text in messages.
const NAME: &str = "test.model";

/// The result of analyzing one file.
pub struct CompiledFile {
    pub sources: SourceMap,
    pub problems: Problems,
    /// Models and variants that passed, in the order of the file.
    pub checked: Vec<CheckedGraph>,
}

impl CompiledFile {
    /// `E0301 message` of each problem, in order.
    pub fn messages(&self) -> Vec<String> {
        self.problems.iter().map(|d| format!("{} {}", d.code.id(), d.message)).collect()
    }

    /// The codes of the problems, sorted, each once.
    pub fn codes(&self) -> Vec<&'static str> {
        let codes: BTreeSet<_> = self.problems.iter().map(|d| d.code.id()).collect();
        codes.into_iter().collect()
    }

    /// The problems as a terminal shows them, without colours.
    pub fn rendered(&self) -> String {
        render::to_text(&self.sources, &self.problems, false)
    }

    /// The text that the first label of a problem marks.
    pub fn place(&self, problem: usize) -> &str {
        let label = self.problems.iter().nth(problem).and_then(|d| d.primary.as_ref());
        label.map_or("", |label| self.sources.snippet(label.span))
    }

    /// The model or variant of this name. Fails the test if the file has an error.
    pub fn model(self, name: &str) -> CheckedGraph {
        assert!(!self.problems.has_errors(), "{}", self.rendered());
        self.checked.into_iter().find(|c| c.graph().name == name).expect("the file holds the model")
    }
}

/// Compiles every model and variant of a text at one size, with `with` as on the command line. Without a size, the
/// sizes are those of the text's own data blocks.
pub fn compile_text(text: &str, size: Option<[usize; 2]>, with: &[(&str, &str)]) -> CompiledFile {
    let mut bench = Workbench::new();
    bench.set_text(NAME, text);
    analyze(&bench, Path::new(NAME), size, with)
}

/// Compiles a file on the disk, with its imports.
pub fn compile_file(path: &Path, size: Option<[usize; 2]>, with: &[(&str, &str)]) -> CompiledFile {
    analyze(&Workbench::new(), path, size, with)
}

fn analyze(bench: &Workbench, path: &Path, size: Option<[usize; 2]>, with: &[(&str, &str)]) -> CompiledFile {
    let with = with.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let selection = Selection { with, size: size.into_iter().collect(), ..Selection::default() };
    match bench.analyze(path, &AnalysisRequest { selection, ..AnalysisRequest::default() }) {
        Ok(FileAnalysis { sources, problems, entries, .. }) => {
            let checked = entries.into_iter().map(|(entry, _)| entry.checked).collect();
            CompiledFile { sources, problems, checked }
        }
        Err(error) => {
            let report = error.report();
            CompiledFile { sources: report.sources.clone(), problems: report.problems.clone(), checked: Vec::new() }
        }
    }
}
