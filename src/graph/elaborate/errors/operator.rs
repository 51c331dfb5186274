//! Calls of operators that cannot become a node.

use crate::base::count::counted;
use crate::base::problem::problem;
use crate::graph::elaborate::call_site::OperatorCall;
use crate::graph::elaborate::fixes::missing_argument_edit;
use crate::graph::op::{ArgKind, ArgSpec, Refusal, RefusalKind, Signature};
use crate::text::diag::{Applicability, Code, Diagnostic, did_you_mean, quoted_list};
use crate::text::source::Span;
use crate::text::syntax::ast::Ident;

/// Why a call of an operator cannot become a node.
pub(in crate::graph::elaborate) enum OperatorError<'a> {
    UnknownName {
        name: &'a Ident,
    },
    /// A further argument without a name.
    NameMissing {
        span: Span,
    },
    Duplicate {
        name: &'static str,
        span: Span,
    },
    NotATensor {
        found: String,
        span: Span,
    },
    NoInput,
    TooFewInputs,
    MissingSetting {
        spec: &'static ArgSpec,
    },
    /// The operator accepts each setting and not all of them together.
    Refused(Refusal),
}

impl OperatorError<'_> {
    pub(in crate::graph::elaborate) fn diagnostic(self, call: OperatorCall<'_>) -> Diagnostic {
        let sig = call.sig;
        match self {
            OperatorError::UnknownName { name } => unknown_setting(sig, name),
            OperatorError::NameMissing { span } => {
                let d = problem!(E0204, span, "only the first argument of `{}` may be given without a name", sig.name;
                    label: "the second argument without a name");
                match sig.args.get(1) {
                    Some(arg) => d.help(format!("it takes {}", quoted_list(sig.args.iter().map(|a| a.name)))).suggest(
                        "name it, for example",
                        span.before(),
                        format!("{} = ", arg.name),
                        Applicability::MaybeIncorrect,
                    ),
                    None => d.help(format!("`{}` takes no further argument", sig.name)),
                }
            }
            OperatorError::Duplicate { name, span } => {
                problem!(E0204, span, "`{name}` is given twice")
            }
            OperatorError::NotATensor { found, span } => {
                problem!(E0304, span, "`{}` takes a tensor, found {found}", sig.name;
                    label: "not a tensor";
                    help: "pipe one into it: `x |> {}(...)`", sig.name)
            }
            OperatorError::NoInput => {
                problem!(E0304, call.name_span, "`{}` has no input", sig.name;
                    label: "a stage, not a value";
                    fix[call.name_span.before() => "... |> ", HasPlaceholders]: "pipe something into it: `x |> {}(...)`", sig.name)
            }
            OperatorError::TooFewInputs => {
                let (count, names) = (sig.inputs.len(), sig.inputs.join(", "));
                problem!(E0204, call.name_span, "`{}` needs {} ({names})", sig.name, counted(count, "input"))
                    .help(sig.summary)
            }
            OperatorError::MissingSetting { spec: missing } => {
                let (place, text) = missing_argument_edit(missing.name, call.args, call.name_span, call.span);
                problem!(E0204, call.name_span, "`{}` needs `{}`, {}", sig.name, missing.name, missing.kind.describe();
                    fix[place => text, HasPlaceholders]: "write `{}({} = ...)`", sig.name, missing.name)
            }
            OperatorError::Refused(refusal) => {
                let code = if refusal.kind == RefusalKind::Setting { Code::E0206 } else { Code::E0304 };
                Diagnostic::new(code, call.name_span, refusal.message).help(sig.summary)
            }
        }
    }
}

/// A setting whose name the operator does not have, with the name that other frameworks' users mean by it.
fn unknown_setting(sig: &Signature, name: &Ident) -> Diagnostic {
    let known = || sig.args.iter().map(|a| a.name);
    let d = problem!(E0204, name.span, "`{}` has no argument `{name}`", sig.name);
    match framework_setting(&name.node).filter(|ours| known().any(|k| k == *ours)) {
        Some(ours) => d.renamed(name.span, ours, Applicability::MachineApplicable),
        None => {
            let there = match sig.args {
                [] => format!("`{}` takes no arguments", sig.name),
                _ => format!("it takes {}", quoted_list(known())),
            };
            d.nearest(name.span, &name.node, known(), || Some(there))
        }
    }
}

/// Returns npc's name for a setting of PyTorch, Keras and other frameworks.
fn framework_setting(name: &str) -> Option<&'static str> {
    match name {
        "kernel_size" | "kernel" | "ks" => Some("k"),
        "padding" => Some("pad"),
        "out_channels" | "channels" | "filters" => Some("out"),
        "rate" => Some("dilation"),
        "scale_factor" | "scale" | "upscale_factor" => Some("factor"),
        "num_groups" => Some("groups"),
        "epsilon" => Some("eps"),
        "negative_slope" => Some("slope"),
        "output_size" => Some("size"),
        "size" => Some("to"),
        _ => None,
    }
}

/// A bare word that is neither a word of the setting nor a name with a value. `bound` are the names with values.
pub(in crate::graph::elaborate) fn unknown_word(spec: &ArgSpec, word: &str, span: Span, bound: &[&str]) -> Diagnostic {
    let d = problem!(E0206, span, "`{}` takes {}, found `{word}`", spec.name, spec.kind.describe());
    let words: &[&str] = match spec.kind {
        ArgKind::Word(words) => words,
        ArgKind::Pad => &["same"],
        ArgKind::Int { .. }
        | ArgKind::Pair { .. }
        | ArgKind::Float
        | ArgKind::Bool
        | ArgKind::Size
        | ArgKind::Sides
        | ArgKind::Dims => &[],
    };
    // A word of the setting first: a node with a similar name is no value here.
    match did_you_mean(word, words.iter().copied()) {
        Some(_) => d.nearest(span, word, words.iter().copied(), || None),
        None => d.nearest(span, word, bound.iter().copied(), || None),
    }
}

/// A setting whose value has another type.
pub(in crate::graph::elaborate) fn wrong_setting(spec: &ArgSpec, found: &str, span: Span) -> Diagnostic {
    problem!(E0206, span, "`{}` takes {}, found {found}", spec.name, spec.kind.describe())
}
