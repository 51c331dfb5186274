//! Statements.

use super::grammar::Rule;
use super::parts::PairParts;
use super::tree::TreeBuilder;
use crate::text::syntax::ast::*;
use pest::iterators::Pair;

impl TreeBuilder {
    pub(super) fn stmt(&mut self, pair: Pair<'_, Rule>) -> Stmt {
        let span = self.span(&pair);
        let pair = PairParts::of(pair).one();
        let rule = pair.as_rule();
        let mut parts = PairParts::of(pair);
        let kind = match rule {
            Rule::r#let => {
                let target = parts.one();
                let target = match target.as_rule() {
                    Rule::tuple_target => LetTarget::Tuple(PairParts::of(target).map(|p| self.node_name(p)).collect()),
                    _ => LetTarget::One(self.node_name(target)),
                };
                StmtKind::Let { target, value: self.expr(parts.one()) }
            }
            Rule::r#for => StmtKind::For {
                var: self.ident(parts.one()),
                iter: self.expr(parts.one()),
                body: parts.map(|p| self.stmt(p)).collect(),
            },
            Rule::require => {
                StmtKind::Require { cond: self.expr(parts.one()), message: parts.next().map(|p| self.string(p)) }
            }
            _ => {
                let value = parts.one();
                StmtKind::Return(match value.as_rule() {
                    Rule::record => self.record(value),
                    _ => self.expr(value),
                })
            }
        };
        Stmt { kind, span }
    }

    fn node_name(&mut self, pair: Pair<'_, Rule>) -> NodeName {
        let span = self.span(&pair);
        let mut parts = PairParts::of(pair);
        let name = self.ident(parts.one());
        NodeName { name, indices: parts.next().map_or_else(Vec::new, |p| self.exprs(p)), span }
    }

    fn record(&mut self, pair: Pair<'_, Rule>) -> Expr {
        let span = self.span(&pair);
        let field = |field| {
            let mut parts = PairParts::of(field);
            (self.ident(parts.one()), self.expr(parts.one()))
        };
        Expr { kind: ExprKind::Record(PairParts::of(pair).map(field).collect()), span }
    }
}
