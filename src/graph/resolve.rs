//! Name resolution: [`resolve`] indexes a file's items and reports every name that has no declaration.
//!
//! It knows the names of operators and builtin functions, and no shapes. Invariants of a [`ResolvedProgram`]: item names are
//! unique; a block that is not [`broken`](ResolvedProgram::is_broken) uses only names that exist; no block uses itself; every
//! variant leads to a model.

mod index;
mod lint;
mod names;
mod program;
mod references;
mod uses;

pub use lint::{allows, lint, unused_allows};
pub use program::{BUILTIN_FUNCTIONS, BUILTIN_STAGES, ResolvedProgram};

use crate::text::diag::Problems;
use crate::text::import::Bundle;
use crate::text::syntax::ast::{self, ItemKind};

/// Resolves the names of a file without imports. Reports duplicate and unknown names, and cycles.
pub fn resolve(file: &ast::File) -> (ResolvedProgram<'_>, Problems) {
    resolve_all(file, &[], None, false)
}

/// Resolves the names of a file with everything that it imports.
pub fn resolve_bundle(bundle: &Bundle) -> (ResolvedProgram<'_>, Problems) {
    let imported: Vec<&ast::File> = bundle.imported.iter().map(|i| &i.file).collect();
    resolve_all(&bundle.root, &imported, bundle.std.as_ref(), bundle.incomplete)
}

fn resolve_all<'a>(
    root: &'a ast::File,
    imported: &[&'a ast::File],
    std: Option<&'a ast::File>,
    incomplete: bool,
) -> (ResolvedProgram<'a>, Problems) {
    let mut problems = Problems::new();
    let mut program = index::index(root, imported, &mut problems);
    program.incomplete = incomplete;
    for item in std.iter().flat_map(|file| &file.items) {
        if let ItemKind::Block(block) = &item.kind {
            program.std_source = Some(item.span.source);
            program.std.insert(&block.name.node, block);
        }
    }
    lint::check_lint_names(&program, &mut problems);
    names::check(&mut program, &mut problems);
    references::check_recursion(&mut program, &mut problems);
    references::check_references(&mut program, &mut problems);
    references::propagate_broken(&mut program);
    (program, problems)
}
