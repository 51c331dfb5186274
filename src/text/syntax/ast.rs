//! The syntax tree of a model file, as written: nothing resolved, nothing evaluated.
//!
//! Node names equal the rule names of `grammar/npc.pest` in CamelCase. Every node that a message may point at carries
//! its [`Span`]. Comments are not in the tree: the formatter takes them from the source by position.

mod block;
mod claim;
mod expr;
mod statement;
mod variant;

pub use block::{Block, Param, ParamType, ParamTypeKind, ResultType, ResultTypeKind};
pub use claim::{Bytes, Claim, ClaimValue, Expect, Relation};
pub use expr::{Arg, Arm, BinaryOp, Call, Expr, ExprKind, Ident, Pattern, UnaryOp};
pub use statement::{Body, LetTarget, NodeName, Stmt, StmtKind};
pub use variant::{Grid, Models, Sweep, Variant};

use crate::text::source::{Span, Spanned};

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
