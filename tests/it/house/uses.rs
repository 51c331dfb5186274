//! Which file uses which: names are followed through imports and re-exports to the file that defines them.

use super::parse::{Import, Module, Path, modules};
use petgraph::Graph;
use petgraph::algo::tarjan_scc;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// A set of sources, by their paths below the root: `graph/op.rs`.
pub struct Sources {
    pub files: Vec<(String, String)>,
    modules: BTreeMap<Path, Module>,
}

/// A use: `file` uses `what` of `other`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Use {
    pub file: String,
    pub other: String,
    pub what: String,
    /// Whether the name is only re-exported here: `pub use`.
    pub handed_on: bool,
}

impl fmt::Display for Use {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let Use { file, other, what, .. } = self;
        match what.as_str() {
            "" => write!(f, "src/{file}.rs uses src/{other}.rs"),
            _ => write!(f, "src/{file}.rs uses `{what}` of src/{other}.rs"),
        }
    }
}

/// Limit on the length of a chain of re-exports.
const DEEPEST: usize = 16;

/// Returns `graph/op.rs` as a path of modules; the root of the crate is empty.
fn module_of(file: &str) -> Path {
    match file.trim_end_matches(".rs") {
        "lib" => Path::new(),
        stem => stem.split('/').map(str::to_string).collect(),
    }
}

impl Sources {
    pub fn new(files: Vec<(String, String)>) -> Self {
        let read = |(i, (path, text)): (usize, &(String, String))| modules(i, &module_of(path), text);
        let modules = files.iter().enumerate().flat_map(read).collect();
        Self { files, modules }
    }

    /// Returns a path in a module as a path from the root of the crate; `None` for other crates.
    fn absolute(&self, module: &[String], path: &[String]) -> Option<Path> {
        let first = path.first()?;
        let rest = &path[1..];
        match first.as_str() {
            "crate" => Some(rest.to_vec()),
            "self" => Some([module, rest].concat()),
            "super" => {
                let (parent, mut rest) = (module.split_last()?.1, rest);
                let mut at = parent;
                while let Some(("super", more)) = rest.split_first().map(|(f, more)| (f.as_str(), more)) {
                    (at, rest) = (at.split_last()?.1, more);
                }
                Some([at, rest].concat())
            }
            _ if self.modules.contains_key(&[module, &path[..1]].concat()) => Some([module, path].concat()),
            _ => None,
        }
    }

    /// Resolves a path in the code of a module: it may begin with a name from a `use` line or a `*`.
    fn written(&self, module: &[String], path: &[String]) -> Vec<Path> {
        let here = &self.modules[module];
        let (first, rest) = (&path[0], &path[1..]);
        if let Some(found) = self.absolute(module, path) {
            return vec![found];
        }
        if let Some(imports) = here.imports.get(first) {
            let absolute = |import: &Import| Some([&self.absolute(module, &import.path)?, rest].concat());
            return imports.iter().filter_map(absolute).collect();
        }
        if here.items.contains(first) {
            return Vec::new();
        }
        let through = |glob: &Import| Some([&self.absolute(module, &glob.path)?, path].concat());
        here.globs.iter().filter_map(through).filter(|p| self.defined(p)).collect()
    }

    /// Returns the module that a path from the root leads to, and the rest of the path inside it.
    fn definition(&self, path: &[String], depth: usize) -> (Path, Path) {
        let mut at = 0;
        while at < path.len() && self.modules.contains_key(&path[..=at]) {
            at += 1;
        }
        let (module, rest) = path.split_at(at);
        let Some(name) = rest.first().filter(|_| depth < DEEPEST) else { return (module.to_vec(), rest.to_vec()) };
        let here = &self.modules[module];
        if !here.items.contains(name) {
            let named = here.imports.get(name).into_iter().flatten().filter(|i| i.public);
            for import in named {
                if let Some(target) = self.absolute(module, &import.path) {
                    return self.definition(&[&target, &rest[1..]].concat(), depth + 1);
                }
            }
            for glob in here.globs.iter().filter(|g| g.public) {
                if let Some(target) = self.absolute(module, &glob.path).map(|t| [&t, rest].concat())
                    && self.defined(&target)
                {
                    return self.definition(&target, depth + 1);
                }
            }
        }
        (module.to_vec(), rest.to_vec())
    }

    /// Whether a path from the root leads to an item that exists.
    fn defined(&self, path: &[String]) -> bool {
        let (module, rest) = self.definition(path, 0);
        rest.first().is_none_or(|name| self.modules[&module].items.contains(name))
    }

    /// Returns every use of one file by another.
    pub fn uses(&self) -> BTreeSet<Use> {
        let mut found = BTreeSet::new();
        for (path, module) in &self.modules {
            let mut add = |target: &Path, handed_on: bool| {
                let (owner, what) = self.definition(target, 0);
                let other = self.modules[&owner].file;
                if other != module.file {
                    let name = |i: usize| self.files[i].0.trim_end_matches(".rs").to_string();
                    found.insert(Use { file: name(module.file), other: name(other), what: what.join("::"), handed_on });
                }
            };
            for import in module.imports.values().flatten().chain(&module.globs) {
                if let Some(target) = self.absolute(path, &import.path) {
                    add(&target, import.public);
                }
            }
            for named in &module.named {
                self.written(path, named).iter().for_each(|target| add(target, false));
            }
        }
        found
    }

    /// Returns the paths in the code that begin in another crate, with their file.
    pub fn outside(&self) -> BTreeSet<(String, Path)> {
        let mut found = BTreeSet::new();
        for (path, module) in &self.modules {
            let imports = module.imports.values().flatten().chain(&module.globs).map(|i| &i.path);
            for named in imports.chain(module.named.iter().filter(|p| !module.imports.contains_key(&p[0]))) {
                if self.absolute(path, named).is_none() {
                    found.insert((self.files[module.file].0.clone(), named.clone()));
                }
            }
        }
        found
    }
}

/// Returns groups of files that use each other, directly or through others. A re-export of a file's own submodules is
/// no use.
pub fn circles(uses: &BTreeSet<Use>) -> Vec<Vec<&str>> {
    let below = |u: &Use| u.handed_on && (u.file == "lib" || u.other.starts_with(&format!("{}/", u.file)));
    let mut graph = Graph::new();
    let mut nodes = BTreeMap::new();
    for Use { file, other, .. } in uses.iter().filter(|u| !below(u)) {
        let [from, to] = [file, other].map(|name| *nodes.entry(name).or_insert_with(|| graph.add_node(name.as_str())));
        graph.add_edge(from, to, ());
    }
    let mut circles: Vec<Vec<&str>> = tarjan_scc(&graph)
        .into_iter()
        .filter(|files| files.len() > 1)
        .map(|files| files.into_iter().map(|node| graph[node]).collect())
        .collect();
    circles.iter_mut().for_each(|files| files.sort_unstable());
    circles.sort();
    circles
}
