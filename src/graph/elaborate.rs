//! Program to graph: instantiates blocks, evaluates integers, wires nodes.
//!
//! Elaboration is where shapes become known: every operator is asked for its output types as soon as its node is made,
//! so a message can name the call, the chain of blocks that led to it, and where each side got its size. It always ends:
//! loops run over finite ranges, blocks cannot recurse, and [`LIMITS`] bound the rest.
//!
//! A failed expression becomes [`EvalValue::Poison`], which spoils what uses it without a second message; so one run
//! reports every independent problem.

mod argument;
mod arithmetic;
mod binding;
mod call;
mod dims;
mod elaborator;
mod errors;
mod eval;
mod fixes;
mod fraction;
mod functions;
mod index;
mod instance;
mod model;
mod node;
mod operator;
mod results;
mod setting;
mod size_conditions;
mod standalone;
mod statement;
mod value;

pub use elaborator::{LIMITS, Limits, ModelArgument};
pub use standalone::{StandaloneCheck, check_unused_block, check_unused_blocks};
pub use value::EvalValue;

use super::ir::Graph;
use super::resolve::ResolvedProgram;
use crate::text::diag::Problems;
use crate::text::syntax::ast;
use elaborator::Elaborator;

/// Instantiates a model or variant at an input size `[height, width]`.
///
/// `args` override what the variant says. Errors: every problem found on the way, with its place.
pub fn elaborate<'a>(
    program: &ResolvedProgram<'a>,
    entry: &ast::Ident,
    args: &'a [ModelArgument],
    size: Option<[usize; 2]>,
) -> Result<Graph, Problems> {
    let mut e = Elaborator::new(program, &entry.node, size.unwrap_or([1, 1]));
    // Failure is on record in `problems`.
    let done = e.elaborate_model(entry, args, size).is_ok();
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
