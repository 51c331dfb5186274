//! A model text through the front, as `npc check` does it, and the binary itself.

use npc::graph::check::{CheckedGraph, check};
use npc::graph::elaborate::{ModelArgument, elaborate};
use npc::graph::resolve::resolve_bundle;
use npc::study::explore::open_holes;
use npc::study::lint::lints;
use npc::text::diag::{Problems, render};
use npc::text::files::Disk;
use npc::text::import::{Bundle, load};
use npc::text::source::{SourceMap, Span, Spanned};
use npc::text::syntax;
use std::path::{Path, PathBuf};

pub struct Front {
    pub sources: SourceMap,
    pub problems: Problems,
    /// Models and variants that passed, in the order of the file.
    pub checked: Vec<CheckedGraph>,
}

impl Front {
    /// `E0301 message` of each problem, in order.
    pub fn told(&self) -> Vec<String> {
        self.problems.iter().map(|d| format!("{} {}", d.code.id(), d.message)).collect()
    }

    pub fn text(&self) -> String {
        render::to_text(&self.sources, &self.problems, false)
    }

    /// The model or variant of this name; everything must have gone well.
    pub fn model(self, name: &str) -> CheckedGraph {
        assert!(!self.problems.has_errors(), "{}", self.text());
        self.checked.into_iter().find(|c| c.graph().name == name).expect("the file holds the model")
    }
}

/// Every model and variant of a text without imports, at one size, with `with` as on the command line.
pub fn front(text: &str, size: Option<[usize; 2]>, with: &[(&str, &str)]) -> Front {
    let read = |sources: &mut SourceMap| {
        let id = sources.add("test.model", text);
        let (root, problems) = syntax::parse(sources, id);
        (Bundle { root, ..Bundle::default() }, problems)
    };
    compile(read, size, with)
}

/// The same for a file and what it imports.
pub fn front_file(path: &Path, size: Option<[usize; 2]>, with: &[(&str, &str)]) -> Front {
    let read = |sources: &mut SourceMap| load(&Disk, sources, path).unwrap_or_else(|d| panic!("{}", d.message));
    compile(read, size, with)
}

fn compile(
    read: impl FnOnce(&mut SourceMap) -> (Bundle, Problems) + Send,
    size: Option<[usize; 2]>,
    with: &[(&str, &str)],
) -> Front {
    // As much stack as npc takes: debug builds need a lot for the deepest files that are allowed.
    let work = || {
        let mut sources = SourceMap::new();
        let (bundle, mut problems) = read(&mut sources);
        let mut args = Vec::new();
        for (name, value) in with {
            let id = sources.add("--with", *value);
            match syntax::parse_value(&sources, id) {
                Ok(value) => args.push(ModelArgument { name: Spanned::new(name.to_string(), Span::default()), value }),
                Err(p) => problems.extend(p),
            }
        }
        let (program, found) = resolve_bundle(&bundle);
        problems.extend(found);
        let mut passed = Vec::new();
        for entry in program.entries() {
            if program.is_broken(&entry.node) || !open_holes(&program, &entry.node, &args).is_empty() {
                continue;
            }
            match elaborate(&program, entry, &args, size).and_then(check) {
                Ok(checked) => {
                    problems.extend(checked.warnings().clone());
                    problems.extend(lints(&checked));
                    passed.push(checked);
                }
                Err(p) => problems.extend(p),
            }
        }
        drop(program);
        Front { sources, problems: problems.sorted(), checked: passed }
    };
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(256 << 20).spawn_scoped(scope, work);
        thread.unwrap().join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

/// A file or folder of the repository.
pub fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// The model files of a folder, sorted.
pub fn models_in(folder: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(repository(folder)).unwrap();
    let mut files: Vec<_> = entries.map(|e| e.unwrap().path()).collect();
    files.retain(|p| p.extension().is_some_and(|e| e == "model"));
    files.sort();
    files
}

/// The size that a fixture asks for in a comment `// size: 64x64` near its top; `fixed` is a model that needs none.
pub fn size_of(text: &str) -> Option<[usize; 2]> {
    let line = text.lines().take(3).find_map(|l| l.strip_prefix("// size: ")).unwrap_or("64x64");
    let (h, w) = line.trim().split_once('x').filter(|_| line != "fixed")?;
    Some([h.parse().unwrap(), w.parse().unwrap()])
}

/// What a run of the binary leaves.
#[cfg(feature = "cli")]
pub struct Said {
    pub code: i32,
    pub out: String,
    pub err: String,
}

/// Runs `npc` in a folder of the repository.
#[cfg(feature = "cli")]
pub fn npc(folder: &Path, args: &[&str]) -> Said {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_npc"));
    let output = command.args(args).current_dir(folder).env("NO_COLOR", "1").output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Said { code: output.status.code().unwrap_or(-1), out: text(output.stdout), err: text(output.stderr) }
}
