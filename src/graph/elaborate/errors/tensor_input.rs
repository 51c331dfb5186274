//! Tensors that do not fit the parameter they are given to.

use crate::base::count::counted;
use crate::base::problem::problem;
use crate::graph::elaborate::elaborator::Elaborator;
use crate::graph::elaborate::fixes::suggest_stage;
use crate::graph::ir::Outlet;
use crate::graph::ty::TensorType;
use crate::text::diag::{Applicability, Diagnostic};
use crate::text::source::Span;
use crate::text::syntax::ast::{Block, Expr, Param};

/// A tensor parameter, and where it gets its tensor.
#[derive(Clone, Copy)]
pub(in crate::graph::elaborate) struct TensorInput<'a> {
    pub(in crate::graph::elaborate) block: &'a Block,
    pub(in crate::graph::elaborate) param: &'a Param,
    /// The block's name in the call.
    pub(in crate::graph::elaborate) call: Span,
    /// Where the argument is written; an empty span before the call for a piped input.
    pub(in crate::graph::elaborate) argument: Span,
}

/// Why a value cannot be bound to a tensor parameter.
pub(in crate::graph::elaborate) enum TensorInputError {
    NotATensor {
        found: String,
    },
    /// Pool indices instead of a tensor, or the reverse.
    OtherKind {
        given: TensorType,
    },
    /// A vector instead of a map, or the reverse.
    Rank {
        declared: usize,
        found: usize,
        given: TensorType,
    },
}

/// A declared dim that is not the one of the given tensor.
pub(in crate::graph::elaborate) struct DimMismatch<'a> {
    /// The given tensor.
    pub(in crate::graph::elaborate) outlet: Outlet,
    /// The declared dim, and its place among the `rank` dims.
    pub(in crate::graph::elaborate) dim: &'a Expr,
    pub(in crate::graph::elaborate) axis: usize,
    pub(in crate::graph::elaborate) rank: usize,
    /// The value of the declared dim.
    pub(in crate::graph::elaborate) declared: usize,
    /// All declared dims as text.
    pub(in crate::graph::elaborate) shape: String,
}

impl TensorInputError {
    pub(in crate::graph::elaborate) fn diagnostic(self, input: TensorInput<'_>) -> Diagnostic {
        let (block, param) = (&input.block.name, &input.param.name);
        match self {
            TensorInputError::NotATensor { found } => {
                problem!(E0304, input.call, "`{block}` takes a tensor for `{param}`, found {found}")
            }
            TensorInputError::OtherKind { given } => {
                problem!(E0304, input.call, "`{param}` of `{block}` is given {given}";
                    other[input.param.ty.span]: "another kind is declared here")
            }
            TensorInputError::Rank { declared, found, given } => {
                let kind = |rank| if rank == 1 { "a vector of 1 dim" } else { "a map of 3 dims" };
                let d = problem!(E0302, input.call, "`{param}` of `{block}` is {}, found {given}", kind(declared);
                    label: "{} arrives here", kind(found);
                    other[input.param.ty.span]: "declared here");
                let trust = Applicability::MaybeIncorrect;
                match (declared, found) {
                    (1, 3) => suggest_stage(
                        d.help("`flatten` keeps every number, `avgpool_to(1) |> flatten` one a channel"),
                        "make it a vector",
                        "avgpool_to(1) |> flatten",
                        input.argument,
                        trust,
                    ),
                    (3, 1) => suggest_stage(d, "`unflatten` makes it [c, 1, 1]", "unflatten", input.argument, trust),
                    _ => d,
                }
            }
        }
    }
}

impl<'a> Elaborator<'_, 'a> {
    pub(in crate::graph::elaborate) fn dim_mismatch(
        &self,
        input: TensorInput<'a>,
        mismatch: &DimMismatch<'a>,
    ) -> Diagnostic {
        let DimMismatch { outlet, dim, axis, rank, declared, shape } = mismatch;
        let (given, from) = (self.graph.ty(*outlet), self.graph.node(outlet.node));
        let mut d = problem!(E0302, input.call, "`{}` of `{}` must be {shape}, found {given}", input.param.name, input.block.name;
            label: "{given} arrives here";
            other[dim.span]: "this is {declared}";
            other[from.span]: "{given} from `{}`", from.path);
        // The other side of the conflict: the tensor that `c`, `h` or `w` was read from.
        if let Some(outlet) = self.dim_source(&input.block.params, dim) {
            let source = self.graph.node(outlet.node);
            d = d.other(source.span, format!("{} from `{}`", self.graph.ty(outlet), source.path));
        }
        match (axis, rank) {
            (0, 3) => {
                let help = format!("bring it to {}, for example", counted(*declared, "channel"));
                let stage = format!("conv({declared}, k = 1)");
                suggest_stage(d, &help, &stage, input.argument, Applicability::MaybeIncorrect)
            }
            (_, 3) => {
                let (to, trust) = match self.caller_name_of(&input.block.params, dim) {
                    Some(name) => (name, Applicability::MaybeIncorrect),
                    None => ("...".into(), Applicability::HasPlaceholders),
                };
                let source = self.dim_source(&input.block.params, dim);
                let border = source.and_then(|source| self.larger_by_a_border([*outlet, source]));
                let stage = match border {
                    Some(0) => format!("crop(to = {to})"),
                    Some(_) => {
                        return d.help(
                            "the other map lost no border: crop it to the size of this one, since resizing would displace \
                             pixels",
                        );
                    }
                    None => format!("resize(to = {to})"),
                };
                suggest_stage(d, "bring it to that size, for example", &stage, input.argument, trust)
            }
            _ => d,
        }
    }
}
