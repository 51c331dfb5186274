//! Checks that every name in every body has a declaration.

use super::program::{BUILTIN_FUNCTIONS, BUILTIN_STAGES, ResolvedProgram};
use crate::base::count::counted;
use crate::base::problem::problem;
use crate::graph::op::{ArgKind, SIGNATURES, signature};
use crate::text::diag::{Applicability, Problems, did_you_mean, quoted_list};
use crate::text::source::Span;
use crate::text::syntax::ast::*;
use std::collections::BTreeSet;

/// The largest number of parameters of one block.
const MAX_PARAMS: usize = 256;
/// The largest number of errors of a program that include a "did you mean" suggestion.
const MAX_SUGGESTIONS: usize = 50;

const BUILTIN_TYPES: &[&str] = &["int", "float", "bool", "string"];

/// Reports unknown names in blocks and models and marks the items that hold them as broken.
pub(super) fn check(program: &mut ResolvedProgram<'_>, problems: &mut Problems) {
    let (mut broken, mut before) = (Vec::new(), 0);
    for block in program.blocks.values().chain(program.models.values()) {
        let mut checker = NameChecker { program, locals: BTreeSet::new(), problems: Problems::new(), before };
        checker.check_block(block);
        if checker.problems.has_errors() {
            broken.push(block.name.node.as_str());
        }
        before += checker.problems.iter().count();
        problems.extend(checker.problems);
    }
    program.broken.extend(broken);
}

/// Where an expression is written, which decides what its names may mean.
#[derive(Clone, Copy, PartialEq)]
enum NamePosition {
    /// Any name: a node, a value, an enum case, a block or an operator.
    Value,
    /// Only what can be called: the right side of `|>`.
    Stage,
}

struct NameChecker<'p, 'a> {
    program: &'p ResolvedProgram<'a>,
    /// Names of parameters, dims, nodes and loop variables. A body has one scope, into which loops bind as well.
    locals: BTreeSet<String>,
    problems: Problems,
    /// Number of problems of the blocks before. Suggestions for each of thousands would take longer than anyone reads.
    before: usize,
}

impl NameChecker<'_, '_> {
    fn check_block(&mut self, block: &Block) {
        if block.params.len() > MAX_PARAMS {
            let d = problem!(E0311, block.name.span, "`{}` has {}", block.name, counted(block.params.len(), "parameter");
                help: "the limit is {MAX_PARAMS}");
            self.problems.push(d);
            return;
        }
        for param in &block.params {
            match (&param.default, &param.ty.kind) {
                (Some(default), ParamTypeKind::Scalar(ty)) => self.check_default(default, ty),
                (Some(default), _) => self.check_expr(default, NamePosition::Value),
                (None, _) => {}
            }
            match &param.ty.kind {
                ParamTypeKind::Tensor(dims) | ParamTypeKind::Index(dims) => self.bind_dim_names(dims, block),
                ParamTypeKind::Scalar(ty) | ParamTypeKind::List(ty) => self.check_type(ty),
            }
            if !self.locals.insert(param.name.node.clone()) {
                let mut d = problem!(E0202, param.name.span, "`{}` is bound twice in the signature of `{}`", param.name, block.name;
                    label: "bound again here");
                let first = block.params.iter().find(|p| p.name.node == param.name.node);
                if let Some(first) = first.filter(|p| p.span != param.span) {
                    d = d.other(first.name.span, "first bound here");
                }
                self.problems.push(d);
            }
        }
        if let Some(result) = &block.result {
            let types: Vec<&ParamType> = match &result.kind {
                ResultTypeKind::One(ty) => vec![ty],
                ResultTypeKind::Tuple(types) => types.iter().collect(),
                ResultTypeKind::Record(fields) => fields.iter().map(|(_, ty)| ty).collect(),
            };
            for ty in types {
                match &ty.kind {
                    ParamTypeKind::Tensor(dims) | ParamTypeKind::Index(dims) => {
                        dims.iter().for_each(|d| self.check_expr(d, NamePosition::Value));
                    }
                    ParamTypeKind::Scalar(_) | ParamTypeKind::List(_) => {}
                }
            }
        }
        // A loop may use a node in lines before the one that binds it, so all bindings count from the start. Elaboration
        // checks that an index is bound before its use.
        bind_stmts(&block.body.stmts, &mut self.locals);
        self.check_stmts(&block.body.stmts);
        self.check_return(block);
    }

    /// Checks a default: a case of an enum by its bare name, or any expression.
    fn check_default(&mut self, default: &Expr, ty: &Ident) {
        let program = self.program;
        let (ExprKind::Name(word), Some(cases)) = (&default.kind, program.enums.get(ty.node.as_str())) else {
            return self.check_expr(default, NamePosition::Value);
        };
        if program.has_case(&ty.node, word) || self.locals.contains(word) {
            return;
        }
        let known = || cases.cases.iter().map(|c| c.node.as_str());
        let d = problem!(E0206, default.span, "`{ty}` has no case `{word}`";
            other[cases.name.span]: "its cases are {}", quoted_list(known()));
        self.problems.push(d.nearest(default.span, word, known(), || None));
    }

    /// Checks that a body ends with its only `return`.
    fn check_return(&mut self, block: &Block) {
        let (last, before) = match block.body.stmts.split_last() {
            Some((last, before)) => (Some(last), before),
            None => (None, &block.body.stmts[..]),
        };
        let mut early = Vec::new();
        let mut todo: Vec<&Stmt> = before.iter().collect();
        match last.map(|l| &l.kind) {
            Some(StmtKind::Return(_)) => {}
            Some(_) | None => todo.extend(last),
        }
        while let Some(stmt) = todo.pop() {
            match &stmt.kind {
                StmtKind::Return(_) => early.push(stmt.span),
                StmtKind::For { body, .. } => todo.extend(body),
                StmtKind::Let { .. } | StmtKind::Require { .. } => {}
            }
        }
        early.sort_unstable();
        for &span in &early {
            self.problems.push(problem!(E0314, span, "`{}` returns before its end", block.name;
                label: "more statements follow, or a loop is around it";
                help: "give the value a name with `let`, and end the body with one `return`"));
        }
        let ends = matches!(last.map(|l| &l.kind), Some(StmtKind::Return(_)));
        if !ends && early.is_empty() {
            let d = problem!(E0314, block.name.span, "`{}` has no result", block.name;
                label: "its body ends without `return`");
            let help = "end the body with `return ...`";
            // Most bodies return the node that they bind last.
            let node = match last.map(|l| &l.kind) {
                Some(StmtKind::Let { target: LetTarget::One(name), .. }) if name.indices.is_empty() => Some(&name.name),
                _ => None,
            };
            self.problems.push(match (node, last) {
                (Some(node), Some(last)) => {
                    let text = format!("\n  return {node}");
                    d.suggest(help, last.span.after(), text, Applicability::MaybeIncorrect)
                }
                _ => d.help(help),
            });
        }
    }

    /// Adds the names among the dims of a tensor to the scope, except those of hyper-parameters.
    fn bind_dim_names(&mut self, dims: &[Expr], block: &Block) {
        for dim in dims {
            match &dim.kind {
                ExprKind::Name(name) if block.params.iter().any(|p| p.name.node == *name) => {}
                ExprKind::Name(name) => drop(self.locals.insert(name.clone())),
                _ => self.check_expr(dim, NamePosition::Value),
            }
        }
    }

    fn check_type(&mut self, ty: &Ident) {
        let enums = self.program.enums.keys().copied();
        if BUILTIN_TYPES.contains(&ty.node.as_str()) || self.program.enums.contains_key(ty.node.as_str()) {
            return;
        }
        if self.program.incomplete || self.program.is_broken(&ty.node) {
            return;
        }
        let d = problem!(E0201, ty.span, "unknown type `{ty}`");
        let known = || BUILTIN_TYPES.iter().copied().chain(enums.clone());
        self.problems
            .push(d.nearest(ty.span, &ty.node, known(), || Some(format!("there is {}", quoted_list(known())))));
    }

    fn check_stmts(&mut self, stmts: &[Stmt]) {
        for stmt in stmts {
            match &stmt.kind {
                StmtKind::Let { target, value } => {
                    let names = match target {
                        LetTarget::One(name) => std::slice::from_ref(name),
                        LetTarget::Tuple(names) => names,
                    };
                    names.iter().flat_map(|n| &n.indices).for_each(|i| self.check_expr(i, NamePosition::Value));
                    self.check_expr(value, NamePosition::Value);
                }
                StmtKind::For { iter, body, .. } => {
                    self.check_expr(iter, NamePosition::Value);
                    self.check_stmts(body);
                }
                StmtKind::Require { cond, .. } => self.check_expr(cond, NamePosition::Value),
                StmtKind::Return(value) => self.check_expr(value, NamePosition::Value),
            }
        }
    }

    fn check_name(&mut self, name: &str, span: Span, position: NamePosition) {
        let stage = position == NamePosition::Stage;
        let program = self.program;
        let callable = signature(name).is_some()
            || program.block(name, span.source).is_some()
            || program.is_broken(name)
            || BUILTIN_STAGES.contains(&name)
            || (!stage && BUILTIN_FUNCTIONS.contains(&name));
        if callable || program.incomplete || (!stage && (self.locals.contains(name) || program.is_case(name))) {
            return;
        }
        let stages = || {
            let ops = SIGNATURES.iter().map(|s| s.name);
            ops.chain(program.blocks.keys().copied())
                .chain(program.std.keys().copied())
                .chain(BUILTIN_STAGES.iter().copied())
        };
        let locals = self.locals.iter().map(String::as_str);
        let cases = program.cases.keys().copied();
        let what = if stage { "block or operator" } else { "name" };
        let mut d = problem!(E0201, span, "unknown {what} `{name}`");
        if stage && self.locals.contains(name) {
            d = d.label("a node or a value, which cannot be called").note(
                "a block is called by its own name, and every call has weights of its own: calling one twice shares nothing",
            );
        }
        let foreign = other_framework_name(name);
        self.problems.push(if self.before + self.problems.iter().count() > MAX_SUGGESTIONS {
            d
        } else if let Some((ours, hint)) = foreign {
            d.suggest(hint, span, ours, Applicability::MaybeIncorrect)
        } else if stage {
            d.nearest(span, name, stages(), || {
                Some("use a block of this file or an operator of docs/language.md".into())
            })
        } else {
            let known = locals.chain(cases).chain(stages()).chain(BUILTIN_FUNCTIONS.iter().copied());
            d.nearest(span, name, known, || None)
        });
    }

    fn check_expr(&mut self, expr: &Expr, position: NamePosition) {
        match &expr.kind {
            ExprKind::Int(_) | ExprKind::Float(_) | ExprKind::Bool(_) | ExprKind::Str(_) | ExprKind::Hole { .. } => {}
            ExprKind::Name(name) => self.check_name(name, expr.span, position),
            ExprKind::Call(call) => self.check_call(call, position),
            ExprKind::Pipe { lhs, rhs } => {
                self.check_expr(lhs, position);
                self.check_expr(rhs, NamePosition::Stage);
            }
            // The names of the results are known only after the base is elaborated.
            ExprKind::Member { base, .. } => self.check_expr(base, NamePosition::Value),
            ExprKind::Index { base, indices } => {
                self.check_expr(base, NamePosition::Value);
                indices.iter().for_each(|i| self.check_expr(i, NamePosition::Value));
            }
            ExprKind::List(items) | ExprKind::Tuple(items) => {
                items.iter().for_each(|i| self.check_expr(i, NamePosition::Value))
            }
            ExprKind::Comprehension { item, var, iter } => {
                self.check_expr(iter, NamePosition::Value);
                let fresh = self.locals.insert(var.node.clone());
                self.check_expr(item, NamePosition::Value);
                if fresh {
                    self.locals.remove(&var.node);
                }
            }
            ExprKind::Record(fields) => fields.iter().for_each(|(_, v)| self.check_expr(v, NamePosition::Value)),
            ExprKind::Unary { value, .. } => self.check_expr(value, NamePosition::Value),
            ExprKind::Binary { lhs, rhs, .. } | ExprKind::Range { lo: lhs, hi: rhs } => {
                self.check_expr(lhs, NamePosition::Value);
                self.check_expr(rhs, NamePosition::Value);
            }
            ExprKind::Match { value, arms } => {
                self.check_expr(value, NamePosition::Value);
                for arm in arms {
                    self.check_expr(&arm.value, position);
                }
            }
            ExprKind::If { cond, then, otherwise } => {
                self.check_expr(cond, NamePosition::Value);
                self.check_expr(then, position);
                self.check_expr(otherwise, position);
            }
        }
    }

    fn check_call(&mut self, call: &Call, position: NamePosition) {
        let name = call.name.node.as_str();
        if !BUILTIN_FUNCTIONS.contains(&name) {
            // A function takes no piped input.
            let callable = SIGNATURES.iter().map(|s| s.name).chain(self.program.blocks.keys().copied());
            let piped = position == NamePosition::Stage;
            let near = if piped { None } else { did_you_mean(name, BUILTIN_FUNCTIONS.iter().copied().chain(callable)) };
            let means_function = near.is_some_and(|n| BUILTIN_FUNCTIONS.contains(&n));
            let position = if means_function { NamePosition::Value } else { NamePosition::Stage };
            self.check_name(name, call.name.span, position);
        }
        for arg in &call.args {
            // Words such as `same` and `bilinear` are checked with the setting they are given to.
            let takes_word = (arg.name.as_ref()).zip(signature(&call.name.node)).is_some_and(|(name, sig)| {
                let kind = sig.args.iter().find(|a| a.name == name.node).map(|a| a.kind);
                matches!(kind, Some(ArgKind::Word(_) | ArgKind::Pad) | None)
            });
            // A case of an enum is checked with the enum of its parameter, so that the error can suggest the nearest case.
            let takes_case = self.program.block(&call.name.node, call.name.span.source).is_some_and(|block| {
                // A block with more parameters is refused at its declaration.
                let mut hypers = block.params.iter().take(MAX_PARAMS).filter_map(|p| match &p.ty.kind {
                    ParamTypeKind::Scalar(ty) => Some((&p.name.node, &ty.node)),
                    ParamTypeKind::Tensor(_) | ParamTypeKind::Index(_) | ParamTypeKind::List(_) => None,
                });
                let ty = match &arg.name {
                    Some(name) => hypers.find(|(p, _)| **p == name.node),
                    None => hypers.next(),
                };
                ty.is_some_and(|(_, ty)| self.program.enums.contains_key(ty.as_str()))
            });
            if !((takes_word || takes_case) && matches!(arg.value.kind, ExprKind::Name(_))) {
                self.check_expr(&arg.value, NamePosition::Value);
            }
        }
    }
}

fn bind_stmts(stmts: &[Stmt], locals: &mut BTreeSet<String>) {
    for stmt in stmts {
        match &stmt.kind {
            StmtKind::Let { target: LetTarget::One(name), .. } => drop(locals.insert(name.name.node.clone())),
            StmtKind::Let { target: LetTarget::Tuple(names), .. } => {
                locals.extend(names.iter().map(|n| n.name.node.clone()));
            }
            StmtKind::For { var, body, .. } => {
                locals.insert(var.node.clone());
                bind_stmts(body, locals);
            }
            StmtKind::Require { .. } | StmtKind::Return(_) => {}
        }
    }
}

/// Returns npc's operator for a name of PyTorch, Keras or TensorFlow, and how it is called.
fn other_framework_name(name: &str) -> Option<(&'static str, &'static str)> {
    Some(match name.to_lowercase().as_str() {
        "conv2d" | "convolution" => ("conv", "the operator is `conv(out, k = 3)`"),
        "batchnorm" | "batchnorm2d" | "batch_norm" | "bnorm" => ("bn", "the operator is `bn`"),
        "upsample" => ("up", "the operators are `up(2)` and `resize(to = x)`"),
        "interpolate" => ("resize", "the operators are `resize(to = x)` and `up(2)`"),
        "maxpool2d" | "max_pool" | "max_pool2d" => ("maxpool", "the operator is `maxpool(2)`"),
        "avgpool2d" | "avg_pool2d" => ("avgpool", "the operator is `avgpool(2)`"),
        "adaptiveavgpool2d" | "global_avg_pool" | "gap" => ("avgpool_to", "the operator is `avgpool_to(1)`"),
        "cat" | "concatenate" => ("concat", "the operator is `concat(a, b)`, or `a ++ b`"),
        "dense" | "fc" => ("linear", "the operator is `linear(out)`"),
        "convtranspose2d" | "deconv" | "conv_transpose2d" => {
            ("conv_transpose", "the operator is `conv_transpose(out)`")
        }
        _ => return None,
    })
}
