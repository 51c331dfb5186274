//! The state of tree construction: problems found, and spans in the whole text.

use super::grammar::Rule;
use crate::text::diag::Problems;
use crate::text::source::{SourceId, Span, Spanned};
use crate::text::syntax::ast::Ident;
use pest::iterators::Pair;

/// The state of building one item or expression.
pub(super) struct TreeBuilder {
    pub(super) source: SourceId,
    /// Offset of the parsed range in the whole text.
    pub(super) base: usize,
    pub(super) problems: Problems,
    /// Number of operators above the expression being built.
    pub(super) chain: usize,
}

impl TreeBuilder {
    pub(super) fn new(source: SourceId, base: usize) -> Self {
        Self { source, base, problems: Problems::new(), chain: 0 }
    }

    pub(super) fn span(&self, pair: &Pair<'_, Rule>) -> Span {
        let span = pair.as_span();
        Span::new(self.source, self.base + span.start(), self.base + span.end())
    }

    pub(super) fn ident(&self, pair: Pair<'_, Rule>) -> Ident {
        Spanned::new(pair.as_str().to_owned(), self.span(&pair))
    }

    pub(super) fn string(&self, pair: Pair<'_, Rule>) -> Spanned<String> {
        Spanned::new(unescape(pair.as_str()), self.span(&pair))
    }
}

/// Returns the content of a string literal without quotes, with escapes resolved.
pub(super) fn unescape(literal: &str) -> String {
    let mut text = String::with_capacity(literal.len());
    let mut chars = literal[1..literal.len() - 1].chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some('n') => text.push('\n'),
                Some('t') => text.push('\t'),
                Some(other) => text.push(other),
                None => {}
            },
            other => text.push(other),
        }
    }
    text
}
