//! Arguments of block calls that cannot be bound.

use crate::base::problem::problem;
use crate::graph::elaborate::call_site::BlockCall;
use crate::graph::elaborate::fixes::missing_argument_edit;
use crate::text::diag::{Diagnostic, quoted_list};
use crate::text::source::Span;
use crate::text::syntax::ast::{Block, Ident, Param};

/// Why an argument of a block call cannot be bound to a parameter.
pub(in crate::graph::elaborate) enum ArgumentError<'a> {
    /// A tensor is piped into a block without tensor parameters.
    NoTensorParameter,
    UnknownName {
        name: &'a Ident,
    },
    /// An argument without a name, by its position for a parameter that must be named.
    NameMissing {
        param: &'a Param,
        span: Span,
    },
    TooMany {
        span: Span,
    },
    Duplicate {
        param: &'a Param,
        span: Span,
    },
    NotATensor {
        param: &'a Param,
        found: String,
        span: Span,
    },
    MissingTensor {
        param: &'a Param,
    },
    MissingValue {
        param: &'a Param,
    },
}

impl ArgumentError<'_> {
    pub(in crate::graph::elaborate) fn diagnostic(&self, call: BlockCall<'_>) -> Diagnostic {
        let block = &call.block.name;
        match self {
            ArgumentError::NoTensorParameter => {
                problem!(E0204, call.name_span, "block `{block}` takes no tensor")
            }
            ArgumentError::UnknownName { name } => {
                unknown_parameter(call.block, &call.block.params.iter().collect::<Vec<_>>(), name)
            }
            ArgumentError::NameMissing { param, span } => {
                problem!(E0204, *span, "`{}` of `{block}` has a default and must be named", param.name;
                    label: "without a name";
                    fix[span.before() => format!("{} = ", param.name), MachineApplicable]: "name it")
            }
            ArgumentError::TooMany { span } => {
                problem!(E0204, *span, "too many arguments for `{block}`";
                    label: "without a name";
                    help: "`{block}` takes no further argument")
            }
            ArgumentError::Duplicate { param, span } => {
                problem!(E0204, *span, "`{}` is given twice", param.name)
            }
            ArgumentError::NotATensor { param, found, span } => {
                problem!(E0304, *span, "`{block}` takes a tensor for `{}`, found {found}", param.name;
                    label: "not a tensor";
                    other[param.span]: "declared here";
                    fix[call.name_span.before() => "... |> ", HasPlaceholders]: "pipe a tensor into it: `x |> {block}(...)`")
            }
            ArgumentError::MissingTensor { param } => {
                problem!(E0304, call.name_span, "`{block}` needs a tensor for `{}`", param.name;
                    label: "a stage, not a value";
                    fix[call.name_span.before() => "... |> ", HasPlaceholders]: "pipe something into it: `x |> {block}(...)`";
                    other[param.span]: "declared here")
            }
            ArgumentError::MissingValue { param } => {
                let (place, text) = missing_argument_edit(&param.name.node, call.args, call.name_span, call.span);
                problem!(E0204, call.name_span, "`{block}` needs a value for `{}`", param.name;
                    fix[place => text, HasPlaceholders]: "add `{} = ...`", param.name;
                    other[param.span]: "declared here")
            }
        }
    }
}

/// An argument whose name is none of `params`, with the name that is most alike.
pub(in crate::graph::elaborate) fn unknown_parameter(block: &Block, params: &[&Param], name: &Ident) -> Diagnostic {
    let known = || params.iter().map(|p| p.name.node.as_str());
    let there = match params {
        [] => format!("`{}` takes no hyper-parameter", block.name),
        _ => format!("it takes {}", quoted_list(known())),
    };
    problem!(E0204, name.span, "`{}` has no hyper-parameter `{name}`", block.name;
        other[block.name.span]: "declared here")
    .nearest(name.span, &name.node, known(), || Some(there))
}
