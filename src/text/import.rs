//! Loading of a model file with its imports; each file is read and parsed once.
//!
//! Depends on files and syntax, not on name resolution. Invariants: imported files lie inside the folder of the root file,
//! so that an untrusted model cannot read other files; imports are acyclic; `std` is always the built-in block library, and
//! `std.npnet` a built-in network, whatever is on disk.

mod zoo;

use super::diag::{Applicability, Diagnostic, Problems, did_you_mean, quoted_list};
use super::files::{self, Files};
use super::source::{SourceId, SourceMap, Span};
use super::syntax::{self, ast};
use crate::base::path::leads_out;
use crate::base::problem::problem;
use std::path::{Component, Path, PathBuf};

/// The block library, written in the language.
pub const STD: &str = include_str!("import/std.model");

/// A root file and its imports.
#[derive(Debug, Clone, Default)]
pub struct Bundle {
    /// The root file in the source map.
    pub source: SourceId,
    /// Tree of the root file.
    pub root: ast::File,
    /// Files imported by path, directly or through others, in the order of first mention.
    pub imported: Vec<ImportedFile>,
    /// The block library, if a file imports it.
    pub std: Option<ast::File>,
    /// The built-in networks that files import: `std.npnet`. Their files hold models, variants, enums and blocks alone.
    pub std_models: Vec<StdModelFile>,
    /// Whether an import failed; names may be missing for that reason.
    pub incomplete: bool,
}

/// A file that the root file imports, directly or through others.
#[derive(Debug, Clone)]
pub struct ImportedFile {
    /// Path relative to the folder of the root file, with `/` as separator.
    pub path: String,
    /// The file in the source map.
    pub source: SourceId,
    /// Tree of the file.
    pub file: ast::File,
}

/// The file of a built-in network.
#[derive(Debug, Clone)]
pub struct StdModelFile {
    /// Name after `std.`.
    pub name: &'static str,
    /// The file in the source map.
    pub source: SourceId,
    /// Tree of the file.
    pub file: ast::File,
}

/// Maximum number of files that one root may import, missing ones included.
const MAX_FILES: usize = 256;

/// Maximum number of missing files for which a similar file name is searched.
const MAX_SUGGESTIONS: usize = 20;

struct ImportLoader<'s> {
    files: &'s dyn Files,
    sources: &'s mut SourceMap,
    folder: PathBuf,
    bundle: Bundle,
    problems: Problems,
    /// Import chain from the root to the file being read, each with the span of the import of the next.
    open: Vec<(String, Span)>,
    /// Number of imports that were not found.
    missing: usize,
}

/// Reads and parses a model file and its imports. Fails only if the root file cannot be read.
pub fn load(files: &dyn Files, sources: &mut SourceMap, path: &Path) -> Result<(Bundle, Problems), Diagnostic> {
    let id = files::read(files, sources, path)?;
    let (root, problems) = syntax::parse(sources, id);
    let folder = path.parent().unwrap_or(Path::new("")).to_path_buf();
    let mut loader =
        ImportLoader { files, sources, folder, bundle: Bundle::default(), problems, open: Vec::new(), missing: 0 };
    let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    loader.load_imports(&root, &name);
    (loader.bundle.source, loader.bundle.root) = (id, root);
    Ok((loader.bundle, loader.problems.sorted()))
}

impl ImportLoader<'_> {
    /// Loads the imports of `file`, whose path is `importer`.
    fn load_imports(&mut self, file: &ast::File, importer: &str) {
        for item in &file.items {
            match &item.kind {
                ast::ItemKind::Import(ast::Import::Std(_)) => self.load_std(),
                ast::ItemKind::Import(ast::Import::StdModel(name)) => self.load_std_model(name),
                ast::ItemKind::Import(ast::Import::Path(path)) => {
                    self.open.push((importer.to_string(), path.span));
                    if let Err(d) = self.load_path(&path.node, path.span, importer) {
                        self.bundle.incomplete = true;
                        self.problems.push(*d);
                    }
                    self.open.pop();
                }
                ast::ItemKind::Enum(_)
                | ast::ItemKind::Block(_)
                | ast::ItemKind::Model(_)
                | ast::ItemKind::Variant(_)
                | ast::ItemKind::Sweep(_)
                | ast::ItemKind::Data(_)
                | ast::ItemKind::Train(_)
                | ast::ItemKind::Expect(_)
                | ast::ItemKind::Allow(_) => {}
            }
        }
    }

    fn load_std(&mut self) {
        if self.bundle.std.is_none() {
            let id = self.sources.add("<std>", STD);
            let (file, problems) = syntax::parse(self.sources, id);
            self.problems.extend(problems);
            self.bundle.std = Some(file);
        }
    }

    fn load_std_model(&mut self, import: &ast::Ident) {
        let Some((name, text)) = zoo::MODELS.iter().find(|(name, _)| *name == import.node) else {
            let names = zoo::MODELS.iter().map(|(name, _)| *name);
            let list = quoted_list(names.clone());
            let d = problem!(E0209, import.span, "std has no network `{import}`");
            self.problems.push(d.nearest(import.span, &import.node, names, || Some(format!("it has {list}"))));
            self.bundle.incomplete = true;
            return;
        };
        if self.bundle.std_models.iter().any(|known| known.name == *name) {
            return;
        }
        let source = self.sources.add(format!("<std.{name}>"), *text);
        let (file, problems) = syntax::parse(self.sources, source);
        self.problems.extend(problems);
        // Their blocks are those of the library.
        self.load_std();
        self.bundle.std_models.push(StdModelFile { name, source, file: zoo::networks_of(file) });
    }

    fn load_path(&mut self, written: &str, span: Span, importer: &str) -> Result<(), Box<Diagnostic>> {
        let path = relative(importer, written).ok_or_else(|| {
            problem!(E0209, span, "`{written}` is not inside the folder of the root file";
                help: "imports are relative and stay in the folder of the file that is checked, or below it")
        })?;
        if let Some(from) = self.open.iter().position(|(open, _)| *open == path) {
            return Err(Box::new(import_cycle(&self.open[from..], &path, span)));
        }
        if self.bundle.imported.iter().any(|i| i.path == path) {
            return Ok(());
        }
        if self.bundle.imported.len() + self.missing >= MAX_FILES {
            return Err(Box::new(problem!(E0209, span, "more than {MAX_FILES} files are imported")));
        }
        if leads_out(&self.folder, &self.folder.join(&path)) {
            return Err(Box::new(
                problem!(E0209, span, "`{written}` leads out of the folder of the root file through a symbolic link";
                help: "copy the file into the folder"),
            ));
        }
        let id = files::read(self.files, self.sources, &self.folder.join(&path)).map_err(|d| {
            self.missing += 1;
            let d = problem!(E0209, span, "{}", d.message; label: "imported here");
            // The search for a similar name reads the folder: a hostile file could cause it thousands of times.
            if self.missing > MAX_SUGGESTIONS {
                return d;
            }
            match nearest_file(self.files, &self.folder.join(&path), written) {
                Some(near) => {
                    let edit = format!("\"{near}\"");
                    d.suggest(format!("did you mean {edit}?"), span, edit, Applicability::MaybeIncorrect)
                }
                None => d.help("the path is relative to the file that imports it"),
            }
        })?;
        let (file, problems) = syntax::parse(self.sources, id);
        self.bundle.incomplete |= problems.has_errors();
        self.problems.extend(problems);
        let index = self.bundle.imported.len();
        self.bundle.imported.push(ImportedFile { path: path.clone(), source: id, file: ast::File::default() });
        self.load_imports(&file, &path);
        self.bundle.imported[index].file = file;
        Ok(())
    }
}

/// Returns the problem of an import at `span` of `path`, from which the import chain `open` starts.
fn import_cycle(open: &[(String, Span)], path: &str, span: Span) -> Diagnostic {
    match open {
        [(_, first), _, ..] => {
            let chain: Vec<_> = open.iter().map(|(name, _)| format!("`{name}`")).collect();
            problem!(E0210, span, "files import each other in a cycle: {} -> `{path}`", chain.join(" -> ");
                label: "the cycle closes here";
                other[*first]: "the cycle starts here";
                help: "move what both need into a third file")
        }
        _ => problem!(E0210, span, "`{path}` imports itself"; help: "remove this import"),
    }
}

/// Returns the written path with the file name replaced by the most similar one in the folder, if any is similar.
fn nearest_file(files: &dyn Files, missing: &Path, written: &str) -> Option<String> {
    let names = files.names(missing.parent().unwrap_or(Path::new("")));
    let models = names.iter().map(String::as_str).filter(|n| n.ends_with(".model"));
    let word = missing.file_name()?.to_str()?;
    // `data` for `data.model` is a common mistake.
    let near = names.iter().find(|n| n.strip_suffix(".model") == Some(word)).map(String::as_str);
    let near = near.or_else(|| did_you_mean(word, models))?;
    let folder = written.rfind('/').map_or("", |at| &written[..=at]);
    Some(format!("{folder}{near}"))
}

/// Resolves `written`, an import in the file `importer`, to a path relative to the root folder. `None` if it is absolute or
/// leaves that folder.
fn relative(importer: &str, written: &str) -> Option<String> {
    let mut parts: Vec<String> =
        Path::new(importer).parent()?.components().map(normal_component).collect::<Option<_>>()?;
    for component in Path::new(written).components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => drop(parts.pop()?),
            Component::Normal(name) => parts.push(name.to_str()?.to_string()),
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(parts.join("/")).filter(|p| !p.is_empty())
}

fn normal_component(component: Component<'_>) -> Option<String> {
    match component {
        Component::Normal(name) => name.to_str().map(str::to_string),
        Component::CurDir | Component::ParentDir | Component::RootDir | Component::Prefix(_) => None,
    }
}
