//! Every name in every body: is there something that it can mean?

use super::program::{FUNCTIONS, Program, STAGES};
use crate::graph::op::{ArgKind, SIGNATURES, signature};
use crate::text::diag::{Applicability, Code, Diagnostic, Problems, did_you_mean, listed};
use crate::text::source::Span;
use crate::text::syntax::ast::*;
use std::collections::BTreeSet;

/// Parameters of one block.
const MAX_PARAMS: usize = 256;
/// Problems of one body that get a near name; the rest are told without.
const MAX_NEAR: usize = 50;

const TYPES: &[&str] = &["int", "float", "bool", "string"];

/// Reports unknown names in blocks and models and marks the items that hold them as broken.
pub(super) fn check(program: &mut Program<'_>, problems: &mut Problems) {
    let mut broken = Vec::new();
    for block in program.blocks.values().chain(program.models.values()) {
        let mut walk = Walk { program, locals: BTreeSet::new(), problems: Problems::new() };
        walk.block(block);
        if walk.problems.has_errors() {
            broken.push(block.name.node.as_str());
        }
        problems.extend(walk.problems);
    }
    program.broken.extend(broken);
}

struct Walk<'p, 'a> {
    program: &'p Program<'a>,
    /// Parameters, dims, nodes and loop variables bound so far. Bodies have one scope: loops bind into it too.
    locals: BTreeSet<String>,
    problems: Problems,
}

impl Walk<'_, '_> {
    fn block(&mut self, block: &Block) {
        if block.params.len() > MAX_PARAMS {
            let message = format!("`{}` has {} parameters", block.name, block.params.len());
            let d = Diagnostic::new(Code::E0311, block.name.span, message).help(format!("the limit is {MAX_PARAMS}"));
            self.problems.push(d);
            return;
        }
        for param in &block.params {
            match (&param.default, &param.ty.kind) {
                (Some(default), ParamTypeKind::Scalar(ty)) => self.default(default, ty),
                (Some(default), _) => self.expr(default, false),
                (None, _) => {}
            }
            match &param.ty.kind {
                ParamTypeKind::Tensor(dims) | ParamTypeKind::Index(dims) => self.bind_dims(dims, block),
                ParamTypeKind::Scalar(ty) | ParamTypeKind::List(ty) => self.check_type(ty),
            }
            if !self.locals.insert(param.name.node.clone()) {
                let message = format!("`{}` is bound twice in the signature of `{}`", param.name, block.name);
                let mut d = Diagnostic::new(Code::E0202, param.name.span, message).label("bound again here");
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
                        dims.iter().for_each(|d| self.expr(d, false));
                    }
                    ParamTypeKind::Scalar(_) | ParamTypeKind::List(_) => {}
                }
            }
        }
        // A node may be used in a loop before the text that binds it, so all bindings count from the start; whether
        // the index was bound in time is for elaboration to say.
        bind_stmts(&block.body.stmts, &mut self.locals);
        self.stmts(&block.body.stmts);
        self.check_return(block);
    }

    /// A default: the case of an enum by its bare name, or any expression.
    fn default(&mut self, default: &Expr, ty: &Ident) {
        let program = self.program;
        let (ExprKind::Name(word), Some(cases)) = (&default.kind, program.enums.get(ty.node.as_str())) else {
            return self.expr(default, false);
        };
        if program.has_case(&ty.node, word) || self.locals.contains(word) {
            return;
        }
        let known = || cases.cases.iter().map(|c| c.node.as_str());
        let d = Diagnostic::new(Code::E0206, default.span, format!("`{ty}` has no case `{word}`"))
            .other(cases.name.span, format!("its cases are {}", listed(known())));
        self.problems.push(d.nearest(default.span, word, known(), || None));
    }

    /// A body ends with its one `return`.
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
            let message = format!("`{}` returns before its end", block.name);
            let d = Diagnostic::new(Code::E0314, span, message).label("more statements follow, or a loop is around it");
            self.problems.push(d.help("give the value a name with `let`, and end the body with one `return`"));
        }
        let ends = matches!(last.map(|l| &l.kind), Some(StmtKind::Return(_)));
        if !ends && early.is_empty() {
            let message = format!("`{}` has no result", block.name);
            let d = Diagnostic::new(Code::E0314, block.name.span, message).label("its body ends without `return`");
            let help = "end the body with `return ...`";
            // The node that was bound last is what most bodies give back.
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

    /// A name among the dims is bound by the tensor, unless it is a hyper-parameter.
    fn bind_dims(&mut self, dims: &[Expr], block: &Block) {
        for dim in dims {
            match &dim.kind {
                ExprKind::Name(name) if block.params.iter().any(|p| p.name.node == *name) => {}
                ExprKind::Name(name) => drop(self.locals.insert(name.clone())),
                _ => self.expr(dim, false),
            }
        }
    }

    fn check_type(&mut self, ty: &Ident) {
        let enums = self.program.enums.keys().copied();
        if TYPES.contains(&ty.node.as_str()) || self.program.enums.contains_key(ty.node.as_str()) {
            return;
        }
        if self.program.incomplete || self.program.is_broken(&ty.node) {
            return;
        }
        let d = Diagnostic::new(Code::E0201, ty.span, format!("unknown type `{ty}`"));
        let known = || TYPES.iter().copied().chain(enums.clone());
        self.problems.push(d.nearest(ty.span, &ty.node, known(), || Some(format!("there is {}", listed(known())))));
    }

    fn stmts(&mut self, stmts: &[Stmt]) {
        for stmt in stmts {
            match &stmt.kind {
                StmtKind::Let { target, value } => {
                    let names = match target {
                        LetTarget::One(name) => std::slice::from_ref(name),
                        LetTarget::Tuple(names) => names,
                    };
                    names.iter().flat_map(|n| &n.indices).for_each(|i| self.expr(i, false));
                    self.expr(value, false);
                }
                StmtKind::For { iter, body, .. } => {
                    self.expr(iter, false);
                    self.stmts(body);
                }
                StmtKind::Require { cond, .. } => self.expr(cond, false),
                StmtKind::Return(value) => self.expr(value, false),
            }
        }
    }

    fn name(&mut self, name: &str, span: Span, stage: bool) {
        let program = self.program;
        let callable = signature(name).is_some()
            || program.block(name, span.source).is_some()
            || program.is_broken(name)
            || STAGES.contains(&name)
            || (!stage && FUNCTIONS.contains(&name));
        if callable || program.incomplete || (!stage && (self.locals.contains(name) || program.is_case(name))) {
            return;
        }
        let stages = || {
            let ops = SIGNATURES.iter().map(|s| s.name);
            ops.chain(program.blocks.keys().copied()).chain(program.std.keys().copied()).chain(STAGES.iter().copied())
        };
        let locals = self.locals.iter().map(String::as_str);
        let cases = program.cases.keys().copied();
        let what = if stage { "block or operator" } else { "name" };
        let mut d = Diagnostic::new(Code::E0201, span, format!("unknown {what} `{name}`"));
        if stage && self.locals.contains(name) {
            d = d.label("a node or value, not something to call");
        }
        let foreign = foreign(name);
        self.problems.push(if self.problems.iter().count() > MAX_NEAR {
            d
        } else if let Some((ours, hint)) = foreign {
            d.suggest(hint, span, ours, Applicability::MaybeIncorrect)
        } else if stage {
            d.nearest(span, name, stages(), || {
                Some("blocks of this file, and the operators of docs/language.md".into())
            })
        } else {
            let known = locals.chain(cases).chain(stages()).chain(FUNCTIONS.iter().copied());
            d.nearest(span, name, known, || None)
        });
    }

    /// `stage` is set where only something callable makes sense: the right side of `|>`.
    fn expr(&mut self, expr: &Expr, stage: bool) {
        match &expr.kind {
            ExprKind::Int(_) | ExprKind::Float(_) | ExprKind::Bool(_) | ExprKind::Str(_) | ExprKind::Hole { .. } => {}
            ExprKind::Name(name) => self.name(name, expr.span, stage),
            ExprKind::Call(call) => self.call(call, stage),
            ExprKind::Pipe { lhs, rhs } => {
                self.expr(lhs, stage);
                self.expr(rhs, true);
            }
            // Which results there are is known once the base is elaborated.
            ExprKind::Member { base, .. } => self.expr(base, false),
            ExprKind::Index { base, indices } => {
                self.expr(base, false);
                indices.iter().for_each(|i| self.expr(i, false));
            }
            ExprKind::List(items) | ExprKind::Tuple(items) => items.iter().for_each(|i| self.expr(i, false)),
            ExprKind::Comprehension { item, var, iter } => {
                self.expr(iter, false);
                let fresh = self.locals.insert(var.node.clone());
                self.expr(item, false);
                if fresh {
                    self.locals.remove(&var.node);
                }
            }
            ExprKind::Record(fields) => fields.iter().for_each(|(_, v)| self.expr(v, false)),
            ExprKind::Unary { value, .. } => self.expr(value, false),
            ExprKind::Binary { lhs, rhs, .. } | ExprKind::Range { lo: lhs, hi: rhs } => {
                self.expr(lhs, false);
                self.expr(rhs, false);
            }
            ExprKind::Match { value, arms } => {
                self.expr(value, false);
                for arm in arms {
                    self.expr(&arm.value, stage);
                }
            }
            ExprKind::If { cond, then, otherwise } => {
                self.expr(cond, false);
                self.expr(then, stage);
                self.expr(otherwise, stage);
            }
        }
    }

    fn call(&mut self, call: &Call, stage: bool) {
        let name = call.name.node.as_str();
        if !FUNCTIONS.contains(&name) {
            // Only what is not piped into may be a function.
            let callable = SIGNATURES.iter().map(|s| s.name).chain(self.program.blocks.keys().copied());
            let near = if stage { None } else { did_you_mean(name, FUNCTIONS.iter().copied().chain(callable)) };
            self.name(name, call.name.span, !near.is_some_and(|n| FUNCTIONS.contains(&n)));
        }
        for arg in &call.args {
            // Words such as `same` and `bilinear` are checked against the argument they are given to.
            let takes_word = (arg.name.as_ref()).zip(signature(&call.name.node)).is_some_and(|(name, sig)| {
                let kind = sig.args.iter().find(|a| a.name == name.node).map(|a| a.kind);
                matches!(kind, Some(ArgKind::Word(_) | ArgKind::Pad) | None)
            });
            // A case of an enum is checked against the enum of its parameter, which knows the nearest one.
            let takes_case = self.program.block(&call.name.node, call.name.span.source).is_some_and(|block| {
                // A block of more is refused where it is declared.
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
                self.expr(&arg.value, false);
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

/// The word that people from elsewhere write: what it is called here, and how it is called.
fn foreign(name: &str) -> Option<(&'static str, &'static str)> {
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
