//! The syntax tree of a model file, as written: nothing resolved, nothing evaluated.
//!
//! Node names equal the rule names of `grammar/npc.pest` in CamelCase. Every node that a message may point at carries
//! its [`Span`]. Comments are not in the tree: the formatter takes them from the source by position.

use crate::text::source::{Span, Spanned};

pub type Ident = Spanned<String>;

#[derive(Debug, Clone, Default)]
pub struct File {
    /// The number of the line `npc 1`, if there is one.
    pub edition: Option<Spanned<u32>>,
    pub items: Vec<Item>,
    /// Names of items left out because of syntax errors, so that their uses are not reported as well.
    pub broken: Vec<Ident>,
}

#[derive(Debug, Clone)]
pub struct Item {
    /// The text of `///` lines directly above, without the slashes and one leading blank.
    pub docs: Vec<String>,
    /// `@allow(...)` lines between the docs and the keyword.
    pub attributes: Vec<Attribute>,
    pub kind: ItemKind,
    /// From the keyword to the end of the item.
    pub span: Span,
}

/// `@allow(gridding, dead_bias)`: warnings that the item below it silences.
#[derive(Debug, Clone)]
pub struct Attribute {
    pub lints: Vec<Ident>,
    pub span: Span,
}

#[derive(Debug, Clone)]
pub enum ItemKind {
    Import(Import),
    Enum(Enum),
    Block(Block),
    Model(Block),
    Variant(Variant),
    Sweep(Sweep),
    Data(Data),
    Train(Train),
    Expect(Expect),
    /// `allow gridding, dead_bias`: warnings that the file silences.
    Allow(Vec<Ident>),
}

/// `import "blocks.model"` or `import std`.
#[derive(Debug, Clone)]
pub enum Import {
    Path(Spanned<String>),
    Std(Span),
}

/// `enum Attention { none, se, cam }`
#[derive(Debug, Clone)]
pub struct Enum {
    pub name: Ident,
    pub cases: Vec<Ident>,
}

/// A block or a model: they differ in what they promise, not in form.
#[derive(Debug, Clone)]
pub struct Block {
    pub name: Ident,
    pub params: Vec<Param>,
    /// The promise after `->`.
    pub result: Option<ResultType>,
    pub body: Body,
    /// From the keyword to the end of the promise (or of the parameter list).
    pub head: Span,
}

#[derive(Debug, Clone)]
pub struct Param {
    pub name: Ident,
    pub ty: ParamType,
    /// May be [`ExprKind::Hole`].
    pub default: Option<Expr>,
    pub span: Span,
}

#[derive(Debug, Clone)]
pub struct ParamType {
    pub kind: ParamTypeKind,
    pub span: Span,
}

#[derive(Debug, Clone)]
pub enum ParamTypeKind {
    /// `[c, h, w]` or `[c]`: a tensor input; each dim an expression.
    Tensor(Vec<Expr>),
    /// `index[c, h, w]`: pool indices.
    Index(Vec<Expr>),
    /// `int`, `float`, `bool`, `string` or the name of an enum.
    Scalar(Ident),
    /// `int[]`, `float[]`, ...
    List(Ident),
}

/// `-> [c, h, w]`, `-> ([c, h, w], index[c, h, w])` or `-> { main = [..], aux = [..] }`.
#[derive(Debug, Clone)]
pub struct ResultType {
    pub kind: ResultTypeKind,
    pub span: Span,
}

#[derive(Debug, Clone)]
pub enum ResultTypeKind {
    /// One type, always `Tensor` or `Index`.
    One(ParamType),
    Tuple(Vec<ParamType>),
    Record(Vec<(Ident, ParamType)>),
}

/// `= expr` is a body whose only statement is a `Return` with `short = true`.
#[derive(Debug, Clone)]
pub struct Body {
    pub stmts: Vec<Stmt>,
    /// Written as `= expr` and not in braces.
    pub short: bool,
    pub span: Span,
}

#[derive(Debug, Clone)]
pub struct Stmt {
    pub kind: StmtKind,
    pub span: Span,
}

#[derive(Debug, Clone)]
pub enum StmtKind {
    Let { target: LetTarget, value: Expr },
    For { var: Ident, iter: Expr, body: Vec<Stmt> },
    Require { cond: Expr, message: Option<Spanned<String>> },
    Return(Expr),
}

#[derive(Debug, Clone)]
pub enum LetTarget {
    One(NodeName),
    /// `let (p[i], idx[i]) = ...`
    Tuple(Vec<NodeName>),
}

/// `s`, `s[i + 1]`, `n[i, j]`
#[derive(Debug, Clone)]
pub struct NodeName {
    pub name: Ident,
    pub indices: Vec<Expr>,
    pub span: Span,
}

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

/// `variant NPNet_SE = NPNet(attention = se)`; `base` may be a variant.
#[derive(Debug, Clone)]
pub struct Variant {
    pub name: Ident,
    pub base: Ident,
    pub args: Vec<Arg>,
}

/// `sweep ablation = NPNet(attention = none | se | cam, reduction = 2 | 4 | 8) | UNet keep where params < 1M`
#[derive(Debug, Clone)]
pub struct Sweep {
    pub name: Ident,
    pub models: Models,
}

/// What a sweep goes through.
#[derive(Debug, Clone)]
pub struct Models {
    /// One or more grids, one after another.
    pub grids: Vec<Grid>,
    /// What a model must hold to be kept: all of it. None is `refuted`.
    pub keep: Vec<Claim>,
    /// The place of the word `keep`.
    pub keep_at: Option<Span>,
}

/// A model or variant with every combination of some values.
#[derive(Debug, Clone)]
pub struct Grid {
    pub base: Ident,
    /// Each name with its values; `16..65 step 16` stands there as 16, 32, 48 and 64.
    pub args: Vec<(Ident, Vec<Expr>)>,
}

/// `data cvc { key = value ... }`
#[derive(Debug, Clone)]
pub struct Data {
    pub name: Ident,
    pub entries: Vec<Entry>,
}

/// `train npnet_cvc = NPNet on cvc { key = value ... }`; `model` may be a call with hyper-parameters.
#[derive(Debug, Clone)]
pub struct Train {
    pub name: Ident,
    pub model: Ident,
    pub args: Vec<Arg>,
    pub data: Ident,
    pub entries: Vec<Entry>,
}

/// `key = value` in a `data` or `train` block; calls, lists and names are ordinary expressions.
#[derive(Debug, Clone)]
pub struct Entry {
    pub key: Ident,
    pub value: Expr,
}

/// `expect NPNet on cvc { params ~= 0.71M  macs(thop) ~= 2.17G  output == [2, 288, 384] }`
#[derive(Debug, Clone)]
pub struct Expect {
    pub model: Ident,
    pub args: Vec<Arg>,
    pub on: Option<Ident>,
    pub claims: Vec<Claim>,
}

#[derive(Debug, Clone)]
pub struct Claim {
    /// `params`, `macs(thop)`, `output`: a name or a call.
    pub quantity: Expr,
    pub relation: Spanned<Relation>,
    pub value: ClaimValue,
    /// `refuted "reason"`: the claim is known not to hold.
    pub refuted: Option<Spanned<String>>,
    pub span: Span,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Relation {
    /// `~=`: rounds to the digits written.
    Rounds,
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
}

/// The unit of an amount of memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bytes {
    /// `B`: a suffix before it is a power of 1000.
    Decimal,
    /// `iB`: the suffix before it is a power of 1024.
    Binary,
}

#[derive(Debug, Clone)]
pub enum ClaimValue {
    /// `0.71M`, `8GiB`: the digits as written, the suffix (`K`, `M`, `G`, `T` or none) and what it is of.
    Number { digits: String, suffix: Option<char>, bytes: Option<Bytes>, span: Span },
    /// Any other expression, for example `[2, 288, 384]`.
    Expr(Expr),
}
