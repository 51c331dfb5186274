//! Common mistakes at the token at which parsing failed: one rule each, with its condition and its help.

use super::expected::{ExpectedTokens, INFIX};
use super::unexpected::UnexpectedToken;
use crate::text::diag::Applicability::*;
use crate::text::diag::Diagnostic;
use crate::text::source::Span;
use crate::text::syntax::scan::{self, Token, TokenKind, is_reserved};

/// Adds help to `problem` if a rule recognises a common mistake. The first rule that applies decides.
pub(super) fn suggest_for_common_mistake(
    place: &UnexpectedToken<'_>,
    expected: &ExpectedTokens,
    problem: Diagnostic,
) -> Diagnostic {
    let Some(token) = place.token() else { return incomplete_bounds(place, problem) };
    let site = MistakeSite::new(place, expected, token);
    match RULES.iter().find(|rule| (rule.applies)(&site)) {
        Some(rule) => (rule.help)(&site, problem),
        None => problem,
    }
}

/// Adds help to a sweep that ends after `where`.
fn incomplete_bounds(place: &UnexpectedToken<'_>, problem: Diagnostic) -> Diagnostic {
    let after_where = place.before().is_some_and(|t| t.text(place.text) == "where");
    let help = "the bounds of a sweep are written `keep where params < 1M and macs <= 2G`";
    if place.word_at(0) == "sweep" && after_where { problem.help(help) } else { problem }
}

/// The unexpected token with its neighbours, as the rules need them.
struct MistakeSite<'a> {
    place: &'a UnexpectedToken<'a>,
    expected: &'a ExpectedTokens,
    token: Token,
    /// The text of the token.
    word: &'a str,
    /// The keyword of the item.
    item: &'a str,
    /// The text of the previous token; empty if there is none.
    previous: &'a str,
    /// The text of the token before the previous one.
    before_previous: &'a str,
    /// The text of the next token.
    next: &'a str,
    /// From the end of the previous token to the start of this one.
    gap: Span,
    /// Whether the previous token is a name.
    after_name: bool,
    /// Whether the previous token ends a value.
    after_value: bool,
}

impl<'a> MistakeSite<'a> {
    fn new(place: &'a UnexpectedToken<'a>, expected: &'a ExpectedTokens, token: Token) -> Self {
        let previous = place.before();
        let previous_text = previous.map_or("", |t| t.text(place.text));
        let after_name = previous.is_some_and(|t| is_name(t, previous_text));
        let literal = previous.is_some_and(|t| matches!(t.kind, TokenKind::Number | TokenKind::Str));
        Self {
            place,
            expected,
            token,
            word: place.word(),
            item: place.word_at(0),
            previous: previous_text,
            before_previous: place.index.checked_sub(2).map_or("", |i| place.word_at(i)),
            next: place.word_at(place.index + 1),
            gap: Span::new(place.id, previous.map_or(token.start, |t| t.end), token.start),
            after_name,
            after_value: after_name || literal || matches!(previous_text, ")" | "]"),
        }
    }

    /// Returns the span of the token.
    fn span(&self) -> Span {
        self.place.span_of(self.token)
    }

    /// Checks whether the token is a name.
    fn is_name(&self) -> bool {
        is_name(self.token, self.word)
    }

    /// Checks whether the item consists of entries (`key = value`).
    fn in_entries(&self) -> bool {
        matches!(self.item, "data" | "train")
    }

    /// Checks whether a token before this one in the item has the text `word`.
    fn follows(&self, word: &str) -> bool {
        self.place.tokens[..self.place.index].iter().any(|t| t.text(self.place.text) == word)
    }

    /// Checks whether the token is an operator after the last stage of a pipe.
    fn is_operator_after_pipe(&self) -> bool {
        let text = self.place.text;
        let in_statement = |t: &&Token| !scan::is_statement_keyword(t.text(text));
        let mut back = self.place.tokens[..self.place.index].iter().rev().take_while(in_statement);
        INFIX.contains(&self.word) && back.any(|t| t.text(text) == "|>")
    }
}

fn is_name(token: Token, word: &str) -> bool {
    token.kind == TokenKind::Word && !is_reserved(word)
}

/// A common mistake: how it is recognised, and the help for it.
struct MistakeRule {
    applies: fn(&MistakeSite<'_>) -> bool,
    help: fn(&MistakeSite<'_>, Diagnostic) -> Diagnostic,
}

/// All rules. The order matters: a later rule may rely on an earlier one not to apply.
const RULES: [&MistakeRule; 22] = [
    &METHOD_CALL,
    &DOT,
    &SEMICOLON,
    &GAP_BEFORE_BRACKET,
    &SINGLE_BAR,
    &ASSIGNMENT_IN_EXPRESSION,
    &COMPARISON_FOR_ASSIGNMENT,
    &COLON_FOR_ASSIGNMENT,
    &COMMA_BETWEEN_ENTRIES,
    &OR_BETWEEN_BOUNDS,
    &WHERE_WITHOUT_KEEP,
    &ARROW_IN_EXPRESSION,
    &IF_ENDS_WITHOUT_ELSE,
    &IF_WITHOUT_ELSE,
    &MODEL_WITHOUT_RESULT,
    &RESERVED_NAME,
    &ENTRY_WITHOUT_EQUALS,
    &ITEM_ON_SAME_LINE,
    &MISSING_COMMA,
    &MISSING_PIPE,
    &MISSING_EQUALS,
    &OPERATOR_AFTER_PIPE,
];

/// `x.conv(8)`
const METHOD_CALL: MistakeRule = MistakeRule {
    applies: |s| s.word == "(" && s.after_name && s.before_previous == ".",
    help: |s, problem| problem.help(format!("there are no methods: write `x |> {}(...)`", s.previous)),
};

/// `x.conv`, or `.5`
const DOT: MistakeRule = MistakeRule {
    applies: |s| s.word == ".",
    help: |_, problem| problem.help("there are no methods: write `x |> conv(8)`; a fraction is `0.5`"),
};

const SEMICOLON: MistakeRule = MistakeRule {
    applies: |s| s.word == ";",
    help: |s, problem| {
        let help = "there are no semicolons: a statement ends where the next one starts";
        problem.suggest(help, s.span(), "", MachineApplicable)
    },
};

/// `conv (8)`
const GAP_BEFORE_BRACKET: MistakeRule = MistakeRule {
    applies: |s| matches!(s.word, "(" | "[") && !s.gap.range().is_empty() && s.after_name,
    help: |s, problem| {
        let applicability = if s.before_previous == "|>" { MachineApplicable } else { MaybeIncorrect };
        let help = format!("`{0}` must touch the name before it: `{1}{0}`", s.word, s.previous);
        problem.suggest(help, s.gap, "", applicability)
    },
};

/// `x | relu`
const SINGLE_BAR: MistakeRule = MistakeRule {
    applies: |s| s.word == "|" && s.expected.operators,
    help: |s, problem| {
        let help = "the pipe is written `|>`; `|` only separates alternatives, in `sweep` and in patterns";
        let certain = matches!(s.item, "block" | "model") && !s.follows("match");
        problem.suggest(help, s.span(), "|>", if certain { MachineApplicable } else { MaybeIncorrect })
    },
};

/// `if a = b`
const ASSIGNMENT_IN_EXPRESSION: MistakeRule = MistakeRule {
    applies: |s| s.word == "=" && s.expected.operators,
    help: |s, problem| problem.suggest("to compare, write `==`", s.span(), "==", MaybeIncorrect),
};

/// `let a == b`
const COMPARISON_FOR_ASSIGNMENT: MistakeRule = MistakeRule {
    applies: |s| s.word == "==" && s.expected.has("="),
    help: |s, problem| problem.suggest("to set a value, write `=`", s.span(), "=", MachineApplicable),
};

/// `epochs: 100`
const COLON_FOR_ASSIGNMENT: MistakeRule = MistakeRule {
    applies: |s| s.word == ":" && (s.expected.has("=") || s.expected.operators),
    help: |s, problem| {
        let applicability = if s.in_entries() { MachineApplicable } else { MaybeIncorrect };
        problem.suggest(format!("a value is set with `=`: `{} = ...`", s.previous), s.span(), " =", applicability)
    },
};

/// `epochs = 100, batch = 4`
const COMMA_BETWEEN_ENTRIES: MistakeRule = MistakeRule {
    applies: |s| s.word == "," && s.in_entries() && s.expected.operators,
    help: |s, problem| problem.suggest("entries need no comma between them", s.span(), "", MachineApplicable),
};

/// `keep where params < 1M or macs < 2G`
const OR_BETWEEN_BOUNDS: MistakeRule = MistakeRule {
    applies: |s| s.word == "or" && (s.item == "sweep" || s.expected.tokens == ["and"]),
    help: |_, problem| {
        problem.help("bounds are joined with `and`, and all must hold; for alternatives, write two sweeps")
    },
};

/// `sweep s = Net where params < 1M`
const WHERE_WITHOUT_KEEP: MistakeRule = MistakeRule {
    applies: |s| s.word == "where" && s.item == "sweep" && s.expected.has("keep"),
    help: |s, problem| {
        let help = "the bounds of a sweep follow `keep where`";
        problem.suggest(help, s.span().before(), "keep ", MachineApplicable)
    },
};

/// `= x -> [c, h, w]`
const ARROW_IN_EXPRESSION: MistakeRule = MistakeRule {
    applies: |s| s.word == "->" && s.expected.operators,
    help: |_, problem| problem.help("write the result shape after the parameters"),
};

/// `if a { b } }`
const IF_ENDS_WITHOUT_ELSE: MistakeRule = MistakeRule {
    applies: |s| s.word == "}" && s.expected.has("else"),
    help: |_, problem| problem.help("an `if` has a value, so it needs an `else`"),
};

/// `if a { b } let`
const IF_WITHOUT_ELSE: MistakeRule = MistakeRule {
    applies: |s| s.expected.has("else"),
    help: |_, problem| problem.help("an `if` has a value, so it needs an `else { ... }`"),
};

/// `model Net(x: [3, H, W]) = x`
const MODEL_WITHOUT_RESULT: MistakeRule = MistakeRule {
    applies: |s| s.item == "model" && s.expected.has("->"),
    help: |s, problem| {
        let (shape, applicability) = match s.follows("classes") {
            true => ("-> [classes, H, W] ", MaybeIncorrect),
            false => ("-> [..., H, W] ", HasPlaceholders),
        };
        let help = "a model declares its result shape: `-> [classes, H, W]`";
        problem.suggest(help, s.span().before(), shape, applicability)
    },
};

/// `let in = x`
const RESERVED_NAME: MistakeRule = MistakeRule {
    applies: |s| is_reserved(s.word) && s.expected.name,
    help: |s, problem| {
        let help = format!("`{}` cannot be a name: add a `_`", s.word);
        problem.suggest(help, s.span(), format!("{}_", s.word), MaybeIncorrect)
    },
};

/// `epochs 100`
const ENTRY_WITHOUT_EQUALS: MistakeRule = MistakeRule {
    applies: |s| s.in_entries() && s.after_name && s.expected.has("="),
    help: |s, problem| {
        let help = format!("write `{} = {}`", s.previous, s.word);
        problem.suggest(help, s.span().before(), "= ", MachineApplicable)
    },
};

/// `block f(x: [c]) = x block g`
const ITEM_ON_SAME_LINE: MistakeRule = MistakeRule {
    applies: |s| scan::is_item_keyword(s.word) && !s.token.first_on_line && s.expected.operators,
    help: |_, problem| problem.help("each item starts on a line of its own"),
};

/// `conv(8 k = 1)`
const MISSING_COMMA: MistakeRule = MistakeRule {
    applies: |s| {
        let argument = s.is_name() && s.next == "=" || s.token.kind == TokenKind::Number;
        s.expected.has(",") && s.after_value && argument
    },
    help: |s, problem| problem.suggest("a comma is missing", s.gap.before(), ",", MachineApplicable),
};

/// `conv(8) relu`
const MISSING_PIPE: MistakeRule = MistakeRule {
    applies: |s| s.is_name() && s.expected.operators && s.after_value && !s.in_entries() && s.next != "=",
    help: |s, problem| {
        let help = format!("if `{}` is the next stage, a `|>` is missing before it", s.word);
        let stage = s.previous == ")" || matches!(s.next, "(" | "|>");
        // Between brackets, the missing token may as well be a comma.
        let certain = stage && !matches!(s.place.innermost_bracket(), "(" | "[");
        problem.suggest(help, s.span().before(), "|> ", if certain { MachineApplicable } else { MaybeIncorrect })
    },
};

/// `let a b`
const MISSING_EQUALS: MistakeRule = MistakeRule {
    applies: |s| s.expected.tokens == ["="],
    help: |s, problem| problem.suggest("a `=` is missing", s.span().before(), "= ", MaybeIncorrect),
};

/// `x |> relu + y`
const OPERATOR_AFTER_PIPE: MistakeRule = MistakeRule {
    applies: |s| s.is_operator_after_pipe(),
    help: |_, problem| {
        problem.help("`|>` is followed by one stage: put the pipe in parentheses to use its result in an expression")
    },
};
