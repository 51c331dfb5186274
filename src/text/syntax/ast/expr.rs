//! Expressions.

use crate::text::source::{Span, Spanned};

/// A name with its place.
pub type Ident = Spanned<String>;

/// An expression and its place.
#[derive(Debug, Clone)]
pub struct Expr {
    /// What the expression is, with its parts.
    pub kind: ExprKind,
    /// Place in the text; an expression in parentheses includes them.
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
    /// Without quotes, escapes resolved; `{name}` parts stay as written.
    Str(String),
    /// A bare name: a node, a parameter, a dim, the case of an enum, or a stage without arguments.
    Name(String),
    /// `conv(16, k = 1)`: a block, an operator or a function with its arguments.
    Call(Call),
    /// `lhs |> rhs`
    Pipe {
        /// Value that flows into the stage.
        lhs: Box<Expr>,
        /// Stage that takes it.
        rhs: Box<Expr>,
    },
    /// `base[i]`, `base[i, 0..j]`; a range among the indices is [`ExprKind::Range`].
    Index {
        /// Family of nodes or list that is indexed.
        base: Box<Expr>,
        /// Indices in the order written, one at least.
        indices: Vec<Expr>,
    },
    /// `base.name`: one of several named results.
    Member {
        /// Value that has the results.
        base: Box<Expr>,
        /// Name of the result that is read.
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
    /// `(a, b)`: two or more values by position. One value in parentheses is no tuple.
    Tuple(Vec<Expr>),
    /// `{ main = a, aux = b }`, only after `return`.
    Record(Vec<(Ident, Expr)>),
    /// `-x` or `not x`.
    Unary {
        /// The operator and its place.
        op: Spanned<UnaryOp>,
        /// Operand behind it.
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
    /// `lo..hi`, without `hi`.
    Range {
        /// First number of the range.
        lo: Box<Expr>,
        /// Number that the range ends before.
        hi: Box<Expr>,
    },
    /// `match value { pattern => value, ... }`: the value of the first arm that fits.
    Match {
        /// Value that the patterns are compared with.
        value: Box<Expr>,
        /// The arms, in the order written.
        arms: Vec<Arm>,
    },
    /// `if cond { then } else { otherwise }`; an `else if` is an `If` in `otherwise`.
    If {
        /// Condition, which must be a truth value.
        cond: Box<Expr>,
        /// Value where the condition holds.
        then: Box<Expr>,
        /// Value where it does not hold.
        otherwise: Box<Expr>,
    },
    /// `?` or `? in 16..256` or `? in [16, 32]`
    Hole {
        /// Range or list of the values that may fill the hole; `None` for a bare `?`.
        within: Option<Box<Expr>>,
    },
}

/// `name(args)`. A bare name used as a stage is [`ExprKind::Name`].
#[derive(Debug, Clone)]
pub struct Call {
    /// Name of what is called, with its place.
    pub name: Ident,
    /// Arguments in the parentheses, in the order written.
    pub args: Vec<Arg>,
}

/// One argument of a call, a variant or a model reference.
#[derive(Debug, Clone)]
pub struct Arg {
    /// Name before `=`; `None` for an argument that goes by position.
    pub name: Option<Ident>,
    /// Value of the argument.
    pub value: Expr,
}

/// One arm of a `match`: `none | se => value`.
#[derive(Debug, Clone)]
pub struct Arm {
    /// What the arm fits.
    pub pattern: Pattern,
    /// Value of the `match` where the arm is taken.
    pub value: Expr,
}

/// What an arm of a `match` fits.
#[derive(Debug, Clone)]
pub enum Pattern {
    /// One or more of `none`, `3`, `true`, separated by `|`.
    Cases(Vec<Expr>),
    /// `_`
    Any(Span),
}

/// An operator in front of its operand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnaryOp {
    /// `-`: the negative of a number. It binds tighter than every operator between operands.
    Neg,
    /// `not`: the opposite of a truth value. It takes a whole comparison behind it.
    Not,
}

/// From loosest to tightest: `or`, `and`, comparisons, `++`, `+ -`, `* / %`.
/// `|>` binds looser than all of them, and `..` binds between comparisons and `++`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BinaryOp {
    /// `or`: either truth value holds.
    Or,
    /// `and`: both truth values hold.
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
    /// Gives the spelling of the operator in a model file.
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
