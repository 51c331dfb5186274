//! Expressions.

use crate::text::source::{Span, Spanned};

/// A name with its place.
pub type Ident = Spanned<String>;

#[derive(Debug, Clone)]
pub struct Expr {
    pub kind: ExprKind,
    pub span: Span,
}

#[derive(Debug, Clone)]
pub enum ExprKind {
    Int(i64),
    Float(f64),
    Bool(bool),
    /// Without quotes, escapes resolved; `{name}` parts stay as written.
    Str(String),
    Name(String),
    Call(Call),
    /// `lhs |> rhs`
    Pipe {
        lhs: Box<Expr>,
        rhs: Box<Expr>,
    },
    /// `base[i]`, `base[i, 0..j]`; a range among the indices is [`ExprKind::Range`].
    Index {
        base: Box<Expr>,
        indices: Vec<Expr>,
    },
    /// `base.name`: one of several named results.
    Member {
        base: Box<Expr>,
        name: Ident,
    },
    List(Vec<Expr>),
    /// `[item for var in iter]`
    Comprehension {
        item: Box<Expr>,
        var: Ident,
        iter: Box<Expr>,
    },
    Tuple(Vec<Expr>),
    /// `{ main = a, aux = b }`, only after `return`.
    Record(Vec<(Ident, Expr)>),
    Unary {
        op: Spanned<UnaryOp>,
        value: Box<Expr>,
    },
    Binary {
        op: Spanned<BinaryOp>,
        lhs: Box<Expr>,
        rhs: Box<Expr>,
    },
    /// `lo..hi`, without `hi`.
    Range {
        lo: Box<Expr>,
        hi: Box<Expr>,
    },
    Match {
        value: Box<Expr>,
        arms: Vec<Arm>,
    },
    If {
        cond: Box<Expr>,
        then: Box<Expr>,
        otherwise: Box<Expr>,
    },
    /// `?` or `? in 16..256` or `? in [16, 32]`
    Hole {
        within: Option<Box<Expr>>,
    },
}

/// `name(args)`. A bare name used as a stage is [`ExprKind::Name`].
#[derive(Debug, Clone)]
pub struct Call {
    pub name: Ident,
    pub args: Vec<Arg>,
}

#[derive(Debug, Clone)]
pub struct Arg {
    pub name: Option<Ident>,
    pub value: Expr,
}

#[derive(Debug, Clone)]
pub struct Arm {
    pub pattern: Pattern,
    pub value: Expr,
}

#[derive(Debug, Clone)]
pub enum Pattern {
    /// One or more of `none`, `3`, `true`, separated by `|`.
    Cases(Vec<Expr>),
    /// `_`
    Any(Span),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnaryOp {
    Neg,
    Not,
}

/// From loosest to tightest: `or`, `and`, comparisons, `++`, `+ -`, `* / %`.
/// `|>` binds looser than all of them, and `..` binds between comparisons and `++`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BinaryOp {
    Or,
    And,
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
    Concat,
    Add,
    Sub,
    Mul,
    Div,
    Rem,
}

impl BinaryOp {
    pub fn text(self) -> &'static str {
        match self {
            BinaryOp::Or => "or",
            BinaryOp::And => "and",
            BinaryOp::Eq => "==",
            BinaryOp::Ne => "!=",
            BinaryOp::Lt => "<",
            BinaryOp::Le => "<=",
            BinaryOp::Gt => ">",
            BinaryOp::Ge => ">=",
            BinaryOp::Concat => "++",
            BinaryOp::Add => "+",
            BinaryOp::Sub => "-",
            BinaryOp::Mul => "*",
            BinaryOp::Div => "/",
            BinaryOp::Rem => "%",
        }
    }
}
