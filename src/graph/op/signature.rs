//! Call forms of operators: inputs, arguments with their types, and the function that builds the operator.

use super::conv_padding::ConvPadding;
use super::refusal::Refusal;

/// The type of an operator's argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ArgKind {
    /// An integer of at least `min`.
    Int {
        /// The smallest integer that is accepted.
        min: usize,
    },
    /// One integer for both axes or `[vertical, horizontal]`, each at least `min`.
    Pair {
        /// The smallest integer that is accepted.
        min: usize,
    },
    /// `same`, an integer or a pair.
    Pad,
    /// A number, whole or not.
    Float,
    /// `true` or `false`.
    Bool,
    /// One of these words.
    Word(&'static [&'static str]),
    /// A tensor that provides height and width, or `[h, w]`.
    Size,
    /// An integer for all sides, `[vertical, horizontal]` or `[top, bottom, left, right]`.
    Sides,
    /// `[c, h, w]` or `[c]`; one of them may be -1.
    Dims,
}

impl ArgKind {
    /// Describes the expected value, for messages.
    pub fn describe(self) -> String {
        match self {
            ArgKind::Int { min } => format!("an integer of at least {min}"),
            ArgKind::Pair { min } => format!("an integer or a pair of integers of at least {min}"),
            ArgKind::Pad => "`same`, an integer or a pair".into(),
            ArgKind::Float => "a number".into(),
            ArgKind::Bool => "`true` or `false`".into(),
            ArgKind::Word(words) => format!("one of {}", words.join(", ")),
            ArgKind::Size => "a tensor or [height, width]".into(),
            ArgKind::Dims => "[channels, height, width] or [channels], of which one may be -1".into(),
            ArgKind::Sides => "an integer, a pair or [top, bottom, left, right]".into(),
        }
    }
}

/// An argument that was checked against its [`ArgKind`].
#[derive(Debug, Clone, PartialEq)]
pub enum ArgValue {
    /// Value of [`ArgKind::Int`].
    Int(usize),
    /// Value of [`ArgKind::Pair`]: vertical, horizontal. A single integer is repeated.
    Pair([usize; 2]),
    /// Value of [`ArgKind::Pad`].
    Pad(ConvPadding),
    /// Value of [`ArgKind::Float`].
    Float(f64),
    /// Value of [`ArgKind::Bool`].
    Bool(bool),
    /// Value of [`ArgKind::Word`]: one of its words.
    Word(&'static str),
    /// Value of [`ArgKind::Size`] that is written in numbers: height and width in pixels.
    Size([usize; 2]),
    /// Value of [`ArgKind::Sides`]: top, bottom, left, right.
    Sides([usize; 4]),
    /// Value of [`ArgKind::Dims`]; `None` represents -1.
    Dims(Vec<Option<usize>>),
    /// Value of [`ArgKind::Size`] that is a tensor, which becomes a second input.
    Like,
}

/// One argument of a call form.
#[derive(Debug, Clone, Copy)]
pub struct ArgSpec {
    /// The name, as in `stride = 2`.
    pub name: &'static str,
    /// The accepted values.
    pub kind: ArgKind,
    /// Whether every call must give it. `build` may require more: `resize` takes either `factor` or `to`.
    pub required: bool,
}

/// The call form of an operator. The first of `args` may be positional.
pub struct CallForm<T> {
    /// The operator's name in the language.
    pub name: &'static str,
    /// Names of the tensor inputs; the piped value is the first.
    pub inputs: &'static [&'static str],
    /// Whether any number of inputs is accepted (`concat`) and lists are flattened.
    pub variadic: bool,
    /// The arguments besides the tensor inputs.
    pub args: &'static [ArgSpec],
    /// Builds the operator from checked arguments. Errors: a refusal about a single argument.
    pub build: fn(&OperatorArgs) -> Result<T, Refusal>,
    /// One line for help texts.
    pub summary: &'static str,
}

impl<T> Clone for CallForm<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for CallForm<T> {}

impl<T> CallForm<T> {
    /// Returns the call form of an operator with one input and no arguments.
    pub(super) const fn plain(
        name: &'static str,
        build: fn(&OperatorArgs) -> Result<T, Refusal>,
        summary: &'static str,
    ) -> Self {
        Self { name, inputs: &["x"], variadic: false, args: &[], build, summary }
    }
}

/// Counts the call forms of all lists.
pub(super) const fn total_count<T>(lists: &[&[CallForm<T>]]) -> usize {
    let (mut count, mut at) = (0, 0);
    while at < lists.len() {
        count += lists[at].len();
        at += 1;
    }
    count
}

/// Concatenates the lists; `N` is their [`total_count`].
pub(super) const fn concat_lists<T, const N: usize>(lists: &[&[CallForm<T>]]) -> [CallForm<T>; N] {
    let mut all = [lists[0][0]; N];
    let (mut next, mut at) = (0, 0);
    while at < lists.len() {
        let mut within = 0;
        while within < lists[at].len() {
            all[next] = lists[at][within];
            next += 1;
            within += 1;
        }
        at += 1;
    }
    all
}

/// Declares an optional argument.
pub(super) const fn arg(name: &'static str, kind: ArgKind) -> ArgSpec {
    ArgSpec { name, kind, required: false }
}

/// Declares a required argument.
pub(super) const fn required(name: &'static str, kind: ArgKind) -> ArgSpec {
    ArgSpec { name, kind, required: true }
}

pub(super) const ONE: ArgKind = ArgKind::Int { min: 1 };
pub(super) const PAIR: ArgKind = ArgKind::Pair { min: 1 };
pub(super) const PAIR0: ArgKind = ArgKind::Pair { min: 0 };

/// Arguments of a call by name, each of the kind that its [`ArgSpec`] requires.
#[derive(Debug, Default)]
pub struct OperatorArgs(pub Vec<(&'static str, ArgValue)>);

impl OperatorArgs {
    /// Returns the argument of this name, if the call has it.
    pub fn get(&self, name: &str) -> Option<&ArgValue> {
        self.0.iter().find(|(n, _)| *n == name).map(|(_, v)| v)
    }

    pub(super) fn int(&self, name: &str, default: usize) -> usize {
        if let Some(ArgValue::Int(n)) = self.get(name) { *n } else { default }
    }

    pub(super) fn pair(&self, name: &str, default: [usize; 2]) -> [usize; 2] {
        if let Some(ArgValue::Pair(p)) = self.get(name) { *p } else { default }
    }

    pub(super) fn float(&self, name: &str, default: f64) -> f64 {
        if let Some(ArgValue::Float(x)) = self.get(name) { *x } else { default }
    }

    pub(super) fn bool(&self, name: &str, default: bool) -> bool {
        if let Some(ArgValue::Bool(b)) = self.get(name) { *b } else { default }
    }

    /// Returns the integer of this name, if the call has it.
    pub(super) fn given_int(&self, name: &str) -> Option<usize> {
        if let Some(ArgValue::Int(n)) = self.get(name) { Some(*n) } else { None }
    }

    pub(super) fn given_pair(&self, name: &str) -> Option<[usize; 2]> {
        if let Some(ArgValue::Pair(p)) = self.get(name) { Some(*p) } else { None }
    }
}
