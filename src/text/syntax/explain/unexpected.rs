//! The token at which parsing failed, with its neighbours.

use crate::text::source::{SourceId, Span};
use crate::text::syntax::scan::Token;

/// The token that the grammar refused, or the end of the item.
pub(super) struct UnexpectedToken<'a> {
    pub(super) id: SourceId,
    pub(super) text: &'a str,
    pub(super) tokens: &'a [Token],
    pub(super) index: usize,
}

impl UnexpectedToken<'_> {
    pub(super) fn token(&self) -> Option<Token> {
        self.tokens.get(self.index).copied()
    }

    pub(super) fn before(&self) -> Option<Token> {
        self.index.checked_sub(1).map(|i| self.tokens[i])
    }

    pub(super) fn word_at(&self, index: usize) -> &str {
        self.tokens.get(index).map_or("", |t| t.text(self.text))
    }

    pub(super) fn word(&self) -> &str {
        self.word_at(self.index)
    }

    pub(super) fn span_of(&self, token: Token) -> Span {
        Span::new(self.id, token.start, token.end)
    }

    pub(super) fn span(&self) -> Span {
        match (self.token(), self.before()) {
            (Some(token), _) => self.span_of(token),
            (None, Some(last)) => Span::new(self.id, last.end, last.end),
            (None, None) => Span::new(self.id, 0, 0),
        }
    }
}
