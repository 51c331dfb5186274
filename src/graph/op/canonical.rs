//! What an operator computes, whatever it is called: one spelling for everything that is the same function.

use crate::graph::ty::{Dim, FormulaType};

/// The canonical form of one output. Operators with equal forms of equal inputs compute the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CanonicalForm {
    /// The first input, unchanged.
    Unchanged,
    /// A function of the inputs that are read.
    Function(String),
    /// The same with weights, or random numbers, of its own: two of them are never one.
    Own(String),
    /// A function of any number of inputs in any order.
    Commuting(&'static str),
    /// Channels `from` to `to` of the first input, the last not included.
    Channels {
        /// The first channel, counted from 0.
        from: usize,
        /// One beyond the last channel.
        to: usize,
    },
    /// All inputs joined along their channels.
    Joined,
}

/// Where an operator stands in a graph.
#[derive(Debug)]
pub struct NodeContext<'a> {
    /// At least one.
    pub inputs: Vec<&'a FormulaType>,
    /// The first output.
    pub output: &'a FormulaType,
    /// Of the first output, at the size of the graph.
    pub channels: usize,
    /// The canonical spelling of what gives the first input.
    pub before: &'a str,
}

impl NodeContext<'_> {
    /// Whether both axes of the first input, or the missing ones of a vector, have one pixel at every image size.
    pub fn reads_one_pixel(&self) -> bool {
        self.inputs[0].dims().iter().skip(1).all(|d| *d == Dim::ONE)
    }

    /// Whether the output has the shape of the first input, a vector counting as a map of one pixel.
    pub fn keeps_shape(&self) -> bool {
        as_map(self.inputs[0]) == as_map(self.output)
    }

    /// The same of height and width.
    pub fn keeps_size(&self) -> bool {
        as_map(self.inputs[0])[1..] == as_map(self.output)[1..]
    }

    /// Height and width of the output as formulas; nothing for a vector.
    pub fn size(&self) -> String {
        dims_text(&self.output.dims()[1..])
    }

    /// The shape of the output as formulas, a vector counting as a map of one pixel.
    pub fn shape(&self) -> String {
        dims_text(&as_map(self.output))
    }
}

fn dims_text(dims: &[Dim]) -> String {
    let dims: Vec<String> = dims.iter().map(Dim::to_string).collect();
    format!("[{}]", dims.join(", "))
}

/// `[c, h, w]`, a vector counting as a map of one pixel.
fn as_map(ty: &FormulaType) -> Vec<Dim> {
    let mut dims = ty.dims().to_vec();
    dims.resize(3, Dim::ONE);
    dims
}
