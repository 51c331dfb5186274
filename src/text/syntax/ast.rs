//! The syntax tree of a model file, before resolution and evaluation.
//!
//! Nodes are named after the rules of `grammar/npc.pest` in CamelCase. Every node that a message may point at has a [`Span`].
//! Comments are not in the tree; the formatter takes them from the source by position.

mod block;
mod claim;
mod expr;
mod statement;
mod variant;

pub use block::{Block, Param, ParamType, ParamTypeKind, ResultType, ResultTypeKind};
pub use claim::{ByteUnit, Claim, ClaimValue, Expect, Relation};
pub use expr::{Arg, Arm, BinaryOp, Call, Expr, ExprKind, Ident, Pattern, UnaryOp};
pub use statement::{Body, LetTarget, NodeName, Stmt, StmtKind};
pub use variant::{ModelGrid, Sweep, SweepModels, Variant};

use crate::text::source::{Span, Spanned};

/// A whole model file: its edition line and its items.
#[derive(Debug, Clone, Default)]
pub struct File {
    /// Number on the line `npc 1`, if the file has it.
    pub edition: Option<Spanned<u32>>,
    /// The items that could be parsed, in the order of the text.
    pub items: Vec<FileItem>,
    /// Names of items left out because of syntax errors, so that their uses are not reported as errors.
    pub broken: Vec<Ident>,
}

/// One item of a file (rule `item`): a keyword such as `model` with its content, and the docs and attributes above it.
#[derive(Debug, Clone)]
pub struct FileItem {
    /// Text of the `///` lines directly above, without the slashes and one leading space.
    pub docs: Vec<String>,
    /// `@allow(...)` lines between the docs and the keyword.
    pub attributes: Vec<Attribute>,
    /// Kind of the item, with its content.
    pub kind: ItemKind,
    /// Span from the keyword to the end of the item.
    pub span: Span,
}

/// `@allow(gridding, dead_bias)`: warnings that are silenced for the item below it.
#[derive(Debug, Clone)]
pub struct Attribute {
    /// Names of lints in the parentheses, in the order written.
    pub lints: Vec<Ident>,
    /// Span from `@` to the closing parenthesis.
    pub span: Span,
}

/// The kinds of items; one variant for each keyword that starts an item.
#[derive(Debug, Clone)]
pub enum ItemKind {
    /// `import`: the items of another file, the block library, or a built-in network.
    Import(Import),
    /// `enum`: a type whose values are names.
    Enum(Enum),
    /// `block`: a part of networks that models and other blocks call.
    Block(Block),
    /// `model`: a network. It has the form of a block, always with a result type.
    Model(Block),
    /// `variant`: a model with some hyper-parameters fixed.
    Variant(Variant),
    /// `sweep`: a set of models to be compared.
    Sweep(Sweep),
    /// `data`: the settings of a data set.
    Data(Data),
    /// `train`: the settings of a training run.
    Train(Train),
    /// `expect`: claims about a model.
    Expect(Expect),
    /// `allow gridding, dead_bias`: warnings that the file silences.
    Allow(Vec<Ident>),
}

/// `import "blocks.model"`, `import std` or `import std.npnet`.
#[derive(Debug, Clone)]
pub enum Import {
    /// A path in quotes, relative to the file that contains the import; its span includes the quotes.
    Path(Spanned<String>),
    /// The built-in block library, with the span of the word `std`.
    Std(Span),
    /// A built-in network, by the name after `std.`.
    StdModel(Ident),
}

/// `enum Attention { none, se, cam }`
#[derive(Debug, Clone)]
pub struct Enum {
    /// Name of the type, as parameters name it: `kind: Attention`.
    pub name: Ident,
    /// Names of the values, in the order written.
    pub cases: Vec<Ident>,
}

/// `data cvc { key = value ... }`
#[derive(Debug, Clone)]
pub struct Data {
    /// Name that `train` and `expect` items and `--on` refer to.
    pub name: Ident,
    /// Settings in the braces, in the order of the text; keys that are left out have their defaults.
    pub entries: Vec<Entry>,
}

/// `train npnet_cvc = NPNet on cvc { key = value ... }`; `model` may be a call with hyper-parameters.
#[derive(Debug, Clone)]
pub struct Train {
    /// Name of the run, as in `npc train FILE NAME`.
    pub name: Ident,
    /// Name of the model or variant that is trained.
    pub model: Ident,
    /// Hyper-parameters in parentheses after the model; may be empty.
    pub args: Vec<Arg>,
    /// Name of the `data` item after `on`.
    pub data: Ident,
    /// Settings in the braces, in the order of the text; keys that are left out have their defaults.
    pub entries: Vec<Entry>,
}

/// `key = value` in a `data` or `train` block; calls, lists and names are ordinary expressions.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Name of the setting, as written.
    pub key: Ident,
    /// Value after `=`; the schema of the block checks whether the key accepts it.
    pub value: Expr,
}
