//! Grammar to tree: runs the parser made from `grammar/npc.pest` and turns its pairs into [`ast`](super::ast) nodes.
//!
//! The only module that names pest. Must be given text whose nesting was found harmless by
//! [`scan::too_deep`](super::scan::too_deep). Shapes of pairs follow from the grammar, which is what every `expect` here
//! relies on.

use pest::Parser;
use pest::error::{ErrorVariant, InputLocation};
use pest::iterators::Pair;
use std::ops::Range;

use super::ast::*;
use crate::diag::{Code, Diagnostic, Problems};
use crate::source::{SourceId, Span, Spanned};

/// Operators that one operand may lie under, over all levels of nesting: keeps every later recursion over a tree flat.
pub(super) const MAX_CHAIN: usize = 256;

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

/// Reads all of `range` as one expression.
pub(super) fn expr(source: SourceId, text: &str, range: Range<usize>) -> Result<(Expr, Problems), Failure> {
    let pair = run(Rule::lone_expr, text, range.clone())?;
    let mut tree = Tree::new(source, range.start);
    let expr = tree.expr(pair);
    Ok((expr, tree.problems))
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

fn run(rule: Rule, text: &str, range: Range<usize>) -> Result<Pair<'_, Rule>, Failure> {
    // Process-wide, but only ever switched on, and only from here.
    pest::set_error_detail(true);
    let base = range.start;
    match Grammar::parse(rule, &text[range]) {
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
        Rule::kw_let | Rule::kw_for | Rule::kw_in | Rule::kw_require | Rule::kw_return | Rule::kw_match | Rule::kw_if
            | Rule::kw_else | Rule::kw_import | Rule::kw_enum | Rule::kw_block | Rule::kw_model | Rule::kw_variant
            | Rule::kw_sweep | Rule::kw_data | Rule::kw_train | Rule::kw_expect | Rule::kw_on | Rule::pipe_op
            | Rule::alternative_op | Rule::EOI
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
                let mut reference = Parts::of(parts.one());
                let base = self.ident(reference.one());
                let args = Parts::of(reference.one()).map(|p| self.sweep_arg(p)).collect();
                ItemKind::Sweep(Sweep { name, base, args })
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
            rule => unreachable!("not an item: {rule:?}"),
        };
        Item { docs: Vec::new(), kind, span }
    }

    fn reference(&mut self, pair: Pair<'_, Rule>) -> (Ident, Vec<Arg>) {
        let mut parts = Parts::of(pair);
        let name = self.ident(parts.one());
        (name, parts.next().map_or_else(Vec::new, |args| self.args(args)))
    }

    fn sweep_arg(&mut self, pair: Pair<'_, Rule>) -> (Ident, Vec<Expr>) {
        let mut parts = Parts::of(pair);
        (self.ident(parts.one()), parts.map(|p| self.expr(p)).collect())
    }

    fn entry(&mut self, pair: Pair<'_, Rule>) -> Entry {
        let mut parts = Parts::of(pair);
        Entry { key: self.ident(parts.one()), value: self.expr(parts.one()) }
    }

    fn claim(&mut self, pair: Pair<'_, Rule>) -> Claim {
        let span = self.span(&pair);
        let mut parts = Parts::of(pair);
        let quantity = self.primary(Parts::of(parts.one()).one());
        let relation = parts.one();
        let relation = Spanned::new(relation_of(relation.as_str()), self.span(&relation));
        let value = parts.one();
        let value = match value.as_rule() {
            Rule::claim_number => {
                let span = self.span(&value);
                let mut parts = Parts::of(value);
                let digits = parts.one().as_str().to_owned();
                let suffix = parts.next().and_then(|p| p.as_str().chars().next());
                ClaimValue::Number { digits, suffix, span }
            }
            _ => ClaimValue::Expr(self.expr(value)),
        };
        Claim { quantity, relation, value, span }
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
            Rule::require => StmtKind::Require {
                cond: self.expr(parts.one()),
                message: parts.next().map(|p| self.string(p)),
            },
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

    // Expressions

    fn exprs(&mut self, pair: Pair<'_, Rule>) -> Vec<Expr> {
        Parts::of(pair).map(|p| self.expr(p)).collect()
    }

    fn args(&mut self, pair: Pair<'_, Rule>) -> Vec<Arg> {
        let arg = |arg| {
            let mut parts = Parts::of(arg);
            let name = parts.optional(Rule::arg_name).map(|p| self.ident(Parts::of(p).one()));
            Arg { name, value: self.expr(parts.one()) }
        };
        Parts::of(pair).map(arg).collect()
    }

    /// Runs `build` below `operators` more operators, or reports that they are too many and stands in a zero.
    fn below(&mut self, operators: usize, span: Span, build: impl FnOnce(&mut Self) -> Expr) -> Expr {
        if self.chain + operators > MAX_CHAIN {
            let message = format!("more than {MAX_CHAIN} operators in one expression");
            let problem = Diagnostic::new(Code::E0104, span, message).help("give inner parts a name with `let`");
            self.problems.push(problem);
            return Expr { kind: ExprKind::Int(0), span };
        }
        self.chain += operators;
        let expr = build(self);
        self.chain -= operators;
        expr
    }

    /// `expr` or `hole`.
    fn expr(&mut self, pair: Pair<'_, Rule>) -> Expr {
        let span = self.span(&pair);
        if pair.as_rule() == Rule::hole {
            let within = Parts::of(pair).next().map(|p| Box::new(self.expr(p)));
            return Expr { kind: ExprKind::Hole { within }, span };
        }
        let mut parts: Vec<_> = Parts::of(pair).collect();
        let operators = parts.iter().map(|p| links(p)).sum();
        self.below(operators, span, |tree| {
            let pipes = parts.iter().position(|p| p.as_rule() == Rule::stage).unwrap_or(parts.len());
            let stages = parts.split_off(pipes);
            let mut lhs = tree.infix(&mut parts.into_iter().peekable(), 0);
            for stage in stages {
                let rhs = Parts::of(stage).one();
                let rhs = tree.primary(rhs);
                let span = lhs.span.to(rhs.span);
                lhs = Expr { kind: ExprKind::Pipe { lhs: Box::new(lhs), rhs: Box::new(rhs) }, span };
            }
            lhs
        })
    }

    /// An operand and what follows it, up to an operator that binds more loosely than `floor`.
    fn infix(&mut self, row: &mut Row<'_>, floor: u8) -> Expr {
        let operand = row.next().expect("an operator has an operand on both sides");
        let lhs = self.operand(operand, row);
        self.climb(lhs, row, floor)
    }

    /// Precedence climbing: goes on with `lhs` through the operators that bind at least as tightly as `floor`.
    fn climb(&mut self, mut lhs: Expr, row: &mut Row<'_>, floor: u8) -> Expr {
        while let Some((op, binding)) = row.peek().map(|p| operator(p.as_str())).filter(|&(_, b)| b >= floor) {
            let place = row.next().map_or(lhs.span, |p| self.span(&p));
            let rhs = self.infix(row, binding + 1);
            let span = lhs.span.to(rhs.span);
            if op.is_none() && matches!(lhs.kind, ExprKind::Range { .. }) {
                let problem = Diagnostic::new(Code::E0101, place, "a range has two ends, not three");
                self.problems.push(problem.label("second `..` here"));
            }
            let (lhs_box, rhs) = (Box::new(lhs), Box::new(rhs));
            let kind = match op {
                Some(op) => ExprKind::Binary { op: Spanned::new(op, place), lhs: lhs_box, rhs },
                None => ExprKind::Range { lo: lhs_box, hi: rhs },
            };
            lhs = Expr { kind, span };
        }
        lhs
    }

    /// An operand and its prefixes. `-` takes just what it stands before, `not` a whole comparison out of `row`.
    fn operand(&mut self, pair: Pair<'_, Rule>, row: &mut Row<'_>) -> Expr {
        let mut parts: Vec<_> = Parts::of(pair).collect();
        let mut value = self.postfix(parts.pop().expect("an operand ends in a postfix expression"));
        for prefix in parts.into_iter().rev() {
            let place = self.span(&prefix);
            let op = if prefix.as_str() == "-" { UnaryOp::Neg } else { UnaryOp::Not };
            if op == UnaryOp::Not {
                value = self.climb(value, row, COMPARISON);
            }
            let span = place.to(value.span);
            value = Expr { kind: ExprKind::Unary { op: Spanned::new(op, place), value: Box::new(value) }, span };
        }
        value
    }

    fn postfix(&mut self, pair: Pair<'_, Rule>) -> Expr {
        let mut parts = Parts::of(pair);
        let mut base = self.primary(parts.one());
        for indices in parts {
            let span = base.span.to(self.span(&indices));
            let indices = self.exprs(indices);
            base = Expr { kind: ExprKind::Index { base: Box::new(base), indices }, span };
        }
        base
    }

    fn primary(&mut self, pair: Pair<'_, Rule>) -> Expr {
        let span = self.span(&pair);
        let text = pair.as_str();
        let kind = match pair.as_rule() {
            Rule::name => ExprKind::Name(text.to_owned()),
            Rule::int => ExprKind::Int(self.int(text, span)),
            Rule::float => ExprKind::Float(self.float(text, span)),
            Rule::bool => ExprKind::Bool(text == "true"),
            Rule::string => ExprKind::Str(unescape(text)),
            Rule::call => {
                let mut parts = Parts::of(pair);
                let name = self.ident(parts.one());
                ExprKind::Call(Call { name, args: self.args(parts.one()) })
            }
            Rule::paren => {
                let mut items = self.exprs(pair);
                match items.len() {
                    // The span grows to the parentheses, so that a label covers what was written.
                    1 => return Expr { span, ..items.remove(0) },
                    _ => ExprKind::Tuple(items),
                }
            }
            Rule::list => self.list(pair),
            Rule::r#if => self.conditional(pair),
            Rule::r#match => {
                let mut parts = Parts::of(pair);
                let value = Box::new(self.expr(parts.one()));
                ExprKind::Match { value, arms: parts.map(|p| self.arm(p)).collect() }
            }
            rule => unreachable!("not a primary expression: {rule:?}"),
        };
        Expr { kind, span }
    }

    fn list(&mut self, pair: Pair<'_, Rule>) -> ExprKind {
        let mut parts = Parts::of(pair);
        let mut items = Vec::new();
        while let Some(item) = parts.optional(Rule::expr) {
            items.push(self.expr(item));
        }
        match (parts.next(), items.len()) {
            (Some(tail), 1) => {
                let mut tail = Parts::of(tail);
                let var = self.ident(tail.one());
                let iter = Box::new(self.expr(tail.one()));
                ExprKind::Comprehension { item: Box::new(items.remove(0)), var, iter }
            }
            _ => ExprKind::List(items),
        }
    }

    /// `if`, any number of `else if`, `else`: nested from the last to the first.
    fn conditional(&mut self, pair: Pair<'_, Rule>) -> ExprKind {
        let mut parts = Parts::of(pair);
        let mut branches = vec![(parts.one(), parts.one(), None)];
        while let Some(branch) = parts.optional(Rule::else_if) {
            let mut inner = Parts::of(branch.clone());
            branches.push((inner.one(), inner.one(), Some(branch)));
        }
        let mut otherwise = self.expr(parts.one());
        let end = otherwise.span.end + 1;
        while let Some((cond, then, branch)) = branches.pop() {
            let (cond, then) = (Box::new(self.expr(cond)), Box::new(self.expr(then)));
            let kind = ExprKind::If { cond, then, otherwise: Box::new(otherwise) };
            let Some(branch) = branch else { return kind };
            let mut span = self.span(&branch);
            // An `else if` starts at its `if` and reaches to the end of the chain.
            span.start += branch.as_str().find("if").unwrap_or(0) as u32;
            span.end = end.max(span.end);
            otherwise = Expr { kind, span };
        }
        otherwise.kind
    }

    fn arm(&mut self, pair: Pair<'_, Rule>) -> Arm {
        let mut parts = Parts::of(pair);
        let mut cases = Parts::of(parts.one());
        let pattern = match cases.optional(Rule::any) {
            Some(any) => Pattern::Any(self.span(&any)),
            None => Pattern::Cases(cases.map(|p| self.case(p)).collect()),
        };
        Arm { pattern, value: self.expr(parts.one()) }
    }

    fn case(&mut self, pair: Pair<'_, Rule>) -> Expr {
        let span = self.span(&pair);
        let mut parts = Parts::of(pair);
        let negative = parts.optional(Rule::negative).map(|p| self.span(&p));
        let value = self.primary(parts.one());
        match negative {
            Some(place) => {
                let op = Spanned::new(UnaryOp::Neg, place);
                Expr { kind: ExprKind::Unary { op, value: Box::new(value) }, span }
            }
            None => value,
        }
    }

    // Literals

    fn int(&mut self, text: &str, span: Span) -> i64 {
        text.replace('_', "").parse().unwrap_or_else(|_| {
            let message = format!("{text} does not fit in 64 bits");
            let help = format!("the largest integer is {}", i64::MAX);
            self.problems.push(Diagnostic::new(Code::E0105, span, message).help(help));
            i64::MAX
        })
    }

    fn float(&mut self, text: &str, span: Span) -> f64 {
        match text.replace('_', "").parse::<f64>() {
            Ok(value) if value.is_finite() => value,
            _ => {
                let message = format!("{text} is too large for a 64 bit float");
                self.problems.push(Diagnostic::new(Code::E0105, span, message));
                f64::MAX
            }
        }
    }
}

/// How many levels of tree a part of an expression adds without any bracket around them.
fn links(part: &Pair<'_, Rule>) -> usize {
    let mut rules = part.clone().into_inner();
    match part.as_rule() {
        Rule::operand => rules.map(|p| if p.as_rule() == Rule::prefix_op { 1 } else { links(&p) }).sum(),
        Rule::postfix => {
            let chain = rules.next().map_or(0, |p| links(&p));
            chain + rules.count()
        }
        Rule::r#if => rules.filter(|p| p.as_rule() == Rule::else_if).count(),
        Rule::stage => 1 + rules.next().map_or(0, |p| links(&p)),
        Rule::binary_op => 1,
        _ => 0,
    }
}

type Row<'i> = std::iter::Peekable<std::vec::IntoIter<Pair<'i, Rule>>>;

const COMPARISON: u8 = 2;

/// The operator (`None` for `..`) and how tightly it binds.
fn operator(text: &str) -> (Option<BinaryOp>, u8) {
    use BinaryOp::*;
    let (op, binding) = match text {
        "or" => (Or, 0),
        "and" => (And, 1),
        "==" => (Eq, COMPARISON),
        "!=" => (Ne, COMPARISON),
        "<" => (Lt, COMPARISON),
        "<=" => (Le, COMPARISON),
        ">" => (Gt, COMPARISON),
        ">=" => (Ge, COMPARISON),
        ".." => return (None, 3),
        "++" => (Concat, 4),
        "+" => (Add, 5),
        "-" => (Sub, 5),
        "*" => (Mul, 6),
        "/" => (Div, 6),
        "%" => (Rem, 6),
        other => unreachable!("not an operator: {other}"),
    };
    (Some(op), binding)
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
