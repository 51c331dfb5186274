//! Arguments of block calls that cannot be bound.

use crate::graph::elaborate::binding::BlockCall;
use crate::graph::elaborate::fixes::missing_argument_edit;
use crate::text::diag::{Applicability, Code, Diagnostic, quoted_list};
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
                Diagnostic::new(Code::E0204, call.name_span, format!("block `{block}` takes no tensor"))
            }
            ArgumentError::UnknownName { name } => {
                unknown_parameter(call.block, &call.block.params.iter().collect::<Vec<_>>(), name)
            }
            ArgumentError::NameMissing { param, span } => {
                let message = format!("`{}` of `{block}` has a default and must be named", param.name);
                Diagnostic::new(Code::E0204, *span, message).label("without a name").suggest(
                    "name it",
                    span.before(),
                    format!("{} = ", param.name),
                    Applicability::MachineApplicable,
                )
            }
            ArgumentError::TooMany { span } => {
                Diagnostic::new(Code::E0204, *span, format!("too many arguments for `{block}`"))
                    .label("without a name")
                    .help(format!("`{block}` takes no further argument"))
            }
            ArgumentError::Duplicate { param, span } => {
                Diagnostic::new(Code::E0204, *span, format!("`{}` is given twice", param.name))
            }
            ArgumentError::NotATensor { param, found, span } => {
                let message = format!("`{block}` takes a tensor for `{}`, found {found}", param.name);
                Diagnostic::new(Code::E0304, *span, message)
                    .label("not a tensor")
                    .other(param.span, "declared here")
                    .suggest(
                        format!("pipe a tensor into it: `x |> {block}(...)`"),
                        call.name_span.before(),
                        "... |> ",
                        Applicability::HasPlaceholders,
                    )
            }
            ArgumentError::MissingTensor { param } => {
                let message = format!("`{block}` needs a tensor for `{}`", param.name);
                Diagnostic::new(Code::E0304, call.name_span, message)
                    .label("a stage, not a value")
                    .suggest(
                        format!("pipe something into it: `x |> {block}(...)`"),
                        call.name_span.before(),
                        "... |> ",
                        Applicability::HasPlaceholders,
                    )
                    .other(param.span, "declared here")
            }
            ArgumentError::MissingValue { param } => {
                let message = format!("`{block}` needs a value for `{}`", param.name);
                let (place, text) = missing_argument_edit(&param.name.node, call.args, call.name_span, call.span);
                Diagnostic::new(Code::E0204, call.name_span, message)
                    .suggest(format!("add `{} = ...`", param.name), place, text, Applicability::HasPlaceholders)
                    .other(param.span, "declared here")
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
    let message = format!("`{}` has no hyper-parameter `{name}`", block.name);
    Diagnostic::new(Code::E0204, name.span, message).other(block.name.span, "declared here").nearest(
        name.span,
        &name.node,
        known(),
        || Some(there),
    )
}
