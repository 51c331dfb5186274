//! Types whose dims are formulas, and conditions on formulas.

use super::{Dim, Shape, TensorType};
use std::fmt;
use std::sync::Arc;

/// Dims with a reference count, since most nodes have the size of their input.
pub type SharedDims = Arc<[Dim]>;

/// The type of one output of a node, with every dim as a formula in the image's height and width.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FormulaType {
    /// 32-bit floats of shape `[c, h, w]` or `[c]`.
    Tensor(SharedDims),
    /// Positions of the maxima of a max pool, as [`TensorType::Index`].
    Index {
        /// Dims of the pooled map; each of its elements has one index.
        pooled: SharedDims,
        /// Dims of the map that was pooled.
        from: SharedDims,
    },
}

impl FormulaType {
    /// Returns the type with constant dims, which holds at one size only.
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

    /// Returns the dims of the stored elements.
    pub fn dims(&self) -> &[Dim] {
        match self {
            FormulaType::Tensor(dims) | FormulaType::Index { pooled: dims, .. } => dims,
        }
    }

    /// Returns the dims of the stored elements without copying them.
    pub fn shared(&self) -> SharedDims {
        match self {
            FormulaType::Tensor(dims) | FormulaType::Index { pooled: dims, .. } => dims.clone(),
        }
    }

    /// Returns the first dim: the channels of a map, the length of a vector.
    pub fn channels(&self) -> &Dim {
        &self.dims()[0]
    }

    /// Returns the number of elements per image; `None` beyond the limits of a formula.
    pub fn elements(&self) -> Option<Dim> {
        self.dims().iter().try_fold(Dim::ONE, |n, d| n.times(d))
    }

    /// Returns the type at one image size. `None` where a dim is below 1, which means that the size is not accepted.
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
    /// The formula is 0.
    Zero(Dim),
    /// The formula is at least 0.
    NotNegative(Dim),
    /// The formula is not 0.
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

    /// Returns whether it holds for an image of `[height, width]`. Beyond 128 bits it does not.
    pub fn holds(&self, size: [usize; 2]) -> bool {
        self.dim().eval(size).is_some_and(|n| self.judge(n))
    }

    /// Returns whether it holds, where that depends on no size.
    pub fn as_const(&self) -> Option<bool> {
        self.dim().as_const().map(|n| self.judge(n))
    }
}

/// A condition in disjunctive normal form: in at least one of the lists all conditions must hold.
pub type Disjunction = Vec<Vec<Cond>>;

/// Constraints of operators on the image's size: conditions, each with its reason in words.
#[derive(Debug, Default)]
pub struct SizeConstraints(pub Vec<(Disjunction, String)>);

impl SizeConstraints {
    /// Adds a constraint that several conditions hold, unless they always do. `None` where one of them never holds, which
    /// means that the formulas are not those of this graph.
    pub fn all(&mut self, conds: impl IntoIterator<Item = Cond>, what: impl FnOnce() -> String) -> Option<()> {
        self.any([conds.into_iter().collect()], what)
    }

    /// Adds a constraint in disjunctive normal form, unless it always holds. `None` where it never holds.
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

/// The inputs from which an operator infers its output types as formulas, and its constraints on the image's size.
#[derive(Debug, Default)]
pub struct FormulaContext {
    /// Types of the inputs. The operator accepts them at one size at least.
    pub inputs: Vec<FormulaType>,
    /// The dims of `to` where the call writes formulas in the image's size, `resize(to = [2 * H, 2 * W])`; else empty.
    pub written: Vec<Dim>,
    /// The constraints under which the operator accepts its inputs.
    pub constraints: SizeConstraints,
}

impl FormulaContext {
    /// Returns the dims of an input that is a map; `None` for a vector.
    pub fn map(&self, input: usize) -> Option<[Dim; 3]> {
        match self.inputs.get(input)?.dims() {
            [c, h, w] => Some([c.clone(), h.clone(), w.clone()]),
            _ => None,
        }
    }

    /// Returns the height and width that the call gives, as formulas where it writes formulas.
    pub fn size(&self, size: [usize; 2]) -> [Dim; 2] {
        self.written.clone().try_into().unwrap_or(size.map(Dim::from))
    }

    /// Returns the type of the first input as the type of the only output.
    pub fn same(&self) -> Option<Vec<FormulaType>> {
        Some(vec![self.inputs.first()?.clone()])
    }

    /// Adds the constraint that `dim` is at least `least`.
    pub fn at_least(&mut self, dim: &Dim, least: i128, what: impl FnOnce() -> String) -> Option<()> {
        self.constraints.all([Cond::NotNegative(dim.plus_n(-least)?)], what)
    }

    /// Adds the constraint that `by` divides `dim`.
    pub fn divides(&mut self, by: usize, dim: &Dim, what: impl FnOnce() -> String) -> Option<()> {
        if dim.as_const().is_some() { Some(()) } else { self.constraints.all([Cond::Zero(dim.rem(by as i128)?)], what) }
    }
}
