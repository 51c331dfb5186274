//! Types whose dims are formulas, and what must hold of formulas.

use super::{Dim, Shape, TensorType};
use std::fmt;
use std::sync::Arc;

/// Shared: most nodes keep the size of their input.
pub type SharedDims = Arc<[Dim]>;

/// What one output of a node carries, with every dim as a formula in the image's height and width.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FormulaType {
    /// 32-bit floats of shape `[c, h, w]` or `[c]`.
    Tensor(SharedDims),
    /// The positions that max pooling found, as [`TensorType::Index`].
    Index {
        /// Dims of the pooled map, one index for each of its numbers.
        pooled: SharedDims,
        /// Dims of the map that was pooled.
        from: SharedDims,
    },
}

impl FormulaType {
    /// Without symbols: true at one size only.
    pub fn fixed(ty: &TensorType) -> Self {
        let dims = |shape: &Shape| shape.dims().iter().map(|&n| Dim::from(n)).collect();
        match ty {
            TensorType::Tensor(shape) => FormulaType::Tensor(dims(shape)),
            TensorType::Index { pooled, from } => FormulaType::Index { pooled: dims(pooled), from: dims(from) },
        }
    }

    /// Makes the type of a tensor of floats with these dims.
    pub fn tensor(dims: Vec<Dim>) -> Self {
        FormulaType::Tensor(dims.into())
    }

    /// Makes the type of a map of floats, `[channels, height, width]`.
    pub fn map(channels: Dim, height: Dim, width: Dim) -> Self {
        Self::tensor(vec![channels, height, width])
    }

    /// The dims of the stored numbers.
    pub fn dims(&self) -> &[Dim] {
        match self {
            FormulaType::Tensor(dims) | FormulaType::Index { pooled: dims, .. } => dims,
        }
    }

    /// Returns the dims of the stored numbers without a copy of them.
    pub fn shared(&self) -> SharedDims {
        match self {
            FormulaType::Tensor(dims) | FormulaType::Index { pooled: dims, .. } => dims.clone(),
        }
    }

    /// Returns the first dim: the channels of a map, the length of a vector.
    pub fn channels(&self) -> &Dim {
        &self.dims()[0]
    }

    /// Numbers per image.
    pub fn elements(&self) -> Option<Dim> {
        self.dims().iter().try_fold(Dim::ONE, |n, d| n.times(d))
    }

    /// The type at one image size. `None` where a dim is below 1 there: the size is not accepted.
    pub fn at(&self, size: [usize; 2]) -> Option<TensorType> {
        let shape = |dims: &[Dim]| {
            let dims: Option<Vec<usize>> =
                dims.iter().map(|d| usize::try_from(d.eval(size)?).ok().filter(|n| *n > 0)).collect();
            dims.map(Shape::new)
        };
        Some(match self {
            FormulaType::Tensor(dims) => TensorType::Tensor(shape(dims)?),
            FormulaType::Index { pooled, from } => TensorType::Index { pooled: shape(pooled)?, from: shape(from)? },
        })
    }
}

impl fmt::Display for FormulaType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (word, dims) = match self {
            FormulaType::Tensor(dims) => ("", dims),
            FormulaType::Index { from, .. } => ("index", from),
        };
        let dims: Vec<String> = dims.iter().map(Dim::to_string).collect();
        write!(f, "{word}[{}]", dims.join(", "))
    }
}

/// A condition on formulas.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Cond {
    /// It is 0.
    Zero(Dim),
    /// It is 0 or more.
    NotNegative(Dim),
    /// It is anything but 0.
    NotZero(Dim),
}

impl Cond {
    /// Returns the formula that the condition is about.
    pub fn dim(&self) -> &Dim {
        match self {
            Cond::Zero(dim) | Cond::NotNegative(dim) | Cond::NotZero(dim) => dim,
        }
    }

    fn judge(&self, n: i128) -> bool {
        match self {
            Cond::Zero(_) => n == 0,
            Cond::NotNegative(_) => n >= 0,
            Cond::NotZero(_) => n != 0,
        }
    }

    /// Whether it holds for an image of `[height, width]`; beyond 128 bits nothing does.
    pub fn holds(&self, size: [usize; 2]) -> bool {
        self.dim().eval(size).is_some_and(|n| self.judge(n))
    }

    /// Its truth, where that depends on no size.
    pub fn as_const(&self) -> Option<bool> {
        self.dim().as_const().map(|n| self.judge(n))
    }
}

/// What must hold of the image's size: one of the lists, all of its conditions.
pub type Disjunction = Vec<Vec<Cond>>;

/// What operators demand of the image's size, in words and as conditions.
#[derive(Debug, Default)]
pub struct SizeConstraints(pub Vec<(Disjunction, String)>);

impl SizeConstraints {
    /// Adds a demand, unless it always holds. `None` when one that never holds is asked for: the formulas are not those
    /// of this graph.
    pub fn all(&mut self, conds: impl IntoIterator<Item = Cond>, what: impl FnOnce() -> String) -> Option<()> {
        self.any([conds.into_iter().collect()], what)
    }

    /// Adds a demand that several lists of conditions meet.
    pub fn any(&mut self, lists: impl IntoIterator<Item = Vec<Cond>>, what: impl FnOnce() -> String) -> Option<()> {
        let mut any = Disjunction::new();
        for list in lists {
            if list.iter().any(|c| c.as_const() == Some(false)) {
                continue;
            }
            let open: Vec<Cond> = list.into_iter().filter(|c| c.as_const().is_none()).collect();
            if open.is_empty() {
                return Some(());
            }
            any.push(open);
        }
        if any.is_empty() {
            return None;
        }
        self.0.push((any, what()));
        Some(())
    }
}

/// What an operator is told when it is asked for its output types as formulas, and where it puts its demands.
#[derive(Debug, Default)]
pub struct FormulaContext {
    /// Types of the inputs; at one size the operator accepts them.
    pub inputs: Vec<FormulaType>,
    /// The dims of `to`, where the call gives them as formulas of the image's size: `resize(to = [2 * H, 2 * W])`. Else
    /// empty.
    pub written: Vec<Dim>,
    /// What must hold of the image's size for the operator to accept its inputs.
    pub constraints: SizeConstraints,
}

impl FormulaContext {
    /// The dims of a map; an operator that asks has been given one.
    pub fn map(&self, input: usize) -> Option<[Dim; 3]> {
        match self.inputs.get(input)?.dims() {
            [c, h, w] => Some([c.clone(), h.clone(), w.clone()]),
            _ => None,
        }
    }

    /// Height and width that the call gives, as formulas where it writes them so.
    pub fn size(&self, size: [usize; 2]) -> [Dim; 2] {
        self.written.clone().try_into().unwrap_or(size.map(Dim::from))
    }

    /// Returns the type of the first input as that of the only output.
    pub fn same(&self) -> Option<Vec<FormulaType>> {
        Some(vec![self.inputs.first()?.clone()])
    }

    /// Demands that `dim` is `least` or more.
    pub fn at_least(&mut self, dim: &Dim, least: i128, what: impl FnOnce() -> String) -> Option<()> {
        self.constraints.all([Cond::NotNegative(dim.plus_n(-least)?)], what)
    }

    /// Demands that `by` divides `dim`.
    pub fn divides(&mut self, by: usize, dim: &Dim, what: impl FnOnce() -> String) -> Option<()> {
        if dim.as_const().is_some() { Some(()) } else { self.constraints.all([Cond::Zero(dim.rem(by as i128)?)], what) }
    }
}
