//! The blocks that a body uses.

use crate::text::source::Span;
use crate::text::syntax::ast::{Block, Expr, ExprKind, Stmt, StmtKind};

/// The blocks that a block's body uses, with the place of each use.
pub(super) fn uses(block: &Block) -> Vec<(&str, Span)> {
    let mut uses = Vec::new();
    each_use(&block.body.stmts, &mut |name, span| uses.push((name, span)));
    uses
}

/// Calls `f` with every name that stands where a block could be called.
fn each_use<'a>(stmts: &'a [Stmt], f: &mut dyn FnMut(&'a str, Span)) {
    for stmt in stmts {
        match &stmt.kind {
            StmtKind::Let { value, .. } | StmtKind::Return(value) | StmtKind::Require { cond: value, .. } => {
                each_use_in(value, f);
            }
            StmtKind::For { iter, body, .. } => {
                each_use_in(iter, f);
                each_use(body, f);
            }
        }
    }
}

fn each_use_in<'a>(expr: &'a Expr, f: &mut dyn FnMut(&'a str, Span)) {
    match &expr.kind {
        ExprKind::Int(_) | ExprKind::Float(_) | ExprKind::Bool(_) | ExprKind::Str(_) | ExprKind::Hole { .. } => {}
        // A bare name that is no stage cannot be told from a stage here; a local of a block's name is refused anyway.
        ExprKind::Name(_) => {}
        ExprKind::Call(call) => {
            f(&call.name.node, call.name.span);
            for arg in &call.args {
                stage_use(&arg.value, f);
            }
        }
        ExprKind::Pipe { lhs, rhs } => {
            each_use_in(lhs, f);
            stage_use(rhs, f);
        }
        ExprKind::Member { base, .. } => each_use_in(base, f),
        ExprKind::Index { base, indices } => {
            each_use_in(base, f);
            indices.iter().for_each(|i| each_use_in(i, f));
        }
        ExprKind::List(items) | ExprKind::Tuple(items) => items.iter().for_each(|i| each_use_in(i, f)),
        ExprKind::Comprehension { item, iter, .. } => {
            each_use_in(item, f);
            each_use_in(iter, f);
        }
        ExprKind::Record(fields) => fields.iter().for_each(|(_, v)| each_use_in(v, f)),
        ExprKind::Unary { value, .. } => each_use_in(value, f),
        ExprKind::Binary { lhs, rhs, .. } | ExprKind::Range { lo: lhs, hi: rhs } => {
            each_use_in(lhs, f);
            each_use_in(rhs, f);
        }
        ExprKind::Match { value, arms } => {
            each_use_in(value, f);
            arms.iter().for_each(|a| stage_use(&a.value, f));
        }
        ExprKind::If { cond, then, otherwise } => {
            each_use_in(cond, f);
            stage_use(then, f);
            stage_use(otherwise, f);
        }
    }
}

fn stage_use<'a>(expr: &'a Expr, f: &mut dyn FnMut(&'a str, Span)) {
    match &expr.kind {
        ExprKind::Name(name) => f(name, expr.span),
        _ => each_use_in(expr, f),
    }
}
