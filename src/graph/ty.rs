//! Types of tensors: shapes, and what an edge of the graph carries.
//!
//! The module uses no other part of npc's graph. The batch axis is implicit everywhere: a shape is
//! `[channels, height, width]` or `[features]`.

mod dim;
mod formula;

pub(crate) use dim::lcm;
pub use dim::{Dim, DimSum};
pub use formula::{Cond, Disjunction, FormulaContext, FormulaType, SharedDims, SizeConstraints};
use std::fmt;

/// `[c, h, w]` or `[c]`, without the batch axis. Every dim is at least 1.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Shape {
    // Without a heap allocation, since each node of a graph has one and every pass copies them. Dims past the rank are 0.
    dims: [usize; 3],
    rank: u8,
}

impl Shape {
    /// Makes a shape of at most three dims.
    pub fn new(dims: impl AsRef<[usize]>) -> Self {
        let given = dims.as_ref();
        debug_assert!(given.iter().all(|&d| d > 0), "empty dim in {given:?}");
        let mut dims = [0; 3];
        dims[..given.len()].copy_from_slice(given);
        Self { dims, rank: given.len() as u8 }
    }

    /// Makes the shape `[channels, height, width]`.
    pub fn map(channels: usize, height: usize, width: usize) -> Self {
        Self::new([channels, height, width])
    }

    /// Returns the dims: `[c, h, w]`, or `[c]` for a vector.
    pub fn dims(&self) -> &[usize] {
        &self.dims[..self.rank.into()]
    }

    /// Returns the first dim: the channels of a map, the length of a vector.
    pub fn channels(&self) -> usize {
        self.dims[0]
    }

    /// Height and width, if this is a map and not a vector.
    pub fn spatial(&self) -> Option<[usize; 2]> {
        match *self.dims() {
            [_, h, w] => Some([h, w]),
            _ => None,
        }
    }

    /// Numbers per image. Saturates; the checker refuses shapes that large.
    pub fn elements(&self) -> u64 {
        self.dims().iter().fold(1, |n, &d| n.saturating_mul(d as u64))
    }
}

impl fmt::Debug for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Shape").field(&self.dims()).finish()
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[")?;
        for (i, d) in self.dims().iter().enumerate() {
            if i > 0 {
                f.write_str(", ")?;
            }
            write!(f, "{d}")?;
        }
        f.write_str("]")
    }
}

/// The type of one output of a node.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum TensorType {
    /// 32-bit floats.
    Tensor(Shape),
    /// The positions in a map of shape `from` of the maxima that make up the pooled map of shape `pooled`. Written
    /// `index[c, h, w]` with the dims of `from`, which unpooling restores.
    Index {
        /// Shape of the pooled map; each of its elements has one index.
        pooled: Shape,
        /// Shape of the map that was pooled.
        from: Shape,
    },
}

impl TensorType {
    /// Returns the shape of the stored elements.
    pub fn shape(&self) -> &Shape {
        match self {
            TensorType::Tensor(shape) => shape,
            TensorType::Index { pooled, .. } => pooled,
        }
    }

    /// Returns the shape of a tensor of floats; `None` for indices.
    pub fn tensor(&self) -> Option<&Shape> {
        match self {
            TensorType::Tensor(shape) => Some(shape),
            TensorType::Index { .. } => None,
        }
    }
}

impl fmt::Display for TensorType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TensorType::Tensor(shape) => shape.fmt(f),
            TensorType::Index { from, .. } => write!(f, "index{from}"),
        }
    }
}
