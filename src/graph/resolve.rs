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
use crate::text::import::{Bundle, StdModelFile};
use crate::text::syntax::ast::{self, ItemKind};

/// Resolves the names of a file without imports. Reports duplicate and unknown names, and cycles.
pub fn resolve(file: &ast::File) -> (ResolvedProgram<'_>, Problems) {
    resolve_all(file, &[], &Library::default(), false)
}

/// Resolves the names of a file with everything that it imports.
pub fn resolve_bundle(bundle: &Bundle) -> (ResolvedProgram<'_>, Problems) {
    let imported: Vec<&ast::File> = bundle.imported.iter().map(|i| &i.file).collect();
    let library = Library { blocks: bundle.std.as_ref(), networks: &bundle.std_models };
    resolve_all(&bundle.root, &imported, &library, bundle.incomplete)
}

/// What is built in and imported.
#[derive(Default)]
struct Library<'a> {
    blocks: Option<&'a ast::File>,
    networks: &'a [StdModelFile],
}

fn resolve_all<'a>(
    root: &'a ast::File,
    imported: &[&'a ast::File],
    library: &Library<'a>,
    incomplete: bool,
) -> (ResolvedProgram<'a>, Problems) {
    let mut problems = Problems::new();
    let mut program = index::index(root, imported, library.networks, &mut problems);
    program.incomplete = incomplete;
    for item in library.blocks.iter().flat_map(|file| &file.items) {
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
