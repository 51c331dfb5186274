//! Expressions: precedences, chains and literals.

use super::grammar::Rule;
use super::parts::PairParts;
use super::tree::{TreeBuilder, unescape};
use crate::base::problem::problem;
use crate::text::source::{Span, Spanned};
use crate::text::syntax::ast::*;
use pest::iterators::Pair;

/// Maximum number of operators above an operand, over all levels of nesting. It bounds the recursion depth of all later
/// passes over the tree.
const MAX_CHAIN: usize = 256;

impl TreeBuilder {
    pub(super) fn exprs(&mut self, pair: Pair<'_, Rule>) -> Vec<Expr> {
        PairParts::of(pair).map(|p| self.expr(p)).collect()
    }

    pub(super) fn args(&mut self, pair: Pair<'_, Rule>) -> Vec<Arg> {
        let arg = |arg| {
            let mut parts = PairParts::of(arg);
            let name = parts.optional(Rule::arg_name).map(|p| self.ident(PairParts::of(p).one()));
            Arg { name, value: self.expr(parts.one()) }
        };
        PairParts::of(pair).map(arg).collect()
    }

    /// Runs `build` under `operators` more operators, or reports that the limit is exceeded and returns a placeholder `0`.
    fn under_operators(&mut self, operators: usize, span: Span, build: impl FnOnce(&mut Self) -> Expr) -> Expr {
        if self.chain + operators > MAX_CHAIN {
            self.problems.push(problem!(E0104, span, "more than {MAX_CHAIN} operators in one expression";
                help: "give inner parts a name with `let`"));
            return Expr { kind: ExprKind::Int(0), span };
        }
        self.chain += operators;
        let expr = build(self);
        self.chain -= operators;
        expr
    }

    /// Builds an `expr` or a `hole`.
    pub(super) fn expr(&mut self, pair: Pair<'_, Rule>) -> Expr {
        let span = self.span(&pair);
        if pair.as_rule() == Rule::hole {
            let within = PairParts::of(pair).next().map(|p| Box::new(self.expr(p)));
            return Expr { kind: ExprKind::Hole { within }, span };
        }
        let mut parts: Vec<_> = PairParts::of(pair).collect();
        let operators = parts.iter().map(|p| nesting_levels(p)).sum();
        self.under_operators(operators, span, |tree| {
            let pipes = parts.iter().position(|p| p.as_rule() == Rule::stage).unwrap_or(parts.len());
            let stages = parts.split_off(pipes);
            let mut lhs = tree.operand_chain(&mut parts.into_iter().peekable(), 0);
            for stage in stages {
                let rhs = PairParts::of(stage).one();
                let rhs = tree.primary(rhs);
                let span = lhs.span.to(rhs.span);
                lhs = Expr { kind: ExprKind::Pipe { lhs: Box::new(lhs), rhs: Box::new(rhs) }, span };
            }
            lhs
        })
    }

    /// Builds an operand with the operators after it, up to an operator that binds more loosely than `floor`.
    fn operand_chain(&mut self, rest: &mut OperandRow<'_>, floor: u8) -> Expr {
        let operand = rest.next().expect("an operator has an operand on both sides");
        let lhs = self.operand(operand, rest);
        self.climb(lhs, rest, floor)
    }

    /// Precedence climbing: extends `lhs` by the operators that bind at least as tightly as `floor`.
    fn climb(&mut self, mut lhs: Expr, rest: &mut OperandRow<'_>, floor: u8) -> Expr {
        while let Some((op, binding)) = rest.peek().map(|p| operator(p.as_str())).filter(|&(_, b)| b >= floor) {
            let place = rest.next().map_or(lhs.span, |p| self.span(&p));
            let rhs = self.operand_chain(rest, binding + 1);
            let span = lhs.span.to(rhs.span);
            if op.is_none() && matches!(lhs.kind, ExprKind::Range { .. }) {
                self.problems.push(problem!(E0101, place, "a range has two ends, not three";
                    label: "second `..` here"));
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

    /// Builds an operand with its prefixes. `-` applies to the operand alone, `not` to a whole comparison from `rest`.
    fn operand(&mut self, pair: Pair<'_, Rule>, rest: &mut OperandRow<'_>) -> Expr {
        let mut parts: Vec<_> = PairParts::of(pair).collect();
        let mut value = self.postfix(parts.pop().expect("an operand ends in a postfix expression"));
        for prefix in parts.into_iter().rev() {
            let place = self.span(&prefix);
            let op = if prefix.as_str() == "-" { UnaryOp::Neg } else { UnaryOp::Not };
            if op == UnaryOp::Not {
                value = self.climb(value, rest, COMPARISON);
            }
            let span = place.to(value.span);
            value = Expr { kind: ExprKind::Unary { op: Spanned::new(op, place), value: Box::new(value) }, span };
        }
        value
    }

    fn postfix(&mut self, pair: Pair<'_, Rule>) -> Expr {
        let mut parts = PairParts::of(pair);
        let mut base = self.primary(parts.one());
        for part in parts {
            let span = base.span.to(self.span(&part));
            let base_box = Box::new(base);
            let kind = match part.as_rule() {
                Rule::member => ExprKind::Member { base: base_box, name: self.ident(PairParts::of(part).one()) },
                _ => ExprKind::Index { base: base_box, indices: self.exprs(part) },
            };
            base = Expr { kind, span };
        }
        base
    }

    pub(super) fn primary(&mut self, pair: Pair<'_, Rule>) -> Expr {
        let span = self.span(&pair);
        let text = pair.as_str();
        let kind = match pair.as_rule() {
            Rule::name => ExprKind::Name(text.to_owned()),
            Rule::int => ExprKind::Int(self.int(text, span)),
            Rule::float => ExprKind::Float(self.float(text, span)),
            Rule::bool => ExprKind::Bool(text == "true"),
            Rule::string => ExprKind::Str(unescape(text)),
            Rule::call => {
                let mut parts = PairParts::of(pair);
                let name = self.ident(parts.one());
                ExprKind::Call(Call { name, args: self.args(parts.one()) })
            }
            Rule::paren => {
                let mut items = self.exprs(pair);
                match items.len() {
                    // The span includes the parentheses, so that a label covers them.
                    1 => return Expr { span, ..items.remove(0) },
                    _ => ExprKind::Tuple(items),
                }
            }
            Rule::list => self.list(pair),
            Rule::r#if => self.conditional(pair),
            Rule::r#match => {
                let mut parts = PairParts::of(pair);
                let value = Box::new(self.expr(parts.one()));
                ExprKind::Match { value, arms: parts.map(|p| self.arm(p)).collect() }
            }
            rule => unreachable!("not a primary expression: {rule:?}"),
        };
        Expr { kind, span }
    }

    fn list(&mut self, pair: Pair<'_, Rule>) -> ExprKind {
        let mut parts = PairParts::of(pair);
        let mut items = Vec::new();
        while let Some(item) = parts.optional(Rule::expr) {
            items.push(self.expr(item));
        }
        match (parts.next(), items.len()) {
            (Some(tail), 1) => {
                let mut tail = PairParts::of(tail);
                let var = self.ident(tail.one());
                let iter = Box::new(self.expr(tail.one()));
                ExprKind::Comprehension { item: Box::new(items.remove(0)), var, iter }
            }
            _ => ExprKind::List(items),
        }
    }

    /// Builds `if`, any number of `else if`, and `else`, nested from the last to the first.
    fn conditional(&mut self, pair: Pair<'_, Rule>) -> ExprKind {
        let mut parts = PairParts::of(pair);
        let mut branches = vec![(parts.one(), parts.one(), None)];
        while let Some(branch) = parts.optional(Rule::else_if) {
            let mut inner = PairParts::of(branch.clone());
            branches.push((inner.one(), inner.one(), Some(branch)));
        }
        let mut otherwise = self.expr(parts.one());
        let end = otherwise.span.end + 1;
        while let Some((cond, then, branch)) = branches.pop() {
            let (cond, then) = (Box::new(self.expr(cond)), Box::new(self.expr(then)));
            let kind = ExprKind::If { cond, then, otherwise: Box::new(otherwise) };
            let Some(branch) = branch else { return kind };
            let mut span = self.span(&branch);
            // The span of an `else if` starts at its `if` and extends to the end of the chain.
            span.start += branch.as_str().find("if").unwrap_or(0) as u32;
            span.end = end.max(span.end);
            otherwise = Expr { kind, span };
        }
        otherwise.kind
    }

    fn arm(&mut self, pair: Pair<'_, Rule>) -> Arm {
        let mut parts = PairParts::of(pair);
        let mut cases = PairParts::of(parts.one());
        let pattern = match cases.optional(Rule::any) {
            Some(any) => Pattern::Any(self.span(&any)),
            None => Pattern::Cases(cases.map(|p| self.case(p)).collect()),
        };
        Arm { pattern, value: self.expr(parts.one()) }
    }

    fn case(&mut self, pair: Pair<'_, Rule>) -> Expr {
        let span = self.span(&pair);
        let mut parts = PairParts::of(pair);
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

    fn int(&mut self, text: &str, span: Span) -> i64 {
        text.replace('_', "").parse().unwrap_or_else(|_| {
            self.problems.push(problem!(E0105, span, "{text} does not fit in 64 bits";
                help: "the largest integer is {}", i64::MAX));
            i64::MAX
        })
    }

    fn float(&mut self, text: &str, span: Span) -> f64 {
        match text.replace('_', "").parse::<f64>() {
            Ok(value) if value.is_finite() => value,
            _ => {
                self.problems.push(problem!(E0105, span, "{text} is too large for a 64 bit float"));
                f64::MAX
            }
        }
    }
}

/// Returns how many levels a part of an expression adds to the tree outside brackets.
fn nesting_levels(part: &Pair<'_, Rule>) -> usize {
    let mut rules = part.clone().into_inner();
    match part.as_rule() {
        Rule::operand => rules.map(|p| if p.as_rule() == Rule::prefix_op { 1 } else { nesting_levels(&p) }).sum(),
        Rule::postfix => {
            let chain = rules.next().map_or(0, |p| nesting_levels(&p));
            chain + rules.count()
        }
        Rule::r#if => rules.filter(|p| p.as_rule() == Rule::else_if).count(),
        Rule::stage => 1 + rules.next().map_or(0, |p| nesting_levels(&p)),
        Rule::binary_op => 1,
        _ => 0,
    }
}

/// The operands and operators of an expression that are still to be built.
type OperandRow<'i> = std::iter::Peekable<std::vec::IntoIter<Pair<'i, Rule>>>;

const COMPARISON: u8 = 2;

/// Returns the operator (`None` for `..`) and its precedence.
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
