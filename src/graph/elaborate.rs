//! Program to graph: instantiates blocks, evaluates integers, wires nodes.
//!
//! Elaboration is where shapes become known: every operator is asked for its output types as soon as its node is made,
//! so a message can name the call, the chain of blocks that led to it, and where each side got its size. It always ends:
//! loops run over finite ranges, blocks cannot recurse, and [`LIMITS`] bound the rest.
//!
//! A failed expression becomes [`Value::Poison`], which spoils what uses it without a second message; so one run
//! reports every independent problem.

mod alone;
mod argument;
mod arith;
mod call;
mod dims;
mod elaborator;
mod eval;
mod fraction;
mod index;
mod instance;
mod mend;
mod model;
mod node;
mod size;
mod statement;
mod value;

pub use alone::{Tried, alone, unused};
pub use elaborator::{Argument, LIMITS, Limits};
pub use value::Value;

use super::ir::Graph;
use super::resolve::Program;
use crate::text::diag::Problems;
use crate::text::syntax::ast;
use elaborator::Elaborator;

/// Instantiates a model or variant at an input size `[height, width]`.
///
/// `args` override what the variant says. Errors: every problem found on the way, with its place.
pub fn elaborate<'a>(
    program: &Program<'a>,
    entry: &ast::Ident,
    args: &'a [Argument],
    size: Option<[usize; 2]>,
) -> Result<Graph, Problems> {
    let mut e = Elaborator::new(program, &entry.node, size.unwrap_or([1, 1]));
    // Failure is on record in `problems`.
    let done = e.model(entry, args, size).is_ok();
    if e.problems.has_errors() || !done {
        return Err(e.problems);
    }
    if cfg!(debug_assertions)
        && let Err(broken) = e.graph.verify("elaborate")
    {
        unreachable!("{broken}");
    }
    Ok(e.graph)
}
