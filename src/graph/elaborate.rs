//! Elaboration: turns a program into a graph. It instantiates blocks, evaluates integers and connects nodes.
//!
//! Shapes are inferred here: every operator infers its output types as soon as its node is added, so a message can name the
//! call, the chain of blocks that led to it, and the place where each input got its size. Elaboration always terminates:
//! loops run over finite ranges, blocks cannot recurse, and [`LIMITS`] bound the rest.
//!
//! A failed expression becomes [`EvalValue::Poison`]. Expressions that use it fail without a second message, so one run
//! reports every independent problem.

mod argument;
mod arithmetic;
mod binding;
mod call;
mod call_site;
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
use crate::base::number::thousands;
use crate::base::problem::problem;
use crate::text::diag::{Diagnostic, Problems};
use crate::text::source::Span;
use crate::text::syntax::ast;
use elaborator::Elaborator;

/// Adds work besides elaboration, such as claims that are judged, to the steps of a program. Errors: more than
/// [`LIMITS`] allow.
pub(crate) fn spend_steps(program: &ResolvedProgram<'_>, steps: usize, span: Span) -> Result<(), Diagnostic> {
    if program.spend_fuel(steps) <= LIMITS.total_steps {
        return Ok(());
    }
    Err(problem!(E0311, span, "more than {} evaluation steps in all", thousands(LIMITS.total_steps);
        label: "the limit is reached here";
        help: "split the file, or state fewer claims and bounds about fewer models"))
}

/// Instantiates a model or variant at an input size `[height, width]`.
///
/// `args` override the arguments of the variant. Errors: all problems that were found, with their places.
pub fn elaborate<'a>(
    program: &ResolvedProgram<'a>,
    entry: &ast::Ident,
    args: &'a [ModelArgument],
    size: Option<[usize; 2]>,
) -> Result<Graph, Problems> {
    let mut e = Elaborator::new(program, &entry.node, size.unwrap_or([1, 1]));
    // The errors are in `problems`.
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
