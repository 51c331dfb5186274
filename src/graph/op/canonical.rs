//! Canonical forms of operators: equal functions have equal forms, whatever the operators are called.

use crate::graph::ty::{Dim, FormulaType};

/// The canonical form of one output. Operators with equal forms and equal inputs compute the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CanonicalForm {
    /// The first input, unchanged.
    Unchanged,
    /// A function of the inputs that are read, without weights.
    Function(String),
    /// A function with its own weights or random numbers: two of them are never equal.
    Own(String),
    /// A function of any number of inputs in any order.
    Commuting(&'static str),
    /// Channels `from..to` of the first input.
    Channels {
        /// The first channel, counted from 0.
        from: usize,
        /// One past the last channel.
        to: usize,
    },
    /// All inputs joined along their channels.
    Joined,
}

/// The surroundings of an operator in a graph.
#[derive(Debug)]
pub struct NodeContext<'a> {
    /// Types of the inputs, at least one.
    pub inputs: Vec<&'a FormulaType>,
    /// Type of the first output.
    pub output: &'a FormulaType,
    /// Channels of the first output at the size of the graph.
    pub channels: usize,
    /// Canonical form of the first input.
    pub before: &'a str,
}

impl NodeContext<'_> {
    /// Checks whether the first input has one pixel at every image size; a vector has one.
    pub fn reads_one_pixel(&self) -> bool {
        self.inputs[0].dims().iter().skip(1).all(|d| *d == Dim::ONE)
    }

    /// Checks whether the output has the shape of the first input; a vector counts as a map of one pixel.
    pub fn keeps_shape(&self) -> bool {
        as_map(self.inputs[0]) == as_map(self.output)
    }

    /// Checks whether the output has the height and width of the first input.
    pub fn keeps_size(&self) -> bool {
        as_map(self.inputs[0])[1..] == as_map(self.output)[1..]
    }

    /// Formats height and width of the output as formulas; an empty list for a vector.
    pub fn size(&self) -> String {
        dims_text(&self.output.dims()[1..])
    }

    /// Formats the shape of the output as formulas; a vector counts as a map of one pixel.
    pub fn shape(&self) -> String {
        dims_text(&as_map(self.output))
    }
}

fn dims_text(dims: &[Dim]) -> String {
    let dims: Vec<String> = dims.iter().map(Dim::to_string).collect();
    format!("[{}]", dims.join(", "))
}

/// Returns `[c, h, w]`; a vector counts as a map of one pixel.
fn as_map(ty: &FormulaType) -> Vec<Dim> {
    let mut dims = ty.dims().to_vec();
    dims.resize(3, Dim::ONE);
    dims
}
