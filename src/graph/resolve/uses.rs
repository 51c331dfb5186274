//! The blocks that a body calls.

use crate::text::source::Span;
use crate::text::syntax::ast::{Block, Expr, ExprKind, Stmt, StmtKind};

/// Returns the names that a block's body uses where a block can be called, with the place of each use.
pub(super) fn uses(block: &Block) -> Vec<(&str, Span)> {
    let mut uses = Vec::new();
    visit_uses(&block.body.stmts, &mut |name, span| uses.push((name, span)));
    uses
}

/// Calls `f` with every name at a place where a block can be called.
fn visit_uses<'a>(stmts: &'a [Stmt], f: &mut dyn FnMut(&'a str, Span)) {
    for stmt in stmts {
        match &stmt.kind {
            StmtKind::Let { value, .. } | StmtKind::Return(value) | StmtKind::Require { cond: value, .. } => {
                visit_expr_uses(value, f);
            }
            StmtKind::For { iter, body, .. } => {
                visit_expr_uses(iter, f);
                visit_uses(body, f);
            }
        }
    }
}

fn visit_expr_uses<'a>(expr: &'a Expr, f: &mut dyn FnMut(&'a str, Span)) {
    match &expr.kind {
        ExprKind::Int(_) | ExprKind::Float(_) | ExprKind::Bool(_) | ExprKind::Str(_) | ExprKind::Hole { .. } => {}
        // A bare name outside of a stage is a node or a value: a local with the name of a block is an error elsewhere.
        ExprKind::Name(_) => {}
        ExprKind::Call(call) => {
            f(&call.name.node, call.name.span);
            for arg in &call.args {
                visit_stage_use(&arg.value, f);
            }
        }
        ExprKind::Pipe { lhs, rhs } => {
            visit_expr_uses(lhs, f);
            visit_stage_use(rhs, f);
        }
        ExprKind::Member { base, .. } => visit_expr_uses(base, f),
        ExprKind::Index { base, indices } => {
            visit_expr_uses(base, f);
            indices.iter().for_each(|i| visit_expr_uses(i, f));
        }
        ExprKind::List(items) | ExprKind::Tuple(items) => items.iter().for_each(|i| visit_expr_uses(i, f)),
        ExprKind::Comprehension { item, iter, .. } => {
            visit_expr_uses(item, f);
            visit_expr_uses(iter, f);
        }
        ExprKind::Record(fields) => fields.iter().for_each(|(_, v)| visit_expr_uses(v, f)),
        ExprKind::Unary { value, .. } => visit_expr_uses(value, f),
        ExprKind::Binary { lhs, rhs, .. } | ExprKind::Range { lo: lhs, hi: rhs } => {
            visit_expr_uses(lhs, f);
            visit_expr_uses(rhs, f);
        }
        ExprKind::Match { value, arms } => {
            visit_expr_uses(value, f);
            arms.iter().for_each(|a| visit_stage_use(&a.value, f));
        }
        ExprKind::If { cond, then, otherwise } => {
            visit_expr_uses(cond, f);
            visit_stage_use(then, f);
            visit_stage_use(otherwise, f);
        }
    }
}

fn visit_stage_use<'a>(expr: &'a Expr, f: &mut dyn FnMut(&'a str, Span)) {
    match &expr.kind {
        ExprKind::Name(name) => f(name, expr.span),
        _ => visit_expr_uses(expr, f),
    }
}
