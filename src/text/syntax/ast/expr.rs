//! Expressions.

use crate::text::source::{Span, Spanned};

/// A name with its span.
pub type Ident = Spanned<String>;

/// An expression with its span.
#[derive(Debug, Clone)]
pub struct Expr {
    /// Kind of the expression, with its parts.
    pub kind: ExprKind,
    /// Span of the expression, including parentheses around it.
    pub span: Span,
}

/// The forms of an expression.
#[derive(Debug, Clone)]
pub enum ExprKind {
    /// `42`, `1_000`: a whole number of 64 bits. A sign is a [`ExprKind::Unary`] around it.
    Int(i64),
    /// `0.1`, `1e-4`: a finite number of 64 bits.
    Float(f64),
    /// `true` or `false`.
    Bool(bool),
    /// A string without quotes, with escapes resolved; `{name}` parts stay as written.
    Str(String),
    /// A bare name: a node, a parameter, a dim, the case of an enum, or a stage without arguments.
    Name(String),
    /// `conv(16, k = 1)`: a block, an operator or a function with its arguments.
    Call(Call),
    /// `lhs |> rhs`
    Pipe {
        /// Input of the stage.
        lhs: Box<Expr>,
        /// Stage.
        rhs: Box<Expr>,
    },
    /// `base[i]`, `base[i, 0..j]`; a range among the indices is [`ExprKind::Range`].
    Index {
        /// Indexed list or family of nodes.
        base: Box<Expr>,
        /// Indices in the order written, at least one.
        indices: Vec<Expr>,
    },
    /// `base.name`: one of several named results.
    Member {
        /// Value with named results.
        base: Box<Expr>,
        /// Name of the result.
        name: Ident,
    },
    /// `[a, b, c]`: a list of values.
    List(Vec<Expr>),
    /// `[item for var in iter]`
    Comprehension {
        /// Expression that is evaluated for each element.
        item: Box<Expr>,
        /// Name that the element has in `item`.
        var: Ident,
        /// Range or list that the elements come from.
        iter: Box<Expr>,
    },
    /// `(a, b)`: two or more values by position. One value in parentheses is not a tuple.
    Tuple(Vec<Expr>),
    /// `{ main = a, aux = b }`, only after `return`.
    Record(Vec<(Ident, Expr)>),
    /// `-x` or `not x`.
    Unary {
        /// The operator and its place.
        op: Spanned<UnaryOp>,
        /// Operand.
        value: Box<Expr>,
    },
    /// `a + b`, `a == b`, `a and b`: an operator between two operands.
    Binary {
        /// The operator and its place.
        op: Spanned<BinaryOp>,
        /// Left operand.
        lhs: Box<Expr>,
        /// Right operand.
        rhs: Box<Expr>,
    },
    /// `lo..hi`, a range that excludes `hi`.
    Range {
        /// First number of the range.
        lo: Box<Expr>,
        /// End of the range, exclusive.
        hi: Box<Expr>,
    },
    /// `match value { pattern => value, ... }`: the value of the first arm that matches.
    Match {
        /// Value that the patterns are compared with.
        value: Box<Expr>,
        /// The arms, in the order written.
        arms: Vec<Arm>,
    },
    /// `if cond { then } else { otherwise }`; an `else if` is an `If` in `otherwise`.
    If {
        /// Condition, which must be a boolean.
        cond: Box<Expr>,
        /// Value if the condition holds.
        then: Box<Expr>,
        /// Value if it does not hold.
        otherwise: Box<Expr>,
    },
    /// `?`, `? in 16..256` or `? in [16, 32]`: a value that is to be found.
    Hole {
        /// Range or list of the values that may fill the hole; `None` for a bare `?`.
        within: Option<Box<Expr>>,
    },
}

/// `name(args)`. A bare name used as a stage is [`ExprKind::Name`].
#[derive(Debug, Clone)]
pub struct Call {
    /// Name of the callee.
    pub name: Ident,
    /// Arguments in the parentheses, in the order written.
    pub args: Vec<Arg>,
}

/// One argument of a call, a variant or a model reference.
#[derive(Debug, Clone)]
pub struct Arg {
    /// Name before `=`; `None` for a positional argument.
    pub name: Option<Ident>,
    /// Value of the argument.
    pub value: Expr,
}

/// One arm of a `match`: `none | se => value`.
#[derive(Debug, Clone)]
pub struct Arm {
    /// Pattern of the arm.
    pub pattern: Pattern,
    /// Value of the `match` if the arm is taken.
    pub value: Expr,
}

/// The pattern of an arm of a `match`.
#[derive(Debug, Clone)]
pub enum Pattern {
    /// One or more of `none`, `3`, `true`, separated by `|`.
    Cases(Vec<Expr>),
    /// `_`, which matches everything.
    Any(Span),
}

/// A prefix operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnaryOp {
    /// `-`: the negative of a number. It binds tighter than every binary operator.
    Neg,
    /// `not`: the negation of a boolean. Its operand can be a whole comparison.
    Not,
}

/// A binary operator. From loosest to tightest: `or`, `and`, comparisons, `++`, `+ -`, `* / %`. `|>` binds looser than all of
/// them; `..` binds between comparisons and `++`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BinaryOp {
    /// `or`: at least one boolean is true.
    Or,
    /// `and`: both booleans are true.
    And,
    /// `==`: the values are equal.
    Eq,
    /// `!=`: the values differ.
    Ne,
    /// `<`: the left number is below the right one.
    Lt,
    /// `<=`: the left number is at most the right one.
    Le,
    /// `>`: the left number is above the right one.
    Gt,
    /// `>=`: the left number is at least the right one.
    Ge,
    /// `++`: two lists one after the other, or maps joined along their channels.
    Concat,
    /// `+`: the sum of numbers or of tensors.
    Add,
    /// `-`: the difference of numbers or of tensors.
    Sub,
    /// `*`: the product of numbers or of tensors.
    Mul,
    /// `/`: the quotient of numbers or of tensors.
    Div,
    /// `%`: the remainder of a division of integers.
    Rem,
}

impl BinaryOp {
    /// Returns the spelling of the operator in model files.
    pub fn symbol(self) -> &'static str {
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
