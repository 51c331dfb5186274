//! Sweeps and claims.

use super::grammar::Rule;
use super::parts::PairParts;
use super::tree::TreeBuilder;
use crate::base::number::thousands;
use crate::base::problem::problem;
use crate::text::source::Spanned;
use crate::text::syntax::ast::*;
use pest::iterators::Pair;

/// Maximum number of values of a stepped range; a sweep has fewer points.
const MAX_VALUES: usize = 1 << 16;

impl TreeBuilder {
    pub(super) fn models(&mut self, pair: Pair<'_, Rule>) -> SweepModels {
        let (mut grids, mut keep, mut keep_at) = (Vec::new(), Vec::new(), None);
        for part in PairParts::of(pair) {
            if part.as_rule() != Rule::keep {
                grids.push(self.grid(part));
                continue;
            }
            let mut word = self.span(&part);
            word.end = word.start + "keep".len() as u32;
            keep_at = Some(word);
            keep = self.bounds(PairParts::of(part).one());
        }
        SweepModels { grids, keep, keep_at }
    }

    fn grid(&mut self, pair: Pair<'_, Rule>) -> ModelGrid {
        let mut parts = PairParts::of(pair);
        let base = self.ident(parts.one());
        let args = parts.next().map_or_else(Vec::new, |args| PairParts::of(args).map(|p| self.sweep_arg(p)).collect());
        ModelGrid { base, args }
    }

    fn sweep_arg(&mut self, pair: Pair<'_, Rule>) -> (Ident, Vec<Expr>) {
        let mut parts = PairParts::of(pair);
        (self.ident(parts.one()), parts.flat_map(|p| self.sweep_value(p)).collect())
    }

    /// Builds a value, or the values of a range with a step.
    fn sweep_value(&mut self, pair: Pair<'_, Rule>) -> Vec<Expr> {
        let mut parts = PairParts::of(pair);
        let value = self.expr(parts.one());
        let Some(step) = parts.next() else { return vec![value] };
        let at = self.span(&step);
        let Some(step) = step.as_str().replace('_', "").parse::<usize>().ok().filter(|n| *n > 0) else {
            self.problems.push(problem!(E0206, at, "a step must be an integer above 0";
                help: "write for example `16..65 step 16`"));
            return vec![value];
        };
        let ends = match &value.kind {
            ExprKind::Range { lo, hi } => match (&lo.kind, &hi.kind) {
                (&ExprKind::Int(lo), &ExprKind::Int(hi)) => Some((lo, hi)),
                _ => None,
            },
            _ => None,
        };
        let Some((lo, hi)) = ends else {
            self.problems.push(problem!(E0206, value.span, "`step` must follow a range of two integers";
                help: "write for example `16..65 step 16`"));
            return vec![value];
        };
        let values: Vec<Expr> = (lo..hi)
            .step_by(step)
            .take(MAX_VALUES + 1)
            .map(|n| Expr { kind: ExprKind::Int(n), span: value.span })
            .collect();
        if values.is_empty() || values.len() > MAX_VALUES {
            let amount =
                if values.is_empty() { "no".to_string() } else { format!("more than {}", thousands(MAX_VALUES)) };
            self.problems.push(problem!(E0206, value.span, "this range has {amount} values";
                help: "`a..b` counts from a up to b, b not included"));
            return vec![value];
        }
        values
    }

    pub(super) fn bounds(&mut self, pair: Pair<'_, Rule>) -> Vec<Claim> {
        PairParts::of(pair).map(|p| self.claim(p)).collect()
    }

    pub(super) fn claim(&mut self, pair: Pair<'_, Rule>) -> Claim {
        // The pair includes the white space up to the next claim.
        let mut span = self.span(&pair);
        let mut parts = PairParts::of(pair);
        let quantity = self.primary(PairParts::of(parts.one()).one());
        let relation = parts.one();
        let relation = Spanned::new(relation_of(relation.as_str()), self.span(&relation));
        let value = parts.one();
        span.end = self.span(&value).end;
        let value = match value.as_rule() {
            Rule::claim_number => {
                let span = self.span(&value);
                let mut parts = PairParts::of(value);
                let digits = parts.one().as_str().to_owned();
                let unit = parts.next().map_or("", |p| p.as_str());
                let bytes = match unit {
                    unit if unit.ends_with("iB") => Some(ByteUnit::Binary),
                    unit if unit.ends_with('B') => Some(ByteUnit::Decimal),
                    _ => None,
                };
                let suffix = unit.chars().next().filter(|c| *c != 'B');
                ClaimValue::Number { digits, suffix, bytes, span }
            }
            Rule::list => ClaimValue::Expr(self.primary(value)),
            _ => ClaimValue::Expr(self.expr(value)),
        };
        let refuted = parts.next().map(|p| self.string(PairParts::of(p).one()));
        span.end = refuted.as_ref().map_or(span.end, |r| r.span.end);
        Claim { quantity, relation, value, refuted, span }
    }
}

fn relation_of(text: &str) -> Relation {
    match text {
        "~=" => Relation::Rounds,
        "==" => Relation::Eq,
        "!=" => Relation::Ne,
        "<" => Relation::Lt,
        "<=" => Relation::Le,
        ">" => Relation::Gt,
        ">=" => Relation::Ge,
        other => unreachable!("not a relation: {other}"),
    }
}
