//! Items, and the signatures of blocks and models.

use super::grammar::Rule;
use super::parts::PairParts;
use super::tree::TreeBuilder;
use crate::text::source::Span;
use crate::text::syntax::ast::*;
use pest::iterators::Pair;

impl TreeBuilder {
    pub(super) fn attribute(&self, pair: Pair<'_, Rule>) -> Attribute {
        let span = self.span(&pair);
        let lints = PairParts::of(PairParts::of(pair).one()).one();
        Attribute { lints: PairParts::of(lints).map(|p| self.ident(p)).collect(), span }
    }

    pub(super) fn item(&mut self, pair: Pair<'_, Rule>) -> FileItem {
        let span = self.span(&pair);
        let pair = PairParts::of(pair).one();
        let rule = pair.as_rule();
        let start = self.span(&pair);
        let mut parts = PairParts::of(pair);
        let kind = match rule {
            Rule::import => {
                let what = parts.one();
                match what.as_rule() {
                    Rule::string => ItemKind::Import(Import::Path(self.string(what))),
                    Rule::std_model => ItemKind::Import(Import::StdModel(self.ident(PairParts::of(what).one()))),
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
        FileItem { docs: Vec::new(), attributes: Vec::new(), kind, span }
    }

    fn reference(&mut self, pair: Pair<'_, Rule>) -> (Ident, Vec<Arg>) {
        let mut parts = PairParts::of(pair);
        let name = self.ident(parts.one());
        (name, parts.next().map_or_else(Vec::new, |args| self.args(args)))
    }

    fn entry(&mut self, pair: Pair<'_, Rule>) -> Entry {
        let mut parts = PairParts::of(pair);
        Entry { key: self.ident(parts.one()), value: self.expr(parts.one()) }
    }

    fn block(&mut self, item: Span, mut parts: PairParts<'_>) -> Block {
        let signature = parts.one();
        let mut head = item;
        head.end = self.span(&signature).end;
        let mut signature = PairParts::of(signature);
        let name = self.ident(signature.one());
        let params = PairParts::of(signature.one()).map(|p| self.param(p)).collect();
        let result = parts.optional(Rule::result_type).map(|p| self.result_type(p));
        if let Some(result) = &result {
            head.end = result.span.end;
        }
        let body = parts.one();
        let span = self.span(&body);
        let body = PairParts::of(body).one();
        let short = body.as_rule() == Rule::short_body;
        let stmts = PairParts::of(body)
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
        let mut parts = PairParts::of(pair);
        let name = self.ident(parts.one());
        let ty = parts.one();
        let ty_span = self.span(&ty);
        let ty = ParamType { kind: self.param_type(PairParts::of(ty).one()), span: ty_span };
        let default = parts.next().map(|p| self.expr(p));
        Param { name, ty, default, span }
    }

    fn param_type(&mut self, pair: Pair<'_, Rule>) -> ParamTypeKind {
        let rule = pair.as_rule();
        let part = PairParts::of(pair).one();
        match rule {
            Rule::tensor_type => ParamTypeKind::Tensor(self.exprs(part)),
            Rule::index_type => ParamTypeKind::Index(self.exprs(part)),
            Rule::list_type => ParamTypeKind::List(self.ident(part)),
            _ => ParamTypeKind::Scalar(self.ident(part)),
        }
    }

    fn result_type(&mut self, pair: Pair<'_, Rule>) -> ResultType {
        let span = self.span(&pair);
        let pair = PairParts::of(pair).one();
        let kind = match pair.as_rule() {
            Rule::result_tuple => ResultTypeKind::Tuple(PairParts::of(pair).map(|p| self.result_one(p)).collect()),
            Rule::result_record => ResultTypeKind::Record(
                PairParts::of(pair)
                    .map(|field| {
                        let mut parts = PairParts::of(field);
                        (self.ident(parts.one()), self.result_one(parts.one()))
                    })
                    .collect(),
            ),
            _ => ResultTypeKind::One(self.result_one(pair)),
        };
        ResultType { kind, span }
    }

    fn result_one(&mut self, pair: Pair<'_, Rule>) -> ParamType {
        ParamType { span: self.span(&pair), kind: self.param_type(PairParts::of(pair).one()) }
    }
}
