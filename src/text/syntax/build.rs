//! Grammar to tree: runs the parser made from `grammar/npc.pest` and turns its pairs into [`ast`](super::ast) nodes.
//!
//! With its child `expr` the only module that names pest. Must be given text whose nesting was found harmless by
//! [`scan::too_deep`](super::scan::too_deep). Shapes of pairs follow from the grammar, which is what every `expect` here
//! relies on.

mod expr;
mod sweep;

use pest::Parser;
use pest::error::{Error, ErrorVariant, InputLocation};
use pest::iterators::{Pair, Pairs};
use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use super::ast::*;
use crate::text::diag::Problems;
use crate::text::source::{SourceId, Span, Spanned};

#[derive(pest_derive::Parser)]
#[grammar = "../grammar/npc.pest"]
struct Grammar;

/// Where the grammar stopped and what it would have taken there.
#[derive(Debug)]
pub(super) struct Failure {
    /// Bytes from the start of the whole text.
    pub at: usize,
    /// Tokens as written; `name`, `number` and `string` for the kinds.
    pub expected: Vec<String>,
    /// The machine's stack is used up.
    pub exhausted: bool,
}

/// What to read from a stretch of text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Stmt,
    Entry,
    Claim,
}

/// Reads all of `range` as one item.
pub(super) fn item(source: SourceId, text: &str, range: Range<usize>) -> Result<(Item, Problems), Failure> {
    let pair = run(Rule::lone_item, text, range.clone())?;
    let mut tree = Tree::new(source, range.start);
    let item = tree.item(pair);
    Ok((item, tree.problems))
}

/// Reads all of `range` as attributes.
pub(super) fn attributes(source: SourceId, text: &str, range: Range<usize>) -> Result<Vec<Attribute>, Failure> {
    let pair = run(Rule::lone_attributes, text, range.clone())?;
    let tree = Tree::new(source, range.start);
    Ok(Parts::of(pair).map(|p| tree.attribute(p)).collect())
}

/// Reads all of `range` as one expression.
pub(super) fn expr(source: SourceId, text: &str, range: Range<usize>) -> Result<(Expr, Problems), Failure> {
    let pair = run(Rule::lone_expr, text, range.clone())?;
    let mut tree = Tree::new(source, range.start);
    let expr = tree.expr(pair);
    Ok((expr, tree.problems))
}

/// Reads all of `range` as what stands behind the `=` of a sweep.
pub(super) fn models(source: SourceId, text: &str, range: Range<usize>) -> Result<(Models, Problems), Failure> {
    let pair = run(Rule::lone_models, text, range.clone())?;
    let mut tree = Tree::new(source, range.start);
    let models = tree.models(pair);
    Ok((models, tree.problems))
}

/// Reads all of `range` as what stands behind `keep where`.
pub(super) fn bounds(source: SourceId, text: &str, range: Range<usize>) -> Result<(Vec<Claim>, Problems), Failure> {
    let pair = run(Rule::lone_bounds, text, range.clone())?;
    let mut tree = Tree::new(source, range.start);
    let bounds = tree.bounds(pair);
    Ok((bounds, tree.problems))
}

/// Reads one part at the start of `range` and says where it ends.
pub(super) fn skim(part: Part, text: &str, range: Range<usize>) -> Result<usize, Failure> {
    let rule = match part {
        Part::Stmt => Rule::lone_stmt,
        Part::Entry => Rule::lone_entry,
        Part::Claim => Rule::lone_claim,
    };
    let start = range.start;
    Ok(start + run(rule, text, range)?.as_span().end())
}

/// Runs the grammar, with a record of what it tried or without.
fn attempt(rule: Rule, text: &str, detail: bool) -> Result<Pairs<'_, Rule>, Error<Rule>> {
    // The switch is process-wide, so that parses in other threads wait.
    static SWITCH: Mutex<()> = Mutex::new(());
    let _held = SWITCH.lock().unwrap_or_else(PoisonError::into_inner);
    pest::set_error_detail(detail);
    Grammar::parse(rule, text)
}

fn run(rule: Rule, text: &str, range: Range<usize>) -> Result<Pair<'_, Rule>, Failure> {
    let base = range.start;
    let text = &text[range];
    // The record takes as long as the parse itself, and is of use only after a mistake.
    match attempt(rule, text, false).or_else(|_| attempt(rule, text, true)) {
        Ok(mut pairs) => Ok(pairs.next().expect("a rule that matched yields a pair")),
        Err(error) => {
            let exhausted = matches!(error.variant, ErrorVariant::CustomError { .. });
            let mut at = match error.location {
                InputLocation::Pos(at) | InputLocation::Span((at, _)) => at,
            };
            let mut expected = Vec::new();
            if let Some(attempts) = error.parse_attempts() {
                at = at.max(attempts.max_position);
                expected = attempts.expected_tokens().iter().filter_map(|t| expected_text(t.to_string())).collect();
                expected.sort();
                expected.dedup();
            }
            Err(Failure { at: base + at, expected, exhausted })
        }
    }
}

/// A reported token (pest does not export its type, so it comes as text) in words of [`Failure::expected`].
fn expected_text(token: String) -> Option<String> {
    match token.as_str() {
        " " | "\t" | "\r" | "\n" | "//" | "BUILTIN_RULE" => None,
        "\"" => Some("string".into()),
        "0..9" => Some("number".into()),
        "_" | "a..z" | "A..Z" => Some("name".into()),
        _ => Some(token),
    }
}

/// The parts of a pair that carry meaning, in order.
struct Parts<'i>(std::iter::Peekable<std::vec::IntoIter<Pair<'i, Rule>>>);

impl<'i> Parts<'i> {
    fn of(pair: Pair<'i, Rule>) -> Self {
        let kept: Vec<_> = pair.into_inner().filter(|p| !is_keyword(p.as_rule())).collect();
        Parts(kept.into_iter().peekable())
    }

    fn one(&mut self) -> Pair<'i, Rule> {
        self.0.next().expect("the grammar promises another part here")
    }

    fn optional(&mut self, rule: Rule) -> Option<Pair<'i, Rule>> {
        self.0.next_if(|p| p.as_rule() == rule)
    }
}

impl<'i> Iterator for Parts<'i> {
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

/// The state of building one item or expression.
struct Tree {
    source: SourceId,
    /// Where the parsed stretch starts in the whole text.
    base: usize,
    problems: Problems,
    /// Operators above the place being built.
    chain: usize,
}

impl Tree {
    fn new(source: SourceId, base: usize) -> Self {
        Self { source, base, problems: Problems::new(), chain: 0 }
    }

    fn span(&self, pair: &Pair<'_, Rule>) -> Span {
        let span = pair.as_span();
        Span::new(self.source, self.base + span.start(), self.base + span.end())
    }

    fn ident(&self, pair: Pair<'_, Rule>) -> Ident {
        Spanned::new(pair.as_str().to_owned(), self.span(&pair))
    }

    fn string(&self, pair: Pair<'_, Rule>) -> Spanned<String> {
        Spanned::new(unescape(pair.as_str()), self.span(&pair))
    }

    // Items

    fn attribute(&self, pair: Pair<'_, Rule>) -> Attribute {
        let span = self.span(&pair);
        let lints = Parts::of(Parts::of(pair).one()).one();
        Attribute { lints: Parts::of(lints).map(|p| self.ident(p)).collect(), span }
    }

    fn item(&mut self, pair: Pair<'_, Rule>) -> Item {
        let span = self.span(&pair);
        let pair = Parts::of(pair).one();
        let rule = pair.as_rule();
        let start = self.span(&pair);
        let mut parts = Parts::of(pair);
        let kind = match rule {
            Rule::import => {
                let what = parts.one();
                match what.as_rule() {
                    Rule::string => ItemKind::Import(Import::Path(self.string(what))),
                    _ => ItemKind::Import(Import::Std(self.span(&what))),
                }
            }
            Rule::r#enum => {
                let name = self.ident(parts.one());
                ItemKind::Enum(Enum { name, cases: parts.map(|p| self.ident(p)).collect() })
            }
            Rule::block => ItemKind::Block(self.block(start, parts)),
            Rule::model => ItemKind::Model(self.block(start, parts)),
            Rule::variant => {
                let name = self.ident(parts.one());
                let (base, args) = self.reference(parts.one());
                ItemKind::Variant(Variant { name, base, args })
            }
            Rule::sweep => {
                let name = self.ident(parts.one());
                ItemKind::Sweep(Sweep { name, models: self.models(parts.one()) })
            }
            Rule::data => {
                let name = self.ident(parts.one());
                ItemKind::Data(Data { name, entries: parts.map(|p| self.entry(p)).collect() })
            }
            Rule::train => {
                let name = self.ident(parts.one());
                let (model, args) = self.reference(parts.one());
                let data = self.ident(parts.one());
                let entries = parts.map(|p| self.entry(p)).collect();
                ItemKind::Train(Train { name, model, args, data, entries })
            }
            Rule::expect => {
                let (model, args) = self.reference(parts.one());
                let on = parts.optional(Rule::ident).map(|p| self.ident(p));
                let claims = parts.map(|p| self.claim(p)).collect();
                ItemKind::Expect(Expect { model, args, on, claims })
            }
            Rule::allow => ItemKind::Allow(parts.map(|p| self.ident(p)).collect()),
            rule => unreachable!("not an item: {rule:?}"),
        };
        Item { docs: Vec::new(), attributes: Vec::new(), kind, span }
    }

    fn reference(&mut self, pair: Pair<'_, Rule>) -> (Ident, Vec<Arg>) {
        let mut parts = Parts::of(pair);
        let name = self.ident(parts.one());
        (name, parts.next().map_or_else(Vec::new, |args| self.args(args)))
    }

    fn entry(&mut self, pair: Pair<'_, Rule>) -> Entry {
        let mut parts = Parts::of(pair);
        Entry { key: self.ident(parts.one()), value: self.expr(parts.one()) }
    }

    // Signatures

    fn block(&mut self, item: Span, mut parts: Parts<'_>) -> Block {
        let signature = parts.one();
        let mut head = item;
        head.end = self.span(&signature).end;
        let mut signature = Parts::of(signature);
        let name = self.ident(signature.one());
        let params = Parts::of(signature.one()).map(|p| self.param(p)).collect();
        let result = parts.optional(Rule::result_type).map(|p| self.result_type(p));
        if let Some(result) = &result {
            head.end = result.span.end;
        }
        let body = parts.one();
        let span = self.span(&body);
        let body = Parts::of(body).one();
        let short = body.as_rule() == Rule::short_body;
        let stmts = Parts::of(body)
            .map(|p| match p.as_rule() {
                Rule::stmt => self.stmt(p),
                _ => {
                    let value = self.expr(p);
                    Stmt { span: value.span, kind: StmtKind::Return(value) }
                }
            })
            .collect();
        Block { name, params, result, body: Body { stmts, short, span }, head }
    }

    fn param(&mut self, pair: Pair<'_, Rule>) -> Param {
        let span = self.span(&pair);
        let mut parts = Parts::of(pair);
        let name = self.ident(parts.one());
        let ty = parts.one();
        let ty_span = self.span(&ty);
        let ty = ParamType { kind: self.param_type(Parts::of(ty).one()), span: ty_span };
        let default = parts.next().map(|p| self.expr(p));
        Param { name, ty, default, span }
    }

    fn param_type(&mut self, pair: Pair<'_, Rule>) -> ParamTypeKind {
        let rule = pair.as_rule();
        let part = Parts::of(pair).one();
        match rule {
            Rule::tensor_type => ParamTypeKind::Tensor(self.exprs(part)),
            Rule::index_type => ParamTypeKind::Index(self.exprs(part)),
            Rule::list_type => ParamTypeKind::List(self.ident(part)),
            _ => ParamTypeKind::Scalar(self.ident(part)),
        }
    }

    fn result_type(&mut self, pair: Pair<'_, Rule>) -> ResultType {
        let span = self.span(&pair);
        let pair = Parts::of(pair).one();
        let kind = match pair.as_rule() {
            Rule::result_tuple => ResultTypeKind::Tuple(Parts::of(pair).map(|p| self.result_one(p)).collect()),
            Rule::result_record => ResultTypeKind::Record(
                Parts::of(pair)
                    .map(|field| {
                        let mut parts = Parts::of(field);
                        (self.ident(parts.one()), self.result_one(parts.one()))
                    })
                    .collect(),
            ),
            _ => ResultTypeKind::One(self.result_one(pair)),
        };
        ResultType { kind, span }
    }

    fn result_one(&mut self, pair: Pair<'_, Rule>) -> ParamType {
        ParamType { span: self.span(&pair), kind: self.param_type(Parts::of(pair).one()) }
    }

    // Statements

    fn stmt(&mut self, pair: Pair<'_, Rule>) -> Stmt {
        let span = self.span(&pair);
        let pair = Parts::of(pair).one();
        let rule = pair.as_rule();
        let mut parts = Parts::of(pair);
        let kind = match rule {
            Rule::r#let => {
                let target = parts.one();
                let target = match target.as_rule() {
                    Rule::tuple_target => LetTarget::Tuple(Parts::of(target).map(|p| self.node_name(p)).collect()),
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
        let mut parts = Parts::of(pair);
        let name = self.ident(parts.one());
        NodeName { name, indices: parts.next().map_or_else(Vec::new, |p| self.exprs(p)), span }
    }

    fn record(&mut self, pair: Pair<'_, Rule>) -> Expr {
        let span = self.span(&pair);
        let field = |field| {
            let mut parts = Parts::of(field);
            (self.ident(parts.one()), self.expr(parts.one()))
        };
        Expr { kind: ExprKind::Record(Parts::of(pair).map(field).collect()), span }
    }
}

/// A string literal without its quotes and escapes.
fn unescape(literal: &str) -> String {
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
