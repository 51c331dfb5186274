//! The parts of a pair that the grammar matched.

use super::grammar::Rule;
use pest::iterators::Pair;

/// The parts of a pair without keywords and signs, in order.
pub(super) struct PairParts<'i>(std::iter::Peekable<std::vec::IntoIter<Pair<'i, Rule>>>);

impl<'i> PairParts<'i> {
    pub(super) fn of(pair: Pair<'i, Rule>) -> Self {
        let kept: Vec<_> = pair.into_inner().filter(|p| !is_keyword(p.as_rule())).collect();
        PairParts(kept.into_iter().peekable())
    }

    pub(super) fn one(&mut self) -> Pair<'i, Rule> {
        self.0.next().expect("the grammar promises another part here")
    }

    pub(super) fn optional(&mut self, rule: Rule) -> Option<Pair<'i, Rule>> {
        self.0.next_if(|p| p.as_rule() == rule)
    }
}

impl<'i> Iterator for PairParts<'i> {
    type Item = Pair<'i, Rule>;
    fn next(&mut self) -> Option<Self::Item> {
        self.0.next()
    }
}

fn is_keyword(rule: Rule) -> bool {
    matches!(
        rule,
        Rule::kw_let
            | Rule::kw_for
            | Rule::kw_in
            | Rule::kw_require
            | Rule::kw_return
            | Rule::kw_match
            | Rule::kw_if
            | Rule::kw_else
            | Rule::kw_and
            | Rule::kw_import
            | Rule::kw_enum
            | Rule::kw_block
            | Rule::kw_model
            | Rule::kw_variant
            | Rule::kw_sweep
            | Rule::kw_data
            | Rule::kw_train
            | Rule::kw_allow
            | Rule::kw_expect
            | Rule::kw_on
            | Rule::kw_keep
            | Rule::kw_where
            | Rule::kw_step
            | Rule::kw_refuted
            | Rule::pipe_op
            | Rule::alternative_op
            | Rule::EOI
    )
}
